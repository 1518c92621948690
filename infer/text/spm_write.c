/* SentencePiece models, written; see spm_write.h. */
#include "infer/text/spm_write.h"

#include <string.h>

/* ---- Protocol buffers, as far as needed ---- */

static void put_varint(struct pk_buf *b, uint64_t v)
{
    while (v > 127) {
        pk_buf_addc(b, (char)(v | 128));
        v >>= 7;
    }
    pk_buf_addc(b, (char)v);
}

static void put_int(struct pk_buf *b, unsigned field, uint64_t v)
{
    put_varint(b, field << 3);
    put_varint(b, v);
}

static void put_bytes(struct pk_buf *b, unsigned field, const char *p, size_t n)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, n);
    pk_buf_add(b, p, n);
}

static void put_fixed32(struct pk_buf *b, unsigned field, uint32_t v)
{
    put_varint(b, field << 3 | 5);
    for (int i = 0; i < 4; i++)
        pk_buf_addc(b, (char)(v >> (8 * i)));
}

/* ---- Pieces and settings ---- */

void infer_spm_put_piece(struct pk_buf *out, const struct spm_piece *p)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    uint32_t score;
    memcpy(&score, &p->score, sizeof score);
    put_bytes(&b, 1, p->text, p->len);
    put_fixed32(&b, 2, score);
    put_int(&b, 3, p->type);
    put_bytes(out, 1, b.data ? b.data : "", b.len);
    if (b.failed)
        out->failed = b.failed;
    pk_buf_release(&b);
}

static void put_name(struct pk_buf *b, unsigned field, struct spm_span s)
{
    if (s.text)
        put_bytes(b, field, s.text, s.len);
}

void infer_spm_put_specs(struct pk_buf *out, const struct spm_specs *s)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    put_int(&b, 3, 2); /* model_type BPE */
    put_int(&b, 4, s->vocab);
    put_int(&b, 35, 1); /* byte_fallback */
    put_int(&b, 40, 0); /* unk, bos, eos; no pad */
    put_int(&b, 41, 1);
    put_int(&b, 42, 2);
    put_int(&b, 43, (uint64_t)-1);
    put_name(&b, 45, s->unk);
    put_name(&b, 46, s->bos);
    put_name(&b, 47, s->eos);
    put_bytes(out, 2, b.data ? b.data : "", b.len);
    if (b.failed)
        out->failed = b.failed;
    pk_buf_reset(&b);
    put_bytes(&b, 1, "identity", 8);
    put_int(&b, 3, s->dummy_prefix);
    put_int(&b, 4, 0); /* remove_extra_whitespaces */
    put_int(&b, 5, 1); /* escape_whitespaces */
    put_bytes(out, 3, b.data ? b.data : "", b.len);
    pk_buf_release(&b);
}
