/* Sequences as ECMA-48 (5.4, 5.6) and xterm's "Control Sequences" have them. */
#include "annotate/terminal/input.h"

#include <string.h>

enum { ESC = 0x1B, BEL = 7, DEL = 0x7F };

/* An answer is no longer than this; Alt+] must not swallow the day's keys. */
#define ANSWER_MAX 512

/* A terminal on a slow line may send its Esc this much earlier, in seconds. */
#define SLOW 1.0

enum state {
    GROUND,
    ESCAPED,  /* ESC */
    SEQUENCE, /* ESC [ */
    ONE_MORE, /* ESC O */
    CONSOLE,  /* ESC [ [, and one more: the Linux console's F1 to F5 */
    MOUSE,    /* ESC [ M, and three bytes */
    ANSWER,   /* ESC ], ESC P and the like, up to BEL or ESC \ */
    ANSWERED  /* ESC in an answer */
};

void annotate__input_init(struct annotate__input *in)
{
    *in = (struct annotate__input){.escaped = -1};
}

static int begin(struct annotate__input *in, enum state state)
{
    in->state = state;
    in->n = 0;
    in->escaped = -1;
    in->after_esc = false;
    return 0;
}

/* ---- Characters ---------------------------------------------------------- */

static int control(const struct annotate__input *in, int c)
{
    if (in->pasting && c != '\r' && c != '\n' && c != '\t')
        return 0;
    return c == DEL ? 8 : c == '\n' ? '\r' : c;
}

static int character(struct annotate__input *in, int c)
{
    char byte = (char)c;
    wchar_t wide;
    if (c >= ANNOTATE__KEY_UP)
        return in->pasting ? 0 : c;
    if (c < 0x20 || c == DEL) {
        in->chars = (mbstate_t){0};
        return control(in, c);
    }
    bool begun = !mbsinit(&in->chars);
    size_t n = mbrtowc(&wide, &byte, 1, &in->chars);
    if (n <= 1)
        return (int)wide;
    if (n == (size_t)-2)
        return 0;
    in->chars = (mbstate_t){0};
    return begun ? character(in, c) : 0; /* half a one, then another */
}

/* ---- Sequences ----------------------------------------------------------- */

static int named(int last)
{
    static const struct {
        int last, key;
    } table[] = {{'A', ANNOTATE__KEY_UP},     {'B', ANNOTATE__KEY_DOWN},
                 {'C', ANNOTATE__KEY_RIGHT},  {'D', ANNOTATE__KEY_LEFT},
                 {'H', ANNOTATE__KEY_HOME},   {'F', ANNOTATE__KEY_END},
                 {'P', ANNOTATE__KEY_F1},     {'M', '\r'},
                 {'Z', ANNOTATE__KEY_BACKTAB}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].last == last)
            return table[i].key;
    return 0;
}

/* "ESC O q": the keypad of a terminal that was told to tell it apart. */
static int keypad(int last)
{
    return last >= 'p' && last <= 'y'   ? last - 'p' + '0'
           : last >= 'j' && last <= 'o' ? last - 'j' + '*'
                                        : named(last);
}

/* "ESC [ 5 ~" and its like: also where a terminal's description says that the
 * key sends something else. */
static int numbered(const char *number)
{
    static const struct {
        const char *number;
        int key;
    } table[] = {{"1", ANNOTATE__KEY_HOME},   {"7", ANNOTATE__KEY_HOME},
                 {"4", ANNOTATE__KEY_END},    {"8", ANNOTATE__KEY_END},
                 {"3", ANNOTATE__KEY_DELETE}, {"5", ANNOTATE__KEY_PGUP},
                 {"6", ANNOTATE__KEY_PGDN},   {"11", ANNOTATE__KEY_F1},
                 {"200", ANNOTATE__PASTE},    {"201", ANNOTATE__PASTED}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].number, number) == 0)
            return table[i].key;
    return 0;
}

static int known(struct annotate__input *in, int last)
{
    bool whole = in->n < sizeof in->sequence;
    in->sequence[whole ? in->n : 0] = 0;
    int key = !whole        ? 0
              : last == '~' ? numbered(in->sequence)
              : in->n == 0  ? named(last)
                            : 0;
    bool was = in->pasting;
    if (key == ANNOTATE__PASTE || key == ANNOTATE__PASTED) {
        in->pasting = key == ANNOTATE__PASTE;
        return was == in->pasting ? 0 : key;
    }
    return was ? 0 : key;
}

static int sequence(struct annotate__input *in, int c, double now)
{
    if (c < 0x20 || c > 0x7E) { /* it was none */
        begin(in, GROUND);
        /* A key would not be what was meant; pasted text is all text. */
        return in->pasting ? annotate__input_code(in, c, now) : 0;
    }
    if (c < 0x40) {
        if (in->n < sizeof in->sequence)
            in->sequence[in->n] = (char)c;
        in->n++;
        return 0;
    }
    if (!in->pasting && !in->n && (c == '[' || c == 'M'))
        return begin(in, c == '[' ? CONSOLE : MOUSE);
    int key = known(in, c);
    begin(in, GROUND);
    return key;
}

static int escaped(struct annotate__input *in, int c, double now)
{
    if (c == ESC) {
        in->state = ESCAPED;
        return in->pasting ? 0 : ESC;
    }
    if (c == '[')
        return begin(in, SEQUENCE);
    begin(in, GROUND);
    if (in->pasting)
        return annotate__input_code(in, c, now);
    if (c == 'O')
        return begin(in, ONE_MORE);
    if (c < ANNOTATE__KEY_UP && c && strchr("]PX^_", c))
        return begin(in, ANSWER);
    in->after_esc = true;
    return character(in, c);
}

static int answer(struct annotate__input *in, int c)
{
    bool over = c == BEL || c == '\r' || ++in->n > ANSWER_MAX;
    in->state = over ? GROUND : c == ESC ? ANSWERED : ANSWER;
    return 0;
}

static int ground(struct annotate__input *in, int c, double now)
{
    double since = in->escaped < 0 ? SLOW : now - in->escaped;
    in->escaped = -1;
    in->after_esc &= !mbsinit(&in->chars);
    if (c == ESC)
        return begin(in, ESCAPED);
    if (!in->pasting && since < SLOW && (c == '[' || c == 'O'))
        return begin(in, c == '[' ? SEQUENCE : ONE_MORE);
    return character(in, c);
}

int annotate__input_code(struct annotate__input *in, int code, double now)
{
    enum state state = (enum state)in->state;
    /* Whatever was begun is broken off. */
    if (code == ESC && state >= SEQUENCE && state <= MOUSE)
        return begin(in, ESCAPED);
    switch (state) {
    case ESCAPED:
        return escaped(in, code, now);
    case SEQUENCE:
        return sequence(in, code, now);
    case ONE_MORE:
        begin(in, GROUND);
        return keypad(code);
    case CONSOLE:
        begin(in, GROUND);
        return code == 'A' ? ANNOTATE__KEY_F1 : 0;
    case MOUSE:
        if (++in->n == 3)
            begin(in, GROUND);
        return 0;
    case ANSWER:
        return answer(in, code);
    case ANSWERED:
        if (code == '\\')
            return begin(in, GROUND);
        begin(in, ESCAPED); /* the answer was cut off */
        return annotate__input_code(in, code, now);
    default:
        return ground(in, code, now);
    }
}

int annotate__input_rest(struct annotate__input *in, double now)
{
    if (in->state != ESCAPED || in->pasting)
        return 0;
    begin(in, GROUND);
    in->escaped = now;
    return ESC;
}
