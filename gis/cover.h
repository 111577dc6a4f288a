/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/cover.h - from where stand the units that are left, how soon is somebody at each place?
 *
 * One search outwards from all units answers for all places: what a sending leaves uncovered, or
 * the map of how far help reaches.
 */
#pragma once

#include "gis/travel.h"

#define TC_COVER_SOURCES_MAX 1024

struct tc_cover_query {
    const struct tc_lonlat *sources;
    size_t source_count;                /* at most TC_COVER_SOURCES_MAX */
    const struct tc_closures *closures; /* NULL: everything is open */
    uint32_t speed_percent;             /* 0 counts as 100 */
};

struct tc_cover {
    uint32_t time_ms; /* TC_TRAVEL_NONE: nobody gets there */
    uint32_t source;  /* who; of equals always the same one. UINT32_MAX: nobody */
};

/** Fills covers[0..count). TC_EFULL for too many sources. */
TC_MUST_USE tc_err tc_travel_cover(struct tc_travel *t, const struct tc_cover_query *q,
                                   const struct tc_lonlat *targets, size_t count,
                                   struct tc_cover *covers);
