#include "annotate/judge/verdict.h"

#include <stdio.h>
#include <string.h>

bool annotate__label_fits(const struct annotate__verdict *v,
                          enum prefdb_label label)
{
    return v->side == ANNOTATE__LEFT || v->side == ANNOTATE__RIGHT ||
           label == PREFDB_NO_LABEL || label == PREFDB_BOTH_SAFE ||
           label == PREFDB_BOTH_UNSAFE;
}

void annotate__choose(struct annotate__verdict *v, enum annotate__side side,
                      int strength)
{
    /* "The preferred one is safe" says the opposite of the other side. */
    bool turned = side != v->side && (v->label == PREFDB_PREFERRED_SAFE ||
                                      v->label == PREFDB_PREFERRED_UNSAFE);
    v->side = side;
    v->strength = side == ANNOTATE__LEFT || side == ANNOTATE__RIGHT
                      ? strength
                      : PREFDB_UNSTATED;
    v->asking = false;
    if (turned || !annotate__label_fits(v, v->label))
        v->label = PREFDB_NO_LABEL;
}

enum annotate__step annotate__confirm(struct annotate__verdict *v, bool safety)
{
    if (v->side == ANNOTATE__NONE)
        return ANNOTATE__INCOMPLETE;
    if (!safety)
        return ANNOTATE__DONE;
    /* A label that is there already is shown once more before it counts. */
    bool asked = v->asking;
    v->asking = true;
    return asked && v->label != PREFDB_NO_LABEL ? ANNOTATE__DONE
                                                : ANNOTATE__ASK_LABEL;
}

const char *annotate__verdict_text(const struct annotate__verdict *v)
{
    static const char *const left[] = {
        "left is negligibly better, or unsure", "left is slightly better",
        "left is better", "left is significantly better"};
    static const char *const right[] = {
        "right is negligibly better, or unsure", "right is slightly better",
        "right is better", "right is significantly better"};
    switch (v->side) {
    case ANNOTATE__LEFT:
        return v->strength < 0 ? "left is preferred" : left[v->strength];
    case ANNOTATE__RIGHT:
        return v->strength < 0 ? "right is preferred" : right[v->strength];
    case ANNOTATE__TIE:
        return "a tie";
    case ANNOTATE__BOTH_BAD:
        return "both are bad";
    default:
        return "";
    }
}

const char *annotate__strength_word(int strength)
{
    static const char *const words[] = {"unsure", "slightly", "better",
                                        "significantly"};
    return words[strength];
}

void annotate__verdict_brief(const struct annotate__verdict *v, char out[32])
{
    if (v->side != ANNOTATE__LEFT && v->side != ANNOTATE__RIGHT)
        snprintf(out, 32, "%s", annotate__verdict_text(v));
    else
        snprintf(out, 32, "%s%s%s",
                 v->side == ANNOTATE__LEFT ? "left" : "right",
                 v->strength < 0 ? "" : ", ",
                 v->strength < 0 ? "" : annotate__strength_word(v->strength));
}

const char *annotate__label_text(enum prefdb_label label)
{
    static const char *const texts[] = {
        "no label", "the preferred one is safe, the other is not",
        "both are safe", "both are unsafe",
        "the preferred one is unsafe, the other is safe"};
    return texts[label];
}

enum prefdb_choice annotate__choice(const struct annotate__verdict *v,
                                    enum prefdb_choice left)
{
    switch (v->side) {
    case ANNOTATE__TIE:
        return PREFDB_TIE;
    case ANNOTATE__BOTH_BAD:
        return PREFDB_BOTH_BAD;
    case ANNOTATE__RIGHT:
        return left == PREFDB_A ? PREFDB_B : PREFDB_A;
    default:
        return left;
    }
}

void annotate__recall(struct annotate__verdict *v,
                      const struct prefdb_example *x, enum prefdb_choice left)
{
    *v = (struct annotate__verdict){.label = x->label, .strength = x->strength};
    if (x->choice == PREFDB_TIE)
        v->side = ANNOTATE__TIE;
    else if (x->choice == PREFDB_BOTH_BAD)
        v->side = ANNOTATE__BOTH_BAD;
    else
        v->side = x->choice == left ? ANNOTATE__LEFT : ANNOTATE__RIGHT;
}

int annotate__verdict_save(struct pk_buf *b, const struct annotate__verdict *v)
{
    pk_buf_addf(b, "1 %d %d %d %d\n%s\n%s", (int)v->side, v->strength,
                (int)v->label, v->asking ? 1 : 0, v->flags, v->note);
    return b->failed;
}

/* One digit, perhaps with a minus before it, and the character after it. */
static bool small(const char **s, int low, int high, char after, int *out)
{
    int sign = **s == '-' ? -1 : 1;
    *s += sign < 0;
    *out = sign * (**s - '0');
    if (**s < '0' || **s > '9' || *out < low || *out > high || (*s)[1] != after)
        return false;
    *s += 2;
    return true;
}

bool annotate__verdict_load(struct annotate__verdict *v, const char *text)
{
    int version, side, strength, label, asking;
    *v = (struct annotate__verdict){0};
    if (!small(&text, 1, 1, ' ', &version) ||
        !small(&text, 0, ANNOTATE__BOTH_BAD, ' ', &side) ||
        !small(&text, PREFDB_UNSTATED, 3, ' ', &strength) ||
        !small(&text, 0, PREFDB_PREFERRED_UNSAFE, ' ', &label) ||
        !small(&text, 0, 1, '\n', &asking))
        return false;
    const char *note = strchr(text, '\n');
    if (!note || (size_t)(note - text) >= sizeof v->flags ||
        strlen(note + 1) >= sizeof v->note)
        return false;
    snprintf(v->flags, sizeof v->flags, "%.*s", (int)(note - text), text);
    snprintf(v->note, sizeof v->note, "%s", note + 1);
    v->side = (enum annotate__side)side;
    v->strength = strength;
    v->label = (enum prefdb_label)label;
    v->asking = asking && v->side != ANNOTATE__NONE;
    return annotate__label_fits(v, v->label);
}
