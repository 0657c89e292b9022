/* acme_board_config.h - the bounds of riscv32-virt: 1 MB of ROM, 512 KB of RAM */
#ifndef ACME_BOARD_CONFIG_H
#define ACME_BOARD_CONFIG_H

/* The agent (core/acme_config.h). */
#define ACME_MAX_NAMES          32
#define ACME_MAX_URL            512
#define ACME_MAX_ORDER_TEXT     16384
#define ACME_MAX_NONCE          256
#define ACME_MAX_DETAIL         512
#define ACME_IO_SIZE            24576
#define ACME_SCRATCH_SIZE       24576
#define ACME_MAX_CHAIN_CERTS    8
#define ACME_MAX_KEY_DER        2432 /* RSA 4096 */
#define ACME_MAX_DIRECTORY_TEXT 2048
#define ACME_MAX_HOST           253

/* The responder: a CA asks for each name from several places. */
#define HTTP01_MAX_CONNECTIONS 8
#define HTTP01_HEAD_MAX        1024
#ifdef BOARD_HTTPS /* which reads ClientHellos itself */
#define TLS_ALPN01_MAX_CONNECTIONS 1
#define TLS_ALPN01_HELLO_MAX       512
#else
#define TLS_ALPN01_MAX_CONNECTIONS 8
#define TLS_ALPN01_MAX_HANDSHAKES  2
#define TLS_ALPN01_HELLO_MAX       2048
#endif
#define DNS_SEEK_SERVERS 8
#define DNS_SEEK_MESSAGE 4096

#define BOARD_CONFIG_MAX 16384     /* bytes of a CONFIG record */
#define BOARD_CERT_MAX   16384     /* bytes of a CERT record; lent from the pool */
#define BOARD_CPU_HZ     10000000u /* the rate of board_cycles: mtime */

/* TLS memory, and where RSA keys are made. */
#ifndef BOARD_POOL_SIZE
#define BOARD_POOL_SIZE 131072
#endif

/* The part of the 32 MB flash that the slots may use: sectors of 256 KB. */
#define BOARD_FLASH_OFFSET  0u
#define BOARD_FLASH_SECTORS 8u

/* The time server when DHCP names none. */
#ifndef BOARD_SNTP_SERVER
#define BOARD_SNTP_SERVER "pool.ntp.org"
#endif

#endif
