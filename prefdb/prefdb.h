/* prefdb: the store of conversations, comparisons and judgments. It has never
 * heard of a tensor. The room's one door.
 *
 * One SQLite file (schemas/prefdb.sql). Terms, as in the Llama 2 paper
 * (arXiv 2307.09288, 3.2.1):
 *
 *   turn        a node of a tree of messages; a conversation is a path
 *   response    an assistant turn, with where it came from
 *   comparison  two sibling responses, a and b, with source, batch and split
 *   judgment    one person's word on one comparison, for one dimension
 *   rating      one number said of one response by itself
 *
 * Threads: a handle belongs to one thread; any number of processes may have
 * the file open. */
#ifndef PREFKIT_PREFDB_PREFDB_H
#define PREFKIT_PREFDB_PREFDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum prefdb_role { PREFDB_SYSTEM, PREFDB_USER, PREFDB_ASSISTANT };
enum prefdb_dimension { PREFDB_HELPFULNESS, PREFDB_SAFETY };
enum prefdb_split { PREFDB_TRAIN, PREFDB_VALID, PREFDB_TEST };

/* Tie and both-bad are said by some sources only; they are not strength 0,
 * which is a choice ("negligibly better or unsure"). */
enum prefdb_choice { PREFDB_A, PREFDB_B, PREFDB_TIE, PREFDB_BOTH_BAD };

/* How much better: 0 negligibly better or unsure, 1 slightly better, 2 better,
 * 3 significantly better; PREFDB_UNSTATED where the source does not say. */
#define PREFDB_UNSTATED (-1)

/* The safety label of a judgment (paper, 3.2.1), by preferred response. The
 * fourth is left out of the paper's training data; the store keeps it. */
enum prefdb_label {
    PREFDB_NO_LABEL,
    PREFDB_PREFERRED_SAFE, /* preferred safe, the other not */
    PREFDB_BOTH_SAFE,
    PREFDB_BOTH_UNSAFE,
    PREFDB_PREFERRED_UNSAFE /* preferred unsafe, the other not */
};

/* "helpfulness", "train", "a", "preferred_safe", ...: one spelling for files,
 * options and reports. */
const char *prefdb_dimension_name(enum prefdb_dimension d);
const char *prefdb_split_name(enum prefdb_split s);
const char *prefdb_label_name(enum prefdb_label l);
const char *prefdb_choice_name(enum prefdb_choice c);
const char *prefdb_strength_name(int strength); /* "significantly better" */
bool prefdb_parse_dimension(const char *s, enum prefdb_dimension *out);
bool prefdb_parse_split(const char *s, enum prefdb_split *out);

struct prefdb;

enum prefdb_mode { PREFDB_READ, PREFDB_WRITE, PREFDB_CREATE };

/* READ and WRITE need an existing store; CREATE makes one where there is no
 * file (PK_EUSAGE if there is). A file that is not a store, or one from a newer
 * prefkit, is PK_EDATA; a store from an older one is migrated by WRITE. */
PK_NODISCARD int prefdb_open(struct prefdb **out, const char *path,
                             enum prefdb_mode mode, struct pk_err *err);
void prefdb_close(struct prefdb *db); /* NULL is fine */

/* PK_EUSAGE, naming the option, where `output` (or NULL, or "-") is the store
 * at that path or one of the files that SQLite keeps beside it: an output is
 * put in the place of what is there. */
PK_NODISCARD int prefdb_check_output(const char *store, const char *option,
                                     const char *output, struct pk_err *err);

/* PK_EUSAGE where the store holds nothing of that source, or no comparison of
 * that batch (NULL: not asked): a mistyped name is not an empty one. */
PK_NODISCARD int prefdb_check_names(struct prefdb *db, const char *source,
                                    const char *batch, struct pk_err *err);

/* While on, what is written need not outlive a power cut (a program that is
 * killed it does), and no call waits for the disk; the next one that is not
 * lazy takes all of it there. For what can be done again, as making tasks. */
PK_NODISCARD int prefdb_lazy(struct prefdb *db, bool on, struct pk_err *err);

/* A call that writes waits for other writers, a minute at most unless another
 * time is set here. When it has waited for a second it calls `told`, if that is
 * not NULL, once. */
void prefdb_wait(struct prefdb *db, int seconds, void (*told)(void *arg),
                 void *arg);

/* All that is read between the two is of one moment, that of the first read,
 * whatever others write meanwhile: a fingerprint is then that of what was read.
 * The second is quiet where the first was not called, or failed. */
PK_NODISCARD int prefdb_read_begin(struct prefdb *db, struct pk_err *err);
void prefdb_read_end(struct prefdb *db);

/* What the store holds, as a hash: the same judgments, ratings and texts give
 * the same 64 hex digits, in whatever order they came. For provenance. */
PK_NODISCARD int prefdb_fingerprint(struct prefdb *db, char out[65],
                                    struct pk_err *err);

/* Which judgments: those that nothing supersedes, filtered. */
struct prefdb_query {
    int dimension;      /* enum prefdb_dimension, or -1: any */
    int split;          /* enum prefdb_split, or -1: any */
    const char *source; /* NULL: any */
};

/* Their row numbers, in ascending order; *ids is the caller's, to be freed.
 * Zero of them is not an error. */
PK_NODISCARD int prefdb_list(struct prefdb *db, const struct prefdb_query *q,
                             int64_t **ids, size_t *n, struct pk_err *err);

struct prefdb_turn {
    enum prefdb_role role;
    const char *text;
    size_t len; /* bytes */
};

/* One judgment with all its texts. */
struct prefdb_example {
    int64_t judgment, comparison, prompt;   /* row numbers; prompt: the last
                                               turn of the context */
    const char *source, *batch, *annotator; /* "" where not known */
    enum prefdb_split split;
    enum prefdb_dimension dimension;
    enum prefdb_choice choice;
    int strength; /* 0..3 or PREFDB_UNSTATED */
    enum prefdb_label label;
    int shown_left;                    /* PREFDB_A, PREFDB_B or -1 */
    const struct prefdb_turn *context; /* root first; ends before the answer */
    size_t n_context;
    struct prefdb_turn a, b;
    bool a_cut, b_cut; /* the response was cut off before its end */
    const char *extra; /* what no column holds of the imported row, as a JSON
                          object; "" where there is nothing. A row that became
                          several judgments has it with one of them */
};

/* By row number; everything in *out is borrowed until the next call on db. */
PK_NODISCARD int prefdb_get(struct prefdb *db, int64_t judgment,
                            struct prefdb_example *out, struct pk_err *err);

/* What its annotator wrote beside a judgment: the note, and the flags with a
 * space between them; "" where there is none. Both are the caller's to free,
 * and NULL on failure. */
PK_NODISCARD int prefdb_words(struct prefdb *db, int64_t judgment, char **note,
                              char **flags, struct pk_err *err);

/* A training batch: (*out)[i] is judgments[i]'s, all borrowed until the next
 * call of this on db, whatever else is called. Where they are many, and no
 * transaction is under way on db, up to four threads read them, through
 * connections that stay with db. An error is of the first that failed, and
 * nothing is lent. */
PK_NODISCARD int prefdb_get_many(struct prefdb *db, const int64_t *judgments,
                                 size_t n, const struct prefdb_example **out,
                                 struct pk_err *err);

/* A comparison nobody need have judged, by row number: as prefdb_get, with
 * judgment 0 and PREFDB_HELPFULNESS, PREFDB_A, PREFDB_UNSTATED for what only a
 * judgment says. */
PK_NODISCARD int prefdb_get_comparison(struct prefdb *db, int64_t comparison,
                                       struct prefdb_example *out,
                                       struct pk_err *err);

/* Names of the models behind a comparison's responses, as far as they are
 * known; comparison 0: of the store's oldest and newest thousand responses.
 * Even on failure *names is the caller's, for prefdb_models_free. */
PK_NODISCARD int prefdb_models(struct prefdb *db, int64_t comparison,
                               char ***names, size_t *n, struct pk_err *err);
void prefdb_models_free(char **names, size_t n);

/* ---- Campaigns: what labelers are asked to do ------------------------------
 *
 * A campaign is a list of tasks, comparisons in the order in which they are
 * handed out, each to be judged by `overlap` annotators. prefdb_next leases a
 * task to an annotator; while the lease runs and after it is judged it counts
 * towards the overlap, so no task is handed out beyond it. prefdb_submit looks
 * again. Any number of processes may do all this on one file at once: every
 * call is one transaction, on disk when it returns; a busy file is waited for
 * (a minute), then PK_EIO. */

enum prefdb_order { PREFDB_OLDEST, PREFDB_RANDOM, PREFDB_UNCERTAIN };
const char *prefdb_order_name(enum prefdb_order o); /* "oldest" */
bool prefdb_parse_order(const char *s, enum prefdb_order *out);

struct prefdb_campaign {
    int64_t id;
    const char *name;
    enum prefdb_dimension dimension;
    int overlap;           /* annotators for each task, 1..1000 */
    int64_t lease_seconds; /* how long a task may be in hand */
    int64_t quota; /* judgments for each annotator, checks too; 0: any */
    bool allow_tie, allow_both_bad; /* beside a and b */
    const char *guideline;          /* its version, kept with every judgment */
    const char *guideline_text;
    /* Blind checks, each at a place that nobody can guess in every run of so
     * many pairs, 2 or more; 0: none. A gold pair is one that this annotator
     * has judged: it goes to all the others, whatever the overlap, and to
     * nobody as a task. A repeat is a pair that the annotator has judged, ten
     * judgments ago or earlier; its judgment stands beside the first. */
    const char *gold; /* whose word is right; NULL: nobody's */
    int64_t gold_every, repeat_every;
    int64_t turn_limit; /* of a live dialogue; 0: none */
    /* As it was filled last; read only. */
    enum prefdb_order order;
    const char *scored_by, *against; /* as in struct prefdb_fill, or NULL */
};

/* Make the campaign of that name, or change its settings (`id` is set). A
 * guideline's version keeps its text, as judgments name it: PK_EUSAGE where
 * there is another under that version; and for another dimension, once there
 * are tasks. */
PK_NODISCARD int prefdb_campaign_put(struct prefdb *db,
                                     struct prefdb_campaign *c,
                                     struct pk_err *err);

/* Take a campaign away that has no tasks; one that has some stays. */
PK_NODISCARD int prefdb_campaign_drop(struct prefdb *db, int64_t campaign,
                                      struct pk_err *err);

/* Texts are borrowed until the next call on db. PK_EUSAGE when there is none
 * of that name. */
PK_NODISCARD int prefdb_campaign_get(struct prefdb *db, const char *name,
                                     struct prefdb_campaign *out,
                                     struct pk_err *err);

/* The text of one version of a campaign's guideline; *text is the caller's,
 * NULL where there is no such version. */
PK_NODISCARD int prefdb_guideline(struct prefdb *db, int64_t campaign,
                                  const char *version, char **text,
                                  struct pk_err *err);

/* Which comparisons become tasks, after those that are tasks already. */
struct prefdb_fill {
    const char *source, *batch; /* NULL: any */
    enum prefdb_order order;
    /* For UNCERTAIN, the names of scores: the smallest margin between a pair's
     * two scores first; with `against` those on which the two models disagree
     * most, as probabilities. Unscored pairs come last. */
    const char *scored_by, *against;
    uint64_t seed; /* for RANDOM: the same seed, the same order */
    int64_t limit; /* at most so many; 0: all */
};

/* *added: how many tasks are new. */
PK_NODISCARD int prefdb_campaign_fill(struct prefdb *db, int64_t campaign,
                                      const struct prefdb_fill *f,
                                      int64_t *added, struct pk_err *err);

/* How many tasks there are, and how many judgments of this annotator's stand:
 * the work grows with the latter only. */
struct prefdb_progress {
    int64_t tasks, judged;
};
PK_NODISCARD int prefdb_progress(struct prefdb *db, int64_t campaign,
                                 const char *annotator,
                                 struct prefdb_progress *out,
                                 struct pk_err *err);

/* How many tasks have been judged `overlap` times. */
PK_NODISCARD int prefdb_campaign_done(struct prefdb *db, int64_t campaign,
                                      int64_t *out, struct pk_err *err);

/* How the annotator's standing judgments have gone. */
struct prefdb_habits {
    uint64_t judged, ties, strengths[4];
    uint64_t sided, left;   /* choices whose sides are known, and the left */
    uint64_t repeats, same; /* second judgments of a pair, and those alike */
    double seconds, median; /* spent, and of one; NaN where none is timed */
};
/* Those since a time as the store writes it, or NULL: all. */
PK_NODISCARD int prefdb_habits(struct prefdb *db, int64_t campaign,
                               const char *annotator, const char *since,
                               struct prefdb_habits *out, struct pk_err *err);

/* What is in an annotator's hand. */
struct prefdb_task {
    int64_t comparison;
    int64_t expires; /* seconds since 1970 */
    bool waiting;    /* none in hand, but others have the last ones in theirs */
    bool again;      /* a repeat. For drawing its sides anew: not to be shown */
};

/* 1: out->comparison is leased to the annotator. It is the one in hand, its
 * lease renewed, until it is submitted, skipped or released. 0: nothing left
 * for this annotator, now. An annotator's name is never empty (PK_EUSAGE). */
PK_NODISCARD int prefdb_next(struct prefdb *db, int64_t campaign,
                             const char *annotator, struct prefdb_task *out,
                             struct pk_err *err);

/* What an annotator says. NULL and negative numbers are "not stated". */
struct prefdb_verdict {
    enum prefdb_dimension dimension; /* that was asked for, and judged */
    enum prefdb_choice choice;
    int strength; /* 0..3 or PREFDB_UNSTATED */
    enum prefdb_label label;
    int shown_left; /* PREFDB_A, PREFDB_B or -1 */
    double seconds;
    const char *note;
    const char *const *flags; /* n_flags of them */
    size_t n_flags;
    const char *guideline; /* the version that was shown; NULL: the campaign's
                              as it is now */
    const char *draft_key; /* of prefdb_submit and prefdb_revise: a draft of
                              this work, taken away with it; or NULL */
};

/* Append the judgment; *judgment is its row number. The lease ends. A lease
 * that has run out is no obstacle while the overlap is not reached. PK_ENO,
 * and nothing written: the overlap has been reached by others, or the
 * annotator has judged it already (use prefdb_revise), or the campaign is for
 * another dimension now. PK_EUSAGE: a choice that the campaign does not allow,
 * or that does not make sense. */
PK_NODISCARD int prefdb_submit(struct prefdb *db, int64_t campaign,
                               const char *annotator, int64_t comparison,
                               const struct prefdb_verdict *v,
                               int64_t *judgment, struct pk_err *err);

/* A new judgment in place of one of the annotator's own, which stays in the
 * log; v NULL withdraws it, and the task is open again. PK_ENO when `old` is
 * another's or has been superseded already, or the campaign is for another
 * dimension now. */
PK_NODISCARD int prefdb_revise(struct prefdb *db, int64_t campaign,
                               const char *annotator, int64_t old,
                               const struct prefdb_verdict *v,
                               int64_t *judgment, struct pk_err *err);

/* Not this one, and why: it is not handed to this annotator again. */
PK_NODISCARD int prefdb_skip(struct prefdb *db, int64_t campaign,
                             const char *annotator, int64_t comparison,
                             const char *reason, struct pk_err *err);

/* The one skipped last, in hand again, what was there given back. PK_ENO:
 * nothing is skipped; or others have judged it since, or have it in hand. */
PK_NODISCARD int prefdb_unskip(struct prefdb *db, int64_t campaign,
                               const char *annotator, int64_t *comparison,
                               struct pk_err *err);

/* Give the task in hand back. */
PK_NODISCARD int prefdb_release(struct prefdb *db, int64_t campaign,
                                const char *annotator, struct pk_err *err);

/* The annotator's standing judgments in this campaign, blind checks too, newest
 * first; *ids is the caller's. */
PK_NODISCARD int prefdb_history(struct prefdb *db, int64_t campaign,
                                const char *annotator, int64_t **ids, size_t *n,
                                struct pk_err *err);

/* Unfinished work, by annotator and a key of the caller's. Put with value NULL
 * takes it away. Get: *value is the caller's, NULL where there is none. */
PK_NODISCARD int prefdb_draft_put(struct prefdb *db, const char *annotator,
                                  const char *key, const char *value,
                                  struct pk_err *err);
PK_NODISCARD int prefdb_draft_get(struct prefdb *db, const char *annotator,
                                  const char *key, char **value,
                                  struct pk_err *err);

/* ---- Live dialogues (prefdb/team/live.c) --------------------------------- */

/* Now, as the store writes times, but to the microsecond, so that the same word
 * said twice is two: "2026-01-31T12:00:00.123456Z". */
void prefdb_now(char out[32]);

/* A response as its model made it. NULL and NaN are "not stated". */
struct prefdb_made {
    const char *text, *model, *created;
    size_t len; /* bytes of text */
    double temperature, top_p;
    int64_t seed;
    bool has_seed, cut;
    const char *extra; /* a JSON object as text, or NULL */
};

/* Two responses to one prompt, judged as they came. `left` was shown left. The
 * draft of the work is changed with it, so that neither can be there without
 * the other. */
struct prefdb_live {
    const struct prefdb_turn *context; /* root first; ends before the answer */
    size_t n_context;
    struct prefdb_made left, right;
    const char *source, *batch;    /* batch may be NULL */
    const char *draft_key, *draft; /* draft NULL: taken away */
};

/* Write turns, responses, comparison and judgment, and make the comparison a
 * task of the campaign, so that the judgment can be revised; v->choice and
 * v->shown_left are said with PREFDB_A for left and PREFDB_B for right. All of
 * it is on disk when this returns, or none. Ids are those that an import of
 * the same rows gives. PK_EUSAGE: a verdict that the campaign does not allow,
 * or responses that are the same or not UTF-8. PK_ENO: this very pair has been
 * judged already (two programs at work on one draft), or the campaign is for
 * another dimension now. */
PK_NODISCARD int prefdb_live_submit(struct prefdb *db, int64_t campaign,
                                    const char *annotator,
                                    const struct prefdb_live *pair,
                                    const struct prefdb_verdict *v,
                                    int64_t *judgment, struct pk_err *err);

/* ---- Responses and their scores (prefdb/store/scores.c) ------------------ */

/* Which responses: those that at least one of these reward models has not
 * scored; of no models, all. */
struct prefdb_response_query {
    const char *const *models; /* fingerprints, 64 hex digits each */
    size_t n_models;
    int split;          /* enum prefdb_split, or -1: any */
    const char *source; /* NULL: any */
};

/* Their row numbers, those to one prompt side by side; *ids is the caller's,
 * to be freed. Zero of them is not an error. With a split or a source: those
 * that a comparison of it has. */
PK_NODISCARD int prefdb_responses(struct prefdb *db,
                                  const struct prefdb_response_query *q,
                                  int64_t **ids, size_t *n, struct pk_err *err);

struct prefdb_response {
    int64_t response;                  /* row number */
    const struct prefdb_turn *context; /* root first; ends before the answer */
    size_t n_context;
    struct prefdb_turn text;
    bool cut; /* cut off before its end */
};

/* By row number; everything in *out is borrowed until the next call on db. */
PK_NODISCARD int prefdb_response_get(struct prefdb *db, int64_t response,
                                     struct prefdb_response *out,
                                     struct pk_err *err);

/* One reward model's raw number for one response. */
struct prefdb_score {
    int64_t response;
    const char *model; /* fingerprint, 64 hex digits */
    const char *name;  /* what its user calls it */
    double value;
};

/* All of them or none. A response has one score from a model: the same again
 * changes nothing, another replaces it. PK_EDATA for a value that is not
 * finite, or a fingerprint that is none. */
PK_NODISCARD int prefdb_scores_put(struct prefdb *db,
                                   const struct prefdb_score *scores, size_t n,
                                   struct pk_err *err);

/* 1 and the score of one response by one model, or 0: there is none. */
PK_NODISCARD int prefdb_score_get(struct prefdb *db, int64_t response,
                                  const char *model, double *value,
                                  struct pk_err *err);

/* ---- Ratings of single responses (prefdb/store/ratings.c) ---------------- */

/* Which: with a split or a source, of responses that a comparison of it has. */
struct prefdb_rating_query {
    const char *attribute; /* NULL: any */
    int split;             /* enum prefdb_split, or -1: any */
    const char *source;    /* NULL: any */
};

struct prefdb_rating {
    int64_t response;
    const char *attribute, *annotator; /* annotator: "" where not stated */
    double value, low, high; /* the scale's ends; NaN where not stated */
};

/* Call f for each of them, those of one response side by side, in the order of
 * the responses. f may call prefdb_response_get, and what it is given lives
 * until it returns; what it returns, unless 0, ends the walk and is returned.
 */
PK_NODISCARD int prefdb_ratings(
    struct prefdb *db, const struct prefdb_rating_query *q,
    int (*f)(void *ctx, const struct prefdb_rating *r, struct pk_err *err),
    void *ctx, struct pk_err *err);

/* What responses were rated for, by name, and on which scale: a mean of two
 * scales would be of neither. */
struct prefdb_attribute {
    char *name;
    uint64_t ratings, responses, annotators; /* annotators: the named ones */
    double mean, low, high; /* the scale's ends; NaN where none is stated */
};

/* *out is the caller's, to be freed with prefdb_attributes_free. */
PK_NODISCARD int prefdb_attributes(struct prefdb *db,
                                   struct prefdb_attribute **out, size_t *n,
                                   struct pk_err *err);
void prefdb_attributes_free(struct prefdb_attribute *v, size_t n);

/* The verbs. */

/* A tokenizer of the caller's, for --tokenizer of `export` and `stats`.
 * `same`: are the first n tokens of two texts the same, or all of both where
 * they have fewer? 1 or 0, or an error. `count`: how many a text has. */
struct prefdb_tokens {
    int (*open)(void **out, const char *path, struct pk_err *err);
    int (*same)(void *t, const struct prefdb_turn *x,
                const struct prefdb_turn *y, uint64_t n, struct pk_err *err);
    int (*count)(void *t, const char *text, size_t len, uint32_t *n,
                 struct pk_err *err);
    void (*close)(void *t); /* NULL is fine */
};

int prefdb_cmd_campaign(int argc, char **argv);
int prefdb_cmd_merge(int argc, char **argv);
int prefdb_cmd_backup(int argc, char **argv);
int prefdb_cmd_search(int argc, char **argv);
int prefdb_cmd_show(int argc, char **argv);
int prefdb_cmd_batch(int argc, char **argv);
int prefdb_cmd_split(int argc, char **argv);
int prefdb_cmd_init(int argc, char **argv);
int prefdb_cmd_import(int argc, char **argv);
int prefdb_cmd_export(int argc, char **argv,
                      const struct prefdb_tokens *tokens);
int prefdb_cmd_stats(int argc, char **argv, const struct prefdb_tokens *tokens);
int prefdb_cmd_agreement(int argc, char **argv);
int prefdb_cmd_check(int argc, char **argv);

#endif
