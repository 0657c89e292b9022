/* record_dump - the records of a flash image, or one file of a state folder, as text
 *
 * For a bad day, and for tests. Secrets are not printed: of a key its length and its public
 * thumbprint (RFC 7638), of other secrets the length. Nothing is changed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acme_crypto.h"
#include "dump.h"
#include "posix_sys.h"

#define FILE_MAX ((size_t)1 << 30)

static const char usage[] =
    "usage: record_dump [options] FILE\n"
    "FILE is a flash image, or a file below a state folder.\n"
    "  --board NAME   the image's geometry: emcraft-sf2, riscv32-virt\n"
    "  --offset N     where the slots begin in the image (0)\n"
    "  --sector N --sectors N --page N --align N   ... otherwise what the image itself says\n"
    "  --slot NAME    only this slot: account ca_ledger order cert_a cert_b sched solver device\n"
    "                 config\n"
    "  --all          also records that were replaced and are still there\n"
    "Exit: 0; 1 wrong use or no record at all; 2 a record that is in force is damaged, or key and\n"
    "certificate do not match.\n";

static const struct {
    const char *name;
    struct flash_dev geometry;
} boards[] = {
    {"emcraft-sf2", {.sector_size = 65536, .sectors = 8, .page = 256, .align = 1}},
    {"riscv32-virt", {.sector_size = 262144, .sectors = 8, .page = 256, .align = 4}},
};

static const struct option options[] = {
    {"board", required_argument, NULL, 'b'},  {"offset", required_argument, NULL, 'O'},
    {"sector", required_argument, NULL, 'E'}, {"sectors", required_argument, NULL, 'N'},
    {"page", required_argument, NULL, 'P'},   {"align", required_argument, NULL, 'A'},
    {"slot", required_argument, NULL, 's'},   {"all", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

static struct flash_dev geometry = {.sectors = 8, .page = 256, .align = 1};
static size_t offset;
static struct dump dump;
static struct acme_port port = {.entropy = posix_entropy};

static void die(const char *what, const char *which)
{
    fprintf(stderr, "record_dump: %s%s%s\n", what, which != NULL ? ": " : "",
            which != NULL ? which : "");
    exit(1);
}

static size_t number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 0);

    if (*text == '\0' || *text == '-' || *end != '\0' || value > most)
        die("not a number, or too large", text);
    return value;
}

static void take_board(const char *name)
{
    for (size_t i = 0; i < sizeof boards / sizeof boards[0]; i++) {
        if (strcmp(boards[i].name, name) == 0) {
            geometry = boards[i].geometry;
            return;
        }
    }
    die("no such board", name);
}

static void take_slot(const char *name)
{
    for (uint8_t slot = 1; slot <= ACME_SLOT_MAX; slot++) {
        if (strcmp(dump_slot_name(slot), name) == 0)
            (void)snprintf(dump.slot, sizeof dump.slot, "%s", name);
    }
    if (dump.slot[0] == '\0')
        die("no such slot", name);
}

static void take(int c)
{
    if (c == 'b')
        take_board(optarg);
    else if (c == 'O')
        offset = number(optarg, FILE_MAX);
    else if (c == 'E')
        geometry.sector_size = (uint32_t)number(optarg, 1u << 20);
    else if (c == 'N')
        geometry.sectors = (uint32_t)number(optarg, 32);
    else if (c == 'P')
        geometry.page = (uint16_t)number(optarg, FLASH_BUF_MAX);
    else if (c == 'A')
        geometry.align = (uint16_t)number(optarg, FLASH_BUF_MAX);
    else if (c == 's')
        take_slot(optarg);
    else
        dump.all = true;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;
    long end = -1;

    if (f != NULL && fseek(f, 0, SEEK_END) == 0)
        end = ftell(f);
    if (end < 0 || (size_t)end > FILE_MAX || fseek(f, 0, SEEK_SET) != 0)
        die(errno != 0 ? strerror(errno) : "too large", path);
    *size = (size_t)end;
    bytes = malloc(*size + 1);
    if (bytes == NULL || fread(bytes, 1, *size, f) != *size)
        die("it cannot be read", path);
    fclose(f);
    return bytes;
}

int main(int argc, char **argv)
{
    uint8_t *bytes;
    size_t size;
    bool found = true;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h' || c == '?') {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 1;
        }
        take(c);
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 1;
    }
    acme_crypto_seed_from(&port);
    dump.out = stdout;
    dump.now = (int64_t)time(NULL);
    bytes = read_file(argv[optind], &size);
    if (size >= 4 && memcmp(bytes, "ACME", 4) == 0)
        dump_record(&dump, 0, acme_slice_of(bytes, size));
    else
        found = dump_image(&dump, bytes, size, offset, &geometry);
    acme_wipe(bytes, size);
    free(bytes);
    if (!found)
        fprintf(stderr, "record_dump: no log of records in %s\n", argv[optind]);
    return !found ? 1 : dump.damaged ? 2 : 0;
}
