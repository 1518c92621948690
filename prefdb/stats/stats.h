/* Private to prefdb/: what a store holds, as the paper's Table 6. */
#ifndef PREFKIT_PREFDB_STATS_STATS_H
#define PREFKIT_PREFDB_STATS_STATS_H

#include "prefdb/store/store.h"

/* Sums of one measure over comparisons. An example is the whole dialogue with
 * one answer; the prompt is the last user turn only; both as in Table 6.
 * Characters are Unicode code points; units are words, what white space parts,
 * or the tokens of each turn's text by itself. */
struct prefdb__lengths {
    double example, prompt, response;
};

/* Counts of standing judgments for one dimension. */
struct prefdb__said {
    uint64_t judgments, comparisons, annotators;
    uint64_t choices[4];    /* by enum prefdb_choice */
    uint64_t strengths[5];  /* by strength + 1: unstated first */
    uint64_t labels[5];     /* by enum prefdb_label */
    uint64_t contradictory; /* comparisons where one annotator said both, or
                               people without a name */
};

struct prefdb__source {
    char *name;
    uint64_t comparisons, splits[3], empty, cut;
    double turns; /* sum of user turns */
    struct prefdb__lengths chars, units;
    struct prefdb__said said[2]; /* by enum prefdb_dimension */
};

struct prefdb__stats {
    struct prefdb__source *sources; /* by name */
    size_t n_sources, cap_sources;
    uint64_t turns, responses, superseded;
};

/* Units by an open tokenizer; {0}: words. */
struct prefdb__units {
    const struct prefdb_tokens *tokens;
    void *tokenizer;
};

/* Fill zeroed stats; release them also after an error. */
PK_NODISCARD int prefdb__stats(struct prefdb *db,
                               const struct prefdb__units *units,
                               struct prefdb__stats *out, struct pk_err *err);
void prefdb__stats_release(struct prefdb__stats *s);

#endif
