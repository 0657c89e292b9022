/* acme_provision.c - the CONFIG record: one image serves a fleet, each device has its own names */
#include "acme_provision.h"

#include <string.h>

#include "acme_err.h"
#include "acme_port.h"
#include "acme_store.h"

/* Stored: add at the end, never renumber. */
enum provision_tag {
    PROVISION_DIRECTORY = 1, /* text, NUL */
    PROVISION_NAME = 2,      /* text, NUL; one for each name */
    PROVISION_CONTACT = 3,   /* text, NUL */
    PROVISION_TERMS = 4,     /* u64: a person has agreed to the CA's terms */
    PROVISION_KEY = 5,       /* u64: enum acme_key_type of the certificate */
    PROVISION_ACCOUNT = 6,   /* u64: ... of the account */
    PROVISION_ANCHOR = 7,    /* a DER certificate; one for each */
    PROVISION_SNTP = 8,      /* text, NUL */
    PROVISION_PROFILE = 10,  /* text, NUL */
    PROVISION_REQUIRED = 11, /* u64: that profile or none */
    PROVISION_CHAIN = 12,    /* text, NUL */
    PROVISION_SHORTEST = 13, /* u64 */
    PROVISION_EAB = 9        /* acme_eab.h; secret */
};

static int pv_text(const struct acme_field *field, const char **out)
{
    struct acme_slice v = field->value;

    if (v.len == 0 || memchr(v.ptr, 0, v.len) != v.ptr + (v.len - 1))
        return ACME_E_SLOT_CORRUPT;
    *out = (const char *)v.ptr;
    return ACME_OK;
}

static int pv_name(const struct acme_field *field, struct acme_provision *p)
{
    if (p->names_count == ACME_MAX_NAMES)
        return ACME_E_SIZE;
    return pv_text(field, &p->names[p->names_count++]);
}

static int pv_anchor(const struct acme_field *field, struct acme_provision *p)
{
    if (p->anchors_count == ACME_PROVISION_ANCHORS)
        return ACME_E_SIZE;
    p->anchors[p->anchors_count++] = field->value;
    return ACME_OK;
}

static int pv_number(const struct acme_field *field, struct acme_provision *p)
{
    uint64_t value;

    if (!acme_field_u64(field, &value) || value > UINT8_MAX)
        return ACME_E_SLOT_CORRUPT;
    if (field->tag == PROVISION_TERMS)
        p->terms_agreed = value != 0;
    else if (field->tag == PROVISION_REQUIRED)
        p->profile_required = value != 0;
    else if (field->tag == PROVISION_SHORTEST)
        p->shortest_chain = value != 0;
    else if (field->tag == PROVISION_KEY)
        p->cert_key_type = (uint8_t)value;
    else
        p->account_key_type = (uint8_t)value;
    return ACME_OK;
}

static int pv_field(const struct acme_field *field, struct acme_provision *p)
{
    switch (field->tag) {
    case PROVISION_DIRECTORY:
        return pv_text(field, &p->directory_url);
    case PROVISION_NAME:
        return pv_name(field, p);
    case PROVISION_CONTACT:
        return pv_text(field, &p->contact);
    case PROVISION_SNTP:
        return pv_text(field, &p->sntp);
    case PROVISION_PROFILE:
        return pv_text(field, &p->profile);
    case PROVISION_CHAIN:
        return pv_text(field, &p->preferred_chain);
    case PROVISION_TERMS:
    case PROVISION_REQUIRED:
    case PROVISION_SHORTEST:
    case PROVISION_KEY:
    case PROVISION_ACCOUNT:
        return pv_number(field, p);
    case PROVISION_ANCHOR:
        return pv_anchor(field, p);
    case PROVISION_EAB:
        p->eab = field->value;
        return ACME_OK;
    default:
        return acme_field_skip(field);
    }
}

int acme_provision_read(struct acme_provision *out, struct acme_slice record)
{
    struct acme_record r;
    struct acme_field field;
    int err;

    memset(out, 0, sizeof *out);
    err = acme_record_open(&r, record, ACME_SLOT_CONFIG);
    while (err == ACME_OK && acme_record_next(&r, &field))
        err = pv_field(&field, out);
    return err;
}

static void pv_put(struct acme_record_writer *w, uint16_t tag, const char *text)
{
    if (text != NULL)
        acme_record_bytes(w, tag, text, strlen(text) + 1);
}

int acme_provision_write(struct acme_span room, const struct acme_provision *p)
{
    struct acme_record_writer w;

    acme_record_begin(&w, room, ACME_SLOT_CONFIG, 0);
    pv_put(&w, PROVISION_DIRECTORY, p->directory_url);
    for (uint8_t i = 0; i < p->names_count; i++)
        pv_put(&w, PROVISION_NAME, p->names[i]);
    pv_put(&w, PROVISION_CONTACT, p->contact);
    acme_record_u64(&w, PROVISION_TERMS, p->terms_agreed);
    acme_record_u64(&w, PROVISION_KEY, p->cert_key_type);
    acme_record_u64(&w, PROVISION_ACCOUNT, p->account_key_type);
    pv_put(&w, PROVISION_SNTP, p->sntp);
    pv_put(&w, PROVISION_PROFILE, p->profile);
    pv_put(&w, PROVISION_CHAIN, p->preferred_chain);
    if (p->shortest_chain)
        acme_record_u64(&w, PROVISION_SHORTEST, 1);
    if (p->profile_required)
        acme_record_u64(&w, PROVISION_REQUIRED, 1);
    if (p->eab.len > 0)
        acme_record_bytes(&w, PROVISION_EAB, p->eab.ptr, p->eab.len);
    for (uint8_t i = 0; i < p->anchors_count; i++)
        acme_record_bytes(&w, PROVISION_ANCHOR, p->anchors[i].ptr, p->anchors[i].len);
    return acme_record_end(&w);
}
