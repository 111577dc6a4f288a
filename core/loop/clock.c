/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/clock.h"

#define STEP_US        (2 * TC_SEC)
#define SLEW_PER_MILLE 1

void tc_time_keeper_init(struct tc_time_keeper *k, int64_t monotonic_us, int64_t wall_us,
                         int64_t not_before_us)
{
    int64_t now_us = wall_us > not_before_us ? wall_us : not_before_us;
    *k = (struct tc_time_keeper){.offset_us = now_us - monotonic_us,
                                 .looked_us = monotonic_us,
                                 .difference_us = wall_us - now_us};
}

int64_t tc_time_keeper_now_us(const struct tc_time_keeper *k, int64_t monotonic_us)
{
    return monotonic_us + k->offset_us;
}

int64_t tc_time_keeper_follow(struct tc_time_keeper *k, int64_t monotonic_us, int64_t wall_us)
{
    int64_t room_us = (monotonic_us - k->looked_us) * SLEW_PER_MILLE / 1000;
    int64_t difference_us = wall_us - (monotonic_us + k->offset_us);
    int64_t step_us = difference_us - k->difference_us;
    k->looked_us = monotonic_us;
    if (difference_us > room_us) {
        k->offset_us += room_us;
    } else if (difference_us < -room_us) {
        k->offset_us -= room_us;
    } else {
        k->offset_us += difference_us;
    }
    k->difference_us = wall_us - (monotonic_us + k->offset_us);
    return step_us > STEP_US || step_us < -STEP_US ? step_us : 0;
}
