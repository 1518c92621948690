/* Adapters on disk, as PEFT has them: adapter_config.json beside
 * adapter_model.safetensors, named after the modules of the base. */
#ifndef PREFKIT_INFER_FILES_LORA_FILE_H
#define PREFKIT_INFER_FILES_LORA_FILE_H

#include "infer/infer.h"

/* What adapter_config.json says. */
struct infer_lora_config {
    struct infer_lora lora;
    char *base; /* the base model's directory; owned */
};

/* PK_EDATA, naming the field, for anything that would be computed otherwise
 * than the file means it (DoRA, biases, a rank for some modules only). */
PK_NODISCARD int infer_lora_config_load(struct infer_lora_config *out,
                                        const char *path, struct pk_err *err);

/* That of a directory. A base with a relative path lies there from `dir` or,
 * where nothing does, from the working folder, as PEFT has it; one that is
 * itself of adapters is PK_EDATA. The caller frees out->base. */
PK_NODISCARD int infer_lora_config_open(struct infer_lora_config *out,
                                        const char *dir, struct pk_err *err);

/* Is there an adapter_config.json in `dir`? */
bool infer_lora_present(const char *dir);

/* Open base and adapters. PK_EDATA, too, for a base that is not the one they
 * were trained on (infer_lora_check_base). */
PK_NODISCARD int infer_lora_open(struct infer_model **out, const char *dir,
                                 const struct infer_open *how,
                                 struct pk_err *err);

#endif
