/* Load: what is remembered. */
#include "acme_steps.h"

static void warn(struct acme_agent *a, int err, const char *text)
{
    struct acme_event event = {.type = ACME_EVENT_WARNING, .err = err, .text = text};

    acme_emit(a, &event);
}

/* A record that cannot be used: is that the end of the run? A damaged one is replaced where nothing
 * is lost by it but time; one of a newer version, or a store that cannot be read, is left alone. */
static int judge_load(struct acme_agent *a, int err, const char *record, bool replaceable,
                      bool *damaged)
{
    *damaged = false;
    if (err == ACME_OK || err == ACME_E_SLOT_EMPTY)
        return ACME_OK;
    if (err == ACME_AGAIN) /* the medium is busy: all are read anew */
        return err;
    if (err == ACME_E_SLOT_CORRUPT && replaceable) {
        *damaged = true;
        warn(a, err, record);
        return ACME_OK;
    }
    return acme_fail_note(a, err, record, NULL);
}

static int load_account(struct acme_agent *a)
{
    bool damaged;

    return judge_load(a, acme_load_account(a), "the account record, with the account key",
                      a->config->replace_damaged, &damaged);
}

/* All but SCHED: of the CA in use, and what was asked of it. */
static int load_rest(struct acme_agent *a)
{
    bool damaged;
    int err = load_account(a);

    if (err == ACME_OK) {
        err = judge_load(a, acme_load_ledger(a), "the CA's ledger record", true, &damaged);
        if (damaged)
            a->damaged |= ACME_SAVE_LEDGER;
    }
    if (err == ACME_OK) {
        err = acme_load_order(a);
        a->order_stored = err != ACME_E_SLOT_EMPTY;
        err = judge_load(a, err, "the record of the open order", true, &damaged);
    }
    if (err == ACME_OK)
        err =
            judge_load(a, acme_load_cert(a), "one of the two certificate records", true, &damaged);
    return err;
}

static int load_all(struct acme_agent *a)
{
    struct acme_ari kept = a->ari;
    bool damaged;
    int err = ACME_OK;

    if (!acme_server_changed(a)) {
        err = judge_load(a, acme_load_sched(a), "the record of attempts (sched)", true, &damaged);
        a->damaged = damaged ? ACME_SAVE_SCHED : 0;
    }
    if (err == ACME_OK)
        err = acme_server_loaded(a);
    if (err == ACME_OK)
        err = load_rest(a);
    if (err == ACME_OK && kept.sequence == a->ari.sequence && kept.set_at > a->ari.set_at)
        a->ari = kept; /* not all that the CA says about its window is stored */
    return err;
}

int step_load(struct acme_agent *a, const struct acme_reply *reply, struct acme_next *next)
{
    int err;

    (void)reply;
    a->loaded = false;
    err = a->reload_account ? load_account(a) : load_all(a);
    acme_wipe(a->config->memory.scratch.ptr, a->config->memory.scratch.len);
    next->wait_ms = err == ACME_AGAIN ? 1 : 0; /* the medium is busy */
    if (err != ACME_OK)
        return err;
    a->loaded = true;
    a->reload_account = a->account_unsaved = false;
    next->row = ACME_ROW_REST;
    return ACME_OK;
}
