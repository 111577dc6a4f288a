/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/index.h"
#include "tests/lib/tc_test.h"
#include "tests/unit/gis/gis_sample.h"

#define COUNT 3000

static struct tc_lonlat places[COUNT + 1]; /* by id; lat 0: absent */

static int compare(const void *a, const void *b)
{
    const struct tc_index_hit *x = a;
    const struct tc_index_hit *y = b;
    if (x->distance_m < y->distance_m || x->distance_m > y->distance_m) {
        return x->distance_m < y->distance_m ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/** All present points, nearest first. */
static size_t look_at_all(struct tc_lonlat from, struct tc_index_hit *out)
{
    size_t count = 0;
    for (uint64_t id = 1; id <= COUNT; id++) {
        if (places[id].lat_e7) {
            out[count++] = (struct tc_index_hit){
                .id = id, .at = places[id], .distance_m = tc_distance_m(from, places[id])};
        }
    }
    qsort(out, count, sizeof *out, compare);
    return count;
}

/** Move, add and remove at random; one point in fifty is far from the district. */
static void stir(struct tc_index *x, uint64_t *seed, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        uint64_t id = next_random(seed) % COUNT + 1;
        if (next_random(seed) % 5 == 0) {
            tc_index_remove(x, id);
            places[id] = (struct tc_lonlat){0};
            continue;
        }
        struct tc_lonlat at = random_point(seed);
        if (next_random(seed) % 50 == 0) {
            at.lon_e7 = (int32_t)(next_random(seed) % 1700000000);
            at.lat_e7 = (int32_t)(next_random(seed) % 800000000) - 400000000;
        } else if (next_random(seed) % 10 == 0) {
            at = places[next_random(seed) % COUNT + 1]; /* two at one place */
        }
        if (at.lat_e7 == 0) {
            continue;
        }
        assert_int_equal(tc_index_set(x, id, at), TC_OK);
        places[id] = at;
    }
}

static struct tc_index_hit all[COUNT];
static struct tc_index_hit got[COUNT];

static void assert_same(size_t count, size_t expected)
{
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got[i].id, all[i].id);
        assert_true(got[i].distance_m == all[i].distance_m);
    }
}

static void agrees_with_looking_at_all(void **state)
{
    (void)state;
    struct tc_index *x;
    uint64_t seed = 42;
    memset(places, 0, sizeof places);
    assert_int_equal(tc_index_create(COUNT, &x), TC_OK);
    for (unsigned round = 0; round < 60; round++) {
        stir(x, &seed, 600);
        struct tc_lonlat from = random_point(&seed);
        if (round % 7 == 0) {
            from = degrees(100.0, 30.0); /* nobody is near */
        }
        size_t present = look_at_all(from, all);
        assert_int_equal(tc_index_count(x), present);
        size_t k = 1 + next_random(&seed) % 40;
        assert_same(tc_index_nearest(x, from, k, got), k < present ? k : present);
        assert_same(tc_index_nearest(x, from, COUNT, got), present);
        double radius_m = next_random(&seed) % 6000;
        size_t within = 0;
        while (within < present && all[within].distance_m <= radius_m) {
            within++;
        }
        assert_same(tc_index_within(x, from, radius_m, got, COUNT), within);
        assert_same(tc_index_within(x, from, radius_m, got, 5), within < 5 ? within : 5);
    }
    tc_index_destroy(x);
}

static void polygon_holds_what_it_should(void **state)
{
    (void)state;
    struct tc_index *x;
    uint64_t seed = 9;
    memset(places, 0, sizeof places);
    assert_int_equal(tc_index_create(COUNT, &x), TC_OK);
    stir(x, &seed, 4000);
    /* A diamond around (114.05, 22.545): inside means |dx| + |dy| <= 0.02 degrees. */
    const struct tc_lonlat corners[] = {{1140300000, 225450000},
                                        {1140500000, 225250000},
                                        {1140700000, 225450000},
                                        {1140500000, 225650000},
                                        {1140300000, 225450000}};
    const uint32_t end = TC_COUNT_OF(corners);
    const struct tc_shape diamond = {
        .points = corners, .part_ends = &end, .part_count = 1, .point_count = end};
    tc_index_remove(x, 5);
    places[5] = corners[2]; /* a corner counts as inside */
    assert_int_equal(tc_index_set(x, 5, corners[2]), TC_OK);
    size_t expected = 0;
    for (uint64_t id = 1; id <= COUNT; id++) {
        long dx = labs((long)places[id].lon_e7 - 1140500000);
        long dy = labs((long)places[id].lat_e7 - 225450000);
        if (places[id].lat_e7 && dx + dy <= 200000) {
            all[expected++].id = id;
        }
    }
    assert_true(expected > 50);
    assert_int_equal(tc_index_inside(x, &diamond, got, COUNT), expected);
    for (size_t i = 0; i < expected; i++) {
        assert_int_equal(got[i].id, all[i].id);
    }
    assert_int_equal(tc_index_inside(x, &diamond, got, 3), expected);
    assert_int_equal(got[2].id, all[2].id);
    tc_index_destroy(x);
}

static void limits_hold(void **state)
{
    (void)state;
    struct tc_index *x;
    struct tc_lonlat at;
    assert_int_equal(tc_index_create(2, &x), TC_OK);
    assert_int_equal(tc_index_nearest(x, degrees(114, 22.5), 3, got), 0);
    assert_int_equal(tc_index_set(x, 7, degrees(114, 22.5)), TC_OK);
    assert_int_equal(tc_index_set(x, 8, degrees(114, 22.5)), TC_OK);
    assert_int_equal(tc_index_set(x, 9, degrees(114, 22.5)), TC_EFULL);
    assert_int_equal(tc_index_set(x, 7, degrees(114.1, 22.5)), TC_OK);
    tc_index_remove(x, 8);
    tc_index_remove(x, 8);
    assert_false(tc_index_get(x, 8, &at));
    assert_int_equal(tc_index_set(x, 9, degrees(114, 22.5)), TC_OK);
    assert_true(tc_index_get(x, 7, &at));
    assert_int_equal(at.lon_e7, 1141000000);
    tc_index_destroy(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_looking_at_all),
        cmocka_unit_test(polygon_holds_what_it_should),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
