/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/gis_int.h"
#include "gis/gpkg.h"
#include "gis/layers_int.h"
#include "gis/store.h"

/* OGC 12-128r18, 1.1.1.1.1: "GPKG"; "GP10" and "GP11" are versions 1.0 and 1.1. */
#define ID_GPKG      INT64_C(0x47504B47)
#define ID_GP10      INT64_C(0x47503130)
#define ID_GP11      INT64_C(0x47503131)
#define SRS_WGS84    4326
#define SRS_CGCS2000 4490

#define FEATURES_MAX INT64_C(1000000) /* per layer */
#define TEXT_MAX     ((size_t)4096)   /* bytes of one feature's attributes */

struct loader {
    struct tc_gis *gis;
    struct gis__db *db;
    struct gis__outline outline;
    struct tc_buf attributes;
    enum tc_layer layer;
    const char *table;
    char geometry[64]; /* name of the geometry column */
    uint32_t row;
    char *why;
};

static tc_err refuse_row(struct loader *l, const char *en, const char *zh)
{
    gis__why(l->why, "Layer %s, row %u: %s. 图层 %s 第 %u 行：%s。", l->table, l->row, en, l->table,
             l->row, zh);
    return TC_EMALFORMED;
}

/** One number from a query without parameters; *found is false when there is no row. */
static tc_err query_i64(struct loader *l, const char *sql, int64_t *value, bool *found)
{
    struct gis__stmt *s;
    *found = false;
    tc_err err = gis__db_prepare(l->db, sql, &s, l->why);
    if (!err) {
        err = gis__stmt_step(s, found, l->why);
        *value = !err && *found ? gis__column_i64(s, 0) : 0;
    }
    gis__stmt_finish(s);
    return err;
}

static tc_err check_file(struct loader *l, const char *path)
{
    int64_t id = 0;
    bool found = false;
    tc_err err = query_i64(l, "PRAGMA application_id", &id, &found);
    if (err == TC_ENOMEM) {
        return err;
    }
    if (err) {
        gis__why(l->why, "%s is not a GeoPackage (not an SQLite file). 文件不是 GeoPackage。",
                 path);
        return TC_EMALFORMED;
    }
    if (id != ID_GPKG && id != ID_GP10 && id != ID_GP11) {
        gis__why(l->why, "%s is an SQLite file but no GeoPackage. 文件不是 GeoPackage。", path);
        return TC_EMALFORMED;
    }
    int64_t tables = 0;
    err = query_i64(l,
                    "SELECT count(*) FROM sqlite_master WHERE name IN "
                    "('gpkg_contents','gpkg_geometry_columns')",
                    &tables, &found);
    if (!err && tables != 2) {
        gis__why(l->why,
                 "%s lacks table gpkg_contents or gpkg_geometry_columns. 缺少 GeoPackage 系统表。",
                 path);
        return TC_EMALFORMED;
    }
    int64_t samples = 0;
    if (!err) {
        err = query_i64(l, "SELECT count(*) FROM gpkg_contents WHERE description LIKE 'sample%'",
                        &samples, &found);
    }
    l->gis->is_sample = samples > 0;
    return err;
}

/** Geometry column and system of the layer's table; *found is false when the file has no such
 *  layer. */
static tc_err look_up_table(struct loader *l, bool *found)
{
    struct gis__stmt *s;
    *found = false;
    tc_err err = gis__db_prepare(l->db,
                                 "SELECT column_name, srs_id FROM gpkg_geometry_columns "
                                 "WHERE table_name = ?1",
                                 &s, l->why);
    if (err) {
        return err;
    }
    gis__bind_text(s, 1, tc_str_of(l->table));
    err = gis__stmt_step(s, found, l->why);
    if (!err && *found) {
        int64_t srs = gis__column_i64(s, 1);
        tc_str_put(l->geometry, sizeof l->geometry, gis__column_text(s, 0));
        if (srs != SRS_WGS84 && srs != SRS_CGCS2000) {
            gis__why(l->why,
                     "Layer %s is in srs %lld; save it in EPSG:4326 or EPSG:4490 first. 图层 %s "
                     "的坐标系应为 EPSG:4326 或 EPSG:4490。",
                     l->table, (long long)srs, l->table);
            err = TC_EUNSUPPORTED;
        }
    }
    gis__stmt_finish(s);
    return err;
}

static const char *copy_text(struct loader *l, struct tc_str text)
{
    return tc_arena_copy(&l->gis->arena, text.at, text.len);
}

static void add_attribute(struct loader *l, struct tc_str key, struct tc_str value)
{
    struct tc_buf *b = &l->attributes;
    if (b->len) {
        tc_buf_byte(b, ';');
    }
    tc_buf_put_str(b, key);
    tc_buf_byte(b, '=');
    for (size_t i = 0; i < value.len; i++) {
        tc_buf_byte(b, value.at[i] == ';' ? ',' : (uint8_t)value.at[i]);
    }
}

/** A text column to its place in the feature; other columns become attributes. */
static tc_err read_text_column(struct loader *l, const struct gis__stmt *s, int column,
                               struct tc_feature *f)
{
    struct tc_str name = tc_str_of(gis__column_name(s, column));
    struct tc_str text = gis__column_text(s, column);
    if (!tc_str_is_utf8(text)) {
        return refuse_row(l, "a text is not UTF-8", "文本不是 UTF-8 编码");
    }
    if (tc_str_is(name, "id")) {
        f->id = copy_text(l, text);
    } else if (tc_str_is(name, "name_zh")) {
        f->name_zh = copy_text(l, text);
    } else if (tc_str_is(name, "name_en")) {
        f->name_en = copy_text(l, text);
    } else if (tc_str_is(name, "attributes")) {
        if (text.len && l->attributes.len) {
            tc_buf_byte(&l->attributes, ';');
        }
        tc_buf_put_str(&l->attributes, text);
    } else if (text.len && !tc_str_is(name, "fid") && !tc_str_is(name, "ogc_fid")) {
        add_attribute(l, name, text);
    }
    return TC_OK;
}

static enum gis__form form_of(enum tc_layer layer)
{
    if (gis__layer_is_polygon(layer)) {
        return GIS__POLYGON;
    }
    return gis__layer_is_line(layer) ? GIS__LINE : GIS__POINT;
}

static struct gis__box box_of(const struct tc_shape *s)
{
    struct gis__box b = {.low = s->points[0], .high = s->points[0]};
    for (uint32_t i = 1; i < s->point_count; i++) {
        struct tc_lonlat p = s->points[i];
        b.low.lon_e7 = p.lon_e7 < b.low.lon_e7 ? p.lon_e7 : b.low.lon_e7;
        b.low.lat_e7 = p.lat_e7 < b.low.lat_e7 ? p.lat_e7 : b.low.lat_e7;
        b.high.lon_e7 = p.lon_e7 > b.high.lon_e7 ? p.lon_e7 : b.high.lon_e7;
        b.high.lat_e7 = p.lat_e7 > b.high.lat_e7 ? p.lat_e7 : b.high.lat_e7;
    }
    return b;
}

static tc_err read_shape(struct loader *l, struct tc_str blob, struct tc_feature *f)
{
    struct gis__reason reason;
    tc_err err = gis__gpkg_read(blob, form_of(l->layer), &l->outline, &reason);
    if (err) {
        (void)refuse_row(l, reason.en, reason.zh);
        return err;
    }
    struct tc_arena *a = &l->gis->arena;
    struct tc_shape s = gis__outline_shape(&l->outline);
    struct tc_lonlat *points = tc_arena_alloc(a, s.point_count * sizeof *points);
    uint32_t *ends = tc_arena_alloc(a, s.part_count * sizeof *ends);
    memcpy(points, s.points, s.point_count * sizeof *points);
    memcpy(ends, s.part_ends, s.part_count * sizeof *ends);
    s.points = points;
    s.part_ends = ends;
    f->shape = s;
    f->at = form_of(l->layer) == GIS__POINT
                ? points[0]
                : gis__label_point(&s, form_of(l->layer) == GIS__POLYGON);
    return TC_OK;
}

static tc_err read_row(struct loader *l, const struct gis__stmt *s, struct tc_feature *f)
{
    *f = (struct tc_feature){.layer = l->layer, .name_zh = "", .name_en = ""};
    tc_buf_clear(&l->attributes);
    bool has_geometry = false;
    for (int c = 0; c < gis__column_count(s); c++) {
        tc_err err;
        if (tc_str_is(tc_str_of(l->geometry), gis__column_name(s, c))) {
            err = read_shape(l, gis__column_bytes(s, c), f);
            has_geometry = true;
        } else {
            err = read_text_column(l, s, c, f);
        }
        if (err) {
            return err;
        }
    }
    if (l->attributes.is_full) {
        return refuse_row(l, "the attributes are too long", "属性过长");
    }
    if (!has_geometry) {
        return refuse_row(l, "the geometry column is missing", "缺少几何列");
    }
    if (!f->id || f->id[0] == '\0') {
        return refuse_row(l, "column id is missing or empty", "缺少 id 列或 id 为空");
    }
    f->attributes = copy_text(l, tc_buf_str(&l->attributes));
    return TC_OK;
}

static tc_err read_rows(struct loader *l, struct gis__stmt *s, uint32_t room)
{
    struct gis__layer *layer = &l->gis->layers[l->layer];
    layer->features = tc_arena_alloc(&l->gis->arena, room * sizeof *layer->features);
    layer->boxes = tc_arena_alloc(&l->gis->arena, room * sizeof *layer->boxes);
    for (;;) {
        bool has_row;
        tc_err err = gis__stmt_step(s, &has_row, l->why);
        if (err || !has_row) {
            return err;
        }
        l->row = layer->count + 1;
        if (layer->count == room) {
            return refuse_row(l, "the table changed while it was read", "读取期间表发生变化");
        }
        struct tc_feature *f = &layer->features[layer->count];
        err = read_row(l, s, f);
        if (err) {
            return err;
        }
        if (layer->count && strcmp(f[-1].id, f->id) == 0) {
            return refuse_row(l, "this id stands twice in the layer", "id 重复");
        }
        f->index = layer->count;
        layer->boxes[layer->count] = box_of(&f->shape);
        layer->count++;
    }
}

static tc_err load_layer(struct loader *l)
{
    bool found = false;
    tc_err err = look_up_table(l, &found);
    if (err) {
        return err;
    }
    if (!found) {
        bool is_needed = l->layer == TC_LAYER_SUBDISTRICTS || l->layer == TC_LAYER_COMMUNITIES ||
                         l->layer == TC_LAYER_ROADS;
        if (is_needed) {
            gis__why(l->why, "The GeoPackage has no layer %s. 缺少图层 %s。", l->table, l->table);
        }
        return is_needed ? TC_ENOTFOUND : TC_OK;
    }
    char sql[160];
    int64_t count = 0;
    tc_str_format(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", l->table);
    err = query_i64(l, sql, &count, &found);
    if (err) {
        gis__why(l->why, "Table %s is listed but missing. 图层 %s 的数据表缺失。", l->table,
                 l->table);
        return TC_EMALFORMED;
    }
    if (count > FEATURES_MAX) {
        gis__why(l->why, "Layer %s has more than %lld features. 图层 %s 要素过多。", l->table,
                 (long long)FEATURES_MAX, l->table);
        return TC_EFULL;
    }
    struct gis__stmt *s;
    tc_str_format(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY CAST(id AS TEXT)", l->table);
    err = gis__db_prepare(l->db, sql, &s, l->why);
    if (err) {
        gis__why(l->why, "Layer %s has no column id. 图层 %s 缺少 id 列。", l->table, l->table);
        return err;
    }
    err = read_rows(l, s, (uint32_t)count);
    gis__stmt_finish(s);
    return err;
}

tc_err tc_gis_open(const char *path, struct tc_gis **out, char why[TC_WHY_MAX])
{
    *out = NULL;
    gis__why(why, "Out of memory. 内存不足。");
    struct tc_gis *gis = tc_alloc(sizeof *gis);
    if (!gis) {
        return TC_ENOMEM;
    }
    struct loader l = {.gis = gis, .why = why, .attributes = {.max = TEXT_MAX}};
    tc_err err = gis__db_open(path, &l.db, why);
    if (!err) {
        err = check_file(&l, path);
    }
    for (unsigned i = 0; i < TC_LAYER_COUNT && !err; i++) {
        l.layer = (enum tc_layer)i;
        l.table = tc_layer_name(l.layer);
        err = load_layer(&l);
    }
    gis__db_close(l.db);
    gis__outline_finish(&l.outline);
    tc_buf_finish(&l.attributes);
    if (err) {
        tc_gis_close(gis);
        return err;
    }
    *out = gis;
    return TC_OK;
}
