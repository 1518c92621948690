/* The training loop on made-up pairs: gradients, stopping and going on, votes,
 * mixes, memory. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/rng.h"
#include "rm/train/memory.h"
#include "rm/train/run.h"
#include "tests/support.h"

static struct pk_err err;

static struct infer_config tiny(enum infer_head head)
{
    return (struct infer_config){.dim = 16,
                                 .layers = 2,
                                 .heads = 2,
                                 .kv_heads = 1,
                                 .head_dim = 8,
                                 .hidden = 24,
                                 .vocab = 40,
                                 .max_positions = 64,
                                 .norm_eps = 1e-5,
                                 .rope_theta = 10000,
                                 .bos = 1,
                                 .eos = 2,
                                 .head = head};
}

static void put_path(struct rm_pairs *p, struct pk_rng *r, int prompt, size_t n)
{
    for (int i = 0; i < 6; i++)
        ck_ok(infer_ids_add(&p->ids, 3 + (prompt * 7 + i * 5) % 37, &err));
    for (size_t i = 0; i < n; i++)
        ck_ok(infer_ids_add(&p->ids, (int32_t)(3 + pk_rng_below(r, 37)), &err));
    ck_ok(infer_ids_add(&p->ids, 2, &err));
}

/* n pairs over a few prompts, each a judgment of its own comparison. */
static void make_pairs(struct rm_pairs *p, size_t n)
{
    struct pk_rng r;
    pk_rng_seed(&r, 11, 0);
    *p = (struct rm_pairs){0};
    ck_assert(pk_grow(&p->source, &p->cap_sources, 2, sizeof *p->source));
    p->source[0] = (struct rm_source_count){.name = pk_strdup("one")};
    p->source[1] = (struct rm_source_count){.name = pk_strdup("two")};
    p->n_sources = 2;
    ck_assert(pk_grow(&p->pair, &p->cap, n, sizeof *p->pair));
    for (size_t i = 0; i < n; i++) {
        struct rm_pair x = {.judgment = (int64_t)i + 1,
                            .comparison = (int64_t)i,
                            .dialogue = i % 5 * 1000003,
                            .dimension =
                                i % 3 ? PREFDB_HELPFULNESS : PREFDB_SAFETY,
                            .source = i % 2,
                            .chosen = p->ids.len,
                            .answer = 6,
                            .a = true,
                            .target = {1, (int)(i % 4), -1, {1, 0}}};
        put_path(p, &r, (int)(i % 5), 1 + pk_rng_below(&r, 6));
        x.rejected = p->ids.len;
        put_path(p, &r, (int)(i % 5), 1 + pk_rng_below(&r, 6));
        x.n_chosen = x.rejected - x.chosen;
        x.n_rejected = p->ids.len - x.rejected;
        x.unique = x.n_chosen + x.n_rejected -
                   rm_shared(p->ids.id + x.chosen, x.n_chosen,
                             p->ids.id + x.rejected, x.n_rejected);
        p->pair[p->n++] = x;
    }
    rm_pairs_count(p);
}

static struct rm_recipe recipe(enum rm_objective o)
{
    struct rm_recipe r = rm_recipe_default(o);
    r.lr = 1e-2;
    r.epochs = 2;
    r.batch_pairs = 8;
    r.micro_tokens = 40;
    r.loss.safety = 0.5;
    r.loss.center = 0.01;
    ck_assert(rm_parse_margin("small", &r.loss.margin));
    return r;
}

struct rig {
    struct infer_config c;
    struct infer_params *p;
    struct rm_trainer t;
    struct rm_record record;
};

static void open_rig(struct rig *g, const struct rm_pairs *pairs,
                     const struct rm_recipe *r)
{
    *g = (struct rig){.c = tiny(r->objective == RM_REWARD ? INFER_HEAD_SCORE
                                                          : INFER_HEAD_LM)};
    ck_ok(infer_params_new(&g->p, &g->c, &err));
    infer_params_init(g->p, &g->c, 5);
    ck_ok(rm_trainer_init(&g->t, g->p, &g->c, pairs, r, &err));
}

static void close_rig(struct rig *g)
{
    rm_trainer_release(&g->t);
    rm_record_release(&g->record);
    infer_params_free(g->p);
}

/* Micro-batches, at most n of them; how many there were. */
static size_t advance(struct rig *g, size_t n)
{
    struct rm_step s;
    size_t k = 0;
    for (; k < n && !rm_trainer_done(&g->t); k++) {
        ck_ok(rm_trainer_advance(&g->t, &s, &err));
        if (s.step) {
            struct rm_point p = {.step = (double)s.step, .loss = s.loss};
            ck_ok(rm_record_add(&g->record, &p, &err));
            g->record.fixed.last = s;
        }
    }
    return k;
}

static cJSON *identity(double lr)
{
    cJSON *o = cJSON_CreateObject(), *r = cJSON_AddObjectToObject(o, "recipe");
    cJSON_AddStringToObject(o, "path", lr > 0.01 ? "here" : "there");
    cJSON_AddNumberToObject(r, "lr", lr);
    return o;
}

/* Stopped after any number of micro-batches, inside a step or between two, and
 * gone on from the file by a new trainer: the same weights, the same record. */
/* The pairs of a dialogue one after another, in their order, each once; and
 * another order of dialogues for another stream. */
START_TEST(order_by_dialogue)
{
    enum { N = 23, DIALOGUES = 5 };
    struct rm_pairs pairs;
    struct rm_order o, other;
    make_pairs(&pairs, N);
    ck_ok(rm_order_init(&o, &pairs, &err));
    ck_ok(rm_order_init(&other, &pairs, &err));
    ck_assert_uint_eq(o.dialogues, DIALOGUES);
    rm_order_draw(&o, 7, 1000);
    size_t changes = 0;
    bool seen[N] = {false};
    for (size_t i = 0; i < N; i++) {
        int64_t at = o.pair[i];
        ck_assert(at >= 0 && at < N && !seen[at]);
        seen[at] = true;
        if (i && at % DIALOGUES == o.pair[i - 1] % DIALOGUES)
            ck_assert_int_gt(at, o.pair[i - 1]);
        else
            changes++;
    }
    ck_assert_uint_eq(changes, DIALOGUES);
    rm_order_draw(&other, 7, 1001);
    ck_assert(memcmp(o.pair, other.pair, N * sizeof *o.pair) != 0);
    rm_order_release(&o);
    rm_order_release(&other);
    rm_pairs_release(&pairs);
}
END_TEST

START_TEST(order_of_single_pairs)
{
    enum { N = 23 };
    struct rm_pairs pairs;
    struct rm_order o;
    struct pk_rng rng;
    int64_t shuffled[N];
    make_pairs(&pairs, N);
    for (size_t i = 0; i < N; i++) {
        pairs.pair[i].dialogue = N - i;
        shuffled[i] = (int64_t)i;
    }
    ck_ok(rm_order_init(&o, &pairs, &err));
    rm_order_draw(&o, 7, 1000);
    pk_rng_seed(&rng, 7, 1000);
    pk_rng_shuffle(&rng, shuffled, N);
    ck_assert_mem_eq(o.pair, shuffled, sizeof shuffled);
    rm_order_release(&o);
    rm_pairs_release(&pairs);
}
END_TEST

/* A step of one dialogue's pairs computes what they share once. */
START_TEST(dialogue_is_one_forest)
{
    struct rm_pairs pairs;
    struct rig g;
    struct rm_recipe r = recipe(RM_REWARD);
    struct rm_step s = {0};
    make_pairs(&pairs, 3);
    r.micro_tokens = 4096;
    size_t apart = pairs.unique, prompt = 6;
    for (size_t i = 1; i < 3; i++) { /* all to the first prompt */
        struct rm_pair *p = &pairs.pair[i];
        const int32_t *first = pairs.ids.id + pairs.pair[0].chosen;
        memcpy(pairs.ids.id + p->chosen, first, prompt * sizeof *first);
        memcpy(pairs.ids.id + p->rejected, first, prompt * sizeof *first);
    }
    open_rig(&g, &pairs, &r);
    ck_ok(rm_trainer_advance(&g.t, &s, &err));
    ck_assert_uint_eq(s.step, 1);
    ck_assert_uint_le(s.tokens, apart - 2 * prompt);
    close_rig(&g);
    rm_pairs_release(&pairs);
}
END_TEST

START_TEST(stop_and_go_on)
{
    struct rm_pairs pairs;
    struct rm_recipe r = recipe((enum rm_objective)_i);
    struct rig whole, part;
    cJSON *id = identity(0.01);
    const char *dir = temp_path("run.state");
    make_pairs(&pairs, 27);
    open_rig(&whole, &pairs, &r);
    size_t all = advance(&whole, SIZE_MAX), inside = 0;
    ck_assert_uint_eq(whole.t.steps, 8);
    ck_assert_uint_eq(whole.record.n, 8);
    ck_assert(all > whole.t.steps);
    for (size_t stop = 1; stop < all; stop += 3) {
        open_rig(&part, &pairs, &r);
        ck_assert_uint_eq(advance(&part, stop), stop);
        inside += part.t.cursor.at > 0;
        ck_ok(rm_state_save(dir, id, &part.t, &part.record, &err));
        advance(&part, 2); /* what is lost with the process */
        close_rig(&part);
        open_rig(&part, &pairs, &r);
        omp_set_num_threads(stop % 2 ? 1 : 2);
        ck_ok(rm_state_load(dir, id, &part.t, &part.record, &err));
        ck_assert_uint_eq(advance(&part, SIZE_MAX), all - stop);
        ck_assert(memcmp(part.p->slab, whole.p->slab,
                         whole.p->n * sizeof(float)) == 0);
        ck_assert_uint_eq(part.record.n, whole.record.n);
        for (size_t i = 0; i < whole.record.n; i++)
            ck_assert(part.record.point[i].loss == whole.record.point[i].loss);
        close_rig(&part);
    }
    ck_assert(inside > 0);
    ck_assert(rm_state_exists(dir));
    rm_state_remove(dir);
    ck_assert(!rm_state_exists(dir));
    cJSON_Delete(id);
    close_rig(&whole);
    rm_pairs_release(&pairs);
}
END_TEST

/* A state of another run, a damaged one, a short one. */
START_TEST(states_refused)
{
    struct rm_pairs pairs;
    struct rm_recipe r = recipe(RM_REWARD);
    struct rig g;
    cJSON *id = identity(0.01), *other = identity(0.02);
    const char *dir = temp_path("run.state");
    char *file = temp_path("run.state/state");
    size_t len;
    make_pairs(&pairs, 27);
    open_rig(&g, &pairs, &r);
    advance(&g, 3);
    ck_ok(rm_state_save(dir, id, &g.t, &g.record, &err));
    ck_assert_int_eq(rm_state_load(dir, other, &g.t, &g.record, &err),
                     PK_EDATA);
    ck_assert_msg(strstr(err.text, "recipe.lr was 0.01, is 0.02") != NULL, "%s",
                  err.text);
    char *bytes = read_file(file, &len);
    write_file(file, bytes, len - 5);
    ck_assert_int_eq(rm_state_load(dir, id, &g.t, &g.record, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "ends early; remove "));
    char *brace = memmem(bytes, len, "{\"", 2);
    *brace = '?';
    write_file(file, bytes, len);
    ck_assert_int_eq(rm_state_load(dir, id, &g.t, &g.record, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "is damaged or cut off; remove "));
    *brace = '{';
    bytes[len / 2] ^= 1;
    write_file(file, bytes, len);
    ck_assert_int_eq(rm_state_load(dir, id, &g.t, &g.record, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "checksum is wrong; remove "));
    bytes[0] = 'x';
    write_file(file, bytes, len);
    ck_assert_int_eq(rm_state_load(dir, id, &g.t, &g.record, &err), PK_EDATA);
    free(bytes);
    ck_ok(rm_best_save(dir, 3, g.p, &err));
    ck_ok(rm_best_load(dir, 3, g.p, &err));
    ck_assert_int_eq(rm_best_load(dir, 4, g.p, &err), PK_EDATA);
    rm_state_remove(dir);
    cJSON_Delete(id);
    cJSON_Delete(other);
    close_rig(&g);
    rm_pairs_release(&pairs);
}
END_TEST

/* The gradient of a whole batch, in one forest and in many, against finite
 * differences of the loss. */
START_TEST(gradient)
{
    struct rm_pairs pairs;
    struct rm_recipe r = recipe((enum rm_objective)_i);
    struct rm_step s;
    struct rig g;
    make_pairs(&pairs, 12);
    r.batch_pairs = 12;
    r.epochs = 1;
    r.adamw.clip = 0;
    double loss[2], norm[2];
    for (int k = 0; k < 2; k++) {
        r.micro_tokens = k ? 20 : 4096;
        open_rig(&g, &pairs, &r);
        do
            ck_ok(rm_trainer_advance(&g.t, &s, &err));
        while (s.step == 0);
        loss[k] = s.loss;
        norm[k] = s.grad_norm;
        if (k == 0)
            close_rig(&g);
    }
    ck_assert(fabs(loss[0] - loss[1]) < 1e-6 && loss[0] > 0);
    ck_assert(fabs(norm[0] - norm[1]) < 1e-5 * norm[0]);
    /* Along the gradient the loss changes by the norm. The update has cleared
     * it; a tenth of it is the first moment. */
    float *dir = g.t.adamw.m;
    size_t n = g.p->n;
    double side[2];
    for (int k = 0; k < 2; k++) {
        struct rig h;
        r.micro_tokens = 4096;
        open_rig(&h, &pairs, &r);
        double step = (k ? -1 : 1) * 2e-3 / norm[0];
        for (size_t i = 0; i < n; i++)
            h.p->slab[i] += (float)(step * 10 * (double)dir[i]);
        ck_ok(rm_trainer_advance(&h.t, &s, &err));
        side[k] = s.loss;
        close_rig(&h);
    }
    double slope = (side[0] - side[1]) / 4e-3;
    ck_assert_msg(fabs(slope - norm[0]) < 2e-3 * norm[0], "%g, not %g", slope,
                  norm[0]);
    close_rig(&g);
    rm_pairs_release(&pairs);
}
END_TEST

/* Judgments of one comparison lie apart in the store. What is said three times
 * over is no surer for that. */
START_TEST(validated_by_comparison)
{
    struct rm_pairs pairs;
    struct rm_recipe r = recipe(RM_REWARD);
    struct rm_validation v[2];
    struct rig g;
    enum { N = 20 };
    make_pairs(&pairs, N);
    open_rig(&g, &pairs, &r);
    ck_assert(pk_grow(&pairs.pair, &pairs.cap, 3 * N, sizeof *pairs.pair));
    for (int i = 0; i < N; i++)
        pairs.pair[i].comparison = i + 1;
    for (int k = 0; k < 2; k++) {
        ck_ok(rm_validate(&g.p->w, &g.c, &pairs, &r, &v[k], &err));
        for (; k == 0 && pairs.n < 3 * N; pairs.n++)
            pairs.pair[pairs.n] = pairs.pair[pairs.n - N];
    }
    for (int i = 0; i < 5; i++) {
        const struct rm_tally *one = i < 4 ? &v[0].by_strength[i] : &v[0].tally;
        const struct rm_tally *all = i < 4 ? &v[1].by_strength[i] : &v[1].tally;
        double accuracy[2], low[2], high[2];
        ck_assert(rm_tally_accuracy(one, &accuracy[0], &low[0], &high[0]));
        ck_assert(rm_tally_accuracy(all, &accuracy[1], &low[1], &high[1]));
        ck_assert_uint_eq(all->wins, 3 * one->wins);
        ck_assert_uint_eq(all->losses, 3 * one->losses);
        ck_assert(fabs(low[0] - low[1]) < 1e-12);
        ck_assert(fabs(high[0] - high[1]) < 1e-12);
    }
    ck_assert(v[0].tally.wins > 0 && v[0].tally.losses > 0);
    ck_assert(fabs(v[0].loss - v[1].loss) < 1e-12);
    close_rig(&g);
    rm_pairs_release(&pairs);
}
END_TEST

/* Four votes: three pairs for a, one for b. */
static void four_votes(struct rm_pairs *p)
{
    make_pairs(p, 6);
    for (size_t i = 0; i < 4; i++) {
        p->pair[i].dimension = PREFDB_SAFETY;
        p->pair[i].comparison = 77;
        p->pair[i].a = i != 1;
        p->pair[i].target.strength = i == 1 ? 3 : (int)i;
    }
    p->pair[4].comparison = p->pair[5].comparison = 78;
    p->pair[4].dimension = p->pair[5].dimension = PREFDB_SAFETY;
    p->pair[5].a = false;
}

START_TEST(votes)
{
    struct rm_pairs p;
    four_votes(&p);
    rm_votes_fold(&p, RM_EACH);
    ck_assert(p.n == 6 && p.merged == 0);
    rm_votes_fold(&p, RM_MAJORITY);
    ck_assert(p.n == 1 && p.merged == 3 && p.no_majority == 2);
    ck_assert(p.pair[0].a && p.pair[0].judgment == 1);
    ck_assert(p.pair[0].target.p == 1 && p.pair[0].target.strength == 2);
    ck_assert(p.pair[0].target.safe[0] == 1 && p.pair[0].target.safe[1] == 0);
    rm_pairs_release(&p);
    four_votes(&p);
    rm_votes_fold(&p, RM_SOFT);
    ck_assert(p.n == 2 && p.merged == 4 && p.no_majority == 0);
    ck_assert(p.pair[0].target.p == 0.75 && p.pair[0].target.against == 3);
    ck_assert(p.pair[0].target.safe[0] == 0.75);
    ck_assert(p.pair[1].target.p == 0.5);
    rm_pairs_release(&p);
    four_votes(&p);
    rm_votes_fold(&p, RM_LATEST);
    ck_assert(p.n == 2 && p.pair[0].judgment == 4 && p.pair[1].judgment == 6);
    rm_pairs_release(&p);
}
END_TEST

/* The annotator of the first judgment says otherwise in the last one; those of
 * the two in between are not named. */
START_TEST(one_vote_each)
{
    for (int how = RM_LATEST; how <= RM_SOFT; how++) {
        struct rm_pairs p;
        four_votes(&p);
        p.n = 4;
        p.pair[0].annotator = p.pair[3].annotator = 5;
        p.pair[3].a = false;
        rm_votes_fold(&p, (enum rm_judgments)how);
        ck_assert(p.n == 1 && p.merged == 3 && !p.pair[0].a);
        ck_assert_int_eq(p.pair[0].judgment, how == RM_LATEST ? 4 : 2);
        ck_assert(fabs(p.pair[0].target.p - (how == RM_SOFT ? 2.0 / 3 : 1)) <
                  1e-6);
        rm_pairs_release(&p);
    }
}
END_TEST

/* 30 pairs: 10 of safety (5 a source), 20 of helpfulness. */
static const struct {
    const char *mix;
    size_t drawn[2]; /* helpfulness, safety */
    bool short_of;
} mixes[] = {
    {"helpfulness=1", {20, 0}, false},
    {"helpfulness=1,safety=0.5", {20, 5}, false},
    {"safety=1,helpfulness=50%", {10, 10}, false},
    {"safety=1,helpfulness=10%", {1, 10}, false},
    {"helpfulness=1,safety=50%", {20, 10}, true},
    {"safety:one=1,helpfulness:two=0.1,safety=0.2", {1, 6}, false},
};

START_TEST(draws)
{
    struct rm_pairs p, again;
    struct rm_mix m, n;
    make_pairs(&p, 30);
    make_pairs(&again, 30);
    ck_ok(rm_mix_parse(&m, mixes[_i].mix, &err));
    ck_ok(rm_mix_parse(&n, mixes[_i].mix, &err));
    char *text = rm_mix_text(&m);
    ck_assert_str_eq(text, mixes[_i].mix);
    free(text);
    ck_ok(rm_mix_draw(&m, &p, 1, &err));
    ck_ok(rm_mix_draw(&n, &again, 1, &err));
    size_t drawn[2] = {0};
    for (size_t i = 0; i < p.n; i++) {
        drawn[p.pair[i].dimension]++;
        ck_assert(p.pair[i].judgment == again.pair[i].judgment);
        ck_assert(i == 0 || p.pair[i].judgment > p.pair[i - 1].judgment);
    }
    ck_assert_uint_eq(drawn[0], mixes[_i].drawn[0]);
    ck_assert_uint_eq(drawn[1], mixes[_i].drawn[1]);
    ck_assert_uint_eq(p.not_drawn, 30 - p.n);
    bool short_of = false;
    for (size_t i = 0; i < m.n; i++)
        short_of |= m.pool[i].short_of;
    ck_assert(short_of == mixes[_i].short_of);
    rm_mix_release(&m);
    rm_mix_release(&n);
    rm_pairs_release(&p);
    rm_pairs_release(&again);
}
END_TEST

START_TEST(bad_mixes)
{
    static const char *const bad[] = {
        "",           "safety",    "safety=2",
        "safety=-1",  "beauty=1",  "safety=1,safety=1",
        "safety=10%", "safety=1,", "safety=1,helpfulness=100%"};
    struct rm_mix m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(rm_mix_parse(&m, bad[i], &err) == PK_EUSAGE, "%s",
                      bad[i]);
}
END_TEST

START_TEST(memory)
{
    struct rm_pairs p;
    struct rm_recipe r = recipe(RM_REWARD);
    struct infer_config c = tiny(INFER_HEAD_SCORE);
    struct rm_memory m = {0};
    make_pairs(&p, 40);
    r.micro_tokens = 400;
    rm_memory_plan(&m, &c, &p, &r);
    ck_assert_uint_eq(m.tokens, 400);
    ck_assert(m.model >= 16 * rm_parameters(&c) && m.pass > 0);
    rm_memory_available(&m);
    ck_assert(m.available > 0);
    m.available = m.total;
    ck_ok(rm_memory_check(&m, &c, &r, &err));
    m.limit = "free memory";
    m.available = m.total - m.pass / 4;
    ck_assert_int_eq(rm_memory_check(&m, &c, &r, &err), PK_EMEM);
    const char *advice = strstr(err.text, "--micro-tokens ");
    ck_assert_msg(advice != NULL, "%s", err.text);
    /* What it advises does fit. */
    r.micro_tokens = strtoul(advice + 15, NULL, 10);
    size_t available = m.available;
    rm_memory_plan(&m, &c, &p, &r);
    m.available = available;
    ck_ok(rm_memory_check(&m, &c, &r, &err));
    /* The pass of the largest pair alone is too much, but not recomputed. */
    r.micro_tokens = 1;
    rm_memory_plan(&m, &c, &p, &r);
    available = m.total - 1;
    m.available = available;
    ck_assert_int_eq(rm_memory_check(&m, &c, &r, &err), PK_EMEM);
    ck_assert_msg(strstr(err.text, "; --recompute fits"), "%s", err.text);
    r.recompute = true;
    rm_memory_plan(&m, &c, &p, &r);
    m.available = available;
    ck_ok(rm_memory_check(&m, &c, &r, &err));
    r.recompute = false;
    m.available = m.model / 2;
    ck_assert_int_eq(rm_memory_check(&m, &c, &r, &err), PK_EMEM);
    ck_assert_ptr_nonnull(strstr(err.text, "no setting fits"));
    /* Of a model where the base is most of it, adapters fit. */
    c.vocab = 1 << 20;
    m.base = 2 * rm_parameters(&c);
    rm_memory_plan(&m, &c, &p, &r);
    m.available = m.model / 4;
    ck_assert_int_eq(rm_memory_check(&m, &c, &r, &err), PK_EMEM);
    ck_assert_msg(strstr(err.text, "--lora-rank 16"), "%s", err.text);
    r.lora.rank = 16;
    r.recompute = true;
    size_t left = m.available;
    rm_memory_plan(&m, &c, &p, &r);
    m.available = left;
    ck_ok(rm_memory_check(&m, &c, &r, &err));
    rm_pairs_release(&p);
}
END_TEST

START_TEST(recipes)
{
    struct rm_recipe r;
    enum prefdb_dimension d;
    const char *mix;
    ck_assert(rm_recipe_named("llama2-helpfulness", &r, &d, &mix));
    ck_assert(d == PREFDB_HELPFULNESS && r.loss.margin.of[3] == 1);
    ck_assert(r.batch_pairs == 512 && r.epochs == 1 && r.loss.safety == 0);
    ck_assert(rm_recipe_named("llama2-safety", &r, &d, &mix));
    ck_assert(d == PREFDB_SAFETY && r.loss.safety > 0);
    ck_assert_str_eq(mix, "safety=1,helpfulness=10%");
    ck_assert(!rm_recipe_named("llama3", &r, &d, &mix));
    ck_assert(rm_recipe_lr(7000000000) == 1e-5);
    ck_assert(rm_recipe_lr(69000000000) == 5e-6);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_train");
    TCase *loop = tcase_create("loop");
    tcase_set_timeout(loop, 120);
    tcase_add_test(loop, order_by_dialogue);
    tcase_add_test(loop, order_of_single_pairs);
    tcase_add_test(loop, dialogue_is_one_forest);
    tcase_add_loop_test(loop, stop_and_go_on, RM_REWARD, RM_LANGUAGE + 1);
    tcase_add_loop_test(loop, gradient, RM_REWARD, RM_LANGUAGE + 1);
    tcase_add_test(loop, states_refused);
    suite_add_tcase(s, loop);
    TCase *data = tcase_create("data");
    tcase_set_timeout(data, 60);
    tcase_add_test(data, validated_by_comparison);
    tcase_add_test(data, votes);
    tcase_add_test(data, one_vote_each);
    tcase_add_loop_test(data, draws, 0, sizeof mixes / sizeof mixes[0]);
    tcase_add_test(data, bad_mixes);
    tcase_add_test(data, memory);
    tcase_add_test(data, recipes);
    suite_add_tcase(s, data);
    return run_suite(s);
}
