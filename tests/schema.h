/* A JSON document against a JSON Schema: as much of 2020-12 as schemas/ uses.
 * An unknown keyword fails the test, so that nothing passes unread. */
#ifndef PREFKIT_TESTS_SCHEMA_H
#define PREFKIT_TESTS_SCHEMA_H

#include <stdbool.h>

#include "common/json.h"

/* Does it match? If not, `why` says where in the document. Members that the
 * schema does not name do not match. */
bool schema_matches(const cJSON *doc, const char *schema_path, char why[512]);

/* The test fails, with the place in the document, when it does not match. */
void ck_schema(const cJSON *doc, const char *schema_path);

#endif
