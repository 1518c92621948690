/* JSON from strangers, and JSON for them: cJSON with its limits set.
 *
 * Parsing refuses (PK_EDATA): malformed UTF-8, nesting deeper than
 * PK_JSON_DEPTH, anything after the value, raw control characters (which would
 * make the row that we write back invalid), the escape \u0000, which cJSON
 * would silently cut a string at, and a name that an object holds twice, of
 * which some readers take the first value, some the last, and Arrow neither.
 * NaN and infinity are not JSON and are never printed: pk_json_add_num turns
 * them into null, and callers who must not lose them check first. */
#ifndef PREFKIT_COMMON_JSON_H
#define PREFKIT_COMMON_JSON_H

#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "common/buf.h"
#include "common/err.h"

#define PK_JSON_DEPTH 100

/* *out is the caller's, to be freed with cJSON_Delete. A number whose
 * digits cJSON would not print again (one of more than 15, an infinite one) has
 * its text in `valuestring`, beside the nearest double. */
PK_NODISCARD int pk_json_parse(cJSON **out, const char *text, size_t len,
                               struct pk_err *err);

/* Values that are no longer needed, for those to come: getting memory for each
 * of them would be most of what parsing a row costs. All zeroes is empty. */
struct pk_json_spare {
    cJSON *first;
    size_t n;
};

/* The same with the strings in `room`, len bytes that live as long as the value
 * and whatever is taken out of it, or copied by cJSON_Duplicate. What `spare`
 * has is used first; NULL is fine. */
PK_NODISCARD int pk_json_parse_in(cJSON **out, const char *text, size_t len,
                                  char *room, struct pk_json_spare *spare,
                                  struct pk_err *err);

/* As cJSON_Delete, but what it is made of is spare. */
void pk_json_spare_add(struct pk_json_spare *spare, cJSON *j);
void pk_json_spare_release(struct pk_json_spare *spare);

/* A copy that owns all its strings; NULL when out of memory. */
cJSON *pk_json_copy(const cJSON *j);

/* The whole of a small file (at most max_bytes) as one JSON value. */
PK_NODISCARD int pk_json_load(cJSON **out, const char *path, size_t max_bytes,
                              struct pk_err *err);

/* PK_EDATA when an object, in whatever depth, holds a name twice: for what was
 * put together since it was parsed. */
PK_NODISCARD int pk_json_names(const cJSON *j, struct pk_err *err);

/* Fields of an object. The value is borrowed. NULL or the default when the key
 * is absent or null; an error only when it is there with another type. */
PK_NODISCARD int pk_json_str(const cJSON *obj, const char *key,
                             const char **out, struct pk_err *err);
PK_NODISCARD int pk_json_num(const cJSON *obj, const char *key, double fallback,
                             double *out, struct pk_err *err);

/* A string that must be there: `"rejected" is missing`. */
PK_NODISCARD int pk_json_need_str(const cJSON *obj, const char *key,
                                  const char **out, struct pk_err *err);

/* Append to an object; 0 or PK_EMEM. A number has nine digits, what a float
 * needs to survive, or is written as an integer where it is a whole one. */
int pk_json_add_num(cJSON *obj, const char *key, double value);
int pk_json_add_int(cJSON *obj, const char *key, long long value);

/* A value as cJSON_PrintUnformatted writes it, but for numbers that have their
 * text, appended to b. */
int pk_json_print(struct pk_buf *b, const cJSON *j);
/* The same as a text of its own, the caller's to free; NULL when out of memory.
 */
char *pk_json_text(const cJSON *j);

/* Print `j` in many lines, a newline at the end, and delete it. PK_EMEM too
 * where it is NULL: its maker had no room. What cannot be written shows where
 * the stream is closed. */
PK_NODISCARD int pk_json_write(FILE *f, cJSON *j, struct pk_err *err);
/* The same into a file, whole or not at all (common/out.h). */
PK_NODISCARD int pk_json_save(const char *path, cJSON *j, struct pk_err *err);

/* The same into DIR/NAME. */
PK_NODISCARD int pk_json_save_in(const char *dir, const char *name, cJSON *j,
                                 struct pk_err *err);

/* The head of a report on a store: its schema's name, our version, and the
 * store. NULL when out of memory. */
cJSON *pk_json_report(const char *schema, const char *store);

/* A JSON string literal, quotes included, appended to b. */
int pk_json_quote(struct pk_buf *b, const char *s, size_t n);

/* An error's text as a JSON string literal, appended to b: it quotes from rows,
 * and may have been cut within a character. Returns b->failed. */
int pk_json_quote_reason(struct pk_buf *b, const char *reason);

/* The object in `line` with one more member at its end, the rest byte for byte
 * as it was: {"a":1} -> {"a":1,"key":value}. `line` must have been parsed as
 * an object that does not hold the key. */
int pk_json_splice(struct pk_buf *out, const char *line, size_t len,
                   const char *key, const char *value);

#endif
