/* lwacme dns-persist: the records of dns-persist-01 that a person publishes once, and whether they
 * are there. What stands in them is what we know of ourselves: the CA is asked for nothing but an
 * account, where there is none yet. */
#include "world.h"

#include <string.h>

#include "acme_time.h"
#include "posix_sys.h"

/* -- the account -- */

/* Polls until the agent rests, or a signal comes: the outcome. */
static int run_agent(struct acme_agent_status *status)
{
    uint32_t sleep_ms = 0;

    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, status);
        show_tick(&world.show);
        if (status->busy && sleep_ms > 0)
            sockets_wait(&world.net, world.show.live && sleep_ms > 200 ? 200 : sleep_ms);
    } while (status->busy && world_signal == 0);
    show_flush(&world.show);
    return status->outcome;
}

/* Its URL, as it is on record; it is made if there is none. NULL: and *err. */
static const char *account_url(const struct options *o, int *err)
{
    struct acme_agent_status status;
    uint32_t sleep_ms;

    while (acme_agent_poll(&agent, &sleep_ms) == ACME_AGAIN)
        continue;
    acme_agent_status(&agent, &status);
    *err = status.outcome == ACME_AGAIN ? ACME_OK : status.outcome;
    if (status.account != NULL && status.account[0] != '\0')
        return status.account;
    if (*err == ACME_OK)
        *err = acme_agent_ask(&agent, o->ask | ACME_ASK_FORCE, "charge");
    if (*err == ACME_OK)
        *err = run_agent(&status);
    if (*err != ACME_OK || status.account == NULL || status.account[0] == '\0') {
        if (*err == ACME_OK)
            *err = ACME_E_ACCOUNT;
        return NULL;
    }
    return status.account;
}

/* -- one record -- */

/* The strings of a TXT record have 255 bytes at most; a zone's file takes several. */
static void print_record(const char *base, const char *text)
{
    size_t len = strlen(text);

    printf("_validation-persist.%s. IN TXT", base);
    for (size_t at = 0; at < len; at += 255)
        printf(" \"%.*s\"", (int)(len - at < 255 ? len - at : 255), text + at);
    putchar('\n');
}

static const char *const states[] = {"absent",      "broken",  "other-account",
                                     "no-wildcard", "expired", "published"};

static void tell_json(const char *base, const char *text, const char *state, int64_t until)
{
    uint8_t room[DNS_PERSIST_ROOM * 2 + 800];
    char owner[ACME_NAME_ROOM + 24];
    struct acme_buf b;

    snprintf(owner, sizeof owner, "_validation-persist.%s", base);
    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "dns_persist");
    acme_json_put_text(&b, "name", base);
    acme_json_put_text(&b, "owner", owner);
    acme_json_put_text(&b, "text", text);
    acme_json_put_text(&b, "state", state);
    if (until > 0)
        acme_json_put_time(&b, "until", until);
    show_json(&b);
}

/* As comments of a zone's file, so that all of it can be put into one. */
static void tell_plain(const char *base, const char *text, int err, const struct dns_persist01 *p)
{
    bool ours = p->verdict == DNS_PERSIST_GOOD || p->verdict == DNS_PERSIST_EXPIRED;
    char when[ACME_TIME_TEXT] = "";

    if (p->until != 0)
        acme_time_text(p->until, when);
    print_record(base, text);
    if (err != ACME_OK)
        printf("; whether it is published is not known: %s\n",
               p->why[0] != '\0' ? p->why : acme_err_words(err));
    else if (!ours)
        printf("; not published, as seen from here: %s\n",
               dns_persist_words((enum dns_persist_verdict)p->verdict));
    else if (p->verdict == DNS_PERSIST_EXPIRED)
        printf("; published, but it ended %s\n", when);
    else if (p->until == 0)
        printf("; published\n");
    else
        printf("; published, until %s%s\n", when,
               p->until - p->now < DNS_PERSIST01_SOON_S ? ": that is soon, publish a new one" : "");
}

/* ACME_OK: it is published; ACME_E_SOLVER: it is not; or nobody could be asked. */
static int one_record(const struct options *o, const struct acme_challenge *c)
{
    struct dns_persist01 *p = &world.solve.persist;
    struct dns_persist_want want = {options_issuer(o), c->account_url, c->wildcard, 0};
    char text[DNS_PERSIST_ROOM];
    int64_t now = 0;
    int err;

    if (o->persist_days > 0 && posix_unix_time(NULL, &now) == ACME_OK)
        want.until = now + (int64_t)o->persist_days * 86400;
    err = dns_persist_write(&want, text, sizeof text);
    if (err != ACME_OK) {
        show_error(&world.show, err, "the account's URL cannot stand in a record: %s",
                   c->account_url);
        return err;
    }
    p->until = 0;
    while ((err = dns_persist01_look(p, c)) == ACME_AGAIN && world_signal == 0)
        sockets_wait(&world.net, 50);
    if (err == ACME_AGAIN)
        err = ACME_E_CLOSED;
    if (o->json)
        tell_json(c->identifier, text, err == ACME_OK ? states[p->verdict] : "unknown", p->until);
    else
        tell_plain(c->identifier, text, err, p);
    if (err == ACME_OK && p->verdict != DNS_PERSIST_GOOD)
        err = ACME_E_SOLVER;
    return err;
}

/* A record with policy=wildcard is good for the name itself too: one for both. */
static int all_records(const struct options *o, const char *account)
{
    struct acme_name name, other;
    int worst = ACME_OK;

    for (size_t i = 0; i < o->names_count; i++) {
        struct acme_challenge c = {.type = ACME_CHALLENGE_DNS_PERSIST01,
                                   .token = "",
                                   .key_authorization = "",
                                   .account_url = account};
        bool done = false;
        int err;
        (void)acme_name_read(acme_slice_text(o->names[i]), &name, NULL);
        c.identifier = acme_name_base(&name);
        c.id_type = (enum acme_id_type)name.type;
        c.wildcard = name.wildcard;
        for (size_t k = 0; k < o->names_count; k++) {
            (void)acme_name_read(acme_slice_text(o->names[k]), &other, NULL);
            if (k == i || strcmp(acme_name_base(&other), c.identifier) != 0)
                continue;
            done = done || k < i;
            c.wildcard = c.wildcard || other.wildcard;
        }
        err = done ? ACME_OK : one_record(o, &c);
        /* That it is not there goes before that one could not look. */
        if (err != ACME_OK && worst != ACME_E_SOLVER)
            worst = err;
    }
    return worst;
}

int persist_run(const struct options *o)
{
    struct acme_name name;
    const char *account;
    bool refused = false;
    int err;

    for (size_t i = 0; i < o->names_count; i++) {
        if (acme_name_read(acme_slice_text(o->names[i]), &name, NULL) != ACME_OK ||
            name.type != ACME_ID_DNS)
            return usage("dns-persist-01 is for DNS names, not for addresses", o->names[i]);
    }
    show_init(&world.show, o);
    world_signals(false);
    err = world_open(o, NULL);
    if (err == ACME_OK)
        err = world_load(o, &refused);
    if (err == ACME_OK) {
        account = account_url(o, &err);
        (void)solve_persist(&world.solve, o, &world.port);
        if (account != NULL)
            err = all_records(o, account);
    }
    world_unload();
    world_close();
    if (world_signal != 0)
        return 128 + (int)world_signal;
    return refused || (err == ACME_E_TERMS && !o->agree_tos) ? EXIT_USAGE : exit_status(err);
}
