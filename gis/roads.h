/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/roads.h - the road graph of a GeoPackage, and which of its edges are closed.
 *
 * Nodes are where lines share a vertex; a segment is the piece of road between two nodes; each
 * segment gives one directed edge, or two. The graph is immutable and shared by threads; a
 * tc_closures is made by one thread and may then be read by all. All numbers are integers
 * (milliseconds, decimetres): the same file gives the same answers on every machine.
 */
#pragma once

#include "gis/layers.h"

struct tc_roads;
struct tc_closures;

/** Speeds of the classes in the GeoPackage; a road's own speed_kmh goes before its class. */
struct tc_road_class {
    const char *name; /* "expressway" */
    uint16_t speed_kmh;
};

struct tc_snap {
    uint32_t segment;
    uint32_t along_dm; /* from the segment's first node */
    uint32_t off_dm;   /* from the point to the road */
    struct tc_lonlat at;
};

/** Start-up or a lane. `gis` is borrowed and must outlive the graph. `classes` NULL: a table of
 *  usual city speeds. */
TC_MUST_USE tc_err tc_roads_create(const struct tc_gis *gis, const struct tc_road_class *classes,
                                   size_t class_count, struct tc_roads **out, char why[TC_WHY_MAX]);
/** NULL is fine. */
void tc_roads_destroy(struct tc_roads *r);
uint32_t tc_roads_node_count(const struct tc_roads *r);
uint32_t tc_roads_segment_count(const struct tc_roads *r);
/** Nearest segment within `within_m`; TC_ENOTFOUND when there is none. */
TC_MUST_USE tc_err tc_roads_snap(const struct tc_roads *r, struct tc_lonlat point,
                                 uint32_t within_m, struct tc_snap *out);

/** Nothing closed yet. `seq` is the event up to which closures are known: answers carry it. */
TC_MUST_USE tc_err tc_closures_create(const struct tc_roads *r, uint64_t seq,
                                      struct tc_closures **out);
/** NULL is fine. */
void tc_closures_destroy(struct tc_closures *c);
/** Close every segment that comes within `radius_m` of the point; returns how many are new. */
uint32_t tc_closures_add_circle(struct tc_closures *c, struct tc_lonlat center, uint32_t radius_m);
/** Close what comes within `within_m` of a feature: a road (all of it), a point, or a polygon (and
 *  what crosses it; the feature may be the caller's own, as for a flooded area drawn on the map).
 *  When a point has attribute `road` (a road's id or name, as underpasses do), only that road. */
uint32_t tc_closures_add_feature(struct tc_closures *c, const struct tc_feature *f,
                                 uint32_t within_m);
uint64_t tc_closures_seq(const struct tc_closures *c);
bool tc_closures_is_closed(const struct tc_closures *c, uint32_t segment);
/** A GeoJSON FeatureCollection of the closed segments, for the map. */
void tc_closures_geojson(const struct tc_closures *c, struct tc_buf *out);
