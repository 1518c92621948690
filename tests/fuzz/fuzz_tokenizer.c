/* A tokenizer model from a stranger. What opens must encode any bytes and
 * decode what it gave, and keep its ids inside its vocabulary. Seeds: the
 * models in tests/fixtures. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "infer/infer.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok)
{
    if (!ok)
        abort();
}

static void use(const struct infer_tokenizer *t, const char *text, size_t len)
{
    struct infer_ids ids = {0};
    char *back;
    size_t back_len;
    require(infer_tokenizer_encode(t, text, len, &ids, NULL) == 0);
    for (size_t i = 0; i < ids.len; i++)
        require(ids.id[i] >= 0 && (size_t)ids.id[i] < infer_tokenizer_vocab(t));
    require(infer_tokenizer_decode(t, ids.id, ids.len, &back, &back_len,
                                   NULL) == 0);
    free(back);
    infer_ids_release(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infer_tokenizer *t;
    char path[32];
    int fd = memfile(data, size, path);
    if (infer_tokenizer_open(&t, path, NULL) == 0) {
        static const char text[] =
            "  The kettle\xFF \xE2\x96\x81 in\0 the hall";
        use(t, text, sizeof text - 1);
        use(t, (const char *)data, size);
        infer_tokenizer_close(t);
    }
    close(fd);
    return 0;
}
