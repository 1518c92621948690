#include "annotate/text/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Names that are words or people's names too count only as they are written
 * here, with their capital. */
static const struct {
    const char *text;
    bool exact;
} known[] = {
    {"ChatGPT", false},     {"GPT-2", false},        {"GPT-3", false},
    {"GPT-3.5", false},     {"GPT3", false},         {"GPT-4", false},
    {"GPT-4o", false},      {"GPT4", false},         {"GPT-5", false},
    {"InstructGPT", false}, {"OpenAI", false},       {"text-davinci", false},
    {"Anthropic", true},    {"Claude", true},        {"DeepMind", false},
    {"Google AI", false},   {"Gemini", true},        {"Gemma", true},
    {"Bard", true},         {"PaLM", true},          {"PaLM 2", true},
    {"LaMDA", true},        {"LLaMA", true},         {"Llama", true},
    {"Meta AI", false},     {"Vicuna", true},        {"Alpaca", true},
    {"WizardLM", false},    {"Guanaco", true},       {"Mistral", true},
    {"Mistral AI", false},  {"Mixtral", false},      {"Qwen", false},
    {"Tongyi", false},      {"DeepSeek", false},     {"ChatGLM", false},
    {"Baichuan", false},    {"InternLM", false},     {"ERNIE Bot", false},
    {"StableLM", false},    {"OpenAssistant", true}, {"Open Assistant", true},
    {"BLOOMZ", false},      {"Cohere", true},        {"Grok", true},
    {"xAI", true},          {"Copilot", true},       {"Bing Chat", false},
    {"Falcon-7B", false},   {"Falcon-40B", false},   {"Falcon-180B", false},
    {"MPT-7B", false},      {"MPT-30B", false},      {"Phi-2", true},
    {"Phi-3", true},
};

static unsigned char small(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned char other_case(char c, bool other)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (unsigned char)(other && letter ? c ^ 0x20 : c);
}

static bool is_word(char c)
{
    unsigned char s = small(c);
    return (s >= 'a' && s <= 'z') || (s >= '0' && s <= '9');
}

static bool equal(const struct annotate__name *name, const char *s)
{
    if (name->exact)
        return memcmp(name->text, s, name->len) == 0;
    for (size_t i = 0; i < name->len; i++)
        if (small(name->text[i]) != small(s[i]))
            return false;
    return true;
}

static int add(struct annotate__names *names, const char *text, bool exact,
               struct pk_err *err)
{
    unsigned char c = small(text[0]);
    size_t len = strlen(text);
    for (size_t i = 0; i < names->by[c].n; i++)
        if (names->by[c].v[i].len == len && equal(&names->by[c].v[i], text))
            return 0;
    char *copy = pk_strdup(text);
    if (!copy || !pk_grow(&names->by[c].v, &names->by[c].cap,
                          names->by[c].n + 1, sizeof *names->by[c].v)) {
        free(copy);
        return pk_fail_mem(err, "names of models");
    }
    names->by[c].v[names->by[c].n++] =
        (struct annotate__name){copy, len, exact};
    for (int v = 0; v < 4; v++) { /* in both cases of its first two letters */
        size_t two = (size_t)other_case(text[0], v & 1) << 8 |
                     other_case(text[1], v & 2);
        names->begins[two / 8] |= (unsigned char)(1u << two % 8);
    }
    return 0;
}

int annotate__names_init(struct annotate__names *names, struct pk_err *err)
{
    int rc = 0;
    memset(names, 0, sizeof *names);
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !rc; i++)
        rc = add(names, known[i].text, known[i].exact, err);
    return rc;
}

/* A name and not a word: it has a digit, or a capital after its first letter,
 * or is of several words. */
static bool distinct(const char *s)
{
    bool any = false;
    for (size_t i = 0; s[i]; i++)
        any |= (s[i] >= '0' && s[i] <= '9') ||
               (i && s[i] >= 'A' && s[i] <= 'Z') || (i && !is_word(s[i]));
    return any && strlen(s) >= 3 && is_word(s[0]);
}

int annotate__names_add(struct annotate__names *names, const char *model,
                        struct pk_err *err)
{
    const char *slash = strrchr(model, '/');
    int rc = distinct(model) ? add(names, model, false, err) : 0;
    if (!rc && slash && distinct(slash + 1))
        rc = add(names, slash + 1, false, err);
    return rc;
}

bool annotate__names_find(const struct annotate__names *names, const char *s,
                          size_t n, size_t *at, size_t *len)
{
    for (size_t i = 0; i + 1 < n; i++) {
        size_t two = (size_t)(unsigned char)s[i] << 8 | (unsigned char)s[i + 1];
        if (!(names->begins[two / 8] >> two % 8 & 1) ||
            (i && is_word(s[i - 1])))
            continue;
        unsigned char c = small(s[i]);
        *len = 0;
        for (size_t k = 0; k < names->by[c].n; k++) {
            const struct annotate__name *name = &names->by[c].v[k];
            size_t end = i + name->len;
            if (name->len > *len && end <= n && equal(name, s + i) &&
                (end == n || !is_word(s[end])))
                *len = name->len;
        }
        if (*len) {
            *at = i;
            return true;
        }
    }
    return false;
}

void annotate__names_release(struct annotate__names *names)
{
    for (size_t c = 0; c < 256; c++) {
        for (size_t i = 0; i < names->by[c].n; i++)
            free(names->by[c].v[i].text);
        free(names->by[c].v);
    }
    memset(names, 0, sizeof *names);
}
