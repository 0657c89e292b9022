/* scenario.c - the mix of one seed */
#include "run.h"

#include <string.h>

const char *scenario_on;

static uint32_t pick(struct run *r, const uint32_t *list, uint32_t count)
{
    return list[sim_world_below(&r->world, count)];
}
#define PICK(r, ...)                                                                               \
    pick(r, (const uint32_t[]){__VA_ARGS__},                                                       \
         sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void scenario_net(struct run *r, struct sim_net_faults *f)
{
    f->delay_min_ms = PICK(r, 1, 5, 20, 80, 300);
    f->delay_max_ms = f->delay_min_ms * PICK(r, 1, 1, 2, 5);
    f->split_permille = PICK(r, 0, 0, 100, 500);
    f->stall_permille = PICK(r, 0, 0, 0, 10, 50);
    f->stall_max_ms = PICK(r, 1000, 20000, 70000);
    f->reset_permille = PICK(r, 0, 0, 0, 5, 30, 100);
    f->refuse_permille = PICK(r, 0, 0, 0, 20, 200);
    f->silent_permille = PICK(r, 0, 0, 0, 20, 200);
    f->lookup_permille = PICK(r, 0, 0, 0, 20, 500);
}

/* Real RSA keys take their time to be made. */
static uint8_t scenario_key(struct run *r)
{
    uint8_t type = (uint8_t)PICK(r, 0, 0, 0, 0, 0, 0, ACME_KEY_P384, ACME_KEY_P384,
                                 ACME_KEY_RSA2048, ACME_KEY_RSA4096);

    if (type < ACME_KEY_RSA2048 || sign_is_fake())
        return type;
    return sim_world_chance(&r->world, 100) ? ACME_KEY_RSA2048 : 0;
}

/* Seven of eight seeds on memory, the others on flash and on files. */
static void scenario_storage(struct run *r, struct scenario *s)
{
    struct storage_faults *f = &s->medium;

    s->storage = STORAGE_MEMORY; /* the others take six times as long: CUTS=all goes through them */
    if (sim_world_chance(&r->world, 125))
        s->storage =
            (uint8_t)PICK(r, STORAGE_NOR, STORAGE_CFI, STORAGE_ECC, STORAGE_FILES, STORAGE_FILES);
    if (scenario_on != NULL && !s->ari_only) {
        while (strcmp(storage_word((enum storage_kind)s->storage), scenario_on) != 0)
            s->storage = (uint8_t)((s->storage + 1) % STORAGE_KINDS);
    }
    s->tear = STORAGE_BY_CHANCE;
    if (s->storage == STORAGE_NOR && s->cert_key == ACME_KEY_RSA4096) /* no record of two sectors */
        s->cert_key = ACME_KEY_RSA2048;
    s->idle = sim_world_chance(&r->world, 700);
    s->age = sim_world_below(&r->world, 2 * storage_room((enum storage_kind)s->storage) + 1);
    f->lazy_permille = PICK(r, 0, 0, 0, 10, 50);
    f->worn = s->storage == STORAGE_NOR && sim_world_chance(&r->world, 200);
    if (s->storage != STORAGE_FILES)
        return;
    f->eintr_permille = PICK(r, 0, 0, 50, 300);
    f->short_permille = PICK(r, 0, 0, 300);
    f->full_permille = PICK(r, 0, 0, 0, 20, 200);
    f->error_permille = PICK(r, 0, 0, 0, 20, 200);
}

/* What is to go wrong has to be there. */
void scenario_fit(struct run *r)
{
    const struct evil *e = &r->ca.evil;
    struct scenario *s = &r->s;

    s->ari = s->ari || evil_of(e, "ARI");
    s->profile = s->profile || evil_of(e, "PROFILE");
    if (evil_of(e, "BINDING") && s->eab == 0 && !evil_has(e, EVIL_EAB_SILENT))
        s->eab = 48;
    if (evil_of(e, "CHAIN") && s->chain == CHAIN_DEFAULT)
        s->chain = CHAIN_NAMED;
    if (evil_of(e, "CHAIN") && s->alternates == 0)
        s->alternates = 1;
}

/* A world in which only the CA's renewal information is wrong, for two and a half lives. */
static void scenario_ari(struct run *r, struct scenario *s)
{
    struct sim_net_faults *f = &s->net;

    s->ari_only = true;
    s->lifetime_s = (int64_t)PICK(r, 1, 6, 6, 12) * 86400;
    s->limits = false;
    s->fault_s = (uint32_t)(s->lifetime_s * 5 / 2);
    s->cut_permille = s->boot_loop_s = s->flip_permille = s->slots_fail = s->refuse_permille = 0;
    s->txt_again = s->txt_fail = 0;
    s->storage = STORAGE_MEMORY;
    s->records = RECORDS_SAME;
    memset(&s->medium, 0, sizeof s->medium);
    f->stall_permille = f->reset_permille = f->refuse_permille = f->silent_permille =
        f->lookup_permille = 0;
}

void scenario_of(struct run *r)
{
    struct scenario *s = &r->s;

    memset(s, 0, sizeof *s);
    s->names = 1 + sim_world_below(&r->world, CA_NAMES);
    s->txt = sim_world_chance(&r->world, 400);
    s->wildcard = s->txt && sim_world_chance(&r->world, 500);
    s->renew = sim_world_chance(&r->world, 400);
    s->lifetime_s = (int64_t)PICK(r, 1, 6, 45, 90, 90, 200) * 86400;
    s->limits = s->lifetime_s >= 45 * 86400 && sim_world_chance(&r->world, 500);
    s->account_key = scenario_key(r);
    if (s->account_key == ACME_KEY_RSA4096) /* for certificates only */
        s->account_key = ACME_KEY_RSA2048;
    s->cert_key = scenario_key(r);
    s->reuse_key = sim_world_chance(&r->world, 150);
    s->fault_s = PICK(r, 60, 600, 3600, 20000, 86400, 400000);
    s->cut_permille = PICK(r, 0, 0, 300, 900);
    s->cut_within = PICK(r, 10, 40, 150);
    s->boot_loop_s = sim_world_chance(&r->world, 60) ? PICK(r, 1, 5, 17, 60, 600) : 0;
    if (s->boot_loop_s > 0 && s->fault_s > s->boot_loop_s * 2000)
        s->fault_s = s->boot_loop_s * 2000;
    s->flip_permille = PICK(r, 0, 0, 0, 0, 0, 30, 200);
    s->slots_busy_ms = PICK(r, 0, 0, 0, 50, 1000);
    s->slots_fail = PICK(r, 0, 0, 0, 0, 10, 100);
    s->txt_slow_ms = PICK(r, 0, 100, 30000);
    s->txt_again = PICK(r, 0, 0, 300);
    s->txt_fail = PICK(r, 0, 0, 50);
    scenario_net(r, &s->net);
    scenario_storage(r, s);
    s->records =
        (uint8_t)PICK(r, RECORDS_SAME, RECORDS_SAME, RECORDS_OLDER, RECORDS_EXTRA, RECORDS_NEWER);
    if (s->flip_permille > 0 && s->records == RECORDS_NEWER)
        s->records = RECORDS_SAME;
    s->refuse_permille = app_mood(r);
    s->renew = s->renew || s->refuse_permille > 0; /* the first one has none before it */
    s->ari = sim_world_chance(&r->world, 700);
    s->eab = (uint8_t)PICK(r, 0, 0, 0, 32, 48, 64);
    s->profile = sim_world_chance(&r->world, 300);
    s->alternates = (uint8_t)PICK(r, 0, 0, 1, 2);
    s->chain =
        (uint8_t)PICK(r, CHAIN_DEFAULT, CHAIN_NAMED, CHAIN_NAMED, CHAIN_NOT_THERE, CHAIN_SHORTEST);
    if (s->ari && sim_world_chance(&r->world, 80))
        scenario_ari(r, s);
    s->storage_lies = s->flip_permille > 0 || s->slots_fail > 0 || s->medium.full_permille > 0 ||
                      s->medium.error_permille > 0;
}
