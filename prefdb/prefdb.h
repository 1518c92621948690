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

/* What the store holds, as a hash: the same judgments and texts give the same
 * 64 hex digits, in whatever order they came. For provenance. */
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
    const struct prefdb_turn *context; /* root first; ends before the answer */
    size_t n_context;
    struct prefdb_turn a, b;
    bool a_cut, b_cut; /* the response was cut off before its end */
};

/* By row number; everything in *out is borrowed until the next call on db. */
PK_NODISCARD int prefdb_get(struct prefdb *db, int64_t judgment,
                            struct prefdb_example *out, struct pk_err *err);

int prefdb_cmd_init(int argc, char **argv);
int prefdb_cmd_import(int argc, char **argv);
int prefdb_cmd_export(int argc, char **argv);
int prefdb_cmd_stats(int argc, char **argv);
int prefdb_cmd_check(int argc, char **argv);

#endif
