/* Accuracy by what a model was made of: the paper's Figure 6, for the
 * checkpoints of one run, or models of several sizes and amounts of data. */
#ifndef PREFKIT_RM_REPORT_SCALING_H
#define PREFKIT_RM_REPORT_SCALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer.h"
#include "prefdb/prefdb.h"

struct rm_made {
    uint64_t parameters;
    bool told;        /* prefkit.json says what follows */
    int dimension;    /* enum prefdb_dimension; -1: it is not said */
    uint64_t seen;    /* pairs, each counted once, that the weights were trained
                         on by the run that made them: comparisons, or with
                         --judgments each every judgment of them */
    uint64_t trained; /* the same, each as often as it was taken */
    uint64_t step;    /* of that run */
};

/* From the model and its directory's prefkit.json; one that is absent, or says
 * other things, tells nothing. PK_EMEM. */
PK_NODISCARD int rm_made_read(struct rm_made *out, const char *dir,
                              const struct infer_config *c, struct pk_err *err);

struct rm_report;

/* The models that told, and that were not trained for another dimension, by
 * parameters, then those of one run together, each by what they were trained
 * on; *n of them. The caller frees; NULL when out of memory. */
size_t *rm_scaling_order(const struct rm_report *r, enum prefdb_dimension d,
                         size_t *n);

/* Is there anything to compare among these: two that differ? */
bool rm_scaling_useful(const struct rm_report *r, enum prefdb_dimension d);

/* What they are drawn by: pairs seen; where a run went on with the ones
 * it had seen, in another epoch, those trained on; where all saw as many,
 * parameters. */
enum rm_axis { RM_AXIS_SEEN, RM_AXIS_TRAINED, RM_AXIS_PARAMETERS };
enum rm_axis rm_scaling_axis(const struct rm_report *r, const size_t *order,
                             size_t n);

/* Of RM_AXIS_PARAMETERS, what they saw: what a table has beside the size. */
uint64_t rm_scaling_seen(enum rm_axis axis, const struct rm_made *m);

/* Is the second, which follows the first in that order, on one line with it? */
bool rm_scaling_joined(const struct rm_report *r, enum rm_axis axis, size_t one,
                       size_t next);

/* "7.1B", "223.6k", "512". */
void rm_short_count(char out[16], uint64_t n);

#endif
