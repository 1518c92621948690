/* Private to annotate/: a model behind an OpenAI-compatible endpoint, through
 * libcurl's multi interface. */
#ifndef PREFKIT_ANNOTATE_SOURCE_ENDPOINT_H
#define PREFKIT_ANNOTATE_SOURCE_ENDPOINT_H

#include "annotate/source/source.h"

struct annotate__endpoint_options {
    const char *name;    /* what the model is called, here and, unless the URL
                            ends in #MODEL, by its server */
    const char *url;     /* http://host:8000/v1; without a path, /v1 */
    const char *key_env; /* the environment variable that holds the key; it
                            need not be set; NULL: no key */
    long stall_seconds;  /* so long without a byte, and it is given up */
};

/* PK_EUSAGE for a URL that is none, or that carries a password. */
PK_NODISCARD int
annotate__endpoint_open(struct annotate__source **out, struct annotate__hub *h,
                        const struct annotate__endpoint_options *o,
                        struct pk_err *err);

/* Let every transfer of the multi handle go on as far as it can (hub.c). */
PK_NODISCARD int annotate__endpoint_perform(void *multi, struct pk_err *err);

#endif
