#include "lwip_hooks.h"

#include <string.h>

#include "acme_err.h"

#include "lwip/sys.h"

static struct {
    uint8_t key[16];
    uint64_t counter;
    lwip_hooks_entropy entropy;
    void *ctx;
} hooks; /* lwIP's hooks have no context argument, and there is one lwIP in an image */

static uint64_t hooks_load(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t hooks_rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

static void hooks_rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = hooks_rotl(v[1], 13) ^ v[0];
        v[3] = hooks_rotl(v[3], 16) ^ v[2];
        v[0] = hooks_rotl(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = hooks_rotl(v[3], 21) ^ v[0];
        v[1] = hooks_rotl(v[1], 17) ^ v[2];
        v[2] = hooks_rotl(v[2], 32);
    }
}

uint64_t lwip_hooks_siphash(const uint8_t key[16], const uint8_t *data, size_t len)
{
    uint64_t k0 = hooks_load(key, 8);
    uint64_t k1 = hooks_load(key + 8, 8);
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t left = len;
    for (; left >= 8; left -= 8, data += 8) {
        uint64_t word = hooks_load(data, 8);
        v[3] ^= word;
        hooks_rounds(v, 2);
        v[0] ^= word;
    }
    uint64_t last = hooks_load(data, left) | (uint64_t)(len & 0xff) << 56;
    v[3] ^= last;
    hooks_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    hooks_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int lwip_hooks_init(lwip_hooks_entropy entropy, void *ctx)
{
    hooks.entropy = entropy;
    hooks.ctx = ctx;
    return entropy(ctx, hooks.key, sizeof hooks.key);
}

uint32_t lwip_hooks_rand(void)
{
    uint8_t out[4];
    if (hooks.entropy != NULL && hooks.entropy(hooks.ctx, out, sizeof out) == ACME_OK)
        return (uint32_t)hooks_load(out, sizeof out);

    /* LWIP_RAND has no way to say no. The secret is long enough to be stretched. */
    uint8_t in[8];
    memcpy(in, &hooks.counter, sizeof in);
    hooks.counter++;
    return (uint32_t)lwip_hooks_siphash(hooks.key, in, sizeof in);
}

uint32_t lwip_hooks_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port)
{
    uint8_t in[2 * sizeof(ip_addr_t) + 5];
    memcpy(in, local, sizeof *local);
    memcpy(in + sizeof *local, remote, sizeof *remote);
    uint8_t *ports = in + 2 * sizeof(ip_addr_t);
    ports[0] = (uint8_t)local_port;
    ports[1] = (uint8_t)(local_port >> 8);
    ports[2] = (uint8_t)remote_port;
    ports[3] = (uint8_t)(remote_port >> 8);
    ports[4] = 'I'; /* never the same input as a random number's */
    return (uint32_t)lwip_hooks_siphash(hooks.key, in, sizeof in) + sys_now() * 250;
}
