/* main_lwip.c - the conformance test of port/lwip, over lwIP itself (tests/conformance/lwip)
 *
 * Built twice: conformance_lwip with IPv4 and IPv6, conformance_lwip4 without IPv6. An argument is
 * a clause or the beginning of its name ("N07"), or "x." and a case.
 */
#include <stdio.h>
#include <string.h>

#include "conformance.h"
#include "world.h"

#include "lwip/opt.h"

static uint64_t main_ms(void *ctx)
{
    (void)ctx;
    return world_ms;
}

static void main_wait(void *ctx, uint32_t ms)
{
    (void)ctx;
    world_run(ms);
}

static uint16_t main_free_port(void *ctx)
{
    static uint16_t next = 2000;
    (void)ctx;
    return next++;
}

static const struct acme_port port = {
    .ctx = &world_net,
    .net = &lwip_net_ops,
    .now_ms = main_ms,
};

static const struct conf_hooks hooks = {
    .label = LWIP_IPV6 ? "lwip" : "lwip4",
    .port = &port,
    .wait = main_wait,
    .addr = WORLD_ADDR,
    .free_port = main_free_port,
    .connections = 4,
    .sockets = LWIP_NET_SOCKS + 1,
    .transfer = 300000,
    .patience = 2 * LWIP_NET_CONNECT_MS / 10, /* lwIP tries a dead address for as long */
    .addr6 = LWIP_IPV6 ? WORLD_ADDR6 : NULL,
    .self_name = "v4.test",
    .slow_name = "slow.test",
    .no_name = "gone.test",
    .foreign = "192.0.2.1",
    .dead_addr = WORLD_DEAD,
    .dead_first = LWIP_IPV6 ? "half.test" : NULL, /* lwIP keeps one address of each family */
    .checks_handles = true,
};

int main(int argc, char **argv)
{
    struct conf_report report = {0};
    const char *only = argc > 1 ? argv[1] : "";
    bool cases_only = strncmp(only, "x.", 2) == 0;
    world_init();
    if (!cases_only)
        (void)conf_run(&hooks, only[0] != '\0' ? only : "N", &report);
    only += cases_only ? 2 : 0;
    for (const struct world_case *c = world_cases; c->name != NULL; c++) {
        char name[80];
        if (only[0] != '\0' && strcmp(only, c->name) != 0)
            continue;
        snprintf(name, sizeof name, "%s.x.%s", hooks.label, c->name);
        conf_line(&report, name, world_try(c), false);
    }
    return report.failed > 0 || report.passed == 0;
}
