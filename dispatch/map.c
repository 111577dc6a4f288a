/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/map.h"

#include "gis/locate.h"

#define UNDERPASS_NEAR_M 150.0

static bool is_known(int32_t lon_e7, int32_t lat_e7)
{
    return lon_e7 != 0 || lat_e7 != 0;
}

void tc_map_locate(const struct tc_gis *gis, struct tc_locator *locator, int32_t lon_e7,
                   int32_t lat_e7, struct tc_map_place *out)
{
    *out = (struct tc_map_place){0};
    if (!is_known(lon_e7, lat_e7)) {
        return;
    }
    struct tc_lonlat point = {lon_e7, lat_e7};
    if (locator) {
        struct tc_place place;
        tc_locate(locator, point, &place);
        (void)tc_str_put(out->text_zh, sizeof out->text_zh, tc_str_of(place.text_zh));
        (void)tc_str_put(out->text_en, sizeof out->text_en, tc_str_of(place.text_en));
        (void)tc_str_put(out->grid, sizeof out->grid, tc_str_of(place.grid));
        (void)tc_str_put(out->community, sizeof out->community, tc_str_of(place.community));
        (void)tc_str_put(out->subdistrict, sizeof out->subdistrict, tc_str_of(place.subdistrict));
    }
    struct tc_near near;
    if (gis && tc_gis_near(gis, TC_LAYER_UNDERPASSES, point, UNDERPASS_NEAR_M, &near, 1) == 1) {
        (void)tc_str_put(out->feature, sizeof out->feature, tc_str_of(near.feature->id));
    }
}

tc_err tc_map_convert(const struct tc_crs_table *crs, struct tc_str system, int64_t x_e7,
                      int64_t y_e7, int32_t *lon_e7, int32_t *lat_e7)
{
    char why[TC_WHY_MAX];
    tc_crs from = TC_CRS_WGS84;
    if (crs == NULL) {
        return TC_EUNSUPPORTED;
    }
    tc_err err = tc_crs_parse(crs, system, &from, why);
    if (err != TC_OK) {
        return err;
    }
    struct tc_lonlat to;
    struct tc_xy xy = {(double)x_e7 / 1e7, (double)y_e7 / 1e7};
    err = tc_crs_to_lonlat(crs, from, xy, &to, why);
    if (err == TC_OK) {
        *lon_e7 = to.lon_e7;
        *lat_e7 = to.lat_e7;
    }
    return err;
}

bool tc_map_feature(const struct tc_gis *gis, struct tc_str layer, struct tc_str feature,
                    int32_t *lon_e7, int32_t *lat_e7)
{
    const struct tc_feature *f =
        gis && feature.len ? tc_gis_find(gis, tc_layer_parse(layer), feature) : NULL;
    if (f) {
        *lon_e7 = f->at.lon_e7;
        *lat_e7 = f->at.lat_e7;
    }
    return f != NULL;
}
