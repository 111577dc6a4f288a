/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/sample.h"

#include <stdio.h>

#include "gis/gis_int.h"
#include "gis/sample_int.h"

#define NAMES_MAX 4 /* roads that meet at one crossing and are named */

/* OGC 12-128r18: the tables that every GeoPackage has, and the two systems that stand for none. */
static const char *const schema =
    "PRAGMA application_id = 1196444487; PRAGMA user_version = 10300;"
    "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY,"
    " organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL,"
    " definition TEXT NOT NULL, description TEXT);"
    "CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,"
    " identifier TEXT UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT"
    " (strftime('%Y-%m-%dT%H:%M:%fZ','now')), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE,"
    " max_y DOUBLE, srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES"
    " gpkg_spatial_ref_sys(srs_id));"
    "CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,"
    " geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL,"
    " m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),"
    " CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),"
    " CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));"
    "INSERT INTO gpkg_spatial_ref_sys VALUES"
    " ('Undefined Cartesian', -1, 'NONE', -1, 'undefined', NULL),"
    " ('Undefined geographic', 0, 'NONE', 0, 'undefined', NULL),"
    " ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\","
    "SPHEROID[\"WGS 84\",6378137,298.257223563,AUTHORITY[\"EPSG\",\"7030\"]],"
    "AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],"
    "UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],"
    "AUTHORITY[\"EPSG\",\"4326\"]]', 'longitude, latitude');";

static const char *geometry_type(enum tc_layer layer)
{
    switch (layer) {
    case TC_LAYER_COMMUNITIES: return "MULTIPOLYGON";
    case TC_LAYER_SUBDISTRICTS:
    case TC_LAYER_GRIDS: return "POLYGON";
    case TC_LAYER_ROADS: return "LINESTRING";
    case TC_LAYER_CROSSINGS:
    case TC_LAYER_HOSPITALS:
    case TC_LAYER_FIRE_STATIONS:
    case TC_LAYER_SHELTERS:
    case TC_LAYER_CAMERAS:
    case TC_LAYER_UNDERPASSES:
    case TC_LAYER_POLLUTION_SOURCES:
    case TC_LAYER_GAUGES:
    case TC_LAYER_HYDRANTS:
    case TC_LAYER_WAREHOUSES:
    case TC_LAYER_COUNT: break;
    }
    return "POINT";
}

static tc_err create_tables(struct sample__build *b)
{
    tc_err err = gis__db_exec(b->db, schema, b->why);
    for (unsigned i = 0; i < TC_LAYER_COUNT && !err; i++) {
        enum tc_layer layer = (enum tc_layer)i;
        const char *name = tc_layer_name(layer);
        char sql[1024];
        tc_str_format(sql, sizeof sql,
                      "CREATE TABLE \"%s\" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,"
                      " geom %s, id TEXT NOT NULL, name_zh TEXT, name_en TEXT, attributes TEXT);"
                      "INSERT INTO gpkg_contents (table_name, data_type, identifier, description,"
                      " last_change, min_x, min_y, max_x, max_y, srs_id) VALUES ('%s', 'features',"
                      " '%s', 'sample: typed by hand or invented, for drills and tests only',"
                      " '2026-01-01T00:00:00.000Z', 113.99, 22.5, 114.11, 22.6, 4326);"
                      "INSERT INTO gpkg_geometry_columns VALUES ('%s', 'geom', '%s', 4326, 0, 0);",
                      name, geometry_type(layer), name, name, name, geometry_type(layer));
        err = gis__db_exec(b->db, sql, b->why);
    }
    return err;
}

tc_err sample__write_row(struct sample__build *b, const struct sample__row *row)
{
    char sql[160];
    tc_str_format(sql, sizeof sql,
                  "INSERT INTO \"%s\" (geom, id, name_zh, name_en, attributes)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
                  tc_layer_name(row->layer));
    struct gis__stmt *s;
    tc_err err = gis__db_prepare(b->db, sql, &s, b->why);
    if (err) {
        return err;
    }
    enum gis__form form = gis__layer_is_polygon(row->layer) ? GIS__POLYGON
                          : gis__layer_is_line(row->layer)  ? GIS__LINE
                                                            : GIS__POINT;
    struct tc_buf blob = {0};
    gis__gpkg_write(&row->shape, form, row->layer == TC_LAYER_COMMUNITIES, &blob);
    gis__bind_bytes(s, 1, blob.bytes, blob.len);
    gis__bind_text(s, 2, row->id);
    gis__bind_text(s, 3, row->name_zh);
    gis__bind_text(s, 4, row->name_en);
    gis__bind_text(s, 5, row->attributes);
    err = gis__stmt_run(s, b->why);
    gis__stmt_finish(s);
    tc_buf_finish(&blob);
    return err;
}

static tc_err write_point(struct sample__build *b, struct sample__row row, struct tc_lonlat at)
{
    const uint32_t end = 1;
    row.shape =
        (struct tc_shape){.points = &at, .part_ends = &end, .part_count = 1, .point_count = 1};
    return sample__write_row(b, &row);
}

static tc_err read_border(struct sample__build *b, uint32_t row)
{
    const struct sample__table *t = &b->subdistricts;
    struct gis__outline *o = &b->borders[row];
    struct tc_str list = sample__cell(t, row, 3);
    struct tc_str word;
    while (sample__next_word(&list, &word)) {
        const char *comma = memchr(word.at, ',', word.len);
        size_t lon_len = comma ? (size_t)(comma - word.at) : 0;
        struct tc_str parts[2] = {{.at = word.at, .len = lon_len},
                                  {.at = word.at + lon_len + 1, .len = word.len - lon_len - 1}};
        const struct sample__table pair = {
            .name = t->name, .cells = parts, .column_count = 2, .row_count = 1};
        struct tc_lonlat p;
        if (!comma || sample__lonlat(&pair, 0, 0, &p, NULL)) {
            return sample__refuse(t, row, "the border is no list of lon,lat", "边界坐标串无效",
                                  b->why);
        }
        tc_err err = gis__outline_add_point(o, p);
        if (err) {
            return err;
        }
    }
    if (o->point_count < 3) {
        return sample__refuse(t, row, "the border has too few points", "边界点数不足", b->why);
    }
    if (memcmp(&o->points[0], &o->points[o->point_count - 1], sizeof o->points[0]) != 0) {
        tc_err err = gis__outline_add_point(o, o->points[0]);
        if (err) {
            return err;
        }
    }
    return gis__outline_end_part(o);
}

static tc_err write_subdistricts(struct sample__build *b)
{
    const struct sample__table *t = &b->subdistricts;
    for (uint32_t i = 0; i < t->row_count; i++) {
        tc_err err = read_border(b, i);
        if (!err) {
            err = sample__write_row(
                b, &(struct sample__row){.layer = TC_LAYER_SUBDISTRICTS,
                                         .id = sample__cell(t, i, 0),
                                         .name_zh = sample__cell(t, i, 1),
                                         .name_en = sample__cell(t, i, 2),
                                         .attributes = TC_STR("sample=1"),
                                         .shape = gis__outline_shape(&b->borders[i])});
        }
        if (err) {
            return err;
        }
    }
    return TC_OK;
}

/** Row of a crossing by its id; row_count when there is none. */
static uint32_t crossing_row(const struct sample__build *b, struct tc_str id)
{
    uint32_t i = 0;
    while (i < b->crossings.row_count && !tc_str_eq(sample__cell(&b->crossings, i, 0), id)) {
        i++;
    }
    return i;
}

static tc_err write_road(struct sample__build *b, uint32_t row)
{
    const struct sample__table *t = &b->roads;
    struct gis__outline line = {0};
    struct tc_str list = sample__cell(t, row, 6);
    struct tc_str word;
    tc_err err = TC_OK;
    while (!err && sample__next_word(&list, &word)) {
        uint32_t crossing = crossing_row(b, word);
        err = crossing == b->crossings.row_count
                  ? sample__refuse(t, row, "it names an unknown crossing", "引用了不存在的路口",
                                   b->why)
                  : gis__outline_add_point(&line, b->corners[crossing]);
    }
    if (!err && line.point_count < 2) {
        err = sample__refuse(t, row, "a road needs two crossings", "道路至少需要两个路口", b->why);
    }
    if (!err) {
        err = gis__outline_end_part(&line);
    }
    if (!err) {
        char id[16];
        char attributes[160];
        struct tc_str cell[4];
        for (uint32_t c = 0; c < 4; c++) {
            cell[c] = sample__cell(t, row, c + 2);
        }
        tc_str_format(id, sizeof id, "R%03u", row + 1);
        tc_str_format(attributes, sizeof attributes,
                      "class=%.*s;speed_kmh=%.*s;lanes=%.*s;oneway=%.*s;sample=1", (int)cell[0].len,
                      cell[0].at, (int)cell[1].len, cell[1].at, (int)cell[2].len, cell[2].at,
                      (int)cell[3].len, cell[3].at);
        err = sample__write_row(b, &(struct sample__row){.layer = TC_LAYER_ROADS,
                                                         .id = tc_str_of(id),
                                                         .name_zh = sample__cell(t, row, 0),
                                                         .name_en = sample__cell(t, row, 1),
                                                         .attributes = tc_str_of(attributes),
                                                         .shape = gis__outline_shape(&line)});
    }
    gis__outline_finish(&line);
    return err;
}

/** Roads through a crossing, in the file's order, each name once; returns how many. */
static uint32_t roads_at(const struct sample__build *b, struct tc_str id, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->roads.row_count && count < NAMES_MAX; i++) {
        struct tc_str list = sample__cell(&b->roads, i, 6);
        struct tc_str word;
        bool is_here = false;
        while (!is_here && sample__next_word(&list, &word)) {
            is_here = tc_str_eq(word, id);
        }
        for (uint32_t k = 0; k < count && is_here; k++) {
            is_here =
                !tc_str_eq(sample__cell(&b->roads, rows[k], 0), sample__cell(&b->roads, i, 0));
        }
        if (is_here) {
            rows[count++] = i;
        }
    }
    return count;
}

static tc_err write_crossing(struct sample__build *b, uint32_t row)
{
    struct tc_str id = sample__cell(&b->crossings, row, 0);
    uint32_t rows[NAMES_MAX];
    char zh[160] = "";
    char en[160] = "";
    if (roads_at(b, id, rows) > 1) {
        struct tc_str a = sample__cell(&b->roads, rows[0], 0);
        struct tc_str c = sample__cell(&b->roads, rows[1], 0);
        tc_str_format(zh, sizeof zh, "%.*s与%.*s交叉口", (int)a.len, a.at, (int)c.len, c.at);
        a = sample__cell(&b->roads, rows[0], 1);
        c = sample__cell(&b->roads, rows[1], 1);
        tc_str_format(en, sizeof en, "%.*s / %.*s", (int)a.len, a.at, (int)c.len, c.at);
    }
    return write_point(b,
                       (struct sample__row){.layer = TC_LAYER_CROSSINGS,
                                            .id = id,
                                            .name_zh = tc_str_of(zh),
                                            .name_en = tc_str_of(en),
                                            .attributes = TC_STR("sample=1")},
                       b->corners[row]);
}

static tc_err write_roads(struct sample__build *b)
{
    tc_err err = TC_OK;
    b->corners = tc_arena_alloc(&b->arena, b->crossings.row_count * sizeof *b->corners);
    for (uint32_t i = 0; i < b->crossings.row_count && !err; i++) {
        err = sample__lonlat(&b->crossings, i, 1, &b->corners[i], b->why);
    }
    for (uint32_t i = 0; i < b->crossings.row_count && !err; i++) {
        err = write_crossing(b, i);
    }
    for (uint32_t i = 0; i < b->roads.row_count && !err; i++) {
        err = write_road(b, i);
    }
    return err;
}

static tc_err write_sites(struct sample__build *b)
{
    const struct sample__table *t = &b->sites;
    for (uint32_t i = 0; i < t->row_count; i++) {
        struct tc_lonlat at;
        struct sample__row row = {.layer = tc_layer_parse(sample__cell(t, i, 0)),
                                  .id = sample__cell(t, i, 1),
                                  .name_zh = sample__cell(t, i, 2),
                                  .name_en = sample__cell(t, i, 3),
                                  .attributes = sample__cell(t, i, 6)};
        if (row.layer == TC_LAYER_COUNT || gis__layer_is_polygon(row.layer) ||
            gis__layer_is_line(row.layer) || row.layer == TC_LAYER_CROSSINGS) {
            return sample__refuse(t, i, "there is no such layer of sites", "没有此类点图层",
                                  b->why);
        }
        tc_err err = sample__lonlat(t, i, 4, &at, b->why);
        if (!err) {
            err = write_point(b, row, at);
        }
        if (err) {
            return err;
        }
    }
    return TC_OK;
}

static tc_err read_tables(struct sample__build *b, const char *dir)
{
    const struct {
        struct sample__table *table;
        const char *name;
        const char *header;
    } files[] = {
        {&b->subdistricts, "subdistricts.tsv", "code\tname_zh\tname_en\tborder"},
        {&b->communities, "communities.tsv", "code\tname_zh\tname_en\tsubdistrict\tlon\tlat"},
        {&b->crossings, "crossings.tsv", "id\tlon\tlat"},
        {&b->roads, "roads.tsv", "name_zh\tname_en\tclass\tspeed_kmh\tlanes\toneway\tcrossings"},
        {&b->sites, "sites.tsv", "layer\tid\tname_zh\tname_en\tlon\tlat\tattributes"},
    };
    tc_err err = TC_OK;
    for (size_t i = 0; i < TC_COUNT_OF(files) && !err; i++) {
        err = sample__read(&b->arena, dir, files[i].name, files[i].header, files[i].table, b->why);
    }
    return err;
}

static tc_err write_all(struct sample__build *b)
{
    tc_err err = gis__db_exec(b->db, "PRAGMA journal_mode = OFF; BEGIN", b->why);
    if (!err) {
        err = create_tables(b);
    }
    if (!err) {
        err = write_subdistricts(b);
    }
    if (!err) {
        err = sample__write_grids(b);
    }
    if (!err) {
        err = write_roads(b);
    }
    if (!err) {
        err = write_sites(b);
    }
    return err ? err : gis__db_exec(b->db, "COMMIT", b->why);
}

tc_err tc_sample_build(const char *dir, const char *path, char why[TC_WHY_MAX])
{
    gis__why(why, "Out of memory. 内存不足。");
    struct sample__build b = {.why = why};
    tc_err err = read_tables(&b, dir);
    if (!err) {
        size_t count = b.subdistricts.row_count;
        b.borders = tc_arena_alloc(&b.arena, count * sizeof *b.borders);
        err = gis__db_create(path, &b.db, why);
    }
    if (!err) {
        err = write_all(&b);
    }
    gis__db_close(b.db);
    for (uint32_t i = 0; b.borders && i < b.subdistricts.row_count; i++) {
        gis__outline_finish(&b.borders[i]);
    }
    tc_arena_finish(&b.arena);
    if (err) {
        (void)remove(path);
    }
    return err;
}
