/* SPDX-License-Identifier: Apache-2.0 */
/** gis/pieces.h - straight pieces of line in a 100 m grid: which is nearest. Immutable once made.
 */
#pragma once

#include "gis/coord.h"

struct gis__piece {
    struct tc_lonlat a;
    struct tc_lonlat b;
    uint32_t owner;     /* the caller's number: a road, a segment */
    uint32_t offset_dm; /* the caller's: how far along the owner this piece starts */
};

struct gis__pieces;

/** `pieces` is taken (tc_alloc'd) also when this fails. */
TC_MUST_USE tc_err gis__pieces_create(struct gis__piece *pieces, uint32_t count,
                                      struct gis__pieces **out);
/** NULL is fine. */
void gis__pieces_destroy(struct gis__pieces *p);
/** NULL when none is within. Ties go to the first piece. */
const struct gis__piece *gis__pieces_nearest(const struct gis__pieces *p, struct tc_lonlat from,
                                             double within_m, double *distance_m);
/** Calls `visit` for every piece that comes within the radius (some may come twice). */
void gis__pieces_within(const struct gis__pieces *p, struct tc_lonlat from, double radius_m,
                        void (*visit)(void *self, const struct gis__piece *piece), void *self);
