/* Private to annotate/: does a response say which model it is? Known names of
 * models and their makers, and those that the store itself has. */
#ifndef PREFKIT_ANNOTATE_TEXT_NAMES_H
#define PREFKIT_ANNOTATE_TEXT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct annotate__name {
    char *text;
    size_t len;
    bool exact; /* as it is written: a word of the language otherwise */
};

/* Names by the first byte, in lower case. */
struct annotate__names {
    struct {
        struct annotate__name *v;
        size_t n, cap;
    } by[256];
    unsigned char begins[1 << 13]; /* bits: the first two bytes of a name */
};

PK_NODISCARD int annotate__names_init(struct annotate__names *names,
                                      struct pk_err *err);

/* One of the store's own: "org/model" is the model's name too. Names that may
 * be plain words ("human", "base") are not taken. */
PK_NODISCARD int annotate__names_add(struct annotate__names *names,
                                     const char *model, struct pk_err *err);

/* The first whole word of the text that is a name: s[*at..*at + *len). */
bool annotate__names_find(const struct annotate__names *names, const char *s,
                          size_t n, size_t *at, size_t *len);

void annotate__names_release(struct annotate__names *names);

#endif
