/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gis/coord.h - where a point is: one form inside, many systems outside.
 *
 * Inside everything is tc_lonlat: WGS 84 / CGCS2000, longitude first, 1e-7 degree. A source names
 * its system once ("EPSG:4547", "GCJ-02", "BD-09", or a site's own PROJ pipeline); the turn's input
 * stage converts. A table belongs to one thread and makes all its transforms when it is created;
 * nothing is made later, nothing guesses a datum.
 */
#pragma once

#include "core/base/str.h"

struct tc_lonlat {
    int32_t lon_e7;
    int32_t lat_e7;
};

/** A pair in some system: x is longitude (degrees) or easting (metres), y latitude or northing. */
struct tc_xy {
    double x;
    double y;
};

/** A system of the table it was parsed from; 0 is WGS 84. The same in every table made alike. */
typedef struct tc_crs {
    uint8_t v;
} tc_crs;

/** A system that only the site can define: a PROJ pipeline from its x, y to WGS 84 degrees. */
struct tc_crs_site {
    const char *name;     /* "futian-local"; how sources call it */
    const char *pipeline; /* "+proj=pipeline +step ..." with longitude and latitude coming out */
};

#define TC_CRS_WGS84     ((tc_crs){0})
#define TC_CRS_SITES_MAX 8

struct tc_crs_table;

/** Slow (a few hundred ms): start-up only. Checks itself on a known point. `why` may be NULL. */
TC_MUST_USE tc_err tc_crs_table_create(const struct tc_crs_site *sites, size_t site_count,
                                       struct tc_crs_table **out, char why[TC_WHY_MAX]);
/** NULL is fine. */
void tc_crs_table_destroy(struct tc_crs_table *t);

/** "EPSG:4547", "WGS84", "CGCS2000", "GCJ-02", "BD-09" or a site's name; letters' case and '-' do
 *  not matter. TC_EUNSUPPORTED with a sentence for systems that would need a guess. */
TC_MUST_USE tc_err tc_crs_parse(const struct tc_crs_table *t, struct tc_str name, tc_crs *out,
                                char why[TC_WHY_MAX]);
/** The settled name, "EPSG:4547". */
const char *tc_crs_name(const struct tc_crs_table *t, tc_crs crs);

/** TC_EINVAL with a sentence when the point cannot be in that system (NaN, zone-prefixed easting,
 *  swapped axes, outside the system's reach). Under 2 us. `why` may be NULL. */
TC_MUST_USE tc_err tc_crs_to_lonlat(const struct tc_crs_table *t, tc_crs crs, struct tc_xy from,
                                    struct tc_lonlat *out, char why[TC_WHY_MAX]);
TC_MUST_USE tc_err tc_crs_from_lonlat(const struct tc_crs_table *t, tc_crs crs,
                                      struct tc_lonlat from, struct tc_xy *out,
                                      char why[TC_WHY_MAX]);

/** GCJ-02 and BD-09, degrees; pure. The inverses repeat until 1e-11 degree. */
struct tc_xy tc_gcj_from_wgs(struct tc_xy wgs);
struct tc_xy tc_wgs_from_gcj(struct tc_xy gcj);
struct tc_xy tc_bd_from_gcj(struct tc_xy gcj);
struct tc_xy tc_gcj_from_bd(struct tc_xy bd);

/** Metres on the ellipsoid between near points (1 in 10,000 up to 100 km). Needs no table, any
 *  thread; the same bits on every machine (no libm). */
double tc_distance_m(struct tc_lonlat a, struct tc_lonlat b);
