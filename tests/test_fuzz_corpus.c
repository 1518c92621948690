/* The fuzz targets without a fuzzer: each seed, and where it is quick each seed
 * cut off anywhere and with one byte changed. */
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

#define LLVMFuzzerTestOneInput fuzz_import
#include "tests/fuzz/fuzz_import.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_rows
#include "tests/fuzz/fuzz_rows.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_store
#include "tests/fuzz/fuzz_store.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tokenizer
#define require                fuzz_tokenizer_require
#define use                    fuzz_tokenizer_use
#include "tests/fuzz/fuzz_tokenizer.c"
#undef use
#undef require
#undef LLVMFuzzerTestOneInput

#include "tests/support.h"

static const struct {
    const char *corpus;
    int (*target)(const uint8_t *, size_t);
    bool whole; /* the seeds alone: it takes long */
} fuzzers[] = {{"tests/fuzz/corpus/json", fuzz_json, false},
               {"tests/fuzz/corpus/safetensors", fuzz_safetensors, false},
               {"tests/fuzz/corpus/config", fuzz_config, false},
               {"tests/fuzz/corpus/adapter", fuzz_adapter, false},
               {"tests/fuzz/corpus/gguf", fuzz_gguf, false},
               {"tests/fuzz/corpus/json_tokenizer", fuzz_json_tokenizer, false},
               {"tests/fuzz/corpus/input", fuzz_input, false},
               {"tests/fuzz/corpus/reply", fuzz_reply, false},
               {"tests/fuzz/corpus/serve", fuzz_serve, false},
               {"tests/fuzz/corpus/rows", fuzz_rows, false},
               {"tests/fuzz/corpus/import", fuzz_import, true},
               {"tests/fuzz/corpus/store", fuzz_store, true},
               {"tests/fixtures/tokenizer", fuzz_tokenizer, true}};
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
        if (fuzzers[_i].whole)
            fuzzers[_i].target((uint8_t *)seed, len);
        else
            try_seed(fuzzers[_i].target, (uint8_t *)seed, len);
        free(seed);
        found++;
    }
    closedir(d);
    ck_assert_uint_ge(found, fuzzers[_i].target == fuzz_tokenizer ||
                                     fuzzers[_i].target == fuzz_store
                                 ? 1
                                 : 2);
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
