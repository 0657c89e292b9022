/* Several CAs: which of them is in use, and when that changes. A link choice: the other one is
 * acme_steps_noservers.c.
 *
 * What decides is in SCHED (struct acme_servers), written with the failure that changes it. The
 * server in use follows from it at each rest, so a change has no record of its own: a cut anywhere
 * finds the same way again. */
#include "acme_steps.h"

#include <string.h>

#include "acme_records.h"

#if ACME_MAX_SERVERS < 2
#error "several CAs need ACME_MAX_SERVERS of 2 at least"
#endif

#define SRV_STAGING ACME_MAX_SERVERS /* in a->server; the others are places in the list */

/* -- the list -- */

static uint8_t srv_count(const struct acme_agent *a)
{
    return (uint8_t)(1 + a->config->more_servers_count);
}

static const struct acme_server *srv_more(const struct acme_agent *a, uint8_t server)
{
    return server == SRV_STAGING ? &a->config->staging : &a->config->more_servers[server - 1];
}

static const char *srv_url(const struct acme_agent *a, uint8_t server)
{
    return server == 0 ? a->config->directory_url : srv_more(a, server)->url;
}

/* The server with this URL; SRV_STAGING + 1: none. */
static uint8_t srv_find(const struct acme_agent *a, const char *url)
{
    for (uint8_t i = 0; i < srv_count(a); i++) {
        if (strcmp(srv_url(a, i), url) == 0)
            return i;
    }
    if (a->config->staging.url != NULL && strcmp(a->config->staging.url, url) == 0)
        return SRV_STAGING;
    return SRV_STAGING + 1;
}

const char *acme_server_url(const struct acme_agent *a)
{
    return srv_url(a, a->server);
}

struct acme_slice acme_server_eab(const struct acme_agent *a)
{
    return a->server == 0 ? a->config->eab : srv_more(a, a->server)->eab;
}

bool acme_server_changed(const struct acme_agent *a)
{
    return a->server_changed;
}

/* Any server of the list may have issued it; the staging CA never. */
bool acme_server_wanted(const struct acme_agent *a, struct acme_slice want, uint8_t *server)
{
    uint8_t digest[ACME_SHA256_SIZE];

    for (uint8_t i = 0; i < srv_count(a); i++) {
        if (acme_want_hash(a->config, srv_url(a, i), digest) != ACME_OK ||
            want.len != sizeof digest || memcmp(want.ptr, digest, sizeof digest) != 0)
            continue;
        *server = i;
        return true;
    }
    return false;
}

void acme_server_issued(struct acme_agent *a)
{
    a->fresh.server = a->server;
}

/* -- records: servers by their URLs, because lists change -- */

void acme_server_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    const struct acme_servers *s = &a->servers;
    struct acme_servers_hold hold;
    const char *url;
    size_t at = 0;

    if (s->turn != 0 || s->failures != 0 || s->changes != 0 || s->rehearsal != 0) {
        acme_record_text(w, SERVER_TURN, srv_url(a, s->turn));
        acme_record_u64(w, SERVER_FAILURES, s->failures);
        acme_record_i64(w, SERVER_SINCE, s->since);
        acme_record_u64(w, SERVER_CHANGES, s->changes);
        acme_record_u64(w, SERVER_REHEARSAL, s->rehearsal);
    }
    if (s->failed != 0 && s->failed <= SRV_STAGING && a->failure.err != ACME_OK)
        acme_record_text(w, SERVER_FAILED, srv_url(a, s->failed));
    for (uint8_t i = 0; i <= SRV_STAGING; i++) {
        if (s->holds[i].not_before == 0 || (i >= srv_count(a) && i != SRV_STAGING) ||
            srv_url(a, i) == NULL)
            continue;
        acme_record_i64(w, SERVER_HOLD, s->holds[i].not_before);
        acme_record_i64(w, SERVER_HOLD_SET_AT, s->holds[i].set_at);
        acme_record_text(w, SERVER_HELD, srv_url(a, i)); /* closes the two before it */
    }
    while ((url = acme_servers_kept(&a->server_kept, &at, &hold)) != NULL) {
        acme_record_i64(w, SERVER_HOLD, hold.not_before);
        acme_record_i64(w, SERVER_HOLD_SET_AT, hold.set_at);
        acme_record_text(w, SERVER_HELD, url);
    }
}

static uint8_t srv_named(const struct acme_agent *a, const struct acme_field *field)
{
    char url[ACME_MAX_URL + 1];

    return acme_field_text(field, url, sizeof url) ? srv_find(a, url) : SRV_STAGING + 1;
}

void acme_server_put_cert(const struct acme_agent *a, struct acme_record_writer *w)
{
    acme_record_text(w, CERT_SERVER, srv_url(a, a->fresh.server));
}

void acme_server_get_cert(const struct acme_agent *a, const struct acme_field *field,
                          struct acme_slice want, struct acme_cert_state *out)
{
    uint8_t server = srv_named(a, field), digest[ACME_SHA256_SIZE];
    char url[ACME_MAX_URL + 1];

    if (server < srv_count(a))
        out->server = server;
    out->moved = server > SRV_STAGING && want.len == sizeof digest &&
                 acme_field_text(field, url, sizeof url) &&
                 acme_want_hash(a->config, url, digest) == ACME_OK &&
                 memcmp(want.ptr, digest, sizeof digest) == 0;
}

void acme_server_get(struct acme_agent *a, const struct acme_field *field)
{
    struct acme_servers *s = &a->servers;
    char url[ACME_MAX_URL + 1];
    uint64_t number = 0;
    uint8_t server;

    if (field->tag == SERVER_TURN)
        s->turn = srv_named(a, field);
    else if (field->tag == SERVER_FAILED)
        s->failed = srv_named(a, field);
    else if (field->tag == SERVER_SINCE)
        (void)acme_field_i64(field, &s->since);
    else if (field->tag == SERVER_HOLD)
        (void)acme_field_i64(field, &a->server_hold.not_before);
    else if (field->tag == SERVER_HOLD_SET_AT)
        (void)acme_field_i64(field, &a->server_hold.set_at);
    else if (field->tag == SERVER_HELD) {
        server = srv_named(a, field);
        if (server <= SRV_STAGING)
            s->holds[server] = a->server_hold;
        else if (acme_field_text(field, url, sizeof url))
            acme_servers_keep(&a->server_kept, &a->server_hold, url);
        memset(&a->server_hold, 0, sizeof a->server_hold);
    } else if (!acme_field_u64(field, &number))
        return;
    else if (field->tag == SERVER_FAILURES)
        s->failures = (uint8_t)number;
    else if (field->tag == SERVER_CHANGES)
        s->changes = (uint8_t)number;
    else if (field->tag == SERVER_REHEARSAL)
        s->rehearsal = (uint8_t)number;
}

/* SCHED is read, and the list may have changed since it was written. */
void acme_server_get_end(struct acme_agent *a)
{
    struct acme_servers *s = &a->servers;

    if (s->since < 0) /* no clock says that */
        s->since = 0;
    if (s->turn >= srv_count(a)) /* it is not in the list any more */
        s->turn = s->failures = s->changes = 0;
    if (s->rehearsal > ACME_REHEARSAL_PROVED ||
        (s->rehearsal == ACME_REHEARSAL_OWED && a->config->staging.url == NULL))
        s->rehearsal = ACME_REHEARSAL_NONE;
}

void acme_server_forget(struct acme_agent *a)
{
    memset(&a->servers, 0, sizeof a->servers);
    memset(&a->server_hold, 0, sizeof a->server_hold);
    memset(&a->server_kept, 0, sizeof a->server_kept);
}

/* The server for an order. */
static uint8_t srv_for_order(const struct acme_agent *a)
{
    return a->servers.rehearsal == ACME_REHEARSAL_OWED ? SRV_STAGING : a->servers.turn;
}

bool acme_server_elsewhere(const struct acme_agent *a)
{
    return a->server != srv_for_order(a);
}

/* -- which one -- */

static struct acme_servers_facts srv_facts(const struct acme_agent *a, int64_t now)
{
    struct acme_servers_facts f = {.count = srv_count(a), .now = now};

    f.staging = a->config->staging.url != NULL;
    f.proofs = a->sched.validations;
    if (acme_cert_serves(a) && a->cert.not_after > now) {
        f.remaining_s = f.life_s = a->cert.not_after - now;
        if (a->cert.not_before > 0 && a->cert.not_before < now)
            f.life_s = a->cert.not_after - a->cert.not_before;
    }
    return f;
}

static uint8_t srv_to_use(struct acme_agent *a, bool due)
{
    bool known = a->cert.has && a->cert.wanted;

    if (a->job != NULL)
        return a->cert.has && acme_job_of_ours(a) ? a->cert.server : 0;
    if (due)
        return srv_for_order(a);
    acme_servers_settled(&a->servers);
    /* Who issued it says when it wants it renewed. */
    return known && a->cert.id[0] != '\0'                          ? a->cert.server
           : a->server == SRV_STAGING || a->server >= srv_count(a) ? 0
                                                                   : a->server;
}

static void srv_tell(struct acme_agent *a, uint8_t from, bool due)
{
    struct acme_event event = {.type = ACME_EVENT_SERVER, .detail = acme_server_url(a)};

    a->server_held &= due;
    if (a->job == NULL && !due)
        return; /* it is only asked when it wants the renewal */
    if (a->job != NULL)
        event.text = a->server == 0 ? "first" : "issuer";
    else if (a->server == SRV_STAGING)
        event.text = "rehearsal";
    else if (from == SRV_STAGING)
        event.text = a->servers.rehearsal == ACME_REHEARSAL_PASSED ? "rehearsed" : "no rehearsal";
    else if (a->server_held)
        event.text = "Retry-After";
    else
        event.text = a->servers.changes == 0 ? "first" : "failures";
    a->server_held = false;
    event.err = due && from != SRV_STAGING ? a->failure.err : ACME_OK;
    acme_emit(a, &event);
}

int acme_server_loaded(struct acme_agent *a)
{
    uint8_t from = a->server;

    if (a->server_changed)
        return acme_use_directory(a, acme_server_url(a), acme_server_eab(a));
    a->server = srv_for_order(a);
    if (a->server != from)
        srv_tell(a, from, true);
    return acme_use_directory(a, acme_server_url(a), acme_server_eab(a));
}

bool acme_server_change(struct acme_agent *a, bool due)
{
    uint8_t from = a->server;

    a->server = srv_to_use(a, due);
    a->server_changed = a->server != from;
    if (!a->server_changed)
        return false;
    a->nonce_by_get = false;
    srv_tell(a, from, due);
    return true;
}

/* The CA in use wants us to wait. Who sleeps over it looks at all of them again when it wakes. */
bool acme_server_held(struct acme_agent *a, int64_t now, uint32_t wait)
{
    struct acme_servers_facts f = srv_facts(a, now);

    if (a->server == SRV_STAGING && a->servers.rehearsal == ACME_REHEARSAL_OWED) {
        a->servers.rehearsal = ACME_REHEARSAL_NONE;
        return true;
    }
    if (a->server_hops + 1 >= f.count || !acme_servers_held(&a->servers, &f, wait)) {
        a->server_hops = 0;
        return false;
    }
    a->server_hops++;
    a->server_held = true;
    return true;
}

void acme_server_goes(struct acme_agent *a)
{
    a->server_hops = 0;
}

/* -- when to wait -- */

uint32_t acme_server_own_wait(const struct acme_agent *a, int64_t now)
{
    struct acme_sched s = a->sched;

    /* The order that follows a rehearsal is not held back by it: the two are a pair, and the first
     * of them waits as the second would have to. */
    if (a->servers.rehearsal == ACME_REHEARSAL_PASSED)
        return acme_sched_wait_one(s.not_before, s.set_at, now);
    if (a->server == SRV_STAGING)
        s.orders = (uint16_t)(s.orders + (s.orders < UINT16_MAX - 2 ? 2 : 0));
    return acme_sched_wait(&s, now);
}

uint32_t acme_server_hold(const struct acme_agent *a, int64_t now)
{
    return acme_servers_wait(&a->servers, a->server, now);
}

void acme_server_rebase(struct acme_agent *a, int64_t now)
{
    acme_servers_rebase(&a->servers, now);
    acme_servers_kept_rebase(&a->server_kept, now);
}

/* -- what happens to an order -- */

void acme_server_charged(struct acme_agent *a)
{
    if (a->servers.rehearsal == ACME_REHEARSAL_PASSED)
        a->servers.rehearsal = ACME_REHEARSAL_PROVED;
}

/* The staging CA's order is never finalized: what it has shown is that the names can be proved. */
bool acme_server_rehearsed(struct acme_agent *a, struct acme_next *next)
{
    uint8_t status = a->order.status;

    if (a->server != SRV_STAGING || (status != ACME_STATUS_READY && status != ACME_STATUS_VALID &&
                                     status != ACME_STATUS_PROCESSING))
        return false;
    a->servers.rehearsal = ACME_REHEARSAL_PASSED;
    a->order.dead = a->again = true;
    next->row = ACME_ROW_END;
    return true;
}

void acme_server_succeeded(struct acme_agent *a)
{
    acme_servers_settled(&a->servers);
}

bool acme_server_failed_last(const struct acme_agent *a)
{
    return a->failure.err != ACME_OK && a->servers.failed == a->server;
}

static enum acme_fault srv_fault(const struct acme_agent *a, int err)
{
    if (a->problem.retry_after_s > 0)
        return ACME_FAULT_LIMIT;
    if (a->problem.type == ACME_PROBLEM_CAA) /* it may not issue, and another one perhaps may */
        return ACME_FAULT_CA;
    switch (err) {
    case ACME_E_PORT_BUSY:
    case ACME_E_PORT_ACCESS:
    case ACME_E_SOLVER:
        return ACME_FAULT_OURS;
    case ACME_E_LOOKUP:
    case ACME_E_NET:
    case ACME_E_TIMEOUT:
    case ACME_E_CLOSED:
        return ACME_FAULT_UNREACHED;
    case ACME_E_RATE:
        return ACME_FAULT_LIMIT;
    case ACME_E_TLS_TRUST: /* whom we cannot trust we cannot ask; the next one shows its own */
    case ACME_E_TLS_NAME:
    case ACME_E_TLS_DATE:
    case ACME_E_TLS_VERSION:
    case ACME_E_URL:
    case ACME_E_ACCOUNT:
    case ACME_E_BINDING:
    case ACME_E_TERMS:
    case ACME_E_NO_SOLVER:
        return ACME_FAULT_CA;
    default:
        break;
    }
    switch (acme_err_class(err)) {
    case ACME_CLASS_VALIDATION:
        return ACME_FAULT_PROOF;
    case ACME_CLASS_CONNECTION:
    case ACME_CLASS_REFUSED:
        return ACME_FAULT_CA;
    default:
        return ACME_FAULT_OURS;
    }
}

/* A run has failed, and is charged. The next server does not wait for what the last one did. */
void acme_server_failed(struct acme_agent *a, int err, int64_t now)
{
    struct acme_servers_facts f = srv_facts(a, now);
    bool rehearsed = a->server == SRV_STAGING;
    bool turned = acme_servers_failed(&a->servers, &f, srv_fault(a, err), rehearsed,
                                      a->problem.retry_after_s);

    a->servers.failed = a->server;
    if (!turned && !(rehearsed && a->sched.by_ca && srv_for_order(a) != SRV_STAGING))
        return;
    a->failure.problem.retry_after_s = 0; /* it is in its holds */
    acme_servers_turned(&a->servers, &f, &a->sched, acme_err_class(err), acme_jitter16());
}

/* -- the configuration, and status -- */

static int srv_check_one(const struct acme_server *s, const char **why)
{
    struct acme_url url;

    *why = "the directory's URL must be a plain https URL";
    if (s->url == NULL || acme_url_read(acme_slice_text(s->url), &url) != ACME_OK)
        return ACME_E_URL;
    *why = "the external account binding is damaged, or not built in";
    return acme_bind_check(s->eab) == ACME_OK ? ACME_OK : ACME_E_CONFIG;
}

int acme_server_check(const struct acme_config *config, const char **why, const char **which)
{
    const struct acme_server *list = config->more_servers;
    int err = ACME_OK;

    *which = NULL;
    *why = "more servers than ACME_MAX_SERVERS";
    if (config->more_servers_count > ACME_MAX_SERVERS - 1)
        return ACME_E_SIZE;
    *why = "no list of servers is given";
    if (config->more_servers_count > 0 && list == NULL)
        return ACME_E_CONFIG;
    for (size_t i = 0; i <= config->more_servers_count && err == ACME_OK; i++) {
        const struct acme_server *s = i < config->more_servers_count ? &list[i] : &config->staging;
        if (s == &config->staging && s->url == NULL)
            break;
        *which = s->url;
        err = srv_check_one(s, why);
        if (err != ACME_OK)
            break;
        *why = "the server is given twice";
        if (strcmp(s->url, config->directory_url) == 0)
            err = ACME_E_CONFIG;
        for (size_t k = 0; k < i && err == ACME_OK; k++) {
            if (strcmp(s->url, list[k].url) == 0)
                err = ACME_E_CONFIG;
        }
    }
    return err;
}

void acme_server_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    const struct acme_servers_hold *hold = &a->servers.holds[a->servers.turn];

    if (hold->not_before > out->next_at) {
        out->next_at = hold->not_before;
        out->next_by_ca = true;
    }
    out->server = srv_url(a, a->servers.turn);
    out->rehearsal = a->servers.rehearsal == ACME_REHEARSAL_OWED;
    if (a->cert.has && a->cert.wanted)
        out->issuer = srv_url(a, a->cert.server);
}
