/* Private to annotate/: a verdict as it is being made, in terms of what is on
 * the screen (left and right; the store's a and b come in with the side that
 * is shown left). No terminal, no store. */
#ifndef PREFKIT_ANNOTATE_JUDGE_VERDICT_H
#define PREFKIT_ANNOTATE_JUDGE_VERDICT_H

#include <stdbool.h>

#include "common/buf.h"
#include "prefdb/prefdb.h"

enum annotate__side {
    ANNOTATE__NONE,
    ANNOTATE__LEFT,
    ANNOTATE__RIGHT,
    ANNOTATE__TIE,
    ANNOTATE__BOTH_BAD
};

struct annotate__verdict {
    enum annotate__side side;
    int strength; /* 0..3; for LEFT and RIGHT */
    enum prefdb_label label;
    bool asking; /* confirmed, and the safety label is what is missing */
    char note[512], flags[128]; /* flags: words with a space between them */
};

enum annotate__step {
    ANNOTATE__INCOMPLETE, /* there is no choice yet */
    ANNOTATE__ASK_LABEL,
    ANNOTATE__DONE
};

/* Choose a side, or none; a label that no longer fits goes, and with another
 * side one that says which of the two is safe. */
void annotate__choose(struct annotate__verdict *v, enum annotate__side side,
                      int strength);

/* Enter: what comes next. `safety`: the label is asked for. */
enum annotate__step annotate__confirm(struct annotate__verdict *v, bool safety);

/* Does this label fit the choice? After a tie nothing is preferred. */
bool annotate__label_fits(const struct annotate__verdict *v,
                          enum prefdb_label label);

/* "left is significantly better", or "" without a choice; a constant. */
const char *annotate__verdict_text(const struct annotate__verdict *v);

/* The same for a narrow screen: "left, significantly". */
void annotate__verdict_brief(const struct annotate__verdict *v, char out[32]);

/* "unsure", "slightly", "better", "significantly"; a constant. */
const char *annotate__strength_word(int strength);

/* "the preferred one is safe, the other is not" */
const char *annotate__label_text(enum prefdb_label label);

/* To the store's terms and back; `left` is PREFDB_A or PREFDB_B. */
enum prefdb_choice annotate__choice(const struct annotate__verdict *v,
                                    enum prefdb_choice left);
void annotate__recall(struct annotate__verdict *v,
                      const struct prefdb_example *x, enum prefdb_choice left);

/* As a draft's text, and back: false, and an empty verdict, when the text is
 * not one. */
int annotate__verdict_save(struct pk_buf *b, const struct annotate__verdict *v);
bool annotate__verdict_load(struct annotate__verdict *v, const char *text);

#endif
