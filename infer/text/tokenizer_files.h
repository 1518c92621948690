/* The tokenizer's files in a model directory. */
#ifndef PREFKIT_INFER_TEXT_TOKENIZER_FILES_H
#define PREFKIT_INFER_TEXT_TOKENIZER_FILES_H

#include "infer/infer.h"

/* The chat template of a model directory (chat_template.jinja, or what
 * tokenizer_config.json holds); NULL when there is none. Caller frees. */
PK_NODISCARD int infer_chat_template_read(const char *dir, char **out,
                                          struct pk_err *err);

/* Copy tokenizer.model (and added_tokens.json) or tokenizer.json from `from`, a
 * directory or the file itself, into `dir`, and write the tokenizer_config.json
 * and special_tokens_map.json that other programs need to build the same ids:
 * the chat template, the special tokens by name, bos and eos. */
PK_NODISCARD int infer_tokenizer_save(const char *dir,
                                      const struct infer_config *c,
                                      const char *from, struct pk_err *err);

#endif
