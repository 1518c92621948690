/* OpenBLAS, and which of its kernels to compute with.
 *
 * It chooses them as it is loaded, by the processor's model number; 0.3.21 does
 * not know those that came after it and takes its oldest, SSE ones: a fifth of
 * the speed. Asking again with OPENBLAS_CORETYPE set changes the table of
 * kernels, as long as nothing is being computed. */
#include "infer/math/blas.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* ---- Room for it --------------------------------------------------------- */

/* OpenBLAS waits for ever where it gets no memory. It takes a buffer of 128 MiB
 * for each thread as it is loaded, no more of them than there are processors;
 * the first product takes what is missing to one a thread and one more. */
static const size_t buffer_bytes = (size_t)128 << 20, rest_bytes = 64u << 20;
static size_t taken; /* buffers, as it was loaded */

static int check_room(size_t threads, struct pk_err *err)
{
    size_t want = threads + 1 > taken ? threads + 1 - taken : 1;
    size_t bytes = want * buffer_bytes + rest_bytes;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return pk_fail(err, PK_EMEM,
                       "matrix products by %zu threads take another %zu MiB of "
                       "addresses, which are not to be had (ulimit -v); "
                       "OMP_NUM_THREADS=1 takes fewer",
                       threads, bytes >> 20);
    munmap(p, bytes);
    return 0;
}

/* ---- Loading it ---------------------------------------------------------- */

static struct infer_blas calls;
static atomic_bool loaded;

static void choose(void)
{
    int threads = omp_get_max_threads(), processors = omp_get_num_procs();
    taken = (size_t)(threads < processors ? threads : processors);
    const char *want = best();
    const struct dynamic *again = dynamic();
    if (getenv(coretype) || !want || modern(calls.corename()) || !again ||
        setenv(coretype, want, 1) != 0)
        return;
    again->quit();
    again->init();
    unsetenv(coretype);
}

int infer_blas_load(struct pk_err *err)
{
    static struct pk_late late = PK_LATE_INIT;
    static pthread_once_t chosen = PTHREAD_ONCE_INIT;
    static const char *const symbols[] = {"cblas_sgemm",
                                          "openblas_get_corename", NULL};
    if (atomic_load_explicit(&loaded, memory_order_acquire))
        return 0;
    int rc = check_room((size_t)omp_get_max_threads(), err);
    if (rc == 0)
        rc = pk_late_load(&late, &calls, soname, symbols, err);
    if (rc)
        return rc;
    pthread_once(&chosen, choose);
    atomic_store_explicit(&loaded, true, memory_order_release);
    return 0;
}

int infer_blas_ready(struct pk_err *err)
{
    static atomic_size_t proven; /* threads that products have room for */
    size_t threads = (size_t)omp_get_max_threads();
    int rc = infer_blas_load(err);
    if (rc || threads <= atomic_load(&proven))
        return rc;
    rc = check_room(threads, err);
    if (rc == 0)
        atomic_store(&proven, threads);
    return rc;
}

const struct infer_blas *infer_blas(void)
{
    return infer_blas_load(NULL) ? NULL : &calls;
}

const char *infer_blas_kernel(void)
{
    const struct infer_blas *blas = infer_blas();
    return blas ? blas->corename() : "no";
}

const char *infer_blas_asked(void)
{
    const char *name = getenv(coretype);
    bool so = name && strcasecmp(name, infer_blas_kernel()) == 0;
    return so ? ", as OPENBLAS_CORETYPE asks" : "";
}
