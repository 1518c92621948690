/* The fuzz targets without a fuzzer: each seed, each seed cut off anywhere, and
 * each seed with one byte changed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LLVMFuzzerTestOneInput fuzz_json
#include "tests/fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "tests/fuzz/fuzz_safetensors.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_config
#include "tests/fuzz/fuzz_config.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_adapter
#include "tests/fuzz/fuzz_adapter.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_gguf
#include "tests/fuzz/fuzz_gguf.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_json_tokenizer
#include "tests/fuzz/fuzz_json_tokenizer.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_serve
#include "tests/fuzz/fuzz_serve.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_input
#define check                  fuzz_input_check
#include "tests/fuzz/fuzz_input.c"
#undef check
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_reply
#include "tests/fuzz/fuzz_reply.c"
#undef LLVMFuzzerTestOneInput

#include "tests/support.h"

static const struct {
    const char *corpus;
    int (*target)(const uint8_t *, size_t);
} fuzzers[] = {{"tests/fuzz/corpus/json", fuzz_json},
               {"tests/fuzz/corpus/safetensors", fuzz_safetensors},
               {"tests/fuzz/corpus/config", fuzz_config},
               {"tests/fuzz/corpus/adapter", fuzz_adapter},
               {"tests/fuzz/corpus/gguf", fuzz_gguf},
               {"tests/fuzz/corpus/json_tokenizer", fuzz_json_tokenizer},
               {"tests/fuzz/corpus/input", fuzz_input},
               {"tests/fuzz/corpus/reply", fuzz_reply},
               {"tests/fuzz/corpus/serve", fuzz_serve}};
enum { FUZZERS = sizeof fuzzers / sizeof *fuzzers };

static void try_seed(int (*target)(const uint8_t *, size_t), uint8_t *seed,
                     size_t len)
{
    static const uint8_t other[] = {0, '"', '\\', '9', '-', ']', '{', 0xFF};
    for (size_t n = 0; n <= len; n++) {
        uint8_t *exact = malloc(n + !n); /* so that ASan sees its end */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, seed, n);
        target(exact, n);
        free(exact);
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t kept = seed[i];
        for (size_t k = 0; k < sizeof other; k++) {
            seed[i] = other[k];
            target(seed, len);
        }
        seed[i] = kept;
    }
}

/* _i is the fuzzer. */
START_TEST(seeds)
{
    DIR *d = opendir(fuzzers[_i].corpus);
    ck_assert_msg(d != NULL, "no %s", fuzzers[_i].corpus);
    const struct dirent *e;
    size_t found = 0;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        char path[512];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", fuzzers[_i].corpus, e->d_name);
        char *seed = read_file(path, &len);
        try_seed(fuzzers[_i].target, (uint8_t *)seed, len);
        free(seed);
        found++;
    }
    closedir(d);
    ck_assert_uint_ge(found, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fuzz_corpus");
    TCase *t = tcase_create("fuzz_corpus");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, seeds, 0, FUZZERS);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
