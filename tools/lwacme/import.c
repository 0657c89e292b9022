/* lwacme account import: the account that another client has. */
#include "import.h"

#include <string.h>
#include <sys/stat.h>

#include "conf_line.h"
#include "options.h"

static struct import_search search;
static const struct import_account *taken;

static const char looked_for[] =
    "  looked for\n"
    "    certbot   accounts/SERVER/ID/private_key.json   usually below /etc/letsencrypt\n"
    "    acme.sh   ca/HOST/PATH/account.key              usually below ~/.acme.sh\n"
    "    lego      accounts/SERVER/ID/account.json with keys/ID.key or ID.key,\n"
    "                                                    usually below .lego\n"
    "  or a private key's file (PEM, DER, JWK), together with --server\n";

/* For a terminal: other people's paths. */
static const char *shown(const char *text)
{
    return conf_plain_text(acme_slice_text(text)) ? text : "(a name that cannot be printed)";
}

/* -- which one -- */

static int nothing_found(const struct options *o)
{
    int status = usage("no account of another client is there", o->import_path);

    fputs(looked_for, stderr);
    if (search.why[0] != '\0')
        fprintf(stderr, "  in the way  %s\n", shown(search.why));
    return status;
}

static void list_one(const struct import_account *a)
{
    fprintf(stderr, "  %s, of %s\n    server      %s\n", shown(a->folder),
            import_client_name(a->client),
            a->server[0] != '\0'  ? a->server
            : a->place[0] != '\0' ? shown(a->place)
                                  : "(not told)");
    if (a->contact[0] != '\0')
        fprintf(stderr, "    contact     %s\n", a->contact);
    if (a->url[0] != '\0')
        fprintf(stderr, "    account     %s\n", a->url);
}

static int several_found(const struct options *o, size_t fits)
{
    size_t kept = search.count < IMPORT_FOUND ? search.count : IMPORT_FOUND;
    int status = usage(fits > 0 ? "more than one account is there: name the folder of one"
                                : "none of the accounts there is one of --server",
                       o->import_path);

    for (size_t i = 0; i < kept; i++)
        list_one(&search.found[i]);
    if (search.count > kept)
        fprintf(stderr, "  and %zu more\n", search.count - kept);
    return status;
}

static int other_server(const struct options *o, const struct import_account *a)
{
    char message[200];

    snprintf(message, sizeof message, "--server is not the CA of this account, which is at %.120s",
             a->server[0] != '\0' ? a->server : shown(a->place));
    return usage(message, o->server);
}

/* The only account, or the only one that may be the server's that was given. */
static int choose(const struct options *o)
{
    size_t fits = 0, kept = search.count < IMPORT_FOUND ? search.count : IMPORT_FOUND;

    for (size_t i = 0; i < kept; i++) {
        if (o->server_given && !import_fits(&search.found[i], o->server))
            continue;
        taken = &search.found[i];
        fits++;
    }
    if (search.count == 1 && fits == 0)
        return other_server(o, &search.found[0]);
    return fits == 1 && search.count == kept ? EXIT_DONE : several_found(o, fits);
}

/* -- taking it -- */

static int take_key(void)
{
    static char text[KEYFILE_MAX], path[2 * IMPORT_PATH];
    char message[400];
    const char *why = "";
    int n = import_read_key(taken, text, sizeof text - 1, &why);

    if (n >= 0)
        n = keyfile_read(job_key(), text, (size_t)n, &why);
    acme_wipe(text, sizeof text);
    if (n >= 0)
        return EXIT_DONE;
    snprintf(path, sizeof path, "%s/%s%s", taken->folder, taken->in_keys ? "keys/" : "",
             taken->key);
    snprintf(message, sizeof message, "the account's key cannot be taken: %s", why);
    return usage(message, path);
}

static int take_server(struct options *o)
{
    static char server[IMPORT_PATH];

    if (o->server_given)
        return EXIT_DONE;
    if (taken->server[0] == '\0')
        return usage("the files do not tell the URL of the CA's directory: give --server",
                     taken->place[0] != '\0' ? taken->place : taken->folder);
    memcpy(server, taken->server, sizeof server);
    return option_take(o, option_find(acme_slice_text("server")), server);
}

int import_load(struct options *o)
{
    int err;

    if (import_search(&search, o->import_path) != 0)
        return usage(search.why, o->import_path);
    if (search.count == 0)
        return nothing_found(o);
    err = choose(o);
    if (err == EXIT_DONE)
        err = take_server(o);
    return err == EXIT_DONE ? take_key() : err;
}

/* -- what was taken over -- */

void import_told(const struct options *o, const char *url)
{
    static uint8_t room[8192];
    bool told = taken->url[0] != '\0', same = told && strcmp(taken->url, url) == 0;
    const char *client = import_client_name(taken->client);
    struct acme_buf b;

    if (o->json) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", "imported");
        acme_json_put_text(&b, "from", client);
        acme_json_put_text(&b, "path", shown(taken->folder));
        acme_json_put_text(&b, "server", o->server);
        acme_json_put_text(&b, "account", url);
        if (told)
            acme_json_put_text(&b, "old_account", taken->url);
        if (taken->contact[0] != '\0')
            acme_json_put_text(&b, "old_contact", taken->contact);
        show_json(&b);
        return;
    }
    printf("imported    from %s\n  old URL     %s\n  server      %s\n", shown(taken->folder),
           same   ? "the same"
           : told ? taken->url
                  : "not told by the files",
           o->server);
    if (taken->contact[0] != '\0')
        printf("  old contact %s\n", taken->contact);
    if (told && !same)
        fprintf(stderr, "lwacme: warning: the CA has another URL for the account of this key than "
                        "the old files tell\n");
    if (!o->quiet && strcmp(o->server, ACME_LETS_ENCRYPT) != 0)
        fprintf(stderr, "lwacme: give the same --server to the other commands\n");
}
