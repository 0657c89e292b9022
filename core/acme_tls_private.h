/* acme_tls_private.h - what both sides of TLS share: acme_tls.c and acme_tls_server.c */
#ifndef ACME_TLS_PRIVATE_H
#define ACME_TLS_PRIVATE_H

/* Limits a WOLFSSL_CTX to what acme_tls.h promises: versions, suites, curves. ACME_OK,
 * ACME_E_TLS_MEMORY; ACME_E_TLS: wolfSSL was built without TLS 1.2. */
int acme_tls_limit(void *ctx);

/* Sessions of a WOLFSSL_CTX read and write through the port: the ctx of wolfSSL_SetIOReadCtx and
 * wolfSSL_SetIOWriteCtx is their struct acme_tls_wire. */
void acme_tls_use_wire(void *ctx);

#endif
