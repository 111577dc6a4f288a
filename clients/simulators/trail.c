/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/trail.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/base/time.h"

tc_err sim__trail_open(struct sim_trail *t, const char *path, bool is_synced)
{
    *t = (struct sim_trail){.file = -1, .is_synced = is_synced};
    if (!path) {
        return TC_OK;
    }
    t->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return t->file < 0 ? TC_EIO : TC_OK;
}

struct tc_buf *sim__trail_begin(struct sim_trail *t)
{
    char at[TC_TIME_TEXT_SIZE];
    tc_time_utc_text(tc_clock_utc_us(), at);
    tc_buf_clear(&t->line);
    tc_jw_open(&t->line, '{');
    tc_jw_pair_text(&t->line, "t", at);
    return &t->line;
}

void sim__trail_end(struct sim_trail *t)
{
    tc_jw_close(&t->line, '}');
    tc_buf_byte(&t->line, '\n');
    if (t->file < 0) {
        return;
    }
    ssize_t n = write(t->file, t->line.bytes, t->line.len);
    TC_REQUIRE(n == (ssize_t)t->line.len && !t->line.is_full);
    TC_REQUIRE(!t->is_synced || fsync(t->file) == 0);
}

void sim__trail_close(struct sim_trail *t)
{
    if (t->file >= 0) {
        (void)close(t->file);
    }
    t->file = -1;
    tc_buf_finish(&t->line);
}
