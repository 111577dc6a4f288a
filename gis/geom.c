/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "gis/gis_int.h"

__extension__ typedef __int128 wide;

void gis__why(char *why, const char *format, ...)
{
    if (!why) {
        return;
    }
    va_list args;
    va_start(args, format);
    char text[2 * TC_WHY_MAX];
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tc_str_put(why, TC_WHY_MAX, len < 0 ? TC_STR("?") : tc_str_of(text));
}

/** Twice the signed area of a, b, p: above 0 when p lies left of a to b. Exact. */
static int side_of(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p)
{
    wide left = (wide)((int64_t)b.lon_e7 - a.lon_e7) * ((int64_t)p.lat_e7 - a.lat_e7);
    wide right = (wide)((int64_t)b.lat_e7 - a.lat_e7) * ((int64_t)p.lon_e7 - a.lon_e7);
    return (left > right) - (left < right);
}

static bool is_between(int32_t v, int32_t a, int32_t b)
{
    return a < b ? v >= a && v <= b : v >= b && v <= a;
}

/** Does the ring's edge hold the point, or does a ray to the east cross it (toggle *inside)? */
static bool edge_holds(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p, bool *inside)
{
    if (!is_between(p.lat_e7, a.lat_e7, b.lat_e7)) {
        return false;
    }
    int side = side_of(a, b, p);
    if (side == 0 && is_between(p.lon_e7, a.lon_e7, b.lon_e7)) {
        return true;
    }
    bool a_above = a.lat_e7 > p.lat_e7;
    bool b_above = b.lat_e7 > p.lat_e7;
    if (a_above != b_above && (b_above ? side > 0 : side < 0)) {
        *inside = !*inside;
    }
    return false;
}

bool gis__point_in_shape(const struct tc_shape *s, struct tc_lonlat p)
{
    bool inside = false;
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        for (uint32_t i = start; i + 1 < s->part_ends[part]; i++) {
            if (edge_holds(s->points[i], s->points[i + 1], p, &inside)) {
                return true;
            }
        }
        start = s->part_ends[part];
    }
    return inside;
}

struct tc_lonlat gis__nearest_on(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p,
                                 double *along)
{
    struct gis__scale m = gis__scale_at(p.lat_e7);
    double bx = ((double)b.lon_e7 - a.lon_e7) * m.m_per_lon_e7;
    double by = ((double)b.lat_e7 - a.lat_e7) * m.m_per_lat_e7;
    double px = ((double)p.lon_e7 - a.lon_e7) * m.m_per_lon_e7;
    double py = ((double)p.lat_e7 - a.lat_e7) * m.m_per_lat_e7;
    double square = bx * bx + by * by;
    double t = square > 0 ? (px * bx + py * by) / square : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    *along = t;
    double lon = a.lon_e7 + t * ((double)b.lon_e7 - a.lon_e7);
    double lat = a.lat_e7 + t * ((double)b.lat_e7 - a.lat_e7);
    return (struct tc_lonlat){.lon_e7 = (int32_t)floor(lon + 0.5),
                              .lat_e7 = (int32_t)floor(lat + 0.5)};
}

double gis__distance_to_piece_m(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p)
{
    double along;
    return tc_distance_m(p, gis__nearest_on(a, b, p, &along));
}

static bool pieces_cross(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat c,
                         struct tc_lonlat d)
{
    return side_of(a, b, c) * side_of(a, b, d) < 0 && side_of(c, d, a) * side_of(c, d, b) < 0;
}

double gis__distance_between_pieces_m(const struct tc_lonlat a[2], const struct tc_lonlat b[2])
{
    if (pieces_cross(a[0], a[1], b[0], b[1])) {
        return 0;
    }
    double ends_of_b = fmin(gis__distance_to_piece_m(a[0], a[1], b[0]),
                            gis__distance_to_piece_m(a[0], a[1], b[1]));
    double ends_of_a = fmin(gis__distance_to_piece_m(b[0], b[1], a[0]),
                            gis__distance_to_piece_m(b[0], b[1], a[1]));
    return fmin(ends_of_a, ends_of_b);
}

double gis__distance_to_shape_m(const struct tc_shape *s, bool is_polygon, struct tc_lonlat p)
{
    if (is_polygon && gis__point_in_shape(s, p)) {
        return 0;
    }
    double best = HUGE_VAL;
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        uint32_t end = s->part_ends[part];
        if (end - start == 1) {
            best = fmin(best, tc_distance_m(s->points[start], p));
        }
        for (uint32_t i = start; i + 1 < end; i++) {
            best = fmin(best, gis__distance_to_piece_m(s->points[i], s->points[i + 1], p));
        }
        start = end;
    }
    return best;
}

double gis__length_m(const struct tc_lonlat *points, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        sum += tc_distance_m(points[i], points[i + 1]);
    }
    return sum;
}

static struct tc_lonlat middle_of_line(const struct tc_lonlat *points, size_t count)
{
    double left = gis__length_m(points, count) / 2;
    for (size_t i = 0; i + 1 < count; i++) {
        double piece = tc_distance_m(points[i], points[i + 1]);
        if (piece >= left && piece > 0) {
            double t = left / piece;
            double lon = ((double)points[i + 1].lon_e7 - points[i].lon_e7) * t;
            double lat = ((double)points[i + 1].lat_e7 - points[i].lat_e7) * t;
            return (struct tc_lonlat){.lon_e7 = points[i].lon_e7 + (int32_t)lon,
                                      .lat_e7 = points[i].lat_e7 + (int32_t)lat};
        }
        left -= piece;
    }
    return points[0];
}

/** Where the parallel at `lat` meets an edge; false when it does not. */
static bool crosses_at(struct tc_lonlat a, struct tc_lonlat b, double lat, double *lon)
{
    if ((a.lat_e7 > lat) == (b.lat_e7 > lat)) {
        return false;
    }
    double t = (lat - a.lat_e7) / ((double)b.lat_e7 - a.lat_e7);
    *lon = a.lon_e7 + t * ((double)b.lon_e7 - a.lon_e7);
    return true;
}

/** The next crossing east of `after` along a parallel; HUGE_VAL when there is none. */
static double next_crossing(const struct tc_shape *s, double lat, double after)
{
    double best = HUGE_VAL;
    uint32_t start = 0;
    for (uint32_t part = 0; part < s->part_count; part++) {
        for (uint32_t i = start; i + 1 < s->part_ends[part]; i++) {
            double lon;
            if (crosses_at(s->points[i], s->points[i + 1], lat, &lon) && lon > after) {
                best = fmin(best, lon);
            }
        }
        start = s->part_ends[part];
    }
    return best;
}

/** The middle of the widest stretch inside, on the parallel half-way up. */
static struct tc_lonlat point_inside(const struct tc_shape *s)
{
    int32_t low = INT32_MAX;
    int32_t high = INT32_MIN;
    for (uint32_t i = 0; i < s->point_count; i++) {
        low = s->points[i].lat_e7 < low ? s->points[i].lat_e7 : low;
        high = s->points[i].lat_e7 > high ? s->points[i].lat_e7 : high;
    }
    double lat = ((double)low + high) / 2 + 0.25; /* never on a vertex */
    struct tc_lonlat best = s->points[0];
    double widest = 0;
    double west = next_crossing(s, lat, -HUGE_VAL);
    while (west < HUGE_VAL) {
        double east = next_crossing(s, lat, west);
        if (east == HUGE_VAL) {
            break;
        }
        if (east - west > widest) {
            widest = east - west;
            best =
                (struct tc_lonlat){.lon_e7 = (int32_t)((west + east) / 2), .lat_e7 = (int32_t)lat};
        }
        west = next_crossing(s, lat, east);
    }
    return best;
}

struct tc_lonlat gis__label_point(const struct tc_shape *s, bool is_polygon)
{
    if (is_polygon) {
        return point_inside(s);
    }
    return middle_of_line(s->points, s->part_ends[0]);
}

bool gis__layer_is_polygon(enum tc_layer layer)
{
    return layer == TC_LAYER_SUBDISTRICTS || layer == TC_LAYER_COMMUNITIES ||
           layer == TC_LAYER_GRIDS;
}

bool gis__layer_is_line(enum tc_layer layer)
{
    return layer == TC_LAYER_ROADS;
}

void gis__put_lonlat(struct tc_buf *out, struct tc_lonlat p)
{
    tc_buf_format(out, "[%.7f,%.7f]", p.lon_e7 * 1e-7, p.lat_e7 * 1e-7);
}
