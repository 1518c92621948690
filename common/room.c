/* Memory that is left; see room.h. */
#include "common/room.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/num.h"

/* The number after `key` in a file of lines, or of the file when key is NULL.
 */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
    char line[256];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        size_t n = key ? strlen(key) : 0;
        if (n && strncmp(line, key, n) != 0)
            continue;
        char *number = line + n + strspn(line + n, " \t");
        number[strcspn(number, " \n")] = 0;
        found = pk_parse_u64(number, 0, UINT64_MAX, out);
        if (!found)
            break;
    }
    if (f)
        fclose(f);
    return found;
}

static void at_most(struct pk_room *r, uint64_t bytes, const char *limit)
{
    if (bytes < r->bytes) {
        r->bytes = bytes;
        r->limit = limit;
    }
}

/* How the two versions name their files. */
struct version {
    const char *mount, *limit, *used, *cache;
};

static const struct version first = {"/sys/fs/cgroup/memory",
                                     "memory.limit_in_bytes",
                                     "memory.usage_in_bytes", "total_cache "};
static const struct version second = {"/sys/fs/cgroup", "memory.max",
                                      "memory.current", "file "};

static bool number_in(const char *dir, const char *file, const char *key,
                      uint64_t *out)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, file);
    return n > 0 && (size_t)n < sizeof path && read_number(path, key, out);
}

/* One group's limit. What it holds of the page cache can be taken back. */
static void see_group(struct pk_room *r, const struct version *v,
                      const char *dir)
{
    uint64_t limit, used, cache = 0;
    if (!number_in(dir, v->limit, NULL, &limit) ||
        !number_in(dir, v->used, NULL, &used))
        return;
    (void)number_in(dir, "memory.stat", v->cache, &cache);
    used -= cache < used ? cache : used;
    at_most(r, limit > used ? limit - used : 0, "the control group's limit");
}

/* The group of that path and all it lies in, up to the mount: which in a
 * container may be the group itself, whatever the path says. */
static void see_groups(struct pk_room *r, const char *root,
                       const struct version *v, const char *group)
{
    char dir[PATH_MAX];
    int n = snprintf(dir, sizeof dir, "%s%s%s", root, v->mount, group);
    if (n < 0 || (size_t)n >= sizeof dir)
        return;
    size_t mount = strlen(root) + strlen(v->mount);
    see_group(r, v, dir);
    while (strlen(dir) > mount) {
        *strrchr(dir, '/') = 0;
        see_group(r, v, dir);
    }
}

/* One line of /proc/self/cgroup, "number:controllers:path". */
static void see_line(struct pk_room *r, const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return;
    *path++ = 0;
    path[strcspn(path, "\n")] = 0;
    if (strcmp(controllers, ":") == 0)
        see_groups(r, root, &second, path);
    else if (strcmp(controllers, ":memory") == 0)
        see_groups(r, root, &first, path);
}

void pk_room_memory(struct pk_room *r, const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    uint64_t kib;
    *r = (struct pk_room){UINT64_MAX, "the address space"};
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (read_number(path, "MemAvailable:", &kib))
        at_most(r, kib * 1024, "free memory");
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        see_line(r, root, line);
    if (f)
        fclose(f);
}

void pk_room_address_space(struct pk_room *r, uint64_t reserve)
{
    struct rlimit limit;
    uint64_t pages = 0;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    (void)read_number("/proc/self/statm", NULL, &pages);
    uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE) + reserve;
    at_most(r, limit.rlim_cur > used ? limit.rlim_cur - used : 0,
            "the limit on address space (ulimit -v)");
}
