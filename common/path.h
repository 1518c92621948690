/* Names of files, and the folders that hold them. */
#ifndef PREFKIT_COMMON_PATH_H
#define PREFKIT_COMMON_PATH_H

#include <stdbool.h>

#include "common/err.h"

/* *out = "DIR/NAME"; the caller frees it. */
PK_NODISCARD int pk_path(char **out, const char *dir, const char *name,
                         struct pk_err *err);

/* `path`, or, where it is a symbolic link, the file that it leads to, so that
 * putting a new file there leaves the link a link; the caller frees. NULL when
 * out of memory. */
char *pk_path_behind(const char *path);

/* Are both the same file, by whatever names and links; or, where neither is
 * there, would they be? */
bool pk_same_file(const char *a, const char *b);

/* Is, or would be, the file that `path` leads to in this folder itself? */
bool pk_in_folder(const char *path, const char *folder);

/* Is the open file, or folder, still the one of that name? */
bool pk_still_named(int fd, const char *path);

/* Flush the folder that holds `path`, so that a new name in it lasts. */
PK_NODISCARD int pk_sync_parent(const char *path, struct pk_err *err);

#endif
