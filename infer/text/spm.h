/* A SentencePiece model file, read and checked: what tokenizer.model says.
 *
 * Format: google/sentencepiece, src/sentencepiece_model.proto (a protobuf,
 * proto2). Private to infer. */
#ifndef PREFKIT_INFER_TEXT_SPM_H
#define PREFKIT_INFER_TEXT_SPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define SPM_SPACE     "\xE2\x96\x81" /* U+2581, what stands for a space */
#define SPM_PIECE_MAX ((size_t)1024) /* bytes in one piece */

enum spm_type {
    SPM_NORMAL = 1,
    SPM_UNKNOWN,
    SPM_CONTROL,
    SPM_USER_DEFINED,
    SPM_UNUSED,
    SPM_BYTE
};

struct spm_piece {
    const char *text; /* len bytes of UTF-8, no NUL; points into the file */
    size_t len;
    float score;
    enum spm_type type;
};

/* A stretch of the file; {NULL, 0} when the field is absent. */
struct spm_span {
    const char *text;
    size_t len;
};

struct infer_spm {
    struct pk_buf file;
    struct spm_piece *piece;
    size_t n, cap;
    int32_t byte_id[256];  /* byte fallback: the piece of each byte */
    int32_t bos, eos, unk; /* bos and eos may be -1 */
    struct spm_span unk_surface, unk_piece, bos_piece, eos_piece;
    bool byte_fallback, dummy_prefix, remove_extra_spaces;
    bool normalizer;           /* the file says how text is normalized */
    uint64_t model_type;       /* 2 is BPE, all that infer_spm_read lets pass */
    bool space_suffix, escape; /* likewise false and true */
    bool charsmap, denormalizer; /* likewise false */
};

/* The byte that a piece "<0xHH>" stands for; -1 when it is none. */
int infer_spm_byte(const struct spm_piece *p);

/* Read a model that this room tokenizes exactly: BPE without a normalization
 * table, spaces escaped and put before words. Whatever else is asked for by
 * the file, and everything wrong in it, is PK_EDATA with the reason; PK_EIO,
 * PK_EMEM. On failure `m` is empty. */
PK_NODISCARD int infer_spm_read(struct infer_spm *m, const char *path,
                                struct pk_err *err);
void infer_spm_release(struct infer_spm *m);

#endif
