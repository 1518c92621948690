/* A name among Linux's abstract sockets (unix(7)): there is no file to be left
 * behind, and none in the store's folder. See alone.h. */
#include "annotate/judge/alone.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/sha256.h"

enum { TRIES = 40, PAUSE = 50000000 /* ns */ };

/* The same for the same work, whatever the store's path looks like. */
static int name_of(struct sockaddr_un *at, socklen_t *len, const char *store,
                   int64_t campaign, const char *annotator, struct pk_err *err)
{
    struct pk_sha256 *h;
    struct stat st;
    char hex[65];
    if (stat(store, &st))
        return pk_fail(err, PK_EIO, "%s: %s", store, strerror(errno));
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_u64(h, (uint64_t)st.st_dev);
    pk_sha256_u64(h, (uint64_t)st.st_ino);
    pk_sha256_u64(h, (uint64_t)campaign);
    pk_sha256_field(h, annotator, strlen(annotator));
    pk_sha256_end(h, hex);
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(at->sun_path + 1, sizeof at->sun_path - 1,
                     "prefkit-annotate-%s", hex);
    *len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)n;
    return 0;
}

int annotate__alone(int *out, const char *store, int64_t campaign,
                    const char *annotator, struct pk_err *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE};
    struct sockaddr_un at;
    socklen_t len = 0;
    int rc = name_of(&at, &len, store, campaign, annotator, err);
    *out = rc ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*out < 0)
        return rc;
    /* One that was closed just now may not have ended yet. */
    for (int i = 0; i < TRIES; i++) {
        if (bind(*out, (struct sockaddr *)&at, len) == 0 || errno != EADDRINUSE)
            return 0;
        nanosleep(&pause, NULL);
    }
    close(*out);
    *out = -1;
    return pk_fail(err, PK_EUSAGE,
                   "'%.80s' is at this work in another terminal: end it there, "
                   "or say who you are with --annotator",
                   annotator);
}
