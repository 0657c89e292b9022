/* lwacme doctor: what can be known before any CA is asked for a certificate. */
#include "doctor.h"

#include <stdarg.h>
#include <string.h>

#include "posix_sys.h"

static struct doctor doctor;

/* What comes from the network, from a file or from a process is anybody's. */
static void make_safe(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || (unsigned char)*text >= 127)
            *text = '?';
    }
}

static void tell_json(enum doctor_level level, int status, const char *check, const char *name,
                      const char *text, const char *advice)
{
    static const char *const levels[] = {"ok", "warning", "bad"};
    uint8_t room[4096];
    struct acme_buf b;

    acme_buf_init(&b, room, sizeof room);
    acme_buf_text(&b, "{\"v\":1");
    acme_json_put_text(&b, "event", "finding");
    acme_json_put_text(&b, "check", check);
    acme_json_put_text(&b, "level", levels[level]);
    if (name != NULL)
        acme_json_put_text(&b, "name", name);
    acme_json_put_text(&b, "words", text);
    if (advice != NULL)
        acme_json_put_text(&b, "do", advice);
    if (level == DOCTOR_BAD)
        acme_json_put_number(&b, "exit", status);
    show_json(&b);
}

void doctor_tell(struct doctor *d, enum doctor_level level, int status, const char *check,
                 const char *name, const char *advice, const char *format, ...)
{
    static const char *const levels[] = {"ok  ", "warn", "BAD "};
    char text[1200];
    size_t len = 0;
    va_list list;

    /* There is another one to turn to. */
    if (d->ca != NULL && d->ca != d->cas && level == DOCTOR_BAD)
        level = DOCTOR_WARNING;
    if (d->ca != NULL && d->cas_count > 1)
        len = (size_t)snprintf(text, sizeof text, "%.300s: ", d->ca->url);
    va_start(list, format);
    vsnprintf(text + len, sizeof text - len, format, list);
    va_end(list);
    make_safe(text);
    if (level == DOCTOR_BAD && status > 0 && status < DOCTOR_STATUSES)
        d->found[status]++;
    if (d->o->json) {
        tell_json(level, status, check, name, text, advice);
        return;
    }
    if (d->o->quiet && level == DOCTOR_OK)
        return;
    printf("%s  %-9s %s%s%s\n", levels[level], check, name != NULL ? name : "",
           name != NULL ? ": " : "", text);
    if (advice != NULL)
        printf("      %-9s %s\n", "do", advice);
}

bool doctor_takes_ports(const struct options *o)
{
    return options_takes(o, ACME_CHALLENGE_HTTP01) || options_takes(o, ACME_CHALLENGE_TLSALPN01);
}

/* What can be known of the ways in which this name could be proved. */
static void look_at_name(struct doctor *d, const char *name, bool http, bool tls, bool key)
{
    static char addresses[DOCTOR_ADDRESSES][ACME_ADDR_TEXT];
    size_t count = doctor_dns(d, name, addresses);
    bool wildcard = name[0] == '*', dns = options_takes(d->o, ACME_CHALLENGE_DNS01);
    struct acme_name read;
    bool address =
        acme_name_read(acme_slice_text(name), &read, NULL) == ACME_OK && read.type == ACME_ID_IP;

    if (wildcard && !dns)
        doctor_tell(d, DOCTOR_BAD, EXIT_SOLVER, "reach", name,
                    "give single names, or use --challenge dns-01", "%s cannot prove a wildcard",
                    d->o->challenges_count > 0 ? acme_challenge_type_name(d->o->challenges[0])
                                               : "http-01");
    if (address && !doctor_takes_ports(d->o))
        doctor_tell(d, DOCTOR_BAD, EXIT_SOLVER, "reach", name,
                    "add --challenge http-01 or tls-alpn-01", "dns-01 cannot prove an address");
    if (key && !address)
        doctor_dns01(d, name);
    if (http && count > 0 && !wildcard)
        doctor_reach(d, name, addresses, count);
    if (tls && count > 0 && !wildcard)
        doctor_tls_reach(d, name, addresses, count);
}

static void look_at_names(struct doctor *d)
{
    const struct options *o = d->o;
    bool http = options_takes(o, ACME_CHALLENGE_HTTP01) && doctor_port(d);
    bool tls = options_takes(o, ACME_CHALLENGE_TLSALPN01) && doctor_tls_port(d);
    bool key = options_takes(o, ACME_CHALLENGE_DNS01) && doctor_dns01_key(d);

    for (size_t i = 0; i < o->names_count; i++)
        look_at_name(d, o->names[i], http, tls, key);
    if (http)
        doctor_port_end(d);
    doctor_dns01_end();
}

static void list_cas(struct doctor *d)
{
    const struct options *o = d->o;

    d->cas[d->cas_count++].url = o->server;
    for (size_t i = 0; i + 1 < o->servers_count; i++)
        d->cas[d->cas_count++].url = o->more_servers[i].url;
    if (o->staging_server != NULL)
        d->cas[d->cas_count++].url = o->staging_server;
}

int doctor_run(const struct options *o)
{
    static const int order[] = {EXIT_TRUST, EXIT_LOCAL, EXIT_SOLVER, EXIT_REFUSED, EXIT_LATER};
    struct doctor *d = &doctor;

    memset(d, 0, sizeof *d);
    d->o = o;
    if (sockets_init(&d->net) != ACME_OK)
        return EXIT_LOCAL;
    d->net.lookup_ms = d->net.connect_ms = 10000;
    d->port.ctx = d;
    d->port.net = &sockets_net_ops;
    d->port.entropy = posix_entropy;
    d->port.now_ms = posix_now_ms;
    d->port.unix_time = posix_unix_time;
    acme_crypto_seed_from(&d->port);
    acme_crypto_clock_from(&d->port);
    list_cas(d);
    doctor_store(d);
    for (d->ca = d->cas; d->ca < d->cas + d->cas_count; d->ca++)
        doctor_ca(d);
    d->ca = NULL;
    look_at_names(d);
    sockets_down(&d->net);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (d->found[order[i]] > 0)
            return order[i];
    }
    return EXIT_DONE;
}
