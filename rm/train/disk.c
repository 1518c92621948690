/* How much room on the disk a run will take; see disk.h. */
#include "rm/train/disk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/mem.h"
#include "common/path.h"
#include "rm/data/checkpoints.h"
#include "rm/train/memory.h"

/* What is copied from the base beside its weights. */
static uint64_t tokenizer_bytes(const char *base)
{
    static const char *const names[] = {"tokenizer.model", "tokenizer.json"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        char *path;
        if (pk_path(&path, base, names[i], NULL))
            continue;
        if (stat(path, &st) == 0)
            sum += (uint64_t)st.st_size;
        free(path);
    }
    return sum;
}

/* Of the steps with a model on the way (see session.c), those without one. */
static size_t still_to_come(const struct rm_run *run,
                            const struct rm_checkpoints *there)
{
    size_t every = run->checkpoint_every, n = 0, at = 0;
    size_t steps = rm_train_steps(&run->recipe, run->train.n);
    for (size_t step = every; every && step - every < steps; step += every) {
        size_t s = step < steps ? step : steps; /* the last is always one */
        if (s == steps && run->recipe.keep == RM_KEEP_LAST)
            break;
        while (at < there->n && there->step[at] < s)
            at++;
        n += at == there->n || there->step[at] != s;
    }
    return n;
}

static uint64_t available(const char *output)
{
    struct statvfs fs;
    char *parent = rm_beside(output, "");
    if (!parent)
        return UINT64_MAX;
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = 0;
    bool known = statvfs(slash ? parent : ".", &fs) == 0;
    free(parent);
    return known ? (uint64_t)fs.f_bavail * fs.f_frsize : UINT64_MAX;
}

int rm_disk_plan(struct rm_disk *d, const struct rm_run *run,
                 const struct infer_config *c, bool half, struct pk_err *err)
{
    const struct rm_recipe *r = &run->recipe;
    struct rm_checkpoints there;
    uint64_t all = rm_parameters(c), tokenizer = tokenizer_bytes(run->base);
    uint64_t trained = all;
    *d = (struct rm_disk){.available = available(run->output)};
    int rc = rm_checkpoints_list(&there, run->checkpoints, err);
    if (rc)
        return rc;
    d->n_checkpoints = still_to_come(run, &there);
    free(there.step);
    d->model = all * (half && r->lora.rank ? 2 : 4) + tokenizer;
    d->checkpoint = d->model;
    if (r->lora.rank) {
        trained = infer_lora_parameters(c, &r->lora);
        d->checkpoint = trained * 4 + tokenizer;
        d->model += d->checkpoint;
    }
    /* Weights and two moments, or in the middle of a step the gradient too. */
    d->state = 8 * trained * sizeof(float);
    if (r->keep != RM_KEEP_LAST)
        d->state += 2 * trained * sizeof(float);
    d->total = d->model + d->n_checkpoints * d->checkpoint + d->state;
    return 0;
}
