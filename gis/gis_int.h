/* SPDX-License-Identifier: Apache-2.0 */
/** gis/gis_int.h - geometry and sentences shared by the files of gis; nobody else includes it. */
#pragma once

#include "gis/layers.h"

/** Metres per 1e-7 degree at a latitude. */
struct gis__scale {
    double m_per_lon_e7;
    double m_per_lat_e7;
};
struct gis__scale gis__scale_at(double lat_e7);

/** Fill `why` (may be NULL). */
void gis__why(char *why, const char *format, ...) TC_PRINTF(2, 3);

/** Even-odd over all rings, borders inside; exact. */
bool gis__point_in_shape(const struct tc_shape *s, struct tc_lonlat p);
/** Nearest place on the piece from `a` to `b`, and how far along it lies (0..1). */
struct tc_lonlat gis__nearest_on(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p,
                                 double *along);
double gis__distance_to_piece_m(struct tc_lonlat a, struct tc_lonlat b, struct tc_lonlat p);
/** 0 where they cross. */
double gis__distance_between_pieces_m(const struct tc_lonlat a[2], const struct tc_lonlat b[2]);
/** To the nearest point of the lines or borders; 0 inside a polygon. */
double gis__distance_to_shape_m(const struct tc_shape *s, bool is_polygon, struct tc_lonlat p);
double gis__length_m(const struct tc_lonlat *points, size_t count);
/** A point to put a label on: inside a polygon, half-way along a line. */
struct tc_lonlat gis__label_point(const struct tc_shape *s, bool is_polygon);
bool gis__layer_is_polygon(enum tc_layer layer);
bool gis__layer_is_line(enum tc_layer layer);
/** "[114.0540000,22.5440000]" */
void gis__put_lonlat(struct tc_buf *out, struct tc_lonlat p);
