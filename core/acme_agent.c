/* The driver: the only code that asks the clock, sends, keeps the nonce, repeats, reads
 * Retry-After, writes records, turns a problem into a failure, and sets the step. */
#include "acme_steps.h"

#include <string.h>

#include "acme_jws.h"
#include "acme_time.h"

#define PHASE_START  0 /* the row is to be begun */
#define PHASE_FLIGHT 1 /* its request is under way */
#define PHASE_SAVE   2 /* its records are being written */

#define NONCE_TRIES_MAX  120 /* a CA that refuses nine of ten nonces is still served */
#define NONCE_TRIES_FAST 5
#define LOST_TRIES_MAX   2
#define LOST_IN_RUN_MAX  10
#define REDIRECTS_MAX    5
#define LONG_WAIT_MS     600000
#define RETRY_AFTER_MAX  (366u * ACME_DAY)

static uint64_t clock_ms(const struct acme_agent *a)
{
    return a->port->now_ms(a->port->ctx);
}

/* -- the step: one setter, and it resets what belongs to a step -- */

static void set_step(struct acme_agent *a, uint8_t row)
{
    struct acme_event event = {.type = ACME_EVENT_STEP};

    if (row == a->until && a->busy && (a->outcome == ACME_AGAIN || a->outcome == ACME_OK)) {
        /* a staged walk rests here, the order left open */
        a->until = ACME_ROW_NONE;
        a->outcome = ACME_OK;
        a->wake_ms = 0;
        row = ACME_ROW_REST;
    }
    /* Fetching a nonce is part of the row that needs it: its tries go on being counted. */
    if (row != ACME_ROW_NONCE && a->step != ACME_ROW_NONCE) {
        a->lost_tries = 0;
        a->nonce_tries = 0;
    }
    a->step = row;
    a->phase = PHASE_START;
    a->row_since_ms = clock_ms(a);
    if (row == ACME_ROW_REST || row == ACME_ROW_LOAD)
        return;
    if (row == ACME_ROW_AUTHZ || row == ACME_ROW_RESPOND || row == ACME_ROW_BEGIN ||
        row == ACME_ROW_WHY) {
        event.index = (uint16_t)(a->order.index + 1);
        event.count = a->order.names_count;
    }
    if (event.index <= event.count)
        acme_emit(a, &event);
}

static void wait_for(struct acme_agent *a, uint32_t ms, const char *what)
{
    struct acme_event event = {.type = ACME_EVENT_WAIT, .ms = ms, .text = what};

    a->wake_ms = clock_ms(a) + ms;
    if (ms >= 1000)
        acme_emit(a, &event);
}

/* -- failures -- */

static uint16_t jitter16(void)
{
    uint8_t bytes[2];

    /* Without randomness the middle is as good as any: keys are what must not be guessed. */
    if (acme_random(bytes, sizeof bytes) != ACME_OK)
        return 0x8000;
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static int64_t remaining_life(const struct acme_agent *a, int64_t now)
{
    return a->cert.has && a->cert.wanted ? a->cert.not_after - now : 0;
}

static void note_failure(struct acme_agent *a, int err, int64_t now)
{
    struct acme_failure *f = &a->failure;
    struct acme_event event = {.type = ACME_EVENT_FAILURE, .err = err, .failure = f};

    memset(f, 0, sizeof *f);
    f->err = err;
    f->at = now;
    /* Where nothing else is known, the host is what a person wants to hear. */
    if (a->note[0] == '\0' && a->problem.http_status == 0 && a->problem.type == ACME_PROBLEM_NONE &&
        a->host[0] != '\0' && acme_rows[a->step].how != ACME_LOCAL)
        (void)acme_fail_note(a, err, "host ", a->host);
    (void)acme_copy_text(f->step, sizeof f->step, acme_slice_text(acme_rows[a->step].name));
    (void)acme_copy_text(f->note, sizeof f->note, acme_slice_text(a->note));
    f->problem = a->problem;
    acme_emit(a, &event);
}

/* The run fails with err. The row says where to go; records and the schedule follow there. */
static void fail(struct acme_agent *a, int err)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = err, .text = a->note};
    uint8_t row = acme_rows[a->step].failed;
    int64_t now = 0;

    (void)acme_wall_clock(a, &now);
    /* The next run must not build on what only this RAM knows. */
    if (a->phase == PHASE_SAVE)
        a->owed |= a->save_mask & (ACME_SAVE_ACCOUNT | ACME_SAVE_ORDER);
    a->save_mask = 0;
    a->save_encoded = false;
    a->wake_ms = 0;
    if (a->step == ACME_ROW_END || a->step == ACME_ROW_CLEAR || a->step == ACME_ROW_REST) {
        /* Cleaning up: the run has its outcome, this only came on top. */
        acme_emit(a, &event);
        if (a->outcome == ACME_OK || a->outcome == ACME_AGAIN) {
            a->outcome = err;
            note_failure(a, err, now);
        }
    } else {
        a->outcome = err;
        note_failure(a, err, now);
        /* A configuration that cannot be used never reached the CA: there is nothing to hold back.
         */
        if (acme_err_class(err) != ACME_CLASS_NONE && err != ACME_E_CONFIG)
            acme_sched_failed(&a->sched, now, acme_err_class(err), remaining_life(a, now),
                              a->problem.retry_after_s, jitter16());
    }
    a->note[0] = '\0';
    memset(&a->problem, 0, sizeof a->problem);
    if (a->step == ACME_ROW_ACCOUNT) /* its record may lack it: the CA tells it again */
        a->kid[0] = '\0';
    if (a->step == ACME_ROW_LOAD) /* nothing may be written over what could not be read */
        a->asked = false;
    set_step(a, row);
}

/* -- records -- */

static enum acme_slot save_slot(const struct acme_agent *a)
{
    if (a->save_mask & ACME_SAVE_ACCOUNT)
        return ACME_SLOT_ACCOUNT;
    if (a->save_mask & ACME_SAVE_LEDGER)
        return ACME_SLOT_CA_LEDGER;
    if (a->save_mask & ACME_SAVE_ORDER)
        return ACME_SLOT_ORDER;
    if (a->save_mask & ACME_SAVE_CERT)
        return (enum acme_slot)a->fresh.slot;
    return ACME_SLOT_SCHED;
}

/* A record is durable: what follows from that. */
static void saved(struct acme_agent *a, enum acme_slot slot)
{
    struct acme_event event = {.type = ACME_EVENT_CERTIFICATE, .at = a->fresh.not_after};

    switch (slot) {
    case ACME_SLOT_CERT_A:
    case ACME_SLOT_CERT_B:
        a->cert = a->fresh;
        a->renewed = true;
        acme_emit(a, &event);
        break;
    case ACME_SLOT_ORDER:
        a->order_stored = a->save_len > 0;
        a->order.key_stored = a->cert_key.type != ACME_KEY_NONE;
        break;
    case ACME_SLOT_CA_LEDGER:
        a->ledger_changed = false;
        break;
    default:
        break;
    }
    a->owed &= (uint8_t) ~(a->save_mask & -a->save_mask);
    a->save_mask &= (uint8_t)(a->save_mask - 1); /* the lowest bit */
    a->save_encoded = false;
}

/* Write what is due, one record a call. The bytes stay in their buffer until the slot has taken
 * them, because a write that answered "not yet" is repeated with the same ones. */
static int save(struct acme_agent *a)
{
    const struct acme_slots *slots = a->port->slots;
    enum acme_slot slot = save_slot(a);
    bool is_cert = slot == ACME_SLOT_CERT_A || slot == ACME_SLOT_CERT_B;
    struct acme_span room = is_cert ? a->config->memory.io : a->config->memory.scratch;
    int n;

    if (!a->save_encoded) {
        n = acme_encode(a, slot, room);
        if (n < 0)
            acme_wipe(room.ptr, room.len); /* a key may be in what did fit */
        if (n < 0)
            return acme_fail_note(a, n,
                                  is_cert ? "bound: io, for the certificate record"
                                          : "bound: scratch, for a record",
                                  NULL);
        a->save_len = (size_t)n;
        a->save_encoded = true;
    }
    n = ACME_OK;
    if (a->save_len > 0 || slot != ACME_SLOT_ORDER || a->order_stored)
        n = slots->write(slots->ctx, slot, acme_slot_key(a, slot), room.ptr, a->save_len);
    if (n == ACME_AGAIN)
        return n;
    acme_wipe(room.ptr, a->save_len);
    if (n != ACME_OK)
        return acme_fail_note(a, n, "a record could not be written", NULL);
    saved(a, slot);
    return a->save_mask != 0 ? ACME_AGAIN : ACME_OK;
}

/* accept has decided: records first, then the next row. */
static void go(struct acme_agent *a, const struct acme_next *next)
{
    a->next_step = next->row;
    a->save_mask = next->save;
    if (a->step == ACME_ROW_DIRECTORY)
        a->save_mask |= a->owed;
    a->save_encoded = false;
    a->note[0] = '\0';
    if (next->wait_ms > 0)
        wait_for(a, next->wait_ms,
                 next->row == ACME_ROW_LOOK ? "the CA" : acme_rows[next->row].name);
    if (a->save_mask != 0)
        a->phase = PHASE_SAVE;
    else
        set_step(a, next->row);
}

/* -- the request -- */

static int read_url(struct acme_agent *a, const char *text, struct acme_url *url)
{
    int err = acme_url_read(acme_slice_text(text), url);

    return err == ACME_OK ? ACME_OK : acme_fail_note(a, err, "a URL of the CA", NULL);
}

/* The request of the present row into io: its length, or an error. */
static int write_request(struct acme_agent *a, uint8_t how, const char *url_text,
                         const struct acme_url *url, struct acme_slice payload)
{
    struct acme_http_request request = {.method = "GET", .url = url};
    struct acme_jws jws = {.key = &a->account_key, .nonce = a->nonce, .url = url_text};
    struct acme_public pub;
    struct acme_buf io;
    int err;

    acme_buf_init(&io, a->config->memory.io.ptr, a->config->memory.io.len);
    if (a->step == ACME_ROW_CERT)
        request.accept = "application/pem-certificate-chain";
    if (how == ACME_HEAD)
        request.method = "HEAD";
    if (how == ACME_POST_JWK || how == ACME_POST_KID) {
        jws.kid = how == ACME_POST_KID ? a->kid : NULL;
        jws.payload = payload;
        err = acme_key_public(&a->account_key, &pub);
        if (err != ACME_OK)
            return acme_fail_note(a, err, "the account key cannot be used", NULL);
        request.method = "POST";
        request.content_type = "application/jose+json";
        request.content_length = acme_jws_size(&jws, &pub);
        acme_http_write_request(&io, &request);
        err = acme_jws_write(&io, &jws);
        if (err != ACME_OK)
            return acme_fail_note(a, err, "bound: io, for a request", NULL);
        a->nonce[0] = '\0'; /* one use each, whatever comes back (RFC 8555 6.5) */
    } else
        acme_http_write_request(&io, &request);
    if (io.overflow)
        return acme_fail_note(a, ACME_E_SIZE, "bound: io, for a request", NULL);
    return (int)io.len;
}

/* A Retry-After is a floor for the next look at the order, whatever led to the look. */
static int wait_to_look(struct acme_agent *a)
{
    uint64_t left = a->look_ms - clock_ms(a);

    if (left <= LONG_WAIT_MS) {
        wait_for(a, (uint32_t)left, "the CA");
        return ACME_AGAIN;
    }
    /* The order is left open; whoever comes back at that time finds it. */
    a->problem.retry_after_s = (uint32_t)((left + 999) / 1000);
    return acme_fail_note(a, ACME_E_TIMEOUT, "the CA wants us to come back much later", NULL);
}

static int start_request(struct acme_agent *a, const struct acme_row *row)
{
    struct acme_event event = {.type = ACME_EVENT_REQUEST};
    uint8_t how = row->how == ACME_HEAD && a->nonce_by_get ? ACME_GET : row->how;
    const char *url_text = NULL;
    struct acme_slice payload = {NULL, 0};
    struct acme_url url;
    int n;

    if (a->step == ACME_ROW_LOOK && a->look_ms > clock_ms(a))
        return wait_to_look(a);
    if (how >= ACME_POST_JWK && a->nonce[0] == '\0') {
        a->after_nonce = a->step;
        set_step(a, ACME_ROW_NONCE);
        return ACME_AGAIN;
    }
    n = row->build(a, &url_text, &payload);
    if (n == ACME_OK)
        n = read_url(a, url_text, &url);
    if (n == ACME_OK)
        n = write_request(a, how, url_text, &url, payload);
    if (n < 0)
        return n;
    url.host.len = url.host.len < sizeof a->host ? url.host.len : sizeof a->host - 1;
    (void)acme_copy_text(a->host, sizeof a->host, url.host);
    n = acme_exchange_start(&a->exchange, &url, (size_t)n, how == ACME_HEAD);
    if (n != ACME_OK)
        return n;
    event.text = how == ACME_GET ? "GET" : how == ACME_HEAD ? "HEAD" : "POST";
    event.detail = url_text;
    acme_emit(a, &event);
    a->request_ms = clock_ms(a);
    a->phase = PHASE_FLIGHT;
    return ACME_AGAIN;
}

/* -- the reply -- */

/* RFC 8555 6.5.1: what is not a nonce by its grammar is ignored. */
static void keep_nonce(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_slice value;

    if (!acme_http_field(&reply->head, "replay-nonce", 0, &value) || value.len == 0 ||
        value.len > ACME_MAX_NONCE)
        return;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
        if (!ok)
            return;
    }
    (void)acme_copy_text(a->nonce, sizeof a->nonce, value);
}

static uint32_t reply_retry_after(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_slice value, date = {NULL, 0};
    int64_t now = 0;
    uint32_t seconds = 0;
    bool have_now = acme_wall_clock(a, &now) == ACME_OK;

    if (!acme_http_field(&reply->head, "retry-after", 0, &value))
        return 0;
    (void)acme_http_field(&reply->head, "date", 0, &date);
    if (acme_time_retry_after(value, have_now, now, date, &seconds) != ACME_OK)
        return 0;
    return seconds < RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX;
}

/* The directory, and only it, may have moved (https only). */
static int follow_redirect(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_slice location;
    struct acme_url url;

    if (a->step != ACME_ROW_DIRECTORY || ++a->redirects > REDIRECTS_MAX ||
        !acme_http_field(&reply->head, "location", 0, &location))
        return acme_fail_note(a, ACME_E_REPLY, "a redirect that is not followed", NULL);
    if (acme_url_read(location, &url) != ACME_OK ||
        !acme_url_allowed(&a->directory_url, &url, a->config->any_host))
        return acme_fail_note(a, ACME_E_URL, "the directory is redirected to", NULL);
    if (!acme_copy_text(a->redirect, sizeof a->redirect, location))
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_URL, for a redirect", NULL);
    set_step(a, ACME_ROW_DIRECTORY);
    return ACME_OK;
}

/* The same request with a fresh nonce: the CA refused before it acted. The first ones at once, the
 * others slower, so that a broken CA is not hammered. */
static int repeat_nonce(struct acme_agent *a)
{
    struct acme_event event = {.type = ACME_EVENT_RETRY, .err = ACME_E_NONCE};

    if (++a->nonce_tries > NONCE_TRIES_MAX)
        return ACME_E_NONCE;
    acme_emit(a, &event);
    a->phase = PHASE_START;
    if (a->nonce_tries > NONCE_TRIES_FAST)
        wait_for(a, 250, "a nonce that the CA takes");
    return ACME_OK;
}

/* The account is gone at the CA: once in a run it is made again with the same key, and what was
 * open under the old one is given up. */
static int account_gone(struct acme_agent *a)
{
    if (a->account_retries++ > 0)
        return ACME_E_ACCOUNT;
    a->kid[0] = '\0';
    a->order.stale = true;
    (void)acme_run_again(a);
    memset(&a->problem, 0, sizeof a->problem);
    set_step(a, ACME_ROW_END);
    return ACME_OK;
}

/* Remember a Retry-After in the scope that it speaks for: newAccount's for accounts, newOrder's for
 * orders, any other for the whole CA; the failure keeps it for this certificate. */
static void keep_retry_after(struct acme_agent *a, uint32_t seconds)
{
    int64_t now = 0;

    if (seconds == 0 || acme_wall_clock(a, &now) != ACME_OK)
        return;
    if (a->step == ACME_ROW_ACCOUNT) {
        a->ledger.account.not_before = now + seconds;
        a->ledger.account.set_at = now;
        a->ledger.account.by_ca = true;
        a->ledger_changed = true;
    } else if (a->step == ACME_ROW_ORDER) {
        /* Whether the limit is the account's or that of these names is not said. This certificate
         * waits for all of it; the others an hour at the most, because the limit of one set of
         * names (days) must not let all others expire. */
        a->ledger.order_not_before = now + (seconds < ACME_HOUR ? seconds : ACME_HOUR);
        a->ledger.order_set_at = now;
        a->ledger_changed = true;
    } else if (a->step != ACME_ROW_FINALIZE) {
        a->ledger.any_not_before = now + seconds;
        a->ledger.any_set_at = now;
        a->ledger_changed = true;
    }
}

/* Retry-After of a reply that was not a refusal: when to look at the order again. */
static void keep_look(struct acme_agent *a, uint32_t seconds)
{
    if (seconds > 0 && a->step != ACME_ROW_DIRECTORY && a->step != ACME_ROW_NONCE)
        a->look_ms = clock_ms(a) + (uint64_t)seconds * 1000;
}

static int problem_error(const struct acme_problem *p)
{
    if (p->type == ACME_PROBLEM_RATE_LIMITED || p->http_status == 429)
        return ACME_E_RATE;
    if (p->type == ACME_PROBLEM_USER_ACTION_REQUIRED)
        return ACME_E_TERMS;
    if (p->http_status >= 500)
        return ACME_E_SERVER;
    return ACME_E_REFUSED;
}

/* userActionRequired (RFC 8555 7.3.3): where the new terms are, and where to agree to them. */
static void tell_terms(struct acme_agent *a, const struct acme_reply *reply,
                       const struct acme_json *problem)
{
    const char *instance = acme_json_member(problem, "instance");
    struct acme_slice link;

    if (instance != NULL)
        acme_tell_terms(a, acme_slice_text(instance));
    else if (acme_http_link(&reply->head, "terms-of-service", 0, &link))
        acme_tell_terms(a, link);
}

/* No reply, or one that leaves open whether the CA has acted. Where does the row go then? */
static int lost(struct acme_agent *a, int err)
{
    struct acme_event event = {.type = ACME_EVENT_RETRY, .err = err};
    uint8_t row = acme_rows[a->step].lost;
    uint8_t tries = a->lost_tries;

    a->nonce[0] = '\0';
    if (acme_err_class(err) != ACME_CLASS_CONNECTION || row == ACME_ROW_NONE ||
        tries >= LOST_TRIES_MAX || a->lost_in_run >= LOST_IN_RUN_MAX)
        return err;
    a->lost_in_run++;
    acme_emit(a, &event);
    if (row != a->step)
        set_step(a, row);
    a->phase = PHASE_START;
    a->lost_tries = (uint8_t)(tries + 1);
    wait_for(a, tries == 0 ? 1000 : 4000, "the CA, once more");
    return ACME_OK;
}

/* A status of 4xx or 5xx. ACME_OK: dealt with; else the error to fail with. */
static int problem_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    const struct acme_row *row = &acme_rows[a->step];
    const struct acme_json *root = NULL;
    struct acme_next next = {a->step, 0, 0};
    struct acme_problem problem;
    uint32_t retry_after = reply_retry_after(a, reply);
    int err;

    memset(&problem, 0, sizeof problem);
    if (acme_json_parse(reply->body, a->config->memory.scratch, &root) == ACME_OK)
        acme_read_problem(root, &problem);
    problem.http_status = reply->head.status;
    problem.retry_after_s = retry_after;
    if (problem.type == ACME_PROBLEM_BAD_NONCE && row->how >= ACME_POST_JWK)
        return repeat_nonce(a); /* what was known before is still why */
    a->problem = problem;
    if (row->refused != NULL && row->refused(a, &problem, &next) == ACME_OK) {
        if (!a->order.respond_refused) /* it is dealt with; a later failure has words of its own */
            memset(&a->problem, 0, sizeof a->problem);
        keep_look(a, retry_after);
        go(a, &next);
        return ACME_OK;
    }
    if (a->problem.type == ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST && row->how == ACME_POST_KID)
        return account_gone(a);
    err = problem_error(&a->problem);
    if (err == ACME_E_TERMS)
        tell_terms(a, reply, root);
    if (err == ACME_E_RATE || err == ACME_E_SERVER)
        keep_retry_after(a, retry_after);
    if (err == ACME_E_SERVER && retry_after == 0) /* it may have acted before it broke */
        return lost(a, err);
    if (a->note[0] == '\0' && a->problem.detail[0] == '\0' && reply->head.status == 404)
        (void)acme_fail_note(a, err, "HTTP 404: is the URL right?", NULL);
    return err;
}

static int good_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_next next = {a->step, 0, 0};
    int err;

    keep_look(a, reply_retry_after(a, reply));
    err = acme_rows[a->step].accept(a, reply, &next);
    if (err != ACME_OK)
        return err;
    if (a->step != ACME_ROW_NONCE)
        a->lost_tries = 0;
    go(a, &next);
    return ACME_OK;
}

static int take_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_event event = {.type = ACME_EVENT_REPLY, .status = reply->head.status};
    uint16_t status = reply->head.status;

    event.ms = (uint32_t)(clock_ms(a) - a->request_ms);
    acme_emit(a, &event);
    event.type = ACME_EVENT_EXCHANGE;
    event.body = reply->body;
    acme_emit(a, &event);
    keep_nonce(a, reply);
    if (status >= 200 && status < 300)
        return good_reply(a, reply);
    if (status >= 300 && status < 400)
        return follow_redirect(a, reply);
    return problem_reply(a, reply);
}

/* -- one turn -- */

static int turn_flight(struct acme_agent *a)
{
    struct acme_event event = {.type = ACME_EVENT_RETRY};
    struct acme_reply reply;
    int err = acme_exchange_poll(&a->exchange, &reply);

    if (err == ACME_AGAIN)
        return err;
    if (err == ACME_OK) {
        err = take_reply(a, &reply);
        return err == ACME_OK ? ACME_AGAIN : err;
    }
    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "bound: io, for a reply", NULL);
    if (acme_exchange_was_stale(&a->exchange) && a->stale_retries++ < 2) {
        /* A kept connection that the server had closed: nothing was lost but the connection. */
        event.err = err;
        acme_emit(a, &event);
        a->nonce[0] = '\0';
        if (acme_rows[a->step].lost != ACME_ROW_NONE && acme_rows[a->step].lost != a->step)
            set_step(a, acme_rows[a->step].lost);
        a->phase = PHASE_START;
        return ACME_AGAIN;
    }
    err = lost(a, err);
    return err == ACME_OK ? ACME_AGAIN : err;
}

static int turn_local(struct acme_agent *a, uint32_t *sleep_ms)
{
    struct acme_next next = {a->step, 0, 0};
    int err = acme_rows[a->step].accept(a, NULL, &next);

    if (err == ACME_AGAIN)
        *sleep_ms = next.wait_ms;
    if (err == ACME_OK) {
        go(a, &next);
        return ACME_AGAIN;
    }
    return err;
}

/* A bounded piece of work. ACME_AGAIN: *sleep_ms says when to come back. */
static int turn(struct acme_agent *a, uint32_t *sleep_ms)
{
    const struct acme_row *row = &acme_rows[a->step];
    int err;

    *sleep_ms = 0;
    if (a->phase == PHASE_SAVE) {
        err = save(a);
        if (err == ACME_AGAIN && a->save_encoded) /* the medium is busy */
            *sleep_ms = 1;
        if (err == ACME_OK)
            set_step(a, a->next_step);
        return err == ACME_OK ? ACME_AGAIN : err;
    }
    if (row->how == ACME_LOCAL)
        return turn_local(a, sleep_ms);
    if (a->phase == PHASE_START)
        return start_request(a, row);
    err = turn_flight(a);
    if (a->phase == PHASE_FLIGHT)
        *sleep_ms = acme_exchange_wait_ms(&a->exchange); /* a socket wakes us before */
    return err;
}

static void stop_run(struct acme_agent *a)
{
    a->stopping = false;
    if (!a->busy || a->step == ACME_ROW_END || a->step == ACME_ROW_CLEAR)
        return;
    acme_exchange_close(&a->exchange);
    a->save_mask = 0;
    a->save_encoded = false;
    a->wake_ms = 0;
    a->outcome = ACME_E_CLOSED;
    set_step(a, ACME_ROW_END);
}

int acme_agent_poll(struct acme_agent *a, uint32_t *sleep_ms)
{
    uint32_t sleep = UINT32_MAX, wanted;
    uint64_t now;
    int err;

    for (uint8_t i = 0; i < a->solvers_count; i++) {
        if (a->solvers[i]->ops->poll == NULL)
            continue;
        wanted = a->solvers[i]->ops->poll(a->solvers[i]);
        if (wanted < sleep)
            sleep = wanted;
    }
    if (a->stopping && a->phase != PHASE_SAVE)
        stop_run(a);
    now = clock_ms(a);
    wanted = 0;
    if (a->wake_ms > now && a->phase != PHASE_SAVE) /* records do not wait */
        wanted = a->wake_ms - now > 3600000 ? 3600000 : (uint32_t)(a->wake_ms - now);
    else {
        err = turn(a, &wanted);
        if (err != ACME_AGAIN) {
            fail(a, err);
            wanted = 0;
        } else if (a->wake_ms > now && wanted == 0)
            wanted = a->wake_ms - now > 3600000 ? 3600000 : (uint32_t)(a->wake_ms - now);
    }
    *sleep_ms = wanted < sleep ? wanted : sleep;
    return a->busy || a->step != ACME_ROW_REST || a->asked ? ACME_AGAIN : ACME_OK;
}

int acme_agent_ask(struct acme_agent *a, unsigned flags, const char *until_row)
{
    uint8_t until = ACME_ROW_NONE;

    if (a->busy)
        return ACME_E_ARG;
    if (until_row != NULL) {
        for (uint8_t i = ACME_ROW_REST + 1; i < ACME_ROW_COUNT; i++) {
            if (strcmp(acme_rows[i].name, until_row) == 0)
                until = i;
        }
        if (until == ACME_ROW_NONE)
            return ACME_E_ARG;
    }
    a->until = until;
    a->ask_flags = (uint8_t)flags;
    a->asked = true;
    a->outcome = ACME_AGAIN;
    a->wake_ms = 0;
    return ACME_OK;
}

void acme_agent_stop(struct acme_agent *a)
{
    a->stopping = true;
    a->asked = false;
    a->again = false;
}

void acme_agent_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    memset(out, 0, sizeof *out);
    out->busy = a->busy || a->asked || !(a->step == ACME_ROW_REST);
    out->step = acme_rows[a->step].name;
    out->outcome = a->outcome;
    out->renewed = a->renewed;
    out->has_certificate = a->cert.has;
    out->not_before = a->cert.not_before;
    out->not_after = a->cert.not_after;
    if (a->cert.has)
        out->due_at = acme_sched_due_at(a->cert.not_before, a->cert.not_after);
    out->next_at = a->sched.not_before;
    out->next_by_ca = a->sched.by_ca;
    if (a->ledger.any_not_before > out->next_at) {
        out->next_at = a->ledger.any_not_before;
        out->next_by_ca = true;
    }
    out->order_open = a->order.open;
    out->failure = &a->failure;
    out->requests = a->exchange.requests;
    out->connections = a->exchange.connections;
}

void acme_agent_close(struct acme_agent *a)
{
    acme_exchange_close(&a->exchange);
    acme_key_wipe(&a->account_key);
    acme_key_wipe(&a->cert_key);
    acme_wipe(a->config->memory.io.ptr, a->config->memory.io.len);
    acme_wipe(a->config->memory.scratch.ptr, a->config->memory.scratch.len);
}
