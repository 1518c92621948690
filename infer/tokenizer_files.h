/* The tokenizer's files in a model directory. */
#ifndef PREFKIT_INFER_TOKENIZER_FILES_H
#define PREFKIT_INFER_TOKENIZER_FILES_H

#include "infer/infer.h"

/* dir + "/" + name; the caller frees *out. */
PK_NODISCARD int infer_path(char **out, const char *dir, const char *name,
                            struct pk_err *err);

/* Copy tokenizer.model (and added_tokens.json) from `from`, a directory or the
 * tokenizer.model itself, into `dir`, and write the tokenizer_config.json and
 * special_tokens_map.json that other programs need to build the same ids: the
 * chat template, the special tokens by name, bos and eos. */
PK_NODISCARD int infer_tokenizer_save(const char *dir,
                                      const struct infer_config *c,
                                      const char *from, struct pk_err *err);

#endif
