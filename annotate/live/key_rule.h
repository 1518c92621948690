/* Private to annotate/: which endpoint gets which key. */
#ifndef PREFKIT_ANNOTATE_LIVE_KEY_RULE_H
#define PREFKIT_ANNOTATE_LIVE_KEY_RULE_H

#include "annotate/live/live.h"

/* The variable whose key is sent to model i, or NULL: none. A key that is named
 * for the model (--key-env NAME=VAR) always is. Any other goes to this machine,
 * and over https where there is but one host to which it could be meant. `why`
 * is what there is to say of it, on one line, or "". */
const char *annotate__key_of(const struct annotate__live_options *o, size_t i,
                             char *why, size_t size);

#endif
