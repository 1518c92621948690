/* Tokenizing on one core against SentencePiece's own encoder.
 *
 *     bench_tokenize [TOKENIZER.MODEL [FILE...]]
 *
 * The texts are the strings of 40 bytes and more in FILE (JSON lines, plain or
 * gzip), each on one line; by default of public data in $PREFKIT_DATA. The same
 * lines go through spm_encode (Debian: sentencepiece) where that is installed,
 * and its ids are compared with ours. Processor time of both, the best of
 * three; from spm_encode's, what it takes for no lines is taken off. */
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/lines.h"
#include "infer/infer.h"
#include "tests/bench/must.h"

enum { SHORTEST = 40, TIMES = 3, NOT_FOUND = 127 };

static void fail(const char *what)
{
    perror(what);
    exit(4);
}

/* Every long string under `item`, as a line. */
static void collect(const cJSON *item, struct pk_buf *texts)
{
    for (; item; item = item->next) {
        collect(item->child, texts);
        if (!cJSON_IsString(item) || strlen(item->valuestring) < SHORTEST)
            continue;
        for (const char *p = item->valuestring; *p; p++)
            pk_buf_addc(texts, *p == '\n' || *p == '\r' ? ' ' : *p);
        pk_buf_addc(texts, '\n');
    }
}

static void read_texts(const char *path, struct pk_buf *texts)
{
    struct pk_lines *in;
    char *line;
    size_t len;
    int rc;
    must(pk_lines_open(&in, path, &err));
    while ((rc = pk_lines_next(in, &line, &len, &err)) > 0) {
        cJSON *row = cJSON_Parse(line);
        collect(row, texts);
        cJSON_Delete(row);
    }
    must(rc);
    pk_lines_close(in);
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Every line's ids, each followed by -1. */
static double ours(const struct infer_tokenizer *t, const struct pk_buf *texts,
                   struct infer_ids *ids)
{
    double best = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        double from = processor_seconds();
        ids->len = 0;
        for (const char *p = texts->data, *end; p < texts->data + texts->len;
             p = end + 1) {
            end = strchr(p, '\n');
            must(infer_tokenizer_encode(t, p, (size_t)(end - p), ids, &err));
            must(infer_ids_add(ids, -1, &err));
        }
        best = fmin(best, processor_seconds() - from);
    }
    return best;
}

/* Processor seconds of spm_encode; negative: it is not installed. */
static double encode(const char *model, const char *in, const char *out)
{
    struct rusage used;
    int status;
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        char arg[4096];
        snprintf(arg, sizeof arg, "--model=%s", model);
        int from = open(in, O_RDONLY);
        int to = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (from < 0 || to < 0 || dup2(from, 0) < 0 || dup2(to, 1) < 0)
            fail(out);
        execlp("spm_encode", "spm_encode", arg, "--output_format=id", NULL);
        _exit(NOT_FOUND);
    }
    if (wait4(pid, &status, 0, &used) != pid)
        fail("wait4");
    if (!WIFEXITED(status) || WEXITSTATUS(status) == NOT_FOUND)
        return -1;
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double theirs(const char *model, const char *in, const char *out)
{
    double best = INFINITY, empty = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        empty = fmin(empty, encode(model, "/dev/null", out));
        best = fmin(best, encode(model, in, out));
    }
    return best < 0 ? best : best - empty;
}

/* How many of the lines in `out` have other ids than ours. */
static size_t differing(const char *out, const struct infer_ids *ids)
{
    FILE *f = fopen(out, "r");
    size_t differ = 0, at = 0, cap = 0;
    char *line = NULL;
    if (!f)
        fail(out);
    while (at < ids->len && getline(&line, &cap, f) >= 0) {
        bool same = true;
        for (char *p = line, *end; same; p = end) {
            long id = strtol(p, &end, 10);
            same = ids->id[at] == (end == p ? -1 : id);
            if (end == p)
                break;
            at += same;
        }
        differ += !same;
        while (ids->id[at] != -1)
            at++;
        at++;
    }
    for (; at < ids->len; at++)
        differ += ids->id[at] == -1;
    free(line);
    fclose(f);
    return differ;
}

static void compare(const char *model, const struct pk_buf *texts,
                    const struct infer_ids *ids, double seconds)
{
    char dir[] = "/tmp/bench_tokenize.XXXXXX", in[64], out[64];
    if (!mkdtemp(dir))
        fail(dir);
    snprintf(in, sizeof in, "%s/in", dir);
    snprintf(out, sizeof out, "%s/out", dir);
    FILE *f = fopen(in, "w");
    if (!f || fwrite(texts->data, 1, texts->len, f) != texts->len || fclose(f))
        fail(in);
    double other = theirs(model, in, out);
    if (other < 0)
        printf("SentencePiece (spm_encode): not installed\n");
    else
        printf("SentencePiece (spm_encode) %8.2f MB/s: ours %.2f times as "
               "fast, %zu lines with other ids\n",
               (double)texts->len / other * 1e-6, other / seconds,
               differing(out, ids));
    unlink(in);
    unlink(out);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"hh-rlhf-harmless/pairs.jsonl.gz",
                                        "pku-saferlhf-safety/pairs.jsonl.gz",
                                        "oasst-rank-zh/ranked.jsonl.gz"};
    const char *data = getenv("PREFKIT_DATA");
    char model[4096], path[4096];
    struct pk_buf texts = PK_BUF_INIT((size_t)1 << 30);
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    data = data ? data : "../shared/data";
    snprintf(model, sizeof model, "%s/llama2-tokenizer/tokenizer.model", data);
    if (argc < 2 && access(model, R_OK) != 0) {
        printf("tokenizing: no %s\n", model);
        return 0;
    }
    const char *from = argc > 1 ? argv[1] : model;
    for (int i = 2; i < argc; i++)
        read_texts(argv[i], &texts);
    for (size_t i = 0; argc < 3 && i < sizeof usual / sizeof *usual; i++) {
        snprintf(path, sizeof path, "%s/%s", data, usual[i]);
        read_texts(path, &texts);
    }
    must(pk_buf_addc(&texts, '\n'));
    must(infer_tokenizer_open(&t, from, &err));
    double seconds = ours(t, &texts, &ids);
    printf("tokenizing, one core       %8.2f MB/s, %.2f million ids/s "
           "(%zu ids)\n",
           (double)texts.len / seconds * 1e-6, (double)ids.len / seconds * 1e-6,
           ids.len);
    compare(from, &texts, &ids, seconds);
    infer_tokenizer_close(t);
    infer_ids_release(&ids);
    pk_buf_release(&texts);
    return 0;
}
