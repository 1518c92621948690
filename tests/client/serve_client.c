/* A client for `prefkit serve`, for tests/cli/serve.sh.
 *
 *     serve_client HOST:PORT raw <REQUEST >REPLY
 *         Send bytes as they are, and write what comes back until the server
 *         closes the connection.
 *
 *     serve_client HOST:PORT load WANT.jsonl CONNECTIONS REQUESTS SECONDS KILL
 *         Many connections at once, each asking for the scores of texts drawn
 *         from WANT.jsonl (what `score` wrote of rows with "text"), in every
 *         shape, some of them pipelined. KILL percent of the requests are cut
 *         off: half a request and away, or away without the reply. Each answer
 *         is compared with score's. Ends after so many requests, or (if that is
 *         not 0) so many seconds, or when the server does. Status 1 for a
 *         wrong, lost or crossed answer. Says what it saw as one JSON line. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"

enum { MOST_TEXTS = 6, MOST_PIPED = 3 };

struct want {
    char *text; /* quoted */
    double score;
};

struct load {
    struct addrinfo *at;
    struct want *want;
    size_t n, cap;
    uint64_t requests, kill;
    double until; /* 0: no end */
    atomic_uint_fast64_t begun, answered, texts, killed, piped, busy, ended;
    atomic_uint_fast64_t wrong;
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static struct addrinfo *find(const char *where)
{
    struct addrinfo *list, want = {.ai_socktype = SOCK_STREAM};
    char host[64];
    const char *colon = strrchr(where, ':');
    snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - where) : 0,
             where);
    if (!colon || getaddrinfo(host, colon + 1, &want, &list) != 0)
        die(where);
    return list;
}

/* -1 when nobody listens. A reply may be long in coming, but not for ever. */
static int open_connection(const struct addrinfo *at)
{
    struct timeval patience = {.tv_sec = 120};
    int fd = socket(at->ai_family, SOCK_STREAM, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* ---- Replies ------------------------------------------------------------- */

struct reader {
    int fd;
    char data[1 << 16];
    size_t at, len;
};

/* -1 at the end of the connection. */
static int next_byte(struct reader *r)
{
    if (r->at == r->len) {
        ssize_t k = recv(r->fd, r->data, sizeof r->data, 0);
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            die("no reply");
        if (k <= 0)
            return -1;
        r->at = 0;
        r->len = (size_t)k;
    }
    return (unsigned char)r->data[r->at++];
}

static bool read_line(struct reader *r, char line[512])
{
    size_t n = 0;
    int c;
    while ((c = next_byte(r)) >= 0 && c != '\n')
        if (c != '\r' && n < 511)
            line[n++] = (char)c;
    line[n] = 0;
    return c >= 0;
}

/* The status and the body; 0 when the connection ended before a reply began,
 * -1 when it ended in the middle of one. */
static int read_reply(struct reader *r, struct pk_buf *body)
{
    char line[512];
    int status = 0, retry = 0;
    unsigned long long length = 0;
    pk_buf_reset(body);
    if (!read_line(r, line))
        return line[0] ? -1 : 0;
    if (sscanf(line, "HTTP/1.1 %d", &status) != 1)
        return -1;
    while (read_line(r, line) && line[0]) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            length = strtoull(line + 15, NULL, 10);
        retry |= strncasecmp(line, "Retry-After: ", 13) == 0;
    }
    for (int c; body->len < length; pk_buf_addc(body, (char)c))
        if ((c = next_byte(r)) < 0)
            return -1;
    return status == 503 && !retry ? -1 : status;
}

/* ---- One request --------------------------------------------------------- */

enum shape { OPENRLHF, CLASSIFY, POOLING, ROWS, N_SHAPES };

struct asked {
    enum shape shape;
    size_t n, text[MOST_TEXTS];
};

static const char *const paths[N_SHAPES] = {"/get_reward", "/v1/classify",
                                            "/pooling", "/score"};

static void draw(const struct load *l, struct pk_rng *rng, struct asked *a)
{
    a->shape = (enum shape)pk_rng_below(rng, N_SHAPES);
    a->n = 1 + pk_rng_below(rng, MOST_TEXTS);
    for (size_t i = 0; i < a->n; i++)
        a->text[i] = pk_rng_below(rng, l->n);
}

static void write_request(const struct load *l, const struct asked *a,
                          struct pk_buf *out)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 26);
    if (a->shape != ROWS)
        pk_buf_addf(&b, "{\"%s\":[", a->shape == OPENRLHF ? "query" : "input");
    for (size_t i = 0; i < a->n; i++)
        pk_buf_addf(&b, a->shape == ROWS ? "{\"text\":%s}\n" : "%s%s",
                    a->shape == ROWS ? l->want[a->text[i]].text
                    : i              ? ","
                                     : "",
                    l->want[a->text[i]].text);
    if (a->shape != ROWS)
        pk_buf_adds(&b, "]}");
    pk_buf_addf(out,
                "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                paths[a->shape], b.len);
    pk_buf_add(out, b.data, b.len);
    pk_buf_release(&b);
}

/* Number i of a reply in one JSON object; NAN-free: NULL where there is none.
 */
static const cJSON *number(const cJSON *reply, enum shape shape, size_t i)
{
    if (shape == OPENRLHF)
        return cJSON_GetArrayItem(cJSON_GetObjectItem(reply, "rewards"),
                                  (int)i);
    const cJSON *d =
        cJSON_GetArrayItem(cJSON_GetObjectItem(reply, "data"), (int)i);
    return cJSON_GetArrayItem(
        cJSON_GetObjectItem(d, shape == CLASSIFY ? "probs" : "data"), 0);
}

static bool right(const struct load *l, const struct asked *a, struct pk_buf *b)
{
    char *rest = b->data, *line;
    cJSON *j = a->shape == ROWS ? NULL : cJSON_Parse(rest);
    bool ok = true;
    for (size_t i = 0; i < a->n && ok; i++) {
        const cJSON *v = j ? number(j, a->shape, i) : NULL;
        cJSON *row = NULL;
        if (a->shape == ROWS && (line = strsep(&rest, "\n"))) {
            row = cJSON_Parse(line);
            v = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "scores"), "help");
        }
        ok = cJSON_IsNumber(v) && v->valuedouble == l->want[a->text[i]].score;
        cJSON_Delete(row);
    }
    cJSON_Delete(j);
    return ok;
}

/* ---- A connection -------------------------------------------------------- */

static bool more(struct load *l)
{
    if (l->until > 0)
        return pk_now() < l->until;
    return atomic_fetch_add(&l->begun, 1) < l->requests;
}

/* Part of the request, or all of it, and away. */
static void walk_away(struct load *l, int fd, const struct pk_buf *b,
                      struct pk_rng *rng)
{
    size_t n = pk_rng_below(rng, 2) ? b->len : pk_rng_below(rng, b->len);
    (void)send_all(fd, b->data, n);
    if (pk_rng_below(rng, 2)) {
        struct linger at_once = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(fd);
    l->killed++;
}

/* Read what was asked for; false when the connection is over. */
static bool take_replies(struct load *l, struct reader *r,
                         const struct asked *a, size_t n)
{
    struct pk_buf body = PK_BUF_INIT((size_t)1 << 26);
    bool open = true;
    for (size_t i = 0; i < n && open; i++) {
        int status = read_reply(r, &body);
        open = status > 0;
        if (status == 200 && right(l, &a[i], &body)) {
            l->answered++;
            l->texts += a[i].n;
        } else if (status == 503) {
            l->busy++;
        } else if (status == 0) {
            l->ended++;
        } else {
            fprintf(stderr, "wrong: status %d, %s: %.200s\n", status,
                    paths[a[i].shape], body.data ? body.data : "");
            l->wrong++;
        }
    }
    pk_buf_release(&body);
    return open;
}

static void *work(void *arg)
{
    struct load *l = arg;
    static atomic_uint_fast64_t number;
    struct pk_rng rng;
    struct reader r = {.fd = -1};
    pk_rng_seed(&rng, 11, atomic_fetch_add(&number, 1));
    while (more(l)) {
        struct asked a[MOST_PIPED];
        struct pk_buf b = PK_BUF_INIT((size_t)1 << 28);
        size_t n = 1 + (pk_rng_below(&rng, 4) == 0) * pk_rng_below(&rng, 3);
        for (size_t i = 0; i < n; i++) {
            draw(l, &rng, &a[i]);
            write_request(l, &a[i], &b);
        }
        l->piped += n - 1;
        if (r.fd < 0)
            r = (struct reader){.fd = open_connection(l->at)};
        bool gone = r.fd < 0;
        if (!gone && pk_rng_below(&rng, 100) < l->kill) {
            walk_away(l, r.fd, &b, &rng);
            r.fd = -1;
        } else if (!gone && (!send_all(r.fd, b.data, b.len) ||
                             !take_replies(l, &r, a, n))) {
            close(r.fd);
            r.fd = -1;
        }
        pk_buf_release(&b);
        if (gone)
            break;
    }
    if (r.fd >= 0)
        close(r.fd);
    return NULL;
}

/* ---- The modes ----------------------------------------------------------- */

static void read_wants(struct load *l, const char *path)
{
    struct pk_lines *in;
    struct pk_err err;
    char *line;
    size_t len;
    if (pk_lines_open(&in, path, &err) < 0)
        die(path);
    while (pk_lines_next(in, &line, &len, &err) > 0) {
        cJSON *j = cJSON_Parse(line);
        const cJSON *s =
            cJSON_GetObjectItem(cJSON_GetObjectItem(j, "scores"), "help");
        if (!cJSON_IsNumber(s) ||
            !pk_grow(&l->want, &l->cap, l->n + 1, sizeof *l->want))
            die(line);
        l->want[l->n++] = (struct want){
            cJSON_PrintUnformatted(cJSON_GetObjectItem(j, "text")),
            s->valuedouble};
        cJSON_Delete(j);
    }
    pk_lines_close(in);
    if (l->n == 0)
        die("no texts");
}

static int run_load(struct load *l, size_t connections, double seconds)
{
    pthread_t *thread = pk_calloc(connections, sizeof *thread);
    l->until = seconds > 0 ? pk_now() + seconds : 0;
    for (size_t i = 0; i < connections; i++)
        if (!thread || pthread_create(&thread[i], NULL, work, l) != 0)
            die("threads");
    for (size_t i = 0; i < connections; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    printf("{\"answered\":%llu,\"texts\":%llu,\"killed\":%llu,\"piped\":%llu,"
           "\"busy\":%llu,\"ended\":%llu,\"wrong\":%llu}\n",
           (unsigned long long)l->answered, (unsigned long long)l->texts,
           (unsigned long long)l->killed, (unsigned long long)l->piped,
           (unsigned long long)l->busy, (unsigned long long)l->ended,
           (unsigned long long)l->wrong);
    return l->wrong != 0;
}

static int run_raw(const struct addrinfo *at)
{
    char chunk[4096];
    size_t n;
    ssize_t k;
    int fd = open_connection(at);
    if (fd < 0)
        die("connect");
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        if (!send_all(fd, chunk, n))
            break; /* the reply may be there already */
    while ((k = recv(fd, chunk, sizeof chunk, 0)) > 0)
        fwrite(chunk, 1, (size_t)k, stdout);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    struct load l = {0};
    if (argc < 3)
        return 2;
    l.at = find(argv[1]);
    if (strcmp(argv[2], "raw") == 0)
        return run_raw(l.at);
    if (argc != 8)
        return 2;
    read_wants(&l, argv[3]);
    l.requests = strtoull(argv[5], NULL, 10);
    l.kill = strtoull(argv[7], NULL, 10);
    return run_load(&l, strtoull(argv[4], NULL, 10), strtod(argv[6], NULL));
}
