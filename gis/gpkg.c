/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/gpkg.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/base/rd.h"

/* OGC 12-128r18, 2.1.3: "GP", version, flags, srs_id, envelope, then WKB. */
#define FLAG_LITTLE    0x01
#define FLAG_EMPTY     0x10
#define FLAG_EXTENDED  0x20
#define ENVELOPE_OF(f) (((f) >> 1) & 7)
#define SRS_LON_LAT    4326

#define WKB_MULTI  3 /* added to point, line, polygon */
#define POINTS_MAX ((uint32_t)4000000)

void gis__outline_clear(struct gis__outline *o)
{
    o->point_count = 0;
    o->part_count = 0;
}

void gis__outline_finish(struct gis__outline *o)
{
    tc_free(o->points);
    tc_free(o->part_ends);
    *o = (struct gis__outline){0};
}

tc_err gis__outline_add_point(struct gis__outline *o, struct tc_lonlat p)
{
    if (o->point_count == POINTS_MAX) {
        return TC_EFULL;
    }
    if (o->point_count == o->point_room) {
        uint32_t room = o->point_room ? o->point_room * 2 : 64;
        struct tc_lonlat *points = tc_realloc(o->points, room * sizeof *points);
        if (!points) {
            return TC_ENOMEM;
        }
        o->points = points;
        o->point_room = room;
    }
    o->points[o->point_count++] = p;
    return TC_OK;
}

tc_err gis__outline_end_part(struct gis__outline *o)
{
    if (o->part_count == o->part_room) {
        uint32_t room = o->part_room ? o->part_room * 2 : 8;
        uint32_t *ends = tc_realloc(o->part_ends, room * sizeof *ends);
        if (!ends) {
            return TC_ENOMEM;
        }
        o->part_ends = ends;
        o->part_room = room;
    }
    o->part_ends[o->part_count++] = o->point_count;
    return TC_OK;
}

struct reader {
    struct tc_rd rd;
    bool is_little;
    unsigned dimensions; /* numbers per point, 2 to 4 */
    struct gis__outline *outline;
    struct gis__reason *reason;
};

static tc_err refuse(struct reader *r, const char *en, const char *zh)
{
    *r->reason = (struct gis__reason){.en = en, .zh = zh};
    return TC_EMALFORMED;
}

static tc_err cut_short(struct reader *r)
{
    return refuse(r, "the geometry is cut short", "几何数据不完整");
}

static uint32_t read_u32(struct reader *r)
{
    uint32_t big = tc_rd_u32be(&r->rd);
    return r->is_little ? (big >> 24) | ((big >> 8) & 0xFF00) | ((big & 0xFF00) << 8) | (big << 24)
                        : big;
}

static double read_double(struct reader *r)
{
    uint64_t first = read_u32(r);
    uint64_t second = read_u32(r);
    uint64_t bits = r->is_little ? second << 32 | first : first << 32 | second;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static tc_err read_point(struct reader *r)
{
    double lon = read_double(r);
    double lat = read_double(r);
    for (unsigned i = 2; i < r->dimensions; i++) {
        (void)read_double(r);
    }
    if (r->rd.bad) {
        return cut_short(r);
    }
    if (!isfinite(lon) || !isfinite(lat)) {
        return refuse(r, "a coordinate is not a number", "坐标不是有效数字");
    }
    if (fabs(lon) > 180 || fabs(lat) > 90) {
        return refuse(r, "a coordinate is no longitude or latitude", "坐标不在经纬度范围内");
    }
    return gis__outline_add_point(r->outline,
                                  (struct tc_lonlat){.lon_e7 = (int32_t)lround(lon * 1e7),
                                                     .lat_e7 = (int32_t)lround(lat * 1e7)});
}

/** `least`: 2 for a line, 4 for a ring. */
static tc_err read_part(struct reader *r, uint32_t least)
{
    uint32_t count = read_u32(r);
    if (r->rd.bad || count > tc_rd_left(&r->rd) / ((size_t)8 * r->dimensions)) {
        return cut_short(r);
    }
    if (count < least) {
        return refuse(r, "a line or ring has too few points", "线或环的点数不足");
    }
    uint32_t start = r->outline->point_count;
    for (uint32_t i = 0; i < count; i++) {
        tc_err err = read_point(r);
        if (err) {
            return err;
        }
    }
    const struct tc_lonlat *first = &r->outline->points[start];
    const struct tc_lonlat *last = &r->outline->points[r->outline->point_count - 1];
    if (least == 4 && memcmp(first, last, sizeof *first) != 0) {
        return refuse(r, "a ring is not closed", "多边形的环没有闭合");
    }
    return gis__outline_end_part(r->outline);
}

static tc_err read_polygon(struct reader *r)
{
    uint32_t rings = read_u32(r);
    if (r->rd.bad || rings > tc_rd_left(&r->rd) / 4) {
        return cut_short(r);
    }
    tc_err err = TC_OK;
    for (uint32_t i = 0; i < rings && !err; i++) {
        err = read_part(r, 4);
    }
    return err;
}

/** Byte order and type; *form gets 1..6. */
static tc_err read_type(struct reader *r, uint32_t *form)
{
    uint8_t order = tc_rd_u8(&r->rd);
    r->is_little = order == 1;
    uint32_t type = read_u32(r);
    if (r->rd.bad) {
        return cut_short(r);
    }
    uint32_t extra = type / 1000; /* ISO: 1 is Z, 2 is M, 3 is both */
    *form = type % 1000;
    if (order > 1 || extra > 3 || *form < 1 || *form > 6) {
        return refuse(r, "the geometry type is not known", "几何类型无法识别");
    }
    r->dimensions = extra == 0 ? 2 : extra == 3 ? 4 : 3;
    return TC_OK;
}

static tc_err read_simple(struct reader *r, uint32_t form)
{
    switch (form) {
    case GIS__POINT: {
        tc_err err = read_point(r);
        return err ? err : gis__outline_end_part(r->outline);
    }
    case GIS__LINE: return read_part(r, 2);
    default: return read_polygon(r);
    }
}

static tc_err read_geometry(struct reader *r, enum gis__form wanted)
{
    uint32_t form;
    tc_err err = read_type(r, &form);
    if (err) {
        return err;
    }
    if (form != wanted && form != (uint32_t)wanted + WKB_MULTI) {
        return refuse(r, "the geometry is not of the layer's kind", "几何类型与图层不符");
    }
    if (form == wanted) {
        return read_simple(r, form);
    }
    uint32_t count = read_u32(r);
    if (r->rd.bad || count > tc_rd_left(&r->rd) / 9) {
        return cut_short(r);
    }
    for (uint32_t i = 0; i < count && !err; i++) {
        err = read_type(r, &form);
        if (!err && form != wanted) {
            err = refuse(r, "the geometry is not of the layer's kind", "几何类型与图层不符");
        }
        if (!err) {
            err = read_simple(r, form);
        }
    }
    return err;
}

static tc_err read_header(struct reader *r)
{
    static const uint8_t envelope_numbers[] = {0, 4, 6, 6, 8};
    uint8_t g = tc_rd_u8(&r->rd);
    uint8_t p = tc_rd_u8(&r->rd);
    uint8_t version = tc_rd_u8(&r->rd);
    uint8_t flags = tc_rd_u8(&r->rd);
    (void)tc_rd_u32be(&r->rd);
    if (r->rd.bad) {
        return cut_short(r);
    }
    if (g != 'G' || p != 'P' || version != 0 || (flags & FLAG_EXTENDED) ||
        ENVELOPE_OF(flags) >= TC_COUNT_OF(envelope_numbers)) {
        return refuse(r, "this is no GeoPackage geometry", "不是 GeoPackage 几何数据");
    }
    if (flags & FLAG_EMPTY) {
        return refuse(r, "the geometry is empty", "几何数据为空");
    }
    (void)tc_rd_take(&r->rd, (size_t)envelope_numbers[ENVELOPE_OF(flags)] * 8);
    return r->rd.bad ? cut_short(r) : TC_OK;
}

tc_err gis__gpkg_read(struct tc_str blob, enum gis__form form, struct gis__outline *o,
                      struct gis__reason *reason)
{
    *reason = (struct gis__reason){.en = "out of memory", .zh = "内存不足"};
    gis__outline_clear(o);
    struct reader r = {.rd = tc_rd_init(blob.at ? blob.at : "", blob.len),
                       .dimensions = 2,
                       .outline = o,
                       .reason = reason};
    tc_err err = read_header(&r);
    if (!err) {
        err = read_geometry(&r, form);
    }
    if (!err && tc_rd_left(&r.rd) != 0) {
        err = refuse(&r, "bytes follow the geometry", "几何数据后有多余字节");
    }
    if (!err && o->point_count == 0) {
        err = refuse(&r, "the geometry is empty", "几何数据为空");
    }
    if (err == TC_EFULL) {
        *reason =
            (struct gis__reason){.en = "the geometry has too many points", .zh = "几何点数过多"};
    }
    return err;
}

static void put_u32(struct tc_buf *out, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};
    tc_buf_put(out, bytes, sizeof bytes);
}

static void put_double(struct tc_buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(out, (uint32_t)bits);
    put_u32(out, (uint32_t)(bits >> 32));
}

static void put_points(struct tc_buf *out, const struct tc_lonlat *points, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put_double(out, points[i].lon_e7 / 1e7);
        put_double(out, points[i].lat_e7 / 1e7);
    }
}

static void put_type(struct tc_buf *out, uint32_t form)
{
    tc_buf_byte(out, 1);
    put_u32(out, form);
}

static void put_header(const struct tc_shape *s, bool has_envelope, struct tc_buf *out)
{
    tc_buf_put(out, "GP", 2);
    tc_buf_byte(out, 0);
    tc_buf_byte(out, has_envelope ? FLAG_LITTLE | 1 << 1 : FLAG_LITTLE);
    put_u32(out, SRS_LON_LAT);
    if (!has_envelope) {
        return;
    }
    struct tc_lonlat low = s->points[0];
    struct tc_lonlat high = s->points[0];
    for (uint32_t i = 1; i < s->point_count; i++) {
        struct tc_lonlat p = s->points[i];
        low.lon_e7 = p.lon_e7 < low.lon_e7 ? p.lon_e7 : low.lon_e7;
        low.lat_e7 = p.lat_e7 < low.lat_e7 ? p.lat_e7 : low.lat_e7;
        high.lon_e7 = p.lon_e7 > high.lon_e7 ? p.lon_e7 : high.lon_e7;
        high.lat_e7 = p.lat_e7 > high.lat_e7 ? p.lat_e7 : high.lat_e7;
    }
    put_double(out, low.lon_e7 / 1e7);
    put_double(out, high.lon_e7 / 1e7);
    put_double(out, low.lat_e7 / 1e7);
    put_double(out, high.lat_e7 / 1e7);
}

void gis__gpkg_write(const struct tc_shape *s, enum gis__form form, bool is_multi,
                     struct tc_buf *out)
{
    TC_REQUIRE(s->point_count > 0 && s->part_count > 0);
    put_header(s, form != GIS__POINT, out);
    put_type(out, is_multi ? form + WKB_MULTI : form);
    if (is_multi || form == GIS__POLYGON) {
        put_u32(out, s->part_count);
    }
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        uint32_t count = s->part_ends[part] - start;
        if (is_multi) {
            put_type(out, form);
        }
        if (is_multi && form == GIS__POLYGON) {
            put_u32(out, 1);
        }
        if (form != GIS__POINT) {
            put_u32(out, count);
        }
        put_points(out, &s->points[start], count);
        start = s->part_ends[part];
    }
}
