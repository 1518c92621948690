/* Private to annotate/: a text in the annotator's own editor. */
#ifndef PREFKIT_ANNOTATE_TERMINAL_OUTSIDE_H
#define PREFKIT_ANNOTATE_TERMINAL_OUTSIDE_H

#include "annotate/terminal/editor.h"

/* $VISUAL, else $EDITOR, else vi, on a file of one's own that is gone
 * afterwards. The terminal is the caller's to lend. PK_EIO, PK_EDATA: the text
 * stays as it was. */
PK_NODISCARD int annotate__outside(struct annotate__editor *e,
                                   struct pk_err *err);

#endif
