/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/locate.h"

#include <geos_c.h>
#include <math.h>

#include "core/base/mem.h"
#include "gis/gis_int.h"
#include "gis/pieces.h"

#define ROAD_FAR_M     150.0
#define ROAD_SEARCH_M  2000.0
#define CROSSING_M     600.0
#define CROSSING_AT_M  15.0
#define GAP_M          0.5 /* borders of neighbours may miss each other by roundings */
#define CROSSINGS_SEEN 8

/** One polygon layer, prepared for one thread. */
struct cover {
    enum tc_layer layer;
    uint32_t count;
    GEOSGeometry **areas;
    const GEOSPreparedGeometry **prepared;
    GEOSSTRtree *tree;
};

struct tc_locator {
    const struct tc_gis *gis;
    GEOSContextHandle_t geos;
    struct cover grids;
    struct cover communities;
    struct cover subdistricts;
    struct gis__pieces *roads;
};

static GEOSGeometry *ring_of(GEOSContextHandle_t geos, const struct tc_lonlat *points,
                             uint32_t count)
{
    GEOSCoordSequence *seq = GEOSCoordSeq_create_r(geos, count, 2);
    if (!seq) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        GEOSCoordSeq_setXY_r(geos, seq, i, points[i].lon_e7, points[i].lat_e7);
    }
    return GEOSGeom_createLinearRing_r(geos, seq);
}

/** One area of all rings, even-odd; units are 1e-7 degree, so GEOS reckons with whole numbers. */
static GEOSGeometry *area_of(GEOSContextHandle_t geos, const struct tc_shape *s)
{
    GEOSGeometry **rings = tc_alloc(s->part_count * sizeof(GEOSGeometry *));
    if (!rings) {
        return NULL;
    }
    uint32_t start = 0;
    uint32_t made = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        rings[made] = ring_of(geos, &s->points[start], s->part_ends[part] - start);
        if (!rings[made]) {
            break;
        }
        made++;
        start = s->part_ends[part];
    }
    GEOSGeometry *area = NULL;
    if (made == 1 && s->part_count == 1) {
        area = GEOSGeom_createPolygon_r(geos, rings[0], NULL, 0);
    } else if (made == s->part_count) {
        GEOSGeometry *lines =
            GEOSGeom_createCollection_r(geos, GEOS_GEOMETRYCOLLECTION, rings, made);
        area = lines ? GEOSBuildArea_r(geos, lines) : NULL;
        GEOSGeom_destroy_r(geos, lines);
    } else {
        for (uint32_t i = 0; i < made; i++) {
            GEOSGeom_destroy_r(geos, rings[i]);
        }
    }
    tc_free(rings);
    return area;
}

static void finish_cover(struct tc_locator *l, struct cover *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->prepared && c->prepared[i]) {
            GEOSPreparedGeom_destroy_r(l->geos, c->prepared[i]);
        }
        if (c->areas && c->areas[i]) {
            GEOSGeom_destroy_r(l->geos, c->areas[i]);
        }
    }
    if (c->tree) {
        GEOSSTRtree_destroy_r(l->geos, c->tree);
    }
    tc_free(c->prepared);
    tc_free(c->areas);
}

static tc_err add_area(struct tc_locator *l, struct cover *c, uint32_t i, char *why)
{
    const struct tc_feature *f = tc_gis_at(l->gis, c->layer, i);
    c->areas[i] = area_of(l->geos, &f->shape);
    if (!c->areas[i] || GEOSisValid_r(l->geos, c->areas[i]) != 1) {
        gis__why(why, "Layer %s, id %s: the border crosses itself. 图层 %s 要素 %s 的边界自相交。",
                 tc_layer_name(c->layer), f->id, tc_layer_name(c->layer), f->id);
        return TC_EMALFORMED;
    }
    c->prepared[i] = GEOSPrepare_r(l->geos, c->areas[i]);
    if (!c->prepared[i]) {
        return TC_ENOMEM;
    }
    /* The items of the tree point into `prepared`: their place is the feature's index. */
    GEOSSTRtree_insert_r(l->geos, c->tree, c->areas[i], &c->prepared[i]);
    return TC_OK;
}

struct probe {
    struct tc_locator *locator;
    const struct cover *cover;
    const GEOSGeometry *point;
    uint32_t found; /* UINT32_MAX: none */
};

static void on_candidate_found(void *item, void *self)
{
    struct probe *p = self;
    const GEOSPreparedGeometry **place = item;
    uint32_t index = (uint32_t)(place - p->cover->prepared);
    if (index < p->found && GEOSPreparedIntersects_r(p->locator->geos, *place, p->point) == 1) {
        p->found = index;
    }
}

/** The first feature that holds the point; NULL when none does. */
static const struct tc_feature *holder_of(struct tc_locator *l, const struct cover *c,
                                          struct tc_lonlat at)
{
    GEOSGeometry *point = GEOSGeom_createPointFromXY_r(l->geos, at.lon_e7, at.lat_e7);
    TC_REQUIRE(point != NULL);
    struct probe p = {.locator = l, .cover = c, .point = point, .found = UINT32_MAX};
    GEOSSTRtree_query_r(l->geos, c->tree, point, on_candidate_found, &p);
    GEOSGeom_destroy_r(l->geos, point);
    return p.found == UINT32_MAX ? NULL : tc_gis_at(l->gis, c->layer, p.found);
}

static tc_err init_cover(struct tc_locator *l, struct cover *c, enum tc_layer layer, char *why)
{
    c->layer = layer;
    c->count = tc_gis_count(l->gis, layer);
    c->areas = tc_alloc(c->count * sizeof(GEOSGeometry *));
    c->prepared = tc_alloc(c->count * sizeof(GEOSPreparedGeometry *));
    c->tree = GEOSSTRtree_create_r(l->geos, 10);
    if (!c->areas || !c->prepared || !c->tree) {
        return TC_ENOMEM;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        tc_err err = add_area(l, c, i, why);
        if (err) {
            return err;
        }
    }
    /* First use builds the tree and the caches of prepared geometries; do it now. */
    for (uint32_t i = 0; i < c->count; i++) {
        (void)holder_of(l, c, tc_gis_at(l->gis, layer, i)->at);
    }
    return TC_OK;
}

static tc_err init_roads(struct tc_locator *l)
{
    uint32_t roads = tc_gis_count(l->gis, TC_LAYER_ROADS);
    uint32_t room = 0;
    for (uint32_t i = 0; i < roads; i++) {
        room += tc_gis_at(l->gis, TC_LAYER_ROADS, i)->shape.point_count;
    }
    struct gis__piece *pieces = tc_alloc(room * sizeof *pieces);
    if (!pieces) {
        return TC_ENOMEM;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < roads; i++) {
        const struct tc_shape *s = &tc_gis_at(l->gis, TC_LAYER_ROADS, i)->shape;
        uint32_t start = 0;
        for (uint32_t part = 0; part < s->part_count; part++) {
            for (uint32_t k = start; k + 1 < s->part_ends[part]; k++) {
                pieces[count++] =
                    (struct gis__piece){.a = s->points[k], .b = s->points[k + 1], .owner = i};
            }
            start = s->part_ends[part];
        }
    }
    return gis__pieces_create(pieces, count, &l->roads);
}

tc_err tc_locator_create(const struct tc_gis *gis, struct tc_locator **out, char why[TC_WHY_MAX])
{
    *out = NULL;
    gis__why(why, "Out of memory. 内存不足。");
    struct tc_locator *l = tc_alloc(sizeof *l);
    if (!l) {
        return TC_ENOMEM;
    }
    l->gis = gis;
    l->geos = GEOS_init_r();
    tc_err err = l->geos ? TC_OK : TC_ENOMEM;
    if (!err) {
        err = init_cover(l, &l->grids, TC_LAYER_GRIDS, why);
    }
    if (!err) {
        err = init_cover(l, &l->communities, TC_LAYER_COMMUNITIES, why);
    }
    if (!err) {
        err = init_cover(l, &l->subdistricts, TC_LAYER_SUBDISTRICTS, why);
    }
    if (!err) {
        err = init_roads(l);
    }
    if (err) {
        tc_locator_destroy(l);
        return err;
    }
    *out = l;
    return TC_OK;
}

void tc_locator_destroy(struct tc_locator *l)
{
    if (!l) {
        return;
    }
    if (l->geos) {
        finish_cover(l, &l->grids);
        finish_cover(l, &l->communities);
        finish_cover(l, &l->subdistricts);
        GEOS_finish_r(l->geos);
    }
    gis__pieces_destroy(l->roads);
    tc_free(l);
}

static void put(char *to, size_t size, const char *text)
{
    tc_str_put(to, size, tc_str_of(text));
}

/** As `holder_of`, but a point in the hair's breadth between two neighbours goes to one of them. */
static const struct tc_feature *nearly_holder_of(struct tc_locator *l, const struct cover *c,
                                                 struct tc_lonlat at)
{
    const struct tc_feature *f = holder_of(l, c, at);
    struct tc_near near;
    if (!f && tc_gis_near(l->gis, c->layer, at, GAP_M, &near, 1) == 1) {
        f = near.feature;
    }
    return f;
}

static void fill_areas(struct tc_locator *l, struct tc_lonlat at, struct tc_place *out)
{
    const struct tc_feature *grid = nearly_holder_of(l, &l->grids, at);
    const struct tc_feature *community = NULL;
    const struct tc_feature *subdistrict = NULL;
    if (grid && strlen(grid->id) == 15) {
        put(out->grid, sizeof out->grid, grid->id);
        community =
            tc_gis_find(l->gis, TC_LAYER_COMMUNITIES, (struct tc_str){.at = grid->id, .len = 12});
    } else {
        out->doubt |= TC_PLACE_NO_GRID;
    }
    if (!community) {
        community = nearly_holder_of(l, &l->communities, at);
    }
    if (community) {
        size_t len = strlen(community->id);
        subdistrict = tc_gis_find(l->gis, TC_LAYER_SUBDISTRICTS,
                                  (struct tc_str){.at = community->id, .len = len < 9 ? len : 9});
        put(out->community, sizeof out->community, community->id);
        put(out->community_zh, sizeof out->community_zh, community->name_zh);
        put(out->community_en, sizeof out->community_en, community->name_en);
    }
    if (!subdistrict) {
        subdistrict = nearly_holder_of(l, &l->subdistricts, at);
    }
    if (!subdistrict) {
        out->doubt |= TC_PLACE_OUTSIDE;
        return;
    }
    put(out->subdistrict, sizeof out->subdistrict, subdistrict->id);
    put(out->subdistrict_zh, sizeof out->subdistrict_zh, subdistrict->name_zh);
    put(out->subdistrict_en, sizeof out->subdistrict_en, subdistrict->name_en);
}

struct direction {
    const char *zh;
    const char *en;
};

/** Which way `to` lies from `from`: eight winds, each 45 degrees wide. */
static struct direction direction_of(struct tc_lonlat from, struct tc_lonlat to)
{
    static const struct direction winds[3][3] = {
        {{"西南", "south-west"}, {"南", "south"}, {"东南", "south-east"}},
        {{"西", "west"}, {"", ""}, {"东", "east"}},
        {{"西北", "north-west"}, {"北", "north"}, {"东北", "north-east"}},
    };
    const double half_wind = 0.41421356237309503; /* tan 22.5 degrees */
    struct gis__scale s = gis__scale_at(from.lat_e7);
    double x = ((double)to.lon_e7 - from.lon_e7) * s.m_per_lon_e7;
    double y = ((double)to.lat_e7 - from.lat_e7) * s.m_per_lat_e7;
    int column = fabs(x) <= fabs(y) * half_wind ? 1 : x > 0 ? 2 : 0;
    int row = fabs(y) <= fabs(x) * half_wind ? 1 : y > 0 ? 2 : 0;
    return winds[row][column];
}

static unsigned round_to_ten(double m)
{
    return (unsigned)((m + 5) / 10) * 10;
}

static void put_crossing_text(const struct tc_near *crossing, struct tc_lonlat at,
                              struct tc_place *out)
{
    const struct tc_feature *f = crossing->feature;
    if (crossing->distance_m < CROSSING_AT_M) {
        tc_str_format(out->text_zh, sizeof out->text_zh, "%s", f->name_zh);
        tc_str_format(out->text_en, sizeof out->text_en, "at %s", f->name_en);
        return;
    }
    struct direction d = direction_of(f->at, at);
    unsigned m = round_to_ten(crossing->distance_m);
    tc_str_format(out->text_zh, sizeof out->text_zh, "%s%s %u 米", f->name_zh, d.zh, m);
    tc_str_format(out->text_en, sizeof out->text_en, "%u m %s of %s", m, d.en, f->name_en);
}

static void put_road_text(const struct tc_feature *road, double distance_m, struct tc_place *out)
{
    if (distance_m < CROSSING_AT_M) {
        tc_str_format(out->text_zh, sizeof out->text_zh, "%s", road->name_zh);
        tc_str_format(out->text_en, sizeof out->text_en, "on %s", road->name_en);
        return;
    }
    unsigned m = round_to_ten(distance_m);
    tc_str_format(out->text_zh, sizeof out->text_zh, "距%s %u 米", road->name_zh, m);
    tc_str_format(out->text_en, sizeof out->text_en, "%u m from %s", m, road->name_en);
}

/** The nearest crossing that has a name; bends and dead ends have none. */
static bool find_crossing(struct tc_locator *l, struct tc_lonlat at, struct tc_near *out)
{
    struct tc_near near[CROSSINGS_SEEN];
    size_t count = tc_gis_near(l->gis, TC_LAYER_CROSSINGS, at, CROSSING_M, near, CROSSINGS_SEEN);
    for (size_t i = 0; i < count; i++) {
        if (near[i].feature->name_zh[0] != '\0') {
            *out = near[i];
            return true;
        }
    }
    return false;
}

static void fill_road(struct tc_locator *l, struct tc_lonlat at, struct tc_place *out)
{
    double distance_m;
    const struct gis__piece *piece = gis__pieces_nearest(l->roads, at, ROAD_SEARCH_M, &distance_m);
    if (!piece) {
        out->doubt |= TC_PLACE_NO_ROAD | TC_PLACE_FAR_FROM_ROAD;
        return;
    }
    const struct tc_feature *road = tc_gis_at(l->gis, TC_LAYER_ROADS, piece->owner);
    put(out->road_zh, sizeof out->road_zh, road->name_zh);
    put(out->road_en, sizeof out->road_en, road->name_en);
    out->road_distance_m = (uint32_t)(distance_m + 0.5);
    if (distance_m > ROAD_FAR_M) {
        out->doubt |= TC_PLACE_FAR_FROM_ROAD;
    }
    struct tc_near crossing;
    if (find_crossing(l, at, &crossing)) {
        out->crossing_distance_m = (uint32_t)(crossing.distance_m + 0.5);
        put_crossing_text(&crossing, at, out);
    } else {
        put_road_text(road, distance_m, out);
    }
}

void tc_locate(struct tc_locator *l, struct tc_lonlat point, struct tc_place *out)
{
    *out = (struct tc_place){.road_distance_m = UINT32_MAX, .crossing_distance_m = UINT32_MAX};
    fill_areas(l, point, out);
    fill_road(l, point, out);
}

const char *tc_place_doubt_text(enum tc_place_doubt bit, bool is_zh)
{
    switch (bit) {
    case TC_PLACE_OUTSIDE: return is_zh ? "位置在本区以外" : "The place is outside the district";
    case TC_PLACE_NO_GRID: return is_zh ? "位置不在任何单元网格内" : "The place is in no unit grid";
    case TC_PLACE_FAR_FROM_ROAD:
        return is_zh ? "150 米内没有道路" : "There is no road within 150 m";
    case TC_PLACE_NO_ROAD: return is_zh ? "2 公里内没有道路" : "There is no road within 2 km";
    }
    return "";
}
