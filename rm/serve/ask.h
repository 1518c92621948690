/* One request's texts, as ids before they are scored and with their scores
 * after. A text that cannot be scored has its reason instead; the others go
 * on. */
#ifndef PREFKIT_RM_SERVE_ASK_H
#define PREFKIT_RM_SERVE_ASK_H

#include "common/buf.h"
#include "common/json.h"
#include "rm/score/combine.h"
#include "rm/score/row.h"
#include "rm/score/scorer.h"

#define RM_EVERY_MODEL   SIZE_MAX
#define RM_COMBINED      (SIZE_MAX - 1) /* R_c, which goes by this name: */
#define RM_COMBINED_NAME "combined"

/* Two of the scorer's models as one reward. */
struct rm_reward {
    const struct rm_combine *how;
    size_t model[RM_N_COMBINED]; /* in the scorer */
};

struct rm_asked {
    size_t ids;  /* where its ids start, in the ask's */
    char *error; /* owned; NULL: it is scored */
    bool tagged; /* its prompt is a safety prompt */
};

struct rm_ask {
    const struct rm_scorer *scorer;
    const struct rm_reward *reward; /* NULL: nothing is combined */
    size_t model; /* the only one that is asked, or RM_EVERY_MODEL, or
                     RM_COMBINED */
    struct rm_asked *text;
    size_t n, cap;
    struct infer_ids ids;     /* of all texts, each by all models */
    struct rm_code *code;     /* (n, models) */
    struct rm_scored *scored; /* (n, models) */
    size_t cap_code, cap_scored;
    struct rm_combined *combined; /* (n): by rm_ask_combine, else NULL */
    struct rm_scored *total;      /* the same, as a model's */
    size_t texts;                 /* that are to be scored */
    uint64_t tokens;              /* of those, by the model with the most */

    /* The shape's: what it needs to write the reply. */
    uint64_t id;            /* of the request */
    const char *named;      /* the model that the address asks for, or NULL */
    cJSON *json;            /* the request, where the reply needs it */
    bool activated;         /* sigma of a score is asked for */
    const char *body;       /* the request; borrowed */
    struct rm_ask_row *row; /* where it is rows */
    size_t n_rows, cap_rows;

    /* The queue's; see queue.h. */
    struct rm_ask *next;
    size_t at;            /* the next text to take */
    size_t waiting, left; /* texts not in a forest yet; without a score yet */
    void (*done)(void *arg);
    void *arg;
    struct pk_err
        failed; /* why it could not be scored at all; code 0: it was */
};

/* A row of a request of rows. */
struct rm_ask_row {
    size_t at, len;  /* in the body */
    uint64_t number; /* of its line */
    size_t first, n;
    bool list;
    char *error; /* owned; the row's own fault */
};

void rm_ask_init(struct rm_ask *a, const struct rm_scorer *s);
void rm_ask_release(struct rm_ask *a);

/* Take a text in: encode it for the models that are asked. A text that they
 * cannot take is there with its reason; an error is PK_EMEM alone. */
PK_NODISCARD int rm_ask_add(struct rm_ask *a, const struct rm_text *t,
                            struct pk_err *err);
/* A text that is none, with the reason. */
PK_NODISCARD int rm_ask_add_bad(struct rm_ask *a, const char *reason,
                                struct pk_err *err);

/* R_c of the texts, once they are scored: the number that `score --combine`
 * gives. Nothing where nothing is combined. PK_EMEM. */
PK_NODISCARD int rm_ask_combine(struct rm_ask *a, struct pk_err *err);

/* The name of the model that is asked. */
const char *rm_ask_model_name(const struct rm_ask *a);

/* A text's score by the model that is asked; NULL when it has none, and why in
 * *error. */
const struct rm_scored *rm_ask_score(const struct rm_ask *a, size_t i,
                                     const char **error);

/* Tokens of one text, by the model that is asked. */
size_t rm_ask_tokens(const struct rm_ask *a, size_t i);

#endif
