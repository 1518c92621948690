/* GGUF files from strangers: what loads obeys the config's rules. */
#include "infer/config.h"
#include "infer/gguf.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf *g;
    struct infer_config c;
    struct infer_params *p = NULL;
    char path[32], dir[] = "/tmp/prefkit-gguf-XXXXXX", rm[64];
    int fd = memfile(data, size, path);
    int rc = gguf_open(&g, path, NULL);
    close(fd);
    if (rc < 0)
        return 0;
    if (gguf_load(g, &c, &p, NULL) == 0 && infer_config_check(&c, NULL) < 0)
        abort();
    infer_params_free(p);
    if (mkdtemp(dir)) {
        rc = gguf_write_tokenizer(g, dir, NULL);
        static const char *const names[] = {"tokenizer.model", "tokenizer.json",
                                            "tokenizer_config.json"};
        for (int i = 0; i < 3; i++) {
            snprintf(rm, sizeof rm, "%s/%s", dir, names[i]);
            unlink(rm);
        }
        rmdir(dir);
    }
    gguf_close(g);
    return 0;
}
