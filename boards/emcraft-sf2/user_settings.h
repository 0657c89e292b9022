/* user_settings.h - how wolfSSL is built for emcraft-sf2
 *
 * 256 KB of flash, 64 KB of RAM, Cortex-M3. TLS 1.2 and 1.3; P-256, P-384; RSA is verified up to
 * 4096 bits, never signed with. What each line costs is in README.md.
 */
#ifndef USER_SETTINGS_H
#define USER_SETTINGS_H

/* The machine: no OS, no files, no sockets; memory from the fixed pool. */
#define WOLFSSL_GENERAL_ALIGNMENT 4
#define SIZEOF_LONG               4
#define SIZEOF_LONG_LONG          8
#define SINGLE_THREADED
#define NO_FILESYSTEM
#define NO_WRITEV
#define NO_MAIN_DRIVER
#define NO_DEV_RANDOM
#define WOLFSSL_USER_IO
#define WOLFSSL_NO_SOCK
#define WOLFSSL_IGNORE_FILE_WARN
#define NO_ERROR_STRINGS
#define XMALLOC_USER
#define WOLFSSL_SMALL_STACK /* 3 KB instead of 14.7 KB */

/* wolfSSL writes IP addresses with snprintf; newlib's would bring malloc along. */
#include "board_print.h"
#define XSNPRINTF board_snprintf

/* Time: the board's clock. */
#include <time.h>
#define TIME_OVERRIDES
#define HAVE_TIME_T_TYPE
#define HAVE_TM_TYPE
#define XTIME   board_wolfssl_time /* object-like: wolfSSL declares both as functions */
#define XGMTIME board_wolfssl_gmtime
#define USER_TICKS

/* Random numbers: board_rng, and nothing else. It is a generator on SHA-256 of its own (board_rng.h),
 * and wolfCrypt's Hash_DRBG behind it would add 2.8 KB and no strength. */
int board_wolfssl_random(unsigned char *out, unsigned len);
#define CUSTOM_RAND_GENERATE_BLOCK board_wolfssl_random

/* TLS. */
#define WOLFSSL_TLS13
#define NO_OLD_TLS
#define WOLFSSL_AEAD_ONLY
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_SERVER_RENEGOTIATION_INFO /* OpenSSL 3 insists on it in TLS 1.2 */
#define HAVE_SNI
#define HAVE_HKDF
#define NO_SESSION_CACHE
#define NO_PSK
#define NO_WOLFSSL_DIR
#define WOLFSSL_NO_CLIENT_AUTH
#define WOLFSSL_NO_SERVER_GROUPS_EXT
#define NO_HANDSHAKE_DONE_CB
#define NO_WOLFSSL_CM_VERIFY    /* no callback that may overrule a failed check */
#define ACME_TLS_SUITES_AS_BUILT /* all that is compiled in: ECDHE with AES-GCM */
#define WOLFSSL_IP_ALT_NAME
#define WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY
#define WOLFSSL_MIN_RSA_BITS 2048
#define WOLFSSL_MIN_ECC_BITS 256
#ifndef BOARD_TLS_SERVER /* the HTTPS server of the board, and tls-alpn-01: 14.4 KB */
#define NO_WOLFSSL_SERVER
#endif

/* Ciphers and hashes: AES-128/256-GCM; a 16 KB record in 66 ms (GCM_SMALL: 240 ms). */
#define HAVE_AESGCM
#define GCM_WORD32
#define NO_AES_CBC
#define NO_AES_192
#define WOLFSSL_AES_SMALL_TABLES
#define WOLFSSL_AES_NO_UNROLL
#define WC_NO_CACHE_RESISTANT /* against who watches a cache: this processor has none for data */
#define USE_SLOW_SHA256
#define USE_SLOW_SHA512
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define WOLFSSL_NOSHA512_224
#define WOLFSSL_NOSHA512_256
#define NO_SHA
#define NO_MD4
#define NO_MD5
#define NO_RC4
#define NO_DES3
#define NO_DSA
#define NO_DH
#define NO_PWDBASED
#define NO_PKCS12
#define NO_PKCS8 /* keys are SEC 1 */
#define NO_ASN_CRYPT
#define IGNORE_NETSCAPE_CERT_TYPE
#define NO_CHECK_PRIVATE_KEY
#define NO_SIG_WRAPPER
#define WOLFSSL_NO_PEM /* the agent decodes PEM itself */
#define NO_CODING

/* Keys. */
#define HAVE_ECC
#define ECC_USER_CURVES
#define HAVE_ECC384
#define ECC_MIN_KEY_SZ 256
#define ECC_TIMING_RESISTANT
#define ALT_ECC_SIZE
#define WOLFSSL_ECDSA_DETERMINISTIC_K
#define WC_RSA_PSS
#define RSA_MIN_SIZE 2048
#define WOLFSSL_RSA_PUBLIC_ONLY
#define WOLFSSL_RSA_VERIFY_ONLY
#define WOLFSSL_RSA_VERIFY_INLINE
#define WC_NO_RSA_OAEP

/* Arithmetic: wolfSSL's assembler for Cortex-M, in its small form (the other is 78 KB larger). */
#define WOLFSSL_SP_MATH
#define WOLFSSL_SP_SMALL
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_SP_384
#define WOLFSSL_SP_4096
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_ARM_CORTEX_M_ASM
#define SP_WORD_SIZE 32

#include "acme_wolfssl.h"

#endif
