/* A model's tokenizer for the store's verbs, which know none. */
#ifndef PREFKIT_RM_DATA_STORE_TOKENS_H
#define PREFKIT_RM_DATA_STORE_TOKENS_H

#include "prefdb/prefdb.h"

extern const struct prefdb_tokens rm_store_tokens;

#endif
