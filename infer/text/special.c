/* Special tokens that a text spells out: what a program means that sends a
 * dialogue as text, its chat format written around it. See infer.h. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/text/tokenizer.h"

static int longest_first(const void *a, const void *b)
{
    const struct tokenizer_special *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

int infer_tokenizer_specials(struct infer_tokenizer *t, struct pk_err *err)
{
    size_t cap = 0;
    for (size_t i = 0; i < t->vocab; i++) {
        const int32_t id = (int32_t)i;
        struct tokenizer_special s = {.id = id};
        if (!(t->kind->traits(t->self, id) & TOKEN_SPECIAL))
            continue;
        s.name = infer_tokenizer_name(t, id, &s.len);
        if (!s.name || s.len == 0)
            continue;
        if (!pk_grow(&t->special, &cap, t->specials + 1, sizeof s))
            return pk_fail_mem(err, "a tokenizer");
        t->special[t->specials++] = s;
        t->special_starts[(unsigned char)s.name[0]] = true;
    }
    if (t->specials)
        qsort(t->special, t->specials, sizeof *t->special, longest_first);
    return 0;
}

/* The special token that is spelled at s, or NULL. */
static const struct tokenizer_special *at(const struct infer_tokenizer *t,
                                          const char *s, size_t n)
{
    if (!t->special_starts[(unsigned char)s[0]])
        return NULL;
    for (size_t i = 0; i < t->specials; i++) {
        const struct tokenizer_special *k = &t->special[i];
        if (k->len <= n && memcmp(k->name, s, k->len) == 0)
            return k;
    }
    return NULL;
}

int infer_tokenizer_encode_marked(const struct infer_tokenizer *t,
                                  const char *text, size_t len,
                                  struct infer_ids *out, struct pk_err *err)
{
    const size_t before = out->len;
    int rc = 0;
    for (size_t i = 0, from = 0; i <= len && rc == 0; i++) {
        const struct tokenizer_special *k =
            i < len ? at(t, text + i, len - i) : NULL;
        if (!k && i < len)
            continue;
        if (i > from)
            rc = infer_tokenizer_encode(t, text + from, i - from, out, err);
        if (rc == 0 && k) {
            rc = infer_ids_add(out, k->id, err);
            from = i + k->len;
            i = from - 1;
        }
    }
    if (rc)
        out->len = before;
    return rc;
}
