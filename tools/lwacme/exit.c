/* The exit status of an error. */
#include "lwacme.h"

/* The table of --help, by the kind of error. */
int exit_status(int err)
{
    switch (err) {
    case ACME_E_TLS_TRUST:
    case ACME_E_TLS_NAME:
    case ACME_E_TLS_DATE:
    case ACME_E_TLS_VERSION:
        return EXIT_TRUST;
    case ACME_E_REPLY:
    case ACME_E_REFUSED:
    case ACME_E_TERMS:
    case ACME_E_BINDING:
    case ACME_E_VALIDATION:
    case ACME_E_ORDER:
    case ACME_E_CERT:
    case ACME_E_URL:
    case ACME_E_ACCOUNT:
        return EXIT_REFUSED;
    case ACME_E_NO_SOLVER:
    case ACME_E_SOLVER:
    case ACME_E_DECLINED:
        return EXIT_SOLVER;
    case ACME_E_RATE:
    case ACME_E_HELD:
        return EXIT_LATER;
    case ACME_E_PORT_BUSY:
    case ACME_E_PORT_ACCESS:
        return EXIT_LOCAL;
    default:
        break;
    }
    if (err >= 0)
        return EXIT_DONE;
    return acme_err_class(err) == ACME_CLASS_CONNECTION ? EXIT_LATER : EXIT_LOCAL;
}
