/* Several processes as one trainer; see ranks.h. */
#include "rm/train/ranks.h"

#include <stdlib.h>
#include <string.h>

#ifdef PREFKIT_MPI

#include <limits.h>
#include <mpi.h>

#include "common/mem.h"

/* Floats that one rank sums at a time: n of these come in, one goes out. */
enum { BLOCK = 1 << 18 };

static int check(int code, struct pk_err *err)
{
    char text[MPI_MAX_ERROR_STRING];
    int n = 0;
    if (code == MPI_SUCCESS)
        return 0;
    MPI_Error_string(code, text, &n);
    return pk_fail(err, PK_EIO, "MPI: %.*s", n, text);
}

int rm_ranks_open(struct rm_ranks *r, struct pk_err *err)
{
    int n, mine, level;
    *r = (struct rm_ranks){.n = 1};
    int rc =
        check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), err);
    if (rc)
        return rc;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    MPI_Comm_rank(MPI_COMM_WORLD, &mine);
    r->n = (size_t)n;
    r->mine = (size_t)mine;
    if (n == 1)
        return 0;
    r->scratch = pk_calloc_aligned(2 * BLOCK * r->n, sizeof(float));
    return rm_ranks_agree(
        r, r->scratch ? 0 : pk_fail_mem(err, "the sum over ranks"), err);
}

void rm_ranks_close(struct rm_ranks *r)
{
    int up = 0;
    free(r->scratch);
    r->scratch = NULL;
    MPI_Initialized(&up);
    if (up)
        MPI_Finalize();
}

int rm_ranks_agree(const struct rm_ranks *r, int rc, struct pk_err *err)
{
    if (r->n == 1)
        return rc;
    struct pk_err one = {0};
    int mine = rc ? (int)r->mine : INT_MAX, first = INT_MAX;
    int bad = check(
        MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD), err);
    if (bad || first == INT_MAX)
        return bad;
    if (first == mine)
        one = *err;
    bad = check(MPI_Bcast(&one, sizeof one, MPI_BYTE, first, MPI_COMM_WORLD),
                err);
    if (bad)
        return bad;
    *err = one;
    return one.code;
}

/* n * BLOCK floats at a time: each rank gets everybody's part of its own block,
 * sums it, and gives it back to all. Floats travel; the sum is in double. */
static int sum_blocks(const struct rm_ranks *r, float *x, struct pk_err *err)
{
    float *in = r->scratch, *out = in + BLOCK * r->n;
    int rc = check(
        MPI_Alltoall(x, BLOCK, MPI_FLOAT, in, BLOCK, MPI_FLOAT, MPI_COMM_WORLD),
        err);
    if (rc)
        return rc;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < BLOCK; i++) {
        double sum = 0;
        for (size_t k = 0; k < r->n; k++)
            sum += (double)in[k * BLOCK + i];
        out[i] = (float)sum;
    }
    return check(MPI_Allgather(out, BLOCK, MPI_FLOAT, x, BLOCK, MPI_FLOAT,
                               MPI_COMM_WORLD),
                 err);
}

int rm_ranks_sum(const struct rm_ranks *r, float *x, size_t n,
                 struct pk_err *err)
{
    size_t each = BLOCK * r->n, whole = n / each * each;
    int rc = 0;
    if (r->n == 1)
        return 0;
    for (size_t at = 0; at < whole && rc == 0; at += each)
        rc = sum_blocks(r, x + at, err);
    if (rc || whole == n)
        return rc;
    float *rest = pk_calloc_aligned(each, sizeof *rest);
    rc = rm_ranks_agree(r, rest ? 0 : pk_fail_mem(err, "the sum over ranks"),
                        err);
    if (rc == 0) {
        memcpy(rest, x + whole, (n - whole) * sizeof *x);
        rc = sum_blocks(r, rest, err);
        memcpy(x + whole, rest, (n - whole) * sizeof *x);
    }
    free(rest);
    return rc;
}

int rm_ranks_sum_doubles(const struct rm_ranks *r, double *x, size_t n,
                         struct pk_err *err)
{
    if (r->n == 1)
        return 0;
    double *all = pk_calloc(r->n * n, sizeof *all);
    int rc = rm_ranks_agree(r, all ? 0 : pk_fail_mem(err, "the sum over ranks"),
                            err);
    if (rc == 0)
        rc = check(MPI_Allgather(x, (int)n, MPI_DOUBLE, all, (int)n, MPI_DOUBLE,
                                 MPI_COMM_WORLD),
                   err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        x[i] = 0;
        for (size_t k = 0; k < r->n; k++)
            x[i] += all[k * n + i];
    }
    free(all);
    return rc;
}

int rm_ranks_tell(const struct rm_ranks *r, void *bytes, size_t n,
                  struct pk_err *err)
{
    if (r->n == 1)
        return 0;
    return check(MPI_Bcast(bytes, (int)n, MPI_BYTE, 0, MPI_COMM_WORLD), err);
}

#else

#include "common/num.h"

int rm_ranks_open(struct rm_ranks *r, struct pk_err *err)
{
    /* How Open MPI and the launchers that speak PMI number a job. */
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    *r = (struct rm_ranks){.n = 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const char *n = getenv(sizes[i]);
        uint64_t ranks;
        if (n && pk_parse_u64(n, 2, SIZE_MAX, &ranks))
            return pk_fail(err, PK_EUSAGE,
                           "started as one of %s processes, but built without "
                           "MPI: build with `make MPI=1`",
                           n);
    }
    return 0;
}

void rm_ranks_close(struct rm_ranks *r)
{
    (void)r;
}

int rm_ranks_agree(const struct rm_ranks *r, int rc, struct pk_err *err)
{
    (void)r, (void)err;
    return rc;
}

int rm_ranks_sum(const struct rm_ranks *r, float *x, size_t n,
                 struct pk_err *err)
{
    (void)r, (void)x, (void)n, (void)err;
    return 0;
}

int rm_ranks_sum_doubles(const struct rm_ranks *r, double *x, size_t n,
                         struct pk_err *err)
{
    (void)r, (void)x, (void)n, (void)err;
    return 0;
}

int rm_ranks_tell(const struct rm_ranks *r, void *bytes, size_t n,
                  struct pk_err *err)
{
    (void)r, (void)bytes, (void)n, (void)err;
    return 0;
}

#endif
