/* One record (core/acme_store.h): its header, its CRC, and each field with its name. */
#include "dump.h"

#include <string.h>

#include "acme_cert.h"
#include "acme_jws.h"
#include "acme_objects.h"
#include "acme_provision.h"
#include "acme_records.h"
#include "acme_solver.h"
#include "acme_store.h"
#include "acme_time.h"
#include "dns01_stored.h"

#define SHOWN_MAX 512 /* of one text */

/* How a field's bytes are shown. */
enum how {
    HOW_SECRET, /* also for what nobody knows */
    HOW_TEXT,
    HOW_NUMBER,
    HOW_TIME,
    HOW_HASH,
    HOW_KEY,
    HOW_KEY_TYPE,
    HOW_KEY_HOME,
    HOW_CLASS,
    HOW_ERROR,
    HOW_PROBLEM,
    HOW_CHALLENGE,
    HOW_DNS,
    HOW_ANCHOR,
    HOW_CHAIN
};

static const struct {
    uint8_t slot, how;
    uint16_t tag;
    const char *name;
} fields[] = {
    {ACME_SLOT_ACCOUNT, HOW_TEXT, ACCOUNT_DIRECTORY, "directory"},
    {ACME_SLOT_ACCOUNT, HOW_KEY_TYPE, ACCOUNT_KEY_TYPE, "key type"},
    {ACME_SLOT_ACCOUNT, HOW_KEY_HOME, ACCOUNT_KEY_HOME, "key home"},
    {ACME_SLOT_ACCOUNT, HOW_KEY, ACCOUNT_KEY, "key"},
    {ACME_SLOT_ACCOUNT, HOW_TEXT, ACCOUNT_KID, "account"},
    {ACME_SLOT_ACCOUNT, HOW_KEY_TYPE, ACCOUNT_NEW_KEY_TYPE, "new key type"},
    {ACME_SLOT_ACCOUNT, HOW_KEY_HOME, ACCOUNT_NEW_KEY_HOME, "new key home"},
    {ACME_SLOT_ACCOUNT, HOW_KEY, ACCOUNT_NEW_KEY, "new key"},
    {ACME_SLOT_ACCOUNT, HOW_SECRET, ACCOUNT_EAB, "account binding"},
    {ACME_SLOT_CA_LEDGER, HOW_TIME, LEDGER_ANY_NOT_BEFORE, "nothing before"},
    {ACME_SLOT_CA_LEDGER, HOW_TIME, LEDGER_ANY_SET_AT, "set at"},
    {ACME_SLOT_CA_LEDGER, HOW_TIME, LEDGER_ORDER_NOT_BEFORE, "no order before"},
    {ACME_SLOT_CA_LEDGER, HOW_TIME, LEDGER_ORDER_SET_AT, "set at"},
    {ACME_SLOT_ORDER, HOW_HASH, ORDER_WANT, "for"},
    {ACME_SLOT_ORDER, HOW_TEXT, ORDER_URL, "order"},
    {ACME_SLOT_ORDER, HOW_KEY_TYPE, ORDER_KEY_TYPE, "key type"},
    {ACME_SLOT_ORDER, HOW_KEY_HOME, ORDER_KEY_HOME, "key home"},
    {ACME_SLOT_ORDER, HOW_KEY, ORDER_KEY, "key"},
    {ACME_SLOT_ORDER, HOW_CHALLENGE, ORDER_CHALLENGE, "challenge"},
    {ACME_SLOT_CERT_A, HOW_HASH, CERT_WANT, "for"},
    {ACME_SLOT_CERT_A, HOW_HASH, CERT_ORDER, "order"},
    {ACME_SLOT_CERT_A, HOW_KEY_TYPE, CERT_KEY_TYPE, "key type"},
    {ACME_SLOT_CERT_A, HOW_KEY_HOME, CERT_KEY_HOME, "key home"},
    {ACME_SLOT_CERT_A, HOW_KEY, CERT_KEY, "key"},
    {ACME_SLOT_CERT_A, HOW_TIME, CERT_NOT_BEFORE, "not before"},
    {ACME_SLOT_CERT_A, HOW_TIME, CERT_NOT_AFTER, "not after"},
    {ACME_SLOT_CERT_A, HOW_CHAIN, CERT_CHAIN, "chain"},
    {ACME_SLOT_CERT_A, HOW_TEXT, CERT_SERVER, "server"},
    {ACME_SLOT_SCHED, HOW_TIME, SCHED_NOT_BEFORE, "not before"},
    {ACME_SLOT_SCHED, HOW_TIME, SCHED_SET_AT, "set at"},
    {ACME_SLOT_SCHED, HOW_TIME, SCHED_ORDER_AT, "last newOrder"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_ORDERS, "newOrders"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_FAILURES, "failures"},
    {ACME_SLOT_SCHED, HOW_CLASS, SCHED_CLASS, "class"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_BY_CA, "by the CA"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_ROLLED_BACK, "rolled back"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_CONNECTIONS, "of connections"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_VALIDATIONS, "of validations"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SCHED_REFUSALS, "of refusals"},
    {ACME_SLOT_SCHED, HOW_ERROR, FAILURE_ERR, "error"},
    {ACME_SLOT_SCHED, HOW_TIME, FAILURE_AT, "at"},
    {ACME_SLOT_SCHED, HOW_TEXT, FAILURE_STEP, "step"},
    {ACME_SLOT_SCHED, HOW_TEXT, FAILURE_NOTE, "note"},
    {ACME_SLOT_SCHED, HOW_PROBLEM, FAILURE_TYPE, "problem"},
    {ACME_SLOT_SCHED, HOW_NUMBER, FAILURE_STATUS, "status"},
    {ACME_SLOT_SCHED, HOW_NUMBER, FAILURE_RETRY_AFTER, "retry after"},
    {ACME_SLOT_SCHED, HOW_TEXT, FAILURE_DETAIL, "detail"},
    {ACME_SLOT_SCHED, HOW_TEXT, FAILURE_IDENTIFIER, "identifier"},
    {ACME_SLOT_SCHED, HOW_HASH, REVOKED_ORDER, "revoked: order"},
    {ACME_SLOT_SCHED, HOW_NUMBER, REVOKED_STATE, "revoked: 1 asked, 2 done"},
    {ACME_SLOT_SCHED, HOW_TIME, REVOKED_AT, "revoked at"},
    {ACME_SLOT_SCHED, HOW_NUMBER, REVOKED_REASON, "revoked: reason"},
    {ACME_SLOT_SCHED, HOW_TEXT, SERVER_TURN, "server"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SERVER_FAILURES, "its failures"},
    {ACME_SLOT_SCHED, HOW_TIME, SERVER_SINCE, "since"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SERVER_CHANGES, "changes of server"},
    {ACME_SLOT_SCHED, HOW_NUMBER, SERVER_REHEARSAL, "rehearsal"},
    {ACME_SLOT_SCHED, HOW_TIME, SERVER_HOLD, "not before"},
    {ACME_SLOT_SCHED, HOW_TIME, SERVER_HOLD_SET_AT, "set at"},
    {ACME_SLOT_SCHED, HOW_TEXT, SERVER_HELD, "says"},
    {ACME_SLOT_SCHED, HOW_NUMBER, RECENT_WHAT, "not due: of what is wanted"},
    {ACME_SLOT_SCHED, HOW_NUMBER, RECENT_AT, "not due: made at minute"},
    {ACME_SLOT_SCHED, HOW_NUMBER, RECENT_AT + 1, "not due: made at minute"},
    {ACME_SLOT_SCHED, HOW_NUMBER, RECENT_AT + 2, "not due: made at minute"},
    {ACME_SLOT_SCHED, HOW_NUMBER, RECENT_AT + 3, "not due: made at minute"},
    {ACME_SLOT_DEVICE, HOW_SECRET, ACME_DEVICE_SEED, "seed"},
    {ACME_SLOT_DEVICE, HOW_NUMBER, ACME_DEVICE_BOOTS, "boots"},
    {ACME_SLOT_DEVICE, HOW_TIME, ACME_DEVICE_FLOOR, "clock floor"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_DIRECTORY, "directory"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_NAME, "name"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_CONTACT, "contact"},
    {ACME_SLOT_CONFIG, HOW_NUMBER, ACME_PROVISION_TERMS, "terms agreed"},
    {ACME_SLOT_CONFIG, HOW_KEY_TYPE, ACME_PROVISION_KEY, "key type"},
    {ACME_SLOT_CONFIG, HOW_KEY_TYPE, ACME_PROVISION_ACCOUNT, "account key type"},
    {ACME_SLOT_CONFIG, HOW_ANCHOR, ACME_PROVISION_ANCHOR, "trust anchor"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_SNTP, "time server"},
    {ACME_SLOT_CONFIG, HOW_SECRET, ACME_PROVISION_EAB, "account binding"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_SERVER, "another server"},
    {ACME_SLOT_CONFIG, HOW_TEXT, ACME_PROVISION_STAGING, "staging server"},
    {ACME_SLOT_CONFIG, HOW_SECRET, ACME_PROVISION_SERVER_EAB, "its binding"},
    {ACME_SLOT_CONFIG, HOW_DNS, ACME_PROVISION_DNS, "DNS server"},
    {ACME_SLOT_CONFIG, HOW_SECRET, ACME_PROVISION_DNS_KEY, "DNS key"},
};

const char *dump_slot_name(uint8_t slot)
{
    static const char *const names[] = {"account", "ca_ledger", "order",  "cert_a", "cert_b",
                                        "sched",   "solver",    "device", "config"};
    static char other[16];

    if (slot >= 1 && slot <= ACME_SLOT_MAX)
        return names[slot - 1];
    (void)snprintf(other, sizeof other, "slot %u", slot);
    return other;
}

void dump_text(const struct dump *d, struct acme_slice text)
{
    fputc('"', d->out);
    for (size_t i = 0; i < text.len && i < SHOWN_MAX; i++) {
        uint8_t c = text.ptr[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            fprintf(d->out, "\\x%02x", c);
        else
            fputc(c, d->out);
    }
    fprintf(d->out, "\"%s", text.len > SHOWN_MAX ? "..." : "");
}

/* ---- one field ---- */

static void show_hex(const struct dump *d, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(d->out, "%02x", bytes[i]);
}

static void show_digest(const struct dump *d, struct acme_slice of)
{
    uint8_t digest[ACME_SHA256_SIZE];

    if (acme_sha256(of.ptr, of.len, digest) == ACME_OK)
        show_hex(d, digest, sizeof digest);
}

static void show_time(const struct dump *d, int64_t at)
{
    char text[ACME_TIME_TEXT];

    if (at == 0) {
        fprintf(d->out, "none");
        return;
    }
    acme_time_text(at, text);
    fprintf(d->out, "%s", text);
}

static void show_number(const struct dump *d, enum how how, const struct acme_field *field)
{
    static const char *const classes[] = {"none",    "connection", "validation",
                                          "refused", "operator",   "bug"};
    int64_t n = 0;

    if (!acme_field_i64(field, &n))
        fprintf(d->out, "%zu bytes, not a number", field->value.len);
    else if (how == HOW_TIME)
        show_time(d, n);
    else if (how == HOW_KEY_TYPE && n >= 0 && n <= UINT8_MAX)
        fprintf(d->out, "%s", n == 0 ? "default" : acme_key_type_name((enum acme_key_type)n));
    else if (how == HOW_KEY_HOME && (n == ACME_KEY_BYTES || n == ACME_KEY_DEVICE))
        fprintf(d->out, "%s", n == ACME_KEY_BYTES ? "here" : "a device");
    else if (how == HOW_CLASS && n >= 0 && n < (int64_t)(sizeof classes / sizeof classes[0]))
        fprintf(d->out, "%s", classes[n]);
    else if (how == HOW_ERROR && n >= INT16_MIN && n <= 0)
        fprintf(d->out, "%s (%s)", acme_err_name((int)n), acme_err_words((int)n));
    else if (how == HOW_PROBLEM && n >= 0 && n < ACME_PROBLEM_END_)
        fprintf(d->out, "%s", acme_problem_type_name((enum acme_problem_type)n));
    else
        fprintf(d->out, "%lld", (long long)n);
}

/* Its length, and what everybody may know of it. */
static void show_key(const struct dump *d, struct acme_slice der)
{
    char thumbprint[ACME_THUMBPRINT_TEXT];
    struct acme_key key;

    fprintf(d->out, "%zu bytes, secret", der.len);
    memset(&key, 0, sizeof key);
    if (acme_key_read(&key, der) == ACME_OK && acme_jws_thumbprint(&key, thumbprint) == ACME_OK)
        fprintf(d->out, "; public thumbprint %s", thumbprint);
    else
        fprintf(d->out, "; not a private key of ours");
    acme_key_wipe(&key);
}

static void show_certificate(const struct dump *d, struct acme_slice der)
{
    struct acme_cert_facts facts;

    fprintf(d->out, "%zu bytes, SHA-256 ", der.len);
    show_digest(d, der);
    if (acme_cert_facts(der, &facts) != ACME_OK) {
        fprintf(d->out, ", cannot be read");
        return;
    }
    fprintf(d->out, ", serial ");
    show_hex(d, facts.serial, facts.serial_len);
    fprintf(d->out, ", by ");
    dump_text(d, acme_slice_text(facts.issuer));
    fprintf(d->out, ", ");
    show_time(d, facts.not_before);
    fprintf(d->out, " to ");
    show_time(d, facts.not_after);
    fprintf(d->out, "%s", facts.not_after < d->now ? ", EXPIRED" : "");
}

static void show_chain(const struct dump *d, struct acme_slice packed)
{
    struct acme_chain chain = {packed};
    size_t count = acme_chain_count(&chain);

    fprintf(d->out, "%zu certificates, %zu bytes", count, packed.len);
    for (size_t i = 0; i < count; i++) {
        fprintf(d->out, "\n    %zu: ", i);
        show_certificate(d, acme_chain_at(&chain, i));
    }
}

/* type u8 | solver, NUL | identifier, NUL | token, NUL */
static void show_challenge(const struct dump *d, struct acme_slice value)
{
    static const char *const parts[] = {" solver ", " identifier ", " token "};

    if (value.len == 0)
        return;
    fprintf(d->out, "type %u", value.ptr[0]);
    value.ptr++;
    value.len--;
    for (int i = 0; i < 3 && value.len > 0; i++) {
        const uint8_t *end = memchr(value.ptr, 0, value.len);
        size_t len = end != NULL ? (size_t)(end - value.ptr) : value.len;
        fprintf(d->out, "%s", parts[i]);
        dump_text(d, acme_slice_of(value.ptr, len));
        len += end != NULL;
        value.ptr += len;
        value.len -= len;
    }
}

static struct acme_slice without_nul(struct acme_slice text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == 0)
        text.len--;
    return text;
}

static void show_dns(const struct dump *d, struct acme_slice value)
{
    struct dns01_2136_config config = {0};

    if (dns01_stored_read(&config, value) != ACME_OK)
        fputs("(cannot be read)", d->out);
    else
        fprintf(d->out, "%s:%u%s", config.server != NULL ? config.server : "(the zone's primary)",
                config.port != 0 ? config.port : 53u,
                config.only_primary ? ", which alone is asked" : "");
}

static void show_value(const struct dump *d, enum how how, const struct acme_field *field)
{
    switch (how) {
    case HOW_SECRET:
        fprintf(d->out, "%zu bytes, not shown", field->value.len);
        break;
    case HOW_TEXT:
        dump_text(d, without_nul(field->value));
        break;
    case HOW_HASH:
        show_hex(d, field->value.ptr, field->value.len < 64 ? field->value.len : 64);
        break;
    case HOW_KEY:
        show_key(d, field->value);
        break;
    case HOW_CHALLENGE:
        show_challenge(d, field->value);
        break;
    case HOW_DNS:
        show_dns(d, field->value);
        break;
    case HOW_ANCHOR:
        show_certificate(d, field->value);
        break;
    case HOW_CHAIN:
        show_chain(d, field->value);
        break;
    default:
        show_number(d, how, field);
        break;
    }
}

static void show_field(const struct dump *d, uint8_t slot, const struct acme_field *field)
{
    uint8_t as = slot == ACME_SLOT_CERT_B ? ACME_SLOT_CERT_A : slot;
    size_t i = 0, count = sizeof fields / sizeof fields[0];

    if (slot == ACME_SLOT_CA_LEDGER && field->tag >= SCHED_NOT_BEFORE &&
        field->tag <= SCHED_REFUSALS)
        as = ACME_SLOT_SCHED; /* newAccount's schedule */
    while (i < count && (fields[i].slot != as || fields[i].tag != field->tag))
        i++;
    if (i < count)
        fprintf(d->out, "  %-17s", fields[i].name);
    else
        fprintf(d->out, "  field %-11u", field->tag);
    show_value(d, i < count ? (enum how)fields[i].how : HOW_SECRET, field);
    fputc('\n', d->out);
}

/* ---- key and certificate ---- */

static void show_pair(struct dump *d, struct acme_slice key_der, struct acme_slice packed)
{
    static struct acme_name names[ACME_MAX_NAMES];
    const char *texts[ACME_MAX_NAMES];
    struct acme_chain chain = {packed};
    struct acme_cert_verdict verdict = {"it cannot be read", 0};
    struct acme_key key;
    size_t count = 0;
    int err;

    memset(&key, 0, sizeof key);
    err = acme_chain_count(&chain) > 0 ? acme_key_read(&key, key_der) : ACME_E_CERT;
    while (err == ACME_OK && count < ACME_MAX_NAMES &&
           acme_cert_san(acme_chain_at(&chain, 0), count, &names[count]) == ACME_OK) {
        texts[count] = names[count].text;
        count++;
    }
    if (err == ACME_OK)
        err = acme_cert_check(&chain, &key, texts, count, false, 0, 0, &verdict);
    acme_key_wipe(&key);
    for (size_t i = 0; i < count; i++) {
        fprintf(d->out, "  %-17s", "for");
        dump_text(d, acme_slice_text(texts[i]));
        fputc('\n', d->out);
    }
    fprintf(d->out, "  %-17s%s%s\n", "pair", err == ACME_OK ? "ok" : "BAD: ",
            err == ACME_OK       ? ""
            : err == ACME_E_CERT ? verdict.why
                                 : acme_err_words(err));
    d->damaged = d->damaged || err != ACME_OK;
}

/* ---- one record ---- */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void dump_record(struct dump *d, uint8_t slot, struct acme_slice data)
{
    struct acme_slice key = {NULL, 0}, chain = {NULL, 0};
    struct acme_record r;
    struct acme_field field;
    int err;

    if (slot == ACME_SLOT_SOLVER) {
        fprintf(d->out, "  %zu bytes of a solver, not shown\n", data.len);
        return;
    }
    if (data.len < ACME_RECORD_HEADER || memcmp(data.ptr, "ACME", 4) != 0) {
        fprintf(d->out, "  not a record: %zu bytes\n", data.len);
        d->damaged = true;
        return;
    }
    if (slot == 0)
        slot = data.ptr[4];
    err = acme_record_open(&r, data, slot);
    fprintf(d->out, "  record           %s, version %u, sequence %lu, length %lu, crc %s\n",
            dump_slot_name(data.ptr[4]), data.ptr[5], (unsigned long)get32(data.ptr + 8),
            (unsigned long)get32(data.ptr + 12),
            err == ACME_OK               ? "ok"
            : err == ACME_E_SLOT_VERSION ? "ok, of a newer version"
                                         : "BAD");
    if (err != ACME_OK) {
        d->damaged = true;
        return;
    }
    while (acme_record_next(&r, &field)) {
        show_field(d, slot, &field);
        if (slot == ACME_SLOT_CERT_A || slot == ACME_SLOT_CERT_B) {
            key = field.tag == CERT_KEY ? field.value : key;
            chain = field.tag == CERT_CHAIN ? field.value : chain;
        }
    }
    if (slot == ACME_SLOT_CERT_A || slot == ACME_SLOT_CERT_B)
        show_pair(d, key, chain);
}
