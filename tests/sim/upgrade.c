/* upgrade.c - records of another firmware: while the device is off, before a renewal */
#include <string.h>

#include "acme_crc32.h"
#include "acme_store.h"
#include "run.h"

#define TAG_STRANGE  0x7123
#define TAG_CRITICAL (ACME_FIELD_CRITICAL | 0x123)

/* What firmware that is older than its field has not written. */
static bool older_lacks(uint8_t slot, uint16_t tag)
{
    if (tag >= 22) /* whose word a wait is; the last failure */
        return true;
    return slot == ACME_SLOT_CA_LEDGER && tag < 5;
}

/* Older firmware does not know it, and leaves the record alone: it is as it was. */
static bool has_critical(struct acme_record record)
{
    struct acme_field field;

    while (acme_record_next(&record, &field)) {
        if ((field.tag & ACME_FIELD_CRITICAL) != 0)
            return true;
    }
    return false;
}

/* The record in room, as another firmware would have written it: its length. */
static size_t rewrite(const struct sim_record *s, enum records_of how, bool critical, uint8_t *room,
                      size_t cap)
{
    static const uint8_t strange[40] = "written by somebody who knows more";
    struct acme_record record;
    struct acme_record_writer w;
    struct acme_field field;
    struct acme_span span = {room, cap};
    uint32_t crc;
    int n;

    if (acme_record_open(&record, acme_slice_of(s->data, s->len), s->slot) != ACME_OK)
        return 0;
    if (how == RECORDS_OLDER && has_critical(record))
        return 0;
    acme_record_begin(&w, span, s->slot, record.sequence);
    while (acme_record_next(&record, &field)) {
        if (how != RECORDS_OLDER || !older_lacks(s->slot, field.tag))
            acme_record_bytes(&w, field.tag, field.value.ptr, field.value.len);
    }
    if (how == RECORDS_EXTRA || how == RECORDS_NEWER)
        acme_record_bytes(&w, how == RECORDS_NEWER && critical ? TAG_CRITICAL : TAG_STRANGE,
                          strange, sizeof strange);
    n = acme_record_end(&w);
    if (n > 0 && how == RECORDS_NEWER && !critical) { /* the version, and the checksum anew */
        room[5] = ACME_RECORD_VERSION + 1;
        crc = acme_crc32(acme_crc32(0, room, 16), room + ACME_RECORD_HEADER,
                         (size_t)n - ACME_RECORD_HEADER);
        for (int i = 0; i < 4; i++)
            room[16 + i] = (uint8_t)(crc >> 8 * i);
    }
    return n > 0 ? (size_t)n : 0;
}

static void restart(struct run *r)
{
    run_power_off(r, 1000);
    r->cuts--; /* for an update, not by accident */
    check_flipped(r);
}

void upgrade_begin(struct run *r)
{
    static uint8_t room[SIM_SLOTS_BYTES];
    bool critical = sim_world_chance(&r->world, 500);

    r->sealed = 0;
    if (r->s.records != RECORDS_SAME && !r->on) /* a job has just put it out */
        (void)storage_boot(&r->storage);
    for (int i = 0; i < CA_PLACES * HOLDS; i++) { /* it has forgotten what the CAs had asked for */
        if (r->s.records == RECORDS_OLDER)
            r->holds[i / HOLDS][i % HOLDS].durable = false;
    }
    for (size_t i = 0; i < SIM_SLOTS_MAX && r->s.records != RECORDS_SAME; i++) {
        struct sim_record *s = &r->slots.records[i];
        size_t n = s->slot != 0 && s->len > 0
                       ? rewrite(s, (enum records_of)r->s.records, critical, room, sizeof room)
                       : 0;
        if (n == 0 || (r->s.records == RECORDS_NEWER && !sim_world_chance(&r->world, 500)))
            continue;
        if (r->s.records == RECORDS_NEWER)
            r->sealed |= (uint32_t)1 << i;
        storage_put(&r->storage, (enum acme_slot)s->slot, s->key, room, n);
        r->sealed_writes[i] = s->writes;
    }
    r->sealed_orders = r->ca.new_orders;
    if (r->s.records != RECORDS_SAME)
        restart(r);
}

/* I11: what a newer firmware wrote is left alone, and nothing is begun without it. */
void upgrade_check(struct run *r)
{
    for (size_t i = 0; i < SIM_SLOTS_MAX && r->sealed != 0; i++) {
        if ((r->sealed & (uint32_t)1 << i) != 0 &&
            r->slots.records[i].writes != r->sealed_writes[i])
            run_break(r, 19, "written");
    }
    if (r->sealed != 0 && r->ca.new_orders != r->sealed_orders)
        run_break(r, 19, "an order");
}

/* The newer firmware is back, and what it had written is as it was. */
void upgrade_end(struct run *r)
{
    static uint8_t room[SIM_SLOTS_BYTES];

    if (r->sealed == 0)
        return;
    r->world.cut_at = 0;
    if (!r->on)
        (void)storage_boot(&r->storage);
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++) {
        struct sim_record *s = &r->slots.records[i];
        uint8_t version = ACME_RECORD_VERSION;
        uint32_t crc;
        if ((r->sealed & (uint32_t)1 << i) == 0)
            continue;
        /* It reads its own version; ours stands for it. */
        memcpy(room, s->data, s->len);
        room[5] = version;
        for (size_t at = ACME_RECORD_HEADER; at + 4 <= s->len;) {
            if (room[at] == (TAG_CRITICAL & 0xff) && room[at + 1] == TAG_CRITICAL >> 8)
                room[at + 1] &= 0x7f;
            at += 4 + (size_t)(room[at + 2] | room[at + 3] << 8);
        }
        crc = acme_crc32(acme_crc32(0, room, 16), room + ACME_RECORD_HEADER,
                         s->len - ACME_RECORD_HEADER);
        for (int k = 0; k < 4; k++)
            room[16 + k] = (uint8_t)(crc >> 8 * k);
        storage_put(&r->storage, (enum acme_slot)s->slot, s->key, room, s->len);
    }
    r->sealed = 0;
    restart(r);
}
