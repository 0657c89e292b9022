/* fleet_quick.c - the fleet as a test suite of some seconds: small fleets, a case for each figure
 * that says something about so few devices */
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

static struct fleet fleet;
static struct fleet_plan plans[FLEET_PLANS];
static int failed;

static void say(const char *scenario, const char *what, bool good, const char *why)
{
    if (good)
        printf("ok fleet.%s-%s\n", scenario, what);
    else
        printf("not ok fleet.%s-%s: %s\n", scenario, what, why);
    failed |= !good;
    fflush(stdout);
}

static void scenario(const char *name, uint32_t agents)
{
    size_t i = 0, same = 0;
    char what[40], why[200];

    while (strcmp(plans[i].name, name) != 0)
        i++;
    fleet.lines_count = 0;
    fleet_run(&fleet, &plans[i], agents, 7);
    fleet_figures(&fleet);
    for (size_t k = 0; k < fleet.lines_count; k++) {
        const struct fleet_line *l = &fleet.lines[k];

        same = k > 0 && strcmp(fleet.lines[k - 1].id, l->id) == 0 ? same + 1 : 0;
        if (l->pass < 0)
            continue; /* only told */
        snprintf(what, sizeof what, "%s%c", l->id, (char)('a' + same));
        snprintf(why, sizeof why, "%.80s: %.90s", l->words, l->value);
        say(name, what, l->pass == 1, why);
    }
    fleet_free(&fleet);
}

static void same_twice(void)
{
    uint64_t trace[2];

    for (int i = 0; i < 2; i++) {
        fleet_run(&fleet, &plans[1], 40, 11);
        trace[i] = fleet.world.trace;
        fleet_free(&fleet);
    }
    say("outage-45d", "F11", trace[0] == trace[1], "the same seed went another way");
}

int main(void)
{
    fleet_up(&fleet);
    (void)fleet_plans(plans, FLEET_PLANS, 60 / 365.0);
    same_twice();
    scenario("normal", 200);
    scenario("outage-45d", 200);
    scenario("outage-160h", 200);
    scenario("storm", 1500);
    scenario("clocks", 1000);
    scenario("newcomers", 400);
    scenario("midnight", 200);
    scenario("fast-ca", 100);
    scenario("revocation", 400);
    scenario("ari", 200);
    scenario("ari-outage-45d", 200);
    scenario("ari-outage-160h", 200);
    scenario("ari-storm", 1500);
    scenario("ari-midnight", 200);
    return failed;
}
