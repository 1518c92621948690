/* The base of a directory of adapters: where it lies, and that it is the one
 * they were trained on. */
#ifndef PREFKIT_INFER_FILES_LORA_BASE_H
#define PREFKIT_INFER_FILES_LORA_BASE_H

#include "infer/infer.h"

/* *base, as the adapters in `dir` name it, made a path that can be opened from
 * here: beside them if it is there, else as it is. *base is owned, and may be
 * another string afterwards. PK_EMEM. */
PK_NODISCARD int infer_lora_find_base(char **base, const char *dir,
                                      struct pk_err *err);

/* PK_EDATA where prefkit.json in `dir` names another base's fingerprint
 * (schemas/provenance.schema.json) than this model's: a base of the same shape
 * would be scored with, and wrongly. Adapters without the file, as PEFT writes
 * them, pass. Reads all weights. */
PK_NODISCARD int infer_lora_check_base(const char *dir,
                                       const struct infer_model *base,
                                       struct pk_err *err);

#endif
