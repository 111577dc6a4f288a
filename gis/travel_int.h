/* SPDX-License-Identifier: Apache-2.0 */
/** gis/travel_int.h - the search that travel.c and cover.c share: labels and a 4-ary heap. */
#pragma once

#include "gis/roads_int.h"
#include "gis/travel.h"

#define TRAVEL__SNAP_M_MAX   2000
#define TRAVEL__SNAP_FREE_DM 1000 /* within this the point counts as on the road */
#define TRAVEL__NO_SEGMENT   UINT32_MAX
#define TRAVEL__NO_NODE      UINT32_MAX

/** What lies between a node and where the search began. */
struct travel__label {
    uint32_t time_ms;
    uint32_t length_dm;
    uint32_t next_segment; /* TRAVEL__NO_SEGMENT: the segment that the search began on */
    uint32_t origin;       /* which of several beginnings */
    uint32_t heap_place;   /* 1-based; 0 when not in the heap */
};

struct tc_travel {
    const struct tc_roads *roads;
    struct travel__label *labels;
    uint32_t *heap; /* nodes, nearest first; room for all */
    uint32_t heap_count;
    struct tc_snap target;
    const struct tc_travel_query *query; /* of the search that runs */
    struct tc_snap *origins;             /* room for TC_COVER_SOURCES_MAX */
};

/** Forget the last search. */
void travel__clear(struct tc_travel *t);
/** A way to or from `node` was found; keep it if it is better than the one known. */
void travel__offer(struct tc_travel *t, uint32_t node, struct travel__label way);
/** The nearest node that is not settled yet; the heap must not be empty. */
uint32_t travel__take_nearest(struct tc_travel *t);
/** The node that a place on a segment stands at; TRAVEL__NO_NODE between them. */
uint32_t travel__node_of(const struct tc_travel *t, const struct tc_snap *place);
uint32_t travel__part_time_ms(const struct gis__segment *s, uint32_t part_dm);
/** The walk from a point to its road. */
uint32_t travel__gap_ms(uint32_t off_dm);
