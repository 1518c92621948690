/* Byte pair encoding as SentencePiece does it, over text in normal form: valid
 * UTF-8 in which one plain space stands for U+2581 (so that U+2581 itself does
 * not occur). Private to infer. */
#ifndef PREFKIT_INFER_TEXT_BPE_H
#define PREFKIT_INFER_TEXT_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/infer.h"
#include "infer/text/spm.h"

struct infer_bpe;

/* Tables for a model; `m` is borrowed until bpe_free. PK_EDATA when two pieces
 * are the same; PK_EMEM. */
PK_NODISCARD int infer_bpe_new(struct infer_bpe **out,
                               const struct infer_spm *m, struct pk_err *err);
void infer_bpe_free(struct infer_bpe *b);

/* Append the ids of `len` bytes in normal form. Thread-safe. On failure
 * (PK_EMEM, PK_EDATA for a gigabyte of text) some ids may have been added. */
PK_NODISCARD int infer_bpe_encode(const struct infer_bpe *b, const char *text,
                                  size_t len, struct infer_ids *out,
                                  struct pk_err *err);

/* A piece's text in normal form; not NUL-terminated; borrowed. */
const char *infer_bpe_text(const struct infer_bpe *b, int32_t id, size_t *len);

#endif
