/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/locate.h"
#include "tests/lib/tc_test.h"
#include "tests/unit/gis/gis_sample.h"

static struct tc_gis *gis;
static struct tc_locator *locator;

static struct tc_place locate(double lon, double lat)
{
    struct tc_place place;
    tc_locate(locator, degrees(lon, lat), &place);
    return place;
}

static void crossing_of_two_main_roads(void **state)
{
    (void)state;
    const struct tc_feature *f =
        tc_gis_find(gis, TC_LAYER_CROSSINGS, TC_STR("深南大道与彩田路交叉口"));
    assert_non_null(f);
    assert_string_equal(f->name_en, "Shennan Blvd / Caitian Rd");
    struct tc_place place;
    tc_locate(locator, f->at, &place);
    assert_string_equal(place.text_zh, "深南大道与彩田路交叉口");
    assert_string_equal(place.text_en, "at Shennan Blvd / Caitian Rd");
    assert_int_equal(place.doubt & ~(unsigned)TC_PLACE_NO_GRID, 0);

    /* 80 m east: 80 / (111320 * cos 22.54) degrees of longitude */
    struct tc_lonlat east = f->at;
    east.lon_e7 += 7781;
    tc_locate(locator, east, &place);
    assert_string_equal(place.text_zh, "深南大道与彩田路交叉口东 80 米");
    assert_string_equal(place.text_en, "80 m east of Shennan Blvd / Caitian Rd");
    assert_string_equal(place.road_zh, "深南大道");

    /* 50 m west and 50 m south: 71 m, told as 70 */
    struct tc_lonlat corner = f->at;
    corner.lon_e7 -= 4863;
    corner.lat_e7 -= 4514;
    tc_locate(locator, corner, &place);
    assert_string_equal(place.text_zh, "深南大道与彩田路交叉口西南 70 米");
    assert_string_equal(place.text_en, "70 m south-west of Shennan Blvd / Caitian Rd");
}

static void codes_nest(void **state)
{
    (void)state;
    /* Offices are inside their own sub-district and nearest to themselves. */
    struct tc_place place = locate(114.0625, 22.5345);
    assert_string_equal(place.community, "440304004030");
    assert_string_equal(place.community_zh, "岗厦社区");
    assert_string_equal(place.community_en, "Gangxia Community");
    assert_string_equal(place.subdistrict, "440304004");
    assert_string_equal(place.subdistrict_zh, "福田街道");
    assert_int_equal(strlen(place.grid), 15);
    assert_memory_equal(place.grid, "440304004030", 12);
    assert_int_equal(place.doubt, 0);

    place = locate(114.0580, 22.5690);
    assert_string_equal(place.community_zh, "上梅社区");
    assert_string_equal(place.subdistrict_zh, "梅林街道");
    place = locate(114.0080, 22.5390);
    assert_string_equal(place.community_zh, "竹林社区");
    assert_string_equal(place.subdistrict_en, "Xiangmihu Sub-district");
}

static void doubts_are_told(void **state)
{
    (void)state;
    struct tc_place place = locate(114.0450, 22.5950); /* the northern hills */
    assert_string_equal(place.subdistrict_zh, "梅林街道");
    assert_int_equal(place.doubt & TC_PLACE_OUTSIDE, 0);
    assert_int_not_equal(place.doubt & TC_PLACE_FAR_FROM_ROAD, 0);
    place = locate(114.2000, 22.7000);
    assert_int_equal(place.doubt, TC_PLACE_OUTSIDE | TC_PLACE_NO_GRID | TC_PLACE_FAR_FROM_ROAD |
                                      TC_PLACE_NO_ROAD);
    assert_string_equal(place.text_zh, "");
    assert_string_equal(place.grid, "");
    assert_string_equal(tc_place_doubt_text(TC_PLACE_OUTSIDE, true), "位置在本区以外");
}

/** Ray casting in doubles, written for this test. */
static bool is_inside(const struct tc_shape *s, struct tc_lonlat p)
{
    bool inside = false;
    for (uint32_t part = 0, start = 0; part < s->part_count; start = s->part_ends[part++]) {
        for (uint32_t i = start; i + 1 < s->part_ends[part]; i++) {
            double ax = s->points[i].lon_e7;
            double ay = s->points[i].lat_e7;
            double bx = s->points[i + 1].lon_e7;
            double by = s->points[i + 1].lat_e7;
            if ((ay > p.lat_e7) != (by > p.lat_e7) &&
                p.lon_e7 < (bx - ax) * (p.lat_e7 - ay) / (by - ay) + ax) {
                inside = !inside;
            }
        }
    }
    return inside;
}

/** The only feature of a layer that holds the point; NULL for none; *many when there are more. */
static const struct tc_feature *holder(enum tc_layer layer, struct tc_lonlat p, bool *many)
{
    const struct tc_feature *found = NULL;
    *many = false;
    for (uint32_t i = 0; i < tc_gis_count(gis, layer); i++) {
        const struct tc_feature *f = tc_gis_at(gis, layer, i);
        if (is_inside(&f->shape, p)) {
            *many = found != NULL;
            found = f;
        }
    }
    return found;
}

static void agrees_with_looking_at_every_polygon(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned in_grid = 0;
    unsigned outside = 0;
    for (unsigned i = 0; i < 1500; i++) {
        struct tc_lonlat p = random_point(&seed);
        struct tc_place place;
        bool many;
        tc_locate(locator, p, &place);
        const struct tc_feature *f = holder(TC_LAYER_SUBDISTRICTS, p, &many);
        assert_false(many); /* sub-districts do not overlap */
        assert_string_equal(place.subdistrict, f ? f->id : "");
        assert_int_equal((place.doubt & TC_PLACE_OUTSIDE) != 0, f == NULL);
        outside += f == NULL;
        f = holder(TC_LAYER_GRIDS, p, &many);
        assert_false(many);
        if (f) {
            in_grid++;
            assert_string_equal(place.grid, f->id);
            assert_memory_equal(place.community, f->id, 12);
            assert_memory_equal(place.subdistrict, f->id, 9);
        }
    }
    print_message("%u of 1500 in a grid, %u outside\n", in_grid, outside);
    assert_true(in_grid > 700 && outside > 100 && in_grid + outside > 1480);
}

static int open_all(void **state)
{
    (void)state;
    gis = open_sample();
    char why[TC_WHY_MAX] = "";
    if (tc_locator_create(gis, &locator, why)) {
        print_error("%s\n", why);
        return -1;
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tc_locator_destroy(locator);
    tc_gis_close(gis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossing_of_two_main_roads),
        cmocka_unit_test(codes_nest),
        cmocka_unit_test(doubts_are_told),
        cmocka_unit_test(agrees_with_looking_at_every_polygon),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
