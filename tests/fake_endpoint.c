#include "tests/fake_endpoint.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

/* One request being answered. */
struct peer {
    int fd;
    char fault[32], path[128], auth[128];
    char *body;
    size_t step; /* bytes of one write; 0: as they come */
};

/* How often the faults that come to an end have been asked for. */
static struct {
    int busy, down, dropped;
} * asked;

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* The client has gone: so does this process. */
static void say_bytes(struct peer *p, const char *s, size_t n)
{
    while (n) {
        size_t piece = p->step && p->step < n ? p->step : n;
        ssize_t wrote = send(p->fd, s, piece, MSG_NOSIGNAL);
        if (wrote <= 0)
            _exit(0);
        s += wrote;
        n -= (size_t)wrote;
        if (p->step)
            pause_ms(1);
    }
}

/* Say no more, but keep the line until the client hangs up. */
static void hold(struct peer *p)
{
    char c;
    while (recv(p->fd, &c, 1, 0) > 0)
        ;
}

static void say(struct peer *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct peer *p, const char *fmt, ...)
{
    char *text;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    say_bytes(p, text, (size_t)n);
    free(text);
}

static void head(struct peer *p, const char *status, const char *type,
                 const char *more)
{
    say(p, "HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n%s\r\n",
        status, type, more);
}

static void stream_head(struct peer *p)
{
    head(p, "200 OK", "text/event-stream", "");
    say(p, ": a comment, to keep the connection\n\n");
    say(p, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"fake-1\","
           "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
           "\"content\":null},\"finish_reason\":null}]}\n\n");
}

static void chunk(struct peer *p, const char *text)
{
    cJSON *s = cJSON_CreateString(text);
    char *quoted = cJSON_PrintUnformatted(s);
    say(p,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},"
        "\"finish_reason\":null}]}\r\n\r\n",
        quoted);
    free(quoted);
    cJSON_Delete(s);
}

/* A word at a time, `ms` between them. */
static void words(struct peer *p, const char *text, long ms)
{
    char word[256];
    while (*text) {
        size_t n = strcspn(text + 1, " ") + 1;
        snprintf(word, sizeof word, "%.*s", (int)n, text);
        chunk(p, word);
        if (ms)
            pause_ms(ms);
        text += n;
    }
}

static void finish(struct peer *p, const char *why)
{
    say(p,
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
        "\"%s\"}]}\n\n",
        why);
    say(p, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
           "\"completion_tokens\":12}}\n\ndata: [DONE]\n\n");
}

static void whole(struct peer *p, const char *text)
{
    stream_head(p);
    words(p, text, 0);
    finish(p, "stop");
}

/* ---- What it may do ------------------------------------------------------ */

static const char blue[] =
    "Sunlight has many colours. The air throws the blue around more than the "
    "red, so blue comes from everywhere.\n\nIn the evening the light has a "
    "longer way, and the red is what is left.";
static const char brief[] = "Because of scattering.";

static void plain(struct peer *p)
{
    whole(p, blue);
}

static void other(struct peer *p)
{
    whole(p, brief);
}

static void bytes(struct peer *p)
{
    p->step = 1;
    whole(p, "Gr\xc3\xbc\xc3\x9f"
             "e \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x99\x82");
}

/* What was asked, as the answer: to see that the two sides differ. */
static void echo(struct peer *p)
{
    stream_head(p);
    chunk(p, p->auth[0] ? p->auth : "no key");
    chunk(p, "\n");
    chunk(p, p->body);
    finish(p, "stop");
}

static void temperature(struct peer *p)
{
    char text[64];
    cJSON *j = cJSON_Parse(p->body);
    const cJSON *t = cJSON_GetObjectItem(j, "temperature");
    snprintf(text, sizeof text, "Said at %.2f degrees.",
             cJSON_GetNumberValue(t));
    cJSON_Delete(j);
    whole(p, text);
}

static void endless(struct peer *p)
{
    stream_head(p);
    for (int i = 1;; i++) {
        char text[32];
        snprintf(text, sizeof text, "word %d ", i);
        chunk(p, text);
        pause_ms(20);
    }
}

/* Two megabytes, as fast as they are taken. */
static void flood(struct peer *p)
{
    char text[512];
    stream_head(p);
    for (int i = 1; i <= 4096; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        snprintf(text, sizeof text, "%d", i);
        text[strlen(text)] = ' ';
        text[sizeof text - 1] = 0;
        chunk(p, text);
    }
    finish(p, "stop");
}

static void busy(struct peer *p)
{
    if (__sync_fetch_and_add(&asked->busy, 1) % 2) {
        plain(p);
        return;
    }
    head(p, "429 Too Many Requests", "application/json", "Retry-After: 1\r\n");
    say(p, "{\"error\":\"the queue is full\",\"error_type\":\"overloaded\"}");
}

/* Once, and asks for a short wait. */
static void loading(struct peer *p)
{
    if (__sync_fetch_and_add(&asked->down, 1) % 2) {
        plain(p);
        return;
    }
    head(p, "503 Service Unavailable", "application/json",
         "retry-after-ms: 20\r\n");
    say(p, "{\"error\":{\"code\":503,\"message\":\"Loading model\","
           "\"type\":\"unavailable_error\"}}");
}

static void down(struct peer *p)
{
    head(p, "503 Service Unavailable", "text/plain",
         "x-should-retry: false\r\n");
    say(p, "no\033[31m upstream");
}

static void later(struct peer *p)
{
    head(p, "429 Too Many Requests", "application/json",
         "Retry-After: 3600\r\n");
    say(p, "{\"error\":{\"message\":\"come back in an hour\"}}");
}

static void unknown(struct peer *p)
{
    cJSON *j = cJSON_Parse(p->body);
    head(p, "404 Not Found", "application/json", "");
    say(p,
        "{\"error\":{\"message\":\"model '%s' not found on 127.0.0.1:8000\","
        "\"type\":\"not_found_error\",\"param\":null,\"code\":null}}",
        cJSON_GetStringValue(cJSON_GetObjectItem(j, "model")));
    cJSON_Delete(j);
}

static void denied(struct peer *p)
{
    head(p, "401 Unauthorized", "application/json", "");
    say(p, "{\"error\":{\"code\":401,\"message\":\"Invalid API Key\","
           "\"type\":\"authentication_error\"}}");
}

static void moved(struct peer *p)
{
    head(p, "301 Moved Permanently", "text/html",
         "Location: http://127.0.0.1:1/\r\n");
}

static void html(struct peer *p)
{
    head(p, "200 OK", "text/html", "");
    say(p, "<html>Welcome</html>");
}

static void late_llama_old(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "error: {\"code\":500,\"message\":\"slot gone\"}\n\n");
}

static void late_llama(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"error\":{\"code\":500,\"message\":\"slot gone\"}}\n\n");
}

static void late_vllm(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"object\":\"error\",\"message\":\"slot gone\","
           "\"type\":\"x\"}\n\ndata: [DONE]\n\n");
}

static void late_tgi(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"error\":{\"message\":\"slot gone\",\"http_status_code\":"
           "422}}\n\ndata: [DONE]\n\n");
}

static void late_ollama(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"error\":\"slot gone\"}\n\n");
}

/* An error after the response had its end: still none to be rated. */
static void after_end(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
           "\"stop\"}]}\n\ndata: {\"error\":\"slot gone\"}\n\n");
}

static void garbage(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"choices\": [{]}\n\n");
}

/* Text in an encoding that is not UTF-8. */
static void latin(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: {\"choices\":[{\"delta\":{\"content\":\"Gr\xfc\xdf"
           "e\"}}]}\n\n");
    finish(p, "stop");
}

static void stall(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    hold(p);
}

/* Not even a status. */
static void silent(struct peer *p)
{
    hold(p);
}

static void drop(struct peer *p)
{
    struct linger hard = {1, 0};
    stream_head(p);
    words(p, brief, 0);
    pause_ms(50);
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static void drop_once(struct peer *p)
{
    if (__sync_fetch_and_add(&asked->dropped, 1) == 0)
        drop(p);
    else
        plain(p);
}

static void no_finish(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
    say(p, "data: [DONE]\n\n");
}

static void end_early(struct peer *p)
{
    stream_head(p);
    words(p, brief, 0);
}

static void limit(struct peer *p)
{
    stream_head(p);
    words(p, "Because of scat", 0);
    finish(p, "length");
}

static void hostile(struct peer *p)
{
    whole(p,
          "\033]0;owned\007\033[2J\xc2\x9b"
          "31m \xe2\x80\xaeright to left\xe2\x80\xac \xe4\xbd\xa0\xe5\xa5\xbd");
}

static void thinker(struct peer *p)
{
    stream_head(p);
    say(p, "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}"
           "\n\ndata: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n");
    words(p, brief, 0);
    finish(p, "stop");
}

/* It says all there is to say, and keeps the line. */
static void holds_on(struct peer *p)
{
    whole(p, brief);
    hold(p);
}

static const struct {
    const char *name;
    void (*answer)(struct peer *);
} faults[] = {{"plain", plain},
              {"other", other},
              {"bytes", bytes},
              {"echo", echo},
              {"temperature", temperature},
              {"endless", endless},
              {"flood", flood},
              {"busy", busy},
              {"loading", loading},
              {"down", down},
              {"later", later},
              {"unknown", unknown},
              {"denied", denied},
              {"moved", moved},
              {"html", html},
              {"late-llama-old", late_llama_old},
              {"late-llama", late_llama},
              {"late-vllm", late_vllm},
              {"late-tgi", late_tgi},
              {"late-ollama", late_ollama},
              {"after-end", after_end},
              {"garbage", garbage},
              {"latin", latin},
              {"stall", stall},
              {"silent", silent},
              {"drop", drop},
              {"drop-once", drop_once},
              {"no-finish", no_finish},
              {"end-early", end_early},
              {"limit", limit},
              {"hostile", hostile},
              {"thinker", thinker},
              {"holds-on", holds_on}};

/* ---- HTTP, as much as it takes ------------------------------------------- */

/* The request, whole; false when the client is gone before its end. */
static int read_request(struct peer *p)
{
    static char buf[1 << 20];
    size_t n = 0, want = 0;
    char *end = NULL;
    while (!end || n < want) {
        ssize_t got = recv(p->fd, buf + n, sizeof buf - 1 - n, 0);
        if (got <= 0)
            return 0;
        n += (size_t)got;
        buf[n] = 0;
        if (!end && (end = strstr(buf, "\r\n\r\n"))) {
            const char *len = strcasestr(buf, "\r\ncontent-length:");
            end += 4;
            want = (size_t)(end - buf) +
                   (len ? (size_t)strtol(len + 17, NULL, 10) : 0);
        }
    }
    sscanf(buf, "POST /%31[^/ ]%127[^ ]", p->fault, p->path);
    const char *auth = strcasestr(buf, "\r\nauthorization: ");
    if (auth)
        sscanf(auth + 17, "%127[^\r]", p->auth);
    p->body = end;
    return strcmp(p->path, "/v1/chat/completions") == 0;
}

static void serve(int fd)
{
    struct peer p = {.fd = fd};
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!read_request(&p)) {
        head(&p, "400 Bad Request", "text/plain", "");
        return;
    }
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(faults[i].name, p.fault) == 0)
            faults[i].answer(&p);
}

int fake_endpoint_listen(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
        listen(fd, 64) || getsockname(fd, (struct sockaddr *)&at, &len))
        return -1;
    *port = ntohs(at.sin_port);
    return fd;
}

void fake_endpoint_serve(int listener)
{
    signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
    asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (asked == MAP_FAILED)
        _exit(1);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(listener);
            serve(fd);
            close(fd);
            _exit(0);
        }
        close(fd);
    }
}
