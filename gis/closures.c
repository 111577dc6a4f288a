/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"
#include "gis/gis_int.h"
#include "gis/roads_int.h"

tc_err tc_closures_create(const struct tc_roads *r, uint64_t seq, struct tc_closures **out)
{
    *out = tc_alloc(sizeof **out + r->segment_count);
    if (!*out) {
        return TC_ENOMEM;
    }
    (*out)->roads = r;
    (*out)->seq = seq;
    return TC_OK;
}

void tc_closures_destroy(struct tc_closures *c)
{
    tc_free(c);
}

struct closing {
    struct tc_closures *closures;
    const char *road; /* NULL: any */
};

static bool is_road(const struct tc_closures *c, uint32_t segment, const char *ref)
{
    const struct tc_feature *road =
        tc_gis_at(c->roads->gis, TC_LAYER_ROADS, c->roads->segments[segment].road);
    return strcmp(road->id, ref) == 0 || strcmp(road->name_zh, ref) == 0 ||
           strcmp(road->name_en, ref) == 0;
}

static void close_piece(void *self, const struct gis__piece *piece)
{
    struct closing *closing = self;
    struct tc_closures *c = closing->closures;
    if (c->is_closed[piece->owner] || (closing->road && !is_road(c, piece->owner, closing->road))) {
        return;
    }
    c->is_closed[piece->owner] = 1;
    c->closed_count++;
}

uint32_t tc_closures_add_circle(struct tc_closures *c, struct tc_lonlat center, uint32_t radius_m)
{
    struct closing closing = {.closures = c};
    uint32_t before = c->closed_count;
    gis__pieces_within(c->roads->pieces, center, radius_m, close_piece, &closing);
    return c->closed_count - before;
}

/** All segments of one road feature. */
static void close_road(struct tc_closures *c, uint32_t road)
{
    for (uint32_t i = 0; i < c->roads->segment_count; i++) {
        if (c->roads->segments[i].road == road && !c->is_closed[i]) {
            c->is_closed[i] = 1;
            c->closed_count++;
        }
    }
}

static bool piece_comes_near(const struct tc_lonlat piece[2], const struct tc_shape *polygon,
                             double within_m)
{
    uint32_t start = 0;
    for (uint32_t part = 0; part < polygon->part_count; part++) {
        for (uint32_t i = start; i + 1 < polygon->part_ends[part]; i++) {
            if (gis__distance_between_pieces_m(piece, &polygon->points[i]) <= within_m) {
                return true;
            }
        }
        start = polygon->part_ends[part];
    }
    return false;
}

/** Does the line come inside the polygon, or within the distance of its border? */
static bool comes_near(const struct gis__segment *s, const struct tc_shape *polygon,
                       double within_m)
{
    bool is_near = gis__point_in_shape(polygon, s->points[0]);
    for (uint32_t i = 0; i + 1 < s->point_count && !is_near; i++) {
        is_near = piece_comes_near(&s->points[i], polygon, within_m);
    }
    return is_near;
}

static void close_near_polygon(struct tc_closures *c, const struct tc_shape *polygon,
                               double within_m)
{
    for (uint32_t i = 0; i < c->roads->segment_count; i++) {
        if (!c->is_closed[i] && comes_near(&c->roads->segments[i], polygon, within_m)) {
            c->is_closed[i] = 1;
            c->closed_count++;
        }
    }
}

uint32_t tc_closures_add_feature(struct tc_closures *c, const struct tc_feature *f,
                                 uint32_t within_m)
{
    uint32_t before = c->closed_count;
    if (f->layer == TC_LAYER_ROADS) {
        close_road(c, f->index);
        return c->closed_count - before;
    }
    if (gis__layer_is_polygon(f->layer)) {
        close_near_polygon(c, &f->shape, within_m);
        return c->closed_count - before;
    }
    char road[128];
    tc_str_put(road, sizeof road, tc_feature_attribute(f, "road"));
    struct closing closing = {.closures = c, .road = road[0] ? road : NULL};
    for (uint32_t i = 0; i < f->shape.point_count; i++) {
        gis__pieces_within(c->roads->pieces, f->shape.points[i], within_m, close_piece, &closing);
    }
    return c->closed_count - before;
}

uint64_t tc_closures_seq(const struct tc_closures *c)
{
    return c->seq;
}

bool tc_closures_is_closed(const struct tc_closures *c, uint32_t segment)
{
    TC_REQUIRE(segment < c->roads->segment_count);
    return c->is_closed[segment] != 0;
}

static void put_segment(const struct tc_closures *c, uint32_t segment, struct tc_buf *out)
{
    const struct gis__segment *s = &c->roads->segments[segment];
    tc_buf_format(out, "{\"type\":\"Feature\",\"id\":%u,\"properties\":{},\"geometry\":", segment);
    tc_buf_text(out, "{\"type\":\"LineString\",\"coordinates\":[");
    for (uint32_t i = 0; i < s->point_count; i++) {
        if (i) {
            tc_buf_byte(out, ',');
        }
        gis__put_lonlat(out, s->points[i]);
    }
    tc_buf_text(out, "]}}");
}

void tc_closures_geojson(const struct tc_closures *c, struct tc_buf *out)
{
    tc_buf_text(out, "{\"type\":\"FeatureCollection\",\"features\":[");
    bool is_first = true;
    for (uint32_t i = 0; i < c->roads->segment_count; i++) {
        if (!c->is_closed[i]) {
            continue;
        }
        if (!is_first) {
            tc_buf_byte(out, ',');
        }
        is_first = false;
        put_segment(c, i, out);
    }
    tc_buf_text(out, "]}");
}
