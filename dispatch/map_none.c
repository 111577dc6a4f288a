/* SPDX-License-Identifier: Apache-2.0 */
/* In place of map.c where the program is built without gis: no place is known. */
#include "dispatch/map.h"

void tc_map_locate(const struct tc_gis *gis, struct tc_locator *locator, int32_t lon_e7,
                   int32_t lat_e7, struct tc_map_place *out)
{
    (void)gis;
    (void)locator;
    (void)lon_e7;
    (void)lat_e7;
    *out = (struct tc_map_place){0};
}

tc_err tc_map_convert(const struct tc_crs_table *crs, struct tc_str system, int64_t x_e7,
                      int64_t y_e7, int32_t *lon_e7, int32_t *lat_e7)
{
    (void)crs;
    (void)system;
    (void)x_e7;
    (void)y_e7;
    (void)lon_e7;
    (void)lat_e7;
    return TC_EUNSUPPORTED;
}

bool tc_map_feature(const struct tc_gis *gis, struct tc_str layer, struct tc_str feature,
                    int32_t *lon_e7, int32_t *lat_e7)
{
    (void)gis;
    (void)layer;
    (void)feature;
    (void)lon_e7;
    (void)lat_e7;
    return false;
}
