/* A training run, told to people; see run.h. */
#include "rm/train/run.h"

#include <stdlib.h>
#include <string.h>

void rm_run_release(struct rm_run *r)
{
    rm_pairs_release(&r->train);
    rm_pairs_release(&r->valid);
    rm_record_release(&r->record);
    rm_mix_release(&r->mix);
    free(r->source);
    free(r->checkpoints);
}

const char *rm_strength_key(int i)
{
    return i == 4 ? "unstated" : prefdb_strength_name(i);
}

uint64_t rm_run_kept_step(const struct rm_run *r)
{
    return r->recipe.keep == RM_KEEP_LAST ? r->record.fixed.last.step
                                          : r->record.fixed.best_step;
}

/* "  12 WORDS", when there are any. */
static void put_count(FILE *f, uint64_t n, const char *words)
{
    if (n)
        fprintf(f, "  %llu %s\n", (unsigned long long)n, words);
}

static void put_pairs(FILE *f, const char *title, const struct rm_pairs *p)
{
    size_t sources = 0;
    fprintf(f, "%-11s%zu pairs of %llu judgments", title, p->n,
            (unsigned long long)p->judgments);
    for (size_t i = 0; i < p->n_sources && p->n_sources > 1; i++)
        if (p->source[i].pairs)
            fprintf(f, "%s%llu %s", sources++ ? ", " : ": ",
                    (unsigned long long)p->source[i].pairs,
                    p->source[i].name[0] ? p->source[i].name : "(no source)");
    fputs("\n", f);
    for (int i = 0; i < RM_N_REASONS; i++)
        if (p->left_out.n[i])
            fprintf(f, "  left out %llu: %s (the first is judgment j%lld)\n",
                    (unsigned long long)p->left_out.n[i],
                    rm_reason_words((enum rm_reason)i),
                    (long long)p->left_out.first[i]);
    put_count(f, p->no_majority, "left out: judgments without a majority");
    put_count(f, p->merged, "more judgments of the same comparisons");
    put_count(f, p->not_drawn, "pairs not drawn for the mix");
    put_count(f, p->cut, "responses do not end: read at their last token");
    put_count(f, p->shortened, "pairs lost their oldest exchanges to fit");
}

static void put_mix(FILE *f, const struct rm_mix *m)
{
    for (size_t i = 0; i < m->n && m->n > 1; i++) {
        const struct rm_pool *p = &m->pool[i];
        fprintf(f, "%-11s%llu of %llu %s%s%s%s\n", i ? "" : "mix",
                (unsigned long long)p->drawn, (unsigned long long)p->pairs,
                prefdb_dimension_name(p->dimension), p->source ? " from " : "",
                p->source ? p->source : "",
                p->short_of ? ": all there are, fewer than the mix asks for"
                            : "");
    }
}

static void put_accuracy(FILE *f, const struct rm_tally *t)
{
    double accuracy, low, high;
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "accuracy %.1f%% (95%%: %.1f to %.1f)", 100 * accuracy,
                100 * low, 100 * high);
    else
        fputs("nothing decided", f);
    uint64_t decided = t->wins + t->losses;
    fprintf(f, " on %llu pairs", (unsigned long long)decided);
    if (t->ties)
        fprintf(f, " and %llu ties, neither right nor wrong",
                (unsigned long long)t->ties);
}

static void put_validation(FILE *f, const struct rm_run *r)
{
    const struct rm_validation *v = &r->validation;
    double accuracy;
    put_pairs(f, "validation", &r->valid);
    if (!r->validated)
        return;
    if (r->recipe.objective == RM_LANGUAGE) {
        if (!rm_validation_accuracy(v, &accuracy))
            accuracy = 0;
        fprintf(f, "  loss %.4f a token, %.1f%% of %llu tokens right\n",
                v->loss, 100 * accuracy, (unsigned long long)v->targets);
        return;
    }
    fputs("  ", f);
    put_accuracy(f, &v->tally);
    fprintf(f, ", log loss %.4f\n", v->loss);
    for (int s = 3; s >= 0; s--) {
        if (rm_tally_n(&v->by_strength[s]) == 0)
            continue;
        fprintf(f, "    %-28s", prefdb_strength_name(s));
        put_accuracy(f, &v->by_strength[s]);
        fputs("\n", f);
    }
    fprintf(f, "  scores: mean %.3f, standard deviation %.3f\n", v->mean,
            v->sd);
}

static void put_recipe(FILE *f, const struct rm_run *r)
{
    struct pk_buf first = PK_BUF_INIT(4096), more = PK_BUF_INIT(4096);
    rm_recipe_lines(&r->recipe, r->train.n, &first, &more);
    fprintf(f, "%-11s%s\n", "recipe", first.data ? first.data : "");
    if (more.len > 2)
        fprintf(f, "%-11s%s\n", "", more.data + 2);
    pk_buf_release(&first);
    pk_buf_release(&more);
}

void rm_run_text(const struct rm_run *r, FILE *f)
{
    char margin[RM_GRADES_TEXT], scale[RM_GRADES_TEXT];
    const struct rm_record_fixed *x = &r->record.fixed;
    bool lm = r->recipe.objective == RM_LANGUAGE;
    rm_margin_text(&r->recipe.loss.margin, margin);
    rm_scale_text(&r->recipe.loss.scale, scale);
    bool graded = strcmp(margin, "none") != 0 || strcmp(scale, "none") != 0;
    fprintf(f, "%-11s%s %s model in %s\n", "trained",
            prefdb_dimension_name(r->dimension), lm ? "language" : "reward",
            r->output);
    fprintf(f, "%-11s%s\n", "", r->fingerprint);
    fprintf(f, "%-11s%s, a %s\n", "from", r->base,
            r->base_is_lm ? "language model" : "reward model");
    put_pairs(f, "on", &r->train);
    if (!lm && r->train.unstated && graded)
        fprintf(f, "  %llu pairs do not state a strength: margin 0, scale 1\n",
                (unsigned long long)r->train.unstated);
    put_mix(f, &r->mix);
    put_recipe(f, r);
    if (r->resumed)
        fprintf(f, "%-11sstep %llu\n", "resumed at",
                (unsigned long long)r->resumed);
    fprintf(f, "%-11s%.4f at the first step, %.4f at the last; %.1f s\n",
            "loss", x->first.loss, x->last.loss, r->seconds);
    if (x->stopped || r->recipe.keep != RM_KEEP_LAST)
        fprintf(f, "%-11sstep %llu of %zu%s\n", "kept",
                (unsigned long long)rm_run_kept_step(r), x->last.steps,
                x->stopped ? ", stopped early" : "");
    if (r->checkpoint_every)
        fprintf(f, "%-11s%zu models in %s\n", "on the way", r->n_checkpoints,
                r->checkpoints);
    if (r->valid.judgments)
        put_validation(f, r);
}
