/* What goes over the wire: how one kind of request is read and answered.
 * Private to serve. */
#ifndef PREFKIT_RM_SERVE_SHAPE_H
#define PREFKIT_RM_SERVE_SHAPE_H

#include "rm/serve/ask.h"

struct rm_shape {
    const char *path[4]; /* NULL behind the last */
    const char *type;    /* the reply's */
    /* Fill an ask that is empty but for what it inherits. `body` stays where it
     * is until the reply is written. PK_EDATA: the request is wrong as a whole,
     * and why; PK_ENO: it asks for a model that is not served; PK_EMEM. */
    int (*read)(struct rm_ask *a, const char *body, size_t len,
                struct pk_err *err);
    /* Append the reply to an ask whose texts are scored. PK_EMEM. */
    int (*write)(const struct rm_ask *a, struct pk_buf *out,
                 struct pk_err *err);
};

extern const struct rm_shape rm_shape_rows;     /* rows.c */
extern const struct rm_shape rm_shape_openrlhf; /* openrlhf.c */
extern const struct rm_shape rm_shape_classify, rm_shape_pooling; /* vllm */
extern const struct rm_shape rm_shape_rerank, rm_shape_score; /* vllm_pair */

/* The shape that a path asks for, or NULL; and what it is once the body is
 * there. */
const struct rm_shape *rm_shape_at(const char *path);
const struct rm_shape *rm_shape_of(const struct rm_shape *s, const char *body,
                                   size_t len);
/* Its number, 0 to RM_N_SHAPES - 1, and by number. */
enum { RM_N_SHAPES = 6 };
size_t rm_shape_number(const struct rm_shape *s);
const struct rm_shape *rm_shape_numbered(size_t i);

/* ---- What several shapes share ------------------------------------------- */

/* Ask only the model of this name ("combined" where two are combined), or the
 * first for NULL. PK_ENO. */
PK_NODISCARD int rm_ask_choose(struct rm_ask *a, const char *name,
                               struct pk_err *err);

/* "safety_prompt" of the request, once its texts are in: true or false for all
 * of them, or a list with one for each. PK_EDATA when it is neither. */
PK_NODISCARD int rm_ask_tag(struct rm_ask *a, const cJSON *request,
                            struct pk_err *err);

/* The request as one JSON object, kept in the ask; and no longer, since it may
 * take many times the memory of its text while it waits in the queue. */
PK_NODISCARD int rm_ask_object(struct rm_ask *a, const char *body, size_t len,
                               struct pk_err *err);
void rm_ask_forget(struct rm_ask *a);

/* A number as score writes it; null where there is none. */
void rm_reply_number(struct pk_buf *out, const struct rm_scored *s);

/* "key":[{"index":i,"error":why},...], with a comma before it, where there is
 * any text without a score; else nothing. */
void rm_reply_errors(struct pk_buf *out, const struct rm_ask *a);

/* out->failed as a return code. */
int rm_reply_end(const struct pk_buf *out, struct pk_err *err);

#endif
