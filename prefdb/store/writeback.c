/* A thread that looks now and then how far a file has grown; see writeback.h.
 *
 * It needs SQLite's own descriptor, which SQLite does not tell: to open the
 * file again and close it would drop the process's locks on it. */
#include "prefdb/store/writeback.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "common/mem.h"

enum { LAST_FD = 255, STEP = 4 << 20, EVERY_MS = 20 };

struct prefdb__writeback {
    int fd;
    off_t done; /* up to here it is on its way */
    bool stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
};

static int descriptor_of(const char *path)
{
    struct stat file, st;
    if (stat(path, &file) != 0)
        return -1;
    for (int fd = 3; fd <= LAST_FD; fd++)
        if (fstat(fd, &st) == 0 && st.st_dev == file.st_dev &&
            st.st_ino == file.st_ino &&
            (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR)
            return fd;
    return -1;
}

/* What was appended, but for the newest pages, which may change again. */
static void push(struct prefdb__writeback *w)
{
    struct stat st;
    if (fstat(w->fd, &st) != 0 || st.st_size - w->done < (off_t)2 * STEP)
        return;
    off_t n = st.st_size - w->done - STEP;
    if (sync_file_range(w->fd, w->done, n, SYNC_FILE_RANGE_WRITE) == 0)
        w->done += n;
}

static void *run(void *arg)
{
    struct prefdb__writeback *w = arg;
    struct timespec t;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += EVERY_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&w->stopped, &w->lock, &t);
        pthread_mutex_unlock(&w->lock);
        push(w);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct prefdb__writeback *prefdb__writeback_start(const char *path)
{
    struct stat st;
    struct prefdb__writeback *w = pk_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fd = descriptor_of(path);
    if (w->fd < 0 || fstat(w->fd, &st) != 0) {
        free(w);
        return NULL;
    }
    w->done = st.st_size;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->stopped, NULL);
    if (pthread_create(&w->thread, NULL, run, w) == 0)
        return w;
    pthread_cond_destroy(&w->stopped);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void prefdb__writeback_stop(struct prefdb__writeback *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->stopped);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->stopped);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
