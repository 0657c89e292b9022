/* fuzz_response.c - heads of replies, their fields and links, chunked bodies
 *
 * Input: a byte of flags (1: the answer to HEAD, 2: no head, only a chunked body), a seed for
 * where pieces are cut, and the reply.
 */
#include "acme_http.h"
#include "fuzz.h"

static bool same_head(const struct acme_http_head *a, const struct acme_http_head *b)
{
    return a->status == b->status && a->framing == b->framing && a->keep_alive == b->keep_alive &&
           a->length == b->length && fuzz_same(a->fields, b->fields);
}

/* A head that is cut off is "not yet", or judged as the whole; once it is there, what follows does
 * not change it. */
static void check_cuts(struct acme_slice reply, bool head_request, uint32_t seed, int whole,
                       const struct acme_http_head *head)
{
    size_t stride = reply.len / 48 + 1;

    for (size_t cut = seed % stride; cut < reply.len; cut += stride) {
        struct acme_slice piece = {fuzz_copy(acme_slice_of(reply.ptr, cut)), cut};
        struct acme_http_head other;
        int n = acme_http_read_head(piece, head_request, &other);

        if (whole > 0 && cut >= (size_t)whole)
            FUZZ_CHECK(n == whole && same_head(&other, head));
        else
            FUZZ_CHECK(n == ACME_AGAIN || (n == whole && whole < 0));
        free((void *)(uintptr_t)piece.ptr);
    }
}

static void check_value(struct acme_slice value)
{
    FUZZ_CHECK(value.len == 0 ||
               (value.ptr[0] != ' ' && value.ptr[0] != '\t' && value.ptr[value.len - 1] != ' ' &&
                value.ptr[value.len - 1] != '\t'));
    for (size_t i = 0; i < value.len; i++)
        FUZZ_CHECK((value.ptr[i] >= 0x20 || value.ptr[i] == '\t') && value.ptr[i] != 0x7f);
}

static void check_fields(const struct acme_http_head *head)
{
    static const char *const names[] = {"Location",     "Replay-Nonce", "Retry-After",   "Link",
                                        "Content-Type", "Date",         "Content-Length"};
    static const char *const rels[] = {"up", "alternate", "help", "terms-of-service", "index"};
    struct acme_slice value;
    size_t lengths = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t nth = 0; acme_http_field(head, names[i], nth, &value); nth++) {
            FUZZ_CHECK(fuzz_inside(value, head->fields) && nth < head->fields.len);
            check_value(value);
            lengths += i == 6;
        }
        FUZZ_CHECK(value.len == 0);
    }
    FUZZ_CHECK(head->framing != ACME_HTTP_LENGTH || lengths > 0);
    for (size_t i = 0; i < sizeof rels / sizeof rels[0]; i++) {
        for (size_t nth = 0; acme_http_link(head, rels[i], nth, &value); nth++) {
            FUZZ_CHECK(fuzz_inside(value, head->fields) && nth < head->fields.len);
            FUZZ_CHECK(value.len == 0 || memchr(value.ptr, '>', value.len) == NULL);
        }
        FUZZ_CHECK(value.len == 0);
    }
}

static void check_head(struct acme_slice reply, const struct acme_http_head *head,
                       bool head_request)
{
    FUZZ_CHECK(fuzz_inside(head->fields, reply) && head->fields.len < ACME_HTTP_HEAD_MAX);
    FUZZ_CHECK(head->status >= 100 && head->status <= 599);
    FUZZ_CHECK(head->framing <= ACME_HTTP_CLOSE);
    FUZZ_CHECK((head->framing == ACME_HTTP_LENGTH) == (head->length > 0));
    FUZZ_CHECK(head->framing != ACME_HTTP_CLOSE || !head->keep_alive);
    FUZZ_CHECK(!head_request || head->framing == ACME_HTTP_NONE);
    check_fields(head);
}

/* A body in one piece and in many: the same bytes, the same end, the same verdict. */
static void check_chunked(struct acme_slice body, uint32_t seed)
{
    struct acme_http_chunked one = {0}, many = {0};
    uint8_t *whole = fuzz_copy(body);
    uint8_t *sum = fuzz_room(body.len);
    size_t out, used, sum_out = 0, sum_used = 0;
    int n = acme_http_dechunk(&one, whole, body.len, &out, &used);
    int m = ACME_AGAIN;

    FUZZ_CHECK(n == 1 || n == ACME_AGAIN || n == ACME_E_HTTP);
    FUZZ_CHECK(used <= body.len && out <= used && (n != ACME_AGAIN || used == body.len));
    for (size_t at = 0; at < body.len && m == ACME_AGAIN;) {
        size_t len = 1 + fuzz_random(&seed) % (seed & 64 ? 3 : 40);
        struct acme_slice piece = {body.ptr + at, len < body.len - at ? len : body.len - at};
        uint8_t *room = fuzz_copy(piece);
        size_t piece_out, piece_used;

        m = acme_http_dechunk(&many, room, piece.len, &piece_out, &piece_used);
        FUZZ_CHECK(piece_out <= piece_used && piece_used <= piece.len);
        memcpy(sum + sum_out, room, piece_out);
        sum_out += piece_out;
        sum_used += piece_used;
        at += piece.len;
        free(room);
    }
    FUZZ_CHECK(body.len == 0 || (m == n && sum_used == used));
    FUZZ_CHECK(fuzz_same(acme_slice_of(whole, out), acme_slice_of(sum, sum_out)));
    free(whole);
    free(sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t flags = fuzz_byte(&in);
    uint32_t seed = fuzz_byte(&in);
    struct acme_slice reply = fuzz_rest(&in);
    struct acme_http_head head;
    int n;

    if (flags & 2) {
        check_chunked(reply, seed);
        return 0;
    }
    n = acme_http_read_head(reply, flags & 1, &head);
    FUZZ_CHECK(n == ACME_AGAIN || n == ACME_E_HTTP || n == ACME_E_SIZE ||
               (n > 0 && (size_t)n <= reply.len));
    check_cuts(reply, flags & 1, seed, n, &head);
    if (n > 0) {
        check_head(reply, &head, flags & 1);
        if (head.framing == ACME_HTTP_CHUNKED)
            check_chunked(acme_slice_of(reply.ptr + n, reply.len - (size_t)n), seed);
    }
    return 0;
}
