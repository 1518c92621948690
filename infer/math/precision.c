/* What products are computed in: the words for it, and the choice. */
#include <string.h>

#include "common/cli.h"
#include "infer/infer.h"
#include "infer/math/gemm_dnn.h"
#include "infer/math/gemm_tiles.h"

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

static const char *kernels(enum infer_precision p)
{
    if (p == INFER_PRECISION_BF16)
        return infer_tiles_here() ? "tile" : "oneDNN's";
    return infer_blas_kernel();
}

void infer_say_precision(const struct pk_cli *cli, enum infer_precision asked,
                         const struct infer_model *m)
{
    enum infer_precision is = infer_model_weights(m)->precision;
    const char *dir = infer_model_dir(m);
    if (asked == INFER_PRECISION_BF16 && is != asked)
        pk_warn(cli, "%s: computing in fp32, not in bf16: %s", dir,
                infer_bf16_missing());
    else
        pk_note(cli, "%s: computing in %s (%s kernels%s)", dir,
                infer_precision_name(is), kernels(is),
                is == INFER_PRECISION_BF16 ? "" : infer_blas_asked());
}

const char *infer_bf16_missing(void)
{
    return infer_tiles_here() ? NULL : infer_dnn_missing();
}

enum infer_precision infer_precision_choose(enum infer_precision asked,
                                            bool stored_bf16)
{
    bool want = asked == INFER_PRECISION_AUTO ? stored_bf16
                                              : asked == INFER_PRECISION_BF16;
    return want && !infer_bf16_missing() ? INFER_PRECISION_BF16
                                         : INFER_PRECISION_FP32;
}
