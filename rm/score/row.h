/* One row of `score`: JSON in (schemas/score-input.schema.json), the same row
 * with its scores out (schemas/score-output.schema.json). */
#ifndef PREFKIT_RM_SCORE_ROW_H
#define PREFKIT_RM_SCORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/json.h"
#include "rm/score/scorer.h"

/* Zero before the first use. */
struct rm_row {
    cJSON *json;
    size_t n;  /* responses; any number if `list`, else one */
    bool list; /* there was a list of responses */

    /* Private. */
    struct rm_dialogue dialogue;  /* the last message is the response's place */
    const cJSON *responses, *cut; /* as in the row, or NULL */
    const cJSON *next, *next_cut; /* where rm_row_next stands in them */
    struct infer_ids ids;         /* of a row with "token_ids" */
    const char *text;             /* of a row with "text"; in the row */
    bool ready_made, given;
};

/* Parse a row; what it held before is released. PK_EDATA with the reason. */
PK_NODISCARD int rm_row_parse(struct rm_row *r, const char *line, size_t len,
                              struct pk_err *err);
void rm_row_release(struct rm_row *r);

/* Append the token ids of a JSON list; PK_EDATA with the reason. */
PK_NODISCARD int rm_ids_read(const cJSON *list, struct infer_ids *out,
                             struct pk_err *err);

/* The row's responses in turn, each with what comes before it; borrowed until
 * the next call on the row. False after the last. */
bool rm_row_next(struct rm_row *r, struct rm_text *out);

/* Whether the row's prompt is tagged as a safety prompt ("safety_prompt"). */
bool rm_row_tagged(const struct rm_row *r);

/* The score that the row brought along under a name, for response i; false when
 * there is none. */
bool rm_row_own_score(const struct rm_row *r, const char *name, size_t i,
                      double *out);

/* What R_c made of one response; see combine.h. */
struct rm_combined {
    double value;
    bool safety; /* by the safety model's score */
};

/* A row's scores. */
struct rm_row_scores {
    const struct rm_scorer *scorer; /* whose models they are */
    const struct rm_scored *scored; /* (n, models) */
    size_t n;
    bool list;
    const struct rm_combined *combined; /* [n], or NULL: nothing is combined */
};

/* How a score is written: what a float needs to survive. */
#define RM_SCORE_FORMAT "%.9g"

/* A score as it is written, so that who computes with it in this run and who
 * reads it from the file get the same. */
double rm_row_rounded(double score);

/* Append `line` with the scores of its texts merged into its "scores", and
 * "marks" where there is something to say. What an earlier run left goes away
 * where it is true no more: its "error", what it combined of a score that is
 * replaced, its marks where none of its scores stays. The rest stays byte for
 * byte. `line` has been parsed as a row. Returns
 * 0, PK_EMEM, or PK_EDATA when a score is not finite or the row would be too
 * long. */
PK_NODISCARD int rm_row_write(struct pk_buf *out, const char *line, size_t len,
                              const struct rm_row_scores *scores,
                              struct pk_err *err);

/* Append a row that could not be scored by `s`: `line` with "error": reason and
 * without what an earlier run said under the names of its models or, where
 * it is not a JSON object, {"error": reason, "line": number}. */
PK_NODISCARD int rm_row_write_error(struct pk_buf *out, const char *line,
                                    size_t len, const struct rm_scorer *s,
                                    const char *reason, uint64_t number,
                                    struct pk_err *err);

#endif
