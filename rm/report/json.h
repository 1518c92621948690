/* Building a report's JSON. cJSON's own calls answer NULL when out of memory;
 * so do these, and one check at the end is enough: `bad` counts what failed. */
#ifndef PREFKIT_RM_REPORT_JSON_H
#define PREFKIT_RM_REPORT_JSON_H

#include "common/json.h"
#include "rm/report/report.h"

cJSON *rm_json_object(cJSON *in, const char *key, int *bad);
cJSON *rm_json_list(cJSON *in, const char *key, int *bad);
cJSON *rm_json_item(cJSON *in, int *bad); /* a new object in a list */
void rm_json_string(cJSON *in, const char *key, const char *s, int *bad);
void rm_json_count(cJSON *in, const char *key, uint64_t n, int *bad);
void rm_json_number(cJSON *in, const char *key, double x, int *bad);

/* {KEY: share, KEY_low, KEY_high}, null when n = 0. */
void rm_json_share(cJSON *in, const char *key, const struct rm_hits *h,
                   int *bad);

void rm_json_rated(cJSON *in, const struct rm_report *r, int *bad);
void rm_json_bench(cJSON *in, const struct rm_report *r,
                   const struct rm_bench *b, int *bad);

/* What one dimension has beyond its groups. */
void rm_report_json_more(cJSON *in, const struct rm_report *r,
                         enum prefdb_dimension d, int *bad);

#endif
