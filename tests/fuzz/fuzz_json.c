/* fuzz_json.c - the JSON reader: what it takes is written out and read again, in arenas of any size
 *
 * Input: two bytes that say how large the small arena is, and the text.
 */
#include "fuzz_tree.h"

#define ARENA 65536

static void check_tree(const struct acme_json *root, struct acme_slice arena, size_t size)
{
    struct acme_buf first, second;
    size_t room = size * 6 + 64;
    uint8_t *a = fuzz_room(room), *b = fuzz_room(room);
    uint8_t *again = fuzz_room(ARENA * 2);
    const struct acme_json *copy;

    acme_buf_init(&first, a, room);
    fuzz_tree(&first, root, arena);
    FUZZ_CHECK(!first.overflow);
    FUZZ_CHECK(acme_json_parse(acme_buf_slice(&first), (struct acme_span){again, ARENA * 2},
                               &copy) == ACME_OK);
    acme_buf_init(&second, b, room);
    fuzz_tree(&second, copy, acme_slice_of(again, ARENA * 2));
    FUZZ_CHECK(fuzz_same(acme_buf_slice(&first), acme_buf_slice(&second)));
    free(a);
    free(b);
    free(again);
}

/* White space around it changes nothing; anything else makes it wrong. */
static void check_around(struct acme_slice text, int err)
{
    size_t len = text.len + 3;
    uint8_t *room = fuzz_room(len), *arena = fuzz_room(ARENA);
    const struct acme_json *root;

    memcpy(room, "\r\n", 2);
    if (text.len > 0)
        memcpy(room + 2, text.ptr, text.len);
    room[len - 1] = '\t';
    FUZZ_CHECK(acme_json_parse(acme_slice_of(room, len), (struct acme_span){arena, ARENA}, &root) ==
               err);
    if (err == ACME_OK) {
        room[len - 1] = ',';
        FUZZ_CHECK(acme_json_parse(acme_slice_of(room, len), (struct acme_span){arena, ARENA},
                                   &root) == ACME_E_JSON);
        FUZZ_CHECK(root == NULL);
    }
    free(room);
    free(arena);
}

static void check_small(struct acme_slice text, size_t size, int err)
{
    uint8_t *arena = fuzz_room(size);
    const struct acme_json *root;
    int other = acme_json_parse(text, (struct acme_span){arena, size}, &root);

    FUZZ_CHECK(other == err || other == ACME_E_SIZE);
    FUZZ_CHECK((root != NULL) == (other == ACME_OK));
    if (other == ACME_OK)
        check_tree(root, acme_slice_of(arena, size), text.len);
    other = acme_json_parse(acme_slice_text("7"), (struct acme_span){arena, size}, &root);
    FUZZ_CHECK(other == ACME_OK || (other == ACME_E_SIZE && size < 80)); /* nothing stays behind */
    free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    size_t small = fuzz_two(&in) % 4096;
    struct acme_slice text = fuzz_rest(&in);
    uint8_t *arena = fuzz_room(ARENA);
    const struct acme_json *root;
    int err = acme_json_parse(text, (struct acme_span){arena, ARENA}, &root);

    FUZZ_CHECK(err == ACME_OK || err == ACME_E_JSON || err == ACME_E_SIZE);
    FUZZ_CHECK((root != NULL) == (err == ACME_OK));
    if (err == ACME_OK)
        check_tree(root, acme_slice_of(arena, ARENA), text.len);
    if (text.len > 0)
        check_around(text, err);
    check_small(text, small, err);
    free(arena);
    return 0;
}
