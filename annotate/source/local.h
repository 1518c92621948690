/* Private to annotate/: a model in a directory, through our own core. It is
 * read, and each response made, in a thread of its own, which wakes the hub. */
#ifndef PREFKIT_ANNOTATE_SOURCE_LOCAL_H
#define PREFKIT_ANNOTATE_SOURCE_LOCAL_H

#include "annotate/source/source.h"

/* PK_EIO, PK_EDATA for what is no directory; what else is wrong with it, such
 * as holding no language model (PK_EDATA), a wait of the hub tells. */
PK_NODISCARD int annotate__local_open(struct annotate__source **out,
                                      struct annotate__hub *h, const char *name,
                                      const char *dir, struct pk_err *err);

#endif
