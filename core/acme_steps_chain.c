/* Which of the CA's chains (RFC 8555 7.4.2): by the issuer at its end, or the shortest. A link
 * choice: the other one is acme_steps_nochain.c.
 *
 * There is one buffer, so a chain that was not taken is forgotten: candidates are fetched one after
 * another, and when the best is not the last one it is fetched once more. */
#include "acme_steps.h"

#include <string.h>

bool acme_pick_built_in(void)
{
    return true;
}

/* The alternates' URLs, as many as there is room for. */
static void pick_collect(struct acme_agent *a, const struct acme_reply *reply)
{
    struct acme_order_state *order = &a->order;
    char url[ACME_MAX_URL + 1];
    struct acme_slice link;
    int at;

    order->alternates_count = 0;
    for (size_t i = 0; order->alternates_count < ACME_MAX_ALTERNATES &&
                       acme_http_link(&reply->head, "alternate", i, &link);
         i++) {
        if (!acme_copy_text(url, sizeof url, link))
            continue;
        at = acme_order_keep_url(a, url, "an alternate chain");
        if (at > 0)
            order->alternates[order->alternates_count++] = (uint16_t)at;
    }
    a->note[0] = '\0'; /* what does not fit, or is not allowed, is as if it were not there */
}

static uint8_t pick_hex(char c)
{
    return (uint8_t)(c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : 16);
}

/* Is text the key identifier in hex, with or without colons? */
static bool pick_is_key(const char *text, const uint8_t *key, size_t len)
{
    size_t n = 0;

    for (; text[0] != '\0' && text[1] != '\0' && n < len; n++, text += text[2] == ':' ? 3 : 2) {
        if (pick_hex(text[0]) > 15 || pick_hex(text[1]) > 15 ||
            key[n] != (pick_hex(text[0]) << 4 | pick_hex(text[1])))
            return false;
    }
    return n == len && n > 0 && text[0] == '\0';
}

/* The last certificate says by whom it is issued: the root that the chain leads to. */
static bool pick_matches(const struct acme_agent *a, const struct acme_chain *chain)
{
    const char *wanted = a->config->preferred_chain;
    struct acme_cert_facts facts;

    memset(&facts, 0, sizeof facts);
    if (acme_cert_facts(acme_chain_at(chain, acme_chain_count(chain) - 1), &facts) != ACME_OK)
        return false;
    return strcmp(facts.issuer, wanted) == 0 ||
           pick_is_key(wanted, facts.authority_key, facts.authority_key_len);
}

/* The next candidate, or the best of all: true when that is the one at hand. */
static bool pick_next(struct acme_agent *a, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;

    next->row = ACME_ROW_CERT;
    if (order->chain_at < order->alternates_count) {
        order->chain_at++;
        return false;
    }
    order->chain_final = true;
    if (a->config->preferred_chain != NULL)
        acme_tell_default(a, "the CA's default chain is taken, none leads to",
                          a->config->preferred_chain);
    if (order->chain_at == order->chain_best)
        return true;
    order->chain_at = order->chain_best;
    return false;
}

bool acme_pick_chain(struct acme_agent *a, const struct acme_reply *reply,
                     const struct acme_chain *chain, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;
    bool broke =
        a->failure.err != ACME_OK && strcmp(a->failure.step, acme_rows[ACME_ROW_CERT].name) == 0;

    /* An alternate that broke the last run must not do so for ever. */
    if (order->chain_final || broke ||
        (a->config->preferred_chain == NULL && !a->config->shortest_chain))
        return true;
    if (order->chain_at == 0)
        pick_collect(a, reply);
    if (a->config->preferred_chain != NULL) {
        if (pick_matches(a, chain))
            return true;
    } else if (order->chain_at == 0 || chain->packed.len < order->chain_size) {
        order->chain_best = order->chain_at;
        order->chain_size = (uint32_t)chain->packed.len;
    }
    return pick_next(a, next);
}

bool acme_pick_skip(struct acme_agent *a, struct acme_next *next)
{
    struct acme_order_state *order = &a->order;

    if (order->chain_at == 0)
        return false;
    acme_tell_default(a, "an alternate chain cannot be used", a->note);
    if (order->chain_final)
        order->chain_at = order->chain_best = 0;
    else
        (void)pick_next(a, next);
    next->row = ACME_ROW_CERT;
    return true;
}

int refused_cert(struct acme_agent *a, const struct acme_problem *problem, struct acme_next *next)
{
    if (problem->http_status == 429 || problem->http_status >= 500 || !acme_pick_skip(a, next))
        return ACME_E_REFUSED;
    return ACME_OK;
}
