/* SPDX-License-Identifier: Apache-2.0 */
/** clients/simulators/gauge.h - a level over time, and the gateway's messages as JSON. */
#pragma once

#include "core/base/json.h"

#define SIM_PROFILE_MAX 128

struct sim_profile {
    struct sim_profile_point {
        int64_t at_us;
        int64_t level_um;
    } points[SIM_PROFILE_MAX];
    size_t count;
};

struct sim_reading {
    int64_t level_um;
    int64_t utc_us;
};

/** "0:0.05,30:0.05,60:0.45": seconds and metres, times rising. */
bool sim__profile_read(struct sim_profile *p, const char *text);
/** Straight lines between the points, level before the first and after the last. */
int64_t sim__profile_level_um(const struct sim_profile *p, int64_t at_us);

void sim__gauge_request(struct tc_buf *out, const char *id, const char *device,
                        const struct sim_reading *readings, size_t count);

struct sim_gauge_answer {
    char id[96];
    bool is_ok;
    size_t taken_count; /* stored now */
    size_t duplicate_count;
    size_t refused_count;
    char why[128]; /* of the first refusal */
};
/** False when it is not an answer of the gateway's. */
bool sim__gauge_answer(struct tc_str text, struct sim_gauge_answer *out);
