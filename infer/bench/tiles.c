/* What the tile unit could do if operands cost nothing; see bench.h. */
#include <math.h>
#include <omp.h>

#include "common/progress.h"
#include "infer/bench/bench.h"
#include "infer/math/gemm_tiles.h"
#include "infer/math/tile_unit.h"

enum { ROUNDS = 2000000 };

TILE_CODE static void products(void)
{
    tiles_on();
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    tile_zero(4);
    tile_zero(5);
    tile_zero(6);
    tile_zero(7);
    for (long i = 0; i < ROUNDS; i++) {
        tile_product(0, 4, 6);
        tile_product(1, 4, 7);
        tile_product(2, 5, 6);
        tile_product(3, 5, 7);
    }
    tiles_off();
}

double infer_bench_tile_peak(void)
{
    double best = INFINITY, flop = 4.0 * ROUNDS * 2 * TILE * TILE * TILE_K;
    if (!infer_tiles_here())
        return 0;
    for (int i = 0; i < 3; i++) {
        double from = pk_now();
#pragma omp parallel
        products();
        best = fmin(best, pk_now() - from);
    }
    return omp_get_max_threads() * flop / best * 1e-9;
}
