/* check.h - what the files of the checks give to each other */
#ifndef CHECK_H
#define CHECK_H

#include "run.h"

/* Tags of the records, as core/acme_records.c keeps them for ever. */
enum { TAG_ACCOUNT_KEY = 4, TAG_ACCOUNT_KID = 5, TAG_ACCOUNT_NEW = 0x8009 };
enum { TAG_ORDER_URL = 2, TAG_ORDER_KEY = 5, TAG_ORDER_CHALLENGE = 6 };
enum { TAG_CERT_KEY = 5, TAG_CERT_NOT_BEFORE = 6, TAG_CERT_NOT_AFTER = 7, TAG_CERT_CHAIN = 8 };
enum { TAG_SCHED_ORDERS = 19, TAG_SCHED_REVOKED = 57 };

/* check_records.c: a field of a record, read past the port: the nth with this tag, or empty. */
struct acme_slice check_stored(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                               unsigned nth);
int64_t check_number(struct acme_slice value);
/* The public part of a stored private key; its type is in the field two tags before it. */
bool check_public(struct run *r, enum acme_slot slot, const char *key, uint16_t tag,
                  struct acme_public *out);
bool check_jobs_bereft(const struct run *r);
bool check_only_existing(const struct ca_request *q); /* newAccount that makes none (7.3.1) */
const char *check_name(const struct run *r);          /* the key of the certificate's records */
/* In how many of the two CERT records the order's certificate is. */
int check_leaves(struct run *r, const struct ca_order *o);

#endif
