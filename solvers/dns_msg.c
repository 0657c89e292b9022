/* dns_msg.c - DNS messages as bytes for TCP (RFC 1035) */
#include "dns_msg.h"

#include <string.h>

#include "acme_err.h"

#define DM_LABEL_MAX 63
#define DM_WIRE_MAX  255 /* RFC 1035 2.3.4, with the root's zero */

unsigned dns_msg_get16(const uint8_t *in)
{
    return (unsigned)in[0] << 8 | in[1];
}

uint32_t dns_msg_get32(const uint8_t *in)
{
    return (uint32_t)dns_msg_get16(in) << 16 | dns_msg_get16(in + 2);
}

/* ---- writing ---- */

void dns_msg_put16(struct acme_buf *b, unsigned value)
{
    uint8_t bytes[2];

    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
    acme_buf_put(b, bytes, sizeof bytes);
}

void dns_msg_put32(struct acme_buf *b, uint32_t value)
{
    dns_msg_put16(b, value >> 16);
    dns_msg_put16(b, value & 0xffff);
}

static char dm_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Of host names, of the names that go before them, and of wildcards. */
static bool dm_plain(char c)
{
    c = dm_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

void dns_msg_put_name(struct acme_buf *b, const char *name)
{
    size_t wire = 1;

    while (*name != '\0') {
        size_t n = 0;
        while (n <= DM_LABEL_MAX && dm_plain(name[n]))
            n++;
        wire += n + 1;
        if (n == 0 || n > DM_LABEL_MAX || (name[n] != '.' && name[n] != '\0') ||
            (name[n] == '.' && name[n + 1] == '\0') || wire > DM_WIRE_MAX) {
            b->overflow = true;
            return;
        }
        acme_buf_char(b, (char)n);
        for (size_t i = 0; i < n; i++)
            acme_buf_char(b, dm_lower(name[i]));
        name += n + (name[n] == '.');
    }
    acme_buf_char(b, '\0');
}

void dns_msg_begin(struct acme_buf *b, uint16_t id, unsigned flags)
{
    static const uint8_t counts[8] = {0};

    dns_msg_put16(b, 0); /* the length */
    dns_msg_put16(b, id);
    dns_msg_put16(b, flags);
    acme_buf_put(b, counts, sizeof counts);
}

/* One more in a section. */
static void dm_count(struct acme_buf *b, enum dns_section section)
{
    uint8_t *at = b->ptr + 2 + 4 + 2 * (unsigned)section;
    unsigned n;

    if (b->overflow)
        return;
    n = dns_msg_get16(at) + 1;
    at[0] = (uint8_t)(n >> 8);
    at[1] = (uint8_t)n;
}

void dns_msg_ask(struct acme_buf *b, const char *name, unsigned type)
{
    dns_msg_put_name(b, name);
    dns_msg_put16(b, type);
    dns_msg_put16(b, DNS_IN);
    dm_count(b, DNS_QUESTION);
}

void dns_msg_add(struct acme_buf *b, enum dns_section section, const char *name, unsigned type,
                 unsigned class_, uint32_t ttl, struct acme_slice data)
{
    if (data.len > 0xffff)
        b->overflow = true;
    dns_msg_put_name(b, name);
    dns_msg_put16(b, type);
    dns_msg_put16(b, class_);
    dns_msg_put32(b, ttl);
    dns_msg_put16(b, (unsigned)data.len);
    acme_buf_put(b, data.ptr, data.len);
    dm_count(b, section);
}

bool dns_msg_end(struct acme_buf *b)
{
    size_t len = b->len - 2;

    if (b->overflow || b->len < 2 + DNS_HEAD || len > 0xffff)
        return false;
    b->ptr[0] = (uint8_t)(len >> 8);
    b->ptr[1] = (uint8_t)len;
    return true;
}

/* ---- reading ---- */

/* One label into out. False: the name would be too long. */
static bool dm_label(char out[DNS_NAME_ROOM], size_t *len, const uint8_t *label, size_t n)
{
    if (*len + (*len > 0) + n >= DNS_NAME_ROOM)
        return false;
    if (*len > 0)
        out[(*len)++] = '.';
    for (size_t i = 0; i < n; i++)
        out[(*len)++] = dm_plain((char)label[i]) ? dm_lower((char)label[i]) : '?';
    return true;
}

size_t dns_msg_name(struct acme_slice m, size_t at, char out[DNS_NAME_ROOM])
{
    size_t after = 0, len = 0, start = at;

    out[0] = '\0';
    while (at < m.len) {
        size_t n = m.ptr[at];
        if (n == 0) {
            out[len] = '\0';
            return after != 0 ? after : at + 1;
        }
        if ((n & 0xc0) == 0xc0) {
            if (m.len - at < 2)
                break;
            after = after != 0 ? after : at + 2;
            at = (n & 0x3f) << 8 | m.ptr[at + 1];
            /* Before all that was read of this name: so it ends, and cannot loop. */
            if (at >= start)
                break;
            start = at;
            continue;
        }
        if (n > DM_LABEL_MAX || n >= m.len - at || !dm_label(out, &len, m.ptr + at + 1, n))
            break;
        at += 1 + n;
    }
    out[0] = '\0';
    return 0;
}

int dns_msg_open(struct dns_msg *r, struct acme_slice m, uint16_t id, unsigned flags,
                 const char *name, unsigned type)
{
    char asked[DNS_NAME_ROOM];
    unsigned got;

    memset(r, 0, sizeof *r);
    if (m.len < DNS_HEAD || dns_msg_get16(m.ptr) != id)
        return ACME_E_REPLY;
    got = dns_msg_get16(m.ptr + 2);
    /* An answer, of the same kind, not cut. */
    if ((got & 0xfa00) != (0x8000 | (flags & 0x7800)))
        return ACME_E_REPLY;
    r->message = m;
    r->rcode = got & 15;
    r->at = DNS_HEAD;
    for (unsigned i = 0; i < 4; i++)
        r->left[i] = dns_msg_get16(m.ptr + 4 + 2 * i);
    /* A server that refuses need not repeat the question. */
    if (name != NULL && r->left[DNS_QUESTION] != 1 &&
        (r->left[DNS_QUESTION] != 0 || r->rcode == DNS_NOERROR))
        return ACME_E_REPLY;
    for (; r->left[DNS_QUESTION] > 0; r->left[DNS_QUESTION]--) {
        size_t at = dns_msg_name(m, r->at, asked);
        if (at == 0 || m.len - at < 4)
            return ACME_E_REPLY;
        r->at = at + 4;
        if (name != NULL && (!acme_slice_is_nocase(acme_slice_text(asked), name) ||
                             dns_msg_get16(m.ptr + at) != type))
            return ACME_E_REPLY;
    }
    return ACME_OK;
}

bool dns_msg_next(struct dns_msg *r, struct dns_record *record)
{
    struct acme_slice m = r->message;
    unsigned section = DNS_ANSWER;
    size_t at, len;

    while (section <= DNS_ADDITIONAL && r->left[section] == 0)
        section++;
    if (r->broken || section > DNS_ADDITIONAL)
        return false;
    r->left[section]--;
    r->broken = true;
    record->section = (enum dns_section)section;
    record->at = r->at;
    at = dns_msg_name(m, r->at, record->name);
    if (at == 0 || m.len - at < 10)
        return false;
    record->type = (uint16_t)dns_msg_get16(m.ptr + at);
    record->class_ = (uint16_t)dns_msg_get16(m.ptr + at + 2);
    record->ttl = dns_msg_get32(m.ptr + at + 4);
    len = dns_msg_get16(m.ptr + at + 8);
    if (len > m.len - at - 10)
        return false;
    record->data_at = at + 10;
    record->data = acme_slice_of(m.ptr + at + 10, len);
    r->at = at + 10 + len;
    r->broken = false;
    return true;
}

bool dns_msg_find(struct dns_msg *r, unsigned type, struct dns_record *record)
{
    while (r->left[DNS_ANSWER] > 0 && dns_msg_next(r, record)) {
        if (record->type == type && record->class_ == DNS_IN)
            return true;
    }
    return false;
}

int dns_msg_txt(struct acme_slice data, void *room, size_t cap)
{
    struct acme_buf b;

    acme_buf_init(&b, room, cap);
    while (data.len > 0) {
        size_t n = data.ptr[0];
        if (n >= data.len)
            return -1;
        acme_buf_put(&b, data.ptr + 1, n);
        data = acme_slice_of(data.ptr + 1 + n, data.len - 1 - n);
    }
    return b.overflow ? -1 : (int)b.len;
}

bool dns_msg_txt_is(struct acme_slice data, const char *text)
{
    size_t left = strlen(text);

    while (data.len > 0) {
        size_t n = data.ptr[0];
        if (n >= data.len || n > left || memcmp(data.ptr + 1, text, n) != 0)
            return false;
        text += n;
        left -= n;
        data = acme_slice_of(data.ptr + 1 + n, data.len - 1 - n);
    }
    return left == 0;
}

bool dns_msg_within(const char *name, const char *zone)
{
    size_t n = strlen(name), z = strlen(zone);

    return z > 0 && z <= n && strcmp(name + n - z, zone) == 0 && (n == z || name[n - z - 1] == '.');
}

const char *dns_msg_refusal(unsigned rcode)
{
    if (rcode == DNS_REFUSED)
        return "the server answers REFUSED: it does not let this key change this name";
    if (rcode == DNS_NOTAUTH)
        return "the server answers NOTAUTH: it does not know the key, or is not the primary";
    return "the server refuses the UPDATE";
}
