/* An accuracy report: what is counted as judgments come in, and the report's
 * three forms. Nothing here reads a model or a store.
 *
 *     rm_report_init(&r, n_models, n_scored, err);
 *     for each judgment: rm_report_add(&r, &verdict, err);
 *     rm_report_finish(&r, err);          what needs all judgments at once
 *     rm_report_text(&r, full, stdout);   or _json, or _html
 *     rm_report_release(&r);
 */
#ifndef PREFKIT_RM_REPORT_REPORT_H
#define PREFKIT_RM_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "rm/data/dialogue.h"
#include "rm/report/analysis.h"
#include "rm/report/rated.h"
#include "rm/report/scaling.h"
#include "rm/report/tally.h"

/* What choosing at random between the responses of each comparison gets of n
 * judgments: half of them, and 95% of those who so choose are right on a share
 * between low and high: 1/2 +- z / (2 sqrt n) for one judgment a comparison, so
 * that an accuracy of as many lies beyond it where its Wilson interval is
 * without 1/2; wider where several judgments agree. From the tally of a judge
 * who looks at the responses alone ("longer"). */
struct rm_random {
    uint64_t n;
    double accuracy, low, high;
};
struct rm_random rm_random_of(const struct rm_tally *longer);

/* What a group of judgments has in common: X(name, key in JSON, heading). */
#define RM_BYS(X)                                                              \
    X(ALL, "all", "all")                                                       \
    X(SOURCE, "source", "by source")                                           \
    X(STRENGTH, "strength", "by strength")                                     \
    X(LABEL, "label", "by safety label")                                       \
    X(LENGTH, "length", "by length of the chosen response")                    \
    X(TURN, "turn", "by turn")                                                 \
    X(PROMPT, "prompt_length", "by characters before the response")            \
    X(VOTES, "votes", "by judgments of the same comparison")

enum rm_by {
#define RM_BY_ENUM(name, key, heading) RM_BY_##name,
    RM_BYS(RM_BY_ENUM)
#undef RM_BY_ENUM
        RM_N_BYS
};

const char *rm_by_key(enum rm_by by);
const char *rm_by_heading(enum rm_by by);

/* Do the judgments of a comparison, for one dimension, all say the same? */
enum rm_votes { RM_VOTES_ONE, RM_VOTES_UNANIMOUS, RM_VOTES_SPLIT };

struct rm_group {
    enum rm_by by;
    int value;    /* the strength, the label, ...: see rm_report_add */
    char *source; /* owned; NULL unless by source */
    struct rm_tally longer;
    struct rm_tally *model; /* one for each of the report's n_scored */
};

/* One dimension's judgments. */
struct rm_section {
    bool used;
    uint64_t judgments; /* of the split, left out or not; and the comparisons
                           that they are of */
    uint64_t comparisons;
    int64_t last; /* private: the comparison that was counted last */
    struct rm_left_out left_out;
    uint64_t cut, shortened; /* responses read as cut; dialogues that lost
                                exchanges, by any model */
    struct rm_group *group;  /* in the order of enum rm_by; sources by name */
    size_t n_groups, cap;
    struct rm_judged judged;
    /* By rm_report_finish; NULL before. */
    struct rm_view *view; /* one for each model */
    struct rm_duel *duel;
    size_t n_duels;
    struct rm_scatter *scatter;   /* of the first two models; NULL without */
    struct rm_mistakes *mistakes; /* one for each model */
    struct rm_bench *bench;       /* NULL without RewardBench's rows */
};

struct rm_report_model {
    const char *name, *dir; /* borrowed */
    char fingerprint[65];
    struct rm_made made;
    size_t run; /* the model whose run it is of, itself perhaps; RM_NO_RUN */
};
#define RM_NO_RUN SIZE_MAX

enum { RM_N_DIMENSIONS = 2 };

struct rm_report {
    const char *store; /* its path; borrowed */
    char store_fingerprint[65];
    const char *precision; /* what products were computed in; static */
    enum prefdb_split split;
    const char *source; /* the only one asked for, or NULL */
    /* The models that all is told of; then, up to n_scored, those on the way to
     * one of them (run), of which Figure 6 is drawn and nothing else told. */
    struct rm_report_model *model;
    size_t n_models, n_scored;
    struct rm_section section[RM_N_DIMENSIONS];
    struct rm_rated *rated; /* what responses were rated for */
    size_t n_rated, cap_rated;
    uint64_t unrated; /* rated responses that cannot be encoded */
};

/* One judgment that every model has scored, those on the way too. */
struct rm_verdict {
    enum prefdb_dimension dimension;
    const char *source;
    int64_t judgment, comparison; /* row numbers */
    int strength;
    enum prefdb_label label;
    enum rm_votes votes;
    size_t turn;         /* which turn of the dialogue it is, from 1 */
    double prompt_chars; /* of all that comes before the response */
    double chosen_chars, rejected_chars;
    struct rm_bench_place bench;
    const double *chosen, *rejected; /* scores, by model */
};

PK_NODISCARD int rm_report_init(struct rm_report *r, size_t n_models,
                                size_t n_scored, struct pk_err *err);
void rm_report_release(struct rm_report *r);
/* Judgments of one comparison come one after another. */
PK_NODISCARD int rm_report_add(struct rm_report *r, const struct rm_verdict *v,
                               struct pk_err *err);

/* Calibration, thresholds, comparisons of models, and which judgments are the
 * mistakes (their texts are rm_mistakes_read's). After the last rm_report_add,
 * once. */
PK_NODISCARD int rm_report_finish(struct rm_report *r, struct pk_err *err);

/* The group's name, as in the report: "better", "both_safe", a source. */
const char *rm_group_name(const struct rm_group *g);

/* A model's name, or for number n_models "longer wins". */
const char *rm_judge_name(const struct rm_report *r, size_t judge);
extern const char rm_random_name[];

/* The first group of its kind and how many there are. */
const struct rm_group *rm_groups_by(const struct rm_section *s, enum rm_by by,
                                    size_t *n);

/* Characters (code points) of UTF-8 text; a malformed byte counts as one. */
size_t rm_characters(const char *s, size_t len);

/* Tables of at most 100 columns, for people: the accuracies, or with `full` all
 * that the other two forms have. */
void rm_report_text(const struct rm_report *r, bool full, FILE *f);
void rm_report_text_more(const struct rm_report *r, enum prefdb_dimension d,
                         FILE *f); /* what `full` adds */
void rm_text_bench(const struct rm_bench *b, size_t model,
                   FILE *f); /* of that, RewardBench */
void rm_text_rated(const struct rm_report *r, FILE *f); /* Figure 29 */
void rm_text_scaling(const struct rm_report *r, const struct rm_section *s,
                     FILE *f); /* of that, Figure 6 */

/* One JSON document (schemas/eval-report.schema.json) with the same numbers. */
PK_NODISCARD int rm_report_json(const struct rm_report *r, FILE *f,
                                struct pk_err *err);

/* One self-contained page with the same numbers: no script, nothing loaded.
 * Texts of the store are escaped. */
void rm_report_html(const struct rm_report *r, FILE *f);

#endif
