/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/layers.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "gis/gis_int.h"
#include "gis/layers_int.h"

static const char *const layer_names[TC_LAYER_COUNT] = {
#define X(id, name, zh, en) name,
    TC_LAYER_MAP(X)
#undef X
};

void tc_gis_close(struct tc_gis *gis)
{
    if (!gis) {
        return;
    }
    tc_arena_finish(&gis->arena);
    tc_free(gis);
}

uint64_t tc_gis_layer_hash(const struct tc_gis *gis, enum tc_layer layer)
{
    const struct gis__layer *l = &gis->layers[layer];
    uint64_t hash = tc_hash_str(0, tc_str_of(layer_names[layer]));
    for (uint32_t i = 0; i < l->count; i++) {
        const struct tc_feature *f = &l->features[i];
        hash = tc_hash_str(hash, tc_str_of(f->id));
        hash = tc_hash_str(hash, tc_str_of(f->name_zh));
        hash = tc_hash_str(hash, tc_str_of(f->name_en));
        hash = tc_hash_str(hash, tc_str_of(f->attributes));
        for (uint32_t k = 0; k < f->shape.part_count; k++) {
            hash = tc_hash_mix(hash, f->shape.part_ends[k]);
        }
        for (uint32_t k = 0; k < f->shape.point_count; k++) {
            struct tc_lonlat p = f->shape.points[k];
            hash = tc_hash_mix(hash, (uint64_t)(uint32_t)p.lon_e7 << 32 | (uint32_t)p.lat_e7);
        }
    }
    return hash;
}

bool tc_gis_is_sample(const struct tc_gis *gis)
{
    return gis->is_sample;
}

const char *tc_layer_name(enum tc_layer layer)
{
    TC_REQUIRE(layer < TC_LAYER_COUNT);
    return layer_names[layer];
}

enum tc_layer tc_layer_parse(struct tc_str name)
{
    unsigned i = 0;
    while (i < TC_LAYER_COUNT && !tc_str_is(name, layer_names[i])) {
        i++;
    }
    return (enum tc_layer)i;
}

uint32_t tc_gis_count(const struct tc_gis *gis, enum tc_layer layer)
{
    TC_REQUIRE(layer < TC_LAYER_COUNT);
    return gis->layers[layer].count;
}

const struct tc_feature *tc_gis_at(const struct tc_gis *gis, enum tc_layer layer, uint32_t index)
{
    TC_REQUIRE(index < tc_gis_count(gis, layer));
    return &gis->layers[layer].features[index];
}

static int compare_text(const char *id, struct tc_str ref)
{
    size_t len = strlen(id);
    size_t both = len < ref.len ? len : ref.len;
    int order = both ? memcmp(id, ref.at, both) : 0;
    return order ? order : (len > ref.len) - (len < ref.len);
}

static const struct tc_feature *find_id(const struct gis__layer *l, struct tc_str id)
{
    uint32_t low = 0;
    uint32_t high = l->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_text(l->features[middle].id, id);
        if (order == 0) {
            return &l->features[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static const struct tc_feature *find_name(const struct gis__layer *l, struct tc_str name)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct tc_feature *f = &l->features[i];
        if (tc_str_is(name, f->name_zh) || tc_str_is(name, f->name_en)) {
            return f;
        }
    }
    return NULL;
}

const struct tc_feature *tc_gis_find(const struct tc_gis *gis, enum tc_layer layer,
                                     struct tc_str ref)
{
    if (ref.len == 0) {
        return NULL;
    }
    unsigned first = layer == TC_LAYER_COUNT ? 0 : (unsigned)layer;
    unsigned end = layer == TC_LAYER_COUNT ? TC_LAYER_COUNT : (unsigned)layer + 1;
    const struct tc_feature *found = NULL;
    for (unsigned i = first; i < end && !found; i++) {
        found = find_id(&gis->layers[i], ref);
    }
    for (unsigned i = first; i < end && !found; i++) {
        found = find_name(&gis->layers[i], ref);
    }
    return found;
}

/** The next "key=value" of a list that shrinks; false at its end. */
static bool next_attribute(struct tc_str *list, struct tc_str *key, struct tc_str *value)
{
    if (list->len == 0) {
        return false;
    }
    const char *semicolon = memchr(list->at, ';', list->len);
    size_t len = semicolon ? (size_t)(semicolon - list->at) : list->len;
    const char *equals = memchr(list->at, '=', len);
    size_t key_len = equals ? (size_t)(equals - list->at) : len;
    *key = (struct tc_str){.at = list->at, .len = key_len};
    *value = (struct tc_str){.at = equals ? equals + 1 : "", .len = equals ? len - key_len - 1 : 0};
    size_t step = semicolon ? len + 1 : len;
    list->at += step;
    list->len -= step;
    return true;
}

struct tc_str tc_feature_attribute(const struct tc_feature *f, const char *key)
{
    struct tc_str list = tc_str_of(f->attributes);
    struct tc_str k;
    struct tc_str value;
    while (next_attribute(&list, &k, &value)) {
        if (tc_str_is(k, key)) {
            return value;
        }
    }
    return (struct tc_str){0};
}

/** A box that holds everything within the radius, and a little more. */
static struct gis__box box_around(struct tc_lonlat point, double radius_m)
{
    double lat = radius_m * 1.01 / gis__scale_at(0).m_per_lat_e7 + 1;
    double farthest = fmin(fabs((double)point.lat_e7) + lat, 899e6);
    double lon = radius_m * 1.01 / gis__scale_at(farthest).m_per_lon_e7 + 1;
    return (struct gis__box){.low = {.lon_e7 = (int32_t)fmax(point.lon_e7 - lon, -1.8e9),
                                     .lat_e7 = (int32_t)fmax(point.lat_e7 - lat, -9e8)},
                             .high = {.lon_e7 = (int32_t)fmin(point.lon_e7 + lon, 1.8e9),
                                      .lat_e7 = (int32_t)fmin(point.lat_e7 + lat, 9e8)}};
}

static bool boxes_meet(const struct gis__box *a, const struct gis__box *b)
{
    return a->low.lon_e7 <= b->high.lon_e7 && b->low.lon_e7 <= a->high.lon_e7 &&
           a->low.lat_e7 <= b->high.lat_e7 && b->low.lat_e7 <= a->high.lat_e7;
}

/** Keep `list` sorted; returns the new count. */
static size_t keep_nearest(struct tc_near *list, size_t count, size_t max, struct tc_near item)
{
    if (count == max && (max == 0 || item.distance_m >= list[count - 1].distance_m)) {
        return count;
    }
    size_t i = count < max ? count++ : count - 1;
    /* features come in order of id: an equal distance stays behind */
    while (i > 0 && list[i - 1].distance_m > item.distance_m) {
        list[i] = list[i - 1];
        i--;
    }
    list[i] = item;
    return count;
}

size_t tc_gis_near(const struct tc_gis *gis, enum tc_layer layer, struct tc_lonlat point,
                   double radius_m, struct tc_near *out, size_t max)
{
    TC_REQUIRE(layer < TC_LAYER_COUNT);
    const struct gis__layer *l = &gis->layers[layer];
    bool is_polygon = gis__layer_is_polygon(layer);
    struct gis__box around = box_around(point, radius_m);
    size_t count = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct tc_feature *f = &l->features[i];
        if (!boxes_meet(&l->boxes[i], &around)) {
            continue;
        }
        double distance_m = gis__distance_to_shape_m(&f->shape, is_polygon, point);
        if (distance_m <= radius_m) {
            count = keep_nearest(out, count, max,
                                 (struct tc_near){.feature = f, .distance_m = distance_m});
        }
    }
    return count;
}

static void put_part(const struct tc_lonlat *points, uint32_t count, struct tc_buf *out)
{
    tc_buf_byte(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i) {
            tc_buf_byte(out, ',');
        }
        gis__put_lonlat(out, points[i]);
    }
    tc_buf_byte(out, ']');
}

/** Rings are grouped: a ring inside the group's first ring is its hole, else a new polygon. */
static bool starts_polygon(const struct tc_shape *s, uint32_t part)
{
    if (part == 0) {
        return true;
    }
    uint32_t end = s->part_ends[0];
    const struct tc_shape first = {
        .points = s->points, .part_ends = &end, .part_count = 1, .point_count = end};
    return !gis__point_in_shape(&first, s->points[s->part_ends[part - 1]]);
}

static void put_polygons(const struct tc_shape *s, struct tc_buf *out)
{
    tc_buf_text(out, "{\"type\":\"MultiPolygon\",\"coordinates\":[");
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        if (starts_polygon(s, part)) {
            tc_buf_text(out, part ? "],[" : "[");
        } else {
            tc_buf_byte(out, ',');
        }
        put_part(&s->points[start], s->part_ends[part] - start, out);
        start = s->part_ends[part];
    }
    tc_buf_text(out, "]]}");
}

static void put_geometry(const struct tc_feature *f, struct tc_buf *out)
{
    const struct tc_shape *s = &f->shape;
    if (gis__layer_is_polygon(f->layer)) {
        put_polygons(s, out);
    } else if (gis__layer_is_line(f->layer)) {
        tc_buf_text(out, "{\"type\":\"MultiLineString\",\"coordinates\":[");
        uint32_t start = 0;
        for (uint32_t part = 0; part < s->part_count; part++) {
            if (part) {
                tc_buf_byte(out, ',');
            }
            put_part(&s->points[start], s->part_ends[part] - start, out);
            start = s->part_ends[part];
        }
        tc_buf_text(out, "]}");
    } else {
        tc_buf_text(out, "{\"type\":\"Point\",\"coordinates\":");
        gis__put_lonlat(out, f->at);
        tc_buf_byte(out, '}');
    }
}

static void put_feature(const struct tc_feature *f, struct tc_buf *out)
{
    tc_buf_text(out, "{\"type\":\"Feature\",\"id\":");
    tc_jw_str(out, tc_str_of(f->id));
    tc_buf_text(out, ",\"geometry\":");
    put_geometry(f, out);
    tc_buf_text(out, ",\"properties\":");
    tc_jw_open(out, '{');
    tc_jw_pair_text(out, "layer", tc_layer_name(f->layer));
    tc_jw_pair_text(out, "name_zh", f->name_zh);
    tc_jw_pair_text(out, "name_en", f->name_en);
    struct tc_str list = tc_str_of(f->attributes);
    struct tc_str key;
    struct tc_str value;
    while (next_attribute(&list, &key, &value)) {
        char name[64];
        tc_str_put(name, sizeof name, key);
        tc_jw_pair_str(out, name, value);
    }
    tc_jw_close(out, '}');
    tc_buf_byte(out, '}');
}

void tc_gis_geojson(const struct tc_gis *gis, enum tc_layer layer, struct tc_buf *out)
{
    TC_REQUIRE(layer < TC_LAYER_COUNT);
    tc_buf_text(out, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (uint32_t i = 0; i < gis->layers[layer].count; i++) {
        if (i) {
            tc_buf_byte(out, ',');
        }
        put_feature(&gis->layers[layer].features[i], out);
    }
    tc_buf_text(out, "]}");
}
