/* Private to common/: text that is compressed in its file. */
#ifndef PREFKIT_COMMON_GZ_H
#define PREFKIT_COMMON_GZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Does a name say that the file is compressed ("rows.jsonl.gz")? */
bool pk_gz_named(const char *path);

/* A stream whose bytes go to `to` as one gzip member, which fclose ends without
 * closing `to`. The same bytes give the same member: it bears no name and no
 * time. NULL when out of memory. */
FILE *pk_gz_stream(FILE *to);

/* The bytes of a file that may be compressed: of gzip members one after
 * another, with nothing but zeros behind the last, or as they are. Takes the
 * descriptor over; NULL, and it stays the caller's, when out of memory. */
struct pk_gz_in;
struct pk_gz_in *pk_gz_in_new(int fd);
void pk_gz_in_free(struct pk_gz_in *g);

/* Up to n bytes; 0 at the end. -1: *why the gzip data is damaged or, where that
 * is NULL, errno: after EINTR one may go on. */
ssize_t pk_gz_in_read(struct pk_gz_in *g, char *to, size_t n, const char **why);

/* Bytes of the file, as they lie there, that were used so far. */
uint64_t pk_gz_in_taken(const struct pk_gz_in *g);

#endif
