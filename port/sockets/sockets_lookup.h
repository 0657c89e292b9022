/* sockets_lookup.h - name look-up behind the back of a program that must not block
 *
 * getaddrinfo has no time limit of its own and cannot be cancelled, so each look-up is a job of a
 * detached thread with a small stack. Jobs lie in a static table and not in struct sockets_net:
 * a thread may outlive the net that asked, and then it owns its job, writes nothing but it, and
 * gives it back when getaddrinfo returns. The table also bounds the number of threads.
 */
#ifndef SOCKETS_LOOKUP_H
#define SOCKETS_LOOKUP_H

#include <stdint.h>

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest name, without its NUL: 253, and a final dot. */
#define SOCKETS_HOST_MAX 254

/* Addresses kept of one name. */
#define SOCKETS_ADDRS 8

/* Look-ups at once, of the whole process; more wait for their turn. */
#ifndef SOCKETS_LOOKUPS
#define SOCKETS_LOOKUPS 4
#endif

struct sockets_addr {
    uint32_t scope; /* interface of a link-local IPv6 address, else 0 */
    uint8_t family; /* 4 or 6 */
    uint8_t ip[16]; /* network order; 4 bytes of it when family is 4 */
};

/* All addresses of host, best first, at most max: their count, 0 when there is none. May block;
 * must be thread-safe. */
typedef int (*sockets_lookup_fn)(const char *host, struct sockets_addr *out, int max);

/* The system's look-up. In its order (RFC 6724), but from the second address on the families
 * take turns (RFC 8305 section 4), so that a name with many dead IPv6 addresses is reached. */
int sockets_getaddrinfo(const char *host, struct sockets_addr *out, int max);

/* Start a look-up of host (copied): its job (from 0), or -1 when none can be started now. One byte
 * is written to wake_fd (non-blocking) when it is done, unless it was abandoned before. */
int sockets_lookup_start(const char *host, sockets_lookup_fn lookup, int wake_fd);

/* ACME_AGAIN, or the end of the job: the count of addresses written to out[SOCKETS_ADDRS], 0 when
 * the name has none. The job is given back then and its number is void. */
int sockets_lookup_take(int job, struct sockets_addr *out);

/* Give up the job; its number is void. */
void sockets_lookup_abandon(int job);

/* An IP literal ("192.0.2.1", "2001:db8::1", "fe80::1%eth0") to an address: 1, or 0 if it is not
 * one. */
int sockets_parse_ip(const char *text, struct sockets_addr *out);

/* The i-th nameserver of a resolv.conf into addr[ACME_ADDR_TEXT]: ACME_OK or ACME_E_LOOKUP. A file
 * that is absent or names none means 127.0.0.1, as for libc. The file is read at each call. */
int sockets_resolver_read(const char *path, unsigned i, char *addr);

#ifdef __cplusplus
}
#endif

#endif
