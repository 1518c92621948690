/* Private to prefdb/: one file into the store. */
#ifndef PREFKIT_PREFDB_IMPORT_IMPORT_H
#define PREFKIT_PREFDB_IMPORT_IMPORT_H

#include <limits.h>
#include <stdio.h>

#include "common/progress.h"
#include "prefdb/import/format.h"
#include "prefdb/store/write.h"

struct prefdb__import {
    const char *path;                    /* "-": standard input */
    const struct prefdb__format *format; /* NULL: from the first row */
    const char *source;                  /* NULL: from the path */
    int dimension;                       /* enum prefdb_dimension, or -1 */
    int split;                           /* enum prefdb_split, or -1: by hash */
    bool skip_bad;                       /* go on after a bad row */
    bool dry_run;                        /* keep nothing */
    const struct prefdb__pairs *pairs;   /* for votes on them; or NULL */
    FILE *rejects;                       /* bad rows, as JSON lines; or NULL */
    struct pk_progress *progress;        /* or NULL */
};

#define PREFDB__REASONS 32 /* the last stands for all further ones */
#define PREFDB__LINES   10 /* line numbers kept for each */

struct prefdb__reason {
    char text[160];
    uint64_t n, lines[PREFDB__LINES];
};

/* What became of the file. A row is taken or bad; one that is taken holds one
 * comparison, or several, or a lone response, or is half of a pair. */
struct prefdb__report {
    const struct prefdb__format *format; /* NULL: no row was recognised */
    char source[256];
    char shared[PATH_MAX]; /* another file whose rows have the same source,
                              where nobody chose it; "": none */
    char sha256[65];
    const char *unit; /* of the numbers below: "line" or "element" */
    uint64_t rows, bad;
    bool stopped;        /* at a bad row */
    uint64_t equal;      /* pairs of a ranking left out: the same text twice */
    uint64_t unanswered; /* messages left out: nobody answered them */
    uint64_t other;      /* judgments left out: of the other dimension */
    uint64_t sourced;    /* comparisons that say their own source */
    uint64_t leaks;      /* root prompts now in more than one split */
    struct prefdb__counts counts;
    struct prefdb__reason reasons[PREFDB__REASONS];
    size_t n_reasons;
};

/* All of the file or nothing of it. PK_EDATA for a bad row ("FILE:17: reason")
 * unless rows are skipped; PK_EUSAGE when the format needs a dimension;
 * PK_EINTR; PK_EIO. */
PK_NODISCARD int prefdb__import_file(struct prefdb *db,
                                     const struct prefdb__import *o,
                                     struct prefdb__report *report,
                                     struct pk_err *err);

/* What `import --json` prints, with no file in *files yet; NULL (and *files)
 * when out of memory. */
cJSON *prefdb__report(const char *store, cJSON **files);

/* The report as JSON, added to these files. False when out of memory. */
bool prefdb__report_add(cJSON *list, const struct prefdb__import *o,
                        const struct prefdb__report *r);

#endif
