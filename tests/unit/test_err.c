/* The table of statuses: every row is complete and stands once. */
#include "acme_err.h"
#include "test.h"

struct row {
    int value;
    enum acme_class class_of;
    const char *name;
};

static const struct row rows[] = {
#define ROW(name, value, class, words) {(value), ACME_CLASS_##class, #name},
    ACME_ERR_TABLE(ROW)
#undef ROW
};
static const size_t rows_count = sizeof rows / sizeof rows[0];

TEST(err_rows_are_found)
{
    for (size_t i = 0; i < rows_count; i++) {
        CHECK_STR(acme_err_name(rows[i].value), rows[i].name);
        CHECK_INT(acme_err_class(rows[i].value), rows[i].class_of);
        CHECK(strlen(acme_err_words(rows[i].value)) > 0);
    }
}

TEST(err_values_are_unique_and_not_positive)
{
    for (size_t i = 0; i < rows_count; i++) {
        CHECK(rows[i].value <= 0);
        for (size_t j = i + 1; j < rows_count; j++)
            CHECK(rows[i].value != rows[j].value);
    }
}

TEST(err_words_are_phrases)
{
    for (size_t i = 0; i < rows_count; i++) {
        const char *words = acme_err_words(rows[i].value);
        CHECK(words[strlen(words) - 1] != '.');
        CHECK(strchr(words, '\n') == NULL);
    }
}

TEST(err_counts_are_success)
{
    CHECK_STR(acme_err_name(17), "ACME_OK");
    CHECK_INT(acme_err_class(17), ACME_CLASS_NONE);
}

TEST(err_strangers_have_a_name)
{
    CHECK_STR(acme_err_name(-9999), "ACME_E_UNKNOWN");
    CHECK_STR(acme_err_words(-9999), "unknown status");
    CHECK_INT(acme_err_class(-9999), ACME_CLASS_BUG);
}

/* Stored in records and printed: never renumbered. */
TEST(err_values_are_stable)
{
    CHECK_INT(ACME_OK, 0);
    CHECK_INT(ACME_AGAIN, -1);
    CHECK_INT(ACME_E_TIMEOUT, -13);
    CHECK_INT(ACME_E_NONCE, -34);
    CHECK_INT(ACME_E_SIZE, -60);
    CHECK_INT(ACME_E_ARG, -72);
}

RUN()
