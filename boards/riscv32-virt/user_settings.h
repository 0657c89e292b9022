/* user_settings.h - how wolfSSL is built for riscv32-virt: everything that the agent can use
 *
 * P-256, P-384, RSA 2048 to 4096 for servers, accounts and certificates; AES-GCM and
 * ChaCha20-Poly1305; both sides of TLS.
 */
#ifndef USER_SETTINGS_H
#define USER_SETTINGS_H

#include "board_settings.h"

#define HAVE_CHACHA
#define HAVE_POLY1305
#define HAVE_ONE_TIME_AUTH
#define GCM_TABLE_4BIT

/* RSA keys of our own, too. */
#define WOLFSSL_KEY_GEN
#define WC_RSA_BLINDING
#define TFM_TIMING_RESISTANT

/* Arithmetic in C: sp_int for any number, SP code for the curves and for RSA. */
#define WOLFSSL_SP_MATH_ALL
#define SP_INT_BITS  4096
#define SP_WORD_SIZE 32
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_SP_384
#define WOLFSSL_SP_4096
#define WOLFSSL_SP_RISCV32 /* sp_int with mulhu in assembler */

#include "acme_wolfssl.h"

#endif
