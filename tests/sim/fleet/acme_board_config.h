/* acme_board_config.h - the bounds of a simulated fleet: one name, short URLs, so that ten thousand
 * agents fit in memory */
#ifndef ACME_BOARD_CONFIG_H
#define ACME_BOARD_CONFIG_H

#define ACME_MAX_NAMES          1
#define ACME_MAX_URL            128
#define ACME_MAX_ORDER_TEXT     640
#define ACME_MAX_TOKEN          64
#define ACME_MAX_NONCE          64
#define ACME_MAX_DETAIL         96
#define ACME_IO_SIZE            4096
#define ACME_SCRATCH_SIZE       4096
#define ACME_MAX_CHAIN_CERTS    4
#define ACME_MAX_KEY_DER        128
#define ACME_MAX_DIRECTORY_TEXT 384
#define ACME_MAX_HOST           64

#define HTTP01_MAX_CONNECTIONS 1
#define HTTP01_HEAD_MAX        512
#define HTTP01_LINE_MAX        256

#endif
