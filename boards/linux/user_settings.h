/* user_settings.h - how wolfSSL is built for Linux hosts
 *
 * What lwacme cannot do without, and what it forbids, is checked by core/acme_wolfssl.h. This page
 * chooses the rest: speed on x86-64, RSA to 4096 bits, both sides of TLS, no files, no sockets.
 */
#ifndef USER_SETTINGS_H
#define USER_SETTINGS_H

/* The machine. Big-endian hosts are told apart here: wolfSSL assumes little-endian. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BIG_ENDIAN_ORDER
#endif
#define SIZEOF_LONG      __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#ifdef __SIZEOF_INT128__
#define HAVE___UINT128_T
#endif
#define SINGLE_THREADED /* the agent runs in one thread */
#define NO_FILESYSTEM   /* the tool reads files, wolfSSL gets bytes */
#define WOLFSSL_USER_IO /* bytes move through the port */
#define NO_WRITEV
#define NO_MAIN_DRIVER
#define NO_ERROR_STRINGS /* core has its own words */
#define WOLFSSL_IGNORE_FILE_WARN

/* Entropy: only the seed callback, which the agent points at its port. */
#define WC_RNG_SEED_CB
#define NO_DEV_RANDOM
#define HAVE_HASHDRBG
/* wolfSSL's own seed function has to exist; it fails, so nothing can come from it. */
#define CUSTOM_RAND_GENERATE_SEED(output, size) ((void)(output), (void)(size), -1)

/* TLS 1.2 and 1.3, ephemeral ECDH, AEAD. The server side serves tls-alpn-01 and the tests. */
#define WOLFSSL_TLS13
#define NO_OLD_TLS
#define WOLFSSL_AEAD_ONLY
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_SERVER_RENEGOTIATION_INFO /* OpenSSL 3 insists on it in TLS 1.2 */
#define HAVE_SNI
#define HAVE_ALPN
#define HAVE_HKDF
#define NO_SESSION_CACHE /* one connection for a whole issuance: nothing to resume */
#define NO_PSK
#define WOLFSSL_IP_ALT_NAME
#define WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY
#define WOLFSSL_MIN_RSA_BITS 2048
#define WOLFSSL_MIN_ECC_BITS 256

/* Ciphers and hashes. */
#define HAVE_AESGCM
#define NO_AES_CBC
#define NO_AES_192
#define HAVE_CHACHA
#define HAVE_POLY1305
#define HAVE_ONE_TIME_AUTH
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define NO_SHA
#define NO_MD4
#define NO_MD5
#define NO_RC4
#define NO_DES3
#define NO_DSA
#define NO_DH
#define NO_PWDBASED
#define NO_PKCS12
#define NO_CHECK_PRIVATE_KEY /* core compares the public keys itself */

/* Keys: P-256, P-384, RSA 2048 to 4096. */
#define HAVE_ECC
#define ECC_USER_CURVES /* names the curves: P-256 (always), and those that follow */
#define HAVE_ECC384
#define ECC_MIN_KEY_SZ 256
#define ECC_SHAMIR
#define ECC_TIMING_RESISTANT
#define TFM_TIMING_RESISTANT
#define WOLFSSL_ECDSA_DETERMINISTIC_K
#define WOLFSSL_ECDSA_SET_K /* see acme_wolfssl.h */
#define WOLFSSL_KEY_GEN
#define WC_RSA_BLINDING
#define WC_RSA_PSS
#define RSA_MIN_SIZE 2048

/* Arithmetic: sp_int for any number, and over it code written out for the sizes that matter (SP).
 * The small binary has no such code for RSA, and no large tables for the curves. */
#define WOLFSSL_SP_MATH_ALL
#define SP_INT_BITS 4096
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_SP_384
#ifdef ACME_SMALL_BINARY
#define WOLFSSL_SP_SMALL
#define WOLFSSL_SP_NO_2048
#define WOLFSSL_SP_NO_3072
#else
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_SP_4096
#endif

/* x86-64: wolfSSL's assembler, which asks the processor at run time what it can do. In the small
 * binary only the curves have it, because an issuance is ten of their signatures, while it
 * encrypts and hashes no more than some 50 KB. */
#if defined(__x86_64__) && !defined(ACME_NO_ASM)
#ifndef WOLFSSL_X86_64_BUILD /* the assembler does not read this page: also on its command line */
#define WOLFSSL_X86_64_BUILD
#endif
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_X86_64_ASM
#ifndef ACME_SMALL_BINARY
#define WOLFSSL_AESNI
#define USE_INTEL_SPEEDUP
#endif
#endif

#include "acme_wolfssl.h"

#endif
