/* One row of `generate`: what it asks, and how it is written with its
 * responses. Private to infer. */
#ifndef PREFKIT_INFER_GENERATE_ROW_H
#define PREFKIT_INFER_GENERATE_ROW_H

#include "common/json.h"
#include "infer/generate/batch.h"

struct infer_row {
    char *line; /* as it was read */
    size_t len;
    uint64_t number; /* its line */
    size_t dropped;  /* oldest exchanges left out to fit */
    struct infer_ask *done;
    char *error; /* why there is no response */
    struct infer_row *next;
};

PK_NODISCARD int infer_row_new(struct infer_row **out, const char *line,
                               size_t len, struct pk_err *err);
void infer_row_free(struct infer_row *r);

/* Parse it and ask its prompt, with itself as the ask's arg. PK_EDATA for a row
 * that asks nothing that can be answered. */
PK_NODISCARD int infer_row_ask(struct infer_row *r, struct infer_batch *b,
                               size_t positions,
                               const struct infer_tokenizer *t,
                               const struct infer_request *q, size_t samples,
                               struct pk_err *err);

struct infer_row_writer {
    const struct infer_request *q; /* borrowed */
    cJSON *settings;               /* what all rows share of "generation" */
    char identity[65]; /* a hash over all that the responses depend on, the
                          input aside */
    struct pk_buf out; /* the last row written, with its newline */
    struct pk_buf half, value;
};

PK_NODISCARD int infer_row_writer_init(struct infer_row_writer *w,
                                       const struct infer_model *m,
                                       const struct infer_tokenizer *t,
                                       const struct infer_request *q,
                                       uint64_t samples, struct pk_err *err);
void infer_row_writer_release(struct infer_row_writer *w);

PK_NODISCARD int infer_row_write(struct infer_row_writer *w,
                                 const struct infer_row *r, struct pk_err *err);

#endif
