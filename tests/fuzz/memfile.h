/* The bytes of a fuzzer's input as a file that can be opened by its path. */
#ifndef PREFKIT_TESTS_FUZZ_MEMFILE_H
#define PREFKIT_TESTS_FUZZ_MEMFILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A descriptor, to be closed; its path in *path. */
static inline int memfile(const uint8_t *data, size_t size, char path[32])
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
