/* How much memory is left, on machines made of files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/room.h"
#include "tests/support.h"

/* A file of a machine, with the folders it lies in. */
static void put(const char *machine, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", temp_path(machine), name);
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
    write_file(path, text, strlen(text));
}

static struct pk_room room_of(const char *machine)
{
    struct pk_room r;
    put(machine, "proc/meminfo",
        "MemTotal: 4096 kB\nMemAvailable:   2048 kB\n");
    pk_room_memory(&r, temp_path(machine));
    return r;
}

static void ck_room(struct pk_room r, uint64_t bytes, const char *limit)
{
    ck_assert_uint_eq(r.bytes, bytes);
    ck_assert_ptr_nonnull(strstr(r.limit, limit));
}

START_TEST(free_memory)
{
    struct pk_room r;
    ck_room(room_of("bare"), 2 << 20, "free memory");
    pk_room_memory(&r, temp_path("nothing"));
    ck_assert_uint_eq(r.bytes, UINT64_MAX);
    pk_room_memory(&r, "");
    ck_assert(r.bytes > 0 && r.bytes < UINT64_MAX);
}
END_TEST

/* A batch job's group of version 2, and one that it lies in. */
START_TEST(groups_of_version_2)
{
    const char *job = "sys/fs/cgroup/slurm/job_7/memory.max";
    put("v2", "proc/self/cgroup", "1:name=systemd:/x\n0::/slurm/job_7\n");
    put("v2", job, "max\n");
    put("v2", "sys/fs/cgroup/slurm/job_7/memory.current", "5000\n");
    ck_room(room_of("v2"), 2 << 20, "free memory");
    put("v2", job, "60000\n");
    ck_room(room_of("v2"), 55000, "control group");
    /* Its page cache counts as free. */
    put("v2", "sys/fs/cgroup/slurm/job_7/memory.stat",
        "anon 1000\nfile 4000\nfile_mapped 9\n");
    ck_room(room_of("v2"), 59000, "control group");
    put("v2", "sys/fs/cgroup/slurm/memory.max", "40000\n");
    put("v2", "sys/fs/cgroup/slurm/memory.current", "30000\n");
    ck_room(room_of("v2"), 10000, "control group");
    put("v2", "sys/fs/cgroup/slurm/memory.current", "50000\n");
    ck_room(room_of("v2"), 0, "control group");
}
END_TEST

/* In a container the mount is the group, and the path that of the host. */
START_TEST(group_of_a_container)
{
    put("v1", "proc/self/cgroup",
        "9:cpu,cpuacct:/docker/af\n4:memory:/docker/af\n");
    put("v1", "sys/fs/cgroup/memory/memory.limit_in_bytes", "900000\n");
    put("v1", "sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
    put("v1", "sys/fs/cgroup/memory/memory.stat",
        "cache 9\ntotal_cache 100000\n");
    ck_room(room_of("v1"), 500000, "control group");
}
END_TEST

START_TEST(odd_files)
{
    put("odd", "proc/self/cgroup", "\nno colons\n0:\n0::\n4:memory:\n");
    put("odd", "sys/fs/cgroup/memory.max", "");
    put("odd", "sys/fs/cgroup/memory/memory.limit_in_bytes", "-1\n");
    put("odd", "sys/fs/cgroup/memory/memory.usage_in_bytes", "many\n");
    ck_room(room_of("odd"), 2 << 20, "free memory");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("room");
    TCase *t = tcase_create("room");
    tcase_add_test(t, free_memory);
    tcase_add_test(t, groups_of_version_2);
    tcase_add_test(t, group_of_a_container);
    tcase_add_test(t, odd_files);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
