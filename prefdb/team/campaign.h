/* Private to prefdb/: what campaigns and leases share. */
#ifndef PREFKIT_PREFDB_TEAM_CAMPAIGN_H
#define PREFKIT_PREFDB_TEAM_CAMPAIGN_H

#include "prefdb/store/record.h"

/* PK_EUSAGE for a name that is empty, longer than 255 bytes or not UTF-8. */
PK_NODISCARD int prefdb__check_name(const char *what, const char *name,
                                    struct pk_err *err);

/* The settings of a campaign by its row number; PK_EUSAGE when there is none.
 * Texts are borrowed until the next call on db. */
PK_NODISCARD int prefdb__campaign(struct prefdb *db, int64_t id,
                                  struct prefdb_campaign *out,
                                  struct pk_err *err);

/* Keep the text of the campaign's guideline under its version. */
PK_NODISCARD int prefdb__guideline_put(struct prefdb *db,
                                       const struct prefdb_campaign *c,
                                       struct pk_err *err);

/* Prepare a statement and bind up to four whole numbers and then a text (or
 * NULL: none) to it, in order. */
PK_NODISCARD int prefdb__ask(struct prefdb *db, sqlite3_stmt **out,
                             const char *sql, const int64_t *numbers, size_t n,
                             const char *text, struct pk_err *err);

/* Such a statement run for its effect. */
PK_NODISCARD int prefdb__tell(struct prefdb *db, const char *sql,
                              const int64_t *numbers, size_t n,
                              const char *text, struct pk_err *err);

/* An annotator's verdict as a judgment (verdict.c); it borrows the verdict's
 * texts, and its own below. */
struct prefdb__word {
    struct prefdb__judgment j;
    char created[32], guideline[256];
};

/* v NULL: a withdrawal. PK_EUSAGE where the campaign does not allow it, or it
 * makes no sense by itself. Release also after an error. */
PK_NODISCARD int prefdb__word_of(struct prefdb__word *s,
                                 const struct prefdb_campaign *c,
                                 const char *annotator,
                                 const struct prefdb_verdict *v,
                                 struct pk_err *err);
/* Do its parts go together? PK_EUSAGE. */
PK_NODISCARD int prefdb__word_check(const struct prefdb__word *s,
                                    struct pk_err *err);
void prefdb__word_release(struct prefdb__word *s);

/* These comparisons become tasks, after those that are there. And a draft, or
 * with value NULL its end. Within a write transaction. */
PK_NODISCARD int prefdb__tasks_add(struct prefdb *db, int64_t campaign,
                                   const int64_t *ids, size_t n,
                                   struct pk_err *err);
PK_NODISCARD int prefdb__draft(struct prefdb *db, const char *annotator,
                               const char *key, const char *value,
                               struct pk_err *err);

/* Tasks may be open again: after judgments came from elsewhere. Within a write
 * transaction. */
PK_NODISCARD int prefdb__tasks_reopen(struct prefdb *db, struct pk_err *err);

/* The annotator has judged and skipped more, or fewer. Within a write
 * transaction. */
PK_NODISCARD int prefdb__progress_add(struct prefdb *db, int64_t campaign,
                                      const char *annotator, int64_t judged,
                                      int64_t skipped, struct pk_err *err);

/* The number of the last task, which is how many there are. */
PK_NODISCARD int prefdb__tasks(struct prefdb *db, int64_t campaign,
                               int64_t *out, struct pk_err *err);

/* Has the gold annotator judged comparison j.comparison of campaign c? */
#define PREFDB__IS_GOLD                                                        \
    "EXISTS (SELECT 1 FROM live_judgment AS g"                                 \
    " WHERE g.comparison = j.comparison AND g.dimension = c.dimension"         \
    " AND g.annotator = c.gold)"

/* The standing judgments j of annotator ?2 in campaign c, ?1: of its tasks and
 * of its gold pairs. For SELECT; more conditions may follow. */
#define PREFDB__OWN                                                            \
    " FROM live_judgment AS j JOIN campaign AS c ON c.id = ?1"                 \
    " AND c.dimension = j.dimension WHERE j.annotator = ?2"                    \
    " AND j.annotator <> '' AND (EXISTS (SELECT 1 FROM task AS t"              \
    "  WHERE t.campaign = ?1 AND t.comparison = j.comparison)"                 \
    "  OR " PREFDB__IS_GOLD ")"

#endif
