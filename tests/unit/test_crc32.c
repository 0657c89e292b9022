/* The checksum. */
#include "acme_crc32.h"

#include "test.h"

TEST(known_values)
{
    CHECK_INT(acme_crc32(0, "", 0), 0);
    CHECK_INT(acme_crc32(0, "123456789", 9), 0xcbf43926);
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t crc = acme_crc32(0, "123456789", cut);
        CHECK_INT(acme_crc32(crc, &"123456789"[cut], 9 - cut), 0xcbf43926);
    }
}

RUN()
