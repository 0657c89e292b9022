/* acme_provision.c - the CONFIG record: one image serves a fleet, each device has its own names */
#include "acme_provision.h"

#include <string.h>

#include "acme_err.h"
#include "acme_port.h"
#include "acme_store.h"

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
    if (field->tag == ACME_PROVISION_TERMS)
        p->terms_agreed = value != 0;
    else if (field->tag == ACME_PROVISION_REQUIRED)
        p->profile_required = value != 0;
    else if (field->tag == ACME_PROVISION_SHORTEST)
        p->shortest_chain = value != 0;
    else if (field->tag == ACME_PROVISION_KEY)
        p->cert_key_type = (uint8_t)value;
    else
        p->account_key_type = (uint8_t)value;
    return ACME_OK;
}

#if ACME_MAX_SERVERS > 1
static int pv_server(const struct acme_field *field, struct acme_provision *p)
{
    struct acme_server *s = &p->staging;

    if (field->tag == ACME_PROVISION_SERVER_EAB) {
        if (p->binding_of == NULL)
            return ACME_E_SLOT_CORRUPT;
        *p->binding_of = field->value;
        return ACME_OK;
    }
    if (field->tag == ACME_PROVISION_SERVER && p->more_servers_count == ACME_MAX_SERVERS - 1)
        return ACME_E_SIZE;
    if (field->tag == ACME_PROVISION_SERVER)
        s = &p->more_servers[p->more_servers_count++];
    p->binding_of = &s->eab;
    return pv_text(field, &s->url);
}
#else
static int pv_server(const struct acme_field *field, struct acme_provision *p)
{
    (void)p;
    return acme_field_skip(field);
}
#endif

static int pv_field(const struct acme_field *field, struct acme_provision *p)
{
    switch (field->tag) {
    case ACME_PROVISION_DIRECTORY:
        return pv_text(field, &p->directory_url);
    case ACME_PROVISION_NAME:
        return pv_name(field, p);
    case ACME_PROVISION_CONTACT:
        return pv_text(field, &p->contact);
    case ACME_PROVISION_SNTP:
        return pv_text(field, &p->sntp);
    case ACME_PROVISION_PROFILE:
        return pv_text(field, &p->profile);
    case ACME_PROVISION_CHAIN:
        return pv_text(field, &p->preferred_chain);
    case ACME_PROVISION_TERMS:
    case ACME_PROVISION_REQUIRED:
    case ACME_PROVISION_SHORTEST:
    case ACME_PROVISION_KEY:
    case ACME_PROVISION_ACCOUNT:
        return pv_number(field, p);
    case ACME_PROVISION_ANCHOR:
        return pv_anchor(field, p);
    case ACME_PROVISION_EAB:
        p->eab = field->value;
        return ACME_OK;
    case ACME_PROVISION_DNS:
        p->dns = field->value;
        return ACME_OK;
    case ACME_PROVISION_DNS_KEY:
        p->dns_key = field->value;
        return ACME_OK;
    case ACME_PROVISION_SERVER:
    case ACME_PROVISION_SERVER_EAB:
    case ACME_PROVISION_STAGING:
        return pv_server(field, p);
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

#if ACME_MAX_SERVERS > 1
static void pv_put_server(struct acme_record_writer *w, uint16_t tag, const struct acme_server *s)
{
    pv_put(w, tag, s->url);
    if (s->url != NULL && s->eab.len > 0)
        acme_record_bytes(w, ACME_PROVISION_SERVER_EAB, s->eab.ptr, s->eab.len);
}

static void pv_put_servers(struct acme_record_writer *w, const struct acme_provision *p)
{
    for (uint8_t i = 0; i < p->more_servers_count; i++)
        pv_put_server(w, ACME_PROVISION_SERVER, &p->more_servers[i]);
    pv_put_server(w, ACME_PROVISION_STAGING, &p->staging);
}
#else
static void pv_put_servers(struct acme_record_writer *w, const struct acme_provision *p)
{
    (void)w, (void)p;
}
#endif

int acme_provision_write(struct acme_span room, const struct acme_provision *p)
{
    struct acme_record_writer w;

    acme_record_begin(&w, room, ACME_SLOT_CONFIG, 0);
    pv_put(&w, ACME_PROVISION_DIRECTORY, p->directory_url);
    for (uint8_t i = 0; i < p->names_count; i++)
        pv_put(&w, ACME_PROVISION_NAME, p->names[i]);
    pv_put(&w, ACME_PROVISION_CONTACT, p->contact);
    acme_record_u64(&w, ACME_PROVISION_TERMS, p->terms_agreed);
    acme_record_u64(&w, ACME_PROVISION_KEY, p->cert_key_type);
    acme_record_u64(&w, ACME_PROVISION_ACCOUNT, p->account_key_type);
    pv_put(&w, ACME_PROVISION_SNTP, p->sntp);
    pv_put(&w, ACME_PROVISION_PROFILE, p->profile);
    pv_put(&w, ACME_PROVISION_CHAIN, p->preferred_chain);
    if (p->shortest_chain)
        acme_record_u64(&w, ACME_PROVISION_SHORTEST, 1);
    if (p->profile_required)
        acme_record_u64(&w, ACME_PROVISION_REQUIRED, 1);
    if (p->eab.len > 0)
        acme_record_bytes(&w, ACME_PROVISION_EAB, p->eab.ptr, p->eab.len);
    pv_put_servers(&w, p);
    if (p->dns.len > 0)
        acme_record_bytes(&w, ACME_PROVISION_DNS, p->dns.ptr, p->dns.len);
    if (p->dns_key.len > 0)
        acme_record_bytes(&w, ACME_PROVISION_DNS_KEY, p->dns_key.ptr, p->dns_key.len);
    for (uint8_t i = 0; i < p->anchors_count; i++)
        acme_record_bytes(&w, ACME_PROVISION_ANCHOR, p->anchors[i].ptr, p->anchors[i].len);
    return acme_record_end(&w);
}
