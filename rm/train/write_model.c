/* A model's directory; see write_model.h. */
#include "rm/train/write_model.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "common/out.h"
#include "common/path.h"
#include "rm/data/checkpoints.h"

/* Merged into bf16, adapters are not what the steps computed. */
static bool is_rounded(const struct infer_params *p)
{
    return p->lora.rank && p->w.layer[0].wq.bf16;
}

static int save_weights(const struct rm_run *run, const struct infer_config *c,
                        struct infer_params *p, const char *dir,
                        struct pk_err *err)
{
    return infer_model_save(
        dir, c, &p->w, is_rounded(p) ? INFER_BF16 : INFER_F32, run->base, err);
}

static int save_adapter_in(const struct rm_run *run,
                           const struct infer_config *c, struct infer_params *p,
                           const char *dir, struct pk_err *err)
{
    char *path;
    int rc = pk_path(&path, dir, "adapter", err);
    if (rc == 0 && mkdir(path, 0777) != 0)
        rc = pk_fail_errno(err, "cannot create '%s'", path);
    if (rc == 0)
        rc = infer_lora_save(path, c, p, run->base, err);
    if (rc == 0)
        rc = pk_json_save_in(path, "prefkit.json", rm_run_provenance_kept(run),
                             err);
    free(path);
    return rc;
}

/* From here on the run's validation is that of the model in `dir`. */
static int validate_saved(struct rm_run *run, const char *dir,
                          struct pk_err *err)
{
    struct infer_model *m;
    const struct infer_open how = {.precision = run->recipe.precision};
    int rc = infer_model_open_as(&m, dir, &how, err);
    if (rc)
        return rc;
    rc = rm_validate(infer_model_weights(m), infer_model_config(m), &run->valid,
                     &run->recipe, &run->validation, err);
    infer_model_close(m);
    return rc;
}

/* Read back what is in the folder, and only then put it in its place. */
static int commit(struct rm_run *run, struct pk_outdir **out, int rc,
                  struct pk_err *err)
{
    struct infer_model *back = NULL;
    if (rc == 0)
        rc = infer_model_open(&back, pk_outdir_path(*out), err);
    if (rc == 0)
        rc = infer_model_fingerprint(back, run->fingerprint, err);
    infer_model_close(back);
    if (rc == 0)
        rc = pk_outdir_commit(out, err);
    pk_outdir_abort(out);
    return rc;
}

int rm_write_model(struct rm_run *run, const struct infer_config *c,
                   struct infer_params *p, const char *path, struct pk_err *err)
{
    struct pk_outdir *out;
    int rc = pk_outdir_open(&out, path, err);
    if (rc)
        return rc;
    const char *dir = pk_outdir_path(out);
    rc = save_weights(run, c, p, dir, err);
    if (rc == 0 && p->lora.rank)
        rc = save_adapter_in(run, c, p, dir, err);
    if (rc == 0 && run->validated && is_rounded(p))
        rc = validate_saved(run, dir, err);
    if (rc == 0)
        rc = pk_json_save_in(dir, "prefkit.json", rm_run_provenance_kept(run),
                             err);
    return commit(run, &out, rc, err);
}

int rm_write_checkpoint(struct rm_run *run, const struct infer_config *c,
                        struct infer_params *p, const struct rm_validation *v,
                        struct pk_err *err)
{
    struct pk_outdir *out;
    char *path;
    uint64_t step = run->record.fixed.last.step;
    int rc = rm_checkpoint_make_room(&path, run->checkpoints, step, err);
    if (rc == 0)
        rc = pk_outdir_open(&out, path, err);
    free(path);
    if (rc)
        return rc;
    const char *dir = pk_outdir_path(out);
    rc = p->lora.rank ? infer_lora_save(dir, c, p, run->base, err)
                      : save_weights(run, c, p, dir, err);
    if (rc == 0)
        rc = pk_json_save_in(dir, "prefkit.json",
                             rm_run_provenance(run, step, v), err);
    return commit(run, &out, rc, err);
}
