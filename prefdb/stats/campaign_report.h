/* Private to prefdb/: how far campaigns are, as text or JSON
 * (schemas/campaigns.schema.json). */
#ifndef PREFKIT_PREFDB_STATS_CAMPAIGN_REPORT_H
#define PREFKIT_PREFDB_STATS_CAMPAIGN_REPORT_H

#include "prefdb/team/campaign.h"

/* To standard output; `name` NULL: a list of all. */
PK_NODISCARD int prefdb__campaign_report(struct prefdb *db, const char *store,
                                         const char *name, bool json,
                                         struct pk_err *err);

#endif
