/* JSON from strangers: what is accepted survives being written back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_parse(const struct pk_buf *b)
{
    cJSON *j;
    if (b->failed || pk_json_parse(&j, b->data, b->len, NULL) < 0)
        abort();
    cJSON_Delete(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 26);
    struct pk_err err;
    cJSON *j;
    if (pk_json_parse(&j, text, size, &err) < 0) {
        if (j || err.code != PK_EDATA || !err.text[0])
            abort();
        return 0;
    }
    if (cJSON_IsObject(j) &&
        !cJSON_GetObjectItemCaseSensitive(j, "no such key")) {
        pk_json_splice(&b, text, size, "no such key", "[1,\"}\"]");
        must_parse(&b);
    } else if (cJSON_IsString(j)) {
        pk_json_quote(&b, j->valuestring, strlen(j->valuestring));
        must_parse(&b);
    }
    cJSON_Delete(j);
    pk_buf_release(&b);
    return 0;
}
