/* dns.h - one question to a DNS server and its answer, as bytes for TCP (RFC 1035)
 *
 * Own and small, because libc's way depends on the libc: glibc's resolver cannot be linked into a
 * static program, musl's asks over UDP and has no deadline, and getaddrinfo knows no CAA. TCP needs
 * no source port that cannot be guessed, and no second try after a cut answer. The server is the
 * system's, but what it hands on is anybody's: every length is checked, and names are skipped and
 * never expanded, so that no loop of pointers is followed.
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_buf.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_CAA = 257 };
#define DNS_ANSWER_MAX 8192 /* bytes that are read of an answer */

/* The question with its two bytes of length: its size, 0: the name or the room does not do. */
size_t dns_question(uint8_t *out, size_t room, uint16_t id, const char *name, enum dns_type type);

struct dns_answer {
    struct acme_slice message;
    uint8_t rcode;
    bool broken; /* found while walking */
    size_t at;   /* private from here on */
    unsigned left;
    uint16_t type;
};
/* message: without the two bytes of length. ACME_OK whatever the rcode is, or ACME_E_REPLY: not an
 * answer to that question. */
int dns_open(struct dns_answer *a, struct acme_slice message, uint16_t id, const char *name,
             enum dns_type type);
/* The data of the next record of the type that was asked for, whoever owns it: what an alias leads
 * to is the answer too. */
bool dns_next(struct dns_answer *a, struct acme_slice *data);

#endif
