/* Private to prefdb/: a file that grows while it is written, on its way to the
 * disk meanwhile, so that a sync at the end finds little left to do. */
#ifndef PREFKIT_PREFDB_STORE_WRITEBACK_H
#define PREFKIT_PREFDB_STORE_WRITEBACK_H

struct prefdb__writeback;

/* For the file that this process has open for writing at `path`, from where it
 * ends now. It only hurries: NULL where that can't be done. */
struct prefdb__writeback *prefdb__writeback_start(const char *path);
void prefdb__writeback_stop(struct prefdb__writeback *w); /* NULL is fine */

#endif
