/* Stopwatches around functions; see train_kinds.h. */
#include "tests/bench/train_kinds.h"

#include <string.h>

#include <omp.h>

#include "common/progress.h"
#include "infer/forest/attention.h"
#include "infer/forest/attention_tiles.h"
#include "infer/forest/lora.h"
#include "infer/math/bf16.h"
#include "infer/math/gemm.h"
#include "infer/math/kernels.h"
#include "rm/train/adamw.h"
#include "rm/train/train.h"

enum { THREADS = 1024 };

/* Seconds since some time. By the processor's counter where that is known: a
 * call for the time takes as long as a short row, and there are hundreds of
 * thousands of blocks in a step, whose stopwatches would count as attention. */
#ifdef __x86_64__

static double tick; /* seconds */

static double now(void)
{
    return (double)__builtin_ia32_rdtsc() * tick;
}

static void start_counter(void)
{
    double from = pk_now(), seconds = 0;
    unsigned long long first = __builtin_ia32_rdtsc();
    if (tick > 0)
        return;
    while (seconds < 0.05)
        seconds = pk_now() - from;
    tick = seconds / (double)(__builtin_ia32_rdtsc() - first);
}

#else

static double now(void)
{
    return pk_now();
}

static void start_counter(void)
{
}

#endif

static struct {
    enum kind now; /* of the thread that trains */
    double since, seconds[KINDS];
    /* A cache line each. */
    struct {
        double rounding, blocks, unused[6];
    } thread[THREADS];
} watch;

const char *kind_name(enum kind k)
{
    static const char *const name[KINDS] = {
        [KIND_REST] = "the rest",
        [KIND_PRODUCTS] = "matrix products",
        [KIND_ROUNDING] = "rounding",
        [KIND_ATTENTION] = "attention",
        [KIND_ATTENTION_PRODUCTS] = "attention's products",
        [KIND_NORMS] = "norms",
        [KIND_ELEMENTS] = "SwiGLU, rotation, rows",
        [KIND_ADAPTERS_PRODUCTS] = "adapters' products",
        [KIND_ADAPTERS] = "adapters",
        [KIND_OPTIMIZER] = "optimizer",
        [KIND_READING] = "forests"};
    return name[k];
}

void kinds_start(void)
{
    memset(&watch, 0, sizeof watch);
    start_counter();
    watch.since = now();
}

/* Time up to now belongs to the kind that was; from now on to this one. */
static enum kind turn(enum kind k)
{
    enum kind was = watch.now;
    double t = now();
    watch.seconds[was] += t - watch.since;
    watch.since = t;
    watch.now = k;
    return was;
}

void kinds_read(double seconds[KINDS])
{
    double rounding = 0, blocks = 0, n = omp_get_max_threads();
    turn(watch.now);
    for (int i = 0; i < THREADS; i++) {
        rounding += watch.thread[i].rounding / n;
        blocks += watch.thread[i].blocks / n;
    }
    memcpy(seconds, watch.seconds, sizeof watch.seconds);
    seconds[KIND_ROUNDING] = rounding;
    seconds[KIND_PRODUCTS] -= rounding;
    seconds[KIND_ATTENTION_PRODUCTS] = blocks;
    seconds[KIND_ATTENTION] -= blocks;
}

static enum kind product(void)
{
    return watch.now == KIND_ADAPTERS ? KIND_ADAPTERS_PRODUCTS : KIND_PRODUCTS;
}

/* The linker calls __wrap_F where F was meant, and F by __real_F. */
/* NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses) */
#define TIMED(which, type, name, params, args)                                 \
    type __real_##name params;                                                 \
    type __wrap_##name params;                                                 \
    type __wrap_##name params                                                  \
    {                                                                          \
        enum kind was = turn(which);                                           \
        type rc = __real_##name args;                                          \
        turn(was);                                                             \
        return rc;                                                             \
    }
#define TIMED_VOID(start, stop, name, params, args)                            \
    void __real_##name params;                                                 \
    void __wrap_##name params;                                                 \
    void __wrap_##name params                                                  \
    {                                                                          \
        start;                                                                 \
        __real_##name args;                                                    \
        stop;                                                                  \
    }
#define TIMED_KIND(which, name, params, args)                                  \
    TIMED_VOID(enum kind was = turn(which), turn(was), name, params, args)
/* By the thread that does it, side by side with others. */
#define TIMED_THREAD(field, name, params, args)                                \
    TIMED_VOID(double from = now(),                                            \
               watch.thread[omp_get_thread_num() % THREADS].field +=           \
               now() - from,                                                   \
               name, params, args)

TIMED(product(), int, infer_linear,
      (struct infer_gemm * g, float *y, const float *x,
       const struct infer_matrix *w, size_t rows, bool add, struct pk_err *err),
      (g, y, x, w, rows, add, err))
TIMED(product(), int, infer_linears,
      (struct infer_gemm * g, const struct infer_linear *to, size_t n,
       struct infer_operand x, size_t rows, bool add, struct pk_err *err),
      (g, to, n, x, rows, add, err))
TIMED(product(), int, infer_linears_backward,
      (struct infer_gemm * g, const struct infer_linears_grad *of,
       struct pk_err *err),
      (g, of, err))
TIMED(product(), int, infer_linear_dx,
      (struct infer_gemm * g, float *dx, const float *dy,
       const struct infer_matrix *w, size_t rows, bool add, struct pk_err *err),
      (g, dx, dy, w, rows, add, err))
TIMED(product(), int, infer_linear_dw,
      (struct infer_gemm * g, const struct infer_matrix *dw, const float *dy,
       const float *x, size_t rows, struct pk_err *err),
      (g, dw, dy, x, rows, err))
/* What norms and SwiGLU round as they go is theirs. */
void __real_infer_to_bf16(uint16_t *dst, const float *src, size_t n);
void __wrap_infer_to_bf16(uint16_t *dst, const float *src, size_t n);
void __wrap_infer_to_bf16(uint16_t *dst, const float *src, size_t n)
{
    bool mine = watch.now == KIND_PRODUCTS;
    double from = mine ? now() : 0;
    __real_infer_to_bf16(dst, src, n);
    if (mine)
        watch.thread[omp_get_thread_num() % THREADS].rounding += now() - from;
}

TIMED(KIND_ATTENTION, int, infer_attention_forward,
      (const struct infer_attention *a, const struct infer_attended *x,
       struct pk_err *err),
      (a, x, err))
TIMED(KIND_ATTENTION, int, infer_attention_backward,
      (const struct infer_attention *a, const struct infer_attended *x,
       const struct infer_attention_grad *g, struct pk_err *err),
      (a, x, g, err))
TIMED_THREAD(blocks, infer_gemm_block,
             (struct infer_block s, struct infer_mat a, struct infer_mat b,
              float *c, size_t ldc),
             (s, a, b, c, ldc))
TIMED_THREAD(blocks, infer_tiles_scores,
             (const struct infer_tiles_path *t, float *p, const float *q,
              size_t keys),
             (t, p, q, keys))
TIMED_THREAD(blocks, infer_tiles_values,
             (const struct infer_tiles_path *t, float *o, const float *p,
              size_t keys),
             (t, o, p, keys))
TIMED_THREAD(blocks, infer_tiles_dvalues,
             (const struct infer_tiles_path *t, float *dp, const float *dout,
              size_t keys),
             (t, dp, dout, keys))
TIMED_THREAD(blocks, infer_tiles_add,
             (const struct infer_tiles_path *t, float *m, const float *p,
              const float *x, size_t keys),
             (t, m, p, x, keys))

TIMED_KIND(KIND_NORMS, infer_rmsnorm,
           (struct infer_values y, const struct infer_rmsnorm *n), (y, n))
TIMED(KIND_NORMS, int, infer_rmsnorm_backward,
      (float *dx, float *dw, const float *dy, const struct infer_rmsnorm *n,
       struct pk_err *err),
      (dx, dw, dy, n, err))

TIMED_KIND(KIND_ELEMENTS, infer_swiglu,
           (struct infer_values act, const float *gate, const float *up,
            size_t n),
           (act, gate, up, n))
TIMED_KIND(KIND_ELEMENTS, infer_swiglu_backward,
           (const struct infer_swiglu_grad *s, size_t n), (s, n))
TIMED_KIND(KIND_ELEMENTS, infer_rope,
           (struct infer_values y, const float *x, size_t rows,
            const struct infer_rope *r),
           (y, x, rows, r))
TIMED_KIND(KIND_ELEMENTS, infer_copy, (float *y, const float *x, size_t n),
           (y, x, n))
TIMED_KIND(KIND_ELEMENTS, infer_gather,
           (void *y, const void *x, const size_t *index, size_t base,
            size_t rows, size_t bytes),
           (y, x, index, base, rows, bytes))
TIMED_KIND(KIND_ELEMENTS, infer_scatter_add,
           (float *x, const float *y, const size_t *index, size_t rows,
            size_t c),
           (x, y, index, rows, c))

TIMED(KIND_ADAPTERS, int, infer_adapter_forward,
      (struct infer_lora_work * k, float *y, const struct infer_adapter *a,
       struct infer_input in, struct pk_err *err),
      (k, y, a, in, err))
TIMED(KIND_ADAPTERS, int, infer_adapter_backward_w,
      (struct infer_lora_work * k, const struct infer_adapter *da,
       const struct infer_adapter *a, const float *dy, struct infer_input in,
       struct pk_err *err),
      (k, da, a, dy, in, err))
TIMED(KIND_ADAPTERS, int, infer_adapter_backward_x,
      (struct infer_lora_work * k, float *dx, const struct infer_adapter *a,
       const float *dy, struct infer_input in, struct pk_err *err),
      (k, dx, a, dy, in, err))

TIMED(KIND_OPTIMIZER, int, rm_norm,
      (const float *x, size_t n, double *out, struct pk_err *err),
      (x, n, out, err))
TIMED_KIND(KIND_OPTIMIZER, rm_adamw_update,
           (struct rm_adamw * a, struct infer_params *p, struct infer_params *g,
            double norm, double lr),
           (a, p, g, norm, lr))

TIMED(KIND_READING, int, rm_fill,
      (struct rm_trainer * t, const int64_t *pair, size_t n,
       struct pk_err *err),
      (t, pair, n, err))
/* NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses) */
