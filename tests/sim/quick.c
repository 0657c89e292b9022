/* quick.c - the simulation as two test suites of half a minute: cuts, and a few hundred seeds, with
 * wolfCrypt; and a few with TLS
 *
 *   sim_quick            all cases
 *   sim_quick CASE N     one run of this case (N: the cut, or the seed), with all its events
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define QUICK_SEEDS 400
#define QUICK_GROUP 40

static struct run run;
static int failed;
static struct {
    const char *name; /* NULL: all cases */
    uint64_t n;
    bool found;
} only;

/* n: the run of the case that failed. */
static void say(const char *name, uint64_t n)
{
    if (run.broken == 0) {
        printf("ok sim.%s\n", name);
    } else {
        failed = 1;
        printf("not ok sim.%s: run %llu: invariant %u (%s: %s); sim%s_quick %s %llu shows it\n",
               name, (unsigned long long)n, run.broken, invariant_words(run.broken),
               run.broken_what, ca_stream_is_tls() ? "_tls" : "", name, (unsigned long long)n);
    }
    fflush(stdout);
}

static bool wanted(const char *name)
{
    bool yes = only.name == NULL || strcmp(only.name, name) == 0;

    only.found = only.found || yes;
    return yes;
}

static void quick_scenario(struct scenario *s, enum storage_kind kind)
{
    memset(s, 0, sizeof *s);
    s->names = 2;
    s->renew = true;
    s->lifetime_s = 90 * 86400;
    s->fault_s = 3600;
    s->net.delay_min_ms = s->net.delay_max_ms = 20;
    s->storage = (uint8_t)kind;
    s->tear = STORAGE_BY_CHANCE;
    s->idle = true;
    s->age = storage_room(kind) > 16000 ? storage_room(kind) - 16000 : 0;
}

/* Power is cut at each moment in turn. After the last there is a run without a cut. */
static void quick_each(const struct scenario *s, const char *name)
{
    uint64_t n = only.name != NULL ? only.n : 1;

    run.fixed_cuts = true;
    for (;; n++) {
        run.cut_list[0] = n;
        (void)run_seed(&run, 5, s);
        if (run.broken != 0 || run.cuts == 0 || only.name != NULL)
            break;
    }
    say(name, n);
    run.fixed_cuts = false;
}

/* Of a first issue and of a renewal. */
static void quick_cuts(enum storage_kind kind, bool txt)
{
    struct scenario s;
    char name[40];

    quick_scenario(&s, kind);
    s.txt = s.wildcard = txt;
    snprintf(name, sizeof name, "cuts-%s-%s", txt ? "dns-01" : "http-01", storage_word(kind));
    if (wanted(name))
        quick_each(&s, name);
}

/* Of a job. */
static void quick_jobs(enum storage_kind kind)
{
    static const struct {
        uint8_t type;
        const char *word;
    } jobs[] = {{ACME_JOB_ROLLOVER, "rollover"},
                {ACME_JOB_DEACTIVATE, "deactivation"},
                {ACME_JOB_REVOKE, "revocation"},
                {ACME_JOB_UPDATE, "update"},
                {ACME_JOB_RECOVER, "recovery"}};
    struct scenario s;
    char name[40];

    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        quick_scenario(&s, kind);
        s.job = jobs[i].type;
        snprintf(name, sizeof name, "cuts-%s-%s", jobs[i].word, storage_word(kind));
        if (!wanted(name))
            continue;
        quick_each(&s, name);
        if (run.broken == 0 && run.jobs.done[s.job] != 1) {
            run_break(&run, 22, "the job was not done");
            say(name, run.cut_list[0]);
        }
    }
}

/* The first CA is gone, or sees no proof: from it to the next one, and back. */
static void quick_servers(enum storage_kind kind, bool staging)
{
    struct scenario s;
    char name[40];

    quick_scenario(&s, kind);
    s.second = true;
    s.staging = staging;
    s.first_bad = (uint8_t)(staging ? EVIL_SRV_BLIND : EVIL_SRV_DOWN);
    snprintf(name, sizeof name, "cuts-%s-%s", staging ? "rehearsal" : "second-ca",
             storage_word(kind));
    if (!wanted(name))
        return;
    quick_each(&s, name);
    if (run.broken == 0 && (run.servers.switched == 0 || staging != (run.servers.rehearsed > 0))) {
        run_break(&run, 23, "the second CA was not asked");
        say(name, run.cut_list[0]);
    }
}

static void quick_seeds(uint64_t from)
{
    char name[40];
    uint64_t seed = only.name != NULL ? only.n : from, trace;

    snprintf(name, sizeof name, "%sseeds-%llu",
             ca_stream_is_tls() ? "tls-"
             : servers_always   ? "servers-"
                                : "",
             (unsigned long long)from);
    if (!wanted(name))
        return;
    for (; seed < from + QUICK_GROUP; seed++) {
        if (run_seed(&run, seed, NULL) != 0)
            break;
        if (seed % 8 == 0) {
            trace = run.world.trace;
            if (run_seed(&run, seed, NULL) == 0 && run.world.trace != trace)
                run_break(&run, 15, "trace hash");
        }
        if (run.broken != 0 || only.name != NULL)
            break;
    }
    say(name, seed);
}

static void quick_all(void)
{
    quick_cuts(STORAGE_MEMORY, false);
    quick_cuts(STORAGE_MEMORY, true);
    quick_cuts(STORAGE_NOR, false);
    quick_cuts(STORAGE_ECC, true);
    quick_cuts(STORAGE_FILES, false);
    quick_jobs(STORAGE_MEMORY);
    quick_jobs(STORAGE_ECC);
    quick_jobs(STORAGE_FILES);
    quick_servers(STORAGE_MEMORY, false);
    quick_servers(STORAGE_FILES, true);
    servers_always = true;
    quick_seeds(1);
    servers_always = false;
    for (uint64_t from = 1; from <= QUICK_SEEDS; from += QUICK_GROUP)
        quick_seeds(from);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        only.name = argv[1];
        only.n = strtoull(argv[2], NULL, 10);
        run.verbose = true;
    } else if (argc > 1) {
        fprintf(stderr, "usage: sim_quick [CASE RUN]\n");
        return 2;
    }
    sim_world_init(&run.world, 0);
    sim_port_init(&run.device, &run.world, &run.net, 0, NULL);
    acme_crypto_seed_from(&run.device.port);
    ca_pki_init();
    if (ca_stream_is_tls())
        quick_seeds(1);
    else
        quick_all();
    if (!only.found)
        fprintf(stderr, "sim_quick: no case %s\n", only.name);
    return failed != 0 || !only.found;
}
