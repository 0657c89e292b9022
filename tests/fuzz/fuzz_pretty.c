/* fuzz_pretty.c - the CA's JSON as people see it (tools/lwacme/pretty.c)
 *
 * Whatever comes, what is printed is ASCII that no terminal obeys. What the agent can read is shown
 * as JSON, the agent reads the same from it, and what is printed prints as itself.
 */
#include "acme_json.h"
#include "fuzz.h"
#include "pretty.h"

struct shown {
    char *text;
    size_t len;
};

static bool show(struct shown *s, struct acme_slice in, bool json)
{
    FILE *to = open_memstream(&s->text, &s->len);
    bool ok = true;

    FUZZ_CHECK(to != NULL);
    if (json)
        ok = pretty_json(to, in);
    else
        pretty_text(to, in);
    fclose(to);
    FUZZ_CHECK(ok || s->len == 0);
    FUZZ_CHECK(s->len == 0 || s->text[s->len - 1] == '\n');
    for (size_t i = 0; i < s->len; i++)
        FUZZ_CHECK((s->text[i] >= ' ' && s->text[i] < 127) || s->text[i] == '\n' ||
                   (!json && s->text[i] == '\t'));
    return ok;
}

static bool same(const struct acme_json *a, const struct acme_json *b)
{
    const char *x = acme_json_text(a), *y = acme_json_text(b);

    if ((x == NULL) != (y == NULL) || (x != NULL && strcmp(x, y) != 0) ||
        acme_json_is_object(a) != acme_json_is_object(b) ||
        acme_json_is_array(a) != acme_json_is_array(b) ||
        acme_json_int(a, -1) != acme_json_int(b, -1))
        return false;
    a = acme_json_first(a);
    b = acme_json_first(b);
    for (; a != NULL && b != NULL; a = acme_json_next(a), b = acme_json_next(b)) {
        x = acme_json_name(a);
        y = acme_json_name(b);
        if ((x == NULL) != (y == NULL) || (x != NULL && strcmp(x, y) != 0) || !same(a, b))
            return false;
    }
    return a == NULL && b == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static union {
        void *align;
        uint8_t bytes[1 << 18];
    } room[2];
    struct acme_slice in = {fuzz_copy(acme_slice_of(data, size)), size};
    const struct acme_json *before = NULL, *after = NULL;
    struct shown once = {NULL, 0}, twice = {NULL, 0}, text = {NULL, 0};
    struct acme_span arena = {room[0].bytes, sizeof room[0].bytes};
    int err = acme_json_parse(in, arena, &before);

    (void)show(&text, in, false);
    if (show(&once, in, true)) {
        FUZZ_CHECK(show(&twice, acme_slice_of(once.text, once.len), true));
        FUZZ_CHECK(once.len == twice.len && memcmp(once.text, twice.text, once.len) == 0);
        arena.ptr = room[1].bytes;
        if (err == ACME_OK) {
            FUZZ_CHECK(acme_json_parse(acme_slice_of(once.text, once.len), arena, &after) ==
                       ACME_OK);
            FUZZ_CHECK(same(before, after));
        }
    } else
        FUZZ_CHECK(err != ACME_OK);
    free(once.text);
    free(twice.text);
    free(text.text);
    free((void *)(uintptr_t)in.ptr);
    return 0;
}
