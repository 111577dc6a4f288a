/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/coord.h"

#include <math.h>

#include "gis/gis_int.h"

#define PI      3.14159265358979323846
#define DEGREES (PI / 180)

/* GCJ-02: Krasovsky's ellipsoid, and the box outside which the shift is not applied. */
#define GCJ_A          6378245.0
#define GCJ_EE         0.00669342162296594323
#define INVERSE_ROUNDS 30
#define INVERSE_DEG    1e-11

/* WGS 84. */
#define WGS_A  6378137.0
#define WGS_E2 0.00669437999014

static bool gcj_applies(struct tc_xy p)
{
    return p.x >= 72.004 && p.x <= 137.8347 && p.y >= 0.8293 && p.y <= 55.8271;
}

/** The part of both shifts that depends on x alone, in metres. */
static double gcj_ripple(double x)
{
    return (20 * sin(6 * x * PI) + 20 * sin(2 * x * PI)) * 2 / 3;
}

static double gcj_north_m(double x, double y)
{
    double m = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(fabs(x));
    m += gcj_ripple(x);
    m += (20 * sin(y * PI) + 40 * sin(y / 3 * PI)) * 2 / 3;
    return m + (160 * sin(y / 12 * PI) + 320 * sin(y * PI / 30)) * 2 / 3;
}

static double gcj_east_m(double x, double y)
{
    double m = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(fabs(x));
    m += gcj_ripple(x);
    m += (20 * sin(x * PI) + 40 * sin(x / 3 * PI)) * 2 / 3;
    return m + (150 * sin(x / 12 * PI) + 300 * sin(x / 30 * PI)) * 2 / 3;
}

struct tc_xy tc_gcj_from_wgs(struct tc_xy wgs)
{
    if (!gcj_applies(wgs)) {
        return wgs;
    }
    double north_m = gcj_north_m(wgs.x - 105, wgs.y - 35);
    double east_m = gcj_east_m(wgs.x - 105, wgs.y - 35);
    double s = sin(wgs.y * DEGREES);
    double magic = 1 - GCJ_EE * s * s;
    double meridian_m = GCJ_A * (1 - GCJ_EE) / (magic * sqrt(magic));
    double parallel_m = GCJ_A / sqrt(magic) * cos(wgs.y * DEGREES);
    return (struct tc_xy){.x = wgs.x + east_m / (parallel_m * DEGREES),
                          .y = wgs.y + north_m / (meridian_m * DEGREES)};
}

struct tc_xy tc_bd_from_gcj(struct tc_xy gcj)
{
    const double k = PI * 3000 / 180;
    double r = sqrt(gcj.x * gcj.x + gcj.y * gcj.y) + 0.00002 * sin(gcj.y * k);
    double angle = atan2(gcj.y, gcj.x) + 0.000003 * cos(gcj.x * k);
    return (struct tc_xy){.x = r * cos(angle) + 0.0065, .y = r * sin(angle) + 0.006};
}

/** Walk to the point that `forward` takes to `to`. The shifts change slowly, so the step is the
 *  whole remaining error. */
static struct tc_xy invert(struct tc_xy (*forward)(struct tc_xy), struct tc_xy to)
{
    struct tc_xy p = to;
    for (unsigned i = 0; i < INVERSE_ROUNDS; i++) {
        struct tc_xy there = forward(p);
        double dx = to.x - there.x;
        double dy = to.y - there.y;
        p.x += dx;
        p.y += dy;
        if (fabs(dx) < INVERSE_DEG && fabs(dy) < INVERSE_DEG) {
            break;
        }
    }
    return p;
}

struct tc_xy tc_wgs_from_gcj(struct tc_xy gcj)
{
    return gcj_applies(gcj) ? invert(tc_gcj_from_wgs, gcj) : gcj;
}

struct tc_xy tc_gcj_from_bd(struct tc_xy bd)
{
    return invert(tc_bd_from_gcj, bd);
}

/** Cosine on [-pi/2, pi/2] by its series: plain arithmetic, the same on every machine. */
static double cosine(double x)
{
    double square = x * x;
    double term = 1;
    double sum = 1;
    for (int k = 1; k <= 10; k++) {
        term *= -square / ((2 * k - 1) * (2 * k));
        sum += term;
    }
    return sum;
}

struct gis__scale gis__scale_at(double lat_e7)
{
    double c = cosine(lat_e7 * 1e-7 * DEGREES);
    double w2 = 1 - WGS_E2 * (1 - c * c);
    double w = sqrt(w2);
    return (struct gis__scale){.m_per_lon_e7 = WGS_A / w * c * DEGREES * 1e-7,
                               .m_per_lat_e7 = WGS_A * (1 - WGS_E2) / (w2 * w) * DEGREES * 1e-7};
}

double tc_distance_m(struct tc_lonlat a, struct tc_lonlat b)
{
    struct gis__scale s = gis__scale_at(((double)a.lat_e7 + b.lat_e7) / 2);
    double dx = ((double)a.lon_e7 - b.lon_e7) * s.m_per_lon_e7;
    double dy = ((double)a.lat_e7 - b.lat_e7) * s.m_per_lat_e7;
    return sqrt(dx * dx + dy * dy);
}
