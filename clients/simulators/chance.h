/* SPDX-License-Identifier: Apache-2.0 */
/** clients/simulators/chance.h - repeatable chance: the same seed gives the same run. */
#pragma once

#include "clients/simulators/opts.h"

struct sim_chance {
    uint64_t state;
};

static inline uint64_t sim__chance_next(struct sim_chance *c)
{
    c->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = c->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/** 0 .. n-1; n > 0. */
static inline uint64_t sim__chance_below(struct sim_chance *c, uint64_t n)
{
    return sim__chance_next(c) % n;
}

static inline bool sim__chance_is(struct sim_chance *c, double probability)
{
    return (double)(sim__chance_next(c) >> 11) / 9007199254740992.0 < probability;
}

static inline int64_t sim__chance_in(struct sim_chance *c, struct sim_span span)
{
    uint64_t width = (uint64_t)(span.most_us - span.least_us) + 1;
    return span.least_us + (int64_t)sim__chance_below(c, width);
}
