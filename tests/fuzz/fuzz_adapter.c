/* adapter_config.json from strangers: what is accepted is a rank, a scale and
 * matrices that there are. */
#include <math.h>
#include <stdlib.h>

#include "infer/files/lora_file.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infer_lora_config l;
    struct pk_err err;
    char path[32];
    int fd = memfile(data, size, path);
    int rc = infer_lora_config_load(&l, path, &err);
    close(fd);
    if (rc < 0) {
        if (err.code != rc || rc != PK_EDATA)
            abort();
    } else if (!l.base || !l.lora.rank || !isfinite(l.lora.alpha) ||
               !(l.lora.dropout >= 0 && l.lora.dropout < 1) ||
               !l.lora.targets ||
               (l.lora.targets & ~(unsigned)INFER_LORA_ALL)) {
        abort();
    }
    free(l.base);
    return 0;
}
