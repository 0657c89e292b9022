/* fleet_plans.c - the scenarios */
#include <string.h>

#include "fleet.h"

#define DAYS(n)   ((uint64_t)(n)*FLEET_DAY_MS)
#define HOURS(n)  ((uint64_t)(n)*FLEET_HOUR_MS)
#define DAYS_45   ((int64_t)45 * 86400)
#define HOURS_160 ((int64_t)160 * 3600)

static const struct fleet_plan fleet_all[] = {
    {.name = "normal",
     .words = "45-day certificates, one year, 2 % with dead DNS",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = 0, /* the years that were asked for */
     .zombie_permille = 20},
    {.name = "outage-45d",
     .words = "72 h without a CA, 45-day certificates",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(10),
     .outage_at = DAYS(4),
     .outage_ms = HOURS(72)},
    {.name = "outage-160h",
     .words = "72 h without a CA, 160-hour certificates",
     .lifetime_s = HOURS_160,
     .deploy_ms = HOURS(80),
     .run_ms = DAYS(14),
     .outage_at = DAYS(7),
     .outage_ms = HOURS(72)},
    {.name = "storm",
     .words = "power fails for 24 h and is back within 60 s; 1 % have expired, 0.1 % are new",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(52),
     .off_at = DAYS(50),
     .off_ms = HOURS(24),
     .fresh_permille = 1,
     .fresh_at = DAYS(51),
     .expired_permille = 10},
    {.name = "revocation",
     .words = "half of all certificates are revoked, 24 h are given",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(4),
     .revoked_at = DAYS(2),
     .ari = true},
    {.name = "clocks",
     .words =
         "clocks for 1 to 6 h: 10 % in 1970, 5 % a day ahead, 1 % ten years ahead; 20 % are new",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(35),
     .clocks_at = DAYS(2),
     .fresh_permille = 200,
     .fresh_at = DAYS(2)},
    {.name = "newcomers",
     .words = "3 % are new, behind one address: 10 accounts in 3 hours",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(10),
     .fresh_permille = 30,
     .fresh_at = DAYS(1),
     .fresh_one_ip = true},
    {.name = "midnight",
     .words = "the CA's certificates begin and end at midnight",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(45),
     .whole_days = true},
    {.name = "fast-ca",
     .words = "a CA that validates and issues in milliseconds",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(5),
     .fast_ca = true},
    {.name = "ari",
     .words = "normal, with renewal information",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = 0, /* the years that were asked for */
     .zombie_permille = 20,
     .ari = true},
    {.name = "ari-outage-45d",
     .words = "outage-45d, with renewal information",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(10),
     .outage_at = DAYS(4),
     .outage_ms = HOURS(72),
     .ari = true},
    {.name = "ari-outage-160h",
     .words = "outage-160h, with renewal information",
     .lifetime_s = HOURS_160,
     .deploy_ms = HOURS(80),
     .run_ms = DAYS(14),
     .outage_at = DAYS(7),
     .outage_ms = HOURS(72),
     .ari = true},
    {.name = "ari-storm",
     .words = "storm, with renewal information",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(52),
     .off_at = DAYS(50),
     .off_ms = HOURS(24),
     .fresh_permille = 1,
     .fresh_at = DAYS(51),
     .expired_permille = 10,
     .ari = true},
    {.name = "ari-midnight",
     .words = "midnight, with renewal information",
     .lifetime_s = DAYS_45,
     .deploy_ms = DAYS(30),
     .run_ms = DAYS(45),
     .whole_days = true,
     .ari = true},
};

size_t fleet_plans(struct fleet_plan *out, size_t cap, double years)
{
    size_t count = sizeof fleet_all / sizeof fleet_all[0];

    if (count > cap)
        count = cap;
    memcpy(out, fleet_all, count * sizeof fleet_all[0]);
    for (size_t i = 0; i < count; i++) {
        if (out[i].run_ms == 0)
            out[i].run_ms = (uint64_t)(years * 365 * (double)FLEET_DAY_MS);
    }
    return count;
}
