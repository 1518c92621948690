/* Loops compiled for several instruction sets, of which the program chooses
 * when it starts. All give the same bits: what is summed is summed in a fixed
 * number of lanes, and nothing is contracted to FMA. */
#ifndef PREFKIT_COMMON_CPUS_H
#define PREFKIT_COMMON_CPUS_H

/* clang before 16 names what it makes of them so that other files do not find
 * it; it builds the fuzz targets. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define MANY_CPUS __attribute__((target_clones("avx512f", "avx2", "default")))
#define CPUS_X86  /* functions for one of them can be compiled */
#else
#define MANY_CPUS
#endif

/* What such a loop calls: compiled with it, for each. */
#define CPUS_INLINE static inline __attribute__((always_inline))

#endif
