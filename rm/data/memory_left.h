/* How much memory this process may still take. */
#ifndef PREFKIT_RM_DATA_MEMORY_LEFT_H
#define PREFKIT_RM_DATA_MEMORY_LEFT_H

#include "common/room.h"

/* The least of the memory that is free, its address space (RLIMIT_AS) and its
 * cgroup's limit. */
void rm_memory_left(struct pk_room *r);

#endif
