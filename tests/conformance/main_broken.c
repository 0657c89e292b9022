/* main_broken.c - a test of the conformance test: ports that lie
 *
 * Each lie breaks one clause of an honest port, at one function, and the clause named beside it
 * must notice. A lie that nobody notices is a failure here.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "broken.h"

#include <stdio.h>
#include <string.h>

static struct broken broken;

static void run_lie(const struct broken_lie *lie, struct conf_report *report)
{
    struct conf_report inner;
    char name[120];
    const char *why = NULL;

    memset(&inner, 0, sizeof inner);
    inner.quiet = true;
    broken_tell(&broken, lie);
    (void)conf_run(&broken.bed.hooks, lie->clause, &inner);
    broken_tell(&broken, NULL);
    if (inner.skipped > 0)
        why = "the clause was skipped";
    else if (inner.failed == 0)
        why = "the clause did not notice";
    snprintf(name, sizeof name, "broken.%s.%s", lie->clause, lie->name);
    conf_line(report, name, why, false);
}

/* The wrapper without a lie is an honest port. */
static void run_honest(const struct broken_lie *lies, struct conf_report *report)
{
    struct conf_report inner;
    char name[120];

    for (; lies->name != NULL; lies++) {
        memset(&inner, 0, sizeof inner);
        inner.quiet = true;
        if (lies > broken_lies && strcmp(lies[-1].clause, lies->clause) == 0)
            continue;
        (void)conf_run(&broken.bed.hooks, lies->clause, &inner);
        snprintf(name, sizeof name, "broken.%s.honest", lies->clause);
        conf_line(report, name, inner.failed > 0 ? inner.why : NULL, false);
    }
}

int main(void)
{
    struct conf_report report;

    memset(&report, 0, sizeof report);
    if (!broken_up(&broken))
        return 1;
    broken.bed.hooks.patience = 250; /* lies are not waited for as long as honest ports */
    for (const struct broken_lie *lie = broken_lies; lie->name != NULL; lie++)
        run_lie(lie, &report);
    run_honest(broken_lies, &report);
    bed_down(&broken.bed);
    return report.failed > 0 || report.passed == 0;
}
