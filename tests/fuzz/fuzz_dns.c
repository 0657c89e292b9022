/* fuzz_dns.c - DNS messages (solvers/dns_msg.c) and their signatures (solvers/dns_tsig.c)
 *
 * The input is an answer. Whatever it is, reading ends, all that is given lies inside, names are
 * safe to print, and without the key no signature is right.
 */
#include "acme_err.h"
#include "dns_tsig.h"
#include "fuzz.h"

static void check_name(const char *name)
{
    FUZZ_CHECK(strlen(name) < DNS_NAME_ROOM);
    for (; *name != '\0'; name++)
        FUZZ_CHECK((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ||
                   strchr("-_*?.", *name) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acme_slice m = {fuzz_copy(acme_slice_of(data, size)), size};
    struct dns_tsig_key key = {.name = "k1.example", .hash = 32, .len = 32, .secret = {7, 9}};
    struct dns_tsig_asked asked = {{1}};
    struct dns_record record;
    char name[DNS_NAME_ROOM];
    struct dns_msg r;
    unsigned error, count = 0;
    int64_t theirs;
    const char *why;

    if (size >= DNS_HEAD && dns_msg_open(&r, m, (uint16_t)dns_msg_get16(m.ptr),
                                         dns_msg_get16(m.ptr + 2), NULL, 0) == ACME_OK) {
        while (dns_msg_next(&r, &record)) {
            FUZZ_CHECK(record.data.len == 0 || fuzz_inside(record.data, m));
            FUZZ_CHECK(record.data_at + record.data.len <= size && ++count <= size / 11);
            check_name(record.name);
            (void)dns_msg_txt_is(record.data, "abc");
            if (dns_msg_name(m, record.data_at, name) != 0)
                check_name(name);
        }
    }
    FUZZ_CHECK(dns_tsig_check(&key, m, 1234567890, &asked, &error, &theirs, &why) != ACME_OK);
    free((void *)(uintptr_t)m.ptr);
    return 0;
}
