/* board_settings.h - what every board's user_settings.h begins with: wolfSSL without an OS
 *
 * Memory, hour, random numbers and printing come from boards/common. TLS is 1.2 and 1.3 and nothing
 * obsolete. What is left to the board: arithmetic, ciphers, RSA or not, and "acme_wolfssl.h" last.
 */
#ifndef BOARD_SETTINGS_H
#define BOARD_SETTINGS_H

/* The machine: 32 bits, no OS, no files, no sockets; memory from the fixed pool. */
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
#define WOLFSSL_SMALL_STACK

/* wolfSSL writes IP addresses with snprintf; the C library's would bring malloc along. */
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

/* Random numbers: wolfCrypt's Hash_DRBG, seeded by the port's entropy through the seed callback,
 * and nothing else. */
#define HAVE_HASHDRBG
#define WC_RNG_SEED_CB
#define CUSTOM_RAND_GENERATE_SEED(output, size) ((void)(output), (void)(size), -1)

/* TLS. */
#define WOLFSSL_TLS13
#define NO_OLD_TLS
#define WOLFSSL_AEAD_ONLY
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_SERVER_RENEGOTIATION_INFO /* OpenSSL 3 insists on it in TLS 1.2 */
#define HAVE_SNI
#ifdef BOARD_TLS_ALPN
#define HAVE_ALPN
#endif
#define HAVE_HKDF
#define NO_SESSION_CACHE
#define NO_PSK
#define NO_WOLFSSL_DIR
#define WOLFSSL_NO_CLIENT_AUTH
#define WOLFSSL_IP_ALT_NAME
#define WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY
#define WOLFSSL_MIN_RSA_BITS 2048
#define WOLFSSL_MIN_ECC_BITS 256
#ifndef BOARD_TLS_SERVER
#define NO_WOLFSSL_SERVER
#endif

/* Hashes and ciphers that everybody has; nothing that is broken. */
#define HAVE_AESGCM
#define NO_AES_CBC
#define NO_AES_192
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
#define NO_CHECK_PRIVATE_KEY /* core compares the public keys itself */

/* Keys. */
#define HAVE_ECC
#define ECC_USER_CURVES
#ifndef BOARD_NO_P384 /* no root of the public CAs and few servers would be left */
#define HAVE_ECC384
#endif
#define ECC_MIN_KEY_SZ 256
#define ECC_TIMING_RESISTANT
#define WOLFSSL_ECDSA_DETERMINISTIC_K
#define WOLFSSL_ECDSA_SET_K /* see acme_wolfssl.h */
#define WC_RSA_PSS
#define RSA_MIN_SIZE 2048

#endif
