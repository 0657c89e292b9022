/* The CA: one GET of its directory over verified TLS, and the clock against its Date. */
#include "doctor.h"

#include <string.h>

#include "acme_objects.h"
#include "acme_time.h"
#include "posix_sys.h"

static uint8_t io[ACME_IO_SIZE];
static union {
    void *align;
    uint8_t bytes[ACME_SCRATCH_SIZE];
} arena;

#define CLOCK_WARN 60
#define CLOCK_BAD  ACME_HOUR

static int get(struct doctor *d, struct acme_exchange *x, struct acme_reply *reply)
{
    struct acme_http_request request = {.method = "GET"};
    struct acme_url url;
    struct acme_buf b;
    int err = acme_url_read(acme_slice_text(d->ca->url), &url);

    if (err != ACME_OK)
        return err;
    request.url = &url;
    acme_buf_init(&b, io, sizeof io);
    acme_http_write_request(&b, &request);
    err = b.overflow ? ACME_E_SIZE : acme_exchange_start(x, &url, b.len, false);
    if (err != ACME_OK)
        return err;
    while ((err = acme_exchange_poll(x, reply)) == ACME_AGAIN)
        sockets_wait(&d->net, acme_exchange_wait_ms(x));
    return err;
}

/* -- what it said -- */

static void keep_identities(struct doctor_ca *d, const struct acme_json *array)
{
    for (const struct acme_json *n = acme_json_first(array); n != NULL; n = acme_json_next(n)) {
        const char *text = acme_json_text(n);
        if (text == NULL || d->identities_count == DOCTOR_IDENTITIES)
            continue;
        if (acme_copy_text(d->identities[d->identities_count], sizeof d->identities[0],
                           acme_slice_text(text)))
            d->identities_count++;
    }
}

static void tell_meta(struct doctor *d, const struct acme_directory *dir)
{
    const struct options *o = d->o;

    bool first = d->ca == d->cas;

    if (dir->external_account_required && d->ca->account[0] == '\0' &&
        (o->eab_kid == NULL || !first))
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "ca", NULL,
                    first ? "get a key identifier and a key from the CA, and give --eab-kid and "
                            "--eab-hmac-key-file"
                          : "make its account beforehand, with it as the only --server",
                    "it makes accounts for its customers only");
    if (dir->terms_of_service != NULL && d->ca->account[0] == '\0' && !o->agree_tos)
        doctor_tell(d, DOCTOR_WARNING, 0, "ca", NULL, "read them; if you agree, give --agree-tos",
                    "it has terms of service: %.300s", dir->terms_of_service);
    if (o->profile != NULL && acme_json_get(dir->profiles, o->profile) == NULL)
        doctor_tell(d, o->profile_required ? DOCTOR_BAD : DOCTOR_WARNING, EXIT_REFUSED, "ca", NULL,
                    "name one that it offers", "it does not offer the profile %.100s", o->profile);
}

static void take_directory(struct doctor *d, const struct acme_reply *reply)
{
    static const char advice[] = "check --server: it must be the URL of the CA's directory";
    struct acme_span span = {arena.bytes, sizeof arena.bytes};
    struct acme_directory dir;
    const struct acme_json *root;
    const char *missing = "";
    int err;

    if (reply->head.status != 200) {
        bool later = reply->head.status == 429 || reply->head.status >= 500;
        doctor_tell(d, DOCTOR_BAD, later ? EXIT_LATER : EXIT_REFUSED, "ca", NULL,
                    later ? "try again later" : advice, "its directory answers HTTP %u",
                    reply->head.status);
        return;
    }
    err = acme_json_parse(reply->body, span, &root);
    if (err == ACME_OK)
        err = acme_read_directory(root, &dir, &missing);
    if (err != ACME_OK) {
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "ca", NULL, advice,
                    "what it answers is no ACME directory: %s%s%s", acme_err_words(err),
                    err == ACME_E_REPLY ? ": " : "", err == ACME_E_REPLY ? missing : "");
        return;
    }
    d->ca->asked = true;
    keep_identities(d->ca, dir.caa_identities);
    doctor_tell(d, DOCTOR_OK, 0, "ca", NULL, NULL,
                "%s%scan be reached, its TLS is verified, and it has an ACME directory",
                d->cas_count > 1 ? "" : d->ca->url, d->cas_count > 1 ? "" : " ");
    tell_meta(d, &dir);
}

/* -- the clock -- */

static void tell_clock(struct doctor *d, const struct acme_reply *reply)
{
    static const char advice[] = "set the clock, and let NTP keep it";
    struct acme_slice value;
    int64_t theirs, ours = 0, off;

    if (d->clock_told || posix_unix_time(NULL, &ours) != ACME_OK)
        return; /* that was told before */
    d->clock_told = true;
    if (!acme_http_field(&reply->head, "Date", 0, &value) ||
        acme_time_http(value, &theirs) != ACME_OK) {
        doctor_tell(d, DOCTOR_WARNING, 0, "clock", NULL, NULL,
                    "the CA's reply has no Date to compare with");
        return;
    }
    off = ours - theirs;
    if (off <= CLOCK_WARN && off >= -CLOCK_WARN)
        doctor_tell(d, DOCTOR_OK, 0, "clock", NULL, NULL, "it agrees with the CA's");
    else
        doctor_tell(d, off > CLOCK_BAD || off < -CLOCK_BAD ? DOCTOR_BAD : DOCTOR_WARNING,
                    EXIT_LOCAL, "clock", NULL, advice, "it is %lld s %s the CA's",
                    (long long)(off < 0 ? -off : off), off < 0 ? "behind" : "ahead of");
}

static void tell_unreachable(struct doctor *d, int err)
{
    const char *hint = show_hint(err, NULL);
    int status = exit_status(err);

    doctor_tell(d, DOCTOR_BAD, status == EXIT_DONE ? EXIT_LATER : status, "ca", NULL,
                status == EXIT_TRUST ? hint
                                     : "check the network, a firewall on the way out, and --server",
                "%s%s%s", d->cas_count > 1 ? "" : d->ca->url, d->cas_count > 1 ? "" : ": ",
                acme_err_words(err));
}

void doctor_ca(struct doctor *d)
{
    static struct acme_exchange exchange;
    struct acme_span room = {io, sizeof io};
    struct acme_anchors anchors;
    struct acme_reply reply;
    struct trust trust;
    int64_t now;
    int err;

    if (posix_unix_time(NULL, &now) != ACME_OK) {
        if (d->ca != d->cas)
            return;
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "clock", NULL, "set the clock",
                    "it is not set, so no certificate can be judged");
        return;
    }
    if (d->ca->held) {
        doctor_tell(d, DOCTOR_WARNING, 0, "ca", NULL, NULL,
                    "it was not asked: it wants to be left alone still");
        return;
    }
    if (trust_open(&trust, d->o->ca_file) != 0) {
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "ca", NULL,
                    "install the system's roots (ca-certificates), or give --ca-file",
                    "no trust anchors: %s", trust.why);
        return;
    }
    anchors.sets = &trust.text;
    anchors.count = 1;
    acme_exchange_init(&exchange, &d->port, &anchors, room);
    err = get(d, &exchange, &reply);
    if (err == ACME_OK) {
        take_directory(d, &reply);
        tell_clock(d, &reply);
    } else
        tell_unreachable(d, err);
    acme_exchange_close(&exchange);
    trust_close(&trust);
}
