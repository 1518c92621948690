/* config.json from strangers: what is accepted obeys the rules that the rest
 * of the core divides and allocates by. */
#include <math.h>

#include "infer/files/config.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_token(const struct infer_config *c, int32_t id)
{
    return id >= -1 && (id < 0 || (size_t)id < c->vocab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infer_config c;
    struct pk_err err;
    char path[32];
    int fd = memfile(data, size, path);
    int rc = infer_config_load(&c, path, INFER_READ_UNSAID, &err);
    close(fd);
    if (rc < 0) {
        if (err.code != rc || rc != PK_EDATA)
            abort();
        return 0;
    }
    if (!c.dim || !c.layers || !c.heads || !c.kv_heads || !c.head_dim ||
        !c.hidden || !c.vocab || !c.max_positions || c.head_dim % 2 ||
        c.heads % c.kv_heads)
        abort();
    if (!(c.norm_eps > 0) || !(c.rope_theta > 0) || !isfinite(c.norm_eps) ||
        !isfinite(c.rope_theta))
        abort();
    if (!is_token(&c, c.bos) || !is_token(&c, c.eos) || !is_token(&c, c.pad))
        abort();
    if (c.head == INFER_HEAD_SCORE &&
        (c.tied || (c.eos >= 0 && c.pad == c.eos)))
        abort();
    return 0;
}
