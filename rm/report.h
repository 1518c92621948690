/* The arithmetic of an accuracy report, and its two forms. Nothing here reads a
 * model or a store. */
#ifndef PREFKIT_RM_REPORT_H
#define PREFKIT_RM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "rm/dialogue.h"

/* How one judge (a model, or "the longer response wins") did on some
 * judgments. A tie, equal scores for both responses, is neither right nor
 * wrong: it has its own count, and accuracy is wins / (wins + losses). */
struct rm_tally {
    uint64_t wins, losses, ties;
    double log_loss; /* sum of -log sigma(chosen - rejected), nats */
};

void rm_tally_add(struct rm_tally *t, double chosen, double rejected);
uint64_t rm_tally_n(const struct rm_tally *t);

/* Accuracy and its 95% Wilson interval; false when nothing was decided. */
bool rm_tally_accuracy(const struct rm_tally *t, double *accuracy, double *low,
                       double *high);
double rm_tally_log_loss(const struct rm_tally *t); /* mean; 0 when n = 0 */

/* What a group of judgments has in common. */
enum rm_by { RM_BY_ALL, RM_BY_SOURCE, RM_BY_STRENGTH, RM_BY_LABEL };

struct rm_group {
    enum rm_by by;
    int value;    /* the strength, or enum prefdb_label */
    char *source; /* owned; NULL unless by source */
    struct rm_tally longer;
    struct rm_tally *model; /* one for each model of the report */
};

/* One dimension's judgments. */
struct rm_section {
    bool used;
    uint64_t judgments; /* of the split, left out or not */
    struct rm_left_out left_out;
    uint64_t cut, shortened; /* responses read as cut; dialogues that lost
                                exchanges, by any model */
    struct rm_group *group;  /* all; sources by name; strengths; labels */
    size_t n_groups, cap;
};

struct rm_report_model {
    const char *name, *dir; /* borrowed */
    char fingerprint[65];
};

enum { RM_N_DIMENSIONS = 2 };

struct rm_report {
    const char *store; /* its path; borrowed */
    char store_fingerprint[65];
    enum prefdb_split split;
    const char *source; /* the only one asked for, or NULL */
    struct rm_report_model *model;
    size_t n_models;
    struct rm_section section[RM_N_DIMENSIONS];
};

/* One judgment that every model has scored. */
struct rm_verdict {
    enum prefdb_dimension dimension;
    const char *source;
    int strength;
    enum prefdb_label label;
    double chosen_chars, rejected_chars;
    const double *chosen, *rejected; /* scores, by model */
};

PK_NODISCARD int rm_report_init(struct rm_report *r, size_t n_models,
                                struct pk_err *err);
void rm_report_release(struct rm_report *r);
PK_NODISCARD int rm_report_add(struct rm_report *r, const struct rm_verdict *v,
                               struct pk_err *err);

/* The group's name, as in the report: "better", "both_safe", a source. */
const char *rm_group_name(const struct rm_group *g);

/* Characters (code points) of UTF-8 text; a malformed byte counts as one. */
size_t rm_characters(const char *s, size_t len);

/* Tables of at most 100 columns, for people. */
void rm_report_text(const struct rm_report *r, FILE *f);

/* One JSON document (schemas/eval-report.schema.json) with the same numbers. */
PK_NODISCARD int rm_report_json(const struct rm_report *r, FILE *f,
                                struct pk_err *err);

#endif
