/* fuzz_conf.c - the lines of a configuration file
 *
 * Input: the file.
 */
#include "../../tools/lwacme/conf_line.h"
#include "fuzz.h"

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* No blanks at its ends, no control character but tabs. */
static void check_value(struct acme_slice v)
{
    struct acme_slice rest = v;

    FUZZ_CHECK(v.len == 0 || (!blank(v.ptr[0]) && !blank(v.ptr[v.len - 1])));
    while (rest.len > 0) {
        const uint8_t *tab = memchr(rest.ptr, '\t', rest.len);
        size_t len = tab != NULL ? (size_t)(tab - rest.ptr) : rest.len;

        FUZZ_CHECK(conf_plain_text(acme_slice_of(rest.ptr, len)));
        len += tab != NULL;
        rest = acme_slice_of(rest.ptr + len, rest.len - len);
    }
    for (size_t i = 0; i < v.len; i++)
        FUZZ_CHECK(v.ptr[i] == '\t' || (v.ptr[i] >= ' ' && v.ptr[i] != 127));
}

static void check_line(struct acme_slice text, const struct conf_line *line)
{
    FUZZ_CHECK((line->kind == CONF_BAD) <= (line->why != NULL));
    if (line->why != NULL) {
        FUZZ_CHECK(line->kind != CONF_PAIR && strstr(line->why, "; ") != NULL);
        return;
    }
    FUZZ_CHECK(fuzz_inside(line->key, text) && fuzz_inside(line->value, text));
    check_value(line->value);
    if (line->kind == CONF_SECTION) {
        FUZZ_CHECK(line->key.len == 0 && line->value.len > 0);
        FUZZ_CHECK(memchr(line->value.ptr, ']', line->value.len) == NULL);
        return;
    }
    FUZZ_CHECK(line->key.len > 0 && line->key.len <= CONF_KEY_MAX);
    for (size_t i = 0; i < line->key.len; i++) {
        uint8_t c = line->key.ptr[i], lower = c | 0x20;

        FUZZ_CHECK((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                   c == '_');
    }
}

/* What was read, written plainly, is read as the same. */
static void check_again(const struct conf_line *line)
{
    bool section = line->kind == CONF_SECTION;
    size_t room = line->key.len + line->value.len + 8;
    uint8_t *text = fuzz_room(room);
    struct conf_reader reader;
    struct conf_line again;
    struct acme_buf b;

    acme_buf_init(&b, text, room);
    acme_buf_text(&b, section ? "[" : "");
    acme_buf_put(&b, line->key.ptr, line->key.len);
    acme_buf_text(&b, section ? "" : "=");
    acme_buf_put(&b, line->value.ptr, line->value.len);
    acme_buf_text(&b, section ? "]\r\n" : "\n");
    conf_reader_init(&reader, acme_buf_slice(&b));
    FUZZ_CHECK(conf_line_next(&reader, &again) && again.why == NULL && again.kind == line->kind);
    FUZZ_CHECK(fuzz_same(again.key, line->key) && fuzz_same(again.value, line->value));
    FUZZ_CHECK(reader.number == 1 && !conf_line_next(&reader, &again));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(acme_slice_of(data, size));
    struct acme_slice text = acme_slice_of(copy, size);
    struct conf_reader reader;
    struct conf_line line;
    unsigned before = 0, most = 1;

    for (size_t i = 0; i < size; i++)
        most += data[i] == '\n';
    conf_reader_init(&reader, text);
    while (conf_line_next(&reader, &line)) {
        FUZZ_CHECK(reader.number > before && reader.number <= most);
        before = reader.number;
        check_line(text, &line);
        if (line.why == NULL)
            check_again(&line);
    }
    FUZZ_CHECK(reader.rest.len == 0);
    free(copy);
    return 0;
}
