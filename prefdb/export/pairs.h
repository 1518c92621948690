/* Private to prefdb/: a store's judgments as pairs of chosen and rejected, in
 * other tools' layouts. */
#ifndef PREFKIT_PREFDB_EXPORT_PAIRS_H
#define PREFKIT_PREFDB_EXPORT_PAIRS_H

#include <stdio.h>

#include "prefdb/prefdb.h"

enum prefdb__layout {
    PREFDB__TRL, /* explicit and conversational: prompt, chosen, rejected */
    PREFDB__HH,
    PREFDB__OPENRLHF, /* TRL's columns, as its input_key, chosen_key, ... */
    PREFDB__SWIFT,
    PREFDB__FACTORY /* sharegpt, "ranking": true */
};

/* What becomes of several judgments on one comparison: what most of those that
 * prefer an answer say (none where they are as many), the latest, each, or the
 * share of votes, of which a tie is half. */
enum prefdb__votes {
    PREFDB__MAJORITY,
    PREFDB__LATEST,
    PREFDB__ALL,
    PREFDB__SOFT
};

/* The margin column: strength 0 to 3 as 0, 1/3, 2/3, 1 or as 0, 1, 2, 3
 * (Llama 2, arXiv 2307.09288, Table 27). */
enum prefdb__margin { PREFDB__NO_MARGIN, PREFDB__SMALL, PREFDB__LARGE };

struct prefdb__pairs_export {
    struct prefdb_query q;
    enum prefdb__layout layout;
    enum prefdb__votes votes;
    enum prefdb__margin margin;
    bool drop_strength_0;
    bool keep_ties;      /* SOFT only: those that all call a tie, as rows of
                            probability 0.5 */
    uint64_t same_after; /* drop pairs whose first so many characters, or
                            tokens where there is a tokenizer, are the same; 0:
                            none */
    const struct prefdb_tokens *tokens; /* whose tokenizer it is */
    void *tokenizer;                    /* or NULL */
};

struct prefdb__pairs_done {
    uint64_t rows, judgments;
    uint64_t outvoted; /* judgments that the majority, or the latest, left */
    uint64_t revoted;  /* with votes: the same annotator said more later */
    uint64_t folded;   /* into another's row, or with it into a count below.
                          `judgments` is the sum of all but no_strength */
    uint64_t ties, both_bad, undecided; /* comparisons left out */
    uint64_t strength_0, same;          /* the same */
    uint64_t unwritable;                /* no place for it in the layout */
    uint64_t no_strength; /* rows with margin 0 as no strength is stated */
};

/* May this layout hold a margin, a probability? */
bool prefdb__layout_has_columns(enum prefdb__layout layout);

/* One row for each comparison (with ALL, each judgment) that prefers one
 * answer, in the order of the store. PK_EUSAGE when the query lets both
 * dimensions through, as a row does not say which it is. */
PK_NODISCARD int prefdb__export_pairs(struct prefdb *db,
                                      const struct prefdb__pairs_export *o,
                                      FILE *f, struct prefdb__pairs_done *done,
                                      struct pk_err *err);

#endif
