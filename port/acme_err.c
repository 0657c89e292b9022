#include "acme_err.h"

#include <stddef.h>

struct err_row {
    short value;
    unsigned char class_of;
    const char *name;
    const char *words;
};

/* A board without 2 KB for words gives the name in their place; acme_err.h has the words. */
#ifdef ACME_ERR_NO_WORDS
#define ERR_WORDS(name, words) #name
#else
#define ERR_WORDS(name, words) words
#endif

static const struct err_row err_rows[] = {
#define ERR_ROW(name, value, class, words)                                                         \
    {(value), ACME_CLASS_##class, #name, ERR_WORDS(name, words)},
    ACME_ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static const struct err_row *err_find(int err)
{
    if (err > 0)
        err = ACME_OK;
    for (size_t i = 0; i < sizeof err_rows / sizeof err_rows[0]; i++) {
        if (err_rows[i].value == err)
            return &err_rows[i];
    }
    return NULL;
}

const char *acme_err_words(int err)
{
    const struct err_row *row = err_find(err);
    return row != NULL ? row->words : "unknown status";
}

const char *acme_err_name(int err)
{
    const struct err_row *row = err_find(err);
    return row != NULL ? row->name : "ACME_E_UNKNOWN";
}

enum acme_class acme_err_class(int err)
{
    const struct err_row *row = err_find(err);
    return row != NULL ? (enum acme_class)row->class_of : ACME_CLASS_BUG;
}
