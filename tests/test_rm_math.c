/* The ranking loss, margins, the schedule, AdamW. */
#include <math.h>
#include <stdlib.h>

#include <omp.h>

#include "prefdb/prefdb.h"
#include "rm/data/loss.h"
#include "rm/train/adamw.h"
#include "rm/train/schedule.h"
#include "tests/support.h"

#define ck_near(a, b, tol)                                                     \
    do {                                                                       \
        double a_ = (a), b_ = (b);                                             \
        ck_assert_msg(fabs(a_ - b_) <= (tol), "%s = %.17g, not %.17g", #a, a_, \
                      b_);                                                     \
    } while (0)

START_TEST(loss_known_values)
{
    double slope;
    ck_near(rm_loss(0, 0, 0, &slope), log(2), 1e-16);
    ck_near(slope, -0.5, 0);
    ck_near(rm_loss(2, 0, 2, NULL), log(2), 1e-16);
    /* log(1 + e^-1), log(1 + e^3) */
    ck_near(rm_loss(1.5, 0.5, 0, NULL), 0.31326168751822286, 1e-15);
    ck_near(rm_loss(0, 1, 2, NULL), 3.0485873515737421, 1e-15);
}
END_TEST

START_TEST(loss_tails)
{
    double slope;
    ck_near(rm_loss(1000, 0, 0, &slope), 0, 0);
    ck_assert(slope <= 0 && slope >= -1e-300);
    ck_near(rm_loss(-1000, 0, 0, &slope), 1000, 0);
    ck_near(slope, -1, 0);
    ck_near(rm_loss(0, 1000, 3, &slope), 1003, 0);
    /* Where sigma rounds to 1, the loss is still e^-z, not 0. */
    ck_near(rm_loss(40, 0, 0, NULL) / exp(-40), 1, 1e-12);
    ck_assert(isnan(rm_loss((double)NAN, 0, 0, NULL)));
}
END_TEST

START_TEST(loss_slope)
{
    static const double z[] = {-30, -4, -0.7, -1e-3, 0, 1e-3, 0.7, 4, 12};
    const double h = 1e-5;
    for (size_t i = 0; i < sizeof z / sizeof z[0]; i++) {
        double slope;
        rm_loss(z[i], 0.25, 0.5, &slope);
        double up = rm_loss(z[i] + h, 0.25, 0.5, NULL);
        double down = rm_loss(z[i] - h, 0.25, 0.5, NULL);
        ck_near(slope, (up - down) / (2 * h), 1e-9);
        /* By the rejected score it is the opposite. */
        up = rm_loss(z[i], 0.25 + h, 0.5, NULL);
        down = rm_loss(z[i], 0.25 - h, 0.5, NULL);
        ck_near(-slope, (up - down) / (2 * h), 1e-9);
    }
}
END_TEST

START_TEST(grades)
{
    static const double small[] = {0, 1.0 / 3, 2.0 / 3, 1};
    static const double large[] = {0, 1, 2, 3};
    struct rm_grades none, s, l, own;
    char text[RM_GRADES_TEXT];
    ck_assert(rm_parse_margin("none", &none) && rm_parse_margin("small", &s));
    ck_assert(rm_parse_margin("large", &l));
    ck_assert(rm_parse_margin("1,0.66,0.33,-0.5", &own));
    for (int i = 0; i < 4; i++) {
        ck_near(rm_grade(&none, i), 0, 0);
        ck_near(rm_grade(&s, i), small[i], 0);
        ck_near(rm_grade(&l, i), large[i], 0);
    }
    ck_near(rm_grade(&own, 3), 1, 0);
    ck_near(rm_grade(&own, 0), -0.5, 0);
    ck_near(rm_grade(&l, PREFDB_UNSTATED), 0, 0);
    rm_margin_text(&l, text);
    ck_assert_str_eq(text, "large");
    rm_margin_text(&own, text);
    ck_assert_str_eq(text, "1,0.66,0.33,-0.5");
    static const char *const bad[] = {
        "Small", "", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,,3", "1,2,3,nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!rm_parse_margin(bad[i], &own), "%s", bad[i]);
    ck_assert(rm_parse_scale("strength", &own));
    ck_near(rm_grade(&own, 3), 3, 0);
    ck_near(rm_grade(&own, 0), 0.5, 0);
    ck_near(rm_grade(&own, PREFDB_UNSTATED), 1, 0);
    ck_assert(rm_parse_scale("none", &own));
    ck_near(rm_grade(&own, 2), 1, 0);
    rm_scale_text(&own, text);
    ck_assert_str_eq(text, "none");
    ck_assert(!rm_parse_scale("3,2,1,-1", &own));
}
END_TEST

/* Options and targets that use every part of the loss. */
static const struct {
    const char *margin, *scale;
    double smoothing, safety, center;
    struct rm_target target;
} losses[] = {
    {"none", "none", 0, 0, 0, {1, 2, -1, {-1, -1}}},
    {"large", "strength", 0, 0, 0, {1, 0, -1, {-1, -1}}},
    {"small", "none", 0.1, 0, 0, {1, 3, -1, {-1, -1}}},
    {"small", "strength", 0.1, 0, 0.01, {2.0 / 3, 2, 1, {-1, -1}}},
    {"none", "none", 0, 0.7, 0, {1, -1, -1, {1, 0}}},
    {"none", "none", 0, 0.7, 0.3, {0.5, 1, 1, {0.75, -1}}},
    {"3,1,0.5,-1", "1,2,3,4", 0.25, 1, 0.1, {0.8, 0, 3, {0, 0.5}}},
};

/* The same from the formula, with nothing shared. */
static double plain_loss(size_t i, double c, double r)
{
    struct rm_grades m, s;
    const struct rm_target *t = &losses[i].target;
    ck_assert(rm_parse_margin(losses[i].margin, &m));
    ck_assert(rm_parse_scale(losses[i].scale, &s));
    double e = losses[i].smoothing, q = (1 - e) * t->p + e * (1 - t->p);
    double up = t->strength < 0 ? 0 : m.of[t->strength];
    double down = t->against < 0 ? 0 : m.of[t->against];
    double scale = t->strength < 0 ? 1 : s.of[t->strength];
    double loss = scale * (q * log(1 + exp(-(c - r - up))) +
                           (1 - q) * log(1 + exp(-(r - c - down))));
    double score[] = {c, r};
    for (int k = 0; k < 2; k++) {
        double safe = t->safe[k], p = 1 / (1 + exp(-score[k]));
        if (safe >= 0)
            loss -= losses[i].safety / 2 *
                    (safe * log(p) + (1 - safe) * log(1 - p));
    }
    return loss + losses[i].center * (c + r) * (c + r);
}

START_TEST(pair_loss)
{
    static const double scores[][2] = {{0, 0}, {1.5, -0.25}, {-2, 3}, {4, 4}};
    const double h = 1e-5;
    struct rm_loss_opts o = {.smoothing = losses[_i].smoothing,
                             .safety = losses[_i].safety,
                             .center = losses[_i].center};
    const struct rm_target *t = &losses[_i].target;
    ck_assert(rm_parse_margin(losses[_i].margin, &o.margin));
    ck_assert(rm_parse_scale(losses[_i].scale, &o.scale));
    for (size_t k = 0; k < sizeof scores / sizeof scores[0]; k++) {
        double c = scores[k][0], r = scores[k][1];
        struct rm_pair_loss l = rm_pair_loss(&o, t, c, r);
        ck_near(l.total, plain_loss((size_t)_i, c, r), 1e-12);
        ck_near(l.ranking + l.safety + l.center, l.total, 1e-15);
        double up = rm_pair_loss(&o, t, c + h, r).total;
        double down = rm_pair_loss(&o, t, c - h, r).total;
        ck_near(l.slope[0], (up - down) / (2 * h), 1e-8);
        up = rm_pair_loss(&o, t, c, r + h).total;
        down = rm_pair_loss(&o, t, c, r - h).total;
        ck_near(l.slope[1], (up - down) / (2 * h), 1e-8);
    }
    ck_assert(isnan(rm_pair_loss(&o, t, (double)NAN, 0).total));
}
END_TEST

START_TEST(schedule)
{
    struct rm_schedule s = rm_schedule_make(1, 200, 0.03);
    ck_assert_uint_eq(s.warmup, 6);
    for (size_t i = 1; i <= 6; i++)
        ck_near(rm_schedule_at(&s, i), (double)i / 6, 1e-15);
    /* Half of the cosine: halfway between the maximum and its tenth. */
    ck_near(rm_schedule_at(&s, 6 + 97), 0.55, 1e-12);
    ck_near(rm_schedule_at(&s, 200), 0.1, 1e-15);
    for (size_t i = 7; i <= 200; i++)
        ck_assert(rm_schedule_at(&s, i) < rm_schedule_at(&s, i - 1));
}
END_TEST

START_TEST(schedule_short)
{
    struct rm_schedule s = rm_schedule_make(1e-5, 10, 0.03);
    ck_assert_uint_eq(s.warmup, 5);
    static const double part[] = {.2, .4, .6, .8, 1};
    for (size_t i = 0; i < 5; i++)
        ck_near(rm_schedule_at(&s, i + 1), part[i] * 1e-5, 1e-20);
    /* 0.1 + 0.9 (1 + cos(pi / 5)) / 2 */
    ck_near(rm_schedule_at(&s, 6), 0.91405764746872624e-5, 1e-18);
    /* Shorter than its warm-up. */
    s = rm_schedule_make(1, 3, 0.03);
    ck_near(rm_schedule_at(&s, 3), 0.6, 1e-15);
    s = rm_schedule_make(1, 100, 0.031);
    ck_assert_uint_eq(s.warmup, 5);
    s = rm_schedule_make(1, 1000, 0.0301);
    ck_assert_uint_eq(s.warmup, 31);
}
END_TEST

static const struct infer_config tiny = {.dim = 8,
                                         .layers = 2,
                                         .heads = 2,
                                         .kv_heads = 1,
                                         .head_dim = 4,
                                         .hidden = 12,
                                         .vocab = 20,
                                         .max_positions = 16,
                                         .norm_eps = 1e-5,
                                         .rope_theta = 10000,
                                         .eos = 2,
                                         .bos = 1,
                                         .head = INFER_HEAD_SCORE};

static const struct rm_adamw_opts paper = {
    .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-5, .decay = 0.1, .clip = 1};

/* A gradient that differs by element and step. */
static double gradient(size_t i, int step, double size)
{
    return size * sin((double)i * 0.7 + step * 1.3);
}

static void fill_gradient(struct infer_params *g, int step, double size)
{
    size_t count = infer_tensor_count(&tiny);
    for (size_t k = 0; k < count; k++) {
        struct infer_tensor t;
        infer_tensor_at(&tiny, k, &t);
        for (size_t i = t.offset; i < t.offset + t.rows * t.cols; i++)
            g->slab[i] = (float)gradient(i, step, size);
    }
}

/* AdamW in double, written from the paper's algorithm 2. */
static void reference(double *p, double *m, double *v,
                      const struct infer_params *g, double norm, int t,
                      double lr)
{
    double scale = norm > 1 ? 1 / norm : 1;
    size_t count = infer_tensor_count(&tiny);
    for (size_t k = 0; k < count; k++) {
        struct infer_tensor w;
        infer_tensor_at(&tiny, k, &w);
        for (size_t i = w.offset; i < w.offset + w.rows * w.cols; i++) {
            double d = (double)g->slab[i] * scale;
            m[i] = 0.9 * m[i] + 0.1 * d;
            v[i] = 0.95 * v[i] + 0.05 * d * d;
            double mh = m[i] / (1 - pow(0.9, t));
            double vh = v[i] / (1 - pow(0.95, t));
            if (w.decay)
                p[i] -= lr * 0.1 * p[i];
            p[i] -= lr * mh / (sqrt(vh) + 1e-5);
        }
    }
}

static void against_reference(double size)
{
    struct pk_err err;
    struct infer_params *p, *g;
    struct rm_adamw a;
    ck_ok(infer_params_new(&p, &tiny, &err));
    ck_ok(infer_params_new(&g, &tiny, &err));
    ck_ok(rm_adamw_init(&a, &paper, p, &err));
    infer_params_init(p, &tiny, 3);
    size_t n = p->n;
    double *ref = calloc(3 * n, sizeof *ref);
    ck_assert_ptr_nonnull(ref);
    for (size_t i = 0; i < n; i++)
        ref[i] = (double)p->slab[i];
    for (int t = 1; t <= 10; t++) {
        double norm, lr = 1e-2 * t, sum = 0;
        fill_gradient(g, t, size);
        for (size_t i = 0; i < n; i++)
            sum += (double)g->slab[i] * (double)g->slab[i];
        ck_ok(rm_norm(g->slab, n, &norm, &err));
        ck_near(norm, sqrt(sum), 1e-12 * norm);
        reference(ref, ref + n, ref + 2 * n, g, norm, t, lr);
        rm_adamw_update(&a, p, g, norm, lr);
        for (size_t i = 0; i < n; i++)
            ck_near((double)g->slab[i], (double)0, 0);
    }
    for (size_t i = 0; i < n; i++)
        ck_near((double)p->slab[i], ref[i], 1e-6 + 2e-6 * fabs(ref[i]));
    free(ref);
    rm_adamw_release(&a);
    infer_params_free(p);
    infer_params_free(g);
}

START_TEST(adamw_clipped)
{
    against_reference(1);
}
END_TEST

START_TEST(adamw_not_clipped)
{
    against_reference(1e-3);
}
END_TEST

START_TEST(decay_on_matrices_only)
{
    struct pk_err err;
    struct infer_params *p, *g;
    struct rm_adamw a;
    ck_ok(infer_params_new(&p, &tiny, &err));
    ck_ok(infer_params_new(&g, &tiny, &err));
    ck_ok(rm_adamw_init(&a, &paper, p, &err));
    for (size_t i = 0; i < p->n; i++)
        p->slab[i] = 1;
    rm_adamw_update(&a, p, g, 0, 0.5); /* no gradient: decay alone */
    ck_near((double)p->w.norm.f32[0], (double)1, 0);
    ck_near((double)p->w.layer[1].attn_norm.f32[3], (double)1, 0);
    ck_near((double)p->w.layer[1].wq.f32[3], (double)0.95F, 0);
    ck_near((double)p->w.embed.f32[7], (double)0.95F, 0);
    ck_near((double)p->w.head.f32[2], (double)0.95F, 0);
    rm_adamw_release(&a);
    infer_params_free(p);
    infer_params_free(g);
}
END_TEST

/* Three updates of a model that is several chunks, by so many threads. */
static struct infer_params *updated(int threads)
{
    struct pk_err err;
    struct infer_config c = tiny;
    struct infer_params *p, *g;
    struct rm_adamw a;
    c.vocab = 9000;
    omp_set_num_threads(threads);
    ck_ok(infer_params_new(&p, &c, &err));
    ck_ok(infer_params_new(&g, &c, &err));
    ck_ok(rm_adamw_init(&a, &paper, p, &err));
    infer_params_init(p, &c, 3);
    for (int t = 1; t <= 3; t++) {
        double norm;
        for (size_t i = 0; i < g->n; i++)
            g->slab[i] = (float)gradient(i, t, 1);
        ck_ok(rm_norm(g->slab, g->n, &norm, &err));
        rm_adamw_update(&a, p, g, norm, 1e-2);
    }
    rm_adamw_release(&a);
    infer_params_free(g);
    return p;
}

START_TEST(update_by_any_threads)
{
    struct infer_params *one = updated(1), *three = updated(3);
    ck_assert_uint_gt(one->n, 4 << 14);
    ck_assert_mem_eq(one->slab, three->slab, one->n * sizeof *one->slab);
    infer_params_free(one);
    infer_params_free(three);
}
END_TEST

START_TEST(norm_of_odd_sizes)
{
    struct pk_err err;
    static float x[40000];
    double norm;
    ck_ok(rm_norm(x, 0, &norm, &err));
    ck_near(norm, 0, 0);
    for (size_t i = 0; i < 40000; i++)
        x[i] = 3;
    ck_ok(rm_norm(x, 1, &norm, &err));
    ck_near(norm, 3, 0);
    ck_ok(rm_norm(x, 40000, &norm, &err));
    ck_near(norm, 600, 1e-10);
    x[39999] = INFINITY;
    ck_ok(rm_norm(x, 40000, &norm, &err));
    ck_assert(!isfinite(norm));
    x[39999] = NAN;
    ck_ok(rm_norm(x, 40000, &norm, &err));
    ck_assert(!isfinite(norm));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_math");
    TCase *loss = tcase_create("loss");
    tcase_add_test(loss, loss_known_values);
    tcase_add_test(loss, loss_tails);
    tcase_add_test(loss, loss_slope);
    tcase_add_test(loss, grades);
    tcase_add_loop_test(loss, pair_loss, 0, sizeof losses / sizeof losses[0]);
    suite_add_tcase(s, loss);
    TCase *steps = tcase_create("steps");
    tcase_set_timeout(steps, 60);
    tcase_add_test(steps, schedule);
    tcase_add_test(steps, schedule_short);
    tcase_add_test(steps, adamw_clipped);
    tcase_add_test(steps, adamw_not_clipped);
    tcase_add_test(steps, decay_on_matrices_only);
    tcase_add_test(steps, update_by_any_threads);
    tcase_add_test(steps, norm_of_odd_sizes);
    suite_add_tcase(s, steps);
    return run_suite(s);
}
