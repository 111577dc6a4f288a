/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program under test: what a disk does wrong when it is asked to make sure.
 *
 *   SYNC_FAIL_FILE=PATH   once PATH exists every fsync and fdatasync fails with EIO
 *   SYNC_SLOW_FILE=PATH   once PATH exists each of them takes 2.5 s
 *   SYNC_KILL_AT=N        the process dies in the N-th of them, before it reaches the disk
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);
long syscall(long number, ...);

static int faulty(long number, int fd)
{
    static atomic_long count;
    const char *file = getenv("SYNC_FAIL_FILE");
    const char *at = getenv("SYNC_KILL_AT");
    if (file && access(file, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    const char *slow = getenv("SYNC_SLOW_FILE");
    if (slow && access(slow, F_OK) == 0) {
        const struct timespec pause = {.tv_sec = 2, .tv_nsec = 500000000};
        (void)nanosleep(&pause, NULL);
    }
    if (at && atomic_fetch_add(&count, 1) + 1 == strtol(at, NULL, 10)) {
        (void)kill(getpid(), SIGKILL);
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return faulty(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return faulty(SYS_fdatasync, fd);
}
