/* Normalizers and pre-tokenizers; see json_rules.h. What each of them means:
 * huggingface/tokenizers, src/normalizers and src/pre_tokenizers. */
#include "infer/text/json_rules.h"

#include <string.h>

#define SPACE "\xE2\x96\x81" /* U+2581 */

static const cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static bool is_string(const cJSON *v, const char *want)
{
    return cJSON_IsString(v) && strcmp(v->valuestring, want) == 0;
}

static const char *type_of(const cJSON *o)
{
    const cJSON *t = get(o, "type");
    return cJSON_IsString(t) ? t->valuestring : "(none)";
}

/* One step, or the steps of a Sequence: its first and the key they are under.
 */
static const cJSON *first_step(const cJSON *o, const char *key)
{
    return strcmp(type_of(o), "Sequence") == 0 ? get(o, key)->child : o;
}

static bool is_sequence_of(const cJSON *o, const char *key)
{
    return strcmp(type_of(o), "Sequence") != 0 || cJSON_IsArray(get(o, key));
}

/* ---- Normalizer ---------------------------------------------------------- */

static int normalizer_step(struct json_tokenizer *t, const cJSON *s,
                           struct pk_err *err)
{
    const char *type = type_of(s);
    const cJSON *pattern = get(s, "pattern");
    if (strcmp(type, "Prepend") == 0 && is_string(get(s, "prepend"), SPACE) &&
        !t->escape) {
        t->prefix = PREFIX_ALWAYS;
        return 0;
    }
    if (strcmp(type, "Replace") == 0 &&
        is_string(get(pattern, "String"), " ") &&
        is_string(get(s, "content"), SPACE)) {
        t->escape = true;
        return 0;
    }
    return pk_fail(err, PK_EDATA,
                   "its normalizer \"%.60s\" can't be run as it stands (only "
                   "Prepend and Replace that put U+2581 for spaces)",
                   type);
}

static int read_normalizer(struct json_tokenizer *t, const cJSON *o,
                           struct pk_err *err)
{
    if (!o || cJSON_IsNull(o))
        return 0;
    if (!cJSON_IsObject(o) || !is_sequence_of(o, "normalizers"))
        return pk_fail(err, PK_EDATA, "\"normalizer\" is malformed");
    const bool many = strcmp(type_of(o), "Sequence") == 0;
    int rc = 0;
    for (const cJSON *s = first_step(o, "normalizers"); !rc && s;
         s = many ? s->next : NULL)
        rc = normalizer_step(t, s, err);
    if (!rc && t->prefix == PREFIX_ALWAYS && !t->escape)
        rc = pk_fail(err, PK_EDATA,
                     "its normalizer puts U+2581 before the text, but not for "
                     "spaces");
    return rc;
}

/* ---- Pre-tokenizer ------------------------------------------------------- */

/* True unless it is there and false. */
static bool flag(const cJSON *o, const char *key, bool fallback)
{
    const cJSON *v = get(o, key);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

static int metaspace(struct json_tokenizer *t, const cJSON *o,
                     struct pk_err *err)
{
    const cJSON *scheme = get(o, "prepend_scheme");
    bool add = flag(o, "add_prefix_space", true);
    if (t->escape)
        return pk_fail(err, PK_EDATA,
                       "both its normalizer and its pre-tokenizer put U+2581 "
                       "for spaces");
    if (!is_string(get(o, "replacement"), SPACE))
        return pk_fail(err, PK_EDATA,
                       "its pre-tokenizer Metaspace puts something other than "
                       "U+2581 for spaces");
    if (scheme)
        add = is_string(scheme, "always") || is_string(scheme, "first");
    t->escape = true;
    t->prefix = add ? PREFIX_UNLESS_SPACE : PREFIX_NEVER;
    t->cut.rule = flag(o, "split", true) ? PRETOKEN_SPACE : PRETOKEN_WHOLE;
    return 0;
}

static int byte_level(struct json_tokenizer *t, const cJSON *o,
                      struct pk_err *err)
{
    const bool regex = flag(o, "use_regex", true);
    if (regex && t->cut.rule != PRETOKEN_WHOLE)
        return pk_fail(err, PK_EDATA,
                       "its pre-tokenizer cuts by two regular expressions");
    t->byte_level = true;
    if (regex)
        t->cut.rule = PRETOKEN_GPT2;
    if (flag(o, "add_prefix_space", true)) {
        if (t->cut.digits || !regex)
            return pk_fail(err, PK_EDATA,
                           "its pre-tokenizer adds a space after cutting");
        t->prefix = PREFIX_UNLESS_SPACE;
    }
    return 0;
}

static int split(struct json_tokenizer *t, const cJSON *o, struct pk_err *err)
{
    const cJSON *regex = get(get(o, "pattern"), "Regex");
    const bool invert = flag(o, "invert", false);
    const char *behavior = cJSON_IsString(get(o, "behavior"))
                               ? get(o, "behavior")->valuestring
                               : "";
    /* Both expressions match all text, so taking the matches or what lies
     * between them away makes the same cuts. */
    bool cuts = strcmp(behavior, "Isolated") == 0 && !invert;
    cuts |= strcmp(behavior, "Removed") == 0 && invert;
    if (cuts && t->cut.rule == PRETOKEN_WHOLE && !t->cut.digits) {
        if (is_string(regex, infer_pretoken_llama3)) {
            t->cut.rule = PRETOKEN_LLAMA3;
            return 0;
        }
        if (is_string(regex, infer_pretoken_gpt2)) {
            t->cut.rule = PRETOKEN_GPT2;
            return 0;
        }
    }
    return pk_fail(err, PK_EDATA,
                   "its pre-tokenizer cuts text in a way that can't be run; "
                   "the regular expressions of GPT-2 and Llama 3 can");
}

static int pre_tokenizer_step(struct json_tokenizer *t, const cJSON *s,
                              struct pk_err *err)
{
    const char *type = type_of(s);
    if (t->byte_level)
        return pk_fail(err, PK_EDATA, "its pre-tokenizer goes on after bytes");
    if (strcmp(type, "ByteLevel") == 0)
        return byte_level(t, s, err);
    if (strcmp(type, "Split") == 0)
        return split(t, s, err);
    if (strcmp(type, "Digits") == 0 && flag(s, "individual_digits", false) &&
        t->cut.rule == PRETOKEN_WHOLE) {
        t->cut.digits = true;
        return 0;
    }
    return pk_fail(err, PK_EDATA,
                   "its pre-tokenizer \"%.60s\" can't be run as it stands",
                   type);
}

static int read_pre_tokenizer(struct json_tokenizer *t, const cJSON *o,
                              struct pk_err *err)
{
    int rc = 0;
    if (!o || cJSON_IsNull(o))
        return 0;
    if (!cJSON_IsObject(o) || !is_sequence_of(o, "pretokenizers"))
        return pk_fail(err, PK_EDATA, "\"pre_tokenizer\" is malformed");
    if (strcmp(type_of(o), "Metaspace") == 0)
        return metaspace(t, o, err);
    const bool many = strcmp(type_of(o), "Sequence") == 0;
    for (const cJSON *s = first_step(o, "pretokenizers"); !rc && s;
         s = many ? s->next : NULL)
        rc = pre_tokenizer_step(t, s, err);
    if (!rc && !t->byte_level)
        rc = pk_fail(err, PK_EDATA,
                     "its pre-tokenizer can't be run without "
                     "ByteLevel");
    if (!rc && t->escape)
        rc = pk_fail(err, PK_EDATA,
                     "it is byte-level, but puts U+2581 for spaces");
    return rc;
}

int infer_json_rules_read(struct json_tokenizer *t, const cJSON *file,
                          struct pk_err *err)
{
    int rc = read_normalizer(t, get(file, "normalizer"), err);
    return rc ? rc : read_pre_tokenizer(t, get(file, "pre_tokenizer"), err);
}
