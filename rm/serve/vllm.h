/* What vLLM's requests and replies have in common. Private to serve_vllm*.c. */
#ifndef PREFKIT_RM_SERVE_VLLM_H
#define PREFKIT_RM_SERVE_VLLM_H

#include "rm/serve/shape.h"

/* The request as an object in the ask, its model chosen, its options checked.
 */
PK_NODISCARD int rm_vllm_begin(struct rm_ask *a, const char *body, size_t len,
                               struct pk_err *err);

/* Whether a body is a request of /v1/score: vLLM answers it at /score too,
 * where ours are rows. */
bool rm_vllm_has_sides(const char *body, size_t len);

/* A score as it is asked for. */
void rm_vllm_number(struct pk_buf *out, const struct rm_ask *a,
                    const struct rm_scored *s);

/* {"id":...,"object":"list","created":...,"model":NAME, without what follows;
 * and ,"usage":{...}. */
void rm_vllm_head(struct pk_buf *out, const struct rm_ask *a, const char *kind);
void rm_vllm_usage(struct pk_buf *out, const struct rm_ask *a);

/* A whole reply: an entry for each text, its number between two pieces of
 * JSON; its "id" begins with the kind. */
struct rm_vllm_entry {
    const char *kind, *before, *after;
};
PK_NODISCARD int rm_vllm_list(struct pk_buf *out, const struct rm_ask *a,
                              const struct rm_vllm_entry *e,
                              struct pk_err *err);

#endif
