/* Private to annotate/: a model in a directory, through our own core. Each
 * response is made in a thread of its own, which wakes the hub. */
#ifndef PREFKIT_ANNOTATE_LOCAL_H
#define PREFKIT_ANNOTATE_LOCAL_H

#include "annotate/source.h"

/* PK_EDATA for a directory that holds no language model. */
PK_NODISCARD int annotate__local_open(struct annotate__source **out,
                                      struct annotate__hub *h, const char *name,
                                      const char *dir, struct pk_err *err);

#endif
