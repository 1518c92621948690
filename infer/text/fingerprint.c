/* What a tokenizer is known by; see infer/infer_text.h. */
#include <string.h>

#include "common/sha256.h"
#include "infer/text/tokenizer.h"

/* Cases, numbers, contractions, runs of space, accents composed and not, wide
 * and emoji characters, a control character: where tokenizers differ. */
static const char sample[] =
    "Hello, World! I'll pay 1234567.89 (it's WE'RE)\r\n\n\tint main(void) "
    "{  return x==0; }   na\xC3\xAFve cafe\xCC\x81 \xEF\xAC\x81n "
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xD0\x9F\xD1\x80\xD0\xB8 "
    "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD \x01 https://a.b/c?d=e_f  ";

static int add_sample(struct pk_sha256 *h, const struct infer_tokenizer *t,
                      struct pk_err *err)
{
    struct infer_ids ids = {0};
    int rc = infer_tokenizer_encode(t, sample, sizeof sample - 1, &ids, err);
    if (!rc)
        pk_sha256_field(h, ids.id, ids.len * sizeof *ids.id);
    infer_ids_release(&ids);
    return rc;
}

static void add_token(struct pk_sha256 *h, const struct infer_tokenizer *t,
                      int32_t id)
{
    size_t name_len = 0, len = 0;
    const char *name = infer_tokenizer_name(t, id, &name_len);
    const char *piece = infer_tokenizer_piece(t, id, &len);
    pk_sha256_field(h, name, name ? name_len : 0);
    pk_sha256_field(h, piece, piece ? len : 0);
    pk_sha256_u64(h, t->kind->traits(t->self, id));
}

int infer_tokenizer_fingerprint(const struct infer_tokenizer *t, char out[65],
                                struct pk_err *err)
{
    const char *chat = infer_chat_name(t->chat);
    struct pk_sha256 *h;
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_field(h, t->kind->file, strlen(t->kind->file));
    pk_sha256_field(h, chat, strlen(chat));
    pk_sha256_u64(h, (uint64_t)t->bos);
    pk_sha256_u64(h, (uint64_t)t->eos);
    pk_sha256_u64(h, t->strip);
    for (size_t i = 0; i < t->vocab; i++)
        add_token(h, t, (int32_t)i);
    rc = add_sample(h, t, err);
    if (rc)
        pk_sha256_free(h);
    else
        pk_sha256_end(h, out);
    return rc;
}
