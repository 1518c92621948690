/* How much memory there is for this process to take. */
#ifndef PREFKIT_COMMON_ROOM_H
#define PREFKIT_COMMON_ROOM_H

#include <stdint.h>

struct pk_room {
    uint64_t bytes;
    const char *limit; /* what sets it: "free memory", ...; not owned */
};

/* The least of the memory that is free and what this process's control groups
 * (a container's, a batch job's), of version 1 or 2, leave it; page cache
 * counts as free. `root` stands before /proc and /sys: "" but in tests. */
void pk_room_memory(struct pk_room *r, const char *root);

/* That, and of its address space (ulimit -v) without `reserve` bytes. */
void pk_room_address_space(struct pk_room *r, uint64_t reserve);

#endif
