/* dns_msg.h - DNS messages as bytes for TCP (RFC 1035, RFC 2136): a bounded writer and reader
 *
 * Own and small, because a libc's resolver asks over UDP or cannot be linked into a static program,
 * and getaddrinfo knows neither TXT nor CAA. TCP needs no source port that cannot be guessed, and
 * no second try after a cut answer. What a server hands on is anybody's: every length is checked,
 * and a name's pointers lead only backward, so none is followed for ever.
 *
 * Names are text without the last dot ("example.com", "" for the root), in lower case when read.
 * All here is pure: no memory but the caller's, no clock, no socket.
 */
#ifndef DNS_MSG_H
#define DNS_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TSIG = 250,
    DNS_CAA = 257
};
enum dns_class { DNS_IN = 1, DNS_NONE = 254, DNS_ANY = 255 };
/* As RFC 2136 2 names them: zone, prerequisite, update, additional. */
enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };
enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_REFUSED = 5,
    DNS_NOTAUTH = 9
};
enum { DNS_QUERY = 0, DNS_QUERY_RECURSIVE = 0x0100, DNS_UPDATE = 5 << 11 }; /* flags */

#define DNS_HEAD      12
#define DNS_NAME_ROOM 254 /* a name's text with its NUL */

/* -- writing: two bytes of length (RFC 1035 4.2.2), then the message -- */

void dns_msg_begin(struct acme_buf *b, uint16_t id, unsigned flags);
/* The question; of an UPDATE: the zone. A name that cannot be written (labels of letters, digits,
 * "-", "_" and "*", 1..63 bytes each, 253 in all) counts as overflow. */
void dns_msg_ask(struct acme_buf *b, const char *name, unsigned type);
/* A record. Sections come in their order. data must not lie in b. */
void dns_msg_add(struct acme_buf *b, enum dns_section section, const char *name, unsigned type,
                 unsigned class_, uint32_t ttl, struct acme_slice data);
/* Fills the length in. False: something did not fit. */
bool dns_msg_end(struct acme_buf *b);
/* A name as labels, lower case, without compression. */
void dns_msg_put_name(struct acme_buf *b, const char *name);
void dns_msg_put16(struct acme_buf *b, unsigned value);
void dns_msg_put32(struct acme_buf *b, uint32_t value);

/* -- reading: the message without the two bytes of length -- */

struct dns_msg {
    struct acme_slice message;
    uint8_t rcode;
    bool broken; /* found while walking: what was read before is not the whole answer */
    size_t at;   /* private from here on */
    unsigned left[4];
};

struct dns_record {
    enum dns_section section;
    char name[DNS_NAME_ROOM]; /* octets that are not of a host's name read as "?" */
    uint16_t type, class_;
    uint32_t ttl;
    size_t at, data_at; /* offsets in the message */
    struct acme_slice data;
};

/* Opens an answer to the question with that id and those flags (enum above). ACME_OK whatever the
 * rcode is; ACME_E_REPLY: not an answer to that question, or cut. name NULL: the question is passed
 * over, as it need not be repeated in the answer to an UPDATE. */
int dns_msg_open(struct dns_msg *r, struct acme_slice message, uint16_t id, unsigned flags,
                 const char *name, unsigned type);
/* The next record of any section. False: no more (or broken). */
bool dns_msg_next(struct dns_msg *r, struct dns_record *record);
/* The next record of that type in the answer, whoever owns it: what an alias leads to is the answer
 * too. */
bool dns_msg_find(struct dns_msg *r, unsigned type, struct dns_record *record);
/* The name at an offset: 0 when it is none, else the offset behind it. */
size_t dns_msg_name(struct acme_slice message, size_t at, char out[DNS_NAME_ROOM]);
/* The strings of a TXT record, joined, into room: their length, or -1 (broken, or too long). */
int dns_msg_txt(struct acme_slice data, void *room, size_t cap);
/* Are the strings of a TXT record, joined, this text? */
bool dns_msg_txt_is(struct acme_slice data, const char *text);

/* Is it the zone, or a name below it? Both in lower case. */
bool dns_msg_within(const char *name, const char *zone);
/* Words for the rcode of an UPDATE that was refused. */
const char *dns_msg_refusal(unsigned rcode);

unsigned dns_msg_get16(const uint8_t *in);
uint32_t dns_msg_get32(const uint8_t *in);

#ifdef __cplusplus
}
#endif

#endif
