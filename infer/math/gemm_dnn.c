/* bf16 products through oneDNN; see gemm_dnn.h. */
#include "infer/math/gemm_dnn.h"

#ifdef PREFKIT_ONEDNN

#include <stdlib.h>

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>

#include "common/late.h"
#include "common/mem.h"

#define CALLS(F)                                                               \
    F(engine_create)                                                           \
    F(engine_destroy)                                                          \
    F(get_effective_cpu_isa)                                                   \
    F(matmul_desc_init)                                                        \
    F(memory_create)                                                           \
    F(memory_desc_init_by_tag)                                                 \
    F(memory_destroy)                                                          \
    F(post_ops_append_sum)                                                     \
    F(post_ops_create)                                                         \
    F(post_ops_destroy)                                                        \
    F(primitive_attr_create)                                                   \
    F(primitive_attr_destroy)                                                  \
    F(primitive_attr_set_post_ops)                                             \
    F(primitive_create)                                                        \
    F(primitive_desc_create)                                                   \
    F(primitive_desc_destroy)                                                  \
    F(primitive_destroy)                                                       \
    F(primitive_execute)                                                       \
    F(stream_create)                                                           \
    F(stream_destroy)                                                          \
    F(stream_wait)

struct calls {
#define CALL(name) __typeof__(dnnl_##name) *(name);
    CALLS(CALL)
#undef CALL
};

/* The file of the version whose headers these are. */
#define QUOTE(x) #x
#define TEXT(x)  QUOTE(x)
#define SONAME   "libdnnl.so." TEXT(DNNL_VERSION_MAJOR)

static struct calls dnnl; /* once load() has been called */

static int load(struct pk_err *err)
{
    static struct pk_late late = PK_LATE_INIT;
#define SYMBOL(name) "dnnl_" #name,
    static const char *const symbols[] = {CALLS(SYMBOL) NULL};
    return pk_late_load(&late, &dnnl, SONAME, symbols, err);
}

struct infer_dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

static bool has(unsigned isa)
{
    return !load(NULL) && ((unsigned)dnnl.get_effective_cpu_isa() & isa) == isa;
}

const char *infer_dnn_missing(void)
{
    return load(NULL) ? "oneDNN cannot be loaded"
           : has(dnnl_cpu_isa_avx512_core_bf16)
               ? NULL
               : "this processor has neither AMX nor avx512_bf16";
}

bool infer_dnn_rows_apart(void)
{
    return !has(dnnl_cpu_isa_avx512_core_amx);
}

static int check(dnnl_status_t s, const char *what, struct pk_err *err)
{
    if (s == dnnl_success)
        return 0;
    if (s == dnnl_out_of_memory)
        return pk_fail_mem(err, "a matrix product in bf16");
    return pk_fail(err, PK_EBUG, "oneDNN: status %d from %s", (int)s, what);
}

static int start(struct infer_dnn **out, struct pk_err *err)
{
    struct infer_dnn *d = *out = pk_calloc(1, sizeof *d);
    if (!d)
        return pk_fail_mem(err, "oneDNN");
    int rc = load(err);
    if (!rc)
        rc = check(dnnl.engine_create(&d->engine, dnnl_cpu, 0), "an engine",
                   err);
    if (!rc)
        rc = check(dnnl.stream_create(&d->stream, d->engine,
                                      dnnl_stream_default_flags),
                   "a stream", err);
    if (rc) {
        infer_dnn_free(d);
        *out = NULL;
    }
    return rc;
}

void infer_dnn_free(struct infer_dnn *d)
{
    if (!d)
        return;
    if (d->stream)
        dnnl.stream_destroy(d->stream);
    if (d->engine)
        dnnl.engine_destroy(d->engine);
    free(d);
}

/* The three operands: source, weights, destination. */
struct operands {
    dnnl_memory_desc_t desc[3];
    dnnl_exec_arg_t arg[3];
};

static int describe(struct operands *o, const struct infer_dnn_product *p,
                    struct pk_err *err)
{
    const size_t sizes[3][2] = {{p->m, p->k}, {p->k, p->n}, {p->m, p->n}};
    const bool transposed[3] = {p->a_t, p->b_t, false};
    int rc = 0;
    for (int i = 0; !rc && i < 3; i++) {
        const dnnl_dims_t dims = {(dnnl_dim_t)sizes[i][0],
                                  (dnnl_dim_t)sizes[i][1]};
        rc = check(dnnl.memory_desc_init_by_tag(
                       &o->desc[i], 2, dims, i < 2 ? dnnl_bf16 : dnnl_f32,
                       transposed[i] ? dnnl_ba : dnnl_ab),
                   "an operand", err);
    }
    return rc;
}

/* += is a sum with what is there already. */
static int describe_add(dnnl_primitive_attr_t *attr, struct pk_err *err)
{
    dnnl_post_ops_t ops = NULL;
    int rc = check(dnnl.primitive_attr_create(attr), "attributes", err);
    if (!rc)
        rc = check(dnnl.post_ops_create(&ops), "operations", err);
    if (!rc)
        rc = check(dnnl.post_ops_append_sum(ops, 1), "a sum", err);
    if (!rc)
        rc = check(dnnl.primitive_attr_set_post_ops(*attr, ops), "a sum", err);
    if (ops)
        dnnl.post_ops_destroy(ops);
    return rc;
}

static int new_primitive(dnnl_primitive_t *out, const struct infer_dnn *d,
                         const struct operands *o, bool add, struct pk_err *err)
{
    dnnl_matmul_desc_t desc;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int rc = add ? describe_add(&attr, err) : 0;
    if (!rc)
        rc = check(dnnl.matmul_desc_init(&desc, &o->desc[0], &o->desc[1], NULL,
                                         &o->desc[2]),
                   "a product", err);
    if (!rc)
        rc =
            check(dnnl.primitive_desc_create(&pd, &desc, attr, d->engine, NULL),
                  "a product", err);
    if (!rc)
        rc = check(dnnl.primitive_create(out, pd), "a primitive", err);
    if (pd)
        dnnl.primitive_desc_destroy(pd);
    if (attr)
        dnnl.primitive_attr_destroy(attr);
    return rc;
}

static int run(const struct infer_dnn *d, dnnl_primitive_t primitive,
               struct operands *o, void *const at[3], struct pk_err *err)
{
    static const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    int rc = 0;
    for (int i = 0; !rc && i < 3; i++) {
        o->arg[i].arg = names[i];
        rc = check(dnnl.memory_create(&o->arg[i].memory, &o->desc[i], d->engine,
                                      at[i]),
                   "an operand", err);
    }
    if (!rc)
        rc = check(dnnl.primitive_execute(primitive, d->stream, 3, o->arg),
                   "a product", err);
    if (!rc)
        rc = check(dnnl.stream_wait(d->stream), "a product", err);
    for (int i = 0; i < 3; i++)
        if (o->arg[i].memory)
            dnnl.memory_destroy(o->arg[i].memory);
    return rc;
}

int infer_dnn_multiply(struct infer_dnn **d, const struct infer_dnn_product *p,
                       float *c, const uint16_t *a, const uint16_t *b,
                       struct pk_err *err)
{
    struct operands o = {0};
    dnnl_primitive_t primitive = NULL;
    /* Neither source nor weights are written to. */
    void *const at[3] = {(void *)a, (void *)b, c};
    int rc = *d ? 0 : start(d, err);
    if (!rc)
        rc = describe(&o, p, err);
    if (!rc)
        rc = new_primitive(&primitive, *d, &o, p->add, err);
    if (!rc)
        rc = run(*d, primitive, &o, at, err);
    if (primitive)
        dnnl.primitive_destroy(primitive);
    return rc;
}

#else

const char *infer_dnn_missing(void)
{
    return "this program was built without oneDNN";
}

bool infer_dnn_rows_apart(void)
{
    return false;
}

void infer_dnn_free(struct infer_dnn *d)
{
    (void)d; /* there never is one */
}

int infer_dnn_multiply(struct infer_dnn **d, const struct infer_dnn_product *p,
                       float *c, const uint16_t *a, const uint16_t *b,
                       struct pk_err *err)
{
    (void)d, (void)p, (void)c, (void)a, (void)b;
    return pk_fail(err, PK_EBUG, "a bf16 product without oneDNN");
}

#endif
