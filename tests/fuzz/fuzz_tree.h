/* fuzz_tree.h - a JSON tree as canonical text, for comparing */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include "acme_json.h"
#include "fuzz.h"

static inline void fuzz_tree(struct acme_buf *b, const struct acme_json *node,
                             struct acme_slice arena)
{
    const struct acme_json *child;
    bool object = acme_json_is_object(node);

    FUZZ_CHECK((const uint8_t *)node >= arena.ptr && (const uint8_t *)node < arena.ptr + arena.len);
    if (acme_json_text(node) != NULL) {
        FUZZ_CHECK(fuzz_text_in(acme_json_text(node), arena));
        acme_buf_json(b, acme_slice_text(acme_json_text(node)));
    } else if (object || acme_json_is_array(node)) {
        acme_buf_char(b, object ? '{' : '[');
        for (child = acme_json_first(node); child != NULL; child = acme_json_next(child)) {
            if (child != acme_json_first(node))
                acme_buf_char(b, ',');
            FUZZ_CHECK((acme_json_name(child) != NULL) == object);
            if (object) {
                FUZZ_CHECK(fuzz_text_in(acme_json_name(child), arena));
                FUZZ_CHECK(acme_json_get(node, acme_json_name(child)) == child);
                acme_buf_json(b, acme_slice_text(acme_json_name(child)));
                acme_buf_char(b, ':');
            }
            fuzz_tree(b, child, arena);
        }
        acme_buf_char(b, object ? '}' : ']');
    } else if (acme_json_bool(node, false) == acme_json_bool(node, true)) {
        acme_buf_text(b, acme_json_bool(node, false) ? "true" : "false");
    } else if (acme_json_int(node, -1) >= 0) {
        FUZZ_CHECK(acme_json_int(node, -1) <= (int64_t)1 << 53);
        acme_buf_dec(b, (uint64_t)acme_json_int(node, -1));
    } else {
        acme_buf_text(b, "null"); /* and numbers that no getter gives */
    }
}

#endif
