/* The settings of a tokenizer.json around its model: normalizer and
 * pre-tokenizer. Private to infer. */
#ifndef PREFKIT_INFER_TEXT_JSON_RULES_H
#define PREFKIT_INFER_TEXT_JSON_RULES_H

#include "common/json.h"
#include "infer/text/json_tokenizer.h"

/* Fills byte_level, escape, prefix and cut. PK_EDATA for any that is not done
 * here exactly. */
PK_NODISCARD int infer_json_rules_read(struct json_tokenizer *t,
                                       const cJSON *file, struct pk_err *err);

#endif
