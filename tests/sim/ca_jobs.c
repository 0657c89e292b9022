/* ca_jobs.c - accounts and certificates in later life: RFC 8555 7.3.1 (onlyReturnExisting), 7.3.2,
 * 7.3.5, 7.3.6, 7.6; and what goes wrong with them */
#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_json.h"
#include "ca.h"

void ca_account_url(const struct ca *ca, const struct ca_account *account, char out[100])
{
    snprintf(out, 100, "%s/acct/%016llx", ca->base, (unsigned long long)account->number);
}

void ca_put_jobs(struct ca *ca, const char *base, struct acme_buf *b)
{
    struct evil *e = &ca->evil;
    char url[200];

    snprintf(url, sizeof url, "%s/key-change",
             evil_does(e, EVIL_DIR_CHANGE_INSIDE) ? "https://169.254.169.254" : base);
    if (!evil_does(e, EVIL_DIR_NO_CHANGE))
        ca_put_member(b, "keyChange", url);
    snprintf(url, sizeof url, "%s/revoke-cert",
             evil_does(e, EVIL_DIR_REVOKE_HTTP) ? "http://" CA_HOST : base);
    if (!evil_does(e, EVIL_DIR_NO_REVOKE))
        ca_put_member(b, "revokeCert", url);
}

/* ---- the account: 7.1.2, 7.3.2, 7.3.6 ---- */

static void put_contacts(struct ca *ca, const struct ca_account *account, struct acme_buf *b)
{
    acme_buf_text(b, ",\"contact\":[");
    if (evil_does(&ca->evil, EVIL_ACCT_CONTACTS)) {
        for (int i = 0; i < 60; i++)
            acme_buf_text(b, "\"mailto:\\u001b[2J\\r\\n\\u009b\\u202e@b.test\",7,null,");
        acme_buf_text(b, "\"tel:1\"");
    } else if (account->contact[0] != '\0') {
        acme_buf_text(b, "\"mailto:");
        acme_buf_text(b, account->contact);
        acme_buf_char(b, '"');
    }
    acme_buf_char(b, ']');
}

void ca_put_account(struct ca *ca, const struct ca_account *account, struct ca_reply *r)
{
    struct acme_buf *b = &r->body;
    const char *status = account->dead ? "deactivated" : "valid";
    char url[160];

    if (evil_does(&ca->evil, EVIL_ACCT_WORD))
        status = "under-review\\u0007";
    acme_buf_text(b, "{\"status\":\"");
    acme_buf_text(b, status);
    acme_buf_char(b, '"');
    put_contacts(ca, account, b);
    snprintf(url, sizeof url, "%s/acct/%016llx/orders", ca->base,
             (unsigned long long)account->number);
    if (evil_does(&ca->evil, EVIL_ACCT_ORDERS))
        acme_buf_text(b, ",\"orders\":\"javascript:alert(169.254)//\",\"key\":[{}]");
    else
        ca_put_member(b, "orders", url);
    acme_buf_char(b, '}');
}

static void update(struct ca *ca, struct ca_account *account, const struct acme_json *contact,
                   struct ca_reply *r)
{
    const char *first = acme_json_text(acme_json_first(contact));

    if (!acme_json_is_array(contact) || acme_json_count(contact) > 1 ||
        (first != NULL && (strncmp(first, "mailto:", 7) != 0 || strchr(first, ',') != NULL)))
        (void)ca_break(ca, "contacts that are none (7.3)");
    if (evil_does(&ca->evil, EVIL_UPD_INVALID)) {
        ca_problem(r, 400, "invalidContact", "no such domain");
        return;
    }
    if (!evil_does(&ca->evil, EVIL_UPD_IGNORED)) {
        snprintf(account->contact, sizeof account->contact, "%s", first != NULL ? first + 7 : "");
        ca->updates++;
        r->acted = true;
    }
    r->lost = evil_does(&ca->evil, EVIL_UPD_LOST);
    ca_put_account(ca, account, r);
}

/* Everything after it is refused, and its orders end. */
static void account_end(struct ca *ca, struct ca_account *account)
{
    account->dead = true;
    ca->deactivations++;
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        struct ca_order *o = &ca->orders[i];
        if (&ca->accounts[o->account] == account && o->status != ACME_STATUS_VALID)
            o->status = ACME_STATUS_INVALID;
    }
}

static void deactivate(struct ca *ca, struct ca_account *account, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_DEACT_REFUSED)) {
        ca_problem(r, 403, "unauthorized", "not today");
        return;
    }
    if (evil_does(e, EVIL_DEACT_STILL_VALID)) {
        ca_put_account(ca, account, r);
        return;
    }
    account_end(ca, account);
    r->acted = true;
    if (evil_does(e, EVIL_DEACT_ALREADY)) /* by somebody else, just before */
        ca_problem(r, 401, "unauthorized", "the account is deactivated");
    else if (evil_does(e, EVIL_DEACT_500))
        ca_problem(r, 500, "serverInternal", "oops");
    else if (!evil_does(e, EVIL_DEACT_EMPTY)) {
        r->lost = evil_does(e, EVIL_DEACT_LOST);
        ca_put_account(ca, account, r);
    }
}

static void account_request(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    const char *status = acme_json_member(q->payload, "status");
    const struct acme_json *contact = acme_json_get(q->payload, "contact");
    char url[100];

    ca_account_url(ca, q->account, url);
    if (strcmp(url + strlen(ca->base), q->path) != 0) {
        ca_problem(r, 403, "unauthorized", "the account of somebody else");
        (void)ca_break(ca, "another account than the one that signs");
    } else if (q->payload == NULL)
        ca_put_account(ca, q->account, r);
    else if (status != NULL && strcmp(status, "deactivated") == 0)
        deactivate(ca, q->account, r);
    else if (status == NULL && contact != NULL)
        update(ca, q->account, contact, r);
    else
        (void)ca_break(ca, "an update of what cannot be changed (7.3.2)");
}

/* ---- onlyReturnExisting: 7.3.1 ---- */

void ca_account_dead(struct ca *ca, struct ca_reply *r)
{
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "again", NULL, NULL);
    ca_problem(r, 403, "unauthorized", "an account with this key exists, but is deactivated");
}

/* CAs tell that an account is dead in one of three ways. */
bool ca_find(struct ca *ca, const struct ca_account *account, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_FIND_DENIED))
        ca_problem(r, 400, "accountDoesNotExist", "who are you?");
    else if (evil_does(e, EVIL_FIND_400))
        ca_problem(r, 400, "malformed", "onlyReturnExisting: unknown field");
    else if (account == NULL)
        return ca->bind.len == 0 && evil_does(e, EVIL_FIND_MAKES)
                   ? true
                   : ca_problem(r, 400, "accountDoesNotExist", "no account with this key") == 0;
    else if (account->dead && account->number % 3 == 0)
        ca_problem(r, 401, "unauthorized", "the account is deactivated");
    else if (account->dead && account->number % 3 == 1)
        ca_problem(r, 403, "unauthorized", "the account is deactivated");
    else if (account->dead)
        ca_put_account(ca, account, r);
    else
        return true;
    return false;
}

void ca_find_spoil(struct ca *ca, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_FIND_201))
        r->status = 201;
    if (evil_does(e, EVIL_FIND_NOWHERE))
        r->location[0] = '\0';
    else if (evil_does(e, EVIL_FIND_HOST))
        snprintf(r->location, sizeof r->location, "https://169.254.169.254/acct/1");
    else if (ca->change_asked && evil_does(e, EVIL_FIND_OTHER))
        snprintf(r->location, sizeof r->location, "%s/acct/0000000000000001", ca->base);
}

/* ---- keyChange: 7.3.5 ---- */

static _Alignas(16) uint8_t change_arena[2][8192];
static uint8_t change_text[2][4096];

static const struct acme_json *change_part(const char *text, int which)
{
    const struct acme_span arena = {change_arena[which], sizeof change_arena[which]};
    const struct acme_json *root = NULL;
    int n = text != NULL ? acme_b64url_decode(change_text[which], sizeof change_text[which], text,
                                              strlen(text))
                         : -1;

    if (n <= 0 ||
        acme_json_parse(acme_slice_of(change_text[which], (size_t)n), arena, &root) != ACME_OK)
        return NULL;
    return root;
}

/* The inner JWS: NULL and the new key, or what is wrong with it. */
static const char *change_wrong(const struct ca *ca, const struct ca_request *q, const char *url,
                                struct acme_public *fresh)
{
    const char *const part[3] = {acme_json_member(q->payload, "protected"),
                                 acme_json_member(q->payload, "payload"),
                                 acme_json_member(q->payload, "signature")};
    const struct acme_json *head = change_part(part[0], 0), *said = change_part(part[1], 1);
    const char *inner_url = acme_json_member(head, "url");
    const char *account = acme_json_member(said, "account");
    struct acme_public old;
    char kid[100];

    if (head == NULL || said == NULL || part[2] == NULL || acme_json_count(q->payload) != 3)
        return "keyChange: the inner JWS is none (7.3.5)";
    if (acme_json_count(head) != 3 || acme_json_get(head, "nonce") != NULL)
        return "keyChange: the inner JWS has a nonce, or more (7.3.5)";
    if (inner_url == NULL || strcmp(inner_url, url) != 0)
        return "keyChange: the inner JWS is for another URL (7.3.5)";
    if (!ca_jwk(acme_json_get(head, "jwk"), fresh))
        return "keyChange: the new key is none";
    if (!ca_signed(fresh, acme_json_member(head, "alg"), part))
        return "keyChange: not signed by the new key";
    ca_account_url(ca, q->account, kid);
    if (account == NULL || strcmp(account, kid) != 0)
        return "keyChange: for another account (7.3.5)";
    if (!ca_jwk(acme_json_get(said, "oldKey"), &old) || !acme_public_equal(&old, &q->account->key))
        return "keyChange: the old key is not the account's (7.3.5)";
    return NULL;
}

static bool change_refused(struct ca *ca, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_ROLL_FOREIGN)) {
        ca_problem(r, 409, "malformed", "this key is in use");
        snprintf(r->location, sizeof r->location, "%s/acct/00000000deadbeef", ca->base);
    } else if (evil_does(e, EVIL_ROLL_MALFORMED))
        ca_problem(r, 400, "malformed", "we do not like your inner JWS");
    else if (evil_does(e, EVIL_ROLL_UNAUTHORIZED))
        ca_problem(r, 401, "unauthorized", "no");
    else if (evil_does(e, EVIL_ROLL_BAD_KEY))
        ca_problem(r, 400, "badPublicKey", "a weak key");
    else if (evil_does(e, EVIL_ROLL_500))
        ca_problem(r, 500, "serverInternal", "oops");
    else if (evil_does(e, EVIL_ROLL_RATE))
        ca_limited(ca, r, ca_some_time(ca), false);
    else
        return false;
    return true;
}

/* It is done: how is it told? */
static void change_told(struct ca *ca, const struct ca_account *account, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (evil_does(e, EVIL_ROLL_500_DONE))
        ca_problem(r, 500, "serverInternal", "oops");
    else if (evil_does(e, EVIL_ROLL_409_DONE)) {
        ca_problem(r, 409, "malformed", "this key is in use");
        ca_account_url(ca, account, r->location);
    } else if (evil_does(e, EVIL_ROLL_401_DONE))
        ca_problem(r, 401, "unauthorized", "the old key is not the account's");
    else if (evil_does(e, EVIL_ROLL_RUBBISH))
        acme_buf_text(&r->body, "<p>Your key has been changed!");
    else {
        r->lost = evil_does(e, EVIL_ROLL_LOST);
        ca_put_account(ca, account, r);
    }
}

static void change(struct ca *ca, const char *url, const struct ca_request *q, struct ca_reply *r)
{
    struct ca_former *f = &ca->former[ca->changes % CA_FORMER];
    struct acme_public fresh;
    const char *why = change_wrong(ca, q, url, &fresh);

    ca->change_asked = true;

    if (why != NULL) {
        (void)ca_break(ca, why);
        ca_problem(r, 400, "malformed", why);
        return;
    }
    if (change_refused(ca, r))
        return;
    for (uint32_t i = 0; i < ca->accounts_count; i++) {
        if (ca->accounts[i].gone || !acme_public_equal(&ca->accounts[i].key, &fresh))
            continue;
        ca_problem(r, 409, "malformed", "this key is in use");
        ca_account_url(ca, &ca->accounts[i], r->location);
        return;
    }
    f->account = (uint32_t)(q->account - ca->accounts);
    f->key = q->account->key;
    f->late = ca->ghost;
    ca->changes++;
    q->account->key = fresh;
    r->acted = true;
    change_told(ca, q->account, r);
}

/* ---- revokeCert: 7.6 ---- */

static struct ca_order *revoke_which(struct ca *ca, const struct ca_request *q)
{
    static uint8_t der[CA_LEAF];
    const char *text = acme_json_member(q->payload, "certificate");
    int n = text != NULL ? acme_b64url_decode(der, sizeof der, text, strlen(text)) : -1;

    for (uint32_t i = 0; i < ca->orders_count && n > 0; i++) {
        struct ca_order *o = &ca->orders[i];
        if (o->leaf_len == n && memcmp(o->leaf, der, (size_t)n) == 0)
            return o;
    }
    return NULL;
}

/* The account that ordered it, or its own key. */
static bool revoke_may(const struct ca *ca, const struct ca_request *q, const struct ca_order *o)
{
    uint8_t sum[ACME_SHA256_SIZE];

    if (q->account != NULL)
        return q->account == &ca->accounts[o->account];
    ca_spki_sum(&q->key, sum);
    return memcmp(sum, o->spki_sum, sizeof sum) == 0;
}

static bool revoke_refused(struct ca *ca, const struct ca_request *q, const struct ca_order *o,
                           int64_t reason, struct ca_reply *r)
{
    struct evil *e = &ca->evil;

    if (!revoke_may(ca, q, o) || evil_does(e, EVIL_REV_UNAUTHORIZED))
        ca_problem(r, 403, "unauthorized", "this is not yours");
    else if (o->revoked_at != 0)
        ca_problem(r, 400, "alreadyRevoked", "it is revoked");
    else if ((reason != 0 && reason != 1 && reason != 4 && reason != 5) ||
             evil_does(e, EVIL_REV_REASON))
        ca_problem(r, 400, "badRevocationReason", "not for you");
    else if (evil_does(e, EVIL_REV_UNKNOWN))
        ca_problem(r, 404, "malformed", "no such certificate");
    else if (evil_does(e, EVIL_REV_RATE))
        ca_limited(ca, r, ca_some_time(ca), false);
    else
        return false;
    return true;
}

static void revoke_now(struct ca *ca, struct ca_order *o, int64_t reason)
{
    o->revoked_at = sim_world_unix(ca->world);
    o->reason = (uint8_t)reason;
    ca->revocations++;
}

void ca_revoke_all(struct ca *ca)
{
    for (uint32_t i = 0; i < ca->orders_count; i++) {
        if (ca->orders[i].leaf_len > 0 && ca->orders[i].revoked_at == 0)
            revoke_now(ca, &ca->orders[i], 5);
    }
}

static void revoke(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    const struct acme_json *node = acme_json_get(q->payload, "reason");
    int64_t reason = node != NULL ? acme_json_int(node, -1) : 0;
    struct ca_order *o = revoke_which(ca, q);
    struct evil *e = &ca->evil;

    if (o == NULL || reason < 0 || reason > 10 || reason == 7) {
        (void)ca_break(ca, o == NULL ? "a revocation of what was never issued"
                                     : "a reason that is none (RFC 5280 5.3.1)");
        return;
    }
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "revoke", q, o);
    if (revoke_refused(ca, q, o, reason, r))
        return;
    revoke_now(ca, o, reason);
    r->acted = true;
    if (evil_does(e, EVIL_REV_ALREADY)) /* by somebody else, just before */
        ca_problem(r, 400, "alreadyRevoked", "it is revoked");
    else if (evil_does(e, EVIL_REV_500_DONE))
        ca_problem(r, 500, "serverInternal", "oops");
    else if (evil_does(e, EVIL_REV_RUBBISH))
        acme_buf_text(&r->body, "{\"status\":\"vali");
    r->lost = evil_does(e, EVIL_REV_LOST);
}

bool ca_terms(struct ca *ca, struct ca_reply *r)
{
    if (!ca->new_terms && !evil_does(&ca->evil, EVIL_ORD_TERMS))
        return false;
    ca->new_orders++;
    ca_problem(r, 403, "userActionRequired", "the terms of service have changed");
    snprintf(r->more, sizeof r->more, "Link: <%s/terms/2>;rel=\"terms-of-service\"\r\n", ca->base);
    return true;
}

bool ca_job(struct ca *ca, const char *rest, const char *url, const struct ca_request *q,
            struct ca_reply *r)
{
    if (strcmp(rest, "/key-change") == 0)
        change(ca, url, q, r);
    else if (strcmp(rest, "/revoke-cert") == 0)
        revoke(ca, q, r);
    else if (strncmp(rest, "/acct/", 6) == 0)
        account_request(ca, q, r);
    else
        return false;
    return true;
}
