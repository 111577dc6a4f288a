/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/layers.h - the district's layers, read once from a GeoPackage and then immutable.
 *
 * One tc_gis may be read by any number of threads. Pointers and texts that come out of it are
 * borrowed and live until tc_gis_close. Nothing here draws, edits or writes.
 */
#pragma once

#include "core/base/buf.h"
#include "gis/coord.h"

/*     id                 table name           zh        en */
#define TC_LAYER_MAP(X)                                                      \
    X(SUBDISTRICTS, "subdistricts", "街道", "Sub-districts")                 \
    X(COMMUNITIES, "communities", "社区", "Communities")                     \
    X(GRIDS, "grids", "单元网格", "Unit grids")                              \
    X(ROADS, "roads", "道路", "Roads")                                       \
    X(CROSSINGS, "crossings", "路口", "Crossings")                           \
    X(HOSPITALS, "hospitals", "医院", "Hospitals")                           \
    X(FIRE_STATIONS, "fire_stations", "消防站", "Fire stations")             \
    X(SHELTERS, "shelters", "应急避难场所", "Shelters")                      \
    X(CAMERAS, "cameras", "摄像机", "Cameras")                               \
    X(UNDERPASSES, "underpasses", "下沉隧道", "Underpasses")                 \
    X(POLLUTION_SOURCES, "pollution_sources", "污染源", "Pollution sources") \
    X(GAUGES, "gauges", "水位计", "Water gauges")                            \
    X(HYDRANTS, "hydrants", "消火栓", "Hydrants")                            \
    X(WAREHOUSES, "warehouses", "应急物资仓库", "Warehouses")

enum tc_layer {
#define X(id, name, zh, en) TC_LAYER_##id,
    TC_LAYER_MAP(X)
#undef X
        TC_LAYER_COUNT
};

/** Parts are the rings of a polygon (holes too), the pieces of a line, or one point. */
struct tc_shape {
    const struct tc_lonlat *points;
    const uint32_t *part_ends; /* index one past each part's last point */
    uint32_t part_count;
    uint32_t point_count;
};

struct tc_feature {
    enum tc_layer layer;
    uint32_t index;         /* place in its layer */
    const char *id;         /* "UP-01", a community's code, a grid's 15 digits */
    const char *name_zh;    /* never NULL, may be "" */
    const char *name_en;    /* never NULL, may be "" */
    const char *attributes; /* "key=value;key=value", never NULL */
    struct tc_lonlat at;    /* the point; a middle point for lines and polygons */
    struct tc_shape shape;
};

struct tc_near {
    const struct tc_feature *feature;
    double distance_m; /* 0 inside a polygon */
};

struct tc_gis;

/** Blocks; start-up or a lane. `why` gets a sentence that names table and row. May be NULL. */
TC_MUST_USE tc_err tc_gis_open(const char *path, struct tc_gis **out, char why[TC_WHY_MAX]);
/** NULL is fine. */
void tc_gis_close(struct tc_gis *gis);
/** The same contents give the same hash, whatever the file's pages look like. */
uint64_t tc_gis_layer_hash(const struct tc_gis *gis, enum tc_layer layer);
/** True when the file says that it holds invented sample data. */
bool tc_gis_is_sample(const struct tc_gis *gis);

/** The table's name; and back (TC_LAYER_COUNT when there is no such layer). */
const char *tc_layer_name(enum tc_layer layer);
enum tc_layer tc_layer_parse(struct tc_str name);

uint32_t tc_gis_count(const struct tc_gis *gis, enum tc_layer layer);
/** `index` < tc_gis_count. Features stand in order of id. */
const struct tc_feature *tc_gis_at(const struct tc_gis *gis, enum tc_layer layer, uint32_t index);
/** By id, else by exact Chinese or English name. TC_LAYER_COUNT looks in every layer, ids first.
 *  NULL when absent. */
const struct tc_feature *tc_gis_find(const struct tc_gis *gis, enum tc_layer layer,
                                     struct tc_str ref);
/** The value of one attribute; empty when absent. */
struct tc_str tc_feature_attribute(const struct tc_feature *f, const char *key);
/** Nearest first, ties by id; returns how many were written (at most `max`, the nearest ones). */
size_t tc_gis_near(const struct tc_gis *gis, enum tc_layer layer, struct tc_lonlat point,
                   double radius_m, struct tc_near *out, size_t max);
/** A GeoJSON FeatureCollection with id, layer, name_zh, name_en and each attribute. */
void tc_gis_geojson(const struct tc_gis *gis, enum tc_layer layer, struct tc_buf *out);
