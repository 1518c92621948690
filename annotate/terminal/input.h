/* Private to annotate/: what a terminal sends, taken apart into keys. It knows
 * no terminal, only what comes from one.
 *
 * A key must be one that somebody has pressed, since keys are judgments. So a
 * sequence that nobody knows, however slowly it arrives, is no key as a whole,
 * nor is a report of the mouse or the window's focus, or an answer to another
 * program's question. Pasted text says that it is (bracketed paste), to its
 * end: what escapes there may be in it end nothing.
 */
#ifndef PREFKIT_ANNOTATE_TERMINAL_INPUT_H
#define PREFKIT_ANNOTATE_TERMINAL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "annotate/terminal/keys.h"

/* Beside keys: a paste begins, and has ended. */
#define ANNOTATE__PASTE  (-3)
#define ANNOTATE__PASTED (-4)

struct annotate__input {
    int state;
    bool pasting;     /* keys are text, and have been pasted */
    bool after_esc;   /* the key came with an Esc: in a hurry, or with Alt */
    char sequence[8]; /* what stands between "ESC [" and its last byte */
    size_t n;         /* how long it is, which may be more */
    double escaped;  /* when Esc was a key, in seconds; below 0: not just now */
    mbstate_t chars; /* a character in the locale's encoding, begun */
};

void annotate__input_init(struct annotate__input *in);

/* A byte, or a key that is known already (enum annotate__key), which came at
 * `now` (seconds). A key (keys.h), one of the two above, or 0: none as yet.
 * Backspace is 8, Enter is '\r'. */
int annotate__input_code(struct annotate__input *in, int code, double now);

/* Nothing more is there for the time being: an Esc that came last was the key.
 * That, or 0. */
int annotate__input_rest(struct annotate__input *in, double now);

#endif
