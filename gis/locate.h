/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/locate.h - where is this: grid, community, sub-district, and words that a driver understands.
 *
 * A locator belongs to one thread (prepared geometries fill caches); the tc_gis under it is shared
 * and must outlive it. Bounded: under 200 us, no I/O, no memory is taken after creation.
 */
#pragma once

#include "gis/layers.h"

enum tc_place_doubt {
    TC_PLACE_OUTSIDE = 1,       /* in no sub-district of this file */
    TC_PLACE_NO_GRID = 2,       /* in no unit grid; community is then the nearest one */
    TC_PLACE_FAR_FROM_ROAD = 4, /* no road within 150 m */
    TC_PLACE_NO_ROAD = 8,       /* no road within 2 km: the texts are empty */
};

struct tc_place {
    char grid[16];        /* 15 digits, or "" */
    char community[13];   /* 12 digits, or "" */
    char subdistrict[10]; /* 9 digits, or "" */
    char community_zh[64];
    char community_en[64];
    char subdistrict_zh[64];
    char subdistrict_en[64];
    char road_zh[64]; /* the nearest road */
    char road_en[64];
    char text_zh[192]; /* "深南大道与彩田路交叉口东 80 米" */
    char text_en[192]; /* "80 m east of Shennan Blvd / Caitian Rd" */
    uint32_t road_distance_m;
    uint32_t crossing_distance_m;
    unsigned doubt; /* tc_place_doubt, or-ed */
};

struct tc_locator;

/** Start-up or a lane: some ms. */
TC_MUST_USE tc_err tc_locator_create(const struct tc_gis *gis, struct tc_locator **out,
                                     char why[TC_WHY_MAX]);
/** NULL is fine. */
void tc_locator_destroy(struct tc_locator *l);
/** Always fills the place; what is not known is empty and flagged. */
void tc_locate(struct tc_locator *l, struct tc_lonlat point, struct tc_place *out);
/** The sentence for a doubt bit, for people. */
const char *tc_place_doubt_text(enum tc_place_doubt bit, bool is_zh);
