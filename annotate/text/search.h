/* Private to annotate/: finding words in texts, as less does. Small letters in
 * what is sought stand for capitals too, unless it has a capital itself. */
#ifndef PREFKIT_ANNOTATE_TEXT_SEARCH_H
#define PREFKIT_ANNOTATE_TEXT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct annotate__pattern {
    uint32_t chars[128];
    size_t n; /* 0: nothing is sought */
    bool exact;
};

/* False, and nothing sought, when it is empty, too long or not UTF-8. */
bool annotate__pattern(struct annotate__pattern *p, const char *text);

/* The first match in s[from..n): s[*begin..*end). A line end is a space. */
bool annotate__find(const struct annotate__pattern *p, const char *s, size_t n,
                    size_t from, size_t *begin, size_t *end);

/* Where something was found: which text, by the caller's numbers. */
struct annotate__hit {
    int pane;
    size_t part, from, to;
};

struct annotate__hits {
    struct annotate__hit *v;
    size_t n, cap;
    size_t at; /* the one that was gone to */
};

/* Append every match in one text; matches do not overlap. */
PK_NODISCARD int annotate__hits_add(struct annotate__hits *h,
                                    const struct annotate__pattern *p, int pane,
                                    size_t part, const char *s, size_t n,
                                    struct pk_err *err);

/* The first that ends after a place, in the order in which they were added:
 * h->n when there is none. Panes must have been added in ascending order. */
size_t annotate__hits_after(const struct annotate__hits *h, int pane,
                            size_t part, size_t at);

void annotate__hits_release(struct annotate__hits *h);

#endif
