/* The conformance test of port/sim. */
#include <stdio.h>
#include <setjmp.h>
#include <string.h>

#include "conformance.h"
#include "sim_net.h"
#include "sim_slots.h"

static struct sim_world world;
static struct sim_net net;
static struct sim_slots slots;
static struct sim_port node;
static jmp_buf power;
static uint16_t next_port = 20000;
static unsigned events;

static void ms_wait(void *ctx, uint32_t ms)
{
    (void)ctx;
    world.now_ms += ms;
}

static uint16_t ms_free_port(void *ctx)
{
    (void)ctx;
    return next_port++;
}

static bool ms_reopen(void *ctx)
{
    (void)ctx;
    sim_slots_power_off(&slots);
    return true;
}

static bool ms_fault(void *ctx, bool on)
{
    (void)ctx;
    slots.fail_with = on ? ACME_E_SLOT : ACME_OK;
    return true;
}

static void ms_cut(void *ctx)
{
    (void)ctx;
    longjmp(power, 1);
}

static int ms_cut_write(void *ctx, enum acme_slot slot, const char *key, const void *data,
                        size_t len, unsigned n)
{
    (void)ctx;
    world.cut = ms_cut;
    world.cut_at = world.moments + n + 1;
    if (setjmp(power) == 0) {
        while (slots.ops.write(slots.ops.ctx, slot, key, data, len) == ACME_AGAIN)
            world.now_ms++;
        world.cut_at = 0;
        return 0;
    }
    world.cut_at = 0;
    return ms_reopen(NULL) ? 1 : -1;
}

static bool ms_set_clock(void *ctx, bool set)
{
    (void)ctx;
    node.clock_unset = !set;
    return true;
}

static bool ms_entropy_off(void *ctx, bool off)
{
    (void)ctx;
    node.entropy_answer = off ? ACME_AGAIN : ACME_OK;
    return true;
}

static bool ms_entropy_fail(void *ctx, bool fail)
{
    (void)ctx;
    node.entropy_answer = fail ? ACME_E_ENTROPY : ACME_OK;
    return true;
}

static bool ms_jump(void *ctx)
{
    (void)ctx;
    node.skew_s -= 5 * 3600;
    return true;
}

static void ms_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    (void)event;
    events++;
}

static unsigned ms_events(void *ctx)
{
    (void)ctx;
    return events;
}

static void ms_up(uint64_t seed)
{
    sim_world_init(&world, seed);
    sim_net_init(&net, &world);
    sim_slots_init(&slots, &world);
    sim_port_init(&node, &world, &net, 0, &slots);
    node.port.event = ms_event;
    sim_net_addr(&net, "192.0.2.1", 0);
    sim_net_addr(&net, "2001:db8::1", 0);
    sim_net_addr(&net, "192.0.2.9", 1);
    sim_net_addr(&net, "192.0.2.66", SIM_NODE_DEAD);
    sim_net_name(&net, "self.test", "192.0.2.1", NULL, 3);
    sim_net_name(&net, "slow.test", "192.0.2.1", NULL, 2500);
    sim_net_name(&net, "second.test", "192.0.2.66", "192.0.2.1", 3);
    net.low_port = 80;
}

int main(void)
{
    struct conf_hooks hooks = {
        .port = &node.port,
        .wait = ms_wait,
        .addr = "192.0.2.1",
        .addr6 = "2001:db8::1",
        .free_port = ms_free_port,
        .sockets = SIM_NET_SOCKS + 1,
        .self_name = "self.test",
        .slow_name = "slow.test",
        .no_name = "none.test",
        .foreign = "192.0.2.9",
        .dead_addr = "192.0.2.66",
        .dead_first = "second.test",
        .low_port = 80,
        .checks_handles = true,
        .reopen = ms_reopen,
        .fault = ms_fault,
        .cut_write = ms_cut_write,
        .set_clock = ms_set_clock,
        .entropy_off = ms_entropy_off,
        .entropy_fail = ms_entropy_fail,
        .jump_clock = ms_jump,
        .events = ms_events,
    };
    struct conf_report report = {0};

    ms_up(1);
    hooks.label = "sim";
    conf_run(&hooks, "", &report);
    /* The same on a bad line, with a busy store. */
    ms_up(2);
    hooks.label = "sim-rough";
    net.faults.delay_min_ms = net.faults.delay_max_ms = 20; /* clauses accept in order */
    net.faults.split_permille = 400;
    net.faults.stall_permille = 50;
    net.faults.stall_max_ms = 300;
    slots.busy_max_ms = 200;
    conf_run(&hooks, "", &report);
    return report.failed != 0;
}
