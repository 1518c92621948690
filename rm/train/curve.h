/* The course of a training run as a drawing. */
#ifndef PREFKIT_RM_TRAIN_CURVE_H
#define PREFKIT_RM_TRAIN_CURVE_H

#include "rm/train/state.h"

/* An SVG: loss above, accuracy below, over the steps; the training batches as a
 * thin line and their running mean as a thick one (one alone as a dot),
 * validations as dots. No script, no font of its own. */
PK_NODISCARD int rm_curve_write(const char *path, const struct rm_record *r,
                                const char *title, struct pk_err *err);

#endif
