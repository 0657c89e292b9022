/* ca_ari.c - what came after RFC 8555: renewal information (RFC 9773), and profiles; and bindings
 * of external accounts (RFC 8555 7.3.4) */
#include <stdio.h>
#include <string.h>

#include "acme_b64.h"
#include "acme_json.h"
#include "acme_time.h"
#include "ca.h"

/* ---- the window ---- */

#define ARI_DAY 86400

static void window_retry(struct ca *ca, struct ca_reply *r)
{
    struct evil *e = &ca->evil;
    const char *text = NULL;
    char usual[12];

    ca->window_retry = 21600 * sim_world_range(ca->world, 80, 120) / 100;
    if (evil_does(e, EVIL_ARI_NO_RETRY))
        ca->window_retry = 0;
    else if (evil_does(e, EVIL_ARI_RETRY_WORD)) {
        ca->window_retry = 0;
        text = "whenever you like";
    } else if (evil_does(e, EVIL_ARI_RETRY_LONG)) {
        ca->window_retry = ARI_DAY;
        text = "4000000000";
    } else if (evil_does(e, EVIL_ARI_RETRY_SHORT)) {
        ca->window_retry = 0;
        text = "0";
    }
    snprintf(usual, sizeof usual, "%u", (unsigned)ca->window_retry);
    if (text != NULL || ca->window_retry > 0)
        snprintf(r->more, sizeof r->more, "Retry-After: %s\r\n", text != NULL ? text : usual);
}

void ca_window_honest(const struct ca_order *o, int64_t *start, int64_t *end)
{
    int64_t life = o->not_after - o->not_before;
    int64_t half = life / 10 < ARI_DAY ? life / 10 : ARI_DAY;

    *start = o->not_after - life / 3 - half;
    *end = o->not_after - life / 3 + half;
}

static void window_wrong(struct ca *ca, const struct ca_order *o, int64_t *start, int64_t *end)
{
    struct evil *e = &ca->evil;
    int64_t now = sim_world_unix(ca->world), swap = *start;

    if (evil_does(e, EVIL_ARI_BACKWARDS)) {
        *start = *end;
        *end = swap;
    } else if (evil_does(e, EVIL_ARI_PAST)) {
        *start = now - 7200;
        *end = now - 3600;
    } else if (evil_does(e, EVIL_ARI_LONG_PAST)) {
        *start = 915148800;
        *end = 915235200;
    } else if (evil_does(e, EVIL_ARI_FAR)) {
        *start = 4070908800;
        *end = 4070995200;
    } else if (evil_does(e, EVIL_ARI_LATE)) {
        *start = o->not_after + 1;
        *end = o->not_after + ARI_DAY;
    } else if (evil_does(e, EVIL_ARI_ENDLESS)) {
        *start = 946684800;
        *end = 4102444800;
    } else if (evil_does(e, EVIL_ARI_SOON)) {
        *start = o->not_before;
        *end = o->not_before + 60;
    } else if (evil_does(e, EVIL_ARI_CHANGES)) {
        *start += (int64_t)sim_world_below(ca->world, 40000) - 20000;
        *end = *start + 1 + sim_world_below(ca->world, 4000);
    }
}

/* The same moment as a clock two and a half hours to the east shows it. */
static void put_moment(struct ca *ca, struct acme_buf *b, int64_t at, bool fractions)
{
    struct acme_date d;
    char text[60];

    if (evil_does(&ca->evil, EVIL_ARI_TIMES)) {
        static const char *const odd[] = {"\"\"", "\"2027-02-30T25:61:00Z\"", "\"tomorrow\"",
                                          "\"2027-01-01\"", "\"99999-01-01T00:00:00Z\""};
        acme_buf_text(b, odd[sim_world_below(ca->world, 5)]);
        return;
    }
    if (evil_does(&ca->evil, EVIL_ARI_NUMBERS)) {
        acme_buf_dec(b, (uint64_t)at);
        return;
    }
    acme_time_to_date(at + (fractions ? 9000 : 0), &d);
    snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d%s\"", d.year % 10000,
             d.month % 100, d.day % 100, d.hour % 100, d.minute % 100, d.second % 100,
             fractions ? ".123456789+02:30" : "Z");
    acme_buf_text(b, text);
}

static const struct ca_order *window_order(struct ca *ca, const char *id)
{
    char name[60];

    for (uint32_t i = 0; i < ca->orders_count; i++) {
        ca_cert_id(ca->orders[i].number, name, sizeof name);
        if (ca->orders[i].leaf_len > 0 && strcmp(name, id) == 0)
            return &ca->orders[i];
    }
    return NULL;
}

void ca_window(struct ca *ca, const struct ca_request *q, const char *id, struct ca_reply *r)
{
    const struct ca_order *o = window_order(ca, id);
    struct acme_buf *b = &r->body;
    int64_t start, end;
    bool fractions;

    ca->questions++;
    ca->window_retry = 0;
    r->no_nonce = true;
    if (!ca->ari)
        (void)ca_break(ca, "a window is asked for at a CA that has none");
    if (o == NULL) {
        (void)ca_break(ca, "a window of a certificate that was never issued");
        return;
    }
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "window", q, o);
    if (evil_does(&ca->evil, EVIL_ARI_404)) {
        ca_problem(r, 404, "malformed", "we know no such certificate");
        return;
    }
    if (evil_does(&ca->evil, EVIL_ARI_500)) {
        ca_problem(r, 500, "serverInternal", "oops");
        return;
    }
    window_retry(ca, r);
    ca_window_honest(o, &start, &end);
    if (o->revoked_at != 0) { /* at once */
        start = o->revoked_at - 7200;
        end = o->revoked_at - 3600;
    }
    window_wrong(ca, o, &start, &end);
    fractions = evil_does(&ca->evil, EVIL_ARI_FRACTIONS);
    acme_buf_text(b, "{\"explanationURL\":");
    acme_buf_text(b, evil_does(&ca->evil, EVIL_ARI_EXPLAINS)
                         ? "\"https://ca.test/\\u001b[2J\\r\\nok\\u009b\\u202e\""
                         : "\"https://ca.test/why\"");
    if (!evil_does(&ca->evil, EVIL_ARI_NO_WINDOW)) {
        acme_buf_text(b, ",\"suggestedWindow\":{\"start\":");
        put_moment(ca, b, start, fractions);
        acme_buf_text(b, ",\"end\":");
        put_moment(ca, b, end, fractions);
        acme_buf_char(b, '}');
    }
    acme_buf_char(b, '}');
}

/* ---- replaces: RFC 9773 5 ---- */

bool ca_replaces(struct ca *ca, const struct ca_request *q, struct ca_order *o, struct ca_reply *r)
{
    const char *id = acme_json_member(q->payload, "replaces");
    const struct ca_order *old = id != NULL ? window_order(ca, id) : NULL;
    struct evil *e = &ca->evil;

    if (acme_json_get(q->payload, "replaces") == NULL)
        return true;
    if (!ca->ghost && (!ca->ari || !ca->ari_named))
        (void)ca_break(ca, "replaces at a CA without renewal information (RFC 9773 5)");
    if (old == NULL) {
        (void)ca_break(ca, "it replaces what was never issued");
        return false;
    }
    if (old->account != o->account) {
        (void)ca_break(ca, "it replaces a certificate of another account (RFC 9773 5)");
        return false;
    }
    if (old->replaced || evil_does(e, EVIL_REPL_REPLACED))
        ca_problem(r, 409, "alreadyReplaced", "it has a successor");
    else if (evil_does(e, EVIL_REPL_CONFLICT))
        ca_problem(r, 409, "conflict", "it has a successor");
    else if (evil_does(e, EVIL_REPL_MALFORMED))
        ca_problem(r, 400, "malformed", "cannot parse replaces");
    else {
        if (evil_does(e, EVIL_REPL_500)) {
            ca_problem(r, 500, "serverInternal", "oops");
            return false;
        }
        o->replaces = old->number;
        return true;
    }
    ca->asked_again++;
    return false;
}

/* ---- profiles ---- */

void ca_put_meta(struct ca *ca, struct acme_buf *b)
{
    acme_buf_text(b, ",\"meta\":{\"termsOfService\":\"https://ca.test/terms\","
                     "\"caaIdentities\":null");
    if (ca->eab)
        acme_buf_text(b, ",\"externalAccountRequired\":true");
    if (ca->profile != NULL && evil_does(&ca->evil, EVIL_PROFILE_ODD)) {
        acme_buf_text(b, ",\"profiles\":[\"");
        acme_buf_text(b, ca->profile);
        acme_buf_text(b, "\",null,7]");
    } else if (ca->profile != NULL) {
        ca->profile_named = !evil_does(&ca->evil, EVIL_PROFILE_GONE);
        acme_buf_text(b, ",\"profiles\":{\"classic\":\"as always\"");
        if (ca->profile_named)
            ca_put_member(b, ca->profile, "https://ca.test/profiles");
        acme_buf_char(b, '}');
    }
    acme_buf_char(b, '}');
}

bool ca_profile_good(struct ca *ca, const struct ca_request *q, struct ca_reply *r)
{
    const char *profile = acme_json_member(q->payload, "profile");

    if (acme_json_get(q->payload, "profile") == NULL) {
        if (ca->profile_named && !ca->profile_refused && !ca->ghost)
            (void)ca_break(ca, "an order without the profile that was configured and offered");
        return true;
    }
    if (!ca->ghost && (!ca->profile_named || profile == NULL || strcmp(profile, ca->profile) != 0))
        (void)ca_break(ca, "a profile that the directory does not name");
    if (evil_does(&ca->evil, EVIL_PROFILE_INVALID)) {
        ca->profile_refused = true;
        ca->asked_again++;
        ca_problem(r, 400, "invalidProfile", "this profile is not for you");
        return false;
    }
    return true;
}

/* ---- external account binding ---- */

static int bind_decode(const struct acme_json *jws, const char *name, uint8_t *out, size_t room)
{
    const char *text = acme_json_member(jws, name);

    return text != NULL ? acme_b64url_decode(out, room, text, strlen(text)) : -1;
}

/* The inner JWS by RFC 8555 7.3.4: NULL, or what is wrong with it. */
static const char *bind_wrong(const struct ca *ca, const struct acme_json *jws, const char *url,
                              const struct acme_public *key)
{
    static _Alignas(16) uint8_t arena[2][4096];
    static uint8_t text[2][1600];
    const struct acme_span room[2] = {{arena[0], sizeof arena[0]}, {arena[1], sizeof arena[1]}};
    const char *kid = (const char *)ca->bind.ptr + 1, *alg, *want;
    const struct acme_json *head = NULL, *jwk = NULL;
    size_t size = ca->bind.ptr[0], kid_len = strlen(kid);
    uint8_t mac[64], said[64];
    char signed_text[3600];
    struct acme_public inner;
    int n[2];

    n[0] = bind_decode(jws, "protected", text[0], sizeof text[0]);
    n[1] = bind_decode(jws, "payload", text[1], sizeof text[1]);
    if (n[0] <= 0 || n[1] <= 0 || acme_json_count(jws) != 3 ||
        acme_json_parse(acme_slice_of(text[0], (size_t)n[0]), room[0], &head) != ACME_OK ||
        acme_json_parse(acme_slice_of(text[1], (size_t)n[1]), room[1], &jwk) != ACME_OK)
        return "the binding is no flattened JWS (7.3.4)";
    alg = acme_json_member(head, "alg");
    want = size == 32 ? "HS256" : size == 48 ? "HS384" : "HS512";
    if (alg == NULL || strcmp(alg, want) != 0)
        return "the binding's algorithm";
    alg = acme_json_member(head, "kid");
    if (alg == NULL || strcmp(alg, kid) != 0)
        return "the binding's kid";
    alg = acme_json_member(head, "url");
    if (alg == NULL || strcmp(alg, url) != 0)
        return "the binding is for another URL than the request (7.3.4)";
    if (acme_json_count(head) != 3)
        return "the binding has a nonce, or more (7.3.4)";
    if (!ca_jwk(jwk, &inner) || !acme_public_equal(&inner, key))
        return "the binding is for another key";
    snprintf(signed_text, sizeof signed_text, "%s.%s", acme_json_member(jws, "protected"),
             acme_json_member(jws, "payload"));
    ca_hmac(size, acme_slice_of(ca->bind.ptr + 2 + kid_len, ca->bind.len - 2 - kid_len),
            acme_slice_text(signed_text), mac);
    if (bind_decode(jws, "signature", said, sizeof said) != (int)size ||
        memcmp(said, mac, size) != 0)
        return "the binding's MAC is wrong";
    return NULL;
}

bool ca_bound(struct ca *ca, const char *url, const struct ca_request *q, struct ca_reply *r)
{
    const struct acme_json *jws = acme_json_get(q->payload, "externalAccountBinding");
    const char *why = jws != NULL && ca->bind.len > 0 ? bind_wrong(ca, jws, url, &q->key) : NULL;

    if (jws != NULL && ca->bind.len == 0)
        why = "a binding that nobody configured";
    if (ca->bind.len > 0 && jws == NULL)
        why = "the configured binding is not sent";
    if (why != NULL)
        (void)ca_break(ca, why);
    if (why == NULL && jws == NULL && evil_does(&ca->evil, EVIL_EAB_SILENT))
        ca_problem(r, 403, "externalAccountRequired", "we need a binding");
    else if (jws != NULL && evil_does(&ca->evil, EVIL_EAB_KEY))
        ca_problem(r, 401, "unauthorized", "the binding's signature is wrong");
    else if (jws != NULL && evil_does(&ca->evil, EVIL_EAB_USED))
        ca_problem(r, 403, "unauthorized", "this binding has been used");
    else
        return true;
    return false;
}
