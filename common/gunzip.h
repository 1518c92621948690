/* Private to common/: the bytes of a file, whether it is compressed or not. */
#ifndef PREFKIT_COMMON_GUNZIP_H
#define PREFKIT_COMMON_GUNZIP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What begins as gzip is taken for it: members one behind the other, and then
 * zeros, with which tapes are filled up, or nothing. Anything else that follows
 * is an error: zlib's own gzread passes over it without a word, and rows that
 * somebody has put there would be lost. */
struct pk_gunzip;

/* `fd` becomes the reader's. NULL when out of memory; then it is still the
 * caller's. */
struct pk_gunzip *pk_gunzip_open(int fd);

/* At most `size` bytes, less than 2^31: how many, at least one; 0 at the end;
 * -1 on failure, and then what is wrong with the data is in *why, or NULL where
 * errno says what is wrong (after EINTR the call may be made again; one that
 * gave bytes may have been cut short by a signal too). */
ssize_t pk_gunzip_read(struct pk_gunzip *in, char *to, size_t size,
                       const char **why);

/* Bytes of the file that have been used, as they lie there. */
uint64_t pk_gunzip_at(const struct pk_gunzip *in);

void pk_gunzip_close(struct pk_gunzip *in); /* NULL is fine */

#endif
