/* sf2_emac.c - the Ethernet MAC, as an lwIP interface without copies on the way in
 *
 * The DMA buffers are the pbufs: a received frame travels through lwIP to whoever reads the bytes
 * in the place where the hardware put it, and its buffer comes back when the pbuf is freed.
 * Descriptors and buffers are therefore separate things: a descriptor whose buffer is away gets
 * another one, in ring order, so that one frame that is held for long does not stop the ring.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "acme_board_config.h"
#include "board.h"
#include "sf2.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"

#ifndef EMAC_RX
#define EMAC_RX 5 /* with 2, a server's flight of three segments loses one in half of the runs */
#endif
/* Frames are as short as TCP_MSS makes them, so that the same RAM holds more of them. With it:
 * headers of Ethernet, IP and TCP, a VLAN tag (the card strips the checksum). */
#if LWIP_IPV6
#define EMAC_HEADS (14 + 40 + 20 + 4 + 2)
#else
#define EMAC_HEADS (14 + 20 + 20 + 4 + 2)
#endif
#define EMAC_FRAME (TCP_MSS + EMAC_HEADS)
#define EMAC_SHORT 384 /* a request of a CA's validator */

#define DESC_EMPTY 0x80000000u /* receive: the card may fill it. Transmit: it has been sent */
#define DESC_SIZE  0x7ffu

#define CFG1_TX        0x01u
#define CFG1_RX        0x04u
#define CFG2_DUPLEX    0x7217u /* full duplex, pad, CRC, length check, MII nibbles */
#define FIFO_CFG0_ON   0x1f00u /* all five modules */
#define STATUS_PACKET  0x01u   /* write: one packet less in the card's count */
#define RX_OVERFLOW    0x04u
#define TX_UNDERRUN    0x02u
#define IRQ_RX_PACKET  0x10u
#define IRQ_RX_STOPPED 0x40u

#define PHY_ADDRESS   1u
#define PHY_BMSR      1u
#define PHY_BMSR_LINK 0x0004u

struct emac_desc {
    volatile uint32_t addr, size, next;
};

struct emac_buf {
    struct pbuf_custom p; /* first: lwIP's pointer is ours */
    struct emac_buf *next_free;
    uint8_t frame[EMAC_FRAME] __attribute__((aligned(4)));
};

static struct {
    struct emac_desc rx[EMAC_RX], tx;
    struct emac_buf *held[EMAC_RX]; /* the buffer of each descriptor, or NULL */
    struct emac_buf *free;
    unsigned next;        /* the descriptor that the card fills next */
    unsigned fill;        /* the first descriptor without a buffer, when empty > 0 */
    unsigned empty;       /* how many descriptors have none */
    volatile bool paused; /* the interrupt has stopped the card */
    uint32_t link_checked_ms;
    struct board_netif_stat stat;
} emac;

static struct emac_buf emac_bufs[EMAC_RX];
static uint8_t emac_tx_frame[EMAC_FRAME] __attribute__((aligned(4)));

/* ---- receive ---- */

static void emac_arm(unsigned i, struct emac_buf *b)
{
    emac.held[i] = b;
    emac.rx[i].addr = (uint32_t)(uintptr_t)b->frame;
    emac.rx[i].size = DESC_EMPTY; /* last: from now on it is the card's */
}

/* Free buffers go to the descriptors that have waited longest. */
static void emac_refill(void)
{
    while (emac.empty > 0 && emac.free != NULL) {
        struct emac_buf *b = emac.free;
        emac.free = b->next_free;
        emac_arm(emac.fill, b);
        emac.fill = (emac.fill + 1) % EMAC_RX;
        emac.empty--;
    }
}

static void emac_give_back(struct pbuf *p)
{
    struct emac_buf *b = (struct emac_buf *)(void *)p;
    b->next_free = emac.free;
    emac.free = b;
    emac_refill();
}

/* The buffer itself, without a copy; its descriptor gets another one, or waits for it. */
static struct pbuf *emac_lend(unsigned i, uint16_t len)
{
    struct emac_buf *b = emac.held[i];
    emac.held[i] = NULL;
    if (emac.empty++ == 0)
        emac.fill = i;
    emac_refill();
    return pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &b->p, b->frame, EMAC_FRAME);
}

/* A frame that lwIP may keep as long as it likes. Short ones are copied: a dozen requests that wait
 * to be read would otherwise hold all buffers. The last buffer is never lent: a frame in a
 * connection's queue would stop the card, and with it the ACK that this connection waits for. */
static struct pbuf *emac_take(unsigned i, uint16_t len)
{
    bool may_lend = emac.free != NULL || emac.empty + 1 < EMAC_RX;
    struct pbuf *copy = NULL;
    if (len <= EMAC_SHORT || !may_lend)
        copy = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);
    if (copy == NULL && may_lend)
        return emac_lend(i, len);
    if (copy != NULL)
        pbuf_take(copy, emac.held[i]->frame, len);
    emac.stat.copied += copy != NULL && len > EMAC_SHORT;
    emac.stat.dropped += copy == NULL;
    emac_arm(i, emac.held[i]);
    return copy;
}

static void emac_restart(void)
{
    bool overflow = (SF2_EMAC->rx_status & RX_OVERFLOW) != 0;
    /* The card met a descriptor without a buffer: it dropped the frame and stopped; or the
     * interrupt has stopped it before. It starts again where this register points, not where it
     * was. */
    if ((!overflow && !emac.paused) || (emac.rx[emac.next].size & DESC_EMPTY) == 0)
        return;
    emac.stat.stopped += overflow;
    emac.paused = false;
    SF2_EMAC->rx_status = RX_OVERFLOW;
    SF2_EMAC->rx_desc = (uint32_t)(uintptr_t)&emac.rx[emac.next];
    SF2_EMAC->rx_ctl = 1;
}

static void emac_receive(struct netif *netif)
{
    /* At most one round: with a fast sender there is no end. */
    for (unsigned n = 0; n < EMAC_RX; n++) {
        unsigned i = emac.next;
        uint32_t size = emac.rx[i].size;
        if (emac.held[i] == NULL || (size & DESC_EMPTY) != 0)
            break;
        emac.next = (i + 1) % EMAC_RX;
        struct pbuf *p = emac_take(i, (uint16_t)(size & DESC_SIZE));
        if (p != NULL && netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
    emac_restart();
}

/* Wakes the main loop, where all work is done. While that computes (a signature takes 10 ms), the
 * card is stopped when one buffer is left: what comes then waits in its FIFO, where an overflow
 * would have dropped it. */
void sf2_emac_interrupt(void)
{
    unsigned ready = 0;
    for (unsigned i = 0; i < EMAC_RX; i++)
        ready += (emac.rx[i].size & DESC_EMPTY) != 0;
    if (ready <= 1) {
        SF2_EMAC->rx_ctl = 0;
        emac.paused = true;
    }
    while ((SF2_EMAC->rx_status & STATUS_PACKET) != 0)
        SF2_EMAC->rx_status = STATUS_PACKET; /* one less in the card's count */
    if ((SF2_EMAC->rx_status & RX_OVERFLOW) != 0 || emac.paused)
        SF2_EMAC->irq_mask = 0;
}

/* ---- send ---- */

static err_t emac_send(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    if (p->tot_len > EMAC_FRAME)
        return ERR_BUF;
    for (unsigned spins = 0; (emac.tx.size & DESC_EMPTY) == 0; spins++) {
        if (spins > SF2_CPU_HZ / 1000) /* a frame takes 0.12 ms at 100 Mbit/s */
            return ERR_IF;
    }
    /* lwIP keeps the segment for a retransmission: the card must not read from it later. */
    pbuf_copy_partial(p, emac_tx_frame, p->tot_len, 0);
    emac.tx.size = p->tot_len;
    SF2_EMAC->tx_status = TX_UNDERRUN | STATUS_PACKET;
    /* The card has moved this register on to the next descriptor: set it for each frame. */
    SF2_EMAC->tx_desc = (uint32_t)(uintptr_t)&emac.tx;
    SF2_EMAC->tx_ctl = 1;
    return ERR_OK;
}

/* ---- interface ---- */

static uint16_t emac_phy_read(uint32_t reg)
{
    SF2_EMAC->mii_addr = PHY_ADDRESS << 8 | reg;
    SF2_EMAC->mii_cmd = 0;
    SF2_EMAC->mii_cmd = 1;
    for (unsigned spins = 0; (SF2_EMAC->mii_busy & 1u) != 0 && spins < 100000; spins++) {
    }
    return (uint16_t)SF2_EMAC->mii_status;
}

static void emac_link(struct netif *netif)
{
    bool up = (emac_phy_read(PHY_BMSR) & PHY_BMSR_LINK) != 0;
    emac.link_checked_ms = (uint32_t)board_ms();
    if (up && !netif_is_link_up(netif))
        netif_set_link_up(netif);
    if (!up && netif_is_link_up(netif))
        netif_set_link_down(netif);
}

static void emac_start(const uint8_t mac[6])
{
    for (unsigned i = 0; i < EMAC_RX; i++) {
        emac_bufs[i].p.custom_free_function = emac_give_back;
        emac.rx[i].next = (uint32_t)(uintptr_t)&emac.rx[(i + 1) % EMAC_RX];
        emac_arm(i, &emac_bufs[i]);
    }
    emac.tx.addr = (uint32_t)(uintptr_t)emac_tx_frame;
    emac.tx.next = (uint32_t)(uintptr_t)&emac.tx;
    emac.tx.size = DESC_EMPTY;

    SF2_EMAC->cfg1 = 0; /* out of reset */
    SF2_EMAC->cfg2 = CFG2_DUPLEX;
    SF2_EMAC->max_frame = EMAC_FRAME; /* a longer one would be written past the buffer's end */
    SF2_EMAC->sta1 =
        (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | (uint32_t)mac[3];
    SF2_EMAC->sta2 = (uint32_t)mac[4] << 24 | (uint32_t)mac[5] << 16;
    SF2_EMAC->fifo[0] = FIFO_CFG0_ON;
    SF2_EMAC->rx_desc = (uint32_t)(uintptr_t)&emac.rx[0];
    SF2_EMAC->rx_ctl = 1;
    SF2_EMAC->cfg1 = CFG1_TX | CFG1_RX;
    SF2_EMAC->irq_mask = IRQ_RX_PACKET | IRQ_RX_STOPPED;
    CM3_ISER0 = 1u << SF2_IRQ_EMAC;
}

signed char board_netif_init(struct netif *netif)
{
    static const uint8_t mac[6] = BOARD_MAC;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = EMAC_FRAME - 20;
    netif->hwaddr_len = sizeof mac;
    memcpy(netif->hwaddr, mac, sizeof mac);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_MLD6 | NETIF_FLAG_IGMP;
    netif->output = etharp_output;
    netif->linkoutput = emac_send;
    BOARD_NETIF_IP6(netif);
    emac_start(mac);
    emac_link(netif);
    return ERR_OK;
}

void board_netif_poll(struct netif *netif)
{
    emac_receive(netif);
    if ((uint32_t)board_ms() - emac.link_checked_ms >= 1000)
        emac_link(netif);
    SF2_EMAC->irq_mask = IRQ_RX_PACKET | IRQ_RX_STOPPED;
}

void board_netif_stat(struct board_netif_stat *out)
{
    *out = emac.stat;
}
