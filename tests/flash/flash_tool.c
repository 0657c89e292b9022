/* flash_tool - records into a flash image and out of it, by the store itself; for tests
 *
 *   flash_tool IMAGE SECTOR SECTORS PAGE put SLOT KEY <record
 *   flash_tool IMAGE SECTOR SECTORS PAGE get SLOT KEY >record      1: there is none
 *   flash_tool IMAGE SECTOR SECTORS PAGE fill                      live records until it is full
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flash_slots.h"

static uint8_t *bytes;
static uint8_t record[70000];

static int chip_erase(void *ctx, uint32_t sector)
{
    const struct flash_dev *dev = ctx;

    memset(bytes + (size_t)sector * dev->sector_size, 0xff, dev->sector_size);
    return ACME_OK;
}

static int chip_program(void *ctx, uint32_t addr, const void *data, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        bytes[addr + i] &= ((const uint8_t *)data)[i];
    return ACME_OK;
}

static int chip_read(void *ctx, uint32_t addr, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, bytes + addr, len);
    return ACME_OK;
}

static struct flash_dev dev = {.ctx = &dev,
                               .erase = chip_erase,
                               .program = chip_program,
                               .read = chip_read,
                               .align = 1,
                               .burst = 255};
static struct flash_slots fs;

static int put(enum acme_slot slot, const char *key, const void *data, size_t len)
{
    int err;

    do
        err = flash_slots_write(&fs, slot, key, data, len);
    while (err == ACME_AGAIN);
    return err;
}

/* Records of decreasing size, each of a key of its own, until not even the smallest fits. */
static int fill(void)
{
    char key[16];
    int n = 0, err = ACME_OK;

    memset(record, 0x5a, sizeof record);
    for (size_t len = 4096; len >= 1; len /= 4) {
        for (err = ACME_OK; err == ACME_OK; n++) {
            (void)snprintf(key, sizeof key, "fill%d", n);
            err = put(ACME_SLOT_SOLVER, key, record, len);
        }
        if (err != ACME_E_SLOT_FULL)
            return err;
    }
    printf("%d records\n", n);
    return ACME_OK;
}

static int act(int argc, char **argv)
{
    enum acme_slot slot;
    int n;

    if (argc == 6 && strcmp(argv[5], "fill") == 0)
        return fill();
    if (argc != 8)
        return ACME_E_ARG;
    slot = (enum acme_slot)atoi(argv[6]);
    if (strcmp(argv[5], "put") == 0)
        return put(slot, argv[7], record, fread(record, 1, sizeof record, stdin));
    n = flash_slots_read(&fs, slot, argv[7], record, sizeof record);
    if (n > 0)
        fwrite(record, 1, (size_t)n, stdout);
    return n > 0 ? ACME_OK : n;
}

int main(int argc, char **argv)
{
    size_t size;
    FILE *f;
    int err;

    if (argc < 6 || (f = fopen(argv[1], "r+b")) == NULL)
        return 2;
    dev.sector_size = (uint32_t)strtoul(argv[2], NULL, 0);
    dev.sectors = (uint32_t)strtoul(argv[3], NULL, 0);
    dev.page = (uint16_t)strtoul(argv[4], NULL, 0);
    size = (size_t)dev.sector_size * dev.sectors;
    bytes = malloc(size);
    if (bytes == NULL || fread(bytes, 1, size, f) != size)
        return 2;
    do
        err = flash_slots_mount(&fs, &dev);
    while (err == ACME_AGAIN);
    if (err == ACME_OK)
        err = act(argc, argv);
    rewind(f);
    if (fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        return 2;
    free(bytes);
    if (err != ACME_OK && err != ACME_E_SLOT_EMPTY)
        fprintf(stderr, "flash_tool: %s\n", acme_err_words(err));
    return err == ACME_OK ? 0 : 1;
}
