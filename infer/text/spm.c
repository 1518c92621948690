/* SentencePiece's protobuf, field by field; see spm.h.
 *
 * The file is untrusted: every length is checked before a pointer is made from
 * it. A protobuf message is a run of (tag, value); the tag holds the field's
 * number and its wire type, and fields that we do not know are passed over. */
#include "infer/text/spm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

#define FILE_MAX ((size_t)32 << 20) /* bytes; Llama 2's has half a million */

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct msg {
    const unsigned char *p, *end;
};

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value;       /* WIRE_VARINT, WIRE_32, WIRE_64 */
    struct spm_span span; /* WIRE_BYTES */
};

static bool read_varint(struct msg *m, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && m->p < m->end; shift += 7) {
        unsigned char c = *m->p++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct msg *m, size_t n, uint64_t *out)
{
    if ((size_t)(m->end - m->p) < n)
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)m->p[i] << (8 * i);
    m->p += n;
    return true;
}

static bool read_span(struct msg *m, struct spm_span *out)
{
    uint64_t n;
    if (!read_varint(m, &n) || n > (uint64_t)(m->end - m->p))
        return false;
    *out = (struct spm_span){(const char *)m->p, (size_t)n};
    m->p += n;
    return true;
}

/* 1: a field; 0: the end of the message; -1: malformed. */
static int next_field(struct msg *m, struct field *f)
{
    uint64_t tag;
    if (m->p == m->end)
        return 0;
    *f = (struct field){0};
    if (!read_varint(m, &tag) || tag >> 3 == 0)
        return -1;
    f->number = tag >> 3;
    f->wire = (enum wire)(tag & 7);
    switch (f->wire) {
    case WIRE_VARINT:
        return read_varint(m, &f->value) ? 1 : -1;
    case WIRE_64:
        return read_fixed(m, 8, &f->value) ? 1 : -1;
    case WIRE_32:
        return read_fixed(m, 4, &f->value) ? 1 : -1;
    case WIRE_BYTES:
        return read_span(m, &f->span) ? 1 : -1;
    }
    return -1;
}

/* One field of one message into the model; false when its wire type is not the
 * one that the format gives it. */
typedef bool take_field(struct infer_spm *m, const struct field *f);

static bool take_bool(const struct field *f, bool *out)
{
    *out = f->value != 0;
    return f->wire == WIRE_VARINT;
}

static bool take_span(const struct field *f, struct spm_span *out)
{
    *out = f->span;
    return f->wire == WIRE_BYTES;
}

static bool take_piece(struct infer_spm *m, const struct field *f)
{
    struct spm_piece *p = &m->piece[m->n - 1];
    switch (f->number) {
    case 1:
        p->text = f->span.text;
        p->len = f->span.len;
        return f->wire == WIRE_BYTES;
    case 2: {
        uint32_t bits = (uint32_t)f->value;
        memcpy(&p->score, &bits, sizeof bits);
        return f->wire == WIRE_32;
    }
    case 3:
        /* An unknown type must stay unknown when it is narrowed. */
        p->type = f->value <= SPM_BYTE ? (enum spm_type)f->value : 0;
        return f->wire == WIRE_VARINT;
    default:
        return true;
    }
}

static bool take_trainer(struct infer_spm *m, const struct field *f)
{
    switch (f->number) {
    case 3:
        m->model_type = f->value;
        return f->wire == WIRE_VARINT;
    case 24:
        return take_bool(f, &m->space_suffix);
    case 35:
        return take_bool(f, &m->byte_fallback);
    case 44:
        return take_span(f, &m->unk_surface);
    case 45:
        return take_span(f, &m->unk_piece);
    case 46:
        return take_span(f, &m->bos_piece);
    case 47:
        return take_span(f, &m->eos_piece);
    default:
        return true;
    }
}

static bool take_normalizer(struct infer_spm *m, const struct field *f)
{
    switch (f->number) {
    case 2:
        m->charsmap = f->span.len > 0;
        return f->wire == WIRE_BYTES;
    case 3:
        return take_bool(f, &m->dummy_prefix);
    case 4:
        return take_bool(f, &m->remove_extra_spaces);
    case 5:
        return take_bool(f, &m->escape);
    default:
        return true;
    }
}

static bool take_denormalizer(struct infer_spm *m, const struct field *f)
{
    if (f->number != 2)
        return true;
    m->denormalizer = f->span.len > 0;
    return f->wire == WIRE_BYTES;
}

static bool read_message(struct infer_spm *m, struct spm_span span,
                         take_field *take)
{
    struct msg in = {(const unsigned char *)span.text,
                     (const unsigned char *)span.text + span.len};
    struct field f;
    int rc;
    while ((rc = next_field(&in, &f)) > 0)
        if (!take(m, &f))
            return false;
    return rc == 0;
}

static bool add_piece(struct infer_spm *m, struct spm_span span)
{
    m->piece[m->n++] = (struct spm_piece){.text = "", .type = SPM_NORMAL};
    return read_message(m, span, take_piece);
}

static int malformed(struct pk_err *err, const char *path)
{
    return pk_fail(err, PK_EDATA,
                   "%s: not a SentencePiece model, or cut off or damaged",
                   path);
}

static int read_model(struct infer_spm *m, const char *path, struct pk_err *err)
{
    struct msg in = {(const unsigned char *)m->file.data,
                     (const unsigned char *)m->file.data + m->file.len};
    struct field f;
    int rc;
    while ((rc = next_field(&in, &f)) > 0) {
        static take_field *const take[] = {
            [2] = take_trainer, [3] = take_normalizer, [5] = take_denormalizer};
        bool known = f.number == 1 || (f.number <= 5 && take[f.number] != NULL);
        if (!known)
            continue;
        if (f.wire != WIRE_BYTES)
            return malformed(err, path);
        if (f.number == 1 &&
            !pk_grow(&m->piece, &m->cap, m->n + 1, sizeof *m->piece))
            return pk_fail_mem(err, "a tokenizer");
        if (!(f.number == 1 ? add_piece(m, f.span)
                            : read_message(m, f.span, take[f.number])))
            return malformed(err, path);
        m->normalizer = m->normalizer || f.number == 3;
    }
    /* Without a normalizer's part the file may have been cut off between two
     * fields, and the defaults would be wrong. */
    return rc == 0 && m->n > 0 && m->normalizer ? 0 : malformed(err, path);
}

static int read_file(struct infer_spm *m, const char *path, struct pk_err *err)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return pk_fail_errno(err, "cannot open '%s'", path);
    char chunk[1 << 14];
    size_t n;
    m->file.max = FILE_MAX;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 &&
           pk_buf_add(&m->file, chunk, n) == 0) {
    }
    int rc = 0;
    if (ferror(f))
        rc = pk_fail_errno(err, "cannot read '%s'", path);
    else if (m->file.failed == PK_EDATA)
        rc = pk_fail(err, PK_EDATA, "%s: larger than %zu MiB", path,
                     FILE_MAX >> 20);
    else if (m->file.failed)
        rc = pk_fail_mem(err, path);
    else if (m->file.len == 0)
        rc = pk_fail(err, PK_EDATA, "%s: the file is empty", path);
    fclose(f);
    return rc;
}

/* What the model asks for and we would not tokenize exactly. */
static int check_support(const struct infer_spm *m, const char *path,
                         struct pk_err *err)
{
    static const char *const types[] = {"an unknown kind of", "a unigram",
                                        "a BPE", "a word", "a character"};
    const char *no = NULL;
    if (m->model_type != 2)
        return pk_fail(err, PK_EDATA, "%s: %s model; only BPE is supported",
                       path, types[m->model_type < 5 ? m->model_type : 0]);
    if (m->charsmap)
        no = "a normalization table (precompiled_charsmap)";
    else if (m->denormalizer)
        no = "a denormalization table";
    else if (m->space_suffix)
        no = "white space as suffix";
    else if (!m->escape)
        no = "unescaped white space";
    return no ? pk_fail(err, PK_EDATA,
                        "%s: the model needs %s, which is not supported", path,
                        no)
              : 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int infer_spm_byte(const struct spm_piece *p)
{
    if (p->len != 6 || memcmp(p->text, "<0x", 3) != 0 || p->text[5] != '>')
        return -1;
    int high = hex_digit(p->text[3]), low = hex_digit(p->text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* What is wrong with a piece by itself; NULL when nothing is. */
static const char *piece_fault(const struct infer_spm *m,
                               const struct spm_piece *p)
{
    uint32_t cp;
    if (p->len == 0 || p->len > SPM_PIECE_MAX)
        return p->len ? "is too long" : "is empty";
    if (memchr(p->text, 0, p->len))
        return "holds a NUL byte";
    if (pk_utf8_check(p->text, p->len) < p->len)
        return "is not UTF-8";
    if (!isfinite(p->score))
        return "has a score that is not a number";
    if (p->type == 0)
        return "has an unknown type";
    if (p->type == SPM_BYTE && !m->byte_fallback)
        return "is a byte, in a model without byte fallback";
    if (p->type == SPM_BYTE && infer_spm_byte(p) < 0)
        return "is no byte, but says that it is";
    /* SentencePiece cannot encode text that holds such a character. */
    if (p->type == SPM_CONTROL &&
        pk_utf8_decode(p->text, p->len, &cp) == p->len)
        return "is a control piece of one character";
    /* Its normalizer would see it where its model does not. */
    if (p->type == SPM_USER_DEFINED && memchr(p->text, ' ', p->len))
        return "is user-defined and holds a space";
    return NULL;
}

static bool named(const struct spm_piece *p, struct spm_span name,
                  const char *fallback)
{
    if (name.len == 0)
        name = (struct spm_span){fallback, strlen(fallback)};
    return p->len == name.len && memcmp(p->text, name.text, p->len) == 0;
}

static int check_pieces(struct infer_spm *m, const char *path,
                        struct pk_err *err)
{
    m->bos = m->eos = m->unk = -1;
    memset(m->byte_id, -1, sizeof m->byte_id);
    for (size_t i = 0; i < m->n; i++) {
        const struct spm_piece *p = &m->piece[i];
        const char *fault = piece_fault(m, p);
        if (!fault && p->type == SPM_UNKNOWN && m->unk >= 0)
            fault = "is a second unknown piece";
        if (fault)
            return pk_fail(err, PK_EDATA, "%s: piece %zu %s", path, i, fault);
        if (p->type == SPM_UNKNOWN)
            m->unk = (int32_t)i;
        else if (p->type == SPM_BYTE)
            m->byte_id[infer_spm_byte(p)] = (int32_t)i;
        else if (p->type == SPM_CONTROL && named(p, m->bos_piece, "<s>"))
            m->bos = (int32_t)i;
        else if (p->type == SPM_CONTROL && named(p, m->eos_piece, "</s>"))
            m->eos = (int32_t)i;
    }
    if (m->unk < 0)
        return pk_fail(err, PK_EDATA, "%s: no piece is the unknown one", path);
    for (int b = 0; m->byte_fallback && b < 256; b++)
        if (m->byte_id[b] < 0)
            return pk_fail(err, PK_EDATA,
                           "%s: byte fallback, but no piece <0x%02X>", path, b);
    return 0;
}

int infer_spm_read(struct infer_spm *m, const char *path, struct pk_err *err)
{
    /* The format's defaults for absent fields. */
    *m = (struct infer_spm){.model_type = 1,
                            .dummy_prefix = true,
                            .remove_extra_spaces = true,
                            .escape = true};
    int rc = read_file(m, path, err);
    if (!rc)
        rc = read_model(m, path, err);
    if (!rc)
        rc = check_support(m, path, err);
    if (!rc)
        rc = check_pieces(m, path, err);
    if (rc)
        infer_spm_release(m);
    return rc;
}

void infer_spm_release(struct infer_spm *m)
{
    pk_buf_release(&m->file);
    free(m->piece);
    *m = (struct infer_spm){0};
}
