/* Members of a JSON object, changed in its text: what is not named stays as it
 * is, to the byte. `line` holds a valid JSON object, but where it says
 * otherwise. */
#ifndef PREFKIT_RM_SCORE_ROW_EDIT_H
#define PREFKIT_RM_SCORE_ROW_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/json.h"

/* The object in `line` with its member `key` set to `value` (JSON text): put
 * at the end if it is not there, replaced if it is. Returns out->failed. */
int rm_json_set(struct pk_buf *out, const char *line, size_t len,
                const char *key, const char *value);

/* The object in `line` without its member `key`. Returns out->failed. */
int rm_json_unset(struct pk_buf *out, const char *line, size_t len,
                  const char *key);

/* Merge `members` (JSON text of an object with distinct keys) into the member
 * `key` of the object in `line`; that member is an object, or absent. */
int rm_json_merge(struct pk_buf *out, const char *line, size_t len,
                  const char *key, const cJSON *members);

/* The object in `line` without the members `names` (up to a NULL) of its member
 * `key`, and without that where nothing is left in it. Where it is no object,
 * `line` as it is. Returns out->failed, or PK_EMEM. */
int rm_json_prune(struct pk_buf *out, const char *line, size_t len,
                  const char *key, const char *const *names);

/* Of any bytes, also those that are no JSON: whether they begin like an object
 * that has the member. */
bool rm_json_has(const char *line, size_t len, const char *key);

/* The value of the member `key`, to be freed; NULL where there is none. */
cJSON *rm_json_member(const char *line, size_t len, const char *key);

#endif
