/* Private to infer/: OpenBLAS, loaded before the first product. */
#ifndef PREFKIT_INFER_MATH_BLAS_H
#define PREFKIT_INFER_MATH_BLAS_H

#include <cblas.h>

#include "common/err.h"

struct infer_blas {
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(openblas_get_corename) *corename;
};

/* NULL where it cannot be loaded (infer_blas_load says why); once loaded,
 * never. */
const struct infer_blas *infer_blas(void);

/* Before a product: loaded, and there is memory for its threads. PK_EMEM, where
 * OpenBLAS would wait for that, for ever; the errors of infer_blas_load. */
PK_NODISCARD int infer_blas_ready(struct pk_err *err);

#endif
