/* How a model is trained: every choice that its bytes depend on, the paper's
 * where it states one (Llama 2, arXiv 2307.09288, 2.2, 3.1 and 3.2.2). */
#ifndef PREFKIT_RM_TRAIN_RECIPE_H
#define PREFKIT_RM_TRAIN_RECIPE_H

#include "common/buf.h"
#include "common/json.h"
#include "rm/data/mix.h"
#include "rm/data/votes.h"
#include "rm/train/adamw.h"

enum rm_objective {
    RM_REWARD,  /* one score a response, from pairs */
    RM_LANGUAGE /* the next token, on the chosen responses' tokens */
};

/* Which weights are kept at the end. */
enum rm_keep { RM_KEEP_LAST, RM_KEEP_LOSS, RM_KEEP_ACCURACY };

struct rm_recipe {
    const char *name; /* the recipe this started from, or NULL */
    enum rm_objective objective;
    uint64_t seed; /* of a fresh head, the draw of a mix, the order of pairs */
    size_t epochs;
    double lr;     /* the maximum; 0: by size */
    double warmup; /* part of the steps; at least 5 steps */
    size_t batch_pairs;
    struct rm_loss_opts loss;
    enum rm_judgments judgments;
    enum infer_precision precision; /* of matrix products; AUTO: to be chosen */
    struct infer_lora lora;         /* rank 0: all parameters are trained */
    size_t micro_tokens; /* unique tokens of one forward and backward */
    bool recompute;      /* keep less of a forward; changes no bits */
    size_t max_tokens;   /* of a path; 0: what the model takes */
    bool keep_preferred_unsafe;
    struct rm_adamw_opts adamw;
    size_t valid_every; /* steps; 0: at the end only */
    size_t patience;    /* validations without improvement; 0: any number */
    enum rm_keep keep;
};

/* What `train` does without further options. */
struct rm_recipe rm_recipe_default(enum rm_objective objective);

/* A recipe by name, for its dimension, and the mix it draws as rm_mix_parse
 * reads it. False when there is none of that name. */
bool rm_recipe_named(const char *name, struct rm_recipe *out,
                     enum prefdb_dimension *dimension, const char **mix);

/* The paper's largest rate for a model of so many parameters: 5e-6 for 70B,
 * 1e-5 for 7B to 34B. Between them, from 50e9 on, is our reading. */
double rm_recipe_lr(size_t parameters);

bool rm_parse_objective(const char *s, enum rm_objective *out);
bool rm_parse_keep(const char *s, enum rm_keep *out);

/* Optimizer steps for so many pairs. */
size_t rm_train_steps(const struct rm_recipe *r, size_t pairs);

/* The whole recipe as JSON, for a run of so many pairs. NULL: out of memory. */
cJSON *rm_recipe_json(const struct rm_recipe *r, size_t pairs);

/* The recipe in two lines of at most 80 columns, for people: what is always
 * said, and, if any, what departs from the plain ranking loss. */
void rm_recipe_lines(const struct rm_recipe *r, size_t pairs,
                     struct pk_buf *first, struct pk_buf *second);

#endif
