/* virt_net.c - virtio's network card (legacy, over memory), as an lwIP interface
 *
 * Two rings: the card takes empty buffers from the one and fills them, and sends what lies in the
 * other. Frames are copied out and in, so a buffer is never lent to lwIP and none can run short.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "acme_board_config.h"
#include "board.h"
#include "virt.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#define RING  16u   /* buffers each way */
#define FRAME 1526u /* the card's header, a frame of 1514 bytes */
#define HEAD  10u   /* virtio_net_hdr: all zero, no offload is agreed on */
#define PAGE  4096u /* rings begin at multiples of it */

/* Registers, and the bits that are used of them. */
#define VIRTIO_MAGIC          0x000u
#define VIRTIO_VERSION        0x004u
#define VIRTIO_DEVICE         0x008u
#define VIRTIO_HOST_FEATURES  0x010u
#define VIRTIO_GUEST_FEATURES 0x020u
#define VIRTIO_PAGE_SIZE      0x028u
#define VIRTIO_QUEUE          0x030u
#define VIRTIO_QUEUE_MAX      0x034u
#define VIRTIO_QUEUE_NUM      0x038u
#define VIRTIO_QUEUE_ALIGN    0x03cu
#define VIRTIO_QUEUE_PFN      0x040u
#define VIRTIO_NOTIFY         0x050u
#define VIRTIO_IRQ_STATUS     0x060u
#define VIRTIO_IRQ_ACK        0x064u
#define VIRTIO_STATUS         0x070u
#define VIRTIO_CONFIG         0x100u /* a network card's: 6 bytes of MAC, 2 of status */

#define VIRTIO_IS          0x74726976u /* "virt" */
#define VIRTIO_NETWORK     1u
#define FEATURE_MAC        (1u << 5)
#define FEATURE_STATUS     (1u << 16)
#define FEATURE_ANY_LAYOUT (1u << 27) /* header and frame may share a buffer */
#define FEATURES           (FEATURE_MAC | FEATURE_STATUS | FEATURE_ANY_LAYOUT)
#define STATUS_DRIVER      0x3u /* seen, and we know what it is */
#define STATUS_OK          0x4u
#define CONFIG_LINK_UP     1u

#define DESC_CARD_WRITES   2u
#define AVAIL_NO_INTERRUPT 1u
#define RING_ALIGN         64u

/* What the card and we share; the layout is virtio's. */
struct net_ring {
    struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
    } desc[RING];
    struct {
        uint16_t flags;
        volatile uint16_t idx;
        uint16_t ring[RING];
    } avail;
    struct {
        uint16_t flags;
        volatile uint16_t idx;
        struct {
            uint32_t id, len;
        } ring[RING];
    } used __attribute__((aligned(RING_ALIGN)));
} __attribute__((aligned(PAGE)));

enum { NET_RX, NET_TX };

static struct {
    uint32_t base; /* of the card's registers; 0: none was found */
    uint16_t seen; /* used entries of the receive ring that we have taken */
    uint32_t link_checked_ms;
    struct board_netif_stat stat;
} net;

static struct net_ring net_rings[2];
static uint8_t net_buffers[2][RING][FRAME + 2] __attribute__((aligned(4)));

static volatile uint32_t *net_reg(uint32_t reg)
{
    return &VIRT_REG32(net.base + reg);
}

static void net_order(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

/* Buffer i is the card's. */
static void net_give(unsigned which, uint32_t i, uint32_t len)
{
    struct net_ring *r = &net_rings[which];
    r->desc[i].len = len;
    r->avail.ring[r->avail.idx % RING] = (uint16_t)i;
    net_order();
    r->avail.idx++;
    net_order();
    *net_reg(VIRTIO_NOTIFY) = which;
}

static void net_receive(struct netif *netif)
{
    struct net_ring *r = &net_rings[NET_RX];
    /* At most one round: with a fast sender there is no end. */
    for (unsigned n = 0; n < RING && net.seen != r->used.idx; n++) {
        net_order();
        uint32_t i = r->used.ring[net.seen % RING].id % RING;
        uint32_t len = r->used.ring[net.seen % RING].len;
        net.seen++;
        len = len > FRAME ? FRAME : len;
        struct pbuf *p = len > HEAD ? pbuf_alloc(PBUF_RAW, (uint16_t)(len - HEAD), PBUF_RAM) : NULL;
        if (p != NULL)
            pbuf_take(p, net_buffers[NET_RX][i] + HEAD, (uint16_t)(len - HEAD));
        net.stat.dropped += p == NULL;
        net_give(NET_RX, i, FRAME);
        if (p != NULL && netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
}

static err_t net_send(struct netif *netif, struct pbuf *p)
{
    struct net_ring *r = &net_rings[NET_TX];
    uint16_t next = r->avail.idx;
    (void)netif;
    /* The card sends in order: the oldest buffer is the first that is free again. */
    if (p->tot_len > FRAME - HEAD || (uint16_t)(next - r->used.idx) >= RING)
        return ERR_BUF;
    memset(net_buffers[NET_TX][next % RING], 0, HEAD);
    pbuf_copy_partial(p, net_buffers[NET_TX][next % RING] + HEAD, p->tot_len, 0);
    net_give(NET_TX, next % RING, p->tot_len + HEAD);
    return ERR_OK;
}

/* ---- interface ---- */

static void net_ring_start(unsigned which)
{
    struct net_ring *r = &net_rings[which];
    *net_reg(VIRTIO_QUEUE) = which;
    *net_reg(VIRTIO_QUEUE_NUM) = RING;
    *net_reg(VIRTIO_QUEUE_ALIGN) = RING_ALIGN;
    *net_reg(VIRTIO_QUEUE_PFN) = (uint32_t)(uintptr_t)r / PAGE;
    for (unsigned i = 0; i < RING; i++) {
        r->desc[i].addr = (uint32_t)(uintptr_t)net_buffers[which][i];
        r->desc[i].flags = which == NET_RX ? DESC_CARD_WRITES : 0;
    }
    r->avail.flags = which == NET_TX ? AVAIL_NO_INTERRUPT : 0;
}

static bool net_find(void)
{
    for (unsigned n = 0; n < VIRT_VIRTIO_PLACES; n++) {
        net.base = VIRT_VIRTIO(n);
        if (*net_reg(VIRTIO_MAGIC) != VIRTIO_IS || *net_reg(VIRTIO_VERSION) != 1 ||
            *net_reg(VIRTIO_DEVICE) != VIRTIO_NETWORK)
            continue;
        virt_irq_enable(VIRT_VIRTIO_IRQ(n));
        return true;
    }
    net.base = 0;
    return false;
}

static bool net_start(void)
{
    if (!net_find())
        return false;
    *net_reg(VIRTIO_STATUS) = 0; /* reset */
    *net_reg(VIRTIO_STATUS) = STATUS_DRIVER;
    if ((*net_reg(VIRTIO_HOST_FEATURES) & FEATURES) != FEATURES)
        return false;
    *net_reg(VIRTIO_GUEST_FEATURES) = FEATURES;
    *net_reg(VIRTIO_PAGE_SIZE) = PAGE;
    net_ring_start(NET_RX);
    net_ring_start(NET_TX);
    *net_reg(VIRTIO_STATUS) = STATUS_DRIVER | STATUS_OK;
    for (unsigned i = 0; i < RING; i++)
        net_give(NET_RX, i, FRAME);
    return true;
}

static void net_link(struct netif *netif)
{
    bool up = (VIRT_REG8(net.base + VIRTIO_CONFIG + 6) & CONFIG_LINK_UP) != 0;
    net.link_checked_ms = (uint32_t)board_ms();
    if (up && !netif_is_link_up(netif))
        netif_set_link_up(netif);
    if (!up && netif_is_link_up(netif))
        netif_set_link_down(netif);
}

signed char board_netif_init(struct netif *netif)
{
    if (!net_start())
        return ERR_IF;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    for (unsigned i = 0; i < 6; i++)
        netif->hwaddr[i] = VIRT_REG8(net.base + VIRTIO_CONFIG + i);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_MLD6 | NETIF_FLAG_IGMP;
    netif->output = etharp_output;
    netif->linkoutput = net_send;
    BOARD_NETIF_IP6(netif);
    net_link(netif);
    return ERR_OK;
}

void board_netif_poll(struct netif *netif)
{
    *net_reg(VIRTIO_IRQ_ACK) =
        *net_reg(VIRTIO_IRQ_STATUS); /* first: what comes later rings again */
    net_receive(netif);
    if ((uint32_t)board_ms() - net.link_checked_ms >= 1000)
        net_link(netif);
}

void board_netif_stat(struct board_netif_stat *out)
{
    *out = net.stat;
}
