/* main_sockets.c - the conformance test of port/posix and port/sockets
 *
 * All clauses, then the cases that only these two can show. Run as root to see all of them: some
 * become another user or mount a small disk, and are named skips otherwise.
 * An argument is a clause or the beginning of its name ("N07", "S"), or "x." and a case.
 */
#include "bed.h"

#include <stdio.h>
#include <string.h>

static struct bed bed;

static void run_cases(const struct bed_case *cases, const char *only, struct conf_report *report)
{
    char name[120];

    for (; cases->name != NULL; cases++) {
        if (only[0] != '\0' && strcmp(only, cases->name) != 0)
            continue;
        const char *why = cases->run(&bed);
        bool skipped = why != NULL && strncmp(why, BED_SKIP, strlen(BED_SKIP)) == 0;
        snprintf(name, sizeof name, "posix.x.%s", cases->name);
        conf_line(report, name, skipped ? why + strlen(BED_SKIP) : why, skipped);
    }
}

int main(int argc, char **argv)
{
    struct conf_report report;
    const char *only = argc > 1 ? argv[1] : "";
    bool cases_only = strncmp(only, "x.", 2) == 0;

    memset(&report, 0, sizeof report);
    if (!bed_up(&bed, "posix"))
        return 1;
    if (!cases_only)
        (void)conf_run(&bed.hooks, only, &report);
    if (cases_only || only[0] == '\0') {
        only += cases_only ? 2 : 0;
        run_cases(cases_net, only, &report);
        run_cases(cases_wait, only, &report);
        run_cases(cases_slots, only, &report);
        run_cases(cases_files, only, &report);
    }
    bed_down(&bed);
    return report.failed > 0 || report.passed + report.skipped == 0;
}
