/* Private to annotate/: which words of two texts differ. */
#ifndef PREFKIT_ANNOTATE_TEXT_DIFF_H
#define PREFKIT_ANNOTATE_TEXT_DIFF_H

#include "common/err.h"
#include <stdbool.h>
#include <stddef.h>

/* A byte for each byte of a text: 1 where its word is not in the other. */
struct annotate__diff {
    unsigned char *marks[2];
    bool too_different; /* not worth marking, and nothing is marked */
};

PK_NODISCARD int annotate__diff(struct annotate__diff *d, const char *a,
                                size_t n_a, const char *b, size_t n_b,
                                struct pk_err *err);
void annotate__diff_release(struct annotate__diff *d);

#endif
