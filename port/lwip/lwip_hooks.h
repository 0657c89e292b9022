/* lwip_hooks.h - random numbers and TCP sequence numbers that an attacker cannot guess
 *
 * lwIP's own defaults are a C rand() and a counter: off-path answers to DNS queries and injected
 * TCP segments then need little luck. In lwipopts.h:
 *
 *     #include <stdint.h>
 *     uint32_t lwip_hooks_rand(void);
 *     #define LWIP_RAND() lwip_hooks_rand()
 *     #define LWIP_HOOK_FILENAME "lwip_hooks.h"
 *     #define LWIP_HOOK_TCP_ISN lwip_hooks_isn
 *     #define LWIP_DNS_SECURE (LWIP_DNS_SECURE_RAND_XID | \
 *         LWIP_DNS_SECURE_NO_MULTIPLE_OUTSTANDING | LWIP_DNS_SECURE_RAND_SRC_PORT)
 */
#ifndef LWIP_HOOKS_H
#define LWIP_HOOKS_H

#include <stddef.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As acme_port.entropy: ACME_OK, ACME_AGAIN while the source is not ready, ACME_E_ENTROPY. */
typedef int (*lwip_hooks_entropy)(void *ctx, void *out, size_t len);

/* Draws the secret: ACME_OK, or what entropy answered. No network interface may be brought up
 * before this gave ACME_OK. entropy is kept and asked for each random number. */
int lwip_hooks_init(lwip_hooks_entropy entropy, void *ctx);

/* A random number for LWIP_RAND. If entropy fails later, the number is drawn from the secret. */
uint32_t lwip_hooks_rand(void);

/* RFC 6528: a clock that ticks every 4 us plus a keyed hash of the connection's four values. */
uint32_t lwip_hooks_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port);

/* SipHash-2-4 of len bytes under a 16-byte key; here for its unit test. */
uint64_t lwip_hooks_siphash(const uint8_t key[16], const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
