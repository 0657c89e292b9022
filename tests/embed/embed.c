/* embed DIRECTORY-URL ROOTS.pem STATE-DIR HTTP-PORT NAME... */
#include <stdio.h>
#include <stdlib.h>

#include "acme_agent.h"
#include "http01.h"
#include "posix_slots.h"
#include "posix_sys.h"
#include "sockets_net.h"

static struct acme_agent agent; /* all the memory there is */
static struct http01 http01;
static struct sockets_net net;
static struct posix_slots slots;
static uint8_t io[ACME_IO_SIZE], record[ACME_IO_SIZE], roots[1 << 18];
static void *scratch[ACME_SCRATCH_SIZE / sizeof(void *)];
static bool changed = true; /* the certificate has to be loaded */

static void on_event(void *ctx, const struct acme_event *e)
{
    (void)ctx;
    changed |= e->type == ACME_EVENT_CERTIFICATE;
    fprintf(stderr, "%s %s: %s\n", acme_event_word(e->type), e->step, acme_err_words(e->err));
}

int main(int argc, char **argv)
{
    FILE *pem = argc > 5 ? fopen(argv[2], "r") : NULL;
    struct acme_slice trust = {roots, pem != NULL ? fread(roots, 1, sizeof roots, pem) : 0};
    struct acme_config config = {.directory_url = argv[1],
                                 .names = (const char *const *)(argv + 5),
                                 .names_count = (size_t)argc - 5,
                                 .anchors = {&trust, 1},
                                 .terms_agreed = true,
                                 .memory = {{io, sizeof io}, {(void *)scratch, sizeof scratch}}};
    if (trust.len == 0 || sockets_init(&net) != 0 || posix_slots_open(&slots, argv[3]) != 0)
        return 1;
    struct acme_slots store = posix_slots_ops(&slots);
    struct acme_port port = {&net,         &sockets_net_ops, &store,  posix_entropy,
                             posix_now_ms, posix_unix_time,  on_event};
    struct acme_solver *solver = http01_init(&http01, &port, NULL, (uint16_t)atoi(argv[4]));
    acme_crypto_seed_from(&port); /* wolfSSL's hooks belong to the process, so main sets them */
    acme_crypto_clock_from(&port);
    if (acme_agent_init(&agent, &config, &port, &solver, 1, NULL, NULL) != ACME_OK)
        return 1;
    for (;;) {
        struct acme_span room = {record, sizeof record};
        struct acme_certificate cert;
        uint32_t sleep_ms;
        acme_agent_poll(&agent, &sleep_ms); /* never waits; renews by itself, for years */
        if (changed && acme_agent_certificate(&agent, room, &cert) == ACME_OK)
            printf("%zu certificates and a key of %zu bytes, for a TLS server to load\n",
                   acme_chain_count(&cert.chain), cert.key.len);
        changed = false;
        fflush(stdout);
        sockets_wait(&net, sleep_ms);
    }
}
