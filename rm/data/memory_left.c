#include "rm/data/memory_left.h"

#include <omp.h>

/* Address space that OpenBLAS (measured, 0.3.21) takes for a thread's first
 * product; where it gets none it tries again for ever. */
enum { BLAS_BUFFER = 129 << 20 };

void rm_memory_left(struct pk_room *r)
{
    pk_room_memory(r, "");
    pk_room_address_space(r, (uint64_t)omp_get_max_threads() * BLAS_BUFFER);
}
