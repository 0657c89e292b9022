#include "board_lwip.h"

#include "acme_board_config.h"
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

static struct netif board_netif;
static bool board_sntp_started;

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
static void board_ip6_start(void)
{
    netif_create_ip6_linklocal_address(&board_netif, 1);
    netif_set_ip6_autoconfig_enabled(&board_netif, 1);
}
#else
static void board_ip6_start(void)
{
}
#endif

int board_lwip_start(void)
{
    int err = lwip_hooks_init(board_rng_get, NULL);
    if (err != ACME_OK)
        return err;
    lwip_init();
    if (netif_add_noaddr(&board_netif, NULL, board_netif_init, ethernet_input) == NULL)
        return ACME_E_NET;
    netif_set_default(&board_netif);
    netif_set_hostname(&board_netif, "lwacme");
    netif_set_up(&board_netif);
    board_ip6_start();
    return dhcp_start(&board_netif) == ERR_OK ? ACME_OK : ACME_E_NET;
}

bool board_lwip_up(void)
{
    return netif_is_link_up(&board_netif) && !ip_addr_isany(netif_ip_addr4(&board_netif));
}

static void board_sntp_start(void)
{
    sntp_setoperatingmode(SNTP_OPMODE_POLL);
    sntp_setservername(0, BOARD_SNTP_SERVER); /* DHCP's servers go before it if it named any */
    sntp_init();
    board_sntp_started = true;
}

void board_lwip_poll(void)
{
    board_netif_poll(&board_netif);
    sys_check_timeouts();
    if (!board_sntp_started && board_lwip_up())
        board_sntp_start();
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
