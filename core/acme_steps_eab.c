/* External account binding at newAccount (RFC 8555 7.3.4). A link choice: the other one is
 * acme_steps_noeab.c. */
#include "acme_steps.h"

#include <string.h>

#include "acme_eab.h"

int acme_bind_check(struct acme_slice eab)
{
    return eab.len == 0 || acme_eab_ok(eab) ? ACME_OK : ACME_E_CONFIG;
}

int acme_bind_offer(struct acme_agent *a, struct acme_buf *b)
{
    int err;

    if (a->eab.len == 0)
        return ACME_OK;
    acme_buf_text(b, b->len > 1 ? ",\"externalAccountBinding\":" : "\"externalAccountBinding\":");
    err = acme_eab_write(b, a->eab, &a->account_key, a->directory.text + a->directory.new_account);
    return err == ACME_OK || err == ACME_E_SIZE
               ? ACME_OK /* an overflow is told by whom b belongs to */
               : acme_fail_note(a, err, "the external account binding cannot be written", NULL);
}

void acme_bind_load(struct acme_agent *a, struct acme_slice stored)
{
    /* What was configured now goes before what was kept: somebody has corrected it. */
    if (acme_server_eab(a).len > 0 || stored.len > sizeof a->eab_room || !acme_eab_ok(stored))
        return;
    memcpy(a->eab_room, stored.ptr, stored.len);
    a->eab = acme_slice_of(a->eab_room, stored.len);
}

void acme_bind_forget(struct acme_agent *a)
{
    acme_wipe(a->eab_room, sizeof a->eab_room);
    a->eab = acme_server_eab(a);
}

/* A binding may be good for one account only. When a newAccount of this key has left before, that
 * one may have made the account and used the binding up: the CA is asked for the account alone. */
int refused_account(struct acme_agent *a, const struct acme_problem *problem,
                    struct acme_next *next)
{
    bool before = a->ledger.account.orders > 1 || a->lost_tries > 0;

    if (a->job != NULL)
        return ACME_E_REFUSED;
    if (a->find_account && problem->type != ACME_PROBLEM_ACCOUNT_DOES_NOT_EXIST)
        return ACME_E_REFUSED;
    if (a->find_account)
        return acme_fail_note(
            a, ACME_E_REFUSED,
            "the CA takes the external account binding no more, and has no account "
            "of this key",
            NULL);
    if (a->eab.len == 0 || !before || problem->http_status < 400 || problem->http_status >= 500 ||
        problem->http_status == 429 || problem->type == ACME_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED ||
        problem->type == ACME_PROBLEM_USER_ACTION_REQUIRED)
        return ACME_E_REFUSED;
    a->find_account = true;
    next->row = ACME_ROW_ACCOUNT;
    return ACME_OK;
}
