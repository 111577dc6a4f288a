/* SPDX-License-Identifier: Apache-2.0 */
/** gis/roads_int.h - the graph as roads.c, closures.c and travel.c see it. */
#pragma once

#include "gis/pieces.h"
#include "gis/roads.h"

struct gis__segment {
    const struct tc_lonlat *points; /* in the road's shape */
    uint32_t point_count;
    uint32_t from; /* nodes */
    uint32_t to;
    uint32_t length_dm;
    uint32_t time_ms; /* at the table's speed */
    uint32_t road;    /* index in the layer */
    bool is_oneway;
};

/** A way between a node and its neighbour `node` along `segment`. */
struct gis__link {
    uint32_t node;
    uint32_t segment;
};

struct gis__links {
    uint32_t *starts; /* node_count + 1 */
    struct gis__link *items;
};

struct tc_roads {
    const struct tc_gis *gis;
    uint32_t node_count;
    uint32_t segment_count;
    struct gis__segment *segments;
    struct gis__links arrivals;   /* by the node that is come to */
    struct gis__links departures; /* by the node that is left */
    struct gis__pieces *pieces;   /* owner: segment */
};

struct tc_closures {
    const struct tc_roads *roads;
    uint64_t seq;
    uint32_t closed_count;
    uint8_t is_closed[]; /* per segment */
};
