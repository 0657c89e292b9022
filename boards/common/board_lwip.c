#include "board_lwip.h"

#include "acme_config.h"
#include "acme_err.h"
#include "board.h"
#include "board_clock.h"
#include "board_print.h"
#include "board_rng.h"
#include "lwip_hooks.h"

#include "lwip/apps/sntp.h"
#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

/* As long as SNTP's answers are of no use it is asked again after 15 s (long enough for lwIP's own
 * first retry), then more and more slowly. */
#define BOARD_SNTP_AGAIN_MS 15000u
#define BOARD_SNTP_SLOW_MS  960000u

static struct netif board_netif;
static bool board_sntp_started;
static uint64_t board_sntp_asked_ms;
static uint32_t board_sntp_again_ms = BOARD_SNTP_AGAIN_MS;
static const char *board_sntp_server = BOARD_SNTP_SERVER;

u32_t sys_now(void)
{
    return (u32_t)board_ms();
}

void board_lwip_sntp_set(uint32_t seconds)
{
    board_clock_set((int64_t)seconds);
}

void board_lwip_sntp_cookie(uint32_t *high, uint32_t *low)
{
    *high = lwip_hooks_rand();
    *low = lwip_hooks_rand();
}

#if LWIP_IPV6
static void board_ip6_start(struct netif *netif)
{
    netif_create_ip6_linklocal_address(netif, 1);
    netif_set_ip6_autoconfig_enabled(netif, 1);
}

/* Address 0 is the link-local one; those that a router gave are global. */
const char *board_lwip_address6(char *text, int room)
{
    const char *s = NULL;
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES && s == NULL; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(&board_netif, i)))
            s = ip6addr_ntoa_r(netif_ip6_addr(&board_netif, i), text, room);
    }
    for (char *c = text; s != NULL && *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c + ('a' - 'A') : *c); /* RFC 5952 4.3 */
    return s != NULL ? s : "";
}
#else
static void board_ip6_start(struct netif *netif)
{
    (void)netif;
}

const char *board_lwip_address6(char *text, int room)
{
    (void)text;
    (void)room;
    return "";
}
#endif

/* Did DHCP name a time server? */
static bool sntp_has_server(void)
{
    return !ip_addr_isany(sntp_getserver(0));
}

int board_lwip_start(const char *sntp)
{
    if (sntp != NULL)
        board_sntp_server = sntp;
    int err = lwip_hooks_init(board_rng_get, NULL);
    if (err != ACME_OK)
        return err;
    lwip_init();
    if (netif_add_noaddr(&board_netif, NULL, board_netif_init, ethernet_input) == NULL)
        return ACME_E_NET;
    netif_set_default(&board_netif);
    netif_set_hostname(&board_netif, "lwacme");
    netif_set_up(&board_netif);
    board_ip6_start(&board_netif);
    return dhcp_start(&board_netif) == ERR_OK ? ACME_OK : ACME_E_NET;
}

bool board_lwip_up(void)
{
    return netif_is_link_up(&board_netif) && !ip_addr_isany(netif_ip_addr4(&board_netif));
}

/* lwIP asks once an hour after an answer, whatever it was worth. While the clock is not set (a lie
 * was refused) or in doubt (one was believed, and no exchange came of it), it is asked sooner. */
static void board_sntp_poll(void)
{
    if (!board_lwip_up())
        return;
    if (board_sntp_started && board_clock_sure()) {
        board_sntp_again_ms = BOARD_SNTP_AGAIN_MS;
        return;
    }
    if (board_sntp_started) {
        if (board_ms() - board_sntp_asked_ms < board_sntp_again_ms)
            return;
        sntp_stop();
        if (board_sntp_again_ms < BOARD_SNTP_SLOW_MS)
            board_sntp_again_ms *= 2;
    }
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    if (!board_sntp_started && !sntp_has_server())
        sntp_setservername(0, board_sntp_server);
    sntp_init();
    board_sntp_started = true;
    board_sntp_asked_ms = board_ms();
}

void board_lwip_poll(void)
{
    board_netif_poll(&board_netif);
    sys_check_timeouts();
    board_sntp_poll();
}

const char *board_lwip_address(char *text, int room)
{
    const char *s = ipaddr_ntoa_r(netif_ip_addr4(&board_netif), text, room);
    return s != NULL ? s : "";
}

uint32_t board_lwip_sleep_ms(void)
{
    return sys_timeouts_sleeptime();
}
