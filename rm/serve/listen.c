/* Where the server listens: an address, looked at before anything is opened to
 * the world. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/num.h"
#include "rm/serve/server.h"

/* HOST:PORT or [HOST]:PORT. */
static int split(const char *where, char host[64], char port[8],
                 struct pk_err *err)
{
    const char *colon = strrchr(where, ':');
    size_t n = colon ? (size_t)(colon - where) : 0;
    uint64_t number;
    const char *name = where;
    bool ok = colon && n > 0 && pk_parse_u64(colon + 1, 0, 65535, &number);
    if (ok && where[0] == '[') {
        ok = where[n - 1] == ']' && n > 2;
        name++;
        n -= 2;
    } else if (ok) {
        ok = memchr(where, ':', n) == NULL;
    }
    if (!ok || n >= 64)
        return pk_fail(err, PK_EUSAGE,
                       "--listen takes HOST:PORT, such as 127.0.0.1:8000 or "
                       "[::1]:8000, not '%.100s'",
                       where);
    memcpy(host, name, n);
    host[n] = 0;
    snprintf(port, 8, "%llu", (unsigned long long)number);
    return 0;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, a, sizeof in6);
    return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* What it got: the port may have been any. */
static void describe(int fd, struct rm_address *out)
{
    struct sockaddr_storage got = {0};
    socklen_t n = sizeof got;
    char host[64], port[8];
    out->name[0] = 0;
    if (getsockname(fd, (struct sockaddr *)&got, &n) == 0 &&
        getnameinfo((struct sockaddr *)&got, n, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(out->name, sizeof out->name,
                 got.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int open_socket(const struct addrinfo *a, const char *where, int *out,
                       struct pk_err *err)
{
    int yes = 1;
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return pk_fail_errno(err, "cannot listen on %s", where);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
        int rc = pk_fail_errno(err, "cannot listen on %s", where);
        close(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

int rm_listen(const char *where, bool beyond, struct rm_address *out,
              int *socket, struct pk_err *err)
{
    struct addrinfo *list, want = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    char host[64], port[8];
    *socket = -1;
    int rc = split(where, host, port, err);
    if (rc)
        return rc;
    int got = getaddrinfo(host, port, &want, &list);
    if (got)
        return pk_fail(err, PK_EIO, "cannot listen on %s: %s", where,
                       gai_strerror(got));
    out->loopback = is_loopback(list->ai_addr);
    if (!out->loopback && !beyond)
        rc = pk_fail(err, PK_EUSAGE,
                     "%s can be reached by others: put a token they must bring "
                     "into $" RM_SERVE_TOKEN
                     ", or say --without-token to let anyone in",
                     where);
    if (rc == 0)
        rc = open_socket(list, where, socket, err);
    freeaddrinfo(list);
    if (rc == 0)
        describe(*socket, out);
    return rc;
}
