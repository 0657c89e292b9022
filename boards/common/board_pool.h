/* board_pool.h - the only allocator of the image: one fixed pool, used by wolfSSL
 *
 * First fit, neighbours are joined. wolfSSL's own static memory option sorts sizes into buckets and
 * needs two to four times as much for the same handshake.
 *
 * BOARD_POOL_SIZE is the board's choice (acme_board_config.h). The smallest boards lend the agent's
 * buffers from the same pool: they are not needed while a TLS record is received.
 */
#ifndef BOARD_POOL_H
#define BOARD_POOL_H

#include <stddef.h>
#include <stdint.h>

struct board_pool_stat {
    uint32_t size;     /* bytes of the pool */
    uint32_t used;     /* in use now, headers included */
    uint32_t peak;     /* the most that was ever in use */
    uint32_t largest;  /* the largest block that could be had now */
    uint32_t failures; /* requests that were refused: wolfSSL may report these as something else */
    uint32_t refused;  /* bytes of the last refused request */
};

void *board_pool_alloc(size_t size); /* aligned to 8; NULL: none free */
void *board_pool_resize(void *p, size_t size);
void board_pool_free(void *p); /* NULL is allowed */
void board_pool_stat(struct board_pool_stat *out);

#endif
