#include "world.h"

#include <stdio.h>
#include <string.h>

#include "lwip_hooks.h"

#include "lwip/dns.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

struct lwip_net world_net;
uint32_t world_ms = 0xffffff00u; /* the clock wraps soon after the start */
bool world_deaf;

u32_t sys_now(void)
{
    return world_ms;
}

/* ---- the world ---- */

/* Frames travel for 1 ms. lwIP's own loopback interface delivers at once and until nothing is left,
 * which is for ever when both windows are closed: two lwIPs then acknowledge each other's
 * acknowledgements. */
#define WIRE_MAX 32
static struct pbuf *wire[WIRE_MAX];
static unsigned wire_count;
unsigned world_lost;
static struct netif world_netif;

static err_t wire_put(struct pbuf *p)
{
    struct pbuf *copy =
        wire_count < WIRE_MAX && !world_deaf ? pbuf_clone(PBUF_RAW, PBUF_POOL, p) : NULL;
    if (copy != NULL)
        wire[wire_count++] = copy;
    else
        world_lost++;
    return ERR_OK;
}

static err_t wire_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)to;
    return wire_put(p);
}

static void wire_deliver(void)
{
    struct pbuf *arrived[WIRE_MAX];
    unsigned n = wire_count;
    memcpy(arrived, wire, sizeof arrived);
    wire_count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (world_netif.input(arrived[i], &world_netif) != ERR_OK)
            pbuf_free(arrived[i]);
    }
}

#if LWIP_IPV6
static err_t wire_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif;
    (void)to;
    return wire_put(p);
}

static void wire_start6(struct netif *netif)
{
    ip_addr_t addr;
    ipaddr_aton(WORLD_ADDR6, &addr);
    netif->output_ip6 = wire_output6;
    netif_ip6_addr_set(netif, 0, ip_2_ip6(&addr));
    netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
}
#else
static void wire_start6(struct netif *netif)
{
    (void)netif;
}
#endif

static err_t wire_init(struct netif *netif)
{
    netif->name[0] = 'w';
    netif->name[1] = 'o';
    netif->mtu = 1500;
    netif->output = wire_output;
    wire_start6(netif);
    return ERR_OK;
}

static void wire_start(void)
{
    ip4_addr_t addr, mask, none;
    ip4addr_aton(WORLD_ADDR, &addr);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&none);
    netif_add(&world_netif, &addr, &mask, &none, NULL, wire_init, ip_input);
    netif_set_default(&world_netif);
    netif_set_link_up(&world_netif);
    netif_set_up(&world_netif);
}

void world_frames(void)
{
    world_ms++;
    sys_check_timeouts();
    wire_deliver();
}

void world_step(void)
{
    world_frames();
    lwip_net_poll(&world_net);
}

void world_run(unsigned ms)
{
    while (ms-- > 0)
        world_step();
}

static int test_entropy(void *ctx, void *out, size_t len)
{
    static uint8_t next;
    uint8_t *p = out;
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        p[i] = next++;
    return ACME_OK;
}

static size_t dns_name(const uint8_t *q, size_t len, char *name, size_t cap)
{
    size_t at = 12, n = 0;
    while (at < len && q[at] != 0 && at + q[at] < len && n + q[at] + 2u < cap) {
        memcpy(name + n, q + at + 1, q[at]);
        n += q[at];
        name[n++] = '.';
        at += q[at] + 1u;
    }
    name[n > 0 ? n - 1 : 0] = '\0';
    return at + 5; /* its end, type and class */
}

/* name, type A (1) or AAAA (28), last byte of 10.1.1.x or of fd00::x */
static const struct {
    const char *name;
    uint8_t type, last;
} dns_zone[] = {
    {"v4.test", 1, 1},   {"v6.test", 28, 1},  {"both.test", 1, 1},     {"both.test", 28, 1},
    {"slow.test", 1, 1}, {"half.test", 1, 1}, {"half.test", 28, 0x77}, /* nobody */
};

/* lwIP asks again each second. */
static bool dns_is_early(void)
{
    static uint32_t asked, last;
    if (asked == 0 || world_ms - last > 10000)
        asked = world_ms;
    last = world_ms;
    return world_ms - asked < 2500;
}

static void dns_answer(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                       u16_t port)
{
    uint8_t msg[512];
    char name[256];
    size_t len = pbuf_copy_partial(p, msg, sizeof msg - 32, 0);
    (void)arg;
    pbuf_free(p);
    size_t end = dns_name(msg, len, name, sizeof name);
    if (strcmp(name, "silent.test") == 0 || (strcmp(name, "slow.test") == 0 && dns_is_early()))
        return;
    msg[2] = 0x81;
    msg[3] = 0x83; /* no such name, until found */
    for (size_t i = 0; i < sizeof dns_zone / sizeof dns_zone[0]; i++) {
        if (strcmp(name, dns_zone[i].name) != 0 || msg[end - 3] != dns_zone[i].type)
            continue;
        uint8_t addr[16] = {10, 1, 1};
        uint8_t addr_len = dns_zone[i].type == 1 ? 4 : 16;
        if (addr_len == 16)
            memcpy(addr, "\xfd\0", 3);
        addr[addr_len - 1] = dns_zone[i].last;
        const uint8_t head[] = {0xc0, 12, 0, dns_zone[i].type, 0, 1, 0, 0, 0, 60, 0, addr_len};
        msg[3] = 0x80;
        msg[7] = 1;
        memcpy(msg + end, head, sizeof head);
        memcpy(msg + end + sizeof head, addr, addr_len);
        end += sizeof head + addr_len;
        break;
    }
    struct pbuf *r = pbuf_alloc(PBUF_TRANSPORT, (u16_t)end, PBUF_RAM);
    if (r == NULL)
        return;
    pbuf_take(r, msg, (u16_t)end);
    udp_sendto(pcb, r, from, port);
    pbuf_free(r);
}

void world_init(void)
{
    lwip_init();
    if (lwip_hooks_init(test_entropy, NULL) != ACME_OK)
        printf("not ok init\n");
    lwip_net_init(&world_net);
    wire_start();
    dns_setserver(0, netif_ip_addr4(&world_netif));
    struct udp_pcb *dns = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(dns, IP_ANY_TYPE, 53);
    udp_recv(dns, dns_answer, NULL);
}
