/* llama2.c's tokenizer.bin to a SentencePiece model: int32 longest piece, then
 * per piece f32 score, int32 length, bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/out.h"
#include "infer/files/llama2c.h"
#include "infer/text/spm_write.h"

enum { FIRST_BYTE = 3, FIRST_PIECE = FIRST_BYTE + 256, LONGEST = 4096 };

struct piece {
    uint32_t score; /* f32 bits */
    char text[LONGEST + 1];
    size_t len;
};

static bool read_u32(FILE *f, uint32_t *out)
{
    uint8_t b[4];
    if (fread(b, 1, 4, f) != 4)
        return false;
    *out = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
    return true;
}

/* 1: a piece; 0: the end; -1: not in this form. */
static int read_piece(FILE *f, struct piece *p)
{
    uint32_t len;
    if (!read_u32(f, &p->score))
        return feof(f) ? 0 : -1;
    if (!read_u32(f, &len) || len > LONGEST || fread(p->text, 1, len, f) != len)
        return -1;
    p->len = len;
    p->text[len] = 0;
    return 1;
}

bool infer_llama2c_is_tokenizer(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    struct piece p;
    uint32_t longest;
    bool yes = read_u32(f, &longest) && longest <= LONGEST &&
               read_piece(f, &p) == 1 && strcmp(p.text, "<unk>") == 0;
    fclose(f);
    return yes;
}

/* ---- As a SentencePiece model ---- */

static enum spm_type piece_type(size_t id)
{
    return id == 0            ? SPM_UNKNOWN
           : id < FIRST_BYTE  ? SPM_CONTROL
           : id < FIRST_PIECE ? SPM_BYTE
                              : SPM_NORMAL;
}

/* llama2.c writes U+2581 as a space, and <s> between newlines. */
static void put_piece(struct pk_buf *out, const struct piece *p, size_t id)
{
    static const char *const control[] = {"<unk>", "<s>", "</s>"};
    struct pk_buf text = PK_BUF_INIT((size_t)3 * LONGEST);
    if (id < FIRST_BYTE)
        pk_buf_adds(&text, control[id]);
    else
        for (size_t i = 0; i < p->len; i++)
            if (p->text[i] == ' ' && id >= FIRST_PIECE)
                pk_buf_adds(&text, "\xE2\x96\x81");
            else
                pk_buf_addc(&text, p->text[i]);
    struct spm_piece piece = {.text = text.data ? text.data : "",
                              .len = text.len,
                              .type = piece_type(id)};
    memcpy(&piece.score, &p->score, sizeof piece.score);
    infer_spm_put_piece(out, &piece);
    if (text.failed)
        out->failed = text.failed;
    pk_buf_release(&text);
}

static int read_all(FILE *f, const char *path, struct pk_buf *out,
                    struct pk_err *err)
{
    struct piece *p = malloc(sizeof *p);
    uint32_t longest;
    size_t n = 0;
    int got = -1;
    if (!p)
        return pk_fail_mem(err, "a tokenizer");
    if (read_u32(f, &longest))
        while ((got = read_piece(f, p)) > 0)
            put_piece(out, p, n++);
    free(p);
    if (got < 0 || n < FIRST_PIECE)
        return pk_fail(err, PK_EDATA,
                       "%s: not a llama2.c tokenizer, or cut off after %zu "
                       "pieces",
                       path, n);
    infer_spm_put_specs(out,
                        &(struct spm_specs){.vocab = n, .dummy_prefix = true});
    return out->failed ? pk_fail_mem(err, "a tokenizer") : 0;
}

int infer_llama2c_write_tokenizer(const char *from, const char *to,
                                  struct pk_err *err)
{
    FILE *f = fopen(from, "rb");
    if (!f)
        return pk_fail_errno(err, "cannot open '%s'", from);
    struct pk_buf b = PK_BUF_INIT((size_t)256 << 20);
    int rc = read_all(f, from, &b, err);
    fclose(f);
    struct pk_out *o = NULL;
    if (!rc)
        rc = pk_out_open(&o, to, err);
    if (!rc) {
        fwrite(b.data, 1, b.len, pk_out_file(o));
        rc = pk_out_commit(&o, err);
    }
    pk_buf_release(&b);
    return rc;
}
