/* Private to prefdb/: what one row of a file becomes, and the helpers that
 * formats share.
 *
 * A reader takes what it uses out of the row; what is left at the end is what
 * no column holds, and is kept as JSON. What was taken lives as long as the
 * row. */
#ifndef PREFKIT_PREFDB_IMPORT_ROWS_H
#define PREFKIT_PREFDB_IMPORT_ROWS_H

#include <stdio.h>

#include "prefdb/store/record.h"

#define PREFDB__ANSWERS 64 /* most answers that are ranked in one row */

/* The pairs that votes in another file are about: rows of their own, by id. */
struct prefdb__pairs;

struct prefdb__rows {
    struct prefdb__record *v;   /* the row's comparisons and lone responses */
    size_t n, cap, made;        /* v[0..made) have been used, and own memory */
    struct prefdb__record base; /* for the turns that they share */
    int dimension;              /* the user's, or -1 */
    cJSON *taken;               /* owns what readers took or made */
    cJSON *held;                /* a row that waits for the next one */
    const struct prefdb__pairs *pairs; /* or NULL; borrowed */
    const cJSON *reject; /* the row that a failed read is about, where it is
                            not the one that was read; owned by `taken` */
    uint64_t equal;      /* pairs that were left out: the same text twice */
    uint64_t unanswered; /* messages that were left out: nobody answered */
    uint64_t other;      /* judgments that were left out: not of `dimension` */
    uint64_t sourced;    /* records that say their own source */
    bool no_memory;      /* set by those below that return a pointer */
};

void prefdb__rows_reset(struct prefdb__rows *rows); /* keeps `held` */
void prefdb__rows_release(struct prefdb__rows *rows);

/* A new empty record, with the turns of rows->base. NULL when out of memory.
 * Earlier ones may move. */
struct prefdb__record *prefdb__rows_add(struct prefdb__rows *rows);

/* The user's dimension, helpfulness where there is none. */
enum prefdb_dimension prefdb__rows_dimension(const struct prefdb__rows *rows);

/* Is a row's judgment of this dimension to be taken? One that is not is counted
 * as of the other dimension. */
bool prefdb__wants(struct prefdb__rows *rows, enum prefdb_dimension d);

/* ---- Taking -------------------------------------------------------------- */

/* The member at a path ("info.post", "summaries.0.text"); NULL when it is not
 * there or null. */
cJSON *prefdb__find(const cJSON *obj, const char *path);

/* The same, taken out of its object. */
cJSON *prefdb__take(struct prefdb__rows *rows, cJSON *obj, const char *path);

/* Hand an item over to `rows`; returns it, NULL when out of memory. */
cJSON *prefdb__own(struct prefdb__rows *rows, cJSON *item);

/* A text of ours, owned by rows. NULL when out of memory. */
const char *prefdb__own_text(struct prefdb__rows *rows, const char *s,
                             size_t n);

/* Take a text: *out NULL where there is none; a number counts as text when
 * `name` (of a model, a person). PK_EDATA for another type. */
PK_NODISCARD int prefdb__take_text(struct prefdb__rows *rows, cJSON *obj,
                                   const char *path, const char **out,
                                   struct pk_err *err);
PK_NODISCARD int prefdb__need_text(struct prefdb__rows *rows, cJSON *obj,
                                   const char *path, const char **out,
                                   struct pk_err *err);
PK_NODISCARD int prefdb__take_name(struct prefdb__rows *rows, cJSON *obj,
                                   const char *path, const char **out,
                                   struct pk_err *err);

/* A time as the store writes it: ISO text or seconds since 1970. Left in the
 * row, with *out NULL, when it is neither. */
void prefdb__take_time(struct prefdb__rows *rows, cJSON *obj, const char *path,
                       const char **out);

/* The content of one message: a text, or a list of parts that are all text
 * ({"type": "text", "text": ...}), which are joined. */
PK_NODISCARD int prefdb__take_content(struct prefdb__rows *rows, cJSON *message,
                                      const char **out, struct pk_err *err);

/* Append the first `limit` messages of a list, {"role", "content"} or
 * {"from", "value"}, to a record's context; what else they hold stays where
 * it is. `key` names the list in errors. */
PK_NODISCARD int prefdb__take_messages(struct prefdb__rows *rows,
                                       struct prefdb__record *r, cJSON *list,
                                       const char *key, size_t limit,
                                       struct pk_err *err);

/* Append a user or system turn to a record's context. */
PK_NODISCARD int prefdb__add_turn(struct prefdb__record *r,
                                  enum prefdb_role role, const char *text,
                                  struct pk_err *err);

/* Split names of other people ("validation", "valid1", "dev"); -1: unknown. */
int prefdb__split_named(const char *s);

/* ---- Answers ------------------------------------------------------------- */

#define PREFDB__RATINGS 16 /* most ratings of one answer */

/* What one response was given, and on which scale. */
struct prefdb__mark {
    const char *attribute;
    double value, low, high;
};

struct prefdb__item {
    const char *text, *model;
    cJSON *extra; /* an object, owned by rows; or NULL */
    double score; /* the higher the better; or PREFDB__UNKNOWN */
    struct prefdb__mark ratings[PREFDB__RATINGS];
    size_t n_ratings;
};

/* The number in a member, a truth as 0 or 1; PREFDB__UNKNOWN where it is not
 * there. PK_EDATA where it is something else, or off the scale. It stays in the
 * row, as the source had it. */
PK_NODISCARD int prefdb__read_rating(const cJSON *obj, const char *key,
                                     double low, double high, double *out,
                                     struct pk_err *err);

/* Add a rating to a response; none where the value is PREFDB__UNKNOWN. The
 * attribute's name must live as long as the row. */
PK_NODISCARD int prefdb__rate(struct prefdb__response *r, struct prefdb__mark m,
                              struct pk_err *err);
PK_NODISCARD int prefdb__rate_item(struct prefdb__item *x,
                                   struct prefdb__mark m, struct pk_err *err);

/* A record's response becomes x's. */
PK_NODISCARD int prefdb__set_response(struct prefdb__response *r,
                                      const struct prefdb__item *x,
                                      struct pk_err *err);

/* A comparison of x and y under the turns of rows->base, judged so unless
 * choice is PREFDB__NONE. One of equal texts is counted and left out. */
PK_NODISCARD int prefdb__add_pair(struct prefdb__rows *rows,
                                  const struct prefdb__item *x,
                                  const struct prefdb__item *y, int choice,
                                  struct pk_err *err);

/* Every pair of n items, by score; equal scores are a tie, or nothing. A
 * single item becomes a response without a comparison. */
PK_NODISCARD int prefdb__add_ranked(struct prefdb__rows *rows,
                                    const struct prefdb__item *x, size_t n,
                                    bool ties, struct pk_err *err);

/* A response alone. */
PK_NODISCARD int prefdb__add_single(struct prefdb__rows *rows,
                                    const struct prefdb__item *x,
                                    struct pk_err *err);

/* ---- What is left -------------------------------------------------------- */

/* A name's part that says which response a member belongs to: in a member
 * that ends with it, or, where it ends with "_", holds it. */
struct prefdb__marks {
    const char *a, *b;
};

/* The rest of the row, without nulls and what taking has emptied, becomes the
 * extra of the first record's last judgment, of the record where there is
 * none; its member "row" where that has an extra of its own. What is marked
 * goes into its members "a" and "b". `marks` may be NULL, and ends with one
 * without names. */
PK_NODISCARD int prefdb__keep(struct prefdb__rows *rows, cJSON *row,
                              const struct prefdb__marks *marks,
                              struct pk_err *err);

/* The same for an object that was taken: what is left of it, or NULL. */
cJSON *prefdb__rest_of(cJSON *obj);

/* ---- For readers of one comparison --------------------------------------- */

/* The record's context now holds a whole dialogue of `n_a` turns and, after
 * it, another: make the turns they share the context, and their last answers a
 * and b. PK_EDATA when they part earlier. */
PK_NODISCARD int prefdb__split_dialogues(struct prefdb__record *out, size_t n_a,
                                         struct pk_err *err);

/* What is left of the row, less the members named in `known` (NULL at its
 * end), becomes the judgment's or record's *extra, if there is anything. */
PK_NODISCARD int prefdb__keep_rest(cJSON *row, const char *const *known,
                                   cJSON **extra, struct pk_err *err);

/* A row of chosen and rejected: one judgment that prefers a. */
PK_NODISCARD int prefdb__judge_chosen(cJSON *row, int dimension,
                                      const char *const *known,
                                      struct prefdb__record *out,
                                      struct pk_err *err);

/* Append the turns of a dialogue in HH-RLHF's text form (format_hh.c). */
PK_NODISCARD int prefdb__read_hh(const char *text, const char *key,
                                 struct prefdb__record *out,
                                 struct pk_err *err);

/* Is there such a member, spelled exactly so? */
bool prefdb__has(const cJSON *row, const char *key);

/* true or false; `fallback` when absent or null. */
PK_NODISCARD int prefdb__read_bool(const cJSON *obj, const char *key,
                                   int fallback, int *out, struct pk_err *err);

/* ---- Votes in one file, pairs in another (format_llmfao.c) ----------------
 */

PK_NODISCARD int prefdb__pairs_load(struct prefdb__pairs **out,
                                    const char *path, struct pk_err *err);
void prefdb__pairs_free(struct prefdb__pairs *p);

#endif
