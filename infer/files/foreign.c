/* Tensors without a place; see foreign.h. */
#include "infer/files/foreign.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "infer/files/params.h"

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), k = strlen(with);
    return n >= k && strcmp(s + n - k, with) == 0;
}

bool infer_layer_tensor(const struct infer_config *c, const char *before,
                        const char *const names[], const char *name)
{
    static const char weight[] = ".weight";
    if (!starts(name, before) || !isdigit((unsigned char)name[strlen(before)]))
        return false;
    char *end;
    unsigned long layer = strtoul(name + strlen(before), &end, 10);
    if (layer >= c->layers || *end++ != '.')
        return false;
    for (size_t i = 0; i < INFER_PER_LAYER; i++)
        if (starts(end, names[i]) &&
            strcmp(end + strlen(names[i]), weight) == 0)
            return true;
    return false;
}

bool infer_tensor_foreign(const struct infer_config *c, const char *name)
{
    static const char *const names[] = {
#define INFER_NAME(field, rows, cols, name) name,
        INFER_LAYER_TENSORS(INFER_NAME)
#undef INFER_NAME
    };
    if (ends(name, ".bias") &&
        (starts(name, "score.") || starts(name, "lm_head.")))
        return true;
    return starts(name, "model.") && !ends(name, "rotary_emb.inv_freq") &&
           strcmp(name, "model.embed_tokens.weight") != 0 &&
           strcmp(name, "model.norm.weight") != 0 &&
           !infer_layer_tensor(c, "model.layers.", names, name);
}
