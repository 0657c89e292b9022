/* The zone where dns-01 puts its records: where it is, and whether its server takes our key. Only
 * questions are asked. */
#include "doctor.h"

#include <string.h>

#include "dns_ask.h"
#include "posix_sys.h"
#include "tsig.h"

static struct zone {
    struct tsig tsig;
    struct dns01_2136_config config;
    char name[DNS_NAME_ROOM]; /* of the record, where aliases have led */
    char zone[DNS_NAME_ROOM], primary[DNS_NAME_ROOM];
    const char *server; /* that is to be changed */
} z;

static uint16_t port_of(uint16_t port)
{
    return port != 0 ? port : 53;
}

/* -- questions -- */

/* One question to one server, signed if a key is given. *why, if that is not NULL: what is wrong
 * with the answer's signature, or NULL. */
static int ask_at(struct doctor *d, const char *server, uint16_t port, const char *name,
                  enum dns_type type, const struct dns_tsig_key *key, struct dns_msg *reply,
                  const char **why)
{
    uint8_t question[600];
    struct dns_tsig_asked asked;
    struct acme_slice message;
    struct acme_buf b;
    int64_t now = 0, theirs = 0;
    const char *judged = NULL;
    uint16_t id = 0;
    unsigned error = 0;
    int err;

    (void)posix_entropy(NULL, (uint8_t *)&id, sizeof id);
    acme_buf_init(&b, question, sizeof question);
    dns_msg_begin(&b, id, DNS_QUERY);
    dns_msg_ask(&b, name, type);
    err = key != NULL ? posix_unix_time(NULL, &now) : ACME_OK;
    if (err == ACME_OK && key != NULL)
        err = dns_tsig_sign(&b, key, now, &asked);
    if (err == ACME_OK && !dns_msg_end(&b))
        err = ACME_E_NAME;
    if (err == ACME_OK)
        err = dns_talk(&d->port, server, port, &b, &message);
    if (err == ACME_OK)
        err = dns_msg_open(reply, message, id, DNS_QUERY, name, type);
    if (err == ACME_OK && key != NULL)
        err = dns_tsig_check(key, message, now, &asked, &error, &theirs, &judged);
    if (why != NULL)
        *why = judged;
    return err;
}

/* As the solver does: of the given server all, else of the system's. */
static int ask_soa(struct doctor *d, const char *name, struct dns_msg *reply)
{
    if (z.config.server == NULL)
        return dns_ask(&d->port, NULL, 0, name, DNS_SOA, reply);
    return ask_at(d, z.config.server, port_of(z.config.port), name, DNS_SOA, NULL, reply, NULL);
}

/* -- the zone -- */

/* What an answer to a SOA question says: 1 the zone is known, 2 an alias leads to z.name, 0 no. */
static int read_soa(struct dns_msg *reply, const char *asked)
{
    struct dns_record record;
    char target[DNS_NAME_ROOM];

    while (dns_msg_next(reply, &record)) {
        if (record.type == DNS_CNAME && record.section == DNS_ANSWER && asked == z.name &&
            strcmp(record.name, asked) == 0 &&
            dns_msg_name(reply->message, record.data_at, target) != 0) {
            memcpy(z.name, target, sizeof z.name);
            return 2;
        }
        if (record.type != DNS_SOA || record.section == DNS_ADDITIONAL ||
            !dns_msg_within(asked, record.name) ||
            dns_msg_name(reply->message, record.data_at, z.primary) == 0)
            continue;
        memcpy(z.zone, record.name, sizeof z.zone);
        return 1;
    }
    return 0;
}

static bool find_zone(struct doctor *d, const char *name)
{
    const char *asked = z.name, *from = z.config.server != NULL ? z.config.server : "DNS";
    struct dns_msg reply;
    char before[DNS_NAME_ROOM];
    int err, aliases = 0, found = 0;

    while (found != 1 && asked != NULL && *asked != '\0') {
        memcpy(before, z.name, sizeof before);
        err = ask_soa(d, asked, &reply);
        if (err != ACME_OK) {
            doctor_tell(d, DOCTOR_BAD, EXIT_LATER, "zone", name,
                        "see that this machine reaches it over TCP (--dns-server)",
                        "%s does not answer for %s: %s", from, asked, acme_err_words(err));
            return false;
        }
        found =
            reply.rcode == DNS_NOERROR || reply.rcode == DNS_NXDOMAIN ? read_soa(&reply, asked) : 0;
        if (found == 2) {
            doctor_tell(d, DOCTOR_OK, 0, "zone", name, NULL, "%s is an alias (CNAME) of %s", before,
                        z.name);
            asked = ++aliases <= DNS_SEEK_ALIASES ? z.name : NULL;
        } else if (found == 0) {
            asked = strchr(asked, '.');
            asked += asked != NULL;
        }
    }
    if (found != 1)
        doctor_tell(d, DOCTOR_BAD, EXIT_REFUSED, "zone", name,
                    "give the server that has the zone (--dns-server), or delegate "
                    "_acme-challenge to a zone of yours by a CNAME",
                    "%s knows no zone of %s", from, z.name);
    return found == 1;
}

/* -- its servers -- */

/* All of them must show the record before the CA is told. */
static void look_at_servers(struct doctor *d, const char *name)
{
    char servers[DNS_SEEK_SERVERS][DNS_NAME_ROOM];
    struct dns_record record;
    struct dns_msg reply;
    size_t count = 0;

    if (d->o->dns_only_primary ||
        ask_at(d, z.server, port_of(z.config.port), z.zone, DNS_NS, NULL, &reply, NULL) != ACME_OK)
        return;
    while (count < DNS_SEEK_SERVERS && dns_msg_find(&reply, DNS_NS, &record)) {
        if (dns_msg_name(reply.message, record.data_at, servers[count]) != 0)
            count++;
    }
    for (size_t i = 0; i < count; i++) {
        int err =
            ask_at(d, servers[i], port_of(z.config.ns_port), z.zone, DNS_SOA, NULL, &reply, NULL);
        if (err != ACME_OK || reply.rcode != DNS_NOERROR)
            doctor_tell(d, DOCTOR_BAD, EXIT_LATER, "zone", name,
                        "all servers of the zone are asked for the record over TCP; if this one "
                        "is not to be reached from here: --dns-only-primary",
                        "%s, a server of %s, does not answer for it: %s", servers[i], z.zone,
                        err != ACME_OK ? acme_err_words(err) : dns_msg_refusal(reply.rcode));
    }
}

static void look_at_key(struct doctor *d, const char *name)
{
    const struct dns_tsig_key *key = &z.tsig.key;
    const char *why = NULL;
    struct dns_msg reply;
    int err = ask_at(d, z.server, port_of(z.config.port), z.zone, DNS_SOA, key, &reply, &why);

    if (err == ACME_OK && reply.rcode == DNS_NOERROR)
        doctor_tell(d, DOCTOR_OK, 0, "key", name, NULL,
                    "%s takes the key %s; that this key may change %s shows only when it is tried",
                    z.server, key->name, z.name);
    else if (why != NULL)
        doctor_tell(d, DOCTOR_BAD, EXIT_SOLVER, "key", name,
                    "name, algorithm and secret must be the same here and there, and the clocks "
                    "within five minutes",
                    "%s does not take the key %s: %s", z.server, key->name, why);
    else
        doctor_tell(d, DOCTOR_BAD, err == ACME_OK ? EXIT_SOLVER : EXIT_LATER, "key", name,
                    "see that it is the server of this zone, and reached over TCP (--dns-server)",
                    "%s, asked with the key %s about %s: %s", z.server, key->name, z.zone,
                    err == ACME_OK ? dns_msg_refusal(reply.rcode) : acme_err_words(err));
}

bool doctor_dns01_key(struct doctor *d)
{
    const struct options *o = d->o;

    memset(&z, 0, sizeof z);
    if (o->tsig_key_file == NULL)
        return false;
    if (tsig_read(&z.tsig, o->tsig_key_file) != 0) {
        doctor_tell(d, DOCTOR_BAD, EXIT_LOCAL, "key", NULL, NULL, "--tsig-key-file %s", z.tsig.why);
        return false;
    }
    if (o->dns_server != NULL)
        (void)tsig_server(&z.tsig, o->dns_server, &z.config);
    return true;
}

void doctor_dns01(struct doctor *d, const char *name)
{
    const char *host = name[0] == '*' ? name + 2 : name;

    if ((size_t)snprintf(z.name, sizeof z.name, "_acme-challenge.%s", host) >= sizeof z.name) {
        doctor_tell(d, DOCTOR_BAD, EXIT_SOLVER, "zone", name, NULL,
                    "too long for _acme-challenge before it");
        return;
    }
    if (!find_zone(d, name))
        return;
    z.server = z.config.server != NULL ? z.config.server : z.primary;
    doctor_tell(d, DOCTOR_OK, 0, "zone", name, NULL,
                "%s is in the zone %s, whose server %s is asked", z.name, z.zone, z.server);
    look_at_key(d, name);
    look_at_servers(d, name);
}

void doctor_dns01_end(void)
{
    dns_tsig_key_wipe(&z.tsig.key);
}
