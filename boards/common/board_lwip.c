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

/* Long enough for lwIP's own retries, which begin at SNTP_RETRY_TIMEOUT and double. */
#define BOARD_SNTP_AGAIN_MS 60000u

static struct netif board_netif;
static bool board_sntp_started;
static uint64_t board_sntp_asked_ms;
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
#else
static void board_ip6_start(struct netif *netif)
{
    (void)netif;
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
 * was refused) or in doubt (one was believed, and no exchange came of it), it is asked each minute.
 */
static void board_sntp_poll(void)
{
    if (!board_lwip_up())
        return;
    if (board_sntp_started &&
        (board_clock_sure() || board_ms() - board_sntp_asked_ms < BOARD_SNTP_AGAIN_MS))
        return;
    if (board_sntp_started)
        sntp_stop();
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
