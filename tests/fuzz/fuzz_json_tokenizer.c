/* A tokenizer.json from a stranger. What opens must encode any bytes and decode
 * what it gave, and keep its ids inside its vocabulary. */
#include "infer/text/json_tokenizer.h"
#include "infer/text/tokenizer.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_json(int ok)
{
    if (!ok)
        abort();
}

static void use_json(const struct infer_tokenizer *t, const char *s, size_t n)
{
    struct infer_ids ids = {0};
    char *back;
    size_t len;
    require_json(infer_tokenizer_encode(t, s, n, &ids, NULL) == 0);
    for (size_t i = 0; i < ids.len; i++)
        require_json(ids.id[i] >= 0 &&
                     (size_t)ids.id[i] < infer_tokenizer_vocab(t));
    require_json(
        infer_tokenizer_decode(t, ids.id, ids.len, &back, &len, NULL) == 0);
    free(back);
    infer_ids_release(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] =
        "  It's\r\n 1234 caf\xC3\xA9 \xE2\x96\x81\xFF!\0 ab";
    struct infer_tokenizer t = {.bos = -1, .eos = -1};
    char path[32];
    int fd = memfile(data, size, path);
    if (infer_json_tokenizer_open(&t, path, NULL) == 0) {
        use_json(&t, text, sizeof text - 1);
        use_json(&t, (const char *)data, size);
        t.kind->close(t.self);
    }
    close(fd);
    return 0;
}
