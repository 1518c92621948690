/* Private to annotate/: a small editor for a prompt of some lines, or for a
 * line alone. It knows text and keys, but no screen. */
#ifndef PREFKIT_ANNOTATE_TERMINAL_EDITOR_H
#define PREFKIT_ANNOTATE_TERMINAL_EDITOR_H

#include "annotate/text/text.h"

#define ANNOTATE__PROMPT_MAX ((size_t)256 << 10)

struct annotate__editor {
    struct pk_buf text;       /* valid UTF-8, without NUL */
    size_t room;              /* bytes that it may have, with a NUL after it */
    size_t at;                /* the cursor: before this byte */
    struct annotate__doc doc; /* its lines, once wrapped */
    bool full;                /* the last key did not fit */
};

void annotate__editor_init(struct annotate__editor *e, size_t room);
void annotate__editor_release(struct annotate__editor *e);

/* Another text, with the cursor at its end. PK_EDATA when it is too long or no
 * UTF-8; then the old one stays. */
PK_NODISCARD int annotate__editor_set(struct annotate__editor *e,
                                      const char *text, size_t n,
                                      struct pk_err *err);

/* A key as the terminal gives it; in a paste, Tab and Enter are text. False
 * when it is none of the editor's. Up and Down go by the lines of the last
 * wrap. PK_EMEM shows as `full`. */
bool annotate__editor_key(struct annotate__editor *e, int key, bool pasting);

/* Cut it into lines of at most `width` columns, and say where the cursor is. */
PK_NODISCARD int annotate__editor_wrap(struct annotate__editor *e, size_t width,
                                       size_t *line, size_t *column,
                                       struct pk_err *err);

/* Nothing but white space? */
bool annotate__editor_blank(const struct annotate__editor *e);

#endif
