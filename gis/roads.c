/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/roads.h"

#include "core/base/mem.h"
#include "core/base/pool.h"
#include "gis/gis_int.h"
#include "gis/roads_int.h"

#define SPEED_KMH_DEFAULT 30
#define SPEED_KMH_MAX     200

static const struct tc_road_class usual_classes[] = {
    {"expressway", 80},
    {"main", 60},
    {"secondary", 40},
    {"branch", 30},
};

struct builder {
    struct tc_roads *roads;
    const struct tc_road_class *classes;
    size_t class_count;
    struct tc_map uses;  /* place -> how many line ends and passages */
    struct tc_map nodes; /* place -> node + 1 */
    char *why;
};

static uint64_t key_of(struct tc_lonlat p)
{
    uint64_t key = (uint64_t)(uint32_t)p.lon_e7 << 32 | (uint32_t)p.lat_e7;
    return key ? key : 1; /* 0 is no key; nobody drives at 0, 0 */
}

static void count_use(struct builder *b, struct tc_lonlat p, uint64_t uses)
{
    uint64_t before = 0;
    (void)tc_map_get(&b->uses, key_of(p), &before);
    tc_map_put(&b->uses, key_of(p), before + uses);
}

static void count_uses(struct builder *b, const struct tc_shape *s)
{
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        uint32_t end = s->part_ends[part];
        for (uint32_t i = start; i < end; i++) {
            count_use(b, s->points[i], i == start || i + 1 == end ? 2 : 1);
        }
        start = end;
    }
}

static bool is_node(const struct builder *b, struct tc_lonlat p)
{
    uint64_t uses = 0;
    return tc_map_get(&b->uses, key_of(p), &uses) && uses > 1;
}

static uint32_t node_at(struct builder *b, struct tc_lonlat p)
{
    uint64_t node = 0;
    if (!tc_map_get(&b->nodes, key_of(p), &node)) {
        node = ++b->roads->node_count;
        tc_map_put(&b->nodes, key_of(p), node);
    }
    return (uint32_t)(node - 1);
}

static tc_err speed_of(const struct builder *b, const struct tc_feature *road, uint32_t *kmh)
{
    struct tc_str own = tc_feature_attribute(road, "speed_kmh");
    int64_t value = 0;
    if (own.len) {
        if (tc_str_to_i64(own, &value) || value < 1 || value > SPEED_KMH_MAX) {
            gis__why(b->why, "Road %s: speed_kmh must be 1 to %d. 道路 %s 的 speed_kmh 无效。",
                     road->id, SPEED_KMH_MAX, road->id);
            return TC_EMALFORMED;
        }
        *kmh = (uint32_t)value;
        return TC_OK;
    }
    struct tc_str name = tc_feature_attribute(road, "class");
    *kmh = SPEED_KMH_DEFAULT;
    for (size_t i = 0; i < b->class_count; i++) {
        if (tc_str_is(name, b->classes[i].name) && b->classes[i].speed_kmh > 0) {
            *kmh = b->classes[i].speed_kmh;
        }
    }
    return TC_OK;
}

/** Cut one line at its nodes. */
static void cut_line(struct builder *b, const struct tc_feature *road, uint32_t start, uint32_t end,
                     uint32_t kmh)
{
    const struct tc_lonlat *points = road->shape.points;
    bool is_oneway = tc_str_is(tc_feature_attribute(road, "oneway"), "1");
    uint32_t first = start;
    for (uint32_t i = start + 1; i < end; i++) {
        if (!is_node(b, points[i])) {
            continue;
        }
        uint64_t length_dm = (uint64_t)(gis__length_m(&points[first], i - first + 1) * 10 + 0.5);
        b->roads->segments[b->roads->segment_count++] = (struct gis__segment){
            .points = &points[first],
            .point_count = i - first + 1,
            .from = node_at(b, points[first]),
            .to = node_at(b, points[i]),
            .length_dm = (uint32_t)length_dm,
            .time_ms = (uint32_t)((length_dm * 360 + kmh / 2) / kmh),
            .road = road->index,
            .is_oneway = is_oneway,
        };
        first = i;
    }
}

static tc_err cut_roads(struct builder *b)
{
    struct tc_roads *r = b->roads;
    uint32_t roads = tc_gis_count(r->gis, TC_LAYER_ROADS);
    uint32_t room = 0;
    for (uint32_t i = 0; i < roads; i++) {
        const struct tc_feature *road = tc_gis_at(r->gis, TC_LAYER_ROADS, i);
        count_uses(b, &road->shape);
        room += road->shape.point_count;
    }
    r->segments = tc_alloc(room * sizeof *r->segments);
    if (!r->segments) {
        return TC_ENOMEM;
    }
    for (uint32_t i = 0; i < roads; i++) {
        const struct tc_feature *road = tc_gis_at(r->gis, TC_LAYER_ROADS, i);
        uint32_t kmh;
        tc_err err = speed_of(b, road, &kmh);
        if (err) {
            return err;
        }
        uint32_t start = 0;
        for (uint32_t part = 0; part < road->shape.part_count; part++) {
            cut_line(b, road, start, road->shape.part_ends[part], kmh);
            start = road->shape.part_ends[part];
        }
    }
    if (r->segment_count == 0) {
        gis__why(b->why, "Layer roads is empty. 图层 roads 为空。");
        return TC_EMALFORMED;
    }
    return TC_OK;
}

/** The node at which a link along a segment is listed, forward or backward. */
static uint32_t list_node(const struct gis__segment *s, bool is_arrival, bool is_forward)
{
    return is_arrival == is_forward ? s->to : s->from;
}

/** Each node's links, in order of segment. */
static tc_err link_nodes(const struct tc_roads *r, bool is_arrival, struct gis__links *links)
{
    links->starts = tc_alloc(((size_t)r->node_count + 1) * sizeof *links->starts);
    links->items = tc_alloc(2 * (size_t)r->segment_count * sizeof *links->items);
    if (!links->starts || !links->items) {
        return TC_ENOMEM;
    }
    for (uint32_t i = 0; i < r->segment_count; i++) {
        const struct gis__segment *s = &r->segments[i];
        links->starts[list_node(s, is_arrival, true)]++;
        links->starts[list_node(s, is_arrival, false)] += s->is_oneway ? 0 : 1;
    }
    for (uint32_t i = 1; i <= r->node_count; i++) {
        links->starts[i] += links->starts[i - 1];
    }
    for (uint32_t i = r->segment_count; i-- > 0;) {
        const struct gis__segment *s = &r->segments[i];
        uint32_t here = list_node(s, is_arrival, true);
        uint32_t there = list_node(s, is_arrival, false);
        links->items[--links->starts[here]] = (struct gis__link){.node = there, .segment = i};
        if (!s->is_oneway) {
            links->items[--links->starts[there]] = (struct gis__link){.node = here, .segment = i};
        }
    }
    return TC_OK;
}

static tc_err index_pieces(struct tc_roads *r)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < r->segment_count; i++) {
        room += r->segments[i].point_count - 1;
    }
    struct gis__piece *pieces = tc_alloc(room * sizeof *pieces);
    if (!pieces) {
        return TC_ENOMEM;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->segment_count; i++) {
        const struct gis__segment *s = &r->segments[i];
        for (uint32_t k = 0; k + 1 < s->point_count; k++) {
            double offset_m = gis__length_m(s->points, k + 1);
            pieces[count++] = (struct gis__piece){.a = s->points[k],
                                                  .b = s->points[k + 1],
                                                  .owner = i,
                                                  .offset_dm = (uint32_t)(offset_m * 10 + 0.5)};
        }
    }
    return gis__pieces_create(pieces, count, &r->pieces);
}

tc_err tc_roads_create(const struct tc_gis *gis, const struct tc_road_class *classes,
                       size_t class_count, struct tc_roads **out, char why[TC_WHY_MAX])
{
    *out = NULL;
    gis__why(why, "Out of memory. 内存不足。");
    struct tc_roads *r = tc_alloc(sizeof *r);
    if (!r) {
        return TC_ENOMEM;
    }
    r->gis = gis;
    struct builder b = {.roads = r,
                        .classes = classes ? classes : usual_classes,
                        .class_count = classes ? class_count : TC_COUNT_OF(usual_classes),
                        .why = why};
    tc_err err = cut_roads(&b);
    if (!err) {
        err = link_nodes(r, true, &r->arrivals);
    }
    if (!err) {
        err = link_nodes(r, false, &r->departures);
    }
    if (!err) {
        err = index_pieces(r);
    }
    tc_map_finish(&b.uses);
    tc_map_finish(&b.nodes);
    if (err) {
        tc_roads_destroy(r);
        return err;
    }
    *out = r;
    return TC_OK;
}

void tc_roads_destroy(struct tc_roads *r)
{
    if (!r) {
        return;
    }
    gis__pieces_destroy(r->pieces);
    tc_free(r->arrivals.items);
    tc_free(r->arrivals.starts);
    tc_free(r->departures.items);
    tc_free(r->departures.starts);
    tc_free(r->segments);
    tc_free(r);
}

uint32_t tc_roads_node_count(const struct tc_roads *r)
{
    return r->node_count;
}

uint32_t tc_roads_segment_count(const struct tc_roads *r)
{
    return r->segment_count;
}

tc_err tc_roads_snap(const struct tc_roads *r, struct tc_lonlat point, uint32_t within_m,
                     struct tc_snap *out)
{
    *out = (struct tc_snap){0};
    double distance_m;
    const struct gis__piece *piece = gis__pieces_nearest(r->pieces, point, within_m, &distance_m);
    if (!piece) {
        return TC_ENOTFOUND;
    }
    double along;
    struct tc_lonlat at = gis__nearest_on(piece->a, piece->b, point, &along);
    uint32_t length_dm = r->segments[piece->owner].length_dm;
    double piece_dm = tc_distance_m(piece->a, piece->b) * 10;
    uint32_t along_dm = piece->offset_dm + (uint32_t)(along * piece_dm + 0.5);
    *out = (struct tc_snap){.segment = piece->owner,
                            .along_dm = along_dm < length_dm ? along_dm : length_dm,
                            .off_dm = (uint32_t)(distance_m * 10 + 0.5),
                            .at = at};
    return TC_OK;
}
