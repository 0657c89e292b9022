/* The addresses of a name, and who may issue for it, as the system's DNS servers tell. */
#include "doctor.h"

#include <string.h>

#include "acme_url.h"
#include "caa.h"
#include "dns_ask.h"

/* -- addresses -- */

static void address_text(const struct acme_slice *data, char *out)
{
    const uint8_t *b = data->ptr;
    struct acme_name name;
    char text[64];

    if (data->len == 4)
        snprintf(out, ACME_ADDR_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    else {
        snprintf(text, sizeof text, "%x:%x:%x:%x:%x:%x:%x:%x", b[0] << 8 | b[1], b[2] << 8 | b[3],
                 b[4] << 8 | b[5], b[6] << 8 | b[7], b[8] << 8 | b[9], b[10] << 8 | b[11],
                 b[12] << 8 | b[13], b[14] << 8 | b[15]);
        /* as the rest of the house writes it */
        snprintf(out, ACME_ADDR_TEXT, "%.45s",
                 acme_name_read(acme_slice_text(text), &name, NULL) == ACME_OK ? name.text : text);
    }
}

/* ACME_OK: what there is was added. */
static int add_addresses(struct doctor *d, const char *name, enum dns_type type,
                         char addresses[][ACME_ADDR_TEXT], size_t *count)
{
    struct dns_msg answer;
    struct dns_record record;
    int err = dns_ask(&d->port, NULL, 0, name, type, &answer);

    while (err == ACME_OK && dns_msg_find(&answer, type, &record)) {
        if (record.data.len == (type == DNS_A ? 4u : 16u) && *count < DOCTOR_ADDRESSES)
            address_text(&record.data, addresses[(*count)++]);
    }
    return err == ACME_OK && answer.broken ? ACME_E_REPLY : err;
}

static void tell_addresses(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT],
                           size_t count)
{
    char list[DOCTOR_ADDRESSES * ACME_ADDR_TEXT], first[60];
    const char *private = NULL;
    struct acme_buf b;

    acme_buf_init(&b, list, sizeof list);
    for (size_t i = 0; i < count; i++) {
        acme_buf_text(&b, i > 0 ? " " : "");
        acme_buf_text(&b, addresses[i]);
        if (private == NULL && (private = doctor_private(addresses[i])) != NULL)
            snprintf(first, sizeof first, "%s", addresses[i]);
    }
    if (!acme_buf_end(&b))
        list[0] = '\0';
    if (private != NULL)
        doctor_tell(d, DOCTOR_WARNING, 0, "addresses", name,
                    "fine for a CA of your own network; a public one needs public addresses alone",
                    "%s; %s is %s", list, first, private);
    else
        doctor_tell(d, DOCTOR_OK, 0, "addresses", name, NULL, "%s", list);
}

static size_t look_up(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT])
{
    size_t count = 0;
    int v6 = add_addresses(d, name, DNS_AAAA, addresses, &count);
    int v4 = add_addresses(d, name, DNS_A, addresses, &count);
    int err = v4 != ACME_OK ? v4 : v6;

    if (count > 0)
        tell_addresses(d, name, addresses, count);
    else if (err != ACME_OK)
        doctor_tell(d, DOCTOR_BAD, EXIT_LATER, "addresses", name,
                    "check /etc/resolv.conf, and that its servers answer over TCP",
                    "DNS does not answer: %s", acme_err_words(err));
    else
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "addresses", name,
                    "add an A or AAAA record that leads to this machine",
                    "it has no address in DNS, as seen from here");
    if (count > 0 && err != ACME_OK)
        doctor_tell(d, DOCTOR_WARNING, 0, "addresses", name, NULL, "of the %s no answer: %s",
                    v4 != ACME_OK ? "IPv4 addresses" : "IPv6 addresses", acme_err_words(err));
    return count;
}

/* -- CAA -- */

static void tell_verdict(struct doctor *d, const char *name, enum caa_verdict verdict,
                         const char *where, const char *issuers)
{
    static const struct {
        const char *words, *advice;
    } bad[] = {
        [CAA_ALLOWED] = {"", NULL},
        [CAA_ALLOWED_IF] = {"allows one account alone (accounturi), and ours is not made yet",
                            "put our account's URL there when it is made (lwacme account show)"},
        [CAA_OTHER_ACCOUNT] = {"allows another account alone (accounturi)",
                               "put our account's URL there (lwacme account show)"},
        [CAA_OTHER_METHOD] = {"does not allow http-01 (validationmethods)",
                              "add http-01 to validationmethods there"},
        [CAA_OTHER_CA] = {"does not allow this CA", "add an issue property for this CA there"},
        [CAA_CRITICAL] = {"has a critical property that CAs do not know",
                          "remove it, or its critical flag"},
        [CAA_BROKEN] = {"cannot be read, so CAs refuse", "mend the records there"},
    };

    if (verdict == CAA_ALLOWED)
        doctor_tell(d, DOCTOR_OK, 0, "caa", name, NULL, "allowed at %s: %s", where, issuers);
    else
        doctor_tell(d, verdict == CAA_ALLOWED_IF ? DOCTOR_WARNING : DOCTOR_BAD, EXIT_REFUSED, "caa",
                    name, bad[verdict].advice, "CAA at %s %s: %s", where, bad[verdict].words,
                    issuers);
}

/* The type that this name is proven with. */
static enum acme_challenge_type doctor_type(const struct doctor *d, bool wildcard)
{
    if (wildcard && options_takes(d->o, ACME_CHALLENGE_DNS01))
        return ACME_CHALLENGE_DNS01;
    return d->o->challenges_count > 0 ? d->o->challenges[0] : ACME_CHALLENGE_HTTP01;
}

static void judge_records(struct doctor *d, const char *name, const char *where,
                          const struct acme_slice *records, size_t count, bool broken)
{
    const char *identities[DOCTOR_IDENTITIES];
    struct caa_asker asker = {identities, d->ca->identities_count, name[0] == '*', d->ca->account,
                              acme_challenge_type_name(doctor_type(d, name[0] == '*'))};
    enum caa_verdict verdict;
    char text[500];
    struct acme_buf b;

    for (size_t i = 0; i < d->ca->identities_count; i++)
        identities[i] = d->ca->identities[i];
    acme_buf_init(&b, text, sizeof text);
    caa_issuers(&b, records, count <= CAA_RECORDS ? count : CAA_RECORDS);
    if (!acme_buf_end(&b))
        snprintf(text, sizeof text, "(a long list)");
    verdict = broken ? CAA_BROKEN : caa_judge(records, count, &asker);
    if (d->ca->identities_count == 0 && verdict < CAA_CRITICAL)
        doctor_tell(d, DOCTOR_WARNING, 0, "caa", name,
                    "look for the CA's domain in its documentation", "CAA at %s names %s; %s",
                    where, text,
                    d->ca->asked ? "the CA does not tell which domain it answers to"
                                 : "which domain the CA answers to is not known");
    else
        tell_verdict(d, name, verdict, where, text);
}

/* The name, then its parents, until there are records (RFC 8659 3). */
static void look_at_caa(struct doctor *d, const char *name)
{
    struct acme_slice records[CAA_RECORDS + 1];
    const char *at = name[0] == '*' ? name + 2 : name;
    struct dns_record record;
    struct dns_msg answer;
    size_t count;

    for (; at != NULL && *at != '\0'; at = strchr(at, '.'), at += at != NULL) {
        int err = dns_ask(&d->port, NULL, 0, at, DNS_CAA, &answer);
        count = 0;
        while (err == ACME_OK && count <= CAA_RECORDS && dns_msg_find(&answer, DNS_CAA, &record))
            records[count++] = record.data;
        if (err != ACME_OK) {
            doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "caa", name,
                        "ask the people who run this zone's servers: they must answer for type "
                        "CAA, if only with nothing",
                        "no answer for %s (%s), so CAs refuse", at, acme_err_words(err));
            return;
        }
        if (count > 0 || answer.broken) {
            for (d->ca = d->cas; d->ca < d->cas + d->cas_count; d->ca++)
                judge_records(d, name, at, records, count, answer.broken);
            d->ca = NULL;
            return;
        }
    }
    doctor_tell(d, DOCTOR_OK, 0, "caa", name, NULL, "no records: every CA may issue");
}

size_t doctor_dns(struct doctor *d, const char *name, char addresses[][ACME_ADDR_TEXT])
{
    const char *host = name[0] == '*' ? name + 2 : name;
    struct acme_name read;

    if (acme_name_read(acme_slice_text(host), &read, NULL) == ACME_OK && read.type == ACME_ID_IP) {
        snprintf(addresses[0], ACME_ADDR_TEXT, "%.45s", read.text);
        tell_addresses(d, name, addresses, 1);
        return 1;
    }
    look_at_caa(d, name);
    return look_up(d, host, addresses);
}
