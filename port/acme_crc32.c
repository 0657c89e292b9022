/* acme_crc32.c - a checksum; alone, so that a host can link a faster one */
#include "acme_crc32.h"

/* Half a byte at a time: a table of 64 bytes instead of 1024, and records are a few KB. */
uint32_t acme_crc32(uint32_t crc, const void *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *p = (const uint8_t *)data;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ p[i]) & 0xf] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)p[i] >> 4) & 0xf] ^ crc >> 4;
    }
    return ~crc;
}
