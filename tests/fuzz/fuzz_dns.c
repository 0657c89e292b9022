/* fuzz_dns.c - DNS messages (solvers/dns_msg.c), their signatures (solvers/dns_tsig.c), and the
 * records of dns-persist-01 (solvers/dns_persist.c)
 *
 * The input is an answer. Whatever it is, reading ends, all that is given lies inside, names are
 * safe to print, and without the key no signature is right. Each TXT record, and the whole input
 * as the text of one, is judged: the verdicts of several wishes agree with each other.
 */
#include "acme_err.h"
#include "dns_persist.h"
#include "dns_tsig.h"
#include "fuzz.h"

static void check_name(const char *name)
{
    FUZZ_CHECK(strlen(name) < DNS_NAME_ROOM);
    for (; *name != '\0'; name++)
        FUZZ_CHECK((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ||
                   strchr("-_*?.", *name) != NULL);
}

static enum dns_persist_verdict judge(struct acme_slice text, const char *url, bool wildcard,
                                      int64_t now, int64_t *until)
{
    struct dns_persist_want want = {.issuer = "ca.example", .account_url = url};

    want.wildcard = wildcard;
    return dns_persist_judge(text, &want, now, until);
}

static void check_persist(struct acme_slice text)
{
    static const char url[] = "https://ca.example/a/1";
    const int64_t now = 1795000000;
    int64_t until = 0, same;
    enum dns_persist_verdict one = judge(text, url, false, now, &until);
    enum dns_persist_verdict all = judge(text, url, true, now, NULL);
    bool ours = one == DNS_PERSIST_GOOD || one == DNS_PERSIST_EXPIRED;

    /* A wildcard asks for more, and changes nothing else. */
    FUZZ_CHECK(one != DNS_PERSIST_NO_WILDCARD);
    FUZZ_CHECK(all == one || (ours && all == DNS_PERSIST_NO_WILDCARD));
    FUZZ_CHECK(ours || until == 0);
    if (ours) {
        FUZZ_CHECK(text.len >= strlen("ca.example;accounturi=") + strlen(url));
        FUZZ_CHECK(judge(text, "https://ca.example/a/2", false, now, NULL) ==
                   DNS_PERSIST_OTHER_ACCOUNT);
    }
    /* It ends right behind its last second. */
    if (until != 0) {
        FUZZ_CHECK((one == DNS_PERSIST_GOOD) == (now <= until));
        FUZZ_CHECK(judge(text, url, false, until, &same) == DNS_PERSIST_GOOD && same == until);
        FUZZ_CHECK(judge(text, url, false, until + 1, NULL) == DNS_PERSIST_EXPIRED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acme_slice m = {fuzz_copy(acme_slice_of(data, size)), size};
    struct dns_tsig_key key = {.name = "k1.example", .hash = 32, .len = 32, .secret = {7, 9}};
    struct dns_tsig_asked asked = {{1}};
    struct dns_record record;
    char name[DNS_NAME_ROOM];
    struct dns_msg r;
    uint8_t text[DNS_PERSIST_ROOM];
    unsigned error, count = 0;
    int joined;
    int64_t theirs;
    const char *why;

    if (size >= DNS_HEAD && dns_msg_open(&r, m, (uint16_t)dns_msg_get16(m.ptr),
                                         dns_msg_get16(m.ptr + 2), NULL, 0) == ACME_OK) {
        while (dns_msg_next(&r, &record)) {
            FUZZ_CHECK(record.data.len == 0 || fuzz_inside(record.data, m));
            FUZZ_CHECK(record.data_at + record.data.len <= size && ++count <= size / 11);
            check_name(record.name);
            (void)dns_msg_txt_is(record.data, "abc");
            joined = dns_msg_txt(record.data, text, sizeof text);
            FUZZ_CHECK(joined <= (int)sizeof text);
            if (joined >= 0)
                check_persist(acme_slice_of(text, (size_t)joined));
            if (dns_msg_name(m, record.data_at, name) != 0)
                check_name(name);
        }
    }
    check_persist(m);
    FUZZ_CHECK(dns_tsig_check(&key, m, 1234567890, &asked, &error, &theirs, &why) != ACME_OK);
    free((void *)(uintptr_t)m.ptr);
    return 0;
}
