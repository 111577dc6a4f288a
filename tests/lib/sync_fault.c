/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program under test: what a disk does wrong when it is asked to make sure.
 *
 *   SYNC_FAIL_FILE=PATH   once PATH exists every fsync and fdatasync fails with EIO
 *   SYNC_KILL_AT=N        the process dies in the N-th of them, before it reaches the disk
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
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
