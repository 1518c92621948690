/* Scores: reward models over a stream of texts. A part of the door, rm/rm.h.
 *
 * A score is r, one raw number: the output of the model's head, without bias,
 * at the end-of-sequence token that closes the response (Touvron et al., arXiv
 * 2307.09288, 3.2.2). `score`, `eval` and `serve` are made of this, so that the
 * same text gets the same number from all of them, to the last bit, whatever
 * else is scored beside it.
 *
 *     rm_scorer_open(&s, models, n, &opts, err);
 *     for each text: rm_scorer_add(s, &text, &index, &why, err);
 *                    and, where a unit of work ends,
 *                    if (rm_scorer_full(s)) { flush; use the scores; clear; }
 *     rm_scorer_flush(s, err); use what is left;
 *     rm_scorer_close(s);
 *
 * Texts wait in one forest per model (tokenizers may differ), where beginnings
 * that they share are computed once. The forest grows to a budget of tokens
 * that the caller is asked to keep (rm_scorer_full), and never beyond twice
 * that: then the scorer runs by itself, and goes on.
 *
 * Threads: a scorer belongs to one. */
#ifndef PREFKIT_RM_RM_SCORE_H
#define PREFKIT_RM_RM_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer.h"

/* ---- Texts --------------------------------------------------------------- */

/* Messages, the last one the response. Zero before the first use; released by
 * infer_dialogue_release(&d.all). */
struct rm_dialogue {
    struct infer_dialogue all;
    bool cut; /* the response was cut off before its end */
};

/* A dialogue; or, where that is NULL, a text that has its chat format written
 * around it already ("<s>[INST] ... [/INST] ... </s>"); or, where both are
 * NULL, ready-made ids, which are used exactly as they are and read at the last
 * one. All of it is borrowed. */
struct rm_text {
    const struct rm_dialogue *dialogue;
    const char *marked;
    size_t marked_len;
    bool no_bos; /* marked: put no BOS before it where it spells out none */
    const int32_t *ids;
    size_t n_ids;
};

/* What a marked text without an end-of-sequence token at its end is. */
enum rm_unclosed {
    RM_UNCLOSED_CUT,   /* cut off: read at its last token, and marked */
    RM_UNCLOSED_CLOSE, /* whole: closed here, as the chat format does it */
    RM_UNCLOSED_REFUSE /* an error */
};

/* "cut", "close", "refuse"; false when it is none of them. */
bool rm_parse_unclosed(const char *s, enum rm_unclosed *out);

/* Why a judgment, or a text, cannot be used: X(name, key in JSON, words in a
 * summary). */
#define RM_REASONS(X)                                                          \
    X(TIE, "tie", "ties")                                                      \
    X(BOTH_BAD, "both_bad", "both bad")                                        \
    X(PREFERRED_UNSAFE, "preferred_unsafe", "preferred unsafe")                \
    X(ROLES, "roles", "roles that do not alternate")                           \
    X(FORMAT, "format_tag", "texts that hold a tag of the chat format")        \
    X(TOO_LONG, "too_long", "too long without any earlier exchange")           \
    X(SAME, "same_tokens", "both responses the same tokens")

enum rm_reason {
#define RM_ENUM(name, key, words) RM_##name,
    RM_REASONS(RM_ENUM)
#undef RM_ENUM
        RM_N_REASONS
};

const char *rm_reason_key(enum rm_reason r);
const char *rm_reason_words(enum rm_reason r);

/* ---- The scorer ---------------------------------------------------------- */

/* Both are borrowed until rm_scorer_close. */
struct rm_named {
    const char *name; /* as in --rm NAME=DIR */
    const char *dir;  /* a reward model's, or an adapter's */
};

/* {0} is what `score` does by default, but in fp32 everywhere. */
struct rm_scorer_opts {
    size_t max_tokens;    /* of one text; 0: as many as each model takes */
    size_t forest_tokens; /* the budget; 0: RM_FOREST_TOKENS */
    enum infer_precision precision;
    enum infer_read_out read_out; /* which token is meant, when in doubt */
    enum rm_unclosed unclosed;
    bool keep_bad; /* a score may come out as NaN or infinite */
    bool verbose;  /* the program's notes speak of memory too */
};

enum { RM_FOREST_TOKENS = 16384 };

struct rm_scorer;

/* A directory without a tokenizer takes ready-made ids only.
 * PK_EDATA for a model without a score head, PK_EUSAGE for max_tokens beyond
 * what a model takes; the errors of infer_model_open otherwise. */
PK_NODISCARD int rm_scorer_open(struct rm_scorer **out,
                                const struct rm_named *models, size_t n,
                                const struct rm_scorer_opts *opts,
                                struct pk_err *err);
void rm_scorer_close(struct rm_scorer *s);

size_t rm_scorer_models(const struct rm_scorer *s);
const char *rm_scorer_name(const struct rm_scorer *s, size_t model);
/* infer_model_fingerprint: what reports and stores know a model by. */
PK_NODISCARD int rm_scorer_fingerprint(const struct rm_scorer *s, size_t model,
                                       char out[65], struct pk_err *err);
/* What a model's products are computed in. */
enum infer_precision rm_scorer_precision(const struct rm_scorer *s,
                                         size_t model);

/* Queue a text; *index counts from 0 since the last clear. PK_EDATA when some
 * model cannot take it; then it is queued for none, and *why is the reason if
 * it is a dialogue that cannot be encoded, else RM_N_REASONS. */
PK_NODISCARD int rm_scorer_add(struct rm_scorer *s, const struct rm_text *text,
                               size_t *index, enum rm_reason *why,
                               struct pk_err *err);
bool rm_scorer_full(const struct rm_scorer *s);

/* Score what is queued. PK_EDATA when a score is not finite, unless that was
 * allowed for. */
PK_NODISCARD int rm_scorer_flush(struct rm_scorer *s, struct pk_err *err);

/* What a model did with one text. */
struct rm_scored {
    double score;   /* raw: the head's output */
    size_t dropped; /* oldest exchanges left out to fit */
    bool cut;       /* read at a token that does not close the response */
    size_t readout; /* private */
};

/* Of a text that has been flushed; borrowed until the next add or clear. All
 * models' numbers for a text, and all texts, lie side by side: get(s, 0, i)[m]
 * is get(s, m, i). */
const struct rm_scored *rm_scorer_get(const struct rm_scorer *s, size_t model,
                                      size_t index);
/* Drop all texts, also those that wait. */
void rm_scorer_clear(struct rm_scorer *s);

#endif
