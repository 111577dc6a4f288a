/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dispatch/map.h - the few questions that dispatch asks of gis, and nothing else of it.
 *
 * Each answers "nothing known" when there is no map, so that the rest of dispatch does not care.
 * All are bounded look-ups; none blocks.
 */
#pragma once

#include "core/base/str.h"

struct tc_gis;
struct tc_locator;
struct tc_crs_table;

struct tc_map_place {
    char text_zh[161];
    char text_en[161];
    char grid[17];
    char community[17];
    char subdistrict[17];
    char feature[49]; /* underpass that the point lies in or beside, or "" */
};

/** Always fills `out`; empty for 0,0 and without a map. Any of the two may be NULL. */
void tc_map_locate(const struct tc_gis *gis, struct tc_locator *locator, int32_t lon_e7,
                   int32_t lat_e7, struct tc_map_place *out);
/** From a named system into WGS 84. TC_EUNSUPPORTED without a table, TC_EINVAL when it cannot be.
 */
TC_MUST_USE tc_err tc_map_convert(const struct tc_crs_table *crs, struct tc_str system,
                                  int64_t x_e7, int64_t y_e7, int32_t *lon_e7, int32_t *lat_e7);
/** Middle point of a feature by layer and id; false when there is none. */
bool tc_map_feature(const struct tc_gis *gis, struct tc_str layer, struct tc_str feature,
                    int32_t *lon_e7, int32_t *lat_e7);
