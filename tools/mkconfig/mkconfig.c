/* mkconfig - what a device needs before its first start: its CONFIG record and its random seed
 *
 * Into a flash image, in the format of port/flash (the store itself writes it), or the CONFIG
 * record alone, as a file that is compiled into a firmware image or sent over its console.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acme_crypto.h"
#include "acme_eab.h"
#include "acme_name.h"
#include "acme_pem.h"
#include "acme_provision.h"
#include "acme_store.h"
#include "acme_url.h"
#include "flash_slots.h"
#include "mkconfig.h"
#include "posix_sys.h"

static const char usage[] =
    "usage: mkconfig [options] (--image FILE | --record FILE | --hex)\n"
    "  --directory URL     the CA's directory (https)\n"
    "  --server URL        another CA, when that one cannot be had; may be repeated\n"
    "  --staging-server URL  sees a proof again that has failed, before the CA does\n"
    "  -d NAME             a name for the certificate; may be repeated\n"
    "  --contact EMAIL     for the CA's account\n"
    "  --ca-file PEM       trust anchors for the CA's own TLS; may be repeated\n"
    "  --agree-tos         a person has read the CA's terms and agrees\n"
    "  --eab-kid KID --eab-hmac-key-file FILE   external account binding (base64url), for the\n"
    "                      CA that is named before it; without one for the first\n"
    "  --eab-alg ALG       HS256 (default) HS384 HS512\n"
    "  --profile NAME      of the CA's; --required-profile NAME: that one or none\n"
    "  --preferred-chain ISSUER, --shortest-chain   which of the CA's chains\n"
    "  --dns-server ADDR[:PORT], --tsig-key-file FILE, --dns-only-primary   for dns-01, as "
    "lwacme's\n"
    "  --sntp HOST         time server, when DHCP names none\n"
    "  --key-type TYPE     p256 (default), or p384 rsa2048 rsa3072 rsa4096 where the board can\n"
    "  --account-key-type TYPE\n"
    "  --image FILE        write into this flash image; made when it is not there\n"
    "  --seed HEX|random   put this seed (64 hex digits) into the image: one for each device\n"
    "  --record FILE       write the record alone\n"
    "  --hex               ... as console lines\n"
    "geometry (the defaults are those of emcraft-sf2):\n"
    "  --size N (16777216) --offset N (0) --sector N (65536) --sectors N (8) --page N (256)\n"
    "  --align N (1)\n";

struct image {
    uint8_t *bytes;
    size_t size, offset;
    struct flash_dev dev;
};

static struct image img = {
    .size = 16u << 20,
    .dev = {.sector_size = 65536, .sectors = 8, .page = 256, .align = 1, .burst = 255}};
static struct acme_provision provision;
static uint8_t anchor_room[ACME_PROVISION_ANCHORS][4096];
static uint8_t record[32768];
static uint8_t seed[ACME_DEVICE_SEED_SIZE];
static bool has_seed;
static const char *eab_kid, *eab_key_file, *eab_alg;
static struct acme_slice *binding = &provision.eab; /* whose they are */

void die(const char *what, const char *which)
{
    fprintf(stderr, "mkconfig: %s%s%s\n", what, which != NULL ? ": " : "",
            which != NULL ? which : "");
    exit(1);
}

/* ---- a flash chip in memory ---- */

static int chip_erase(void *ctx, uint32_t sector)
{
    struct image *m = ctx;

    memset(m->bytes + m->offset + (size_t)sector * m->dev.sector_size, 0xff, m->dev.sector_size);
    return ACME_OK;
}

static int chip_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    struct image *m = ctx;

    for (size_t i = 0; i < len; i++)
        m->bytes[m->offset + addr + i] &= ((const uint8_t *)data)[i];
    return ACME_OK;
}

static int chip_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    struct image *m = ctx;

    memcpy(buf, m->bytes + m->offset + addr, len);
    return ACME_OK;
}

static void image_open(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (img.offset + (size_t)img.dev.sectors * img.dev.sector_size > img.size)
        die("the slots do not fit into the image", NULL);
    img.bytes = malloc(img.size);
    if (img.bytes == NULL)
        die("no memory", NULL);
    memset(img.bytes, 0xff, img.size);
    img.dev.ctx = &img;
    img.dev.erase = chip_erase;
    img.dev.program = chip_program;
    img.dev.read = chip_read;
    if (f == NULL && errno == ENOENT)
        return;
    if (f == NULL || fread(img.bytes, 1, img.size, f) != img.size || fgetc(f) != EOF)
        die("not an image of --size bytes", path);
    fclose(f);
}

/* It holds a secret: readable by its owner alone from the start. */
static void file_write(const char *path, const void *data, size_t len)
{
    FILE *f;

    (void)umask(077);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
        die(strerror(errno), path);
}

static void store(struct flash_slots *fs, enum acme_slot slot, const void *data, size_t len)
{
    int err;

    do
        err = flash_slots_write(fs, slot, "", data, len);
    while (err == ACME_AGAIN);
    if (err != ACME_OK)
        die("the store refuses the record", acme_err_words(err));
}

static void image_write(const char *path, size_t config_len)
{
    static struct flash_slots fs;
    struct acme_record_writer w;
    uint8_t device[128];
    int n;

    image_open(path);
    do
        n = flash_slots_mount(&fs, &img.dev);
    while (n == ACME_AGAIN);
    if (n != ACME_OK)
        die("the image cannot be used", acme_err_words(n));
    if (config_len > 0)
        store(&fs, ACME_SLOT_CONFIG, record, config_len);
    if (has_seed) {
        acme_record_begin(&w, (struct acme_span){device, sizeof device}, ACME_SLOT_DEVICE, 0);
        acme_record_bytes(&w, ACME_DEVICE_SEED, seed, sizeof seed);
        acme_record_u64(&w, ACME_DEVICE_BOOTS, 0);
        acme_record_i64(&w, ACME_DEVICE_FLOOR, 0);
        n = acme_record_end(&w);
        store(&fs, ACME_SLOT_DEVICE, device, (size_t)n);
    }
    file_write(path, img.bytes, img.size);
    free(img.bytes);
}

/* ---- options ---- */

static void add_name(const char *text)
{
    struct acme_name name;
    const char *why = "";

    if (provision.names_count == ACME_MAX_NAMES)
        die("too many names", text);
    if (acme_name_read(acme_slice_text(text), &name, &why) != ACME_OK)
        die(why, text);
    provision.names[provision.names_count] = strdup(name.text);
    if (provision.names[provision.names_count++] == NULL)
        die("no memory", NULL);
}

static void add_anchors(const char *path)
{
    static uint8_t text[65536];
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(text, 1, sizeof text, f) : 0;
    struct acme_slice rest = {text, len}, body;
    int n, found = 0;

    if (f == NULL || len == 0 || len == sizeof text)
        die("cannot read the trust anchors (64 KB at most)", path);
    fclose(f);
    for (; acme_pem_next(&rest, &body); found++) {
        if (provision.anchors_count == ACME_PROVISION_ANCHORS)
            die("a device takes no more than four trust anchors", path);
        n = acme_pem_decode(anchor_room[provision.anchors_count], sizeof anchor_room[0], body);
        if (n < 0)
            die("not a certificate in PEM", path);
        provision.anchors[provision.anchors_count] =
            acme_slice_of(anchor_room[provision.anchors_count], (size_t)n);
        provision.anchors_count++;
    }
    if (found == 0)
        die("no certificate in PEM", path);
}

static void read_seed(const char *text)
{
    static const char digits[] = "0123456789abcdef";

    has_seed = true;
    if (strcmp(text, "random") == 0) {
        if (posix_entropy(NULL, seed, sizeof seed) != ACME_OK)
            die("no random numbers", NULL);
        return;
    }
    if (strlen(text) != 2 * sizeof seed)
        die("--seed wants 64 hex digits, or `random`", NULL);
    for (size_t i = 0; i < 2 * sizeof seed; i++) {
        const char *d = strchr(digits, text[i]);
        if (d == NULL)
            die("--seed wants 64 hex digits, or `random`", NULL);
        seed[i / 2] = (uint8_t)(seed[i / 2] << 4 | (uint8_t)(d - digits));
    }
}

static void add_binding(void)
{
    static uint8_t room[ACME_MAX_SERVERS + 1][1024];
    static size_t used;
    uint8_t *packed = room[used];
    char text[1400];
    const char *why = "";
    FILE *f;
    size_t len;
    int n;

    if (eab_kid == NULL && eab_key_file == NULL)
        return;
    if (eab_kid == NULL || eab_key_file == NULL)
        die("--eab-kid and --eab-hmac-key-file go together", NULL);
    f = fopen(eab_key_file, "rb");
    if (f == NULL)
        die(strerror(errno), eab_key_file);
    len = fread(text, 1, sizeof text, f);
    fclose(f);
    n = acme_eab_pack((struct acme_span){packed, sizeof room[0]}, eab_alg, eab_kid,
                      acme_slice_of(text, len), &why);
    if (n < 0)
        die(why, eab_key_file);
    *binding = acme_slice_of(packed, (size_t)n);
    used++;
    eab_kid = eab_key_file = eab_alg = NULL;
}

/* What was said of a binding is of the server before this one. */
static void add_server(const char *url, bool staging)
{
    struct acme_server *s = &provision.staging;
    struct acme_url parts;

    if (acme_url_read(acme_slice_text(url), &parts) != ACME_OK)
        die("a server must be a plain https URL", url);
    if (!staging && provision.more_servers_count == ACME_MAX_SERVERS - 1)
        die("too many servers", url);
    if (staging && s->url != NULL)
        die("one --staging-server is enough", url);
    add_binding();
    if (!staging)
        s = &provision.more_servers[provision.more_servers_count++];
    s->url = url;
    binding = &s->eab;
}

static size_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 0);

    if (*text == '\0' || *end != '\0' || value > (1ul << 30))
        die("not a number", text);
    return value;
}

static const struct option options[] = {
    {"directory", required_argument, NULL, 'D'},
    {"server", required_argument, NULL, 'B'},
    {"staging-server", required_argument, NULL, 'T'},
    {"contact", required_argument, NULL, 'm'},
    {"ca-file", required_argument, NULL, 'c'},
    {"agree-tos", no_argument, NULL, 'a'},
    {"eab-kid", required_argument, NULL, 'e'},
    {"eab-hmac-key-file", required_argument, NULL, 'f'},
    {"eab-alg", required_argument, NULL, 'g'},
    {"profile", required_argument, NULL, 'p'},
    {"required-profile", required_argument, NULL, 'q'},
    {"preferred-chain", required_argument, NULL, 'l'},
    {"shortest-chain", no_argument, NULL, 'o'},
    {"dns-server", required_argument, NULL, 'V'},
    {"tsig-key-file", required_argument, NULL, 'Y'},
    {"dns-only-primary", no_argument, NULL, 'Z'},
    {"sntp", required_argument, NULL, 't'},
    {"image", required_argument, NULL, 'i'},
    {"seed", required_argument, NULL, 's'},
    {"record", required_argument, NULL, 'r'},
    {"hex", no_argument, NULL, 'x'},
    {"size", required_argument, NULL, 'S'},
    {"offset", required_argument, NULL, 'O'},
    {"sector", required_argument, NULL, 'E'},
    {"sectors", required_argument, NULL, 'N'},
    {"page", required_argument, NULL, 'P'},
    {"align", required_argument, NULL, 'A'},
    {"key-type", required_argument, NULL, 'k'},
    {"account-key-type", required_argument, NULL, 'K'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void geometry(int c)
{
    size_t n = number(optarg);

    if (c == 'S')
        img.size = n;
    else if (c == 'O')
        img.offset = n;
    else if (c == 'E')
        img.dev.sector_size = (uint32_t)n;
    else if (c == 'N')
        img.dev.sectors = (uint32_t)n;
    else if (c == 'P')
        img.dev.page = (uint16_t)n;
    else
        img.dev.align = (uint16_t)n;
}

static uint8_t key_type(const char *text)
{
    enum acme_key_type type = acme_key_type_from(text);

    if (type == ACME_KEY_NONE)
        die("not a key type", text);
    return (uint8_t)type;
}

static void take(int c)
{
    switch (c) {
    case 'D':
        provision.directory_url = optarg;
        break;
    case 'B':
    case 'T':
        add_server(optarg, c == 'T');
        break;
    case 'd':
        add_name(optarg);
        break;
    case 'm':
        provision.contact = optarg;
        break;
    case 'c':
        add_anchors(optarg);
        break;
    case 'a':
        provision.terms_agreed = true;
        break;
    case 't':
        provision.sntp = optarg;
        break;
    case 'p':
    case 'q':
        provision.profile = optarg;
        provision.profile_required = c == 'q';
        break;
    case 'l':
        provision.preferred_chain = optarg;
        break;
    case 'o':
        provision.shortest_chain = true;
        break;
    case 'V':
    case 'Y':
    case 'Z':
        dns_option(c, optarg);
        break;
    case 'e':
        eab_kid = optarg;
        break;
    case 'f':
        eab_key_file = optarg;
        break;
    case 'g':
        eab_alg = optarg;
        break;
    case 's':
        read_seed(optarg);
        break;
    case 'k':
        provision.cert_key_type = key_type(optarg);
        break;
    case 'K':
        provision.account_key_type = key_type(optarg);
        break;
    default:
        geometry(c);
        break;
    }
}

/* A device cannot say what is wrong with its configuration as well as we can here. */
static size_t make_record(void)
{
    struct acme_url url;
    int n;

    if (provision.directory_url == NULL && provision.names_count == 0 && has_seed)
        return 0; /* only a seed */
    if (provision.directory_url == NULL ||
        acme_url_read(acme_slice_text(provision.directory_url), &url) != ACME_OK)
        die("--directory must be a plain https URL", provision.directory_url);
    if (provision.names_count == 0 || provision.anchors_count == 0)
        die("a device needs a name (-d) and trust anchors (--ca-file)", NULL);
    add_binding();
    dns_add(&provision);
    n = acme_provision_write((struct acme_span){record, sizeof record}, &provision);
    if (n < 0)
        die("the record is too long", NULL);
    return (size_t)n;
}

static void print_hex(size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%s%02x%s", i % 48 == 0 ? "config " : "", record[i],
               i % 48 == 47 || i + 1 == len ? "\n" : "");
    printf("config end\n");
}

int main(int argc, char **argv)
{
    const char *image = NULL, *out = NULL;
    bool hex = false;
    size_t len;
    int c;

    while ((c = getopt_long(argc, argv, "d:h", options, NULL)) != -1) {
        if (c == 'h' || c == '?') {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 1;
        }
        if (c == 'i')
            image = optarg;
        else if (c == 'r')
            out = optarg;
        else if (c == 'x')
            hex = true;
        else
            take(c);
    }
    if (optind < argc || (image == NULL && out == NULL && !hex) || (has_seed && image == NULL)) {
        fputs(usage, stderr);
        return 1;
    }
    len = make_record();
    if (image != NULL)
        image_write(image, len);
    if (out != NULL)
        file_write(out, record, len);
    if (hex)
        print_hex(len);
    return 0;
}
