/* fleet_main.c - the fleet's scenarios, their figures as a table, a picture of each
 *
 *   sim_fleet [--agents N] [--years Y] [--seed S] [--only SCENARIO] [--svg FOLDER]
 *             [--log DEVICE]
 */
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

static struct fleet fleet;
static struct fleet_plan plans[FLEET_PLANS];

static struct {
    uint32_t agents;
    double years;
    uint64_t seed;
    const char *only, *svg;
} options = {10000, 1, 1, NULL, NULL};

static void put_line(const struct fleet_line *l)
{
    static const char *const words[] = {"told", "FAIL", "pass"};

    printf("| %-15s | %-3s | %-54s | %-11s | %-64s | %-9s |\n", l->scenario, l->id, l->words,
           l->goal, l->value, words[l->pass + 1]);
    fflush(stdout);
}

static void scenario(const struct fleet_plan *plan)
{
    size_t line = fleet.lines_count;
    char path[300];

    fleet_run(&fleet, plan, options.agents, options.seed);
    fleet_figures(&fleet);
    for (; line < fleet.lines_count; line++)
        put_line(&fleet.lines[line]);
    if (options.svg != NULL) {
        snprintf(path, sizeof path, "%s/fleet-%s.svg", options.svg, plan->name);
        if (fleet_svg(&fleet, path) != 0)
            fprintf(stderr, "fleet: %s cannot be written\n", path);
    }
    fprintf(stderr,
            "fleet: %s: %.1f days, %llu requests, %llu orders, %llu certificates, %llu polls, "
            "trace %016llx, %.1f s\n",
            plan->name, (double)(fleet.end_ms - fleet.start_ms) / (double)FLEET_DAY_MS,
            (unsigned long long)fleet.n.requests, (unsigned long long)fleet.n.orders,
            (unsigned long long)fleet.n.issued, (unsigned long long)fleet.n.polls,
            (unsigned long long)fleet.world.trace, fleet.cpu_s);
}

/* F11: time, and twice the same. */
static int whole(double cpu_s, double year_s)
{
    uint64_t trace[2];
    int same;

    for (int i = 0; i < 2; i++) {
        struct fleet_plan small = plans[0];

        small.run_ms = 60 * FLEET_DAY_MS;
        fleet_run(&fleet, &small, 200, options.seed);
        trace[i] = fleet.world.trace;
        fleet_free(&fleet);
    }
    same = trace[0] == trace[1];
    printf("| %-15s | %-3s | %-54s | %-11s | a year %.0f s at most, all scenarios %.0f s, traces "
           "%-25s | "
           "%-9s |\n",
           "all", "F11", "time on one core; the same trace in two runs", "<= 600 s", year_s, cpu_s,
           same ? "equal" : "DIFFER", same && year_s <= 600 ? "pass" : "FAIL");
    return same ? 0 : 1;
}

static int usage(void)
{
    fputs("usage: sim_fleet [--agents N] [--years Y] [--seed S] [--only SCENARIO] [--svg FOLDER]\n"
          "                 [--log DEVICE]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    double cpu_s = 0, year_s = 0;
    size_t count, failed = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--agents") == 0)
            options.agents = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--years") == 0)
            options.years = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--seed") == 0)
            options.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            options.only = argv[i + 1];
        else if (strcmp(argv[i], "--svg") == 0)
            options.svg = argv[i + 1];
        else if (strcmp(argv[i], "--log") == 0)
            fleet.log = (uint32_t)strtoul(argv[i + 1], NULL, 10) + 1;
        else
            return usage();
    }
    if (argc % 2 == 0 || options.agents < 10 || options.years * 365 < 1)
        return usage();
    fleet_up(&fleet);
    count = fleet_plans(plans, FLEET_PLANS, options.years);
    for (size_t i = 0; i < count; i++) {
        if (options.only != NULL && strcmp(options.only, plans[i].name) != 0)
            continue;
        scenario(&plans[i]);
        fleet_free(&fleet);
        cpu_s += fleet.cpu_s;
        year_s = fleet.cpu_s > year_s ? fleet.cpu_s : year_s;
    }
    if (options.only == NULL)
        failed += (size_t)whole(cpu_s, year_s);
    for (size_t i = 0; i < fleet.lines_count; i++)
        failed += fleet.lines[i].pass == 0;
    printf("fleet: %u agents, %zu figures missed\n", options.agents, failed);
    return failed != 0;
}
