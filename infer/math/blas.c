/* OpenBLAS, and which of its kernels to compute with.
 *
 * It chooses them as it is loaded, by the processor's model number; 0.3.21 does
 * not know those that came after it and takes its oldest, SSE ones: a fifth of
 * the speed. Asking again with OPENBLAS_CORETYPE set changes the table of
 * kernels, as long as nothing is being computed. */
#include "infer/math/blas.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/late.h"
#include "infer/infer.h"

static const char soname[] = "libopenblas.so.0";
static const char coretype[] = "OPENBLAS_CORETYPE";

/* In OpenBLAS that is built for many processors, and only there. */
struct dynamic {
    void (*quit)(void), (*init)(void);
};

static const struct dynamic *dynamic(void)
{
    static struct dynamic calls;
    static struct pk_late late = PK_LATE_INIT;
    static const char *const symbols[] = {"gotoblas_dynamic_quit",
                                          "gotoblas_dynamic_init", NULL};
    return pk_late_load(&late, &calls, soname, symbols, NULL) ? NULL : &calls;
}

/* Kernels of at least AVX2. */
static bool modern(const char *kernel)
{
    static const char *const names[] = {"Haswell", "Zen", "SkylakeX",
                                        "Cooperlake", "Sapphirerapids"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(kernel, names[i]) == 0)
            return true;
    return false;
}

static const char *best(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

static struct infer_blas calls;

static void choose(void)
{
    const char *want = best();
    const struct dynamic *again = dynamic();
    if (getenv(coretype) || !want || modern(calls.corename()) || !again ||
        setenv(coretype, want, 1) != 0)
        return;
    again->quit();
    again->init();
    unsetenv(coretype);
}

const struct infer_blas *infer_blas(struct pk_err *err)
{
    static struct pk_late late = PK_LATE_INIT;
    static pthread_once_t chosen = PTHREAD_ONCE_INIT;
    static const char *const symbols[] = {"cblas_sgemm",
                                          "openblas_get_corename", NULL};
    if (pk_late_load(&late, &calls, soname, symbols, err))
        return NULL;
    pthread_once(&chosen, choose);
    return &calls;
}

int infer_blas_load(struct pk_err *err)
{
    return infer_blas(err) ? 0 : PK_EIO;
}

const char *infer_blas_kernel(void)
{
    const struct infer_blas *blas = infer_blas(NULL);
    return blas ? blas->corename() : "no";
}

const char *infer_blas_asked(void)
{
    const char *name = getenv(coretype);
    bool so = name && strcasecmp(name, infer_blas_kernel()) == 0;
    return so ? ", as OPENBLAS_CORETYPE asks" : "";
}
