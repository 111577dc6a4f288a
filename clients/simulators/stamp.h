/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/simulators/stamp.h - a position that carries the time of its sending, for benchmarks.
 *
 * The monotonic time, in steps of 20 us modulo 84 s, stands in the low bits of the two angles of a
 * short location report: 11 bits east, 11 bits north, a square of about 2.3 km. What the system
 * keeps of a position is enough to tell how long it was on its way; both sides must run on one
 * machine.
 */
#pragma once

#include <math.h>

#include "core/base/err.h"

#define SIM_STAMP_STEP_US  20
#define SIM_STAMP_SPAN     (1 << 22) /* steps */
#define SIM_STAMP_EAST     10632000  /* of 2^25 to the circle: 114.07 degrees */
#define SIM_STAMP_NORTH    2102000   /* of 2^24 to the half circle: 22.55 degrees */
#define SIM_STAMP_EAST_E7  (3600000000.0 / (1 << 25))
#define SIM_STAMP_NORTH_E7 (1800000000.0 / (1 << 24))

static inline void sim__stamp_put(int64_t now_us, int32_t *lon_e7, int32_t *lat_e7)
{
    int64_t step = now_us / SIM_STAMP_STEP_US % SIM_STAMP_SPAN;
    int64_t east = SIM_STAMP_EAST + step / 2048;
    int64_t north = SIM_STAMP_NORTH + step % 2048;
    *lon_e7 = (int32_t)lround((double)east * SIM_STAMP_EAST_E7);
    *lat_e7 = (int32_t)lround((double)north * SIM_STAMP_NORTH_E7);
}

/** Microseconds from the stamp to `now_us`; -1 when the position carries none. */
static inline int64_t sim__stamp_age_us(int64_t now_us, int64_t lon_e7, int64_t lat_e7)
{
    int64_t east = lround((double)lon_e7 / SIM_STAMP_EAST_E7) - SIM_STAMP_EAST;
    int64_t north = lround((double)lat_e7 / SIM_STAMP_NORTH_E7) - SIM_STAMP_NORTH;
    if (east < 0 || east > 2047 || north < 0 || north > 2047) {
        return -1;
    }
    int64_t now = now_us / SIM_STAMP_STEP_US % SIM_STAMP_SPAN;
    int64_t age = now - (east * 2048 + north);
    return (age < 0 ? age + SIM_STAMP_SPAN : age) * SIM_STAMP_STEP_US;
}
