/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch on the sample district's map: places in words, underpasses, other coordinate systems. */
#include "gis/locate.h"
#include "tests/unit/dispatch/kit.h"
#include "tests/unit/gis/gis_sample.h"

/* UP-01 of gis/sample/sites.tsv */
#define UP_LON 1140634000
#define UP_LAT 225412400

static struct tc_gis *gis;
static struct tc_locator *locator;
static struct tc_crs_table *crs;

static int open_map(void **state)
{
    (void)state;
    char why[TC_WHY_MAX];
    gis = open_sample();
    assert_int_equal(tc_locator_create(gis, &locator, why), TC_OK);
    assert_int_equal(tc_crs_table_create(NULL, 0, &crs, why), TC_OK);
    return 0;
}

static int close_map(void **state)
{
    (void)state;
    tc_crs_table_destroy(crs);
    tc_locator_destroy(locator);
    tc_gis_close(gis);
    return 0;
}

static void open_kit(struct kit *k)
{
    kit_open(k);
    k->part.gis = gis;
    k->part.locator = locator;
    k->part.crs = crs;
    KIT_SAY(k, SERVICE_SET, service_set, .code = TC_STR("01"),
            .incident_type = TC_STR("waterlogging"));
    KIT_SAY(k, INCIDENT_TYPE_SET, incident_type_set, .code = TC_STR("waterlogging"),
            .name_zh = TC_STR("城市内涝"));
}

static void the_same_underpass_is_one_incident(void **state)
{
    (void)state;
    struct kit k;
    open_kit(&k);
    struct tc_obs o = tc_obs_init(TC_OBS_CASE);
    o.service_code = TC_STR("01");
    o.has_position = true;
    o.x_e7 = UP_LON + 11700; /* 120 m east: past "same place", still at the underpass */
    o.y_e7 = UP_LAT;
    kit_obs(&k, &o);
    uint64_t incident = kit_event(&k, TC_EV_INCIDENT_OPENED, 0)->seq;
    const struct tc_incident *i = KIT_ITEM(&k, incident, incident);
    assert_string_equal(i->feature, "UP-01");
    assert_string_equal(i->subdistrict, "440304004");
    assert_non_null(strstr(i->place_zh, "彩田路"));
    o.x_e7 = UP_LON - 11700; /* 240 m from the first, on the other side */
    kit_obs(&k, &o);
    const struct tc_report *r = KIT_ITEM(&k, report, kit_event(&k, TC_EV_REPORT_RECEIVED, 0)->seq);
    assert_int_equal(r->incident, incident);
    assert_string_equal(r->reasons[0], "same_feature");
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 1);
    uint64_t unit = kit_unit(&k, "A1", "101", "pump", UP_LON, UP_LAT);
    (void)kit_send(&k, incident, unit);
    const struct tc_order *order = KIT_ITEM(&k, order, kit_event(&k, TC_EV_ORDER_CREATED, 0)->seq);
    assert_non_null(strstr(order->text, "城市内涝"));
    assert_non_null(strstr(order->text, "彩田路"));
    assert_non_null(strstr(order->text, "@114.0645700,22.5412400"));
    kit_close(&k);
}

static void another_system_is_converted_and_kept(void **state)
{
    (void)state;
    struct kit k;
    open_kit(&k);
    struct tc_obs o = tc_obs_init(TC_OBS_CASE);
    o.service_code = TC_STR("01");
    o.has_position = true;
    o.crs = TC_STR("GCJ-02");
    o.x_e7 = UP_LON;
    o.y_e7 = UP_LAT;
    kit_obs(&k, &o);
    const struct tc_case *c = KIT_ITEM(&k, case, kit_event(&k, TC_EV_CASE_OPENED, 0)->seq);
    assert_string_equal(c->raw_position, "GCJ-02 114.0634000,22.5412400");
    /* in Shenzhen the two systems are some 0.5 to 0.6 km apart */
    double d2 = tc_world_distance2(c->lon_e7, c->lat_e7, UP_LON, UP_LAT);
    assert_true(d2 > 400.0 * 400.0 && d2 < 700.0 * 700.0);
    o.crs = TC_STR("MARS-99"); /* nobody knows it: the case is kept, its place is not made up */
    kit_obs(&k, &o);
    KIT_TAKEN(&k);
    c = KIT_ITEM(&k, case, kit_event(&k, TC_EV_CASE_OPENED, 0)->seq);
    assert_int_equal(c->lon_e7, 0);
    assert_string_equal(c->raw_position, "MARS-99 114.0634000,22.5412400");
    kit_close(&k);
}

static void a_closed_feature_has_its_point(void **state)
{
    (void)state;
    struct kit k;
    open_kit(&k);
    KIT_SAY(&k, ROAD_CLOSE, road_close, .layer = TC_STR("underpasses"), .feature = TC_STR("UP-01"));
    KIT_TAKEN(&k);
    const struct tc_closure *c = KIT_ITEM(&k, closure, kit_event(&k, TC_EV_ROAD_CLOSED, 0)->seq);
    assert_int_equal(c->lon_e7, UP_LON);
    assert_int_equal(c->lat_e7, UP_LAT);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_underpass_is_one_incident),
        cmocka_unit_test(another_system_is_converted_and_kept),
        cmocka_unit_test(a_closed_feature_has_its_point),
    };
    return cmocka_run_group_tests(tests, open_map, close_map);
}
