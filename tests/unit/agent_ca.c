/* A small CA: it checks nonce, URL, key and signature of each JWS, keeps orders, looks at what the
 * solver has put into the world, and signs real certificates. */
#include "agent_world.h"

#include <stdarg.h>

#include "acme_b64.h"
#include "acme_csr.h"
#include "acme_time.h"
#include "crypto_world.h"

#define CA "https://ca.example"

static struct acme_key ca_key;
static struct acme_public accounts[3];
#define account_public accounts[w.ca]
static const char *const bases[3] = {CA, "https://ca1.example", "https://ca2.example"};

static const char *const statuses[] = {"",        "pending", "ready",       "processing",
                                       "valid",   "invalid", "deactivated", "expired",
                                       "revoked", "canceled"};

void ca_reset(void)
{
    if (ca_key.type == ACME_KEY_NONE && acme_key_make(&ca_key, ACME_KEY_P256) != ACME_OK)
        abort();
    w.nonces = 1;
    w.account_number = 1;
}

/* -- writing -- */

static void field(const char *format, ...)
{
    va_list arguments;
    size_t len = strlen(w.reply_head);

    va_start(arguments, format);
    (void)vsnprintf(w.reply_head + len, sizeof w.reply_head - len, format, arguments);
    va_end(arguments);
}

static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(w.reply_body + w.reply_len, sizeof w.reply_body - w.reply_len, format,
                    arguments);
    va_end(arguments);
    w.reply_len = strlen(w.reply_body);
}

static void problem(int status, const char *type, const char *detail)
{
    w.reply_status = status;
    say("{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\"}", type, detail);
}

/* -- the JWS -- */

static struct {
    char protected64[4096], payload64[16384], signature64[400];
    char header[4096];
    uint8_t payload[12288];
    size_t payload_len;
    char nonce[64], url[1200], kid[1200], x[100], y[100];
    struct acme_public pub;
} jws;

static bool member(const char *json, const char *name, char *out, size_t room)
{
    char key[40];
    const char *at, *end;

    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    at = strstr(json, key);
    out[0] = '\0';
    if (at == NULL)
        return false;
    at += strlen(key);
    end = strchr(at, '"');
    if (end == NULL || (size_t)(end - at) >= room)
        return false;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
    return true;
}

static bool signature_good(const struct acme_public *pub)
{
    uint8_t raw[64], digest[32], sig_room[100], spki_room[200];
    struct acme_der sig, spki;
    struct acme_hash h;

    if (acme_b64url_decode(raw, sizeof raw, jws.signature64, strlen(jws.signature64)) != 64)
        return false;
    acme_hash_start(&h, 32);
    acme_hash_add(&h, jws.protected64, strlen(jws.protected64));
    acme_hash_add(&h, ".", 1);
    acme_hash_add(&h, jws.payload64, strlen(jws.payload64));
    acme_hash_end(&h, digest);
    acme_der_init(&sig, sig_room, sizeof sig_room);
    acme_der_uint(&sig, raw + 32, 32);
    acme_der_uint(&sig, raw, 32);
    acme_der_wrap(&sig, 0, ACME_DER_SEQUENCE);
    acme_der_init(&spki, spki_room, sizeof spki_room);
    acme_csr_public(&spki, pub);
    return acme_verify(acme_der_slice(&spki), false, digest, 32, acme_der_slice(&sig)) == ACME_OK;
}

static bool jws_parse(const char *body, const char *url)
{
    int n;

    memset(&jws, 0, sizeof jws);
    if (!member(body, "protected", jws.protected64, sizeof jws.protected64) ||
        !member(body, "payload", jws.payload64, sizeof jws.payload64) ||
        !member(body, "signature", jws.signature64, sizeof jws.signature64))
        return false;
    n = acme_b64url_decode(jws.header, sizeof jws.header - 1, jws.protected64,
                           strlen(jws.protected64));
    if (n < 0 || !member(jws.header, "nonce", jws.nonce, sizeof jws.nonce) ||
        !member(jws.header, "url", jws.url, sizeof jws.url) || strcmp(jws.url, url) != 0)
        return false;
    n = acme_b64url_decode(jws.payload, sizeof jws.payload - 1, jws.payload64,
                           strlen(jws.payload64));
    jws.payload_len = n > 0 ? (size_t)n : 0;
    if (member(jws.header, "kid", jws.kid, sizeof jws.kid)) {
        char kid[60];
        (void)snprintf(kid, sizeof kid, "%s/acct/%d", bases[w.ca], w.account_number);
        return w.account_gone || (strcmp(jws.kid, kid) == 0 && signature_good(&account_public));
    }
    jws.pub.type = ACME_KEY_P256;
    jws.pub.a_len = jws.pub.b_len = 32;
    return member(jws.header, "x", jws.x, sizeof jws.x) &&
           member(jws.header, "y", jws.y, sizeof jws.y) &&
           acme_b64url_decode(jws.pub.a, 32, jws.x, strlen(jws.x)) == 32 &&
           acme_b64url_decode(jws.pub.b, 32, jws.y, strlen(jws.y)) == 32 &&
           signature_good(&jws.pub);
}

static bool nonce_good(void)
{
    unsigned number = 0;

    if (sscanf(jws.nonce, "n%u", &number) != 1 || number == 0 || number >= w.nonces ||
        w.nonce_used[number & 0xffff])
        return false;
    w.nonce_used[number & 0xffff] = 1;
    return true;
}

/* -- the order -- */

static const char *const types[] = {"http-01", "dns-01", "tls-alpn-01"};

/* Is this way closed? */
static bool unseen(const struct w_order *o, int i)
{
    return ((w.unseen | (i < 2 ? w.unseen_name[i] : 0)) & 1u << (o->told[i] - 1)) != 0;
}

static void settle(struct w_order *o)
{
    bool all = true, bad = false;

    for (int i = 0; i < o->names_count; i++) {
        if (o->authz[i] == ACME_STATUS_PENDING && o->told[i] && w.ms >= o->valid_ms[i]) {
            bool found = false;
            for (int k = 0; k < w.live_count; k++)
                found |= !unseen(o, i) && w.live[k].live &&
                         strcmp(w.live[k].identifier, o->names[i]) == 0 &&
                         strncmp(w.live[k].authorization, w.live[k].token,
                                 strlen(w.live[k].token)) == 0 &&
                         strlen(w.live[k].authorization) == strlen(w.live[k].token) + 44;
            o->authz[i] = found ? ACME_STATUS_VALID : ACME_STATUS_INVALID;
            w.failed_validations += !found;
        }
        all &= o->authz[i] == ACME_STATUS_VALID;
        bad |= o->authz[i] == ACME_STATUS_INVALID;
    }
    if (o->status == ACME_STATUS_PENDING && (all || bad))
        o->status = bad ? ACME_STATUS_INVALID : ACME_STATUS_READY;
    if (o->status == ACME_STATUS_PROCESSING && w.ms >= o->issued_ms)
        o->status = ACME_STATUS_VALID;
}

void ca_tick(void)
{
    for (int i = 0; i < w.orders_count; i++)
        settle(&w.orders[i]);
}

static bool profile_refused(void)
{
    char offered[100];

    (void)snprintf(offered, sizeof offered, "\"%s\"", w.profile);
    if (w.profile[0] == '\0' ||
        (w.profiles != NULL && strstr(w.profiles, offered) != NULL &&
         (w.profile_refused == NULL || strcmp(w.profile, w.profile_refused) != 0)))
        return false;
    if (!w.profile_refused_late)
        problem(400, "invalidProfile", "no such profile");
    return true;
}

static void tell_order(struct w_order *o)
{
    int n = (int)(o - w.orders);

    settle(o);
    say("{\"status\":\"%s\",\"identifiers\":[],\"finalize\":\"" CA "/f/%d\",\"authorizations\":[",
        statuses[o->status], n);
    for (int i = o->names_count; i-- > 0;) /* in another order than asked */
        say("\"" CA "/a/%d/%d\"%s", n, i, i > 0 ? "," : "");
    say("]");
    if (o->status == ACME_STATUS_VALID)
        say(",\"certificate\":\"" CA "/x/%d\"", n);
    say("}");
}

/* certID is known: base64url(first 20 bytes of the key's hash) "." base64url(serial). */
static int64_t cert_named(const char *id)
{
    uint8_t raw[40], key_id[20];
    char want[80];
    int n;

    made_key_id(&ca_key, key_id);
    for (int i = 0; i < w.orders_count; i++) {
        uint32_t serial = 1000 + (uint32_t)i;
        n = acme_b64url_encode(want, sizeof want - 20, key_id, 20);
        want[n++] = '.';
        raw[0] = (uint8_t)(serial >> 8);
        raw[1] = (uint8_t)serial;
        n += acme_b64url_encode(want + n, 10, raw, 2);
        want[n] = '\0';
        if (strcmp(id, want) == 0 && w.orders[i].began != 0 && w.orders[i].ca == w.ca)
            return w.orders[i].began;
    }
    return 0;
}

static void tell_window(const char *id)
{
    int64_t began = cert_named(id);
    char start[ACME_TIME_TEXT], end[ACME_TIME_TEXT];

    w.windows++;
    w.windows_at[w.ca]++;
    if (began == 0) {
        problem(404, "malformed", "no such certificate");
        return;
    }
    acme_time_text(w.ari_start != 0 ? w.ari_start : began + 55 * (int64_t)W_DAY, start);
    acme_time_text(w.ari_end != 0 ? w.ari_end : began + 65 * (int64_t)W_DAY, end);
    field("%s\r\n", w.ari_field != NULL ? w.ari_field : "Retry-After: 21600");
    say("{%s\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}",
        w.ari_more != NULL ? w.ari_more : "", start, end);
}

/* True: the order is refused. */
static bool replaces_refused(void)
{
    char id[80];

    if (!member((const char *)jws.payload, "replaces", id, sizeof id))
        return false;
    for (int i = 0; i < w.replaced_count; i++) {
        if (strcmp(id, w.replaced[i]) == 0) {
            w.replaces_refused++;
            problem(409, "alreadyReplaced", "it has a successor");
            return true;
        }
    }
    if (cert_named(id) == 0) {
        w.replaces_refused++;
        problem(404, "malformed", "no such predecessor");
        return true;
    }
    (void)snprintf(w.replaced[w.replaced_count++], sizeof w.replaced[0], "%s", id);
    return false;
}

static void new_order(void)
{
    const char *at = (const char *)jws.payload;
    struct w_order *o;

    if (w.orders_count == 40) {
        problem(429, "rateLimited", "forty orders");
        return;
    }
    (void)member((const char *)jws.payload, "profile", w.profile, sizeof w.profile);
    if (profile_refused() && !w.profile_refused_late)
        return;
    if (replaces_refused())
        return;
    w_note("ORDER");
    w.orders_at[w.ca]++;
    o = &w.orders[w.orders_count++];
    o->there = true;
    o->ca = w.ca;
    o->status = ACME_STATUS_PENDING;
    while ((at = strstr(at, "\"value\":\"")) != NULL && o->names_count < ACME_MAX_NAMES) {
        (void)sscanf(at + 9, "%255[^\"]", o->names[o->names_count]);
        o->authz[o->names_count++] = w.authz_reuse ? ACME_STATUS_VALID : ACME_STATUS_PENDING;
        at++;
    }
    w.reply_status = 201;
    field("Location: " CA "/o/%d\r\n", w.orders_count - 1);
    tell_order(o);
}

static void tell_authz(struct w_order *o, int i)
{
    int n = (int)(o - w.orders);
    const char *name = o->names[i];
    bool wildcard = strncmp(name, "*.", 2) == 0;
    bool address = strspn(name, "0123456789.") == strlen(name);
    unsigned offers = address ? 1 : wildcard ? 2 : w.offers != 0 ? w.offers : 3;

    settle(o);
    say("{\"status\":\"%s\",\"identifier\":{\"type\":\"%s\",\"value\":\"%s\"}%s,\"challenges\":[",
        statuses[o->authz[i]], address ? "ip" : "dns", wildcard ? name + 2 : name,
        wildcard ? ",\"wildcard\":true" : "");
    for (int k = 0; k < 3; k++) {
        bool refused = o->authz[i] == ACME_STATUS_INVALID && (w.all_refused || o->told[i] == k + 1);
        bool asked = o->told[i] == k + 1;
        if ((offers & 1u << k) == 0)
            continue;
        say("{\"type\":\"%s\",\"status\":\"%s\",\"url\":\"" CA
            "/c/%d/%d/%d\",\"token\":\"token-%02d-%02d-%d-%d-abcdefghij\"%s},",
            types[k],
            o->authz[i] != ACME_STATUS_PENDING && (asked || refused) ? statuses[o->authz[i]]
            : o->authz[i] == ACME_STATUS_PENDING && asked            ? "processing"
                                                                     : "pending",
            n, i, k, n, i, k, o->tokens,
            refused ? ",\"error\":{\"type\":\"urn:ietf:params:acme:error:unauthorized\","
                      "\"detail\":\"wrong body\"}"
                    : "");
    }
    say("{\"type\":\"new-01\",\"url\":\"" CA "/c/%d/%d/9\"}]}", n, i);
}

static void respond(struct w_order *o, int i, int k)
{
    settle(o);
    if (w.overtake && o->authz[i] == ACME_STATUS_PENDING)
        o->authz[i] = ACME_STATUS_VALID;
    if (strcmp((const char *)jws.payload, "{}") != 0)
        problem(400, "malformed", "no {}");
    else if (o->authz[i] != ACME_STATUS_PENDING)
        problem(400, "malformed", "authorization must be pending");
    else {
        if (!o->told[i])
            o->valid_ms[i] = w.ms + w.validate_ms;
        o->told[i] = k + 1;
        w_note("T:%s:%s", types[k], o->names[i]);
        say("{\"type\":\"%s\",\"status\":\"processing\",\"url\":\"" CA "/c\"}", types[k]);
    }
}

/* -- the certificate -- */

static struct acme_slice csr_point(const uint8_t *der, size_t len)
{
    struct acme_slice in = {der, len}, info, part, bits = {NULL, 0};
    uint8_t tag;

    if (acme_der_read_tag(&in, ACME_DER_SEQUENCE, &info) &&
        acme_der_read_tag(&info, ACME_DER_SEQUENCE, &in) && /* info */
        acme_der_read(&in, &tag, &part, NULL) &&            /* version */
        acme_der_read(&in, &tag, &part, NULL) &&            /* subject */
        acme_der_read_tag(&in, ACME_DER_SEQUENCE, &part) && /* public key */
        acme_der_read(&part, &tag, &info, NULL))
        (void)acme_der_read_tag(&part, ACME_DER_BIT_STRING, &bits);
    return bits;
}

static void finalize(struct w_order *o)
{
    char csr64[16384];
    int n;

    settle(o);
    if (o->status != ACME_STATUS_READY) {
        w.late_finalizes += o->finalized > 0;
        problem(403, "orderNotReady", "not ready");
        return;
    }
    if (!member((const char *)jws.payload, "csr", csr64, sizeof csr64) ||
        (n = acme_b64url_decode(o->csr, sizeof o->csr, csr64, strlen(csr64))) < 0) {
        problem(400, "badCSR", "what is this?");
        return;
    }
    if (w.profile_refused_late && profile_refused()) {
        problem(400, "invalidProfile", "no such profile any more");
        return;
    }
    w_note("FINAL");
    o->csr_len = (size_t)n;
    o->finalized++;
    w.certificates++;
    o->status = ACME_STATUS_PROCESSING;
    o->issued_ms = w.ms + w.issue_ms;
    tell_order(o);
}

/* Like made_cert, but for a public key alone. */
static struct acme_slice leaf(const struct acme_public *pub, const struct made *m, uint8_t *room,
                              size_t len)
{
    static uint8_t tbs_room[16384];
    struct acme_der d;
    struct acme_slice tbs;
    uint8_t digest[32], sig[ACME_SIGNATURE_MAX];
    size_t mark;
    int n;

    acme_der_init(&d, tbs_room, sizeof tbs_room);
    made_extensions(&d, m);
    acme_csr_public(&d, pub);
    made_name(&d, NULL);
    mark = acme_der_mark(&d);
    made_time(&d, m->to);
    made_time(&d, m->from);
    acme_der_wrap(&d, mark, ACME_DER_SEQUENCE);
    made_name(&d, m->issuer);
    acme_csr_algorithm(&d, ACME_KEY_P256);
    acme_der_small(&d, 1000 + m->number);
    mark = acme_der_mark(&d);
    acme_der_small(&d, 2);
    acme_der_wrap(&d, mark, ACME_DER_CONTEXT(0));
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    tbs = acme_der_slice(&d);
    acme_sha256(tbs.ptr, tbs.len, digest);
    n = acme_key_sign(&ca_key, digest, ACME_SIGNATURE_X509, sig, sizeof sig);
    acme_der_init(&d, room, len);
    acme_der_raw(&d, sig, n > 0 ? (size_t)n : 0);
    acme_der_byte(&d, 0);
    acme_der_wrap(&d, 0, ACME_DER_BIT_STRING);
    acme_csr_algorithm(&d, ACME_KEY_P256);
    acme_der_raw(&d, tbs.ptr, tbs.len);
    acme_der_wrap(&d, 0, ACME_DER_SEQUENCE);
    return acme_der_slice(&d);
}

/* Which chain: 0 is the default. */
static void tell_cert(struct w_order *o, int which)
{
    static uint8_t room[16384];
    static const char *const others[] = {"other.example.org"};
    const char *names[ACME_MAX_NAMES];
    struct acme_slice point = csr_point(o->csr, o->csr_len);
    struct acme_public pub = {.type = ACME_KEY_P256, .a_len = 32, .b_len = 32};
    struct made m = {.key = &ca_key, .signer = &ca_key, .issuer = "Test CA"};
    struct made root = {.key = &ca_key, .subject = "Test CA", .ca = true};
    struct acme_buf out;
    int extra = which == 0 ? w.chain_extra : w.alternate_extra[which];
    char issuer[20];

    (void)snprintf(issuer, sizeof issuer, "Root %d", which);
    for (int i = 0; i < o->names_count; i++)
        names[i] = o->names[i];
    m.names = w.other_names ? others : names;
    m.count = w.other_names ? 1 : (size_t)o->names_count;
    if (o->began == 0)
        o->began = w_wall() - 3600;
    m.from = w_wall() - 3600 - w.ahead_s - (w.expired ? 100 * W_DAY : 0);
    m.to = m.from + w.life_s;
    m.number = (uint32_t)(o - w.orders);
    root.from = W_NOW - W_DAY;
    root.to = W_NOW + 3650 * (int64_t)W_DAY;
    if (point.len == 98) {
        pub.type = ACME_KEY_P384;
        pub.a_len = pub.b_len = 48;
    }
    if (point.len != 2 + 2u * pub.a_len) {
        problem(500, "serverInternal", "no public key in the CSR");
        return;
    }
    memcpy(pub.a, point.ptr + 2, pub.a_len);
    memcpy(pub.b, point.ptr + 2 + pub.a_len, pub.b_len);
    if (w.other_key)
        acme_key_public(&ca_key, &pub);
    acme_buf_init(&out, w.reply_body, sizeof w.reply_body - 1);
    if (which == w.alternate_bad && which > 0) {
        say("no chain");
        return;
    }
    for (int i = 1; which == 0 && i <= w.alternates && w.alternate_link == NULL; i++)
        field("Link: <" CA "/x/%d/alt/%d>;rel=\"alternate\"\r\n", (int)(o - w.orders), i);
    if (w.alternate_link != NULL && which == 0)
        field("%s\r\n", w.alternate_link);
    made_pem(&out, leaf(&pub, &m, room, sizeof room), "\n");
    if (w.key_inside)
        acme_buf_text(&out, "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n");
    for (int i = 0; i < 1 + extra; i++) {
        root.number = (uint32_t)(i + 10 * which);
        if (i == extra && which > 0)
            root.issuer = issuer;
        made_pem(&out, made_cert(&root, room, sizeof room), "\n");
    }
    w.reply_len = out.len;
    w.reply_body[out.len] = '\0';
}

/* -- requests -- */

/* The binding in newAccount's payload: a JWS by HMAC over the key of the outer one (7.3.4). */
static bool binding_good(void)
{
    static char part[3][4096], header[4096], jwk[4096], input[8200], want[200];
    static const char *const names[] = {"protected", "payload", "signature"};
    const char *at = strstr((const char *)jws.payload, "\"externalAccountBinding\":{");
    char kid[200], url[200], alg[20];
    uint8_t mac[64];
    int n;

    if (at == NULL)
        return false;
    for (int i = 0; i < 3; i++) {
        if (!member(at, names[i], part[i], sizeof part[i]))
            return false;
    }
    n = acme_b64url_decode(header, sizeof header - 1, part[0], strlen(part[0]));
    header[n > 0 ? n : 0] = '\0';
    n = acme_b64url_decode(jwk, sizeof jwk - 1, part[1], strlen(part[1]));
    jwk[n > 0 ? n : 0] = '\0';
    (void)snprintf(want, sizeof want, "HS%d", (int)w.eab_digest * 8);
    if (!member(header, "kid", kid, sizeof kid) || strcmp(kid, w.eab_kid) != 0 ||
        !member(header, "url", url, sizeof url) || strcmp(url, jws.url) != 0 ||
        !member(header, "alg", alg, sizeof alg) || strcmp(alg, want) != 0 ||
        strstr(header, "nonce") != NULL)
        return false;
    (void)snprintf(input, sizeof input,
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", jws.x, jws.y);
    if (strcmp(jwk, input) != 0)
        return false;
    (void)snprintf(input, sizeof input, "%s.%s", part[0], part[1]);
    if (acme_hmac(w.eab_digest, w.eab_key, acme_slice_text(input), mac) != ACME_OK)
        return false;
    n = acme_b64url_encode(want, sizeof want, mac, w.eab_digest);
    want[n] = '\0';
    return strcmp(part[2], want) == 0;
}

/* True: newAccount goes no further. */
static bool binding_missing(bool known)
{
    bool find = strstr((const char *)jws.payload, "\"onlyReturnExisting\":true") != NULL;

    if (find && !known)
        problem(400, "accountDoesNotExist", "no such account");
    else if (find || w.eab_kid == NULL)
        return false;
    else if (strstr((const char *)jws.payload, "externalAccountBinding") == NULL)
        problem(403, "externalAccountRequired", "who pays?");
    else if (!binding_good())
        problem(403, "unauthorized", "the binding is wrong");
    else if (w.eab_once && w.bindings > 0)
        problem(403, "unauthorized", "account is not awaiting external account binding");
    else {
        w.bindings++;
        return false;
    }
    return true;
}

static void tell_account(void)
{
    say("{\"status\":\"%s\",\"contact\":[%s]}",
        w.account_status != NULL ? w.account_status : "valid", w.account_contact);
}

/* The account's own URL (7.3.2, 7.3.6). */
static void account(void)
{
    const char *text = (const char *)jws.payload;

    if (strstr(text, "\"status\":\"deactivated\"") != NULL) {
        w.account_status = "deactivated";
        w_note("DEACTIVATED");
    }
    if (strncmp(text, "{\"contact\":[", 12) == 0)
        (void)snprintf(w.account_contact, sizeof w.account_contact, "%.*s",
                       (int)(strcspn(text, "]") - 12), text + 12);
    tell_account();
}

static void register_account(void)
{
    bool known =
        w.accounts > 0 && w.accounts_at[w.ca] > 0 && acme_public_equal(&jws.pub, &account_public);
    bool find = strstr((const char *)jws.payload, "\"onlyReturnExisting\":true") != NULL;

    if (known && w.account_status != NULL && !(find && w.find_says_deactivated)) {
        problem(403, "unauthorized", "the account is deactivated");
        return;
    }
    if (binding_missing(known))
        return;
    if (known && find) {
        field("Location: " CA "/acct/%d\r\n", w.account_number);
        tell_account();
        return;
    }
    if (!known) {
        w.accounts++;
        w.accounts_at[w.ca]++;
    }
    w.registrations++;
    w.account_gone = false;
    account_public = jws.pub;
    w.account_status = NULL;
    w.reply_status = known ? 200 : 201;
    field("Location: " CA "/acct/%d\r\n", w.account_number);
    say("{\"status\":\"valid\"}");
}

/* -- key change (7.3.5) -- */

/* The inner JWS: by the key it carries, for the same URL, without a nonce. jws becomes it. */
static bool inner_good(void)
{
    static char text[sizeof jws.payload + 1];
    char url[1200];
    int n;

    (void)snprintf(url, sizeof url, "%s", jws.url);
    (void)snprintf(text, sizeof text, "%s", (const char *)jws.payload);
    memset(&jws, 0, sizeof jws);
    if (!member(text, "protected", jws.protected64, sizeof jws.protected64) ||
        !member(text, "payload", jws.payload64, sizeof jws.payload64) ||
        !member(text, "signature", jws.signature64, sizeof jws.signature64))
        return false;
    n = acme_b64url_decode(jws.header, sizeof jws.header - 1, jws.protected64,
                           strlen(jws.protected64));
    if (n < 0 || !member(jws.header, "url", jws.url, sizeof jws.url) || strcmp(jws.url, url) != 0 ||
        strstr(jws.header, "nonce") != NULL || strstr(jws.header, "kid") != NULL)
        return false;
    (void)acme_b64url_decode(jws.payload, sizeof jws.payload - 1, jws.payload64,
                             strlen(jws.payload64));
    jws.pub.type = ACME_KEY_P256;
    jws.pub.a_len = jws.pub.b_len = 32;
    return member(jws.header, "x", jws.x, sizeof jws.x) &&
           member(jws.header, "y", jws.y, sizeof jws.y) &&
           acme_b64url_decode(jws.pub.a, 32, jws.x, strlen(jws.x)) == 32 &&
           acme_b64url_decode(jws.pub.b, 32, jws.y, strlen(jws.y)) == 32 &&
           signature_good(&jws.pub);
}

static void key_change(void)
{
    char account[60], want[60], x[100], y[100], old_x[60], old_y[60];

    old_x[acme_b64url_encode(old_x, sizeof old_x - 1, account_public.a, 32)] = '\0';
    old_y[acme_b64url_encode(old_y, sizeof old_y - 1, account_public.b, 32)] = '\0';
    (void)snprintf(want, sizeof want, "%s/acct/%d", bases[w.ca], w.account_number);
    if (!inner_good() || !member((const char *)jws.payload, "account", account, sizeof account) ||
        !member((const char *)jws.payload, "x", x, sizeof x) ||
        !member((const char *)jws.payload, "y", y, sizeof y) || strcmp(account, want) != 0 ||
        strcmp(x, old_x) != 0 || strcmp(y, old_y) != 0) {
        w.bad_jws++;
        problem(400, "malformed", "no good inner JWS");
        return;
    }
    w_note("ROLLED");
    w.rolls++;
    account_public = jws.pub;
    tell_account();
}

void w_roll_to(const struct acme_key *key)
{
    CHECK_INT(acme_key_public(key, &account_public), ACME_OK);
    w.rolls++;
}

/* -- revocation (7.6) -- */

/* The order whose certificate this is; -1: none of ours. */
static int order_with(struct acme_slice der, struct acme_slice *spki)
{
    struct acme_cert_facts facts;
    int number;

    memset(&facts, 0, sizeof facts);
    *spki = acme_cert_spki(der);
    if (acme_cert_facts(der, &facts) != ACME_OK || facts.serial_len != 2)
        return -1;
    number = (facts.serial[0] << 8 | facts.serial[1]) - 1000;
    return number >= 0 && number < w.orders_count && w.orders[number].ca == w.ca ? number : -1;
}

static void revoke(void)
{
    static char text[12288];
    static uint8_t der[8192];
    uint8_t room[200];
    const char *reason = strstr((const char *)jws.payload, "\"reason\":");
    struct acme_slice spki;
    struct acme_der own;
    int len, n, why = -1;

    if (!member((const char *)jws.payload, "certificate", text, sizeof text) || reason == NULL ||
        sscanf(reason, "\"reason\":%d}", &why) != 1 ||
        (len = acme_b64url_decode(der, sizeof der, text, strlen(text))) <= 0 ||
        (n = order_with(acme_slice_of(der, (size_t)len), &spki)) < 0) {
        problem(400, "malformed", "no such certificate");
        return;
    }
    acme_der_init(&own, room, sizeof room);
    acme_csr_public(&own, &jws.pub);
    if (jws.kid[0] == '\0' && (acme_der_slice(&own).len != spki.len ||
                               memcmp(acme_der_slice(&own).ptr, spki.ptr, spki.len) != 0))
        problem(403, "unauthorized", "neither the account's nor the certificate's key");
    else if (why != 0 && why != 1 && why != 4 && why != 5)
        problem(400, "badRevocationReason", "only some reasons");
    else if (w.revoke_reason[n] != 0)
        problem(400, "alreadyRevoked", "once is enough");
    else {
        w_note("REVOKED");
        w.revoke_reason[n] = 1000 + why;
        w.revokes++;
    }
}

static struct w_order *order_of(const char *path, const char *format, int *i)
{
    int n = -1;

    *i = 0;
    if (sscanf(path, format, &n, i) < 1 || n < 0 || n >= w.orders_count || !w.orders[n].there ||
        w.orders[n].ca != w.ca)
        return NULL;
    return *i >= 0 && *i < w.orders[n].names_count ? &w.orders[n] : NULL;
}

static void post(const char *path)
{
    struct w_order *o;
    int i, n;

    char own[40];

    (void)snprintf(own, sizeof own, "/acct/%d", w.account_number);
    if (strcmp(path, "/account") == 0)
        register_account();
    else if (w.account_gone && jws.kid[0] != '\0')
        problem(400, "accountDoesNotExist", "who are you?");
    else if (w.account_status != NULL && jws.kid[0] != '\0')
        problem(403, "unauthorized", "the account is deactivated");
    else if (strcmp(path, own) == 0)
        account();
    else if (strcmp(path, "/key") == 0)
        key_change();
    else if (strcmp(path, "/revoke") == 0)
        revoke();
    else if (strcmp(path, "/order") == 0)
        new_order();
    else if ((o = order_of(path, "/o/%d", &i)) != NULL)
        tell_order(o);
    else if ((o = order_of(path, "/a/%d/%d", &i)) != NULL)
        tell_authz(o, i);
    else if ((o = order_of(path, "/c/%d/%d", &i)) != NULL)
        respond(o, i, (int)(path[strlen(path) - 1] - '0'));
    else if ((o = order_of(path, "/f/%d", &i)) != NULL)
        finalize(o);
    else if (sscanf(path, "/x/%d/alt/%d", &n, &i) == 2 && n < w.orders_count && i >= 1 &&
             i <= w.alternates)
        tell_cert(&w.orders[n], i);
    else if (strstr(path, "/alt/") == NULL && (o = order_of(path, "/x/%d", &i)) != NULL &&
             o->status == ACME_STATUS_VALID)
        tell_cert(o, 0);
    else
        problem(404, "malformed", "no such thing");
}

void ca_serve(const char *method, const char *url, const char *body, size_t len)
{
    const char *path = "";

    for (int i = 0; i < 3; i++) {
        if (strncmp(url, bases[i], strlen(bases[i])) != 0)
            continue;
        w.ca = i;
        path = url + strlen(bases[i]);
    }
    if (strcmp(path, "/dir") == 0 && strcmp(method, "GET") == 0) {
        say("{\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA "/account\",\"newOrder\":\"" CA
            "/order\",%s%s\"meta\":{%s%s%s%s\"termsOfService\":\"" CA "/terms\"}}",
            w.no_revoke ? "" : "\"keyChange\":\"" CA "/key\",\"revokeCert\":\"" CA "/revoke\",",
            w.ari ? "\"renewalInfo\":\"" CA "/ari\"," : "",
            w.profiles != NULL ? "\"profiles\":{" : "", w.profiles != NULL ? w.profiles : "",
            w.profiles != NULL ? "}," : "", w.eab_told ? "\"externalAccountRequired\":true," : "");
        return;
    }
    if (strncmp(path, "/ari/", 5) == 0 && strcmp(method, "GET") == 0) {
        tell_window(path + 5);
        return;
    }
    field("Replay-Nonce: n%u\r\n", w.nonces++);
    if (strcmp(path, "/nonce") == 0 && strcmp(method, "POST") != 0)
        return;
    if (strcmp(method, "POST") != 0 || len == 0 || !jws_parse(body, url)) {
        w.bad_jws++;
        problem(400, "malformed", "no good JWS");
    } else if (!nonce_good()) {
        w.bad_jws++;
        problem(400, "badNonce", "used or unknown");
    } else
        post(path);
}
