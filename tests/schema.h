/* A JSON document against a JSON Schema: as much of 2020-12 as schemas/ uses.
 * An unknown keyword fails the test, so that nothing passes unread. */
#ifndef PREFKIT_TESTS_SCHEMA_H
#define PREFKIT_TESTS_SCHEMA_H

#include "common/json.h"

/* The test fails, with the place in the document, when it does not match.
 * Members that the schema does not name fail too. */
void ck_schema(const cJSON *doc, const char *schema_path);

#endif
