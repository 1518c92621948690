/* Is there a tile unit to compute on? See gemm_tiles.h. */
#include "infer/math/gemm_tiles.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool there, allowed = true;

#ifdef PREFKIT_TILES_EMULATED

static void look(void)
{
    there = true;
}

#elif defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What gemm_tiles.c is compiled for. */
static bool processor_has_it(void)
{
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AVX512_BF16 = 1 << 5 };
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl") ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_BF16) ||
        !(d & AMX_TILE))
        return false;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & AVX512_BF16;
}

/* Linux keeps the tiles' state only for a process that asked for it. */
static bool system_gives_it(void)
{
    enum { ASK = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM */
    return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}

static void look(void)
{
    const char *told = getenv("PREFKIT_TILES");
    there = !(told && strcmp(told, "0") == 0) && processor_has_it() &&
            system_gives_it();
}

#else

static void look(void)
{
    there = false;
}

#endif

bool infer_tiles_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return there && allowed;
}

void infer_tiles_allow(bool yes)
{
    allowed = yes;
}
