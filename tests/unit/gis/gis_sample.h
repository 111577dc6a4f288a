/* SPDX-License-Identifier: Apache-2.0 */
/** tests/unit/gis/gis_sample.h - the sample district, built into a temporary file and opened. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gis/layers.h"
#include "gis/sample.h"

static inline void sample_path(char path[64])
{
    tc_str_format(path, 64, "/tmp/tocsin-gis-%ld.gpkg", (long)getpid());
}

/** Builds, opens and removes the file: everything is in memory afterwards. */
static inline struct tc_gis *open_sample(void)
{
    char path[64];
    char why[TC_WHY_MAX] = "";
    struct tc_gis *gis = NULL;
    sample_path(path);
    tc_err err = tc_sample_build("gis/sample", path, why);
    if (!err) {
        err = tc_gis_open(path, &gis, why);
    }
    remove(path);
    if (err) {
        fprintf(stderr, "sample: %s: %s\n", tc_err_name(err), why);
        abort();
    }
    return gis;
}

static inline struct tc_lonlat degrees(double lon, double lat)
{
    return (struct tc_lonlat){.lon_e7 = (int32_t)(lon * 1e7 + 0.5),
                              .lat_e7 = (int32_t)(lat * 1e7 + 0.5)};
}

/** Repeatable: a 64-bit linear congruential generator. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/** Somewhere in the district's box. */
static inline struct tc_lonlat random_point(uint64_t *state)
{
    return (struct tc_lonlat){.lon_e7 = 1139900000 + (int32_t)(next_random(state) % 1200000),
                              .lat_e7 = 225050000 + (int32_t)(next_random(state) % 900000)};
}
