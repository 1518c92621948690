/* The models that a run leaves on its way: names, what is refused, how many
 * pairs, how much disk. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/out.h"
#include "rm/data/checkpoints.h"
#include "rm/data/identity.h"
#include "rm/train/disk.h"
#include "rm/train/memory.h"
#include "tests/support.h"

static struct pk_err err;

static cJSON *parsed(const char *text)
{
    cJSON *j;
    ck_ok(pk_json_parse(&j, text, strlen(text), &err));
    return j;
}

START_TEST(names)
{
    static const char *const outputs[] = {"a/b", "a/b/", "a/b///"};
    for (int i = 0; i < 3; i++) {
        char *path = rm_beside(outputs[i], ".checkpoints");
        ck_assert_str_eq(path, "a/b.checkpoints");
        free(path);
    }
    char *root = rm_beside("/", "x");
    ck_assert_str_eq(root, "/x");
    free(root);
    char *dir = rm_checkpoint_dir("f", 12);
    ck_assert_str_eq(dir, "f/step-000012");
    free(dir);
    dir = rm_checkpoint_dir("f", 12345678);
    ck_assert_str_eq(dir, "f/step-12345678");
    free(dir);
}
END_TEST

/* What is not named as one of them is not one. */
START_TEST(listing)
{
    static const char *const others[] = {
        "step-000003.tmp.7", "step-", "step-3",       "step-0000003",
        "step-00000x",       "other", "step-1000000", "step-000000"};
    const char *folder = temp_path("list.checkpoints");
    struct rm_checkpoints c;
    ck_ok(rm_checkpoints_list(&c, folder, &err));
    ck_assert_uint_eq(c.n, 0);
    for (uint64_t step = 999999; step; step /= 10) {
        char *dir;
        ck_ok(rm_checkpoint_make_room(&dir, folder, step, &err));
        ck_assert_int_eq(mkdir(dir, 0777), 0);
        free(dir);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        ck_assert_int_eq(mkdir(path, 0777), 0);
    }
    ck_ok(rm_checkpoints_list(&c, folder, &err));
    ck_assert_uint_eq(c.n, 7);
    for (size_t i = 0; i < 6; i++)
        ck_assert(c.step[i] < c.step[i + 1]);
    ck_assert_uint_eq(c.step[0], 9);
    ck_assert_uint_eq(c.step[6], 1000000);
    free(c.step);
    write_file(temp_path("file"), "", 0);
    ck_assert_int_eq(rm_checkpoints_list(&c, temp_path("file"), &err), PK_EIO);
}
END_TEST

static void put_model(const char *folder, uint64_t step, const char *made_from)
{
    char *dir, path[300];
    ck_ok(rm_checkpoint_make_room(&dir, folder, step, &err));
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    snprintf(path, sizeof path, "%s/prefkit.json", dir);
    write_file(path, made_from, strlen(made_from));
    free(dir);
}

START_TEST(going_on)
{
    cJSON *id = parsed("{\"recipe\":{\"lr\":0.1,\"threads\":4},\"seed\":1}");
    const char *folder = temp_path("on.checkpoints");
    char half[300];
    ck_ok(rm_checkpoints_resume(folder, id, &err)); /* nothing is there */
    /* What came of a run, and where it ran, is no part of what it is. */
    put_model(folder, 5,
              "{\"recipe\":{\"lr\":0.1,\"threads\":1},\"seed\":1,\"run\":\"x\","
              "\"last_step\":{\"step\":5},\"kept_step\":5,"
              "\"pairs_trained\":40,\"stopped_early\":false,"
              "\"validation\":{\"loss\":1}}");
    snprintf(half, sizeof half, "%s/step-000010.tmp.99", folder);
    ck_assert_int_eq(mkdir(half, 0777), 0);
    ck_ok(rm_checkpoints_resume(folder, id, &err));
    ck_assert_int_ne(access(half, F_OK), 0);
    /* One that is written again takes the place of the old one. */
    put_model(folder, 5, "{\"recipe\":{\"lr\":0.1},\"seed\":1}");
    ck_ok(rm_checkpoints_resume(folder, id, &err));
    put_model(folder, 7, "{\"recipe\":{\"lr\":0.2},\"seed\":1}");
    ck_assert_int_eq(rm_checkpoints_resume(folder, id, &err), PK_EDATA);
    ck_assert_msg(strstr(err.text, "step-000007 is of another run: recipe.lr "
                                   "was 0.2, is 0.1") != NULL,
                  "%s", err.text);
    put_model(folder, 7, "{");
    ck_assert_int_eq(rm_checkpoints_resume(folder, id, &err), PK_EDATA);
    cJSON_Delete(id);
}
END_TEST

START_TEST(names_of_runs)
{
    static const char *const same[] = {
        "{\"base\":{\"path\":\"a\",\"kind\":1},\"recipe\":{\"lr\":0.1}}",
        "{\"base\":{\"path\":\"b\",\"kind\":1},\"recipe\":{\"threads\":3,"
        "\"lr\":0.1,\"ranks\":2,\"recompute\":true}}"};
    char name[3][65];
    for (int i = 0; i < 2; i++) {
        cJSON *id = parsed(same[i]);
        ck_assert_int_eq(rm_identity_name(id, name[i]), 0);
        cJSON_Delete(id);
    }
    ck_assert_str_eq(name[0], name[1]);
    cJSON *id = parsed("{\"base\":{\"kind\":1},\"recipe\":{\"lr\":0.2}}");
    ck_assert_int_eq(rm_identity_name(id, name[2]), 0);
    cJSON_Delete(id);
    ck_assert_str_ne(name[0], name[2]);
}
END_TEST

START_TEST(pairs)
{
    for (size_t n = 1; n < 20; n++) {
        for (size_t batch = 1; batch < 9; batch++) {
            uint64_t taken = 0;
            for (uint64_t step = 0; step < 50; step++) {
                ck_assert_uint_eq(rm_pairs_trained(n, batch, step), taken);
                size_t left = n - taken % n;
                taken += left < batch ? left : batch;
            }
        }
    }
    ck_assert_uint_eq(rm_pairs_trained(0, 8, 3), 0);
}
END_TEST

/* Ten steps of 8 of 80 pairs: where a model is due, and what lies there. */
START_TEST(disk)
{
    static const struct {
        size_t every, models;
        enum rm_keep keep;
    } runs[] = {
        {0, 0, RM_KEEP_LAST}, {1, 9, RM_KEEP_LAST},  {1, 10, RM_KEEP_LOSS},
        {4, 2, RM_KEEP_LAST}, {4, 3, RM_KEEP_LOSS},  {5, 1, RM_KEEP_LAST},
        {5, 2, RM_KEEP_LOSS}, {50, 0, RM_KEEP_LAST}, {50, 1, RM_KEEP_LOSS}};
    const struct infer_config c = {.dim = 16,
                                   .layers = 1,
                                   .heads = 2,
                                   .kv_heads = 2,
                                   .head_dim = 8,
                                   .hidden = 24,
                                   .vocab = 40,
                                   .head = INFER_HEAD_SCORE};
    size_t all = rm_parameters(&c);
    struct rm_run run = {.base = "nowhere",
                         .output = temp_path("out"),
                         .recipe = rm_recipe_default(RM_REWARD)};
    struct rm_disk d;
    run.checkpoints = temp_path("disk.checkpoints");
    run.train.n = 80;
    run.recipe.batch_pairs = 8;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        run.checkpoint_every = runs[i].every;
        run.recipe.keep = runs[i].keep;
        ck_ok(rm_disk_plan(&d, &run, &c, true, &err));
        ck_assert_uint_eq(d.n_checkpoints, runs[i].models);
        ck_assert_uint_eq(d.model, 4 * all);
        ck_assert_uint_eq(d.checkpoint, 4 * all);
        ck_assert_uint_eq(d.total,
                          d.model + d.state + d.n_checkpoints * d.checkpoint);
        ck_assert(d.available > 0 && d.available < UINT64_MAX);
    }
    put_model(run.checkpoints, 5, "{}");
    put_model(run.checkpoints, 6, "{}");
    run.checkpoint_every = 5;
    run.recipe.keep = RM_KEEP_LAST;
    ck_ok(rm_disk_plan(&d, &run, &c, true, &err));
    ck_assert_uint_eq(d.n_checkpoints, 0);
    run.recipe.keep = RM_KEEP_LOSS;
    ck_ok(rm_disk_plan(&d, &run, &c, true, &err));
    ck_assert_uint_eq(d.n_checkpoints, 1);
    run.recipe.lora = (struct infer_lora){.rank = 1, .alpha = 1};
    ck_ok(infer_lora_targets(&run.recipe.lora.targets, "all", &err));
    ck_ok(rm_disk_plan(&d, &run, &c, true, &err));
    size_t few = infer_lora_parameters(&c, &run.recipe.lora);
    ck_assert_uint_eq(d.checkpoint, 4 * few);
    ck_assert_uint_eq(d.model, 2 * all + 4 * few);
    ck_assert_uint_eq(d.state, 40 * few);
    run.output = "/no/such/folder/out";
    ck_ok(rm_disk_plan(&d, &run, &c, true, &err));
    ck_assert_uint_eq(d.available, UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_checkpoints");
    TCase *t = tcase_create("core");
    tcase_add_test(t, names);
    tcase_add_test(t, listing);
    tcase_add_test(t, going_on);
    tcase_add_test(t, names_of_runs);
    tcase_add_test(t, pairs);
    tcase_add_test(t, disk);
    suite_add_tcase(s, t);
    return run_suite(s);
}
