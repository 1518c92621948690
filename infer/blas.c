/* Which kernels OpenBLAS computes with.
 *
 * It chooses them as it is loaded, by the processor's model number; 0.3.21 does
 * not know those that came after it and takes its oldest, SSE ones: a fifth of
 * the speed. Asking again with OPENBLAS_CORETYPE set changes the table of
 * kernels, as long as nothing is being computed. */
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "infer/infer.h"

/* In OpenBLAS that is built for many processors, and only there. */
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

const char *infer_blas_kernel(void)
{
    return openblas_get_corename();
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

void infer_blas_choose(void)
{
    static const char name[] = "OPENBLAS_CORETYPE";
    const char *want = best();
    if (getenv(name) || !want || modern(infer_blas_kernel()) ||
        !gotoblas_dynamic_init || !gotoblas_dynamic_quit ||
        setenv(name, want, 1) != 0)
        return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(name);
}
