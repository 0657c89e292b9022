/* acme_crc32.h - the checksum of records, and of the log that ports keep on raw flash */
#ifndef ACME_CRC32_H
#define ACME_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (IEEE 802.3) of len bytes, in pieces: crc is 0 at first, and then what the piece before
 * gave. It finds damage by chance, not by intent. */
uint32_t acme_crc32(uint32_t crc, const void *data, size_t len);

#endif
