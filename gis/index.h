/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/index.h - moving points (units, incidents) in a uniform grid of about 250 m.
 *
 * One owner. A projection: rebuilt from the model, never in the digest. Answers are exact and their
 * order is fixed: nearest first, ties by id.
 */
#pragma once

#include "gis/layers.h"

struct tc_index_hit {
    uint64_t id;
    struct tc_lonlat at;
    double distance_m;
};

struct tc_index;

/** Room for `count_max` points is taken at once. */
TC_MUST_USE tc_err tc_index_create(uint32_t count_max, struct tc_index **out);
/** NULL is fine. */
void tc_index_destroy(struct tc_index *x);
/** Add or move; id 0 is not allowed. TC_EFULL past the limit. */
TC_MUST_USE tc_err tc_index_set(struct tc_index *x, uint64_t id, struct tc_lonlat at);
/** Absent is fine. */
void tc_index_remove(struct tc_index *x, uint64_t id);
bool tc_index_get(const struct tc_index *x, uint64_t id, struct tc_lonlat *at);
uint32_t tc_index_count(const struct tc_index *x);
/** The k nearest; returns how many were written. */
size_t tc_index_nearest(const struct tc_index *x, struct tc_lonlat from, size_t k,
                        struct tc_index_hit *out);
/** At most `max`, the nearest ones, of those within the radius. */
size_t tc_index_within(const struct tc_index *x, struct tc_lonlat from, double radius_m,
                       struct tc_index_hit *out, size_t max);
/** Ids inside a polygon (borders count as inside), in order of id; distance is 0. Returns how many
 *  there are, which may be more than `max`. */
size_t tc_index_inside(const struct tc_index *x, const struct tc_shape *polygon,
                       struct tc_index_hit *out, size_t max);
