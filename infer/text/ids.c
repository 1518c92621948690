/* A growing list of token ids; see infer/infer.h. */
#include <stdlib.h>

#include "common/mem.h"
#include "infer/infer.h"

int infer_ids_add(struct infer_ids *ids, int32_t id, struct pk_err *err)
{
    if (!pk_grow(&ids->id, &ids->cap, ids->len + 1, sizeof *ids->id))
        return pk_fail_mem(err, "token ids");
    ids->id[ids->len++] = id;
    return 0;
}

void infer_ids_release(struct infer_ids *ids)
{
    free(ids->id);
    *ids = (struct infer_ids){0};
}
