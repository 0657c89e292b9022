/* solver_dns01.c - dns-01 by signed DNS UPDATE; CONFIG has the server and the key */
#include "acme_err.h"
#include "board_event.h"
#include "board_solvers.h"
#include "board_start.h"
#include "dns01_stored.h"

static struct dns01_2136 solver;
static struct dns_tsig_key key;

struct acme_solver *board_dns01(const struct acme_port *port)
{
    const struct acme_provision *p = board_provision();
    struct dns01_2136_config config = {0};
    int err = p->dns.len > 0 ? dns01_stored_read(&config, p->dns) : ACME_OK;

    if (err != ACME_OK)
        board_refused(err, "the DNS server of the configuration cannot be used", NULL);
    if (p->dns_key.len > 0) {
        err = dns01_stored_key_read(&key, p->dns_key);
        board_forget(p->dns_key);
        config.key = &key;
    }
    if (err != ACME_OK)
        board_refused(err, "the DNS key of the configuration cannot be used", NULL);
    return dns01_2136_init(&solver, port, &config);
}

/* What the agent's event of a failure cannot say: it knows which solver failed, and that alone. */
void board_solvers_tell(void)
{
    static bool told;

    if (solver.why[0] != '\0' && !told)
        board_tell("dns", solver.why, NULL, ACME_E_SOLVER);
    told = solver.why[0] != '\0';
}
