/* One annotator, one terminal: a second session at the same work would have the
 * first one's lease and drafts in hand, and its end would give them back. */
#ifndef PREFKIT_ANNOTATE_JUDGE_ALONE_H
#define PREFKIT_ANNOTATE_JUDGE_ALONE_H

#include <stdint.h>

#include "common/err.h"

/* *out (a file descriptor, or -1 where the system has no such thing) keeps
 * others of this machine away until it is closed, or its process is gone.
 * PK_EUSAGE: another session has it, and still has it after two seconds. */
PK_NODISCARD int annotate__alone(int *out, const char *store, int64_t campaign,
                                 const char *annotator, struct pk_err *err);

#endif
