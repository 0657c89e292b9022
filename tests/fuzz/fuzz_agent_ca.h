/* fuzz_agent_ca.h - the CA of fuzz_agent.c, and what the input does to its replies
 *
 * Included once, behind the state that it uses. Good replies, as an obliging CA gives them: the
 * simulation's CA (tests/sim) is the one that verifies and has opinions.
 */
#include <stdarg.h>

#include "acme_b64.h"
#include "acme_crc32.h"
#include "acme_http.h"
#include "acme_json.h"
#include "acme_store.h"

#define CA "https://ca.example"

static struct {
    struct acme_key key, leaf_key;
    bool made;
    unsigned order; /* the present one, from 1 */
    unsigned told;  /* bit i: name i was responded to */
    bool finalized;
    unsigned nonce, certificate;
    int lost;                    /* what the exchange answers instead of a reply */
    char text[sizeof io + 2048]; /* the reply as it will be sent */
    size_t len;
} ca;

static void ca_reset(void)
{
    struct acme_key key = ca.key;

    if (!ca.made)
        FUZZ_CHECK(acme_key_make(&key, ACME_KEY_P256) == ACME_OK);
    memset(&ca, 0, sizeof ca);
    ca.key = key;
    ca.made = true;
    world.entropy_state = 42; /* the same keys, whether this was the first input or not */
}

__attribute__((format(printf, 1, 2))) static void ca_say(const char *format, ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vsnprintf(ca.text + ca.len, sizeof ca.text - ca.len, format, list);
    va_end(list);
    FUZZ_CHECK(n >= 0 && (size_t)n < sizeof ca.text - ca.len);
    ca.len += (size_t)n;
}

static void ca_head(int status, const char *location)
{
    ca.len = 0;
    ca_say("HTTP/1.1 %d Words\r\nReplay-Nonce: n%u\r\n", status, ca.nonce++);
    if (location != NULL)
        ca_say("Location: " CA "/%s/%u\r\n", location, ca.order);
    ca_say("\r\n");
}

static void ca_order(void)
{
    bool ready = ca.told == (1u << NAMES) - 1;

    ca_say("{\"status\":\"%s\",\"finalize\":\"" CA "/f/%u\",\"authorizations\":[",
           ca.finalized ? "valid"
           : ready      ? "ready"
                        : "pending",
           ca.order);
    for (unsigned i = 0; i < NAMES; i++)
        ca_say("%s\"" CA "/a/%u/%u\"", i > 0 ? "," : "", ca.order, i);
    ca_say("]");
    if (ca.finalized)
        ca_say(",\"certificate\":\"" CA "/x/%u\"", ca.order);
    ca_say("}");
}

static void ca_authorization(unsigned i)
{
    const char *status = ca.told >> i & 1 ? "valid" : "pending";

    ca_say("{\"identifier\":{\"type\":\"%s\",\"value\":\"%s\"},\"status\":\"%s\",\"challenges\":["
           "{\"type\":\"http-01\",\"url\":\"" CA "/c/%u/%u\",\"status\":\"%s\",\"token\":"
           "\"order-%u-name-%u-0123456789abcdef\"}]}",
           i == 2 ? "ip" : "dns", names[i], status, ca.order, i, status, ca.order, i);
}

static void ca_certificate(void)
{
    static uint8_t room[4096];
    const struct made leaf = {.key = &ca.leaf_key,
                              .signer = &ca.key,
                              .issuer = "CA",
                              .names = names,
                              .count = NAMES,
                              .from = WORLD_NOW + (int64_t)(w.ms / 1000) - 60,
                              .to = WORLD_NOW + (int64_t)(w.ms / 1000) + 90 * WORLD_DAY,
                              .number = ca.certificate++};
    const struct made issuer = {.key = &ca.key, .subject = "CA", .ca = true};
    struct acme_buf out;

    acme_buf_init(&out, ca.text + ca.len, sizeof ca.text - ca.len);
    made_pem(&out, made_cert(&leaf, room, sizeof room), "\n");
    made_pem(&out, made_cert(&issuer, room, sizeof room), "\n");
    FUZZ_CHECK(!out.overflow);
    ca.len += out.len;
}

/* Acts on the request, and writes the good reply. */
static void ca_serve(const char *path)
{
    unsigned order = 0, i = 0;
    char kind = path[1];

    if (strcmp(path, "/dir") == 0) {
        ca_head(200, NULL);
        ca_say("{\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA "/account\",\"newOrder\":\"" CA
               "/order\",\"meta\":{\"termsOfService\":\"" CA "/terms\"}}");
    } else if (strcmp(path, "/nonce") == 0) {
        ca_head(200, NULL);
    } else if (strcmp(path, "/account") == 0) {
        ca_head(201, "account");
        ca_say("{\"status\":\"valid\"}");
    } else if (strcmp(path, "/order") == 0) {
        ca.order++;
        ca.told = 0;
        ca.finalized = false;
        ca_head(201, "o");
        ca_order();
    } else if (sscanf(path + 2, "/%u/%u", &order, &i) < 1 || order != ca.order || i >= NAMES ||
               strchr("oacfx", kind) == NULL) {
        ca_head(404, NULL);
        ca_say("{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"no such thing\"}");
    } else {
        ca.told |= kind == 'c' ? 1u << i : 0;
        if (kind == 'f') {
            ca.finalized = true;
            ca.leaf_key = agent.cert_key;
        }
        ca_head(200, NULL);
        if (kind == 'a')
            ca_authorization(i);
        else if (kind == 'c')
            ca_say("{\"type\":\"http-01\",\"status\":\"processing\",\"url\":\"" CA "/c/%u/%u\"}",
                   order, i);
        else if (kind == 'x' && ca.finalized)
            ca_certificate();
        else
            ca_order();
    }
}

/* ---- what becomes of it ---- */

static void ca_replace(size_t at, size_t gone, struct acme_slice put)
{
    gone = gone < ca.len - at ? gone : ca.len - at;
    if (ca.len - gone + put.len >= sizeof ca.text)
        return;
    memmove(ca.text + at + put.len, ca.text + at + gone, ca.len - at - gone);
    if (put.len > 0)
        memcpy(ca.text + at, put.ptr, put.len);
    ca.len = ca.len - gone + put.len;
}

/* Some bytes of the text behind `from` become others. */
static void ca_edit(size_t from)
{
    static const char *const put[] = {"null",
                                      "true",
                                      "{}",
                                      "[]",
                                      "\"\"",
                                      "valid",
                                      "invalid",
                                      "pending",
                                      "ready",
                                      "processing",
                                      "\\u0000",
                                      "-1",
                                      "..",
                                      "/",
                                      "https://x.example/y",
                                      "https://127.0.0.1/",
                                      "http://",
                                      "\"",
                                      "9999999999",
                                      "\r\n"};
    unsigned count = 1 + (fuzz_byte(&w.in) & 3);

    while (count-- > 0) {
        size_t at = from + fuzz_two(&w.in) % (ca.len - from + 1);
        uint8_t how = fuzz_byte(&w.in);
        const char *word = put[(how >> 2) % (sizeof put / sizeof put[0])];

        if ((how & 3) == 0)
            ca_replace(at, 1, fuzz_take(&w.in, 1));
        else if ((how & 3) == 1)
            ca_replace(at, how >> 2, acme_slice_text(NULL));
        else if ((how & 3) == 2)
            ca_replace(at, 0, acme_slice_text(word));
        else
            ca_replace(at, strlen(word), acme_slice_text(word));
    }
}

/* A field more, behind the status line. */
static void ca_field(void)
{
    static const char *const fields[] = {
        "Retry-After: 1\r\n",           "Retry-After: 86400\r\n",
        "Retry-After: 99999999999\r\n", "Retry-After: soon\r\n",
        "Location: " CA "/o/1\r\n",     "Location: https://b.example/\r\n",
        "Replay-Nonce: !\r\n",          "Link: <" CA "/t2>;rel=\"terms-of-service\"\r\n"};
    uint8_t which = fuzz_byte(&w.in);

    ca_replace((size_t)(strstr(ca.text, "\r\n") - ca.text) + 2, 0,
               acme_slice_text(fields[which % (sizeof fields / sizeof fields[0])]));
}

static void ca_problem(void)
{
    static const int statuses[] = {400, 401, 403, 404, 405, 409, 429, 500, 503};
    unsigned type = ACME_PROBLEM_OTHER + fuzz_byte(&w.in) % (ACME_PROBLEM_END_ - 1u);
    uint8_t more = fuzz_byte(&w.in);

    ca_head(statuses[(more & 15) % (sizeof statuses / sizeof statuses[0])], NULL);
    if (more & 16)
        ca_field();
    ca_say("{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"why\"%s}",
           acme_problem_type_name((enum acme_problem_type)type),
           more & 32 ? ",\"instance\":\"" CA "/agree\"" : "");
}

static void ca_reply(const char *path)
{
    static const int lost[] = {ACME_E_CLOSED, ACME_E_NET,  ACME_E_TIMEOUT,
                               ACME_E_HTTP,   ACME_E_SIZE, ACME_E_TLS_TRUST};
    static const char *const statuses[] = {"200", "201", "204", "302", "404", "500", "503", "199"};
    uint8_t fate = fuzz_byte(&w.in);
    size_t body;

    ca.lost = ACME_OK;
    if ((fate & 15) != 12 || fate & 16)
        ca_serve(path);
    body = ca.len > 0 ? (size_t)(strstr(ca.text, "\r\n\r\n") - ca.text) + 4 : 0;
    switch (fate & 15) {
    case 8:
    case 9:
        ca_edit(body);
        break;
    case 10:
        ca_edit(0);
        break;
    case 11:
        ca_problem();
        break;
    case 12:
        ca.lost = lost[(fate >> 5) % (sizeof lost / sizeof lost[0])];
        break;
    case 13:
        ca_field();
        break;
    case 14:
        memcpy(ca.text + 9, statuses[fate >> 4 & 7], 3);
        break;
    case 15:
        ca.len = body;
        ca_replace(body, 0, fuzz_take(&w.in, fuzz_byte(&w.in)));
        break;
    default:
        break;
    }
}

/* ---- in place of core/acme_exchange.c ---- */

static uint8_t *ca_nonce(struct acme_slice nonce)
{
    return &w.given[acme_crc32(0, nonce.ptr, nonce.len) % sizeof w.given];
}

/* The signed part of a request: for this URL, with a nonce that the CA gave and nobody used. */
static void ca_check_jws(struct acme_slice body, const char *url, bool by_key)
{
    static uint8_t arena[16384], header[4096], header_arena[8192];
    const struct acme_json *root, *inner;
    const char *text, *nonce;
    int n;

    FUZZ_CHECK(acme_json_parse(body, (struct acme_span){arena, sizeof arena}, &root) == ACME_OK);
    text = acme_json_member(root, "protected");
    FUZZ_CHECK(text != NULL && acme_json_count(root) == 3);
    n = acme_b64url_decode(header, sizeof header, text, strlen(text));
    FUZZ_CHECK(n > 0);
    FUZZ_CHECK(acme_json_parse(acme_slice_of(header, (size_t)n),
                               (struct acme_span){header_arena, sizeof header_arena},
                               &inner) == ACME_OK);
    FUZZ_CHECK(strcmp(acme_json_member(inner, "url"), url) == 0);
    FUZZ_CHECK(acme_json_is_object(acme_json_get(inner, "jwk")) == by_key);
    FUZZ_CHECK((acme_json_member(inner, "kid") == NULL) == by_key);
    nonce = acme_json_member(inner, "nonce");
    FUZZ_CHECK(nonce != NULL && *ca_nonce(acme_slice_text(nonce)) > 0);
    (*ca_nonce(acme_slice_text(nonce)))--;
}

void acme_exchange_init(struct acme_exchange *x, const struct acme_port *p,
                        const struct acme_anchors *anchors, struct acme_span room)
{
    memset(x, 0, sizeof *x);
    x->port = p;
    x->anchors = anchors;
    x->io = room;
}

int acme_exchange_start(struct acme_exchange *x, const struct acme_url *url, size_t request_len,
                        bool head_request)
{
    static char whole[ACME_MAX_URL + 64], path[ACME_MAX_URL + 1];
    struct acme_slice request = acme_slice_of(x->io.ptr, request_len);
    struct acme_http_asked asked;
    struct acme_url home;
    int n;

    FUZZ_CHECK(acme_url_read(acme_slice_text(CA), &home) == ACME_OK);
    FUZZ_CHECK(request_len <= x->io.len && acme_url_allowed(&home, url, false));
    n = acme_http_read_request(request, 4096, 8192, &asked);
    FUZZ_CHECK(n > 0 && asked.target.len <= ACME_MAX_URL);
    memcpy(path, asked.target.ptr, asked.target.len);
    path[asked.target.len] = '\0';
    snprintf(whole, sizeof whole, "https://%.*s%s", (int)url->authority.len,
             (const char *)url->authority.ptr, url->path.len > 0 ? path : "");
    FUZZ_CHECK(head_request == acme_slice_is(asked.method, "HEAD"));
    if (acme_slice_is(asked.method, "POST"))
        ca_check_jws(acme_slice_of(request.ptr + n, request.len - (size_t)n), whole,
                     agent.step == ACME_ROW_ACCOUNT);
    else
        FUZZ_CHECK((size_t)n == request_len);
    w.requests++;
    x->requests++;
    x->connections++;
    x->head_request = head_request;
    ca.len = 0;
    ca_reply(path);
    return ACME_OK;
}

int acme_exchange_poll(struct acme_exchange *x, struct acme_reply *reply)
{
    struct acme_slice nonce;
    int n;

    w.ms += 5;
    memset(reply, 0, sizeof *reply);
    x->error = ca.lost;
    if (ca.lost != ACME_OK)
        return ca.lost;
    if (ca.len > x->io.len)
        return x->error = ACME_E_SIZE;
    memcpy(x->io.ptr, ca.text, ca.len);
    n = acme_http_read_head(acme_slice_of(x->io.ptr, ca.len), x->head_request, &reply->head);
    if (n > 0 && reply->head.status < 200)
        n = ACME_E_HTTP;
    if (n < 0)
        return x->error = n == ACME_AGAIN ? ACME_E_CLOSED : n;
    reply->body = acme_slice_of(x->io.ptr + n, x->head_request ? 0 : ca.len - (size_t)n);
    for (size_t nth = 0; acme_http_field(&reply->head, "Replay-Nonce", nth, &nonce); nth++)
        (*ca_nonce(nonce))++;
    return ACME_OK;
}

uint32_t acme_exchange_wait_ms(const struct acme_exchange *x)
{
    (void)x;
    return 0;
}

bool acme_exchange_is_up(const struct acme_exchange *x)
{
    (void)x;
    return false;
}

bool acme_exchange_was_stale(const struct acme_exchange *x)
{
    (void)x;
    return false;
}

void acme_exchange_close(struct acme_exchange *x)
{
    (void)x;
}
