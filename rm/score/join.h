/* Shards of `score --shard` put together. */
#ifndef PREFKIT_RM_SCORE_JOIN_H
#define PREFKIT_RM_SCORE_JOIN_H

#include "common/cli.h"

/* Write the rows of all shards, in any order given, to `output` in the order of
 * the input: what one run would have written. PK_EDATA when the shards are not
 * 1 to N of one run over one input, each once and whole: nothing is written
 * then; and when rows could not be scored, as of rm_batch_run. */
PK_NODISCARD int rm_join(char *const *files, size_t n, const char *output,
                         const struct pk_cli *cli, struct pk_err *err);

#endif
