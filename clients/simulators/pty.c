/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "clients/simulators/net.h"

/** 8 bits, no echo, nothing interpreted. */
static bool make_raw(int file)
{
    struct termios t;
    if (tcgetattr(file, &t) != 0) {
        return false;
    }
    t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t.c_oflag &= ~(tcflag_t)OPOST;
    t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    t.c_cflag = (t.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    return tcsetattr(file, TCSANOW, &t) == 0;
}

struct sim_stream *sim__pty_open(uv_loop_t *loop, const char *link,
                                 const struct sim_stream_events *events)
{
    int file = posix_openpt(O_RDWR | O_NOCTTY);
    if (file < 0) {
        return NULL;
    }
    bool is_ready = grantpt(file) == 0 && unlockpt(file) == 0;
    const char *name =
        is_ready ? ptsname(file) : NULL; /* NOLINT(concurrency-mt-unsafe): one thread */
    /* Our own hold on the other end keeps reading alive while nobody else has it open. */
    int held = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (held < 0 || !make_raw(held)) {
        (void)close(file);
        return NULL;
    }
    (void)unlink(link);
    if (symlink(name, link) != 0) {
        (void)close(held);
        (void)close(file);
        return NULL;
    }
    (void)printf("%s\n", name);
    (void)fflush(stdout);
    return sim__stream_of_file(loop, file, events);
}
