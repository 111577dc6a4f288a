/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/trail.h - the outside witness: a file of JSON lines, each written with one
 * O_APPEND write before the thing it tells of is answered. Ends the program when it cannot write.
 */
#pragma once

#include "core/base/json.h"

struct sim_trail {
    int file; /* -1: no file asked for */
    bool is_synced;
    struct tc_buf line;
};

/** `path` NULL: nothing is written. */
TC_MUST_USE tc_err sim__trail_open(struct sim_trail *t, const char *path, bool is_synced);
/** Begin a line with the time; add pairs with tc_jw_* to the returned buffer. */
struct tc_buf *sim__trail_begin(struct sim_trail *t);
void sim__trail_end(struct sim_trail *t);
void sim__trail_close(struct sim_trail *t);
