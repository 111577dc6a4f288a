/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the program under test: every flush to disk takes TOCSIN_FSYNC_DELAY_MS longer, as
 * on a disk that really flushes. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int fsync(int fd);
int fdatasync(int fd);

static void wait_a_little(void)
{
    const char *text = getenv("TOCSIN_FSYNC_DELAY_MS");
    long ms = text ? strtol(text, NULL, 10) : 0;
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static int flush_with(const char *name, int fd)
{
    int (*next)(int) = NULL;
    void *symbol = dlsym(RTLD_NEXT, name);
    *(void **)(void *)&next = symbol; /* as POSIX tells to */
    wait_a_little();
    return next ? next(fd) : -1;
}

int fsync(int fd)
{
    return flush_with("fsync", fd);
}

int fdatasync(int fd)
{
    return flush_with("fdatasync", fd);
}
