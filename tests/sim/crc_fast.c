/* crc_fast.c - in place of port/acme_crc32.c: eight bytes at a time, with 8 KB of tables
 *
 * Each boot reads all records, and a mount each entry of the flash; a loop of boots is thousands.
 */
#include "flash_log.h"

static uint32_t fast_table[8][256];

static void fast_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320u & (0 - (crc & 1)));
        fast_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int k = 1; k < 8; k++)
            fast_table[k][i] =
                fast_table[0][fast_table[k - 1][i] & 0xff] ^ fast_table[k - 1][i] >> 8;
    }
}

uint32_t acme_crc32(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = (const uint8_t *)data;

    if (fast_table[0][1] == 0)
        fast_init();
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = crc ^ fl_get32(p), high = fl_get32(p + 4);
        crc = fast_table[7][low & 0xff] ^ fast_table[6][low >> 8 & 0xff] ^
              fast_table[5][low >> 16 & 0xff] ^ fast_table[4][low >> 24] ^
              fast_table[3][high & 0xff] ^ fast_table[2][high >> 8 & 0xff] ^
              fast_table[1][high >> 16 & 0xff] ^ fast_table[0][high >> 24];
    }
    while (len-- > 0)
        crc = fast_table[0][(crc ^ *p++) & 0xff] ^ crc >> 8;
    return ~crc;
}
