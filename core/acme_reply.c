/* The driver's half that speaks with the CA: a row's request, and what its reply means. */
#include "acme_driver.h"

#include <string.h>

#include "acme_jws.h"
#include "acme_time.h"

#define NONCE_TRIES_MAX  120 /* a CA that refuses nine of ten nonces is still served */
#define NONCE_TRIES_FAST 5
#define LOST_TRIES_MAX   2
#define LOST_IN_RUN_MAX  10
#define REDIRECTS_MAX    5
#define RETRY_AFTER_MAX  (366u * ACME_DAY)

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
    if (how == ACME_POST_JOB)
        jws.key = a->job->key;
    if (how == ACME_POST_NEW)
        jws.key = &a->new_key;
    if (how >= ACME_POST_JWK) {
        jws.kid = how == ACME_POST_KID ? a->kid : NULL;
        jws.payload = payload;
        err = acme_key_public(jws.key, &pub);
        if (err != ACME_OK)
            return acme_fail_note(a, err, "the key that signs cannot be used", NULL);
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
    uint64_t left = a->look_ms - acme_drive_clock(a);

    if (left <= LONG_WAIT_MS) {
        acme_drive_wait(a, (uint32_t)left, "the CA");
        return ACME_AGAIN;
    }
    /* The order is left open; whoever comes back at that time finds it. */
    a->problem.retry_after_s = (uint32_t)((left + 999) / 1000);
    return acme_fail_note(a, ACME_E_TIMEOUT, "the CA wants us to come back much later", NULL);
}

int acme_drive_request(struct acme_agent *a, const struct acme_row *row)
{
    struct acme_event event = {.type = ACME_EVENT_REQUEST};
    uint8_t how = row->how == ACME_HEAD && a->nonce_by_get ? ACME_GET : row->how;
    const char *url_text = NULL;
    struct acme_slice payload = {NULL, 0};
    struct acme_url url = {.port = 0};
    int n;

    if (a->step == ACME_ROW_LOOK && a->look_ms > acme_drive_clock(a))
        return wait_to_look(a);
    if (how >= ACME_POST_JWK && a->nonce[0] == '\0') {
        a->after_nonce = a->step;
        acme_drive_step(a, ACME_ROW_NONCE);
        return ACME_AGAIN;
    }
    n = row->build(a, &url_text, &payload);
    if (n == ACME_AGAIN) /* the medium is busy: what it needs is in a record */
        acme_drive_wait(a, 1, "the medium");
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
    a->request_ms = acme_drive_clock(a);
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

uint32_t acme_reply_retry_after(struct acme_agent *a, const struct acme_reply *reply)
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
    acme_drive_step(a, ACME_ROW_DIRECTORY);
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
        acme_drive_wait(a, 250, "a nonce that the CA takes");
    return ACME_OK;
}

/* The account is gone at the CA: once in a run it is made again with the same key, and what was
 * open under the old one is given up. */
static int account_gone(struct acme_agent *a)
{
    if (a->job != NULL || a->account_retries++ > 0)
        return ACME_E_ACCOUNT;
    a->kid[0] = '\0';
    a->cert.same_account = false;
    a->order.stale = true;
    (void)acme_run_again(a);
    memset(&a->problem, 0, sizeof a->problem);
    acme_drive_step(a, ACME_ROW_END);
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
    } else if (a->step != ACME_ROW_FINALIZE && a->step != ACME_ROW_WINDOW) {
        a->ledger.any_not_before = now + seconds;
        a->ledger.any_set_at = now;
        a->ledger_changed = true;
    }
}

/* Retry-After of a reply that was not a refusal: when to look at the order again. */
static void keep_look(struct acme_agent *a, uint32_t seconds)
{
    if (seconds > 0 && acme_rows[a->step].how >= ACME_POST_JWK)
        a->look_ms = acme_drive_clock(a) + (uint64_t)seconds * 1000;
}

static int problem_error(const struct acme_problem *p)
{
    if (p->type == ACME_PROBLEM_RATE_LIMITED || p->http_status == 429)
        return ACME_E_RATE;
    if (p->type == ACME_PROBLEM_USER_ACTION_REQUIRED)
        return ACME_E_TERMS;
    if (p->type == ACME_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED)
        return ACME_E_BINDING;
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
int acme_drive_lost(struct acme_agent *a, int err)
{
    struct acme_event event = {.type = ACME_EVENT_RETRY, .err = err};
    uint8_t row = acme_rows[a->step].lost;
    uint8_t tries = a->lost_tries;

    a->nonce[0] = '\0';
    if (a->ari_run || a->step == ACME_ROW_WINDOW) /* not worth it */
        return err;
    /* Others want the memory, nothing is begun yet, and the schedule tries again. */
    if (a->in_turns && a->step == ACME_ROW_DIRECTORY && !a->config->only_when_asked)
        return err;
    if (acme_err_class(err) != ACME_CLASS_CONNECTION || row == ACME_ROW_NONE ||
        tries >= LOST_TRIES_MAX || a->lost_in_run >= LOST_IN_RUN_MAX)
        return err;
    a->lost_in_run++;
    acme_emit(a, &event);
    if (row != a->step)
        acme_drive_step(a, row);
    a->phase = PHASE_START;
    a->lost_tries = (uint8_t)(tries + 1);
    acme_drive_wait(a, tries == 0 ? 1000 : 4000, "the CA, once more");
    return ACME_OK;
}

/* A status of 4xx or 5xx. ACME_OK: dealt with; else the error to fail with. */
static int problem_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    const struct acme_row *row = &acme_rows[a->step];
    const struct acme_json *root = NULL;
    struct acme_next next = {a->step, 0, 0};
    struct acme_problem problem;
    uint32_t retry_after = acme_reply_retry_after(a, reply);
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
        if (!a->order.respond_refused &&
            !a->roll_refused) /* it is dealt with; a later failure has words of its own */
            memset(&a->problem, 0, sizeof a->problem);
        keep_look(a, retry_after);
        acme_drive_go(a, &next);
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
        return acme_drive_lost(a, err);
    if (a->note[0] == '\0' && a->problem.detail[0] == '\0' && reply->head.status == 404)
        (void)acme_fail_note(a, err, "HTTP 404: is the URL right?", NULL);
    return err;
}

/* Within a verified exchange: what a board's clock may believe. */
static void tell_time(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_event event = {.type = ACME_EVENT_TIME};
    struct acme_slice date;

    if (acme_http_field(&reply->head, "date", 0, &date) &&
        acme_time_http(date, &event.at) == ACME_OK)
        acme_emit(a, &event);
}

static int good_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_next next = {a->step, 0, 0};
    int err;

    if (a->step == ACME_ROW_DIRECTORY) /* once in a run */
        tell_time(a, reply);
    keep_look(a, acme_reply_retry_after(a, reply));
    err = acme_rows[a->step].accept(a, reply, &next);
    if (err != ACME_OK)
        return err;
    if (a->step != ACME_ROW_NONCE)
        a->lost_tries = 0;
    acme_drive_go(a, &next);
    return ACME_OK;
}

int acme_drive_reply(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_event event = {.type = ACME_EVENT_REPLY, .status = reply->head.status};
    uint16_t status = reply->head.status;

    event.ms = (uint32_t)(acme_drive_clock(a) - a->request_ms);
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
