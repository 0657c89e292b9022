/* acme_config.h - bounds: how large things may get, each with unit, range and reason
 *
 * The defaults are for hosts. A board puts its own values into acme_board_config.h and compiles
 * everything with -DACME_BOARD_CONFIG. What exceeds a bound at run time is ACME_E_SIZE, and the
 * failure names the bound by the words used here.
 */
#ifndef ACME_CONFIG_H
#define ACME_CONFIG_H

#ifdef ACME_BOARD_CONFIG
#include "acme_board_config.h"
#endif

/* Names (identifiers) in one certificate. 1..100 (Let's Encrypt's own bound). */
#ifndef ACME_MAX_NAMES
#define ACME_MAX_NAMES 100
#endif

/* Characters of a URL that the CA gives, without NUL. 128..2000. Let's Encrypt's are below 100. */
#ifndef ACME_MAX_URL
#define ACME_MAX_URL 1024
#endif

/* Bytes for the strings of one order, packed: per name the identifier, an authorization URL, a
 * challenge URL, a token and four NULs. About 230 a name at Let's Encrypt. Up to 65535 (16-bit
 * offsets). */
#ifndef ACME_MAX_ORDER_TEXT
#define ACME_MAX_ORDER_TEXT 57344
#endif

/* Bytes for the URLs of the directory, packed. About 450 at Let's Encrypt. */
#ifndef ACME_MAX_DIRECTORY_TEXT
#define ACME_MAX_DIRECTORY_TEXT 4096
#endif

/* Characters of a challenge token. 64..128. RFC 8555 8.1 demands 128 bits of entropy (22). */
#ifndef ACME_MAX_TOKEN
#define ACME_MAX_TOKEN 128
#endif

/* Characters of a Replay-Nonce. 64..512. */
#ifndef ACME_MAX_NONCE
#define ACME_MAX_NONCE 256
#endif

/* Bytes of the CA's own words that are kept of a problem document, with NUL. 64..2048. */
#ifndef ACME_MAX_DETAIL
#define ACME_MAX_DETAIL 512
#endif

/* Bytes of the recommended `io` buffer: the longest reply with its head (usually the chain as
 * PEM), and the longest request. 4096..1048576. */
#ifndef ACME_IO_SIZE
#define ACME_IO_SIZE 65536
#endif

/* Bytes of the recommended `scratch` buffer: the JSON tree while reading, the payload while
 * writing. 3072..1048576. An order of 100 names takes about 40 KB as a tree on 64 bits. */
#ifndef ACME_SCRATCH_SIZE
#define ACME_SCRATCH_SIZE 98304
#endif

/* Certificates in a chain, the leaf included. 2..16. */
#ifndef ACME_MAX_CHAIN_CERTS
#define ACME_MAX_CHAIN_CERTS 8
#endif

/* Bytes of an external account binding that is kept until the account is made: the CA's key
 * identifier and the key. 1..1024; one that is longer works too, but must be configured again for
 * each try. 1 where the configuration stays readable, as on boards. */
#ifndef ACME_MAX_EAB
#define ACME_MAX_EAB 512
#endif

/* Characters of a certificate's name in ARI (RFC 9773 4.1). 1..72; 56 hold the usual 20 bytes of
 * both its parts, 1 is for builds without ARI. A longer one goes without ARI. */
#ifndef ACME_MAX_CERT_ID
#define ACME_MAX_CERT_ID 72
#endif

/* Servers (CAs) that one agent may choose between, the staging CA not counted. 1..8; 1 is for
 * builds without that choice. About 20 bytes of RAM each. */
#ifndef ACME_MAX_SERVERS
#define ACME_MAX_SERVERS 5
#endif

/* Alternate chains (Link rel="alternate") that are looked at. 1..16. */
#ifndef ACME_MAX_ALTERNATES
#define ACME_MAX_ALTERNATES 8
#endif

/* Ways of proof that failed (a name, a type of challenge) that are remembered until a certificate
 * is there. 1..32; the oldest is forgotten. 5 bytes each of RAM and of the record; 1 is for builds
 * without that memory. */
#ifndef ACME_MAX_FAILED_WAYS
#define ACME_MAX_FAILED_WAYS 16
#endif

/* Bytes of a private key as DER. P-256: 121, P-384: 167, RSA 2048: 1193, RSA 4096: 2375. */
#ifndef ACME_MAX_KEY_DER
#define ACME_MAX_KEY_DER 2432
#endif

/* Characters of a host name in a URL, without NUL. 64..253. */
#ifndef ACME_MAX_HOST
#define ACME_MAX_HOST 253
#endif

#define ACME_MAX_NAME  253 /* characters of an identifier (RFC 1035 2.3.4) */
#define ACME_NAME_ROOM (ACME_MAX_NAME + 1)

#if ACME_MAX_NAMES < 1 || ACME_MAX_NAMES > 100
#error "ACME_MAX_NAMES must be 1..100"
#endif
#if ACME_MAX_URL < 128 || ACME_MAX_URL > 2000
#error "ACME_MAX_URL must be 128..2000"
#endif
#if ACME_MAX_ORDER_TEXT < ACME_MAX_NAMES * 160 || ACME_MAX_ORDER_TEXT > 65535
#error "ACME_MAX_ORDER_TEXT must hold 160 bytes for each of ACME_MAX_NAMES, and be below 65536"
#endif
#if ACME_MAX_DIRECTORY_TEXT < 384 || ACME_MAX_DIRECTORY_TEXT > 65535
#error "ACME_MAX_DIRECTORY_TEXT must be 384..65535"
#endif
#if ACME_MAX_TOKEN < 64 || ACME_MAX_TOKEN > 128
#error "ACME_MAX_TOKEN must be 64..128"
#endif
#if ACME_MAX_NONCE < 64 || ACME_MAX_NONCE > 512
#error "ACME_MAX_NONCE must be 64..512"
#endif
#if ACME_MAX_DETAIL < 64 || ACME_MAX_DETAIL > 2048
#error "ACME_MAX_DETAIL must be 64..2048"
#endif
#if ACME_IO_SIZE < 4096
#error "ACME_IO_SIZE must be at least 4096: a chain of three certificates as PEM"
#endif
#if ACME_SCRATCH_SIZE < 3072
#error "ACME_SCRATCH_SIZE must be at least 3072: the tree of a directory"
#endif
#if ACME_MAX_SERVERS < 1 || ACME_MAX_SERVERS > 8
#error "ACME_MAX_SERVERS must be 1..8"
#endif
#if ACME_MAX_FAILED_WAYS < 1 || ACME_MAX_FAILED_WAYS > 32
#error "ACME_MAX_FAILED_WAYS must be 1..32"
#endif
#if ACME_MAX_EAB < 1 || ACME_MAX_EAB > 1024
#error "ACME_MAX_EAB must be 1..1024"
#endif
#if ACME_MAX_KEY_DER < 128
#error "ACME_MAX_KEY_DER must hold at least a P-256 key (121 bytes)"
#endif

#define ACME_VERSION    "0.1.0"
#define ACME_USER_AGENT "lwacme/" ACME_VERSION

#endif
