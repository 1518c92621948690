/* Private to annotate/: an endpoint's names, and what goes wrong with it in
 * plain words that do not tell which model a side is. */
#ifndef PREFKIT_ANNOTATE_SOURCE_ENDPOINT_ERROR_H
#define PREFKIT_ANNOTATE_SOURCE_ENDPOINT_ERROR_H

#include <curl/curl.h>

#include "annotate/source/endpoint.h"

struct annotate__endpoint_names {
    char *name, *served, *host; /* served: by its server; host: no port */
    char *key_env;
};

/* From the options, with the URL of its completions and the base as it is kept
 * in the store. PK_EUSAGE, PK_EMEM. */
PK_NODISCARD int
annotate__endpoint_name(struct annotate__endpoint_names *n,
                        const struct annotate__endpoint_options *o, char **url,
                        char **base, struct pk_err *err);
void annotate__endpoint_names_release(struct annotate__endpoint_names *n);

/* `text` with the model's names and its host (and a port) as [...], whatever
 * their case. */
void annotate__endpoint_mask(const struct annotate__endpoint_names *n,
                             const char *text, char *out, size_t size);

/* A status that is no stream's: what it means, the body's message, what to
 * do. */
void annotate__endpoint_refusal(long status,
                                const struct annotate__endpoint_names *n,
                                const char *body, size_t len, char *out,
                                size_t size);
/* A transfer that failed before there was a status. */
void annotate__endpoint_failure(CURL *easy, CURLcode result, long stall,
                                char *out, size_t size);
/* Might the same work in a second? A stall is none: the server is at work. */
bool annotate__endpoint_transient(CURL *easy, CURLcode result);

#endif
