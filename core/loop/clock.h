/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/loop/clock.h - the time that turns are given: the monotonic clock plus an offset that
 * follows the wall clock slowly. A step of the wall clock never stops a timer and never fires one
 * early.
 */
#pragma once

#include "core/base/time.h"

struct tc_time_keeper {
    int64_t offset_us;     /* time given out minus monotonic */
    int64_t looked_us;     /* monotonic, of the last comparison */
    int64_t difference_us; /* wall minus time given out, at the last comparison */
};

/** `not_before_us`: time goes on from there when the wall clock is behind it. */
void tc_time_keeper_init(struct tc_time_keeper *k, int64_t monotonic_us, int64_t wall_us,
                         int64_t not_before_us);
int64_t tc_time_keeper_now_us(const struct tc_time_keeper *k, int64_t monotonic_us);
/** Compare with the wall clock, slew by at most 1 ms per second. Returns a step over 2 s, or 0. */
int64_t tc_time_keeper_follow(struct tc_time_keeper *k, int64_t monotonic_us, int64_t wall_us);
