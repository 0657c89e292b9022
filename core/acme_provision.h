/* acme_provision.h - the CONFIG record: one image serves a fleet, and each device has its own names
 *
 * Written by tools/mkconfig or over a board's console, read at start; also the form in which a
 * default is compiled into an image. An optional part: link it where it is wanted.
 */
#ifndef ACME_PROVISION_H
#define ACME_PROVISION_H

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_servers.h"

#define ACME_PROVISION_ANCHORS 4

/* Texts end with a NUL inside of the record, so it is used in place. */
struct acme_provision {
    const char *directory_url; /* https */
    const char *names[ACME_MAX_NAMES];
    const char *contact;         /* or NULL */
    const char *sntp;            /* host of a time server, or NULL */
    const char *profile;         /* or NULL */
    const char *preferred_chain; /* or NULL */
    bool shortest_chain;
    struct acme_slice anchors[ACME_PROVISION_ANCHORS]; /* DER certificates */
    struct acme_slice eab;     /* external account binding (acme_eab.h), or empty */
    struct acme_slice dns;     /* the DNS server of dns-01 (solvers/dns01_stored.h), or empty */
    struct acme_slice dns_key; /* and the key that signs what it is told; secret */
    uint8_t names_count, anchors_count;
    uint8_t account_key_type, cert_key_type; /* enum acme_key_type; 0: the default */
    bool terms_agreed;
    bool profile_required;
#if ACME_MAX_SERVERS > 1
    struct acme_server more_servers[ACME_MAX_SERVERS - 1], staging;
    uint8_t more_servers_count;
    struct acme_slice *binding_of; /* while it is read */
#endif
};

/* The CONFIG record's fields. Stored: add at the end, never renumber. */
enum acme_provision_field {
    ACME_PROVISION_DIRECTORY = 1, /* text, NUL */
    ACME_PROVISION_NAME = 2,      /* text, NUL; one for each name */
    ACME_PROVISION_CONTACT = 3,   /* text, NUL */
    ACME_PROVISION_TERMS = 4,     /* u64: a person has agreed to the CA's terms */
    ACME_PROVISION_KEY = 5,       /* u64: enum acme_key_type of the certificate */
    ACME_PROVISION_ACCOUNT = 6,   /* u64: ... of the account */
    ACME_PROVISION_ANCHOR = 7,    /* a DER certificate; one for each */
    ACME_PROVISION_SNTP = 8,      /* text, NUL */
    ACME_PROVISION_EAB = 9,       /* acme_eab.h; secret */
    ACME_PROVISION_PROFILE = 10,  /* text, NUL */
    ACME_PROVISION_REQUIRED = 11, /* u64: that profile or none */
    ACME_PROVISION_CHAIN = 12,    /* text, NUL */
    ACME_PROVISION_SHORTEST = 13, /* u64 */
    /* A firmware that knows one CA only passes over these. */
    ACME_PROVISION_SERVER = 14,     /* text, NUL; one for each of more_servers */
    ACME_PROVISION_STAGING = 15,    /* text, NUL */
    ACME_PROVISION_SERVER_EAB = 16, /* acme_eab.h; secret; of the server before it */
    ACME_PROVISION_DNS = 17,        /* dns01_stored.h */
    ACME_PROVISION_DNS_KEY = 18     /* dns01_stored.h; secret */
};

/* The DEVICE record's fields (the board's random numbers and clock own it; mkconfig puts the first
 * seed in). */
enum acme_device_field {
    ACME_DEVICE_SEED = 1 | 0x8000, /* 32 secret bytes; critical */
    ACME_DEVICE_BOOTS = 2,         /* u64 */
    ACME_DEVICE_FLOOR = 3          /* i64: the clock is not before this */
};
#define ACME_DEVICE_SEED_SIZE 32

/* Reads a record. *out points into it, so the record must stay where it is. ACME_OK;
 * ACME_E_SLOT_CORRUPT; ACME_E_SLOT_VERSION; ACME_E_SIZE (more names or anchors than compiled in).
 * What the values are worth is judged by acme_agent_init. */
int acme_provision_read(struct acme_provision *out, struct acme_slice record);

/* Writes one: its length, or ACME_E_SIZE. */
int acme_provision_write(struct acme_span room, const struct acme_provision *p);

#endif
