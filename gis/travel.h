/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/travel.h - how long by road, from every unit to one place, given what is closed.
 *
 * A tc_travel is scratch memory for one thread, taken once and used again; graph and closures are
 * shared. One search from the target backwards answers for all sources.
 */
#pragma once

#include "gis/roads.h"

enum tc_travel_doubt {
    TC_TRAVEL_UNREACHABLE = 1, /* no way; time and length are TC_TRAVEL_NONE */
    TC_TRAVEL_SOURCE_FAR = 2,  /* the source is over 100 m from any road; the gap is walked */
    TC_TRAVEL_TARGET_FAR = 4,
    TC_TRAVEL_SOURCE_CLOSED = 8, /* stands on a closed segment; it may leave it */
    TC_TRAVEL_TARGET_CLOSED = 16,
};

#define TC_TRAVEL_NONE UINT32_MAX

struct tc_travel_query {
    struct tc_lonlat target;
    const struct tc_closures *closures; /* NULL: everything is open */
    /** Closed segments this near the target may be used: help goes into the closed area that it is
     *  sent to. 0: only the last piece to the target. */
    uint32_t approach_m;
    /** Of the table's speeds: 100 as they stand; 0 counts as 100. */
    uint32_t speed_percent;
};

struct tc_travel_result {
    uint32_t time_ms;
    uint32_t length_dm;
    unsigned doubt; /* tc_travel_doubt, or-ed */
};

struct tc_travel;

TC_MUST_USE tc_err tc_travel_create(const struct tc_roads *r, struct tc_travel **out);
/** NULL is fine. */
void tc_travel_destroy(struct tc_travel *t);
/** Fills results[0..count). An answer is as of tc_closures_seq(q->closures). */
void tc_travel_to(struct tc_travel *t, const struct tc_travel_query *q,
                  const struct tc_lonlat *sources, size_t count, struct tc_travel_result *results);
/** One source, with the line to drive: at most `max` points; *count is how many it has.
 *  TC_ENOTFOUND when unreachable, TC_EFULL when `max` is too small. */
TC_MUST_USE tc_err tc_travel_path(struct tc_travel *t, const struct tc_travel_query *q,
                                  struct tc_lonlat source, struct tc_lonlat *points, size_t max,
                                  size_t *count);
