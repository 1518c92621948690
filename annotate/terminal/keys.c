#include "annotate/terminal/keys.h"

#include <stdio.h>
#include <string.h>

#include "annotate/text/text.h"
#include "common/lines.h"
#include "common/utf8.h"

static const struct {
    int key;
    const char *name;
} key_names[] = {
    {ANNOTATE__KEY_UP, "Up"},
    {ANNOTATE__KEY_DOWN, "Down"},
    {ANNOTATE__KEY_LEFT, "Left"},
    {ANNOTATE__KEY_RIGHT, "Right"},
    {ANNOTATE__KEY_PGUP, "PgUp"},
    {ANNOTATE__KEY_PGDN, "PgDn"},
    {ANNOTATE__KEY_HOME, "Home"},
    {ANNOTATE__KEY_END, "End"},
    {ANNOTATE__KEY_F1, "F1"},
    {ANNOTATE__KEY_DELETE, "Del"},
    {ANNOTATE__KEY_BACKTAB, "S-Tab"},
    {' ', "Space"},
    {'\r', "Enter"},
    {'\t', "Tab"},
    {0x1B, "Esc"},
    {'#', "Hash"},
};

enum { N_KEY_NAMES = sizeof key_names / sizeof key_names[0] };

#define CTRL(c) ((c)&0x1F)

static const struct row {
    const char *name, *section, *help; /* a section goes on until the next */
    int keys[ANNOTATE__KEYS_EACH];
} rows[ANNOTATE__N_REQUESTS] = {
    [ANNOTATE__L3] = {"left-3",
                      "Verdict",
                      "left is significantly better",
                      {'1'}},
    [ANNOTATE__L2] = {"left-2", NULL, "left is better", {'2'}},
    [ANNOTATE__L1] = {"left-1", NULL, "left is slightly better", {'3'}},
    [ANNOTATE__L0] = {"left-0",
                      NULL,
                      "left is negligibly better, or unsure",
                      {'4'}},
    [ANNOTATE__R0] = {"right-0",
                      NULL,
                      "right is negligibly better, or unsure",
                      {'7'}},
    [ANNOTATE__R1] = {"right-1", NULL, "right is slightly better", {'8'}},
    [ANNOTATE__R2] = {"right-2", NULL, "right is better", {'9'}},
    [ANNOTATE__R3] = {"right-3", NULL, "right is significantly better", {'0'}},
    [ANNOTATE__SAY_TIE] = {"tie", NULL, "a tie, where it is allowed", {'t'}},
    [ANNOTATE__SAY_BOTH_BAD] = {"both-bad",
                                NULL,
                                "both are bad, where it is allowed",
                                {'x'}},
    [ANNOTATE__CONFIRM] = {"confirm", NULL, "confirm", {'\r'}},
    [ANNOTATE__SKIP] = {"skip",
                        "Beside it",
                        "skip this pair, with a reason",
                        {'s'}},
    [ANNOTATE__UNSKIP] = {"unskip",
                          NULL,
                          "take the pair that you skipped last back",
                          {'U'}},
    [ANNOTATE__NOTE] = {"note", NULL, "a note on this pair", {'e'}},
    [ANNOTATE__FLAG] = {"flag",
                        NULL,
                        "flag this pair with a word or more",
                        {'f'}},
    [ANNOTATE__UNDO] = {"undo",
                        NULL,
                        "your earlier verdicts, to see and revise",
                        {'u', 'z'}},
    [ANNOTATE__LINE_DOWN] = {"line-down",
                             "Reading",
                             "a line down",
                             {'j', ANNOTATE__KEY_DOWN, CTRL('N')}},
    [ANNOTATE__LINE_UP] = {"line-up",
                           NULL,
                           "a line up",
                           {'k', ANNOTATE__KEY_UP, CTRL('P')}},
    [ANNOTATE__HALF_DOWN] = {"half-down",
                             NULL,
                             "half a page down",
                             {'d', CTRL('D')}},
    [ANNOTATE__HALF_UP] = {"half-up", NULL, "half a page up", {CTRL('U')}},
    [ANNOTATE__PAGE_DOWN] = {"page-down",
                             NULL,
                             "a page down",
                             {' ', ANNOTATE__KEY_PGDN, CTRL('F')}},
    [ANNOTATE__PAGE_UP] = {"page-up",
                           NULL,
                           "a page up",
                           {'b', ANNOTATE__KEY_PGUP, CTRL('B')}},
    [ANNOTATE__TOP] = {"top",
                       NULL,
                       "to the top",
                       {'g', ANNOTATE__KEY_HOME, '<'}},
    [ANNOTATE__BOTTOM] = {"bottom",
                          NULL,
                          "to the end",
                          {'G', ANNOTATE__KEY_END, '>'}},
    [ANNOTATE__SEARCH] = {"search",
                          NULL,
                          "search in the conversation and both responses",
                          {'/'}},
    [ANNOTATE__FIND_NEXT] = {"find-next", NULL, "the next match", {'n'}},
    [ANNOTATE__FIND_LAST] = {"find-last", NULL, "the match before it", {'N'}},
    [ANNOTATE__OTHER_PANE] = {"other-pane",
                              NULL,
                              "go to the other response, then the conversation",
                              {'\t', 'l', ANNOTATE__KEY_RIGHT}},
    [ANNOTATE__PANE_BACK] = {"pane-back",
                             NULL,
                             "the same, the other way round",
                             {ANNOTATE__KEY_BACKTAB, ANNOTATE__KEY_LEFT}},
    [ANNOTATE__TOGETHER] = {"together",
                            NULL,
                            "scroll both responses together, or each alone",
                            {'='}},
    [ANNOTATE__ZOOM] = {"zoom", NULL, "this pane alone, and back", {'Z'}},
    [ANNOTATE__DIFF] = {"diff", NULL, "mark the words that differ", {'D'}},
    [ANNOTATE__STOP] = {"stop",
                        "Live dialogues",
                        "cut this response off where it is",
                        {'c'}},
    [ANNOTATE__AGAIN] = {"again",
                         NULL,
                         "throw this response away, ask for another",
                         {'r'}},
    [ANNOTATE__AGAIN_BOTH] = {"again-both", NULL, "the same for both", {'R'}},
    [ANNOTATE__WRITE] = {"write", NULL, "take the prompt up again", {'w'}},
    [ANNOTATE__OPEN] = {"open", NULL, "begin a new dialogue", {'o'}},
    [ANNOTATE__GUIDELINE] = {"guideline", "And", "the guideline", {'i'}},
    [ANNOTATE__STATISTICS] = {"statistics",
                              NULL,
                              "how it goes: rate, time, strengths",
                              {'S'}},
    [ANNOTATE__HELP] = {"help",
                        NULL,
                        "this help",
                        {'?', 'h', ANNOTATE__KEY_F1}},
    [ANNOTATE__REDRAW] = {"redraw", NULL, "draw the screen anew", {CTRL('L')}},
    [ANNOTATE__CANCEL] = {"cancel", NULL, "back; take the choice away", {0x1B}},
    [ANNOTATE__QUIT] = {"quit",
                        NULL,
                        "quit; everything confirmed is kept",
                        {'q', 'Q'}},
};

void annotate__keys_init(struct annotate__keys *k)
{
    for (int r = 0; r < ANNOTATE__N_REQUESTS; r++)
        memcpy(k->keys[r], rows[r].keys, sizeof rows[r].keys);
}

enum annotate__request annotate__keys_find(const struct annotate__keys *k,
                                           int key)
{
    if (key == '\n')
        key = '\r';
    for (int r = 1; r < ANNOTATE__N_REQUESTS && key > 0; r++)
        for (int i = 0; i < ANNOTATE__KEYS_EACH; i++)
            if (k->keys[r][i] == key)
                return (enum annotate__request)r;
    return ANNOTATE__NOTHING;
}

void annotate__key_name(int key, char out[16])
{
    for (int i = 0; i < N_KEY_NAMES; i++) {
        if (key_names[i].key == key) {
            snprintf(out, 16, "%s", key_names[i].name);
            return;
        }
    }
    if (key < 0x20)
        snprintf(out, 16, "^%c", key + '@');
    else
        out[pk_utf8_encode((uint32_t)key, out)] = 0;
}

int annotate__keys_first(const struct annotate__keys *k,
                         enum annotate__request r)
{
    for (int i = 0; i < ANNOTATE__KEYS_EACH; i++)
        if (k->keys[r][i])
            return k->keys[r][i];
    return 0;
}

/* The key of that name, or 0. */
static int parse_key(const char *s)
{
    uint32_t cp;
    for (int i = 0; i < N_KEY_NAMES; i++)
        if (strcmp(s, key_names[i].name) == 0)
            return key_names[i].key;
    if (s[0] == '^' && s[1] >= '@' && s[1] <= '_' && !s[2])
        return CTRL(s[1]);
    size_t n = strlen(s), len = pk_utf8_decode(s, n, &cp);
    return len == n && cp > 0x20 ? (int)cp : 0;
}

static enum annotate__request parse_request(const char *s)
{
    for (int r = 1; r < ANNOTATE__N_REQUESTS; r++)
        if (strcmp(rows[r].name, s) == 0)
            return (enum annotate__request)r;
    return ANNOTATE__NOTHING;
}

/* One item of a hint, with its keys; false where a request has none. */
static bool say_item(const struct annotate__keys *k, const char *text, size_t n,
                     struct pk_buf *b)
{
    for (size_t i = 0; i < n; i++) {
        char name[32], key[16];
        const char *end = text[i] == '{' ? memchr(text + i, '}', n - i) : NULL;
        if (!end) {
            pk_buf_addc(b, text[i]);
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(end - text - i - 1),
                 text + i + 1);
        int first = annotate__keys_first(k, parse_request(name));
        if (!first)
            return false;
        annotate__key_name(first, key);
        pk_buf_adds(b, key);
        i = (size_t)(end - text);
    }
    return true;
}

void annotate__keys_say(const struct annotate__keys *k, const char *text,
                        size_t width, char *out, size_t size)
{
    struct pk_buf b = PK_BUF_INIT(size - 1);
    size_t gap = 0; /* spaces before the item */
    while (*text) {
        const char *next = strstr(text, "  ");
        size_t n = next ? (size_t)(next - text) : strlen(text), had = b.len;
        size_t spaces = next ? strspn(next, " ") : 0;
        pk_buf_addf(&b, "%*s", had ? (int)gap : 0, "");
        if (!say_item(k, text, n, &b) || b.failed ||
            annotate__width(b.data, b.len) > width)
            b.len = had;
        b.failed = 0;
        text += n + spaces;
        gap = spaces;
    }
    snprintf(out, size, "%.*s", (int)b.len, b.data ? b.data : "");
    pk_buf_release(&b);
}

static bool bind_key(struct annotate__keys *k, int key,
                     enum annotate__request want)
{
    for (int r = 1; r < ANNOTATE__N_REQUESTS; r++)
        for (int i = 0; i < ANNOTATE__KEYS_EACH; i++)
            if (k->keys[r][i] == key)
                k->keys[r][i] = 0;
    for (int i = 0; i < ANNOTATE__KEYS_EACH; i++) {
        if (!k->keys[want][i]) {
            k->keys[want][i] = key;
            return true;
        }
    }
    return false;
}

static int load_line(struct annotate__keys *k, struct pk_lines *in, char *line,
                     struct pk_err *err)
{
    char *at = NULL;
    const char *word = strtok_r(line, " \t", &at);
    if (!word || word[0] == '#')
        return 0;
    int key = parse_key(word);
    const char *name = strtok_r(NULL, " \t", &at);
    if (!key)
        return pk_fail(err, PK_EDATA, "%s: '%s' is not a key",
                       pk_lines_where(in), word);
    enum annotate__request r = name ? parse_request(name) : ANNOTATE__NOTHING;
    if (!r)
        return pk_fail(err, PK_EDATA,
                       "%s: '%s' is nothing a key can ask for; annotate "
                       "--print-keys lists what is",
                       pk_lines_where(in), name ? name : "");
    if (!bind_key(k, key, r))
        return pk_fail(err, PK_EDATA, "%s: more than %d keys for '%s'",
                       pk_lines_where(in), ANNOTATE__KEYS_EACH, name);
    return 0;
}

/* Whoever takes the last key from these could not work, or not leave. */
static int check(const struct annotate__keys *k, const char *path,
                 struct pk_err *err)
{
    static const enum annotate__request needed[] = {
        ANNOTATE__L3,      ANNOTATE__L2,   ANNOTATE__L1,  ANNOTATE__L0,
        ANNOTATE__R0,      ANNOTATE__R1,   ANNOTATE__R2,  ANNOTATE__R3,
        ANNOTATE__CONFIRM, ANNOTATE__HELP, ANNOTATE__QUIT};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        bool any = false;
        for (int j = 0; j < ANNOTATE__KEYS_EACH; j++)
            any |= k->keys[needed[i]][j] != 0;
        if (!any)
            return pk_fail(err, PK_EDATA, "%s: no key is left for '%s'", path,
                           rows[needed[i]].name);
    }
    return 0;
}

int annotate__keys_load(struct annotate__keys *k, const char *path,
                        struct pk_err *err)
{
    struct pk_lines *in;
    char *line;
    size_t len;
    int rc = pk_lines_open(&in, path, err);
    if (rc)
        return rc;
    while ((rc = pk_lines_next(in, &line, &len, err)) > 0)
        if ((rc = load_line(k, in, line, err)) < 0)
            break;
    pk_lines_close(in);
    return rc ? rc : check(k, path, err);
}

enum { HELP_AT = 17 }; /* the column of what a key does */

/* Words that have no room go on below those before them. */
static void add_help(struct pk_buf *b, const char *keys, const char *help,
                     size_t width)
{
    size_t column = 2 + annotate__width(keys, strlen(keys));
    pk_buf_addf(b, "  %s", keys);
    while (*help) {
        size_t n = strcspn(help, " ");
        bool below = column >= HELP_AT && column + 1 + n > width;
        if (below)
            pk_buf_addc(b, '\n');
        size_t gap = below ? HELP_AT : column < HELP_AT ? HELP_AT - column : 1;
        pk_buf_addf(b, "%*s%.*s", (int)gap, "", (int)n, help);
        column = (below ? 0 : column) + gap + n;
        help += n;
        help += strspn(help, " ");
    }
    pk_buf_addc(b, '\n');
}

/* Where letters are text, keys are as they are (editor.c, live_screen.c). */
static void add_text_help(const struct annotate__keys *k, size_t width,
                          struct pk_buf *b)
{
    char key[16], leave[64];
    annotate__key_name(annotate__keys_first(k, ANNOTATE__WRITE), key);
    snprintf(leave, sizeof leave, "leave the prompt; %s goes back to it", key);
    pk_buf_adds(b, "\nWhile a text is written\n");
    add_help(b, "^W ^U ^K",
             "delete the word before, to the line's start, to its end", width);
    add_help(b, "^A ^E", "to the line's start, to its end", width);
    pk_buf_adds(b, "\nWhile it is the prompt of a live dialogue\n");
    add_help(b, "^D", "ask", width);
    add_help(b, "^X", "write it in $VISUAL or $EDITOR", width);
    add_help(b, "PgUp PgDn", "scroll the conversation", width);
    add_help(b, "Esc", leave, width);
}

int annotate__keys_help(const struct annotate__keys *k, size_t width,
                        struct pk_buf *b)
{
    for (int r = 1; r < ANNOTATE__N_REQUESTS; r++) {
        char names[80] = "";
        size_t n = 0;
        if (rows[r].section)
            pk_buf_addf(b, "%s%s\n", r > 1 ? "\n" : "", rows[r].section);
        for (int i = 0; i < ANNOTATE__KEYS_EACH; i++) {
            char one[16];
            if (!k->keys[r][i])
                continue;
            annotate__key_name(k->keys[r][i], one);
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s",
                                  n ? " " : "", one);
        }
        add_help(b, names, rows[r].help, width);
    }
    add_text_help(k, width, b);
    return b->failed;
}

int annotate__keys_print(const struct annotate__keys *k, struct pk_buf *b)
{
    char key[16];
    for (int r = 1; r < ANNOTATE__N_REQUESTS; r++) {
        for (int i = 0; i < ANNOTATE__KEYS_EACH; i++) {
            if (!k->keys[r][i])
                continue;
            annotate__key_name(k->keys[r][i], key);
            pk_buf_addf(b, "%-6s %-11s %s\n", key, rows[r].name, rows[r].help);
        }
    }
    return b->failed;
}

bool annotate__keys_choose(enum annotate__request r,
                           struct annotate__verdict *v)
{
    if (r >= ANNOTATE__L3 && r <= ANNOTATE__L0)
        annotate__choose(v, ANNOTATE__LEFT, ANNOTATE__L0 - (int)r);
    else if (r >= ANNOTATE__R0 && r <= ANNOTATE__R3)
        annotate__choose(v, ANNOTATE__RIGHT, (int)r - ANNOTATE__R0);
    else if (r == ANNOTATE__SAY_TIE)
        annotate__choose(v, ANNOTATE__TIE, PREFDB_UNSTATED);
    else if (r == ANNOTATE__SAY_BOTH_BAD)
        annotate__choose(v, ANNOTATE__BOTH_BAD, PREFDB_UNSTATED);
    else
        return false;
    return true;
}
