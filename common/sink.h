/* Where rows go: a file that a killed run can go on with.
 *
 * The rows are written window by window to PATH.partial. After each window the
 * file is flushed to disk, and then a line goes to PATH.journal: how long the
 * file is, and what the caller must know to start again behind that window. At
 * the end PATH.partial becomes PATH and the journal goes away. What lies behind
 * the last line of the journal is cut off by --resume, so the bytes of PATH do
 * not depend on how often the run was killed, if each window's do not.
 *
 * PATH ending in .gz is compressed, one gzip member a window. Standard output,
 * pipes and devices are written directly, without a journal. */
#ifndef PREFKIT_COMMON_SINK_H
#define PREFKIT_COMMON_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/json.h"

struct pk_sink;

/* `identity`: what the rows depend on, the input aside (a hash, say). *state is
 * what the last window's checkpoint said, to be freed by the caller; NULL for a
 * start from the beginning. PK_EUSAGE when an unfinished run's files are there
 * without `resume`, or when they are another run's (another identity, or one
 * that is still running), or nobody's (a PATH.partial without a journal). */
PK_NODISCARD int pk_sink_open(struct pk_sink **out, const char *path,
                              const char *identity, bool resume, cJSON **state,
                              struct pk_err *err);

PK_NODISCARD int pk_sink_write(struct pk_sink *s, const void *p, size_t n,
                               struct pk_err *err);

/* The end of a window: it is on disk when this returns. `state` is borrowed.
 * After a write that failed: PK_EIO, and the last checkpoint stands. */
PK_NODISCARD int pk_sink_checkpoint(struct pk_sink *s, const cJSON *state,
                                    struct pk_err *err);

/* Put the file in its place: after a checkpoint behind the last row. */
PK_NODISCARD int pk_sink_finish(struct pk_sink *s, struct pk_err *err);

/* Without pk_sink_finish before: what has had a checkpoint stays for --resume,
 * and *kept is that file's name, for the caller to free; NULL when nothing is
 * kept (`kept` may be NULL). */
void pk_sink_close(struct pk_sink *s, char **kept);

#endif
