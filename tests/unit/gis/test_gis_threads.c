/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "core/base/hash.h"
#include "gis/cover.h"
#include "gis/locate.h"
#include "tests/lib/tc_test.h"
#include "tests/unit/gis/gis_sample.h"

/* District, graph and closures are shared; what a thread must own it makes itself. */
struct shared {
    const struct tc_gis *gis;
    const struct tc_roads *roads;
    const struct tc_closures *closures;
};

struct worker {
    const struct shared *shared;
    pthread_t thread;
    tc_err err;
    uint64_t digest;
};

static uint64_t ask(struct tc_locator *l, struct tc_travel *t, struct tc_crs_table *crs,
                    const struct shared *s)
{
    uint64_t seed = 99;
    uint64_t digest = 0;
    tc_crs crs_4547;
    if (tc_crs_parse(crs, TC_STR("EPSG:4547"), &crs_4547, NULL)) {
        return 0;
    }
    for (unsigned i = 0; i < 150; i++) {
        struct tc_lonlat p = random_point(&seed);
        struct tc_place place;
        struct tc_near near;
        struct tc_travel_result r;
        struct tc_xy xy;
        struct tc_travel_query q = {.target = random_point(&seed), .closures = s->closures};
        tc_locate(l, p, &place);
        tc_travel_to(t, &q, &p, 1, &r);
        digest = tc_hash_bytes(digest, &place, sizeof place);
        digest = tc_hash_bytes(digest, &r, sizeof r);
        digest = tc_hash_mix(digest, tc_gis_near(s->gis, TC_LAYER_CAMERAS, p, 900, &near, 1));
        if (tc_crs_from_lonlat(crs, crs_4547, p, &xy, NULL)) {
            return 0;
        }
        digest = tc_hash_mix(digest, (uint64_t)(xy.x * 1000));
    }
    return digest;
}

static void *work(void *self)
{
    struct worker *w = self;
    struct tc_locator *l = NULL;
    struct tc_travel *t = NULL;
    struct tc_crs_table *crs = NULL;
    w->err = tc_locator_create(w->shared->gis, &l, NULL);
    if (!w->err) {
        w->err = tc_travel_create(w->shared->roads, &t);
    }
    if (!w->err) {
        w->err = tc_crs_table_create(NULL, 0, &crs, NULL);
    }
    if (!w->err) {
        w->digest = ask(l, t, crs, w->shared);
    }
    tc_crs_table_destroy(crs);
    tc_travel_destroy(t);
    tc_locator_destroy(l);
    return NULL;
}

static void threads_get_the_same_answers(void **state)
{
    (void)state;
    struct tc_gis *gis = open_sample();
    struct tc_roads *roads;
    struct tc_closures *closures;
    assert_int_equal(tc_roads_create(gis, NULL, 0, &roads, NULL), TC_OK);
    assert_int_equal(tc_closures_create(roads, 5, &closures), TC_OK);
    tc_closures_add_circle(closures, degrees(114.06, 22.54), 700);
    const struct shared shared = {.gis = gis, .roads = roads, .closures = closures};
    struct worker alone = {.shared = &shared};
    struct worker both[2] = {{.shared = &shared}, {.shared = &shared}};
    work(&alone);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&both[i].thread, NULL, work, &both[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(both[i].thread, NULL), 0);
        assert_int_equal(both[i].err, TC_OK);
        assert_int_equal(both[i].digest, alone.digest);
    }
    assert_int_not_equal(alone.digest, 0);
    tc_closures_destroy(closures);
    tc_roads_destroy(roads);
    tc_gis_close(gis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_get_the_same_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
