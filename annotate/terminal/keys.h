/* Private to annotate/: what each key asks for. One table holds the requests,
 * their names, their keys and their help. */
#ifndef PREFKIT_ANNOTATE_TERMINAL_KEYS_H
#define PREFKIT_ANNOTATE_TERMINAL_KEYS_H

#include "annotate/judge/verdict.h"

/* A key is a Unicode code point, or one of these. */
enum annotate__key {
    ANNOTATE__KEY_UP = 0x110000,
    ANNOTATE__KEY_DOWN,
    ANNOTATE__KEY_LEFT,
    ANNOTATE__KEY_RIGHT,
    ANNOTATE__KEY_PGUP,
    ANNOTATE__KEY_PGDN,
    ANNOTATE__KEY_HOME,
    ANNOTATE__KEY_END,
    ANNOTATE__KEY_F1,
    ANNOTATE__KEY_DELETE,
    ANNOTATE__KEY_BACKTAB,
    ANNOTATE__KEY_NONE /* nothing that anything is bound to */
};

enum annotate__request {
    ANNOTATE__NOTHING,
    ANNOTATE__L3, /* left is significantly better: the store's 3 */
    ANNOTATE__L2,
    ANNOTATE__L1,
    ANNOTATE__L0,
    ANNOTATE__R0,
    ANNOTATE__R1,
    ANNOTATE__R2,
    ANNOTATE__R3,
    ANNOTATE__SAY_TIE,
    ANNOTATE__SAY_BOTH_BAD,
    ANNOTATE__CONFIRM,
    ANNOTATE__SKIP,
    ANNOTATE__UNSKIP,
    ANNOTATE__NOTE,
    ANNOTATE__FLAG,
    ANNOTATE__UNDO,
    ANNOTATE__LINE_DOWN,
    ANNOTATE__LINE_UP,
    ANNOTATE__HALF_DOWN,
    ANNOTATE__HALF_UP,
    ANNOTATE__PAGE_DOWN,
    ANNOTATE__PAGE_UP,
    ANNOTATE__TOP,
    ANNOTATE__BOTTOM,
    ANNOTATE__SEARCH,
    ANNOTATE__FIND_NEXT,
    ANNOTATE__FIND_LAST,
    ANNOTATE__OTHER_PANE,
    ANNOTATE__PANE_BACK,
    ANNOTATE__TOGETHER,
    ANNOTATE__ZOOM,
    ANNOTATE__DIFF,
    ANNOTATE__STOP, /* these five in live dialogues only */
    ANNOTATE__AGAIN,
    ANNOTATE__AGAIN_BOTH,
    ANNOTATE__WRITE,
    ANNOTATE__OPEN,
    ANNOTATE__GUIDELINE,
    ANNOTATE__STATISTICS,
    ANNOTATE__HELP,
    ANNOTATE__REDRAW,
    ANNOTATE__CANCEL,
    ANNOTATE__QUIT,
    ANNOTATE__N_REQUESTS
};

#define ANNOTATE__KEYS_EACH 4 /* keys of one request, at most */

struct annotate__keys {
    int keys[ANNOTATE__N_REQUESTS][ANNOTATE__KEYS_EACH]; /* 0: none */
};

void annotate__keys_init(struct annotate__keys *k);

/* A file of lines `KEY REQUEST`, # for comments: the key then asks for that
 * and for nothing else. PK_EDATA with file and line. */
PK_NODISCARD int annotate__keys_load(struct annotate__keys *k, const char *path,
                                     struct pk_err *err);

enum annotate__request annotate__keys_find(const struct annotate__keys *k,
                                           int key);

/* "x", "Space", "^F", "PgDn": `out` holds at least 16 bytes. */
void annotate__key_name(int key, char out[16]);

/* The key of a request that hints name, or 0 where it has none. */
int annotate__keys_first(const struct annotate__keys *k,
                         enum annotate__request r);

/* `text` with each {request} as its key: "{confirm} confirms". In a line of
 * items that stand two spaces or more apart, those without a key, and those for
 * which `width` columns leave no room, are left out. Always NUL-terminated. */
void annotate__keys_say(const struct annotate__keys *k, const char *text,
                        size_t width, char *out, size_t size);

/* As a file of keys: a line for each key. */
int annotate__keys_print(const struct annotate__keys *k, struct pk_buf *b);

/* The help, a line for each request, or more where `width` columns have no room
 * for it; section titles between them. */
int annotate__keys_help(const struct annotate__keys *k, size_t width,
                        struct pk_buf *b);

/* Choose by request; false when it is not a choice. */
bool annotate__keys_choose(enum annotate__request r,
                           struct annotate__verdict *v);

#endif
