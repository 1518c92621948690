/* Private to prefdb/: the formats that `import` reads. A new one is a row in a
 * table (format_table.c, format_rank.c) where its keys say it all, or one
 * file with a reader of its own; either way one row in the list of format.c. */
#ifndef PREFKIT_PREFDB_IMPORT_FORMAT_H
#define PREFKIT_PREFDB_IMPORT_FORMAT_H

#include "prefdb/import/rows.h"

/* Where a judgment's dimension comes from. */
enum prefdb__dimension_from {
    PREFDB__ASKED,   /* --dimension, which must be given */
    PREFDB__ROW,     /* the row; --dimension where a row does not say */
    PREFDB__HELPFUL, /* helpfulness, unless --dimension says otherwise */
    PREFDB__FIXED    /* the format itself; of --dimension, the others'
                        judgments are left out, and counted */
};

#define PREFDB__NONE (-1) /* a label that makes no judgment */

/* What a label says. The last of a list has no value. */
struct prefdb__label {
    const char *value; /* the label, a number in its shortest form */
    int choice;        /* enum prefdb_choice or PREFDB__NONE */
    int strength;
};

struct prefdb__pair_spec; /* format_pair.c */
struct prefdb__rank_spec; /* format_rank.c */

struct prefdb__format {
    const char *name, *what; /* what: one line */
    /* The members that tell its rows, "name:t,name": t is s text, n number,
     * b truth, l list, o object; nothing for any. A member that is null will
     * do. */
    const char *keys;
    bool (*sniff)(const cJSON *row); /* what keys can't say; or NULL */
    enum prefdb__dimension_from dimension;
    bool evaluation; /* always in the test split */
    /* How labels become choice, strength, tie, both-bad and safety label:
     * a list, in words, or both. */
    const char *label_key;
    const struct prefdb__label *labels;
    const char *rule;
    /* Add what a row, an object that may be taken apart, becomes to `rows`.
     * PK_EDATA with the reason, which names no file or line. Text is borrowed
     * from the row, or from what `rows` owns. */
    int (*read)(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err);
    const struct prefdb__pair_spec *pair;
    const struct prefdb__rank_spec *rank;
};

/* The list, in the order that settles ties: by position, NULL after the last;
 * by name; and by a file's first row, where the format whose `keys` name the
 * most members of those that fit is taken. */
const struct prefdb__format *prefdb__format_at(size_t i);
const struct prefdb__format *prefdb__format_named(const char *name);
const struct prefdb__format *prefdb__format_of(const cJSON *row);

/* Empty `rows`, then f->read into it. */
PK_NODISCARD int prefdb__format_read(const struct prefdb__format *f, cJSON *row,
                                     struct prefdb__rows *rows,
                                     struct pk_err *err);

/* All of it, for people: `prefkit import --formats`. */
void prefdb__formats_print(FILE *out);

/* What a value says by the format's list; PK_EDATA where the list lacks it.
 * Null, or none, says nothing. */
PK_NODISCARD int prefdb__label_of(const struct prefdb__format *f,
                                  const char *key, const cJSON *value,
                                  struct prefdb__label *out,
                                  struct pk_err *err);

/* ---- Tables and readers -------------------------------------------------- */

/* Ended by one without a name. */
extern const struct prefdb__format prefdb__pair_formats[];
extern const struct prefdb__format prefdb__rank_formats[];

extern const struct prefdb__format prefdb__format_prefkit;
extern const struct prefdb__format prefdb__format_pku;
extern const struct prefdb__format prefdb__format_hh;
extern const struct prefdb__format prefdb__format_trl;
extern const struct prefdb__format prefdb__format_swift;
extern const struct prefdb__format prefdb__format_beavertails;
extern const struct prefdb__format prefdb__format_helpsteer2_ratings;
extern const struct prefdb__format prefdb__format_oasst;
extern const struct prefdb__format prefdb__format_rewardbench2;
extern const struct prefdb__format prefdb__format_alpaca_items;
extern const struct prefdb__format prefdb__format_qa_feedback;
extern const struct prefdb__format prefdb__format_pandalm;
extern const struct prefdb__format prefdb__format_argilla;
extern const struct prefdb__format prefdb__format_argilla2;
extern const struct prefdb__format prefdb__format_label_studio;
extern const struct prefdb__format prefdb__format_llmfao_votes;

#endif
