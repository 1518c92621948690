/* Private to prefdb/: how the judgments went, batch after batch (the paper's
 * Figure 25) and over time. */
#ifndef PREFKIT_PREFDB_STATS_HISTORY_H
#define PREFKIT_PREFDB_STATS_HISTORY_H

#include <cjson/cJSON.h>

#include "prefdb/stats/ranking.h"
#include "prefdb/store/store.h"

struct prefdb__slice {
    char *name; /* a batch, a month "2026-01" or a day "2026-01-31" */
    enum prefdb_dimension dimension;
    uint64_t judgments, annotators; /* annotators: over time only */
    uint64_t strengths[4];          /* by strength; ties and unstated are not
                                       among them */
};

/* By dimension, then batches in order ("batch 2" before "batch 10"; the
 * judgments of no batch, named "", first) and periods by date. Judgments
 * without a date are in no period. */
struct prefdb__history {
    struct prefdb__slice *batches, *periods;
    size_t n_batches, n_periods, cap_batches, cap_periods;
};

/* Fill a zeroed *out; release it also after an error. Periods are days where
 * there are at most 31 of them, else months. */
PK_NODISCARD int prefdb__history(struct prefdb *db, struct prefdb__history *out,
                                 struct pk_err *err);
void prefdb__history_release(struct prefdb__history *h);

/* Text, to standard output, and members added to an object of JSON. */
void prefdb__history_text(const struct prefdb__history *h);
void prefdb__history_json(const struct prefdb__history *h, cJSON *o);
void prefdb__attributes_text(const struct prefdb_attribute *v, size_t n);
void prefdb__attributes_json(const struct prefdb_attribute *v, size_t n,
                             cJSON *o);
void prefdb__rankings_text(const struct prefdb__rankings *r, uint64_t rounds);
void prefdb__rankings_json(const struct prefdb__rankings *r, uint64_t rounds,
                           uint64_t seed, cJSON *o);

#endif
