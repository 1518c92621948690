/* A run, before it begins; see announce.h. */
#include "rm/train/announce.h"

#include "common/buf.h"
#include "rm/train/schedule.h"

/* No more than this is computed in an epoch, and less where comparisons of one
 * dialogue meet in a forest. The log tells how it came out. */
static uint64_t most_tokens(const struct rm_run *run)
{
    uint64_t n = 0;
    if (run->recipe.objective == RM_REWARD)
        return run->train.unique;
    for (size_t i = 0; i < run->train.n; i++)
        n += run->train.pair[i].n_chosen - 1; /* the last is only a target */
    return n;
}

/* What of the store is trained on, before it is: a summary comes too late for a
 * wrong mix. */
static void say_pairs(const struct rm_run *run, const struct pk_cli *cli)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    for (size_t i = 0; i < run->mix.n && run->mix.n > 1; i++) {
        const struct rm_pool *p = &run->mix.pool[i];
        pk_buf_addf(&b, "%s%llu of %llu %s%s%s",
                    b.len ? ", " : "mix: ", (unsigned long long)p->drawn,
                    (unsigned long long)p->pairs,
                    prefdb_dimension_name(p->dimension), p->source ? ":" : "",
                    p->source ? p->source : "");
    }
    if (b.len)
        pk_note(cli, "%s", b.data);
    pk_buf_reset(&b);
    for (int r = 0; r < RM_N_REASONS; r++)
        if (run->train.left_out.n[r])
            pk_buf_addf(&b, "%s%llu %s", b.len ? ", " : "left out: ",
                        (unsigned long long)run->train.left_out.n[r],
                        rm_reason_words((enum rm_reason)r));
    if (b.len)
        pk_note(cli, "%s", b.data);
    pk_buf_release(&b);
}

/* A run that is all warm-up trains at a fraction of its rate. */
static void say_schedule(const struct rm_run *run, const struct pk_cli *cli)
{
    const struct rm_recipe *r = &run->recipe;
    size_t steps = rm_train_steps(r, run->train.n);
    const struct rm_schedule s = rm_schedule_make(r->lr, steps, r->warmup);
    if (s.steps < s.warmup)
        pk_warn(cli,
                "%zu step%s, and the rate rises over %zu: it reaches %.3g, "
                "never --lr %g; smaller --batch-pairs make more steps",
                s.steps, s.steps == 1 ? "" : "s", s.warmup,
                rm_schedule_at(&s, s.steps), r->lr);
}

void rm_train_announce(const struct rm_run *run, const struct pk_cli *cli)
{
    struct pk_buf first = PK_BUF_INIT(4096), more = PK_BUF_INIT(4096);
    rm_recipe_lines(&run->recipe, run->train.n, &first, &more);
    pk_note(cli, "%s%s", first.data ? first.data : "",
            more.data ? more.data : "");
    pk_buf_release(&first);
    pk_buf_release(&more);
    pk_note(cli,
            "%zu pairs, at most %llu of their %llu tokens computed an epoch, "
            "%d threads",
            run->train.n, (unsigned long long)most_tokens(run),
            (unsigned long long)run->train.flat, run->threads);
    say_pairs(run, cli);
    say_schedule(run, cli);
}
