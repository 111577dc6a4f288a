/* SPDX-License-Identifier: Apache-2.0 */
#include <geos_c.h>
#include <math.h>

#include "gis/gis_int.h"
#include "gis/sample_int.h"

/* About 250 m, laid from a fixed corner so that the same text gives the same grids. */
#define STEP_LON_E7   24300
#define STEP_LAT_E7   22600
#define CORNER_LON_E7 1139000000
#define CORNER_LAT_E7 224500000
#define LEAST_AREA    5000000.0 /* e7 squared, about 600 m2: smaller slivers go to no grid */
#define GRIDS_MAX     999       /* three digits per community */

struct cutter {
    struct sample__build *build;
    GEOSContextHandle_t geos;
    struct tc_lonlat *offices; /* per community */
    uint32_t *grid_counts;
    struct gis__outline *areas; /* per community: the rings of its grids */
};

static GEOSGeometry *polygon_of(GEOSContextHandle_t geos, const struct tc_lonlat *points,
                                uint32_t count)
{
    GEOSCoordSequence *seq = GEOSCoordSeq_create_r(geos, count, 2);
    for (uint32_t i = 0; seq && i < count; i++) {
        GEOSCoordSeq_setXY_r(geos, seq, i, points[i].lon_e7, points[i].lat_e7);
    }
    GEOSGeometry *ring = seq ? GEOSGeom_createLinearRing_r(geos, seq) : NULL;
    return ring ? GEOSGeom_createPolygon_r(geos, ring, NULL, 0) : NULL;
}

static GEOSGeometry *square_of(GEOSContextHandle_t geos, int32_t lon, int32_t lat)
{
    const struct tc_lonlat points[5] = {{lon, lat},
                                        {lon + STEP_LON_E7, lat},
                                        {lon + STEP_LON_E7, lat + STEP_LAT_E7},
                                        {lon, lat + STEP_LAT_E7},
                                        {lon, lat}};
    return polygon_of(geos, points, 5);
}

/** The outer ring of a polygon, rounded to 1e-7 degree. */
static tc_err add_ring(struct cutter *c, const GEOSGeometry *polygon, struct gis__outline *out)
{
    const GEOSGeometry *ring = GEOSGetExteriorRing_r(c->geos, polygon);
    const GEOSCoordSequence *seq = ring ? GEOSGeom_getCoordSeq_r(c->geos, ring) : NULL;
    unsigned count = 0;
    if (!seq || !GEOSCoordSeq_getSize_r(c->geos, seq, &count)) {
        return TC_EMALFORMED;
    }
    tc_err err = TC_OK;
    for (unsigned i = 0; i < count && !err; i++) {
        double lon = 0;
        double lat = 0;
        GEOSCoordSeq_getXY_r(c->geos, seq, i, &lon, &lat);
        err = gis__outline_add_point(out, (struct tc_lonlat){.lon_e7 = (int32_t)floor(lon + 0.5),
                                                             .lat_e7 = (int32_t)floor(lat + 0.5)});
    }
    return err ? err : gis__outline_end_part(out);
}

/** The community of this sub-district whose office is nearest; row_count when it has none. */
static uint32_t community_at(const struct cutter *c, struct tc_str subdistrict, struct tc_lonlat at)
{
    const struct sample__table *t = &c->build->communities;
    uint32_t best = t->row_count;
    double best_m = HUGE_VAL;
    for (uint32_t i = 0; i < t->row_count; i++) {
        double m = tc_distance_m(c->offices[i], at);
        if (tc_str_eq(sample__cell(t, i, 3), subdistrict) && m < best_m) {
            best = i;
            best_m = m;
        }
    }
    return best;
}

/** A unit grid with the next number of its community. */
static tc_err write_row_of_grid(struct cutter *c, uint32_t community, struct tc_shape shape)
{
    struct sample__build *b = c->build;
    struct tc_str code = sample__cell(&b->communities, community, 0);
    struct tc_str zh = sample__cell(&b->communities, community, 1);
    struct tc_str en = sample__cell(&b->communities, community, 2);
    unsigned number = ++c->grid_counts[community];
    char id[16];
    char name_zh[96];
    char name_en[96];
    tc_str_format(id, sizeof id, "%.*s%03u", (int)code.len, code.at, number);
    tc_str_format(name_zh, sizeof name_zh, "%.*s第 %u 网格", (int)zh.len, zh.at, number);
    tc_str_format(name_en, sizeof name_en, "%.*s grid %u", (int)en.len, en.at, number);
    return sample__write_row(b, &(struct sample__row){.layer = TC_LAYER_GRIDS,
                                                      .id = tc_str_of(id),
                                                      .name_zh = tc_str_of(name_zh),
                                                      .name_en = tc_str_of(name_en),
                                                      .attributes = TC_STR("sample=1"),
                                                      .shape = shape});
}

static tc_err give_to_community(struct cutter *c, uint32_t subdistrict, struct tc_shape shape,
                                uint32_t *community)
{
    struct sample__build *b = c->build;
    struct tc_str code = sample__cell(&b->subdistricts, subdistrict, 0);
    *community = community_at(c, code, gis__label_point(&shape, true));
    if (*community == b->communities.row_count || c->grid_counts[*community] == GRIDS_MAX) {
        return sample__refuse(&b->subdistricts, subdistrict, "it has no community, or too few",
                              "没有社区或社区过少", b->why);
    }
    return write_row_of_grid(c, *community, shape);
}

static tc_err write_grid(struct cutter *c, uint32_t subdistrict, const GEOSGeometry *polygon)
{
    double area = 0;
    if (!GEOSArea_r(c->geos, polygon, &area) || area < LEAST_AREA) {
        return TC_OK;
    }
    struct gis__outline ring = {0};
    uint32_t community = 0;
    tc_err err = add_ring(c, polygon, &ring);
    if (!err) {
        err = give_to_community(c, subdistrict, gis__outline_shape(&ring), &community);
    }
    if (!err) {
        err = add_ring(c, polygon, &c->areas[community]);
    }
    gis__outline_finish(&ring);
    return err;
}

static tc_err write_pieces(struct cutter *c, uint32_t subdistrict, const GEOSGeometry *cut)
{
    tc_err err = TC_OK;
    int count = GEOSGetNumGeometries_r(c->geos, cut);
    for (int i = 0; i < count && !err; i++) {
        const GEOSGeometry *piece = GEOSGetGeometryN_r(c->geos, cut, i);
        if (GEOSGeomTypeId_r(c->geos, piece) == GEOS_POLYGON) {
            err = write_grid(c, subdistrict, piece);
        }
    }
    return err;
}

static tc_err cut_square(struct cutter *c, uint32_t row, const GEOSGeometry *area, int32_t lon,
                         int32_t lat)
{
    GEOSGeometry *square = square_of(c->geos, lon, lat);
    GEOSGeometry *cut = square ? GEOSIntersection_r(c->geos, area, square) : NULL;
    tc_err err = cut ? write_pieces(c, row, cut) : TC_ENOMEM;
    GEOSGeom_destroy_r(c->geos, cut);
    GEOSGeom_destroy_r(c->geos, square);
    return err;
}

static tc_err cut_area(struct cutter *c, uint32_t row, const GEOSGeometry *area)
{
    double west = 0;
    double south = 0;
    double east = 0;
    double north = 0;
    GEOSGeom_getXMin_r(c->geos, area, &west);
    GEOSGeom_getYMin_r(c->geos, area, &south);
    GEOSGeom_getXMax_r(c->geos, area, &east);
    GEOSGeom_getYMax_r(c->geos, area, &north);
    int32_t x0 = (int32_t)floor((west - CORNER_LON_E7) / STEP_LON_E7);
    int32_t y0 = (int32_t)floor((south - CORNER_LAT_E7) / STEP_LAT_E7);
    tc_err err = TC_OK;
    for (int32_t lat = CORNER_LAT_E7 + y0 * STEP_LAT_E7; lat < north; lat += STEP_LAT_E7) {
        for (int32_t lon = CORNER_LON_E7 + x0 * STEP_LON_E7; lon < east && !err;
             lon += STEP_LON_E7) {
            err = cut_square(c, row, area, lon, lat);
        }
    }
    return err;
}

static tc_err cut_subdistrict(struct cutter *c, uint32_t row)
{
    const struct gis__outline *border = &c->build->borders[row];
    GEOSGeometry *area = polygon_of(c->geos, border->points, border->point_count);
    tc_err err = TC_OK;
    if (area && GEOSisValid_r(c->geos, area) == 1) {
        err = cut_area(c, row, area);
    } else {
        err = sample__refuse(&c->build->subdistricts, row, "the border crosses itself",
                             "边界自相交", c->build->why);
    }
    GEOSGeom_destroy_r(c->geos, area);
    return err;
}

/** One area of all grids of a community. */
static GEOSGeometry *join_grids(struct cutter *c, const struct gis__outline *o)
{
    GEOSGeometry **parts = tc_alloc(o->part_count * sizeof(GEOSGeometry *));
    if (!parts) {
        return NULL;
    }
    uint32_t start = 0;
    for (uint32_t i = 0; i < o->part_count; i++) {
        parts[i] = polygon_of(c->geos, &o->points[start], o->part_ends[i] - start);
        start = o->part_ends[i];
    }
    GEOSGeometry *all =
        GEOSGeom_createCollection_r(c->geos, GEOS_MULTIPOLYGON, parts, o->part_count);
    GEOSGeometry *joined = all ? GEOSUnaryUnion_r(c->geos, all) : NULL;
    GEOSGeom_destroy_r(c->geos, all);
    tc_free(parts);
    return joined;
}

static tc_err write_community(struct cutter *c, uint32_t row)
{
    struct sample__build *b = c->build;
    if (c->areas[row].part_count == 0) {
        return sample__refuse(&b->communities, row, "no unit grid is nearest to it",
                              "没有归属该社区的网格", b->why);
    }
    GEOSGeometry *joined = join_grids(c, &c->areas[row]);
    struct gis__outline rings = {0};
    tc_err err = joined ? TC_OK : TC_ENOMEM;
    int count = joined ? GEOSGetNumGeometries_r(c->geos, joined) : 0;
    for (int i = 0; i < count && !err; i++) {
        err = add_ring(c, GEOSGetGeometryN_r(c->geos, joined, i), &rings);
    }
    if (!err) {
        char attributes[96];
        tc_str_format(attributes, sizeof attributes, "office_lon_e7=%d;office_lat_e7=%d;sample=1",
                      c->offices[row].lon_e7, c->offices[row].lat_e7);
        err = sample__write_row(
            b, &(struct sample__row){.layer = TC_LAYER_COMMUNITIES,
                                     .id = sample__cell(&b->communities, row, 0),
                                     .name_zh = sample__cell(&b->communities, row, 1),
                                     .name_en = sample__cell(&b->communities, row, 2),
                                     .attributes = tc_str_of(attributes),
                                     .shape = gis__outline_shape(&rings)});
    }
    gis__outline_finish(&rings);
    GEOSGeom_destroy_r(c->geos, joined);
    return err;
}

tc_err sample__write_grids(struct sample__build *b)
{
    const struct sample__table *t = &b->communities;
    struct cutter c = {.build = b,
                       .geos = GEOS_init_r(),
                       .offices = tc_arena_alloc(&b->arena, t->row_count * sizeof *c.offices),
                       .grid_counts =
                           tc_arena_alloc(&b->arena, t->row_count * sizeof *c.grid_counts),
                       .areas = tc_arena_alloc(&b->arena, t->row_count * sizeof *c.areas)};
    tc_err err = c.geos ? TC_OK : TC_ENOMEM;
    for (uint32_t i = 0; i < t->row_count && !err; i++) {
        err = sample__lonlat(t, i, 4, &c.offices[i], b->why);
        if (!err && sample__cell(t, i, 0).len != 12) {
            err = sample__refuse(t, i, "a community's code has 12 digits", "社区代码应为 12 位",
                                 b->why);
        }
    }
    for (uint32_t i = 0; i < b->subdistricts.row_count && !err; i++) {
        err = cut_subdistrict(&c, i);
    }
    for (uint32_t i = 0; i < t->row_count && !err; i++) {
        err = write_community(&c, i);
    }
    for (uint32_t i = 0; i < t->row_count; i++) {
        gis__outline_finish(&c.areas[i]);
    }
    if (c.geos) {
        GEOS_finish_r(c.geos);
    }
    return err;
}
