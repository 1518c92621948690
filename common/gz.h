/* Private to common/: text that is compressed on its way into a file. */
#ifndef PREFKIT_COMMON_GZ_H
#define PREFKIT_COMMON_GZ_H

#include <stdbool.h>
#include <stdio.h>

/* Does a name say that the file is compressed ("rows.jsonl.gz")? */
bool pk_gz_named(const char *path);

/* A stream whose bytes go to `to` as one gzip member, which fclose ends without
 * closing `to`. The same bytes give the same member: it bears no name and no
 * time. NULL when out of memory. */
FILE *pk_gz_stream(FILE *to);

#endif
