/* acme_board_config.h - the bounds of emcraft-sf2: 256 KB of flash, 64 KB of RAM in all */
#ifndef ACME_BOARD_CONFIG_H
#define ACME_BOARD_CONFIG_H

/* The agent (core/acme_config.h). */
#define ACME_MAX_NAMES          4
#define ACME_MAX_URL            192
#define ACME_MAX_ORDER_TEXT     1536
#define ACME_MAX_TOKEN          64
#define EXTERNAL_LINE_MAX       2560 /* with tokens of 64: less than the default */
#define ACME_MAX_NONCE          96
#define ACME_MAX_DETAIL         192
#define ACME_IO_SIZE            6144
#define ACME_SCRATCH_SIZE       3584
#define ACME_MAX_CHAIN_CERTS    6
#define ACME_MAX_KEY_DER        128
#define ACME_MAX_ALTERNATES     2
#define ACME_MAX_EAB            1 /* the CONFIG record keeps it */
#define ACME_MAX_DIRECTORY_TEXT 640
#define ACME_MAX_HOST           127

/* The responder: a CA asks from several places, the others queue. */
#define HTTP01_MAX_CONNECTIONS 3
#define HTTP01_HEAD_MAX        640
#define HTTP01_LINE_MAX        256
/* tls-alpn-01: with the HTTPS server, which reads ClientHellos itself, nothing but certificates. */
#ifdef BOARD_HTTPS
#define TLS_ALPN01_MAX_CONNECTIONS 1
#define TLS_ALPN01_HELLO_MAX       512
#else
#define TLS_ALPN01_MAX_CONNECTIONS 2 /* the others queue in lwIP */
#define TLS_ALPN01_MAX_HANDSHAKES  1
#define TLS_ALPN01_HELLO_MAX       1792
#endif
/* dns-01: the servers of a zone, and what they answer. */
#define DNS_SEEK_SERVERS 4
#define DNS_SEEK_MESSAGE 1024

#define BOARD_CONFIG_MAX 2560 /* bytes of a CONFIG record: two roots */
#define BOARD_CERT_MAX   6144 /* bytes of a CERT record; lent from the pool */
#define BOARD_CPU_HZ     142000000u

/* One pool for TLS and for the agent's io and scratch: during a run it is the agent's, at other
 * times the HTTPS server's. The largest need is a session (5 KB), io, and a record of 16 KB; with
 * records up to 8 KB (RECORDS=8) it is smaller by that. A longer record is ACME_E_TLS_MEMORY. */
#define BOARD_LENDS_BUFFERS
#ifndef BOARD_POOL_SIZE
#ifdef BOARD_RECORDS_8K
#define BOARD_POOL_SIZE 20480
#else
#define BOARD_POOL_SIZE 28672
#endif
#endif

/* The part of the 16 MB NOR flash that the slots may use. */
#define BOARD_FLASH_OFFSET  0u
#define BOARD_FLASH_SECTORS 8u

/* Locally administered; a product has its own, from its factory. */
#ifndef BOARD_MAC
#define BOARD_MAC                                                                                  \
    {                                                                                              \
        0x52, 0x54, 0x00, 0x12, 0x34, 0x56                                                         \
    }
#endif

/* The time server when DHCP names none. */
#ifndef BOARD_SNTP_SERVER
#define BOARD_SNTP_SERVER "pool.ntp.org"
#endif

#endif
