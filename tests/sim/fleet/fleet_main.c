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

#define AGENTS_MIN 10
#define AGENTS_MAX 1000000

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
    fprintf(
        stderr,
        "usage: sim_fleet [--agents N] [--years Y] [--seed S] [--only SCENARIO] [--svg FOLDER]\n"
        "                 [--log DEVICE]\n"
        "agents: %d to %d; years: a day at least, 0.1 is a part of one; scenarios:\n",
        AGENTS_MIN, AGENTS_MAX);
    for (size_t i = 0; i < fleet_plans(plans, FLEET_PLANS, 1); i++)
        fprintf(stderr, "    %-16s %s\n", plans[i].name, plans[i].words);
    return 2;
}

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= least && *out <= most;
}

static bool years(const char *text)
{
    char *end;

    options.years = strtod(text, &end);
    return *end == '\0' && options.years * 365 >= 1 && options.years <= 100;
}

static bool scenario_is(const char *name)
{
    for (size_t i = 0; i < fleet_plans(plans, FLEET_PLANS, 1); i++) {
        if (strcmp(plans[i].name, name) == 0)
            return true;
    }
    return false;
}

/* False: it is not understood. */
static bool option(const char *word, const char *value)
{
    uint64_t n = 0;
    bool good = true;

    if (strcmp(word, "--agents") == 0) {
        good = number(value, AGENTS_MIN, AGENTS_MAX, &n);
        options.agents = (uint32_t)n;
    } else if (strcmp(word, "--years") == 0)
        good = years(value);
    else if (strcmp(word, "--seed") == 0)
        good = number(value, 0, UINT64_MAX, &options.seed);
    else if (strcmp(word, "--only") == 0) {
        good = scenario_is(value);
        options.only = value;
    } else if (strcmp(word, "--svg") == 0)
        options.svg = value;
    else if (strcmp(word, "--log") == 0) {
        good = number(value, 0, AGENTS_MAX, &n);
        fleet.log = (uint32_t)n + 1;
    } else
        good = false;
    return good;
}

int main(int argc, char **argv)
{
    double cpu_s = 0, year_s = 0;
    size_t count, failed = 0;

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (!option(argv[i], value)) {
            fprintf(stderr, "sim_fleet: \"%s %s\" is not understood\n", argv[i], value);
            return usage();
        }
    }
    if (fleet.log > options.agents) {
        fprintf(stderr, "sim_fleet: there is no device %u: they are 0 to %u\n", fleet.log - 1,
                options.agents - 1);
        return usage();
    }
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
