/* The CA's window for the renewal (RFC 9773): asked, chosen in, and followed. A link choice: the
 * other one is acme_steps_noari.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_ari.h"
#include "acme_records.h"
#include "acme_time.h"

#define ARI_ASK_MIN   ACME_MINUTE
#define ARI_ASK_MAX   ACME_DAY
#define ARI_ASK_USUAL (6 * ACME_HOUR)
#define ARI_NOT_THERE                                                                              \
    (365 * ACME_DAY) /* none at this CA: its directory tells with the next one                     \
                      */
#define ARI_STORE_AFTER (12 * ACME_HOUR)
#define ARI_MOVED_AFTER ACME_HOUR
#define ARI_TRIES_MAX   3 /* after so many lost replies it is an outage */

/* Whatever is remembered is about the certificate in force. */
static void ari_fit(struct acme_agent *a)
{
    if (a->ari.sequence != a->cert.sequence)
        memset(&a->ari, 0, sizeof a->ari);
    a->ari.sequence = a->cert.sequence;
}

static void ari_ask_in(struct acme_agent *a, uint32_t seconds)
{
    int64_t now = 0;

    ari_fit(a);
    (void)acme_wall_clock(a, &now);
    a->ari.set_at = now;
    a->ari.next_at = now + seconds;
}

void acme_ari_name(struct acme_cert_state *cert, const struct acme_cert_facts *facts)
{
    (void)acme_ari_id(facts, cert->id, sizeof cert->id);
}

bool acme_ari_followed(const struct acme_agent *a)
{
    return a->ari.renew_at != 0 && a->ari.sequence == a->cert.sequence;
}

int64_t acme_ari_due_at(const struct acme_agent *a)
{
    if (acme_ari_followed(a))
        return a->ari.renew_at;
    return acme_sched_due_at(a->cert.not_before, a->cert.not_after);
}

uint32_t acme_ari_wait(const struct acme_agent *a, int64_t now)
{
    if (!a->cert.has || !a->cert.wanted || a->cert.id[0] == '\0' || now >= a->cert.not_after)
        return UINT32_MAX;
    if (a->ari.sequence != a->cert.sequence)
        return 0;
    return acme_sched_wait_one(a->ari.next_at, a->ari.set_at, now);
}

/* Power comes back in a whole town at once, and a device may start again and again: the question is
 * spread as what is due at a start, and never comes at once. */
void acme_ari_booted(struct acme_agent *a, int64_t now)
{
    uint32_t spread;

    if (a->config->only_when_asked || acme_ari_wait(a, now) > 5 * ACME_MINUTE)
        return;
    spread = acme_sched_spread(ACME_SCHED_AT_START, a->cert.not_after - now, acme_jitter16());
    ari_ask_in(a, 5 * ACME_MINUTE + spread);
}

void acme_ari_rebase(struct acme_agent *a, int64_t now)
{
    (void)acme_sched_rebase_one(&a->ari.next_at, &a->ari.set_at, now);
}

/* -- records and status -- */

void acme_ari_put(const struct acme_agent *a, struct acme_record_writer *w)
{
    const struct acme_ari *ari = &a->ari;

    if (ari->next_at == 0)
        return;
    acme_record_u64(w, ARI_SEQUENCE, ari->sequence);
    acme_record_i64(w, ARI_START, ari->start);
    acme_record_i64(w, ARI_END, ari->end);
    acme_record_i64(w, ARI_RENEW_AT, ari->renew_at);
    acme_record_i64(w, ARI_NEXT_AT, ari->next_at);
    acme_record_i64(w, ARI_SET_AT, ari->set_at);
}

void acme_ari_get(struct acme_agent *a, const struct acme_field *field)
{
    struct acme_ari *ari = &a->ari;
    int64_t value = 0;

    if (!acme_field_i64(field, &value))
        return;
    if (field->tag == ARI_SEQUENCE)
        ari->sequence = (uint32_t)value;
    else if (field->tag == ARI_START)
        ari->start = value;
    else if (field->tag == ARI_END)
        ari->end = value;
    else if (field->tag == ARI_RENEW_AT)
        ari->renew_at = ari->stored_renew_at = value;
    else if (field->tag == ARI_NEXT_AT)
        ari->next_at = value;
    else if (field->tag == ARI_SET_AT)
        ari->set_at = ari->stored_at = value;
}

/* The account is remembered, because the CA takes a predecessor of the same one only. */
void acme_ari_put_cert(const struct acme_agent *a, struct acme_record_writer *w)
{
    uint8_t account[ACME_SHA256_SIZE];

    if (a->fresh.id[0] == '\0' || acme_sha256(a->kid, strlen(a->kid), account) != ACME_OK)
        return;
    acme_record_text(w, CERT_ID, a->fresh.id);
    acme_record_bytes(w, CERT_ACCOUNT, account, sizeof account);
    acme_record_u64(w, CERT_REPLACES, a->fresh.replaces);
}

void acme_ari_get_cert(const struct acme_agent *a, const struct acme_field *field,
                       struct acme_cert_state *out)
{
    uint8_t account[ACME_SHA256_SIZE];
    uint64_t number = 0;

    if (field->tag == CERT_ID)
        (void)acme_field_text(field, out->id, sizeof out->id);
    else if (field->tag == CERT_ACCOUNT && field->value.len == sizeof account &&
             acme_sha256(a->kid, strlen(a->kid), account) == ACME_OK)
        out->same_account = memcmp(field->value.ptr, account, sizeof account) == 0;
    else if (field->tag == CERT_REPLACES && acme_field_u64(field, &number))
        out->replaces = number != 0;
}

void acme_ari_status(const struct acme_agent *a, struct acme_agent_status *out)
{
    out->cert_id = a->cert.id;
    out->replaces = a->cert.replaces;
    if (!a->cert.has || a->ari.sequence != a->cert.sequence)
        return;
    out->window_start = a->ari.start;
    out->window_end = a->ari.end;
    out->window_followed = acme_ari_followed(a);
    out->window_next = a->ari.next_at;
    out->window_asked = a->ari.set_at;
}

/* -- the window -- */

void acme_ari_after_directory(struct acme_agent *a, struct acme_next *next)
{
    next->row = a->kid[0] != '\0' ? acme_after_account(a) : ACME_ROW_REGISTER;
    if (!a->ari_run)
        return;
    next->row = ACME_ROW_WINDOW;
    if (a->directory.renewal_info != 0)
        return;
    ari_ask_in(a, ARI_NOT_THERE);
    a->ari.renew_at = 0;
    a->again = true;
    next->row = ACME_ROW_REST;
    next->save = ACME_SAVE_SCHED;
}

uint8_t acme_ari_after_end(struct acme_agent *a)
{
    if (a->outcome != ACME_OK || !a->renewed || a->cert.id[0] == '\0')
        return ACME_ROW_CLEAR;
    memset(&a->ari, 0, sizeof a->ari);
    ari_ask_in(a, ARI_NOT_THERE);
    return a->directory.renewal_info != 0 ? ACME_ROW_WINDOW : ACME_ROW_CLEAR;
}

int build_window(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_span scratch = a->config->memory.scratch;
    const char *base = a->directory.text + a->directory.renewal_info;
    size_t len = strlen(base);
    struct acme_buf b;

    (void)payload;
    acme_buf_init(&b, scratch.ptr, scratch.len);
    acme_buf_text(&b, base);
    if (len > 0 && base[len - 1] != '/')
        acme_buf_char(&b, '/');
    acme_buf_text(&b, a->cert.id);
    *url = (const char *)scratch.ptr;
    return acme_buf_end(&b) ? ACME_OK : acme_fail_note(a, ACME_E_SIZE, "bound: scratch", NULL);
}

static bool ari_time(const struct acme_json *window, const char *name, int64_t *out)
{
    return acme_time_rfc3339(acme_slice_text(acme_json_member(window, name)), out) == ACME_OK;
}

static void ari_tell(struct acme_agent *a, const char *explanation)
{
    char text[2 * ACME_TIME_TEXT], shown[128];
    struct acme_event event = {.type = ACME_EVENT_WINDOW, .at = a->ari.renew_at};

    acme_time_text(a->ari.start, text);
    text[ACME_TIME_TEXT - 1] = '/';
    acme_time_text(a->ari.end, text + ACME_TIME_TEXT);
    acme_printable(shown, sizeof shown, acme_slice_text(explanation));
    event.text = text;
    event.word = a->ari.renew_at != 0 ? "" : "ignored";
    event.detail = shown;
    acme_emit(a, &event);
}

/* The moment is chosen once, and kept as long as the window has it in it: a new choice at each
 * answer, or at each start, would draw all renewals to the window's beginning. */
static void ari_choose(struct acme_agent *a, int64_t start, int64_t end)
{
    int64_t kept = a->ari.renew_at;
    uint32_t random = 1u << 31;

    a->ari.start = start;
    a->ari.end = end;
    (void)acme_random(&random, sizeof random);
    a->ari.renew_at = acme_ari_choose(start, end, a->cert.not_before, a->cert.not_after, random);
    if (a->ari.renew_at != 0 && kept >= start && kept <= end)
        a->ari.renew_at = kept;
}

/* Flash is spared: a moment that has changed is stored once an hour, whatever the CA says how
 * often, and when to ask next twice a day. A command that ends has no other memory. */
static bool ari_to_store(const struct acme_agent *a)
{
    int64_t age = a->ari.set_at - a->ari.stored_at;

    return a->config->only_when_asked || age < 0 ||
           age >= (a->ari.renew_at != a->ari.stored_renew_at ? ARI_MOVED_AFTER : ARI_STORE_AFTER);
}

int accept_window(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    const struct acme_json *root = NULL, *window;
    uint32_t seconds = acme_reply_retry_after(a, reply);
    int64_t start, end, before;
    int err = acme_reply_json(a, reply, &root);

    if (err != ACME_OK)
        return err;
    window = acme_json_get(root, "suggestedWindow");
    if (!ari_time(window, "start", &start) || !ari_time(window, "end", &end))
        return acme_fail_note(a, ACME_E_REPLY, "the renewal information has no window", NULL);
    if (seconds == 0)
        seconds = ARI_ASK_USUAL;
    seconds = seconds < ARI_ASK_MIN ? ARI_ASK_MIN : seconds;
    ari_ask_in(a, seconds > ARI_ASK_MAX ? ARI_ASK_MAX : seconds);
    before = a->ari.renew_at;
    ari_choose(a, start, end);
    if (a->ari.renew_at != before || a->asked)
        ari_tell(a, acme_json_member(root, "explanationURL"));
    a->ari.tries = 0;
    next->row = ACME_ROW_CLEAR;
    if (!a->ari_run)
        return ACME_OK;
    if (ari_to_store(a))
        next->save = ACME_SAVE_SCHED;
    a->again = true;
    next->row = ACME_ROW_REST;
    if (a->ari.set_at < acme_ari_due_at(a) || acme_server_elsewhere(a))
        return ACME_OK;
    /* It is due, and the CA is at hand. */
    a->again = a->ari_run = false;
    acme_ari_after_directory(a, next);
    return ACME_OK;
}

/* It is not the renewal that has failed, only the question: the lifetime rule stays. */
bool acme_ari_failed(struct acme_agent *a, int err, uint8_t *row)
{
    uint32_t seconds = ARI_ASK_USUAL;

    if (!a->ari_run && a->step != ACME_ROW_WINDOW)
        return false;
    ari_fit(a);
    /* An answer that is none will not be another one in a minute (RFC 9773 4.3.3). */
    if (acme_err_class(err) == ACME_CLASS_CONNECTION && err != ACME_E_JSON &&
        a->ari.tries < ARI_TRIES_MAX)
        seconds = (uint32_t)ACME_MINUTE << 2 * a->ari.tries++;
    if (seconds < a->problem.retry_after_s)
        seconds = a->problem.retry_after_s < ARI_ASK_MAX ? a->problem.retry_after_s : ARI_ASK_MAX;
    if (a->step != ACME_ROW_WINDOW || a->save_mask == 0) /* else it was answered, and not stored */
        ari_ask_in(a, seconds);
    a->again = a->ari_run;
    a->outcome = ACME_OK;
    *row = a->ari_run ? ACME_ROW_REST : ACME_ROW_CLEAR;
    return true;
}

/* -- replaces (RFC 9773 5) -- */

bool acme_ari_replaces(const struct acme_agent *a)
{
    /* A CA that broke over it must not do so for ever. */
    bool broke = a->failure.err != ACME_OK && a->failure.err != ACME_E_RATE &&
                 strcmp(a->failure.step, acme_rows[ACME_ROW_ORDER].name) == 0;

    return a->directory.renewal_info != 0 && a->cert.has && a->cert.same_account &&
           a->cert.id[0] != '\0' && !a->no_replaces && !broke;
}

/* The CA refused before it made an order, so it is asked once more without: the predecessor may be
 * replaced already (alreadyReplaced, conflict), or unknown to it. */
bool acme_ari_refused(struct acme_agent *a, const struct acme_problem *problem)
{
    if (!acme_ari_replaces(a) || problem->http_status >= 500 || problem->http_status == 429)
        return false;
    if (problem->http_status != 409 && problem->type != ACME_PROBLEM_ALREADY_REPLACED &&
        problem->type != ACME_PROBLEM_CONFLICT && problem->type != ACME_PROBLEM_MALFORMED &&
        problem->type != ACME_PROBLEM_UNAUTHORIZED)
        return false;
    a->no_replaces = true;
    return true;
}
