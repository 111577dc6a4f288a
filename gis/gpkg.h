/* SPDX-License-Identifier: Apache-2.0 */
/** gis/gpkg.h - GeoPackage geometry blobs: header, then well-known binary. Pure. */
#pragma once

#include "core/base/buf.h"
#include "gis/layers.h"

/** A shape that grows while it is read. */
struct gis__outline {
    struct tc_lonlat *points;
    uint32_t *part_ends;
    uint32_t point_count;
    uint32_t part_count;
    uint32_t point_room;
    uint32_t part_room;
};

enum gis__form { GIS__POINT = 1, GIS__LINE = 2, GIS__POLYGON = 3 };

/** Why a blob was refused, in both languages; NULL when it was read. */
struct gis__reason {
    const char *en;
    const char *zh;
};

void gis__outline_clear(struct gis__outline *o);
void gis__outline_finish(struct gis__outline *o);
TC_MUST_USE tc_err gis__outline_add_point(struct gis__outline *o, struct tc_lonlat p);
TC_MUST_USE tc_err gis__outline_end_part(struct gis__outline *o);
static inline struct tc_shape gis__outline_shape(const struct gis__outline *o)
{
    return (struct tc_shape){.points = o->points,
                             .part_ends = o->part_ends,
                             .part_count = o->part_count,
                             .point_count = o->point_count};
}

/** Reads one blob; `form` says what the layer holds (multi forms and Z, M are taken too). */
TC_MUST_USE tc_err gis__gpkg_read(struct tc_str blob, enum gis__form form, struct gis__outline *o,
                                  struct gis__reason *reason);
/** Writes header, envelope and WKB, srs 4326. A polygon's parts become rings of one polygon unless
 *  `is_multi`, when each part is a polygon of its own. */
void gis__gpkg_write(const struct tc_shape *s, enum gis__form form, bool is_multi,
                     struct tc_buf *out);
