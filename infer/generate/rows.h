/* JSON lines in, the same lines with their responses out: `generate`. */
#ifndef PREFKIT_INFER_GENERATE_ROWS_H
#define PREFKIT_INFER_GENERATE_ROWS_H

#include "common/cli.h"
#include "infer/infer.h"

struct infer_rows_opts {
    const struct pk_cli *cli;
    const char *model, *input, *output; /* paths; "-" */
    enum infer_precision precision;     /* of prompts */
    struct infer_request request;       /* stream: set for each row */
    uint64_t samples;
    size_t batch;     /* responses at once */
    size_t kv_budget; /* bytes of keys and values; 0: as much as is useful */
    bool resume;
    bool strict; /* a bad row stops the run */
};

/* Rows come out in the order of the input; sample k of row n (from 1) is drawn
 * from stream n << 20 | k. The output goes the way that common/sink.h says.
 * PK_EDATA when rows could not be answered: then they are in the output, which
 * is complete. Progress, and a summary as notes. */
PK_NODISCARD int infer_generate_rows(const struct infer_rows_opts *o,
                                     struct pk_err *err);

#endif
