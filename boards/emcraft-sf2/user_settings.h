/* user_settings.h - how wolfSSL is built for emcraft-sf2
 *
 * 256 KB of flash, 64 KB of RAM, Cortex-M3. TLS 1.2 and 1.3; P-256, P-384; RSA is verified up to
 * 4096 bits, never signed with. What each line costs is in README.md.
 */
#ifndef USER_SETTINGS_H
#define USER_SETTINGS_H

#include "board_settings.h"

/* TLS: less of it. The server side (BOARD_TLS_SERVER) is 14.4 KB. */
#define WOLFSSL_NO_SERVER_GROUPS_EXT
#define NO_HANDSHAKE_DONE_CB
#define ACME_TLS_SUITES_AS_BUILT /* all that is compiled in: ECDHE with AES-GCM */

/* Ciphers and hashes: AES-128/256-GCM; a 16 KB record in 66 ms (GCM_SMALL: 240 ms). */
#define GCM_WORD32
#define WOLFSSL_AES_SMALL_TABLES
#define WOLFSSL_AES_NO_UNROLL
#define WC_NO_CACHE_RESISTANT /* against who watches a cache: this processor has none for data */
#define USE_SLOW_SHA256
#define USE_SLOW_SHA512

/* Keys: SEC 1, P-256 of our own; the agent decodes PEM itself. */
#define NO_PKCS8
#define IGNORE_NETSCAPE_CERT_TYPE
#define NO_SIG_WRAPPER
#define WOLFSSL_NO_PEM
#define NO_CODING
#define ALT_ECC_SIZE
#define WOLFSSL_RSA_PUBLIC_ONLY
#define WOLFSSL_RSA_VERIFY_ONLY
#define WOLFSSL_RSA_VERIFY_INLINE
#define WC_NO_RSA_OAEP

/* Arithmetic: wolfSSL's assembler for Cortex-M, in its small form (the other is 78 KB larger). */
#define WOLFSSL_SP_MATH
#define WOLFSSL_SP_SMALL
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_HAVE_SP_RSA
#ifndef BOARD_NO_P384
#define WOLFSSL_SP_384
#endif
#define WOLFSSL_SP_4096
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_ARM_CORTEX_M_ASM
#define SP_WORD_SIZE 32

#include "acme_wolfssl.h"

#endif
