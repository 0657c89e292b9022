/* The table, and the rows up to the account; those of the order are in acme_steps_order.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_jws.h"
#include "acme_time.h"

#define AGAINS_MAX 3

/* -- shared by the rows -- */

int acme_fail_note(struct acme_agent *a, int err, const char *note, const char *detail)
{
    struct acme_buf b;

    acme_buf_init(&b, a->note, sizeof a->note - 1);
    acme_buf_text(&b, note);
    /* What did not fit is cut: the beginning says enough. */
    while (detail != NULL && *detail != '\0' && b.len + 1 < b.cap) {
        acme_buf_char(&b, *detail >= ' ' && *detail < 127 ? *detail : '?');
        detail++;
    }
    a->note[b.len] = '\0';
    return err;
}

void acme_emit(struct acme_agent *a, struct acme_event *event)
{
    event->step = acme_rows[a->step].name;
    if (event->text == NULL)
        event->text = "";
    if (event->word == NULL)
        event->word = "";
    if (event->detail == NULL)
        event->detail = "";
    if (a->port->event != NULL)
        a->port->event(a->port->ctx, event);
}

const char *acme_event_word(enum acme_event_type type)
{
    static const char *const words[] = {
#define EVENT_WORD(name, word) word,
        ACME_EVENT_TABLE(EVENT_WORD)
#undef EVENT_WORD
    };
    return type < ACME_EVENT_END_ ? words[type] : "";
}

int acme_run_again(struct acme_agent *a)
{
    if (++a->agains > AGAINS_MAX)
        return acme_fail_note(a, ACME_E_REPLY, "the CA makes us begin again and again", NULL);
    a->again = true;
    return ACME_OK;
}

void acme_printable(char *out, size_t room, struct acme_slice text)
{
    size_t n = 0;

    for (; n < text.len && n + 1 < room; n++)
        out[n] = text.ptr[n] > ' ' && text.ptr[n] < 127 ? (char)text.ptr[n] : '?';
    out[n] = '\0';
}

uint16_t acme_jitter16(void)
{
    uint8_t bytes[2];

    /* Without randomness the middle is as good as any: keys are what must not be guessed. */
    if (acme_random(bytes, sizeof bytes) != ACME_OK)
        return 0x8000;
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

int acme_wall_clock(struct acme_agent *a, int64_t *now)
{
    return a->port->unix_time(a->port->ctx, now);
}

bool acme_clock_doubt(int err)
{
    return err == ACME_E_TLS_DATE || err == ACME_E_TLS_TRUST;
}

int acme_reply_json(struct acme_agent *a, const struct acme_reply *reply,
                    const struct acme_json **root)
{
    int err = acme_json_parse(reply->body, a->config->memory.scratch, root);

    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "the reply's JSON does not fit into scratch", NULL);
    if (err == ACME_OK && !acme_json_is_object(*root))
        err = ACME_E_JSON;
    return err;
}

int acme_keep_text(struct acme_agent *a, char *text, uint16_t *text_len, size_t room,
                   const char *value, const char *bound)
{
    size_t len = strlen(value) + 1;
    uint16_t at;

    if (*text_len == 0) /* offset 0 means "none" */
        text[(*text_len)++] = '\0';
    at = *text_len;
    if (len > room - at)
        return acme_fail_note(a, ACME_E_SIZE, "bound: ", bound);
    memcpy(text + at, value, len);
    *text_len = (uint16_t)(at + len);
    return at;
}

int acme_keep_url(struct acme_agent *a, char *text, uint16_t *text_len, size_t room,
                  const char *url, const char *what)
{
    struct acme_url parts;
    int err = acme_url_read(acme_slice_text(url), &parts);

    if (err == ACME_E_SIZE)
        return acme_fail_note(a, err, "bound: ACME_MAX_URL, for ", what);
    if (err != ACME_OK || !acme_url_allowed(&a->directory_url, &parts, a->config->any_host))
        return acme_fail_note(a, ACME_E_URL, "the CA's URL for ", what);
    return acme_keep_text(a, text, text_len, room, url,
                          text == a->order.text ? "ACME_MAX_ORDER_TEXT"
                                                : "ACME_MAX_DIRECTORY_TEXT");
}

uint8_t acme_after_account(const struct acme_agent *a)
{
    if (a->job != NULL)
        return acme_job_row(a);
    return a->order.open ? ACME_ROW_LOOK : ACME_ROW_CHARGE;
}

void acme_tell_default(struct acme_agent *a, const char *text, const char *wanted)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .text = text, .detail = wanted};

    acme_emit(a, &event);
}

/* Printed for a person to open, and of any scheme: only made safe for a terminal. */
void acme_tell_terms(struct acme_agent *a, struct acme_slice where)
{
    char shown[ACME_MAX_DETAIL];
    struct acme_event event = {.type = ACME_EVENT_TERMS, .detail = shown};

    acme_printable(shown, sizeof shown, where);
    acme_emit(a, &event);
    (void)acme_fail_note(a, ACME_E_TERMS, "terms: ", shown);
}

/* -- directory -- */

static int build_directory(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = a->redirect[0] != '\0' ? a->redirect : acme_server_url(a);
    return ACME_OK;
}

int acme_directory_keep(struct acme_agent *a, const char *url, const char *what, uint16_t *at)
{
    struct acme_directory_urls *d = &a->directory;
    int offset = acme_keep_url(a, d->text, &d->text_len, sizeof d->text, url, what);

    if (offset < 0)
        return offset;
    *at = (uint16_t)offset;
    return ACME_OK;
}

/* Profiles come and go at a CA: a device must not be left without a certificate by that, unless it
 * is told to. One that was refused though it is offered is not asked for again at once. */
static int directory_profile(struct acme_agent *a, const struct acme_json *profiles)
{
    const char *profile = a->config->profile;

    a->use_profile = false;
    if (profile == NULL)
        return ACME_OK;
    a->use_profile = acme_json_get(profiles, profile) != NULL &&
                     (a->config->profile_required || !acme_server_failed_last(a) ||
                      a->failure.problem.type != ACME_PROBLEM_INVALID_PROFILE);
    if (a->use_profile || a->ari_run)
        return ACME_OK;
    if (a->config->profile_required)
        return acme_fail_note(a, ACME_E_REFUSED, "the CA does not offer the profile ", profile);
    acme_tell_default(a, "the CA's default is taken, it does not offer the profile", profile);
    return ACME_OK;
}

/* Without an account: may we make one? */
/* A favour of the CA: a URL that may not be used is none, and keeps nobody from ordering. */
static void directory_ari(struct acme_agent *a, const char *url)
{
    if (acme_directory_keep(a, url, "renewalInfo", &a->directory.renewal_info) == ACME_OK)
        return;
    acme_tell_default(a, "the CA is not asked when to renew", a->note);
    a->note[0] = '\0';
}

static int directory_terms(struct acme_agent *a, const struct acme_directory *directory)
{
    if (directory->external_account_required && a->eab.len == 0)
        return acme_fail_note(a, ACME_E_BINDING, "the directory says externalAccountRequired",
                              NULL);
    if (directory->terms_of_service == NULL || a->config->terms_agreed)
        return ACME_OK;
    acme_tell_terms(a, acme_slice_text(directory->terms_of_service));
    return ACME_E_TERMS;
}

static int accept_directory(struct acme_agent *a, const struct acme_reply *reply,
                            struct acme_next *next)
{
    const struct acme_json *root = NULL;
    struct acme_directory directory;
    const char *missing = "";
    int err = acme_reply_json(a, reply, &root);

    if (err != ACME_OK)
        return err == ACME_E_JSON ? acme_fail_note(a, err, "the directory is not JSON", NULL) : err;
    err = acme_read_directory(root, &directory, &missing);
    if (err != ACME_OK)
        return acme_fail_note(a, err, "the directory lacks ", missing);
    memset(&a->directory, 0, sizeof a->directory);
    err = acme_directory_keep(a, directory.new_nonce, "newNonce", &a->directory.new_nonce);
    if (err == ACME_OK)
        err =
            acme_directory_keep(a, directory.new_account, "newAccount", &a->directory.new_account);
    if (err == ACME_OK)
        err = acme_directory_keep(a, directory.new_order, "newOrder", &a->directory.new_order);
    if (err == ACME_OK && directory.renewal_info != NULL)
        directory_ari(a, directory.renewal_info);
    if (err == ACME_OK && a->kid[0] == '\0' && a->job == NULL)
        err = directory_terms(a, &directory);
    if (err == ACME_OK && a->job == NULL)
        err = directory_profile(a, directory.profiles);
    if (err == ACME_OK && a->job != NULL)
        err = acme_job_directory(a, &directory, next);
    else if (err == ACME_OK)
        acme_ari_after_directory(a, next);
    /* Two keys may be in it, and one is void. A revocation is in a hurry. */
    if (a->account_unsaved && a->kid[0] != '\0' &&
        (a->job == NULL || a->job->type != ACME_JOB_REVOKE))
        next->save |= ACME_SAVE_ACCOUNT;
    return err == ACME_OK && a->new_key.type != ACME_KEY_NONE
               ? acme_roll_directory(a, &directory, next)
               : err;
}

/* -- nonce -- */

static int build_nonce(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    (void)payload;
    *url = a->directory.text + a->directory.new_nonce;
    return ACME_OK;
}

static int accept_nonce(struct acme_agent *a, const struct acme_reply *reply,
                        struct acme_next *next)
{
    (void)reply;
    if (a->nonce[0] == '\0')
        return acme_fail_note(a, ACME_E_REPLY, "newNonce gave no usable Replay-Nonce", NULL);
    next->row = a->after_nonce;
    return ACME_OK;
}

/* Some servers know only one of the two methods (RFC 8555 7.2 wants both). */
static int refused_nonce(struct acme_agent *a, const struct acme_problem *problem,
                         struct acme_next *next)
{
    uint16_t status = problem->http_status;

    if (a->nonce_by_get || (status != 404 && status != 405 && status != 501))
        return ACME_E_REFUSED;
    a->nonce_by_get = true;
    next->row = ACME_ROW_NONCE;
    return ACME_OK;
}

/* -- account -- */

/* The key is durable, and the attempt is charged, before the first byte of newAccount leaves. */
static int step_register(struct acme_agent *a, const struct acme_reply *reply,
                         struct acme_next *next)
{
    enum acme_key_type type = a->config->account_key_type != 0
                                  ? (enum acme_key_type)a->config->account_key_type
                                  : ACME_KEY_P256;
    int64_t now = 0;
    int err;

    (void)reply;
    next->wait_ms = 100;
    if (a->account_key.type == ACME_KEY_NONE) {
        err = acme_key_make(&a->account_key, type);
        if (err != ACME_OK)
            return err;
    }
    next->wait_ms = 0;
    err = acme_wall_clock(a, &now);
    if (err != ACME_OK)
        return err;
    acme_sched_charge(&a->ledger.account, now);
    a->find_account = false;
    next->row = ACME_ROW_ACCOUNT;
    next->save = ACME_SAVE_ACCOUNT | ACME_SAVE_LEDGER;
    return ACME_OK;
}

static int account_members(struct acme_agent *a, struct acme_buf *b)
{
    if (a->config->terms_agreed)
        acme_buf_text(b, "\"termsOfServiceAgreed\":true");
    if (a->config->contact != NULL) {
        acme_buf_text(b, a->config->terms_agreed ? "," : "");
        acme_buf_text(b, "\"contact\":[\"mailto:");
        /* init has refused what JSON or a mailto URL would have to escape */
        acme_buf_text(b, a->config->contact);
        acme_buf_text(b, "\"]");
    }
    return acme_bind_offer(a, b);
}

static int build_account(struct acme_agent *a, const char **url, struct acme_slice *payload)
{
    struct acme_buf b;
    int err = ACME_OK;

    acme_buf_init(&b, a->config->memory.scratch.ptr, a->config->memory.scratch.len);
    acme_buf_char(&b, '{');
    if (a->find_account)
        acme_buf_text(&b, "\"onlyReturnExisting\":true");
    else
        err = account_members(a, &b);
    acme_buf_char(&b, '}');
    if (err != ACME_OK)
        return err;
    *url = a->directory.text + a->directory.new_account;
    *payload = acme_buf_slice(&b);
    return b.overflow ? acme_fail_note(a, ACME_E_SIZE, "bound: scratch, for newAccount", NULL)
                      : ACME_OK;
}

static int accept_account(struct acme_agent *a, const struct acme_reply *reply,
                          struct acme_next *next)
{
    const struct acme_json *root = NULL;
    const char *status;
    struct acme_slice location;
    struct acme_url parts;
    int err;

    if (!acme_http_field(&reply->head, "location", 0, &location))
        return acme_fail_note(a, ACME_E_REPLY, "newAccount gave no Location", NULL);
    err = acme_url_read(location, &parts);
    if (err == ACME_E_SIZE || (err == ACME_OK && location.len > ACME_MAX_URL))
        return acme_fail_note(a, ACME_E_SIZE, "bound: ACME_MAX_URL, for the account", NULL);
    if (err != ACME_OK || !acme_url_allowed(&a->directory_url, &parts, a->config->any_host))
        return acme_fail_note(a, ACME_E_URL, "the CA's URL for the account", NULL);
    /* The body is of no use but for its status, and some CAs send none. */
    if (acme_json_parse(reply->body, a->config->memory.scratch, &root) == ACME_OK) {
        status = acme_json_member(root, "status");
        if (status != NULL && strcmp(status, "valid") != 0)
            return acme_fail_note(a, ACME_E_ACCOUNT, "the account's status is ", status);
    }
    (void)acme_copy_text(a->kid, sizeof a->kid, location);
    acme_sched_succeeded(&a->ledger.account);
    /* The ledger's record is looked at only while there is no account: it need not be written. */
    next->row = acme_after_account(a);
    next->save = ACME_SAVE_ACCOUNT;
    return ACME_OK;
}

/* A newOrder is charged before it is sent, so that a loop of crashes stays slow. */
static int step_charge(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    int64_t now = 0;
    int err = acme_wall_clock(a, &now);

    (void)reply;
    if (err != ACME_OK)
        return err;
    acme_sched_charge(&a->sched, now);
    acme_server_charged(a);
    a->look_ms = 0; /* spoke of another order */
    acme_order_reset(&a->order);
    acme_key_wipe(&a->cert_key);
    next->row = ACME_ROW_KEY;
    next->save = ACME_SAVE_SCHED;
    return ACME_OK;
}

/* -- the table: it reads as the protocol does -- */

/* name, how, lost, failed, build, accept, refused */
const struct acme_row acme_rows[ACME_ROW_COUNT] = {
    [ACME_ROW_LOAD] = {"load", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_REST, NULL, step_load, NULL},
    [ACME_ROW_REST] = {"rest", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_REST, NULL, step_rest, NULL},
    [ACME_ROW_DIRECTORY] = {"directory", ACME_GET, ACME_ROW_DIRECTORY, ACME_ROW_END,
                            build_directory, accept_directory, NULL},
    [ACME_ROW_WINDOW] = {"window", ACME_GET, ACME_ROW_WINDOW, ACME_ROW_END, build_window,
                         accept_window, NULL},
    [ACME_ROW_NONCE] = {"nonce", ACME_HEAD, ACME_ROW_NONCE, ACME_ROW_END, build_nonce, accept_nonce,
                        refused_nonce},
    [ACME_ROW_REGISTER] = {"register", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_register,
                           NULL},
    [ACME_ROW_ACCOUNT] = {"account", ACME_POST_JWK, ACME_ROW_ACCOUNT, ACME_ROW_END, build_account,
                          accept_account, refused_account},
    [ACME_ROW_CHARGE] = {"charge", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_charge,
                         NULL},
    [ACME_ROW_ORDER] = {"order", ACME_POST_KID, ACME_ROW_NONE, ACME_ROW_END, build_order,
                        accept_order, refused_order},
    [ACME_ROW_LOOK] = {"look", ACME_POST_KID, ACME_ROW_LOOK, ACME_ROW_END, build_look, accept_look,
                       refused_look},
    [ACME_ROW_AUTHZ] = {"authz", ACME_POST_KID, ACME_ROW_AUTHZ, ACME_ROW_END, build_authz,
                        accept_authz, NULL},
    [ACME_ROW_NOTE] = {"note", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_note, NULL},
    [ACME_ROW_BEGIN] = {"begin", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_begin, NULL},
    [ACME_ROW_READY] = {"ready", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_ready, NULL},
    [ACME_ROW_RESPOND] = {"respond", ACME_POST_KID, ACME_ROW_LOOK, ACME_ROW_END, build_respond,
                          accept_respond, refused_respond},
    [ACME_ROW_WATCH] = {"watch", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_watch, NULL},
    [ACME_ROW_WHY] = {"why", ACME_POST_KID, ACME_ROW_WHY, ACME_ROW_END, build_authz, accept_why,
                      NULL},
    [ACME_ROW_KEY] = {"key", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_key, NULL},
    [ACME_ROW_FINALIZE] = {"finalize", ACME_POST_KID, ACME_ROW_LOOK, ACME_ROW_END, build_finalize,
                           accept_finalize, refused_finalize},
    [ACME_ROW_CERT] = {"cert", ACME_POST_KID, ACME_ROW_CERT, ACME_ROW_END, build_cert, accept_cert,
                       refused_cert},
    [ACME_ROW_END] = {"end", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_CLEAR, NULL, step_end, NULL},
    [ACME_ROW_CLEAR] = {"clear", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_REST, NULL, step_clear, NULL},
    [ACME_ROW_BACK] = {"back", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_CLEAR, NULL, step_back, NULL},
    [ACME_ROW_REVOKING] = {"revoking", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_REST, NULL,
                           step_revoking, NULL},
    [ACME_ROW_REVOKE] = {"revoke", ACME_POST_KID, ACME_ROW_REVOKE, ACME_ROW_REST, build_revoke,
                         accept_revoke, refused_revoke},
    [ACME_ROW_REVOKE_KEY] = {"revoke_key", ACME_POST_JOB, ACME_ROW_REVOKE_KEY, ACME_ROW_REST,
                             build_revoke, accept_revoke, refused_revoke},
    [ACME_ROW_SHOW] = {"show", ACME_POST_KID, ACME_ROW_SHOW, ACME_ROW_REST, build_show, accept_show,
                       NULL},
    [ACME_ROW_UPDATE] = {"update", ACME_POST_KID, ACME_ROW_UPDATE, ACME_ROW_REST, build_update,
                         accept_show, NULL},
    [ACME_ROW_DEACTIVATE] = {"deactivate", ACME_POST_KID, ACME_ROW_DEACTIVATE, ACME_ROW_REST,
                             build_deactivate, accept_deactivate, refused_deactivate},
    [ACME_ROW_DEACTIVATED] = {"deactivated", ACME_POST_JWK, ACME_ROW_DEACTIVATED, ACME_ROW_REST,
                              build_find, accept_deactivated, refused_deactivated},
    [ACME_ROW_NEW_KEY] = {"new_key", ACME_LOCAL, ACME_ROW_NONE, ACME_ROW_END, NULL, step_new_key,
                          NULL},
    [ACME_ROW_ROLLOVER] = {"rollover", ACME_POST_KID, ACME_ROW_WHICH_NEW, ACME_ROW_END,
                           build_rollover, accept_rollover, refused_rollover},
    [ACME_ROW_WHICH_NEW] = {"which_new", ACME_POST_NEW, ACME_ROW_WHICH_NEW, ACME_ROW_END,
                            build_find, accept_which_new, refused_which_new},
    [ACME_ROW_WHICH_OLD] = {"which_old", ACME_POST_JWK, ACME_ROW_WHICH_OLD, ACME_ROW_END,
                            build_find, accept_which_old, refused_which_old},
};
