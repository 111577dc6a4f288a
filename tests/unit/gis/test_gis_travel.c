/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "gis/cover.h"
#include "tests/lib/tc_test.h"
#include "tests/unit/gis/gis_sample.h"

static struct tc_gis *gis;
static struct tc_roads *roads;
static struct tc_travel *travel;

/* A second, naive graph: places and stretches straight from the layer, Bellman-Ford in doubles. */
#define PLACES_MAX    1000
#define STRETCHES_MAX 4000

struct stretch {
    unsigned from;
    unsigned to;
    double seconds;
    double metres;
    struct tc_lonlat middle;
};

static struct tc_lonlat naive_places[PLACES_MAX];
static unsigned naive_place_count;
static struct stretch stretches[STRETCHES_MAX];
static unsigned stretch_count;

/** Great circle on a sphere with the local radii of the ellipsoid at 22.55 degrees. */
static double metres_between(struct tc_lonlat a, struct tc_lonlat b)
{
    double dy = (a.lat_e7 - b.lat_e7) * 1e-7 * 110748.0;
    double dx = (a.lon_e7 - b.lon_e7) * 1e-7 * 102867.0;
    return hypot(dx, dy);
}

static unsigned naive_place(struct tc_lonlat p)
{
    for (unsigned i = 0; i < naive_place_count; i++) {
        if (memcmp(&naive_places[i], &p, sizeof p) == 0) {
            return i;
        }
    }
    assert_true(naive_place_count < PLACES_MAX);
    naive_places[naive_place_count] = p;
    return naive_place_count++;
}

static void add_stretch(struct tc_lonlat a, struct tc_lonlat b, double kmh)
{
    assert_true(stretch_count < STRETCHES_MAX);
    double metres = metres_between(a, b);
    stretches[stretch_count++] = (struct stretch){
        .from = naive_place(a),
        .to = naive_place(b),
        .seconds = metres / (kmh / 3.6),
        .metres = metres,
        .middle = {.lon_e7 = a.lon_e7 / 2 + b.lon_e7 / 2, .lat_e7 = a.lat_e7 / 2 + b.lat_e7 / 2}};
}

static void read_naive_graph(void)
{
    for (uint32_t i = 0; i < tc_gis_count(gis, TC_LAYER_ROADS); i++) {
        const struct tc_feature *f = tc_gis_at(gis, TC_LAYER_ROADS, i);
        struct tc_str speed = tc_feature_attribute(f, "speed_kmh");
        double kmh = strtod(speed.at, NULL);
        bool is_oneway = tc_str_is(tc_feature_attribute(f, "oneway"), "1");
        for (uint32_t k = 0; k + 1 < f->shape.point_count; k++) {
            add_stretch(f->shape.points[k], f->shape.points[k + 1], kmh);
            if (!is_oneway) {
                add_stretch(f->shape.points[k + 1], f->shape.points[k], kmh);
            }
        }
    }
}

/** Seconds from every place to `target` over stretches that are not closed. */
static void bellman_ford(unsigned target, const bool *closed, double *seconds)
{
    for (unsigned i = 0; i < naive_place_count; i++) {
        seconds[i] = i == target ? 0 : (double)INFINITY;
    }
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < stretch_count; i++) {
            const struct stretch *s = &stretches[i];
            double via = seconds[s->to] + s->seconds;
            if (!closed[i] && via < seconds[s->from] - 1e-9) {
                seconds[s->from] = via;
                changed = true;
            }
        }
    }
}

static void assert_agrees(const struct tc_travel_result *r, double seconds)
{
    if (isinf(seconds)) {
        assert_int_not_equal(r->doubt & TC_TRAVEL_UNREACHABLE, 0);
        return;
    }
    assert_int_equal(r->doubt & TC_TRAVEL_UNREACHABLE, 0);
    double got = r->time_ms / 1000.0;
    if (fabs(got - seconds) > 0.1 + seconds * 0.001) {
        fail_msg("%.3f s, but Bellman-Ford says %.3f s", got, seconds);
    }
}

static bool closed[STRETCHES_MAX];
static double seconds[PLACES_MAX];

/** 10 targets, 100 sources each, all at crossings. */
static void check_pairs(const struct tc_closures *closures, uint64_t seed)
{
    unsigned unreachable = 0;
    for (unsigned round = 0; round < 10; round++) {
        unsigned target = next_random(&seed) % naive_place_count;
        struct tc_lonlat from[100];
        unsigned numbers[100];
        struct tc_travel_result results[100];
        for (unsigned i = 0; i < 100; i++) {
            numbers[i] = next_random(&seed) % naive_place_count;
            from[i] = naive_places[numbers[i]];
        }
        struct tc_travel_query q = {.target = naive_places[target], .closures = closures};
        tc_travel_to(travel, &q, from, 100, results);
        bellman_ford(target, closed, seconds);
        for (unsigned i = 0; i < 100; i++) {
            assert_agrees(&results[i], seconds[numbers[i]]);
            unreachable += isinf(seconds[numbers[i]]) ? 1u : 0u;
        }
    }
    print_message("%u of 1000 pairs have no way\n", unreachable);
}

static void agrees_with_bellman_ford(void **state)
{
    (void)state;
    memset(closed, 0, sizeof closed);
    check_pairs(NULL, 1);
}

/** Close some whole roads in both graphs. */
static struct tc_closures *close_some_roads(unsigned every)
{
    struct tc_closures *c;
    memset(closed, 0, sizeof closed);
    assert_int_equal(tc_closures_create(roads, 77, &c), TC_OK);
    unsigned k = 0;
    for (uint32_t i = 0; i < tc_gis_count(gis, TC_LAYER_ROADS); i++) {
        const struct tc_feature *f = tc_gis_at(gis, TC_LAYER_ROADS, i);
        unsigned count = f->shape.point_count - 1;
        unsigned ways = tc_str_is(tc_feature_attribute(f, "oneway"), "1") ? count : 2 * count;
        if (i % every == 0) {
            assert_int_equal(tc_closures_add_feature(c, f, 0), count);
            for (unsigned n = 0; n < ways; n++) {
                closed[k + n] = true;
            }
        }
        k += ways;
    }
    assert_int_equal(k, stretch_count);
    return c;
}

static void agrees_with_bellman_ford_when_roads_are_closed(void **state)
{
    (void)state;
    for (unsigned every = 2; every <= 8; every += 3) {
        struct tc_closures *c = close_some_roads(every);
        assert_int_equal(tc_closures_seq(c), 77);
        check_pairs(c, every);
        tc_closures_destroy(c);
    }
}

static void everything_is_connected(void **state)
{
    (void)state;
    memset(closed, 0, sizeof closed);
    assert_true(naive_place_count >= 250);
    assert_int_equal(tc_roads_node_count(roads), naive_place_count);
    for (unsigned t = 0; t < naive_place_count; t += naive_place_count - 1) {
        bellman_ford(t, closed, seconds);
        for (unsigned i = 0; i < naive_place_count; i++) {
            assert_true(seconds[i] < 1e9);
        }
    }
    /* every place to place 0, and place 0 to every place */
    struct tc_travel_query q = {.target = naive_places[0]};
    static struct tc_travel_result results[PLACES_MAX];
    tc_travel_to(travel, &q, naive_places, naive_place_count, results);
    for (unsigned i = 0; i < naive_place_count; i++) {
        assert_int_equal(results[i].doubt, 0);
        q.target = naive_places[i];
        struct tc_travel_result back;
        tc_travel_to(travel, &q, &naive_places[0], 1, &back);
        assert_int_equal(back.doubt, 0);
    }
}

static uint32_t time_between(struct tc_lonlat from, struct tc_lonlat to,
                             const struct tc_closures *c)
{
    struct tc_travel_query q = {.target = to, .closures = c};
    struct tc_travel_result r;
    tc_travel_to(travel, &q, &from, 1, &r);
    return r.time_ms;
}

static void closing_never_makes_nearer(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct tc_lonlat from[50];
    struct tc_travel_result before[50];
    struct tc_travel_result after[50];
    for (unsigned round = 0; round < 20; round++) {
        struct tc_closures *c;
        assert_int_equal(tc_closures_create(roads, round, &c), TC_OK);
        struct tc_travel_query q = {
            .target = random_point(&seed), .closures = c, .approach_m = round % 2 ? 400 : 0};
        for (unsigned i = 0; i < 50; i++) {
            from[i] = random_point(&seed);
        }
        tc_travel_to(travel, &q, from, 50, before);
        for (unsigned step = 0; step < 6; step++) {
            tc_closures_add_circle(c, random_point(&seed), 200 + next_random(&seed) % 600);
            tc_travel_to(travel, &q, from, 50, after);
            for (unsigned i = 0; i < 50; i++) {
                assert_true(after[i].time_ms >= before[i].time_ms);
            }
            memcpy(before, after, sizeof before);
        }
        tc_closures_destroy(c);
    }
}

static void triangle_holds(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (unsigned i = 0; i < 300; i++) {
        struct tc_lonlat a = naive_places[next_random(&seed) % naive_place_count];
        struct tc_lonlat b = naive_places[next_random(&seed) % naive_place_count];
        struct tc_lonlat c = naive_places[next_random(&seed) % naive_place_count];
        assert_true(time_between(a, c, NULL) <=
                    time_between(a, b, NULL) + time_between(b, c, NULL));
    }
}

static void point_on_the_same_stretch(void **state)
{
    (void)state;
    /* The first stretch of the slowest kind of road, a quarter and three quarters along. */
    const struct tc_feature *f = tc_gis_find(gis, TC_LAYER_ROADS, TC_STR("华泰一街"));
    assert_non_null(f);
    assert_true(tc_str_is(tc_feature_attribute(f, "oneway"), "1"));
    struct tc_lonlat a = f->shape.points[0];
    struct tc_lonlat b = f->shape.points[1];
    struct tc_lonlat p = {.lon_e7 = a.lon_e7 + (b.lon_e7 - a.lon_e7) / 4,
                          .lat_e7 = a.lat_e7 + (b.lat_e7 - a.lat_e7) / 4};
    struct tc_lonlat q = {.lon_e7 = b.lon_e7 - (b.lon_e7 - a.lon_e7) / 4,
                          .lat_e7 = b.lat_e7 - (b.lat_e7 - a.lat_e7) / 4};
    double metres = metres_between(p, q);
    double expected_ms = metres / (30 / 3.6) * 1000;
    uint32_t there = time_between(p, q, NULL);
    uint32_t back = time_between(q, p, NULL);
    assert_true(fabs(there - expected_ms) < 60); /* half a metre at 30 km/h */
    assert_true(back > there);                   /* against a one-way street: around the block */
    struct tc_travel_query query = {.target = q, .speed_percent = 50};
    struct tc_travel_result r;
    tc_travel_to(travel, &query, &p, 1, &r);
    assert_int_equal(r.time_ms, 2 * there);
    assert_true(fabs(r.length_dm - metres * 10) <= 10);
}

static void underpass_closes_its_own_road_only(void **state)
{
    (void)state;
    const struct tc_feature *f = tc_gis_find(gis, TC_LAYER_UNDERPASSES, TC_STR("彩田路下沉隧道"));
    assert_non_null(f);
    struct tc_closures *c;
    assert_int_equal(tc_closures_create(roads, 3, &c), TC_OK);
    uint32_t count = tc_closures_add_feature(c, f, 20);
    assert_int_equal(count, 2); /* Caitian Rd north and south of Shennan Blvd */
    assert_int_equal(tc_closures_add_feature(c, f, 20), 0);
    /* Shennan Blvd stays open. */
    const struct tc_feature *shennan = tc_gis_find(gis, TC_LAYER_ROADS, TC_STR("深南大道"));
    unsigned crossing = 0;
    while (tc_distance_m(shennan->shape.points[crossing], f->at) > 5) {
        crossing++;
    }
    struct tc_lonlat west = shennan->shape.points[crossing - 1];
    struct tc_lonlat east = shennan->shape.points[crossing + 1];
    assert_int_equal(time_between(west, east, c), time_between(west, east, NULL));
    /* Caitian Rd does not. */
    const struct tc_feature *caitian = tc_gis_find(gis, TC_LAYER_ROADS, TC_STR("彩田路"));
    crossing = 0;
    while (tc_distance_m(caitian->shape.points[crossing], f->at) > 5) {
        crossing++;
    }
    struct tc_lonlat south = caitian->shape.points[crossing - 1];
    struct tc_lonlat north = caitian->shape.points[crossing + 1];
    assert_true(time_between(south, north, c) > time_between(south, north, NULL));
    struct tc_buf json = {0};
    tc_closures_geojson(c, &json);
    assert_int_equal(memcmp(json.bytes, "{\"type\":\"FeatureCollection\"", 27), 0);
    tc_buf_finish(&json);
    tc_closures_destroy(c);
}

static void polygon_closes_what_crosses_it(void **state)
{
    (void)state;
    struct tc_closures *c;
    /* A thin flood across Shennan Blvd between two crossings: no corner of either lies inside. */
    const struct tc_feature *f = tc_gis_find(gis, TC_LAYER_ROADS, TC_STR("深南大道"));
    struct tc_lonlat a = f->shape.points[4];
    struct tc_lonlat b = f->shape.points[5];
    int32_t lon = a.lon_e7 + (b.lon_e7 - a.lon_e7) / 2;
    int32_t lat = a.lat_e7 + (b.lat_e7 - a.lat_e7) / 2;
    const struct tc_lonlat corners[] = {{lon - 300, lat - 3000},
                                        {lon + 300, lat - 3000},
                                        {lon + 300, lat + 3000},
                                        {lon - 300, lat + 3000},
                                        {lon - 300, lat - 3000}};
    const uint32_t end = TC_COUNT_OF(corners);
    const struct tc_feature flood = {
        .layer = TC_LAYER_GRIDS,
        .attributes = "",
        .shape = {.points = corners, .part_ends = &end, .part_count = 1, .point_count = end}};
    assert_int_equal(tc_closures_create(roads, 1, &c), TC_OK);
    assert_int_equal(tc_closures_add_feature(c, &flood, 0), 1);
    assert_true(time_between(a, b, c) > time_between(a, b, NULL));
    /* A whole sub-district: nobody drives to its middle any more. */
    f = tc_gis_find(gis, TC_LAYER_SUBDISTRICTS, TC_STR("福田街道"));
    assert_true(tc_closures_add_feature(c, f, 0) > 60);
    struct tc_travel_query q = {.target = f->at, .closures = c};
    struct tc_lonlat station = tc_gis_find(gis, TC_LAYER_FIRE_STATIONS, TC_STR("FS-03"))->at;
    struct tc_travel_result r;
    tc_travel_to(travel, &q, &station, 1, &r);
    assert_int_not_equal(r.doubt & TC_TRAVEL_UNREACHABLE, 0);
    tc_closures_destroy(c);
}

static void help_reaches_into_the_closed_area(void **state)
{
    (void)state;
    const struct tc_feature *f = tc_gis_find(gis, TC_LAYER_UNDERPASSES, TC_STR("UP-01"));
    struct tc_lonlat station = tc_gis_find(gis, TC_LAYER_FIRE_STATIONS, TC_STR("FS-01"))->at;
    struct tc_closures *c;
    assert_int_equal(tc_closures_create(roads, 3, &c), TC_OK);
    assert_true(tc_closures_add_circle(c, f->at, 300) > 4);
    struct tc_travel_query q = {.target = f->at, .closures = c};
    struct tc_travel_result r;
    tc_travel_to(travel, &q, &station, 1, &r);
    assert_int_equal(r.doubt, TC_TRAVEL_UNREACHABLE | TC_TRAVEL_TARGET_CLOSED);
    assert_int_equal(r.time_ms, TC_TRAVEL_NONE);
    q.approach_m = 300;
    tc_travel_to(travel, &q, &station, 1, &r);
    assert_int_equal(r.doubt, TC_TRAVEL_TARGET_CLOSED);
    assert_int_equal(r.time_ms, time_between(station, f->at, NULL));
    tc_closures_destroy(c);
}

#define COVER_SOURCES 30
#define COVER_TARGETS 60

/** The least of all single answers, each asked for by itself; true when nobody gets there. */
static bool check_cover(const struct tc_cover_query *q, struct tc_lonlat to,
                        const struct tc_cover *cover)
{
    struct tc_travel_query one = {.target = to, .closures = q->closures};
    struct tc_travel_result results[COVER_SOURCES];
    uint32_t best = TC_TRAVEL_NONE;
    tc_travel_to(travel, &one, q->sources, COVER_SOURCES, results);
    for (unsigned i = 0; i < COVER_SOURCES; i++) {
        best = results[i].time_ms < best ? results[i].time_ms : best;
    }
    assert_int_equal(cover->time_ms, best);
    if (best == TC_TRAVEL_NONE) {
        assert_int_equal(cover->source, UINT32_MAX);
        return true;
    }
    assert_int_equal(results[cover->source].time_ms, best);
    return false;
}

static void cover_is_the_best_of_all_sources(void **state)
{
    (void)state;
    uint64_t seed = 17;
    struct tc_lonlat from[COVER_SOURCES];
    struct tc_lonlat to[COVER_TARGETS];
    struct tc_cover covers[COVER_TARGETS];
    unsigned nobody = 0;
    for (unsigned round = 0; round < 12; round++) {
        struct tc_closures *c;
        assert_int_equal(tc_closures_create(roads, 1, &c), TC_OK);
        for (unsigned i = 0; i < round; i++) {
            tc_closures_add_circle(c, random_point(&seed), 900);
        }
        for (unsigned i = 0; i < COVER_SOURCES; i++) {
            unsigned place = next_random(&seed) % naive_place_count;
            from[i] = i % 2 ? random_point(&seed) : naive_places[place];
        }
        for (unsigned i = 0; i < COVER_TARGETS; i++) {
            to[i] = i % 3 ? random_point(&seed) : from[i / 2];
            to[i].lon_e7 += i % 2 ? 0 : 2500; /* often on the segment of a source */
        }
        struct tc_cover_query q = {.sources = from, .source_count = COVER_SOURCES, .closures = c};
        assert_int_equal(tc_travel_cover(travel, &q, to, COVER_TARGETS, covers), TC_OK);
        for (unsigned i = 0; i < COVER_TARGETS; i++) {
            nobody += check_cover(&q, to[i], &covers[i]) ? 1 : 0;
        }
        tc_closures_destroy(c);
    }
    assert_in_range(nobody, 1, 500);
    struct tc_cover_query many = {.sources = from, .source_count = TC_COVER_SOURCES_MAX + 1};
    assert_int_equal(tc_travel_cover(travel, &many, to, 1, covers), TC_EFULL);
}

static void far_points_are_doubted(void **state)
{
    (void)state;
    struct tc_lonlat hills = degrees(114.0450, 22.5850);
    struct tc_lonlat sea = degrees(113.5, 22.0);
    struct tc_lonlat town = degrees(114.0540, 22.5407);
    struct tc_travel_query q = {.target = town};
    struct tc_lonlat from[2] = {hills, sea};
    struct tc_travel_result r[2];
    tc_travel_to(travel, &q, from, 2, r);
    assert_int_equal(r[0].doubt, TC_TRAVEL_SOURCE_FAR);
    assert_int_equal(r[1].doubt, TC_TRAVEL_SOURCE_FAR | TC_TRAVEL_UNREACHABLE);
    q.target = hills;
    tc_travel_to(travel, &q, &town, 1, r);
    assert_int_equal(r[0].doubt, TC_TRAVEL_TARGET_FAR);
    q.target = sea;
    tc_travel_to(travel, &q, &town, 1, r);
    assert_int_equal(r[0].doubt, TC_TRAVEL_TARGET_FAR | TC_TRAVEL_UNREACHABLE);
    struct tc_snap snap;
    assert_int_equal(tc_roads_snap(roads, sea, 2000, &snap), TC_ENOTFOUND);
}

static void path_is_as_long_as_told(void **state)
{
    (void)state;
    uint64_t seed = 21;
    struct tc_lonlat points[500];
    for (unsigned i = 0; i < 200; i++) {
        struct tc_lonlat from = naive_places[next_random(&seed) % naive_place_count];
        struct tc_lonlat to = naive_places[next_random(&seed) % naive_place_count];
        if (i % 2) { /* somewhere between crossings */
            struct tc_snap snap;
            tc_err err = TC_ENOTFOUND;
            while (err) {
                err = tc_roads_snap(roads, random_point(&seed), 2000, &snap);
            }
            from = snap.at;
        }
        struct tc_travel_query q = {.target = to};
        struct tc_travel_result r;
        size_t count;
        tc_travel_to(travel, &q, &from, 1, &r);
        assert_int_equal(tc_travel_path(travel, &q, from, points, 500, &count), TC_OK);
        double metres = 0;
        for (size_t k = 0; k + 1 < count; k++) {
            metres += metres_between(points[k], points[k + 1]);
        }
        assert_true(fabs(metres - r.length_dm / 10.0) < 1 + metres * 0.001);
        assert_true(metres_between(points[0], from) < 1);
        assert_true(metres_between(points[count - 1], to) < 1);
        if (count > 2) {
            size_t again;
            assert_int_equal(tc_travel_path(travel, &q, from, points, 2, &again), TC_EFULL);
            assert_int_equal(again, count);
        }
    }
}

static void snap_agrees_with_looking_at_all(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (unsigned i = 0; i < 300; i++) {
        struct tc_lonlat p = random_point(&seed);
        struct tc_snap snap;
        double best = (double)INFINITY;
        for (unsigned k = 0; k < stretch_count; k++) {
            struct tc_lonlat a = naive_places[stretches[k].from];
            struct tc_lonlat b = naive_places[stretches[k].to];
            double ux = (b.lon_e7 - a.lon_e7) * 1e-7 * 102867.0;
            double uy = (b.lat_e7 - a.lat_e7) * 1e-7 * 110748.0;
            double vx = (p.lon_e7 - a.lon_e7) * 1e-7 * 102867.0;
            double vy = (p.lat_e7 - a.lat_e7) * 1e-7 * 110748.0;
            double t = fmax(0, fmin(1, (ux * vx + uy * vy) / (ux * ux + uy * uy)));
            best = fmin(best, hypot(vx - t * ux, vy - t * uy));
        }
        tc_err err = tc_roads_snap(roads, p, 1500, &snap);
        if (best > 1510) {
            assert_int_equal(err, TC_ENOTFOUND);
        } else if (best < 1490) {
            assert_int_equal(err, TC_OK);
            assert_true(fabs(snap.off_dm / 10.0 - best) < 0.2 + best * 0.002);
        }
    }
}

static int open_all(void **state)
{
    (void)state;
    char why[TC_WHY_MAX] = "";
    gis = open_sample();
    if (tc_roads_create(gis, NULL, 0, &roads, why) || tc_travel_create(roads, &travel)) {
        print_error("%s\n", why);
        return -1;
    }
    read_naive_graph();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tc_travel_destroy(travel);
    tc_roads_destroy(roads);
    tc_gis_close(gis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_bellman_ford),
        cmocka_unit_test(agrees_with_bellman_ford_when_roads_are_closed),
        cmocka_unit_test(everything_is_connected),
        cmocka_unit_test(closing_never_makes_nearer),
        cmocka_unit_test(triangle_holds),
        cmocka_unit_test(point_on_the_same_stretch),
        cmocka_unit_test(underpass_closes_its_own_road_only),
        cmocka_unit_test(polygon_closes_what_crosses_it),
        cmocka_unit_test(help_reaches_into_the_closed_area),
        cmocka_unit_test(cover_is_the_best_of_all_sources),
        cmocka_unit_test(far_points_are_doubted),
        cmocka_unit_test(path_is_as_long_as_told),
        cmocka_unit_test(snap_agrees_with_looking_at_all),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
