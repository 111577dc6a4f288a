/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gis/coord.h"
#include "tests/lib/tc_test.h"

static struct tc_crs_table *table;

/* WGS 84, GCJ-02, BD-09; made with gcoord, 8 decimals. */
static const struct {
    struct tc_xy wgs, gcj, bd;
} shifts[] = {
    {{114.054, 22.544}, {114.05910918, 22.54127571}, {114.06566043, 22.54693068}},
    {{114.05, 22.541}, {114.05510335, 22.53826756}, {114.06165094, 22.54393306}},
    {{114.0527, 22.538}, {114.05780703, 22.53527280}, {114.06435531, 22.54092915}},
    {{114.081, 22.543}, {114.08612894, 22.54031225}, {114.09262572, 22.54624003}},
    {{113.996, 22.525}, {114.00098345, 22.52211959}, {114.00739800, 22.52845759}},
    {{114.084, 22.554}, {114.08912975, 22.55131518}, {114.09562422, 22.55729789}},
    {{113.814, 22.639}, {113.81905680, 22.63607595}, {113.82561000, 22.64173200}},
    {{116.3974, 39.9087}, {116.40364355, 39.91010348}, {116.41001645, 39.91644308}},
    {{121.4737, 31.2304}, {121.47822306, 31.22845774}, {121.48478147, 31.23431059}},
};

/* Longitude, latitude, easting, northing; made with cs2cs. */
static const struct {
    const char *crs;
    struct tc_xy degrees, plane;
} planes[] = {
    {"EPSG:4547", {114.0540, 22.5440}, {505554.6391, 2494040.7595}},
    {"EPSG:4547", {113.9960, 22.5250}, {499588.4890, 2491935.7479}},
    {"EPSG:4547", {114.1130, 22.5320}, {511624.6053, 2492715.2974}},
    {"EPSG:4547", {114.5400, 22.5900}, {555528.5443, 2499234.2233}},
    {"EPSG:4547", {113.7811709, 22.3992871}, {477467.0014, 2478031.1252}},
    {"EPSG:4526", {114.0540, 22.5440}, {38505554.6391, 2494040.7595}},
    {"EPSG:2326", {114.0540, 22.5440}, {823628.6714, 844920.5365}},
    {"EPSG:32649", {114.0540, 22.5440}, {814125.7496, 2496253.9204}},
    {"EPSG:32650", {114.0540, 22.5440}, {196989.9117, 2496030.5729}},
    {"EPSG:3857", {114.0540, 22.5440}, {12696433.2029, 2576965.5104}},
};

static tc_crs parse(const char *name)
{
    tc_crs crs;
    char why[TC_WHY_MAX];
    assert_int_equal(tc_crs_parse(table, tc_str_of(name), &crs, why), TC_OK);
    return crs;
}

static void assert_near(double a, double b, double by)
{
    if (!(fabs(a - b) <= by)) {
        print_error("%.12f is not %.12f (by %g)\n", a, b, by);
        fail();
    }
}

static void shifts_agree_with_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < TC_COUNT_OF(shifts); i++) {
        struct tc_xy gcj = tc_gcj_from_wgs(shifts[i].wgs);
        struct tc_xy bd = tc_bd_from_gcj(gcj);
        assert_near(gcj.x, shifts[i].gcj.x, 6e-9);
        assert_near(gcj.y, shifts[i].gcj.y, 6e-9);
        assert_near(bd.x, shifts[i].bd.x, 6e-9);
        assert_near(bd.y, shifts[i].bd.y, 6e-9);
    }
}

static void shifts_come_back_exactly(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct tc_xy p = {.x = 73.7 + i * 0.0297, .y = 18.3 + (i * 7 % 2000) * 0.0171};
        struct tc_xy back = tc_wgs_from_gcj(tc_gcj_from_wgs(p));
        assert_near(back.x, p.x, 2e-11);
        assert_near(back.y, p.y, 2e-11);
        back = tc_wgs_from_gcj(tc_gcj_from_bd(tc_bd_from_gcj(tc_gcj_from_wgs(p))));
        assert_near(back.x, p.x, 5e-11);
        assert_near(back.y, p.y, 5e-11);
    }
}

static void no_shift_far_from_china(void **state)
{
    (void)state;
    struct tc_xy paris = {.x = 2.3522, .y = 48.8566};
    struct tc_xy there = tc_gcj_from_wgs(paris);
    assert_true(there.x == paris.x && there.y == paris.y);
}

static void table_converts_shifts(void **state)
{
    (void)state;
    struct tc_lonlat at;
    struct tc_xy back;
    for (size_t i = 0; i < TC_COUNT_OF(shifts); i++) {
        assert_int_equal(tc_crs_to_lonlat(table, parse("GCJ-02"), shifts[i].gcj, &at, NULL), TC_OK);
        assert_near(at.lon_e7, shifts[i].wgs.x * 1e7, 1);
        assert_near(at.lat_e7, shifts[i].wgs.y * 1e7, 1);
        assert_int_equal(tc_crs_to_lonlat(table, parse("bd09"), shifts[i].bd, &at, NULL), TC_OK);
        assert_near(at.lon_e7, shifts[i].wgs.x * 1e7, 1);
        assert_near(at.lat_e7, shifts[i].wgs.y * 1e7, 1);
        assert_int_equal(tc_crs_from_lonlat(table, parse("BD-09"), at, &back, NULL), TC_OK);
        assert_near(back.x, shifts[i].bd.x, 2e-7);
        assert_near(back.y, shifts[i].bd.y, 2e-7);
    }
}

static void check_plane(tc_crs crs, struct tc_xy plane, struct tc_xy place)
{
    struct tc_lonlat at;
    struct tc_xy back;
    char why[TC_WHY_MAX] = "";
    if (tc_crs_to_lonlat(table, crs, plane, &at, why)) {
        fail_msg("%s", why);
    }
    assert_near(at.lon_e7, place.x * 1e7, 1);
    assert_near(at.lat_e7, place.y * 1e7, 1);
    struct tc_lonlat exact = {.lon_e7 = (int32_t)lround(place.x * 1e7),
                              .lat_e7 = (int32_t)lround(place.y * 1e7)};
    assert_int_equal(tc_crs_from_lonlat(table, crs, exact, &back, why), TC_OK);
    assert_near(back.x, plane.x, 0.015); /* 1e-7 degree is a centimetre */
    assert_near(back.y, plane.y, 0.015);
}

static void planes_agree_with_cs2cs(void **state)
{
    (void)state;
    for (size_t i = 0; i < TC_COUNT_OF(planes); i++) {
        check_plane(parse(planes[i].crs), planes[i].plane, planes[i].degrees);
    }
}

static FILE *open_shared(const char *name)
{
    const char *shared = getenv("TOCSIN_SHARED");
    char path[512];
    tc_str_format(path, sizeof path, "%s/geo/coords/%s", shared ? shared : "../shared", name);
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("skipped: %s is not here\n", path);
    }
    return f;
}

static void planes_agree_with_shared_file(void **state)
{
    (void)state;
    FILE *f = open_shared("epsg_vectors.csv");
    if (!f) {
        skip();
    }
    char line[512];
    unsigned checked = 0;
    unsigned refused = 0;
    while (fgets(line, sizeof line, f)) {
        struct tc_xy place;
        struct tc_xy plane;
        int code;
        if (sscanf(line, "%*[^,],%lf,%lf,%d,%lf,%lf", &place.y, &place.x, &code, &plane.y,
                   &plane.x) != 5) {
            continue;
        }
        if (code == 3857) {
            double swap = plane.x;
            plane.x = plane.y;
            plane.y = swap;
        }
        if (code / 10 == 3264 || code / 10 == 3265) {
            double swap = plane.x;
            plane.x = plane.y;
            plane.y = swap;
        }
        char name[24];
        tc_crs crs;
        tc_str_format(name, sizeof name, "EPSG:%d", code);
        if (tc_crs_parse(table, tc_str_of(name), &crs, NULL)) {
            refused++;
            continue;
        }
        check_plane(crs, plane, place);
        checked++;
    }
    fclose(f);
    print_message("%u vectors checked, %u of refused systems\n", checked, refused);
    assert_true(checked >= 60);
}

static void shifts_agree_with_shared_file(void **state)
{
    (void)state;
    FILE *f = open_shared("gcj02_bd09_vectors.csv");
    if (!f) {
        skip();
    }
    char line[512];
    unsigned checked = 0;
    while (fgets(line, sizeof line, f)) {
        struct tc_xy wgs, gcj, bd;
        if (sscanf(line, "%*[^,],%lf,%lf,%lf,%lf,%lf,%lf", &wgs.x, &wgs.y, &gcj.x, &gcj.y, &bd.x,
                   &bd.y) != 6) {
            continue;
        }
        struct tc_xy there = tc_gcj_from_wgs(wgs);
        assert_near(there.x, gcj.x, 2e-10);
        assert_near(there.y, gcj.y, 2e-10);
        there = tc_bd_from_gcj(there);
        assert_near(there.x, bd.x, 2e-10);
        assert_near(there.y, bd.y, 2e-10);
        checked++;
    }
    fclose(f);
    assert_true(checked >= 20);
}

static void guessing_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"EPSG:4610", "EPSG:2383", "EPSG:2362", "EPSG:4214",
                                        "EPSG:2435", "EPSG:2414", "epsg:4555", "Xian-80"};
    for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
        char why[TC_WHY_MAX] = "";
        tc_crs crs;
        assert_int_equal(tc_crs_parse(table, tc_str_of(names[i]), &crs, why), TC_EUNSUPPORTED);
        assert_non_null(strstr(why, "pipeline"));
        assert_non_null(strstr(why, "转换参数"));
    }
    tc_crs crs;
    char why[TC_WHY_MAX] = "";
    assert_int_equal(tc_crs_parse(table, TC_STR("EPSG:99999"), &crs, why), TC_EUNSUPPORTED);
    assert_non_null(strstr(why, "EPSG:99999"));
    assert_int_equal(tc_crs_parse(table, TC_STR(""), &crs, why), TC_EINVAL);
}

static void assert_refused(const char *crs, double x, double y, const char *word)
{
    struct tc_lonlat at;
    char why[TC_WHY_MAX] = "";
    struct tc_xy p = {.x = x, .y = y};
    assert_int_equal(tc_crs_to_lonlat(table, parse(crs), p, &at, why), TC_EINVAL);
    if (!strstr(why, word)) {
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    }
    assert_true(tc_str_is_utf8(tc_str_of(why)));
}

static void impossible_points_are_refused(void **state)
{
    (void)state;
    assert_refused("EPSG:4547", 38505554.6, 2494040.8, "EPSG:4526");
    assert_refused("EPSG:4526", 505554.6, 2494040.8, "EPSG:4547");
    assert_refused("EPSG:4547", 2494040.8, 505554.6, "northing first");
    assert_refused("EPSG:4547", 114.05, 22.54, "outside");
    assert_refused("WGS84", 22.54, 114.05, "latitude first");
    assert_refused("WGS84", 505554.6, 2494040.8, "no degrees");
    assert_refused("GCJ-02", (double)NAN, 22.5, "not a number");
    assert_refused("EPSG:4547", (double)INFINITY, 22.5, "not a number");
    struct tc_xy out;
    struct tc_lonlat pole = {.lon_e7 = 0, .lat_e7 = 900000000};
    assert_int_not_equal(tc_crs_from_lonlat(table, parse("EPSG:4547"), pole, &out, NULL), TC_OK);
}

static void site_pipeline_is_used(void **state)
{
    (void)state;
    /* A local grid: EPSG:4547 moved by 500 km and 2,490 km. */
    const struct tc_crs_site sites[] = {
        {"futian-local", "+proj=pipeline +step +proj=affine +xoff=500000 +yoff=2490000 +step +inv "
                         "+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 "
                         "+step +proj=unitconvert +xy_in=rad +xy_out=deg"},
        {"EPSG:4610", "+proj=noop"}};
    struct tc_crs_table *own = NULL;
    char why[TC_WHY_MAX] = "";
    assert_int_equal(tc_crs_table_create(sites, 2, &own, why), TC_OK);
    tc_crs crs;
    struct tc_lonlat at;
    assert_int_equal(tc_crs_parse(own, TC_STR("Futian_Local"), &crs, why), TC_OK);
    assert_string_equal(tc_crs_name(own, crs), "futian-local");
    struct tc_xy p = {.x = 5554.6391, .y = 4040.7595};
    assert_int_equal(tc_crs_to_lonlat(own, crs, p, &at, why), TC_OK);
    assert_near(at.lon_e7, 1140540000, 1);
    assert_near(at.lat_e7, 225440000, 1);
    assert_int_equal(tc_crs_parse(own, TC_STR("EPSG:4610"), &crs, why), TC_OK);
    tc_crs_table_destroy(own);

    const struct tc_crs_site bad = {"bad", "+proj=nonsense"};
    assert_int_equal(tc_crs_table_create(&bad, 1, &own, why), TC_EINVAL);
    assert_non_null(strstr(why, "bad"));
    assert_null(own);
}

static void distance_agrees_with_the_plane(void **state)
{
    (void)state;
    struct tc_lonlat from = {.lon_e7 = 1140540000, .lat_e7 = 225440000};
    static const int32_t steps[][2] = {{1000, 0}, {0, 1000}, {97000, -90000}, {-400000, 300000}};
    for (size_t i = 0; i < TC_COUNT_OF(steps); i++) {
        struct tc_lonlat to = {.lon_e7 = from.lon_e7 + steps[i][0],
                               .lat_e7 = from.lat_e7 + steps[i][1]};
        struct tc_xy a;
        struct tc_xy b;
        assert_int_equal(tc_crs_from_lonlat(table, parse("EPSG:4547"), from, &a, NULL), TC_OK);
        assert_int_equal(tc_crs_from_lonlat(table, parse("EPSG:4547"), to, &b, NULL), TC_OK);
        double plane_m = hypot(a.x - b.x, a.y - b.y);
        assert_near(tc_distance_m(from, to), plane_m, plane_m * 2e-5 + 1e-6);
        assert_true(tc_distance_m(from, to) == tc_distance_m(to, from));
    }
}

static int make_table(void **state)
{
    (void)state;
    return tc_crs_table_create(NULL, 0, &table, NULL) ? -1 : 0;
}

static int drop_table(void **state)
{
    (void)state;
    tc_crs_table_destroy(table);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifts_agree_with_published_vectors),
        cmocka_unit_test(shifts_come_back_exactly),
        cmocka_unit_test(no_shift_far_from_china),
        cmocka_unit_test(table_converts_shifts),
        cmocka_unit_test(planes_agree_with_cs2cs),
        cmocka_unit_test(planes_agree_with_shared_file),
        cmocka_unit_test(shifts_agree_with_shared_file),
        cmocka_unit_test(guessing_is_refused),
        cmocka_unit_test(impossible_points_are_refused),
        cmocka_unit_test(site_pipeline_is_used),
        cmocka_unit_test(distance_agrees_with_the_plane),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
