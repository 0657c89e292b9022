/* main.c - the simulation's runs
 *
 *   sim [--seconds S | --count N] [--from N]   seeds in turn, each twice; a line for each failure
 *   sim --seed N                               one, with all its events
 *   sim --cuts all|pairs                       power cut at every moment of a first issue and of a
 *                                              renewal; at every pair of moments over the commit
 *   sim --cuts ... --at FLOW.FIRST.SECOND      one of these, with all its events
 *   sim --servers ...                          several CAs in every seed (servers.h)
 *   sim --jobs ...                             jobs in every seed; cuts of the jobs alone (jobs.h)
 *   sim ... --on WORD                          on this storage alone (memory, nor, cfi, ecc, files)
 *   sim --app ...                              with an application that refuses certificates
 *   sim --stop ...                             end at the first violation
 *   sim --list                                 after the run: the catalogue, and how often reached
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

static struct run run;
static bool once; /* not a second time, to compare the traces */
static struct {
    uint64_t seeds, cuts, broken;
    uint64_t trace; /* of all of them: did a change of the simulation change what happens? */
} total;
static bool stop_at_first;
static bool want_list;

/* The options without which this seed is another one. */
static void put_options(void)
{
    printf("%s%s%s%s%s", jobs_always ? " --jobs" : "", servers_always ? " --servers" : "",
           app_refuses ? " --app" : "", scenario_on != NULL ? " --on " : "",
           scenario_on != NULL ? scenario_on : "");
}

static void report(uint64_t seed, uint64_t cut)
{
    total.broken++;
    printf("sim: seed %llu cut %llu: invariant %u (%s: %s)", (unsigned long long)seed,
           (unsigned long long)cut, run.broken, invariant_words(run.broken), run.broken_what);
    put_options();
    putchar('\n');
    fflush(stdout);
    if (stop_at_first)
        exit(1);
}

static void one_seed(uint64_t seed)
{
    uint64_t trace;
    unsigned broken = run_seed(&run, seed, NULL);

    total.seeds++;
    total.cuts += run.cuts;
    total.trace = total.trace * 31 + run.world.trace;
    if (broken == 0 && !once) {
        trace = run.world.trace;
        run.verbose = false;
        (void)run_seed(&run, seed, NULL);
        if (run.broken == 0 && run.world.trace != trace)
            run_break(&run, 15, "trace hash");
    }
    if (run.broken != 0)
        report(seed, run.cuts);
}

static int replay(uint64_t seed)
{
    run.verbose = true;
    one_seed(seed);
    for (unsigned i = 0; i < run.ca.evil.count; i++)
        printf("sim: %s\n", evil_name((enum evil_id)run.ca.evil.active[i].id));
    printf("sim: records on %s, %u bytes old; flips %u, does nothing %u, %s\n",
           storage_word((enum storage_kind)run.s.storage), run.s.age, run.s.flip_permille,
           run.s.medium.lazy_permille, run.s.medium.worn ? "a dead sector" : "no dead sector");
    if (run.s.second || run.s.staging)
        printf("sim: %s%s: %u and %u orders, %u rehearsals\n", run.s.second ? "two CAs" : "one CA",
               run.s.staging ? " and a staging CA" : "", run.ca.new_orders, run.servers.switched,
               run.servers.rehearsed);
    printf("sim: seed %llu: %llu events, trace %016llx, %llu cuts, %u requests, %u orders\n",
           (unsigned long long)seed, (unsigned long long)run.world.traced,
           (unsigned long long)run.world.trace, (unsigned long long)run.cuts, run.ca.requests,
           run.ca.new_orders);
    return run.broken != 0;
}

/* ---- cuts ---- */

/* A flow is a scenario whose moments are gone through; they are numbered as they come. */
static struct {
    const char *mode;
    unsigned flow, only; /* only: the one that is wanted; 0: all */
    unsigned long long first, second;
} at;

/* False: another one is wanted. */
static bool flow_next(void)
{
    at.flow++;
    run.verbose = at.only == at.flow;
    return at.only == 0 || at.only == at.flow;
}

static bool at_read(const char *text)
{
    char end;

    return sscanf(text, "%u.%llu.%llu%c", &at.only, &at.first, &at.second, &end) == 3 &&
           at.only > 0;
}

static void plain_scenario(struct scenario *s, bool txt)
{
    memset(s, 0, sizeof *s);
    s->names = 2;
    s->txt = txt;
    s->renew = true;
    s->lifetime_s = 90 * 86400;
    s->fault_s = 3600;
    s->net.delay_min_ms = s->net.delay_max_ms = 20;
    s->limits = true;
    s->idle = true;
}

/* One run with power cut at moment first, and at moment second after the boot. False: the run had
 * no moment `first`. */
static bool cut_run(const struct scenario *s, uint64_t seed, uint64_t first, uint64_t second)
{
    run.fixed_cuts = true;
    run.cut_list[0] = first;
    run.cut_list[1] = second;
    (void)run_seed(&run, seed, s);
    total.cuts += run.cuts;
    if (run.broken != 0) {
        printf("sim: to see it:");
        put_options();
        printf(" --from %llu --cuts %s --at %u.%llu.%llu\n", (unsigned long long)seed, at.mode,
               at.flow, (unsigned long long)(s->outage_at > 0 ? s->outage_at : first),
               (unsigned long long)second);
        report(seed, first);
    }
    return run.cuts > 0;
}

/* The one that is wanted of this flow. True: there is such a wish. */
static bool at_only(const struct scenario *s, uint64_t seed)
{
    if (at.only == 0)
        return false;
    total.seeds++;
    if (!cut_run(s, seed, at.first, at.second) && run.broken == 0)
        printf("sim: flow %u has no moment %llu: nothing was cut\n", at.flow, at.first);
    return true;
}

/* Storage fails from each write on in turn, for an hour, and works again. */
static void outages(uint64_t seed)
{
    struct scenario s;

    for (int kind = 0; kind < 4; kind++) {
        uint64_t n = at.only != 0 ? at.first : 1;
        if (!flow_next())
            continue;
        plain_scenario(&s, (kind & 1) != 0);
        s.born_ready = (kind & 2) != 0;
        s.storage_lies = true;
        do {
            s.outage_at = n;
            total.seeds++;
            (void)cut_run(&s, seed, 0, 0);
        } while (at.only == 0 && run.slots.attempts >= n++);
    }
}

/* Every moment, on this storage, torn in this way. */
static void cuts_of(uint64_t seed, const struct scenario *s)
{
    if (!flow_next() || at_only(s, seed))
        return;
    for (uint64_t n = 1; cut_run(s, seed, n, 0); n++)
        total.seeds++;
}

static void pairs_of(uint64_t seed, const struct scenario *s)
{
    if (!flow_next() || at_only(s, seed))
        return;
    for (uint64_t n = 1; cut_run(s, seed, n, 0); n++) {
        uint64_t m = 0;
        do {
            total.seeds++;
            (void)cut_run(s, seed, n, ++m);
        } while (run.cuts == 2 && m < 60);
    }
}

/* So that sectors are full, copied and erased between the first issue and the renewal. */
static uint32_t cuts_age(enum storage_kind kind)
{
    uint32_t room = storage_room(kind);

    return kind == STORAGE_CFI ? room / 2 - 12000 : room > 16000 ? room - 16000 : 0;
}

/* A process is killed at each moment, and power fails soon after the next one has begun. */
static void killed(uint64_t seed)
{
    struct scenario s;

    plain_scenario(&s, false);
    s.storage = STORAGE_FILES;
    s.tear = SIM_CRASH_KILLED;
    s.killed_first = true;
    if (!flow_next() || at_only(&s, seed))
        return;
    for (uint64_t n = 1; cut_run(&s, seed, n, 0); n++) {
        for (uint64_t m = 1; m <= 3; m++) {
            total.seeds++;
            (void)cut_run(&s, seed, n, m);
        }
    }
}

static bool is_storage(const char *word)
{
    for (int kind = 0; kind < STORAGE_KINDS; kind++) {
        if (strcmp(word, storage_word((enum storage_kind)kind)) == 0)
            return true;
    }
    return false;
}

static bool cuts_on(int kind)
{
    return scenario_on == NULL || strcmp(scenario_on, storage_word((enum storage_kind)kind)) == 0;
}

/* Each flow of a job while the device rests. Two cuts only for what has two keys. */
static void cuts_jobs(uint64_t seed, int kind,
                      void (*each)(uint64_t seed, const struct scenario *s))
{
    static const struct {
        uint8_t type;
        const char *word;
    } flows[] = {{ACME_JOB_ROLLOVER, "key roll-over"},
                 {ACME_JOB_DEACTIVATE, "deactivation"},
                 {ACME_JOB_REVOKE, "revocation"},
                 {ACME_JOB_UPDATE, "contact update"},
                 {ACME_JOB_RECOVER, "recovery"}};
    struct scenario s;

    for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        uint64_t before = total.seeds;
        bool all = flows[i].type == ACME_JOB_ROLLOVER;
        if (each == pairs_of && !all)
            continue;
        for (unsigned tear = 0; tear < (all ? storage_tears((enum storage_kind)kind) : 1); tear++) {
            plain_scenario(&s, false);
            s.job = flows[i].type;
            s.storage = (uint8_t)kind;
            s.tear = all ? (uint8_t)tear : STORAGE_BY_CHANCE;
            s.age = cuts_age((enum storage_kind)kind);
            each(seed, &s);
        }
        if (at.only == 0)
            printf("sim: %s, %s: %llu runs\n", storage_word((enum storage_kind)kind), flows[i].word,
                   (unsigned long long)(total.seeds - before));
    }
}

static void cuts(uint64_t seed, void (*each)(uint64_t seed, const struct scenario *s))
{
    struct scenario s;

    for (int kind = 0; kind < STORAGE_KINDS; kind++) {
        uint64_t before = total.seeds;
        if (!cuts_on(kind))
            continue;
        if (jobs_always) {
            cuts_jobs(seed, kind, each);
            continue;
        }
        for (unsigned tear = 0; tear < storage_tears((enum storage_kind)kind); tear++) {
            plain_scenario(&s, (tear & 1) != 0);
            s.storage = (uint8_t)kind;
            s.tear = (uint8_t)tear;
            s.age = cuts_age((enum storage_kind)kind);
            each(seed, &s);
            if (kind == STORAGE_MEMORY) {
                s.txt = !s.txt;
                each(seed, &s);
            }
        }
        for (int records = RECORDS_OLDER; records <= RECORDS_EXTRA; records++) {
            plain_scenario(&s, false);
            s.storage = (uint8_t)kind;
            s.tear = STORAGE_BY_CHANCE;
            s.records = (uint8_t)records;
            each(seed, &s);
        }
        plain_scenario(&s, false);
        s.storage = (uint8_t)kind;
        s.tear = STORAGE_BY_CHANCE;
        s.refuse_permille = 1000;
        each(seed, &s);
        for (int staging = 0; staging < 2 && !ca_stream_is_tls(); staging++) {
            plain_scenario(&s, false);
            s.storage = (uint8_t)kind;
            s.tear = STORAGE_BY_CHANCE;
            s.second = true;
            s.staging = staging != 0;
            s.first_bad = (uint8_t)(staging ? EVIL_SRV_BLIND : EVIL_SRV_DOWN);
            each(seed, &s);
        }
        if (at.only == 0)
            printf("sim: %s: %llu runs\n", storage_word((enum storage_kind)kind),
                   (unsigned long long)(total.seeds - before));
        cuts_jobs(seed, kind, each);
        fflush(stdout);
    }
}

/* ---- the command ---- */

static void list(void)
{
    for (int i = 0; i < EVIL_COUNT; i++)
        printf("%-10s %-34s %9llu  %s\n", evil_group((enum evil_id)i), evil_name((enum evil_id)i),
               (unsigned long long)evil_reached[i], evil_words((enum evil_id)i));
    printf("sim: 429 by the limits of accounts %llu, orders %llu, certificates %llu, failed proofs "
           "%llu; exempt from them %llu orders\n",
           (unsigned long long)ca_limits_reached[CA_LIMIT_ACCOUNTS],
           (unsigned long long)ca_limits_reached[CA_LIMIT_ORDERS],
           (unsigned long long)ca_limits_reached[CA_LIMIT_CERTIFICATES],
           (unsigned long long)ca_limits_reached[CA_LIMIT_FAILURES],
           (unsigned long long)ca_limits_reached[CA_LIMIT_EXEMPT]);
}

/* Liveness as a figure: how long after the faults. */
static void recovery(void)
{
    double all = run.recovered.seeds;

    if (run.recovered.seeds > 0)
        printf("sim: no certificate when the faults ended: %.0f times, and one within 10 minutes "
               "%.1f %%, within 27 h %.2f %%, the last after %.1f h\n",
               all, 100 * run.recovered.minutes / all, 100 * run.recovered.day / all,
               (double)run.recovered.longest_ms / 3600000);
}

static int usage(void)
{
    fputs("usage: sim [--seconds S] [--count N] [--from N] [--once] [--list] | --seed N | --cuts "
          "all|pairs [--at FLOW.FIRST.SECOND]\n"
          "       with each: [--jobs] [--servers] [--app] [--on STORAGE] [--stop]\n",
          stderr);
    return 2;
}

static void crypto_up(void)
{
    sim_world_init(&run.world, 0);
    sim_port_init(&run.device, &run.world, &run.net, 0, NULL);
    acme_crypto_seed_from(&run.device.port);
    ca_pki_init();
}

static bool *flag_of(const char *word)
{
    static const struct {
        const char *word;
        bool *flag;
    } flags[] = {{"--list", &want_list},   {"--stop", &stop_at_first},     {"--app", &app_refuses},
                 {"--jobs", &jobs_always}, {"--servers", &servers_always}, {"--once", &once}};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(word, flags[i].word) == 0)
            return flags[i].flag;
    }
    return NULL;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static struct {
    uint64_t seconds, count, from, seed;
    bool replay;
} asked = {.from = 1};

/* An option with a value. False: one of them is not understood. */
static bool option(const char *word, const char *value)
{
    static const struct {
        const char *word;
        uint64_t *number;
    } numbers[] = {{"--seed", &asked.seed},
                   {"--seconds", &asked.seconds},
                   {"--count", &asked.count},
                   {"--from", &asked.from}};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(word, numbers[i].word) == 0) {
            asked.replay = asked.replay || i == 0;
            return number(value, numbers[i].number);
        }
    }
    if (strcmp(word, "--on") == 0) {
        scenario_on = value;
        return is_storage(value);
    }
    if (strcmp(word, "--cuts") == 0) {
        at.mode = value;
        return strcmp(value, "all") == 0 || strcmp(value, "pairs") == 0;
    }
    return strcmp(word, "--at") == 0 && at_read(value);
}

static void all_cuts(void)
{
    bool all = strcmp(at.mode, "all") == 0;

    if (all && cuts_on(STORAGE_MEMORY) && !jobs_always)
        outages(asked.from);
    if (all && cuts_on(STORAGE_FILES) && !jobs_always)
        killed(asked.from);
    cuts(asked.from, all ? cuts_of : pairs_of);
}

static void all_seeds(void)
{
    time_t start = time(NULL);
    uint64_t count = asked.count == 0 && asked.seconds == 0 ? 1000 : asked.count;

    for (uint64_t n = 0; count == 0 || n < count; n++) {
        if (asked.seconds > 0 && (uint64_t)(time(NULL) - start) >= asked.seconds)
            break;
        one_seed(asked.from + n);
    }
}

int main(int argc, char **argv)
{
    crypto_up();
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool *flag = flag_of(argv[i]);

        if (flag != NULL)
            *flag = true;
        else if (option(argv[i], value))
            i++;
        else {
            fprintf(stderr, "sim: \"%s %s\" is not understood\n", argv[i], value);
            return usage();
        }
    }
    if (at.only != 0 && at.mode == NULL) {
        fputs("sim: --at is one of the cuts: --cuts all or --cuts pairs goes with it\n", stderr);
        return usage();
    }
    if (asked.replay)
        return replay(asked.seed);
    if (at.mode != NULL)
        all_cuts();
    else
        all_seeds();
    if (at.only != 0 && total.seeds == 0) {
        fprintf(stderr, "sim: there is no flow %u: with these options there are %u\n", at.only,
                at.flow);
        return 2;
    }
    if (want_list)
        list();
    recovery();
    printf("sim: at most %u port calls in a poll, %u records for an order, "
           "%u requests in an hour; trace %016llx\n",
           run.max_calls, run.max_writes, run.max_requests, (unsigned long long)total.trace);
    printf("sim: %llu seeds, %llu cuts, %llu violations\n", (unsigned long long)total.seeds,
           (unsigned long long)total.cuts, (unsigned long long)total.broken);
    return total.broken != 0;
}
