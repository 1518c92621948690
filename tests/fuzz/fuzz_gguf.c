/* GGUF files from strangers: what loads obeys the config's rules. */
#include "infer/files/config.h"
#include "infer/files/gguf.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf *g;
    struct infer_config c;
    struct infer_params *p = NULL;
    char path[32];
    int fd = memfile(data, size, path);
    int rc = infer_gguf_open(&g, path, NULL);
    close(fd);
    if (rc < 0)
        return 0;
    if (infer_gguf_load(g, &c, &p, NULL) == 0 &&
        infer_config_check(&c, NULL) < 0)
        abort();
    infer_params_free(p);
    struct pk_buf tokenizer = PK_BUF_INIT(1 << 26);
    struct pk_buf settings = PK_BUF_INIT(1 << 26);
    bool spm;
    rc = infer_gguf_tokenizer(g, &spm, &tokenizer, &settings, NULL);
    if (rc > 0)
        abort();
    pk_buf_release(&tokenizer);
    pk_buf_release(&settings);
    infer_gguf_close(g);
    return 0;
}
