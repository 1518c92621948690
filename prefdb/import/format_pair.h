/* Private to prefdb/: formats whose rows are one prompt, two answers and a
 * verdict, as a table of where each of them lies (format_table.c). */
#ifndef PREFKIT_PREFDB_IMPORT_FORMAT_PAIR_H
#define PREFKIT_PREFDB_IMPORT_FORMAT_PAIR_H

#include "prefdb/import/format.h"

/* How a prompt or an answer is written. */
enum prefdb__form {
    PREFDB__TEXT,     /* a text, or messages */
    PREFDB__TURNS,    /* HelpSteer2's text, turns marked <extra_id_1> */
    PREFDB__DIALOGUE, /* an answer's whole dialogue, prompt included */
    PREFDB__ENCODED   /* Arena's CSV: a JSON list of texts in a text */
};

struct prefdb__pair_spec {
    const char *system, *history, *prompt, *input; /* or NULL */
    enum prefdb__form prompt_form;
    const char *a, *b;
    enum prefdb__form form;
    const char *length; /* how many exchanges of the dialogues were judged */
    const char *model_a, *model_b, *annotator, *note, *batch, *split, *created;
    /* What the labels say, where a list can't. */
    int (*judge)(cJSON *row, struct prefdb__label *out, struct pk_err *err);
    /* Compose the prompt where no path leads to it. */
    int (*compose)(struct prefdb__rows *rows, cJSON *row, struct pk_err *err);
    const char *rating, *rate_a, *rate_b; /* an attribute, and where a's and
                                             b's are; or NULL */
    const char *list; /* a list whose elements 0 and 1 belong to a and b */
    struct prefdb__marks marks[4];
};

/* A format's `read` for such a row. */
PK_NODISCARD int prefdb__read_pair(const struct prefdb__format *f, cJSON *row,
                                   struct prefdb__rows *rows,
                                   struct pk_err *err);

/* Add to rows->base: the turns of `history` ([question, answer] lists), and a
 * user turn of `prompt` and, on a line of its own, `input`. The last two may
 * be NULL or absent. */
PK_NODISCARD int prefdb__add_instruction(struct prefdb__rows *rows, cJSON *row,
                                         const char *prompt, const char *input,
                                         const char *history,
                                         struct pk_err *err);

#endif
