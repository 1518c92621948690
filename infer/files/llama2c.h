/* llama2.c's own files: model.bin (version 0) and tokenizer.bin. */
#ifndef PREFKIT_INFER_FILES_LLAMA2C_H
#define PREFKIT_INFER_FILES_LLAMA2C_H

#include "infer/infer.h"

/* Read a model: seven int32 (dim, hidden, layers, heads, kv heads, vocabulary,
 * context; a negative vocabulary says that the classifier is not the
 * embedding), then f32 tensors by kind, each kind for all layers. Rotary pairs
 * there are neighbours; the query and key rows are put into Hugging Face's
 * order. *p is the caller's. PK_EDATA when the size is not exactly right. */
PK_NODISCARD int infer_llama2c_load(const char *path, struct infer_config *c,
                                    struct infer_params **p,
                                    struct pk_err *err);

/* Is this a tokenizer.bin (and not a SentencePiece model)? */
bool infer_llama2c_is_tokenizer(const char *path);

/* Write a tokenizer.bin as the SentencePiece model that it came from: ids 0, 1
 * and 2 are <unk>, <s> and </s>, then the 256 bytes, then BPE pieces. */
PK_NODISCARD int infer_llama2c_write_tokenizer(const char *from, const char *to,
                                               struct pk_err *err);

#endif
