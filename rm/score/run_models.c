/* The models that eval takes; see run_models.h. */
#include "rm/score/run_models.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/path.h"
#include "rm/data/checkpoints.h"
#include "rm/report/report.h"

/* Both strings are taken, also after a failure. */
static int add(struct rm_all_models *m, char *name, char *dir, size_t run,
               struct pk_err *err)
{
    struct rm_models *all = &m->models;
    size_t cap = all->cap;
    if (!name || !dir || !pk_grow(&m->run, &cap, all->n + 1, sizeof *m->run) ||
        !pk_grow(&all->model, &all->cap, all->n + 1, sizeof *all->model)) {
        free(name);
        free(dir);
        return pk_fail_mem(err, "a run's models");
    }
    m->run[all->n] = run;
    all->model[all->n++] = (struct rm_named){.name = name, .dir = dir};
    return 0;
}

/* ---- A run ---- */

struct found {
    struct rm_checkpoints way;
    char *folder;
    uint64_t kept; /* of OUTPUT; 0: it is not there yet */
    char run[65];  /* what all of them must be of */
};

static void release(struct found *f)
{
    free(f->way.step);
    free(f->folder);
}

/* What prefkit.json in the model's directory says of its run. */
static int read_run(const char *dir, char run[65], uint64_t *step,
                    struct pk_err *err)
{
    cJSON *j = NULL;
    char *path;
    const char *name = NULL;
    double kept = 0;
    int rc = pk_path(&path, dir, "prefkit.json", err);
    if (rc == 0)
        rc = pk_json_load(&j, path, (size_t)1 << 24, err);
    if (rc == 0)
        rc = pk_json_need_str(j, "run", &name, err);
    if (rc == 0)
        rc = pk_json_num(j, "kept_step", 0, &kept, err);
    if (rc == 0) {
        snprintf(run, 65, "%s", name);
        *step = kept >= 1 && kept < 1e15 ? (uint64_t)kept : 0;
    } else if (j) {
        pk_err_prefix(err, "%s: ", path);
    }
    cJSON_Delete(j);
    free(path);
    return rc;
}

static int check_way(struct found *f, size_t i, struct pk_err *err)
{
    char run[65];
    uint64_t step;
    char *dir = rm_checkpoint_dir(f->folder, f->way.step[i]);
    int rc = dir ? read_run(dir, run, &step, err) : pk_fail_mem(err, "a path");
    if (rc == 0 && !f->run[0])
        memcpy(f->run, run, sizeof run);
    if (rc == 0 && strcmp(f->run, run) != 0)
        rc = pk_fail(err, PK_EDATA, "%s is of another run than %s", dir,
                     f->kept ? "the model beside its folder"
                             : "those beside it");
    free(dir);
    return rc;
}

/* Nothing is found for this output: as it is the folder itself? */
static int say_none(const struct found *f, const char *output,
                    struct pk_err *err)
{
    static const char end[] = ".checkpoints";
    size_t n = strlen(output), tail = sizeof end - 1;
    if (n > tail && strcmp(output + n - tail, end) == 0)
        return pk_fail(err, PK_EIO,
                       "'%s' is the folder of a run's models: name its output, "
                       "'%.*s'",
                       output, (int)(n - tail), output);
    return pk_fail(err, PK_EIO,
                   "'%s' holds no models: `train --checkpoint-every' leaves "
                   "them there",
                   f->folder);
}

static int find(struct found *f, const char *output, struct pk_err *err)
{
    *f = (struct found){.folder = rm_beside(output, ".checkpoints")};
    if (!f->folder)
        return pk_fail_mem(err, "a path");
    int rc = rm_checkpoints_list(&f->way, f->folder, err);
    if (rc == 0 && f->way.n == 0)
        rc = say_none(f, output, err);
    if (rc == 0 && access(output, F_OK) == 0)
        rc = read_run(output, f->run, &f->kept, err);
    for (size_t i = 0; i < f->way.n && rc == 0; i++)
        rc = check_way(f, i, err);
    return rc;
}

/* ---- All of them ---- */

/* As NAME: the output, or the newest there is, whose step is then *kept. */
static int add_given(struct rm_all_models *m, const struct rm_named *run,
                     struct found *f, const struct pk_cli *cli,
                     struct pk_err *err)
{
    char *dir = NULL;
    if (f->kept) {
        dir = pk_strdup(run->dir);
    } else {
        f->kept = f->way.step[f->way.n - 1];
        dir = rm_checkpoint_dir(f->folder, f->kept);
        pk_note(cli, "%s is not there yet: %s is its run's model of step %llu",
                run->dir, run->name, (unsigned long long)f->kept);
    }
    return add(m, pk_strdup(run->name), dir, m->models.n, err);
}

static int add_way(struct rm_all_models *m, const char *name, size_t run,
                   const struct found *f, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->way.n && rc == 0; i++) {
        char *full;
        uint64_t step = f->way.step[i];
        if (step == f->kept)
            continue; /* the same weights */
        if (asprintf(&full, "%s@%llu", name, (unsigned long long)step) < 0)
            full = NULL;
        rc = add(m, full, rm_checkpoint_dir(f->folder, step), run, err);
    }
    return rc;
}

static int add_runs(struct rm_all_models *m, const struct rm_models *runs,
                    struct found *found, const struct pk_cli *cli,
                    struct pk_err *err)
{
    int rc = 0;
    size_t first = m->models.n;
    for (size_t i = 0; i < runs->n && rc == 0; i++) {
        rc = find(&found[i], runs->model[i].dir, err);
        if (rc == 0)
            rc = add_given(m, &runs->model[i], &found[i], cli, err);
    }
    m->n_given = m->models.n;
    for (size_t i = 0; i < runs->n && rc == 0; i++)
        rc = add_way(m, runs->model[i].name, first + i, &found[i], err);
    return rc;
}

int rm_models_all(struct rm_all_models *out, const struct rm_models *given,
                  const struct rm_models *runs, const struct pk_cli *cli,
                  struct pk_err *err)
{
    int rc = 0;
    *out = (struct rm_all_models){0};
    struct found *found = pk_calloc(runs->n + 1, sizeof *found);
    if (!found)
        return pk_fail_mem(err, "a run's models");
    for (size_t i = 0; i < given->n && rc == 0; i++)
        rc = add(out, pk_strdup(given->model[i].name),
                 pk_strdup(given->model[i].dir), RM_NO_RUN, err);
    if (rc == 0)
        rc = add_runs(out, runs, found, cli, err);
    for (size_t i = 0; i < runs->n; i++)
        release(&found[i]);
    free(found);
    if (rc)
        rm_all_models_release(out);
    return rc;
}

void rm_all_models_release(struct rm_all_models *m)
{
    rm_models_release(&m->models);
    free(m->run);
    *m = (struct rm_all_models){0};
}
