/* acme_http.h - HTTP/1.1 as pure functions over buffers (RFC 9112, RFC 9110)
 *
 * Parsers take all bytes so far and answer partial (ACME_AGAIN), bad, or the count consumed, with
 * slices into the buffer. Nothing is copied.
 */
#ifndef ACME_HTTP_H
#define ACME_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme_buf.h"
#include "acme_url.h"

#define ACME_HTTP_HEAD_MAX 8192 /* bytes of a reply's status line and fields */
#define ACME_HTTP_LINE_MAX 2048 /* bytes of one of its lines */

/* How the length of a body is known (RFC 9112 6.3). */
enum acme_http_framing {
    ACME_HTTP_NONE,    /* no body: HEAD, 1xx, 204, 304, or Content-Length: 0 */
    ACME_HTTP_LENGTH,  /* Content-Length */
    ACME_HTTP_CHUNKED, /* Transfer-Encoding: chunked */
    ACME_HTTP_CLOSE    /* until the server closes */
};

struct acme_http_head {
    uint16_t status;          /* 100..599 */
    uint8_t framing;          /* enum acme_http_framing */
    bool keep_alive;          /* the connection may be used again */
    uint64_t length;          /* with ACME_HTTP_LENGTH */
    struct acme_slice fields; /* the raw field lines, for acme_http_field */
};

/* The head of a reply. head_request: it answers HEAD, so there is no body whatever it says.
 * Count consumed, ACME_AGAIN, ACME_E_HTTP, or ACME_E_SIZE (a line or the head is too long).
 * Refused: other versions than 1.0 and 1.1, bare CR or LF inside a line and other control
 * characters, folded fields, white space before a colon, two different Content-Lengths (or a list
 * of them), Content-Length with Transfer-Encoding, other codings than chunked, chunked in HTTP/1.0.
 * The verdict on a cut-off head is ACME_AGAIN or the one on the whole. */
int acme_http_read_head(struct acme_slice data, bool head_request, struct acme_http_head *out);

/* The nth (from 0) field called name (case folded): its value without outer white space. */
bool acme_http_field(const struct acme_http_head *head, const char *name, size_t nth,
                     struct acme_slice *value);

/* The nth (from 0) target of a Link field with rel (RFC 8288; several in one field are split).
 * Links with an anchor are about another resource, and passed over. */
bool acme_http_link(const struct acme_http_head *head, const char *rel, size_t nth,
                    struct acme_slice *target);

/* Decodes a chunked body in place, piece by piece. Zero-fill before the first piece. */
struct acme_http_chunked {
    uint8_t state;
    uint8_t hex_digits;
    uint16_t line_bytes; /* of a chunk extension or trailer, bounded */
    uint64_t left;       /* of the present chunk */
};

/* data[0..len) are new raw bytes; the decoded ones are moved to its front and *out_len says how
 * many. 1 when the last chunk and trailers are consumed (*used says how many raw bytes; the rest
 * is not ours), ACME_AGAIN for more, ACME_E_HTTP. */
int acme_http_dechunk(struct acme_http_chunked *c, uint8_t *data, size_t len, size_t *out_len,
                      size_t *used);

/* A request of ours: method, target, and the fields that each of our requests has: Host,
 * User-Agent, Accept, Accept-Language (RFC 8555 6.1, 6.2 P3 P4). For a body give its content type
 * and reserve: Content-Length is written as content_length; the body follows by the caller. */
struct acme_http_request {
    const char *method; /* GET HEAD POST */
    const struct acme_url *url;
    const char *accept;       /* NULL: "*" "/" "*" */
    const char *content_type; /* NULL: no body */
    size_t content_length;
    struct acme_slice fields; /* more field lines, each with its CRLF; may be empty */
};
void acme_http_write_request(struct acme_buf *out, const struct acme_http_request *request);

/* A request to a server of ours (the http-01 responder). */
struct acme_http_asked {
    struct acme_slice method;
    struct acme_slice target; /* origin form, as sent */
    bool has_body;            /* Content-Length above 0, or any Transfer-Encoding */
    bool has_host;
};
/* Count consumed, ACME_AGAIN, ACME_E_HTTP, ACME_E_SIZE. line_max bounds the first line, head_max
 * the whole. Same strictness as for replies, and one Host at most; absolute-form is reduced to its
 * path, other forms are refused. */
int acme_http_read_request(struct acme_slice data, size_t line_max, size_t head_max,
                           struct acme_http_asked *out);

#endif
