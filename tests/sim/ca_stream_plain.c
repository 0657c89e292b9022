/* ca_stream_plain.c - the CA's side of no TLS, for the fast mode: see tls_plain.c
 *
 * The first byte says what the handshake would have said.
 */
#include "ca.h"

void ca_stream_open(struct ca *ca, struct ca_conn *c)
{
    static const struct {
        enum evil_id id;
        char letter;
    } verdicts[] = {{EVIL_TLS_TRUST, 't'},   {EVIL_TLS_NAME, 'n'},  {EVIL_TLS_DATE, 'd'},
                    {EVIL_TLS_VERSION, 'v'}, {EVIL_TLS_FAILS, 'x'}, {EVIL_TLS_STALLS, ' '},
                    {EVIL_TLS_NOT_YET, 'd'}, {EVIL_TLS_CUT, '\0'},  {EVIL_SRV_UNTRUSTED, 't'}};
    char letter = 'k';

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (evil_does(&ca->evil, verdicts[i].id))
            letter = verdicts[i].letter;
    }
    if (letter == '\0')
        sim_net_reset(ca->net, ca->node, c->sock);
    else if (letter != ' ')
        (void)sim_net_send(ca->net, ca->node, c->sock, &letter, 1);
    c->closing = letter != 'k' && letter != ' ';
    c->records = evil_does(&ca->evil, EVIL_TLS_RECORDS);
}

int ca_stream_send(struct ca *ca, struct ca_conn *c, const void *data, size_t len)
{
    if (c->records && len > 40)
        len = 1 + sim_world_below(ca->world, 40);
    return sim_net_send(ca->net, ca->node, c->sock, data, len);
}

int ca_stream_recv(struct ca *ca, struct ca_conn *c, void *buf, size_t cap)
{
    return sim_net_recv(ca->net, ca->node, c->sock, buf, cap);
}

/* An end that TLS would call a cut is a broken connection here. */
void ca_stream_end(struct ca *ca, struct ca_conn *c, bool goodbye)
{
    if (goodbye && c->no_notify)
        sim_net_reset(ca->net, ca->node, c->sock);
}

struct acme_slice ca_stream_anchor(void)
{
    return acme_slice_text("plain");
}

bool ca_stream_is_tls(void)
{
    return false;
}
