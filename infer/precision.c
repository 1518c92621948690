/* What products are computed in: the words for it, and the choice. */
#include <string.h>

#include "infer/infer.h"

static const char *const names[] = {"fp32", "bf16", "auto"};

int infer_precision_parse(enum infer_precision *out, const char *text,
                          struct pk_err *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum infer_precision)i;
            return 0;
        }
    }
    return pk_fail(err, PK_EUSAGE, "'%.40s' is not auto, fp32 or bf16", text);
}

const char *infer_precision_name(enum infer_precision p)
{
    return names[p];
}

int infer_dtype_parse(enum infer_dtype *out, const char *text,
                      struct pk_err *err)
{
    bool bf16 = strcmp(text, "bf16") == 0;
    if (!bf16 && strcmp(text, "f32") != 0)
        return pk_fail(err, PK_EUSAGE, "'%.40s' is not f32 or bf16", text);
    *out = bf16 ? INFER_BF16 : INFER_F32;
    return 0;
}

const char *infer_bf16_missing(void)
{
    return "it is not built in";
}

enum infer_precision infer_precision_choose(enum infer_precision asked,
                                            bool stored_bf16)
{
    (void)stored_bf16;
    (void)asked;
    return INFER_PRECISION_FP32;
}
