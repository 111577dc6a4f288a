/* SPDX-License-Identifier: Apache-2.0 */
/** gis/layers_int.h - what layers.c and layers_load.c share: the district in memory. */
#pragma once

#include "core/base/mem.h"
#include "gis/layers.h"

struct gis__box {
    struct tc_lonlat low;
    struct tc_lonlat high;
};

struct gis__layer {
    struct tc_feature *features; /* in order of id */
    struct gis__box *boxes;      /* one per feature */
    uint32_t count;
};

struct tc_gis {
    struct tc_arena arena; /* every array and text */
    struct gis__layer layers[TC_LAYER_COUNT];
    bool is_sample;
};
