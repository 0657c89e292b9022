/* lwacme acme-dns: registers at an acme-dns server, once for each name, and tells the CNAME record
 * that a person adds, and whether it is there. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_exchange.h"
#include "posix_sys.h"

#define IMPORT_MAX 32768

static struct acme_exchange exchange;
static uint8_t import_text[IMPORT_MAX];
static union {
    void *align;
    uint8_t bytes[4 * IMPORT_MAX];
} import_arena;

/* -- registrations that another client keeps -- */

/* {"NAME": {"username": ..., "password": ..., "fulldomain": ..., "subdomain": ...}, ...}, as
 * acme-dns-client, certbot's hook, and lego keep it. */
static int read_import(const char *path, const struct acme_json **root)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = ACME_E_CONFIG;
    const char *why = NULL;
    struct stat st;
    ssize_t n = -1;

    if (fd < 0 || fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a regular file";
    else if ((st.st_mode & 077) != 0)
        why = "others than its owner may read these passwords: chmod 600";
    else if ((n = read(fd, import_text, sizeof import_text)) < 0)
        why = strerror(errno);
    else if (n == (ssize_t)sizeof import_text)
        why = "too long";
    else if (acme_json_parse(acme_slice_of(import_text, (size_t)n),
                             (struct acme_span){import_arena.bytes, sizeof import_arena.bytes},
                             root) != ACME_OK)
        why = "not JSON";
    else
        err = ACME_OK;
    if (fd >= 0)
        close(fd);
    if (err != ACME_OK)
        show_error(&world.show, err, "--import %.300s: %s", path, why);
    return err;
}

static int import_one(const struct options *o, const struct acme_json *root, const char *base)
{
    const struct acme_json *entry = acme_json_get(root, base);
    const char *server = acme_json_member(entry, "server_url");
    struct acme_span room = {world_record.ptr, ACMEDNS_ACCOUNT_MAX};
    struct acmedns_account account;
    char key[ACME_SLOT_KEY_MAX + 1];
    int err;

    if (entry == NULL)
        return ACME_OK; /* of the others */
    err = acmedns_account_read(entry, &account);
    if (err != ACME_OK) {
        show_error(&world.show, ACME_E_CONFIG,
                   "--import %.300s: what is there of %s makes no sense", o->acme_dns_import, base);
        return ACME_E_CONFIG;
    }
    if (server != NULL && strcmp(server, o->acme_dns) != 0)
        fprintf(log_to(LOG_WARN), "lwacme: warning: %s: the file names another server than %s\n",
                base, o->acme_dns);
    err = acmedns_account_key(o->acme_dns, base, key);
    if (err == ACME_OK)
        err = acmedns_account_save(&world.port, key, o->acme_dns, room, &account);
    acme_wipe(&account, sizeof account);
    if (err != ACME_OK)
        show_error(&world.show, err, "%s: %s", base, acme_err_words(err));
    return err;
}

/* -- one name -- */

static void tell(const struct options *o, const char *base, int err)
{
    const struct dns01_acmedns *d = &world.solve.acmedns;
    const char *full = d->account.fulldomain;
    uint8_t room[1600];
    struct acme_buf b;

    if (o->json) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", "acme_dns");
        acme_json_put_text(&b, "name", base);
        acme_json_put_text(&b, "cname", full);
        acme_json_put_text(&b, "state", err == ACME_OK ? "published" : "absent");
        acme_json_put_text(&b, "why", d->why);
        show_json(&b);
    } else if (full[0] != '\0') {
        printf("_acme-challenge.%s. IN CNAME %s.\n", base, full);
        printf(err == ACME_OK ? "; published\n" : "; not published, as seen from here\n");
    }
    if (full[0] == '\0')
        show_error(&world.show, err, "%s: %s", base,
                   d->why[0] != '\0' ? d->why : acme_err_words(err));
}

static int one_name(const struct options *o, const struct acme_json *root, const char *base)
{
    struct dns01_acmedns *d = &world.solve.acmedns;
    int err = root != NULL ? import_one(o, root, base) : ACME_OK;

    if (err != ACME_OK)
        return err;
    d->account.fulldomain[0] = '\0';
    while ((err = dns01_acmedns_prepare(d, base, &exchange)) == ACME_AGAIN && world_signal == 0)
        sockets_wait(&world.net, 50);
    if (world_signal == 0)
        tell(o, base, err);
    return err;
}

static int all_names(const struct options *o)
{
    const struct acme_json *root = NULL;
    struct acme_name name;
    char bases[2][ACME_NAME_ROOM] = {"", ""}; /* the one before, and this one */
    int worst = ACME_OK;

    if (o->acme_dns_import != NULL && read_import(o->acme_dns_import, &root) != ACME_OK)
        return ACME_E_CONFIG;
    for (size_t i = 0; i < o->names_count && world_signal == 0; i++) {
        int err;
        (void)acme_name_read(acme_slice_text(o->names[i]), &name, NULL);
        memcpy(bases[1], acme_name_base(&name), strlen(acme_name_base(&name)) + 1);
        if (strcmp(bases[0], bases[1]) == 0)
            continue; /* NAME and *.NAME have one registration */
        memcpy(bases[0], bases[1], sizeof bases[0]);
        err = one_name(o, root, bases[1]);
        if (err != ACME_OK && worst == ACME_OK)
            worst = err;
    }
    return worst;
}

int acmedns_run(const struct options *o)
{
    struct acme_anchors anchors = {.count = 1};
    struct acme_name name;
    int err;

    for (size_t i = 0; i < o->names_count; i++) {
        if (acme_name_read(acme_slice_text(o->names[i]), &name, NULL) != ACME_OK ||
            name.type != ACME_ID_DNS)
            return usage("dns-01 is for DNS names, not for addresses", o->names[i]);
    }
    show_init(&world.show, o);
    world_signals(false);
    err = world_open(o, NULL);
    if (err == ACME_OK && trust_open(&world.trust, o->ca_file) != 0) {
        show_error(&world.show, ACME_E_CONFIG, "no trust anchors: %s", world.trust.why);
        err = ACME_E_CONFIG;
    }
    anchors.sets = &world.trust.text;
    if (err == ACME_OK && solve_acmedns(&world.solve, o, &world.port) == NULL) {
        err = world.solve.err;
        show_error(&world.show, err, "%s", world.solve.why);
    }
    if (err == ACME_OK) {
        acme_exchange_init(&exchange, &world.port, &anchors, world_record);
        err = all_names(o);
        acme_exchange_close(&exchange);
    }
    acme_wipe(import_text, sizeof import_text);
    acme_wipe(&import_arena, sizeof import_arena);
    acme_wipe(world_record.ptr, world_record.len);
    world_unload();
    world_close();
    return world_signal != 0 ? 128 + (int)world_signal : exit_status(err);
}
