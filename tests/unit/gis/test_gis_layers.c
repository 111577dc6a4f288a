/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>

#include "core/base/mem.h"
#include "tests/lib/tc_test.h"
#include "tests/unit/gis/gis_sample.h"

static struct tc_gis *gis;

static void layers_are_there(void **state)
{
    (void)state;
    static const struct {
        enum tc_layer layer;
        uint32_t least;
        uint32_t most;
    } expected[] = {
        {TC_LAYER_SUBDISTRICTS, 10, 10},      {TC_LAYER_COMMUNITIES, 85, 95},
        {TC_LAYER_GRIDS, 900, 3000},          {TC_LAYER_ROADS, 60, 200},
        {TC_LAYER_CROSSINGS, 250, 1000},      {TC_LAYER_HOSPITALS, 4, 4},
        {TC_LAYER_FIRE_STATIONS, 5, 5},       {TC_LAYER_SHELTERS, 8, 8},
        {TC_LAYER_CAMERAS, 40, 40},           {TC_LAYER_UNDERPASSES, 6, 6},
        {TC_LAYER_POLLUTION_SOURCES, 10, 10}, {TC_LAYER_GAUGES, 6, 6},
        {TC_LAYER_HYDRANTS, 100, 400},        {TC_LAYER_WAREHOUSES, 3, 3},
    };
    assert_int_equal(TC_COUNT_OF(expected), TC_LAYER_COUNT);
    assert_true(tc_gis_is_sample(gis));
    for (size_t i = 0; i < TC_COUNT_OF(expected); i++) {
        uint32_t count = tc_gis_count(gis, expected[i].layer);
        assert_in_range(count, expected[i].least, expected[i].most);
        for (uint32_t k = 0; k < count; k++) {
            const struct tc_feature *f = tc_gis_at(gis, expected[i].layer, k);
            assert_true(tc_str_is(tc_feature_attribute(f, "sample"), "1"));
            assert_in_range(f->at.lon_e7, 1139800000, 1141200000);
            assert_in_range(f->at.lat_e7, 225000000, 226100000);
            assert_true(f->layer == TC_LAYER_CROSSINGS || (f->name_zh[0] && f->name_en[0]));
            assert_ptr_equal(tc_gis_find(gis, f->layer, tc_str_of(f->id)), f);
        }
        assert_int_equal(tc_layer_parse(tc_str_of(tc_layer_name(expected[i].layer))),
                         expected[i].layer);
    }
    assert_int_equal(tc_layer_parse(TC_STR("nonsense")), TC_LAYER_COUNT);
}

static void features_are_found(void **state)
{
    (void)state;
    const struct tc_feature *f = tc_gis_find(gis, TC_LAYER_COUNT, TC_STR("UP-01"));
    assert_non_null(f);
    assert_int_equal(f->layer, TC_LAYER_UNDERPASSES);
    assert_string_equal(f->name_en, "Caitian Rd underpass");
    assert_ptr_equal(tc_gis_find(gis, TC_LAYER_COUNT, TC_STR("彩田路下沉隧道")), f);
    assert_ptr_equal(tc_gis_find(gis, TC_LAYER_UNDERPASSES, TC_STR("Caitian Rd underpass")), f);
    assert_null(tc_gis_find(gis, TC_LAYER_CAMERAS, TC_STR("UP-01")));
    assert_null(tc_gis_find(gis, TC_LAYER_COUNT, TC_STR("")));
    assert_null(tc_gis_find(gis, TC_LAYER_COUNT, TC_STR("UP-0")));
    /* each gauge is tied to an underpass that exists and is near */
    for (uint32_t i = 0; i < tc_gis_count(gis, TC_LAYER_GAUGES); i++) {
        const struct tc_feature *gauge = tc_gis_at(gis, TC_LAYER_GAUGES, i);
        f = tc_gis_find(gis, TC_LAYER_UNDERPASSES, tc_feature_attribute(gauge, "underpass"));
        assert_non_null(f);
        assert_true(tc_distance_m(f->at, gauge->at) < 50);
    }
    struct tc_str none = tc_feature_attribute(f, "unde");
    assert_int_equal(none.len, 0);
}

static void near_agrees_with_looking_at_all(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (unsigned i = 0; i < 200; i++) {
        struct tc_lonlat p = random_point(&seed);
        struct tc_near near[20];
        double radius_m = next_random(&seed) % 3000;
        size_t count = tc_gis_near(gis, TC_LAYER_CAMERAS, p, radius_m, near, 20);
        size_t within = 0;
        double nearest = 1e9;
        for (uint32_t k = 0; k < tc_gis_count(gis, TC_LAYER_CAMERAS); k++) {
            double m = tc_distance_m(p, tc_gis_at(gis, TC_LAYER_CAMERAS, k)->at);
            within += m <= radius_m;
            nearest = m < nearest ? m : nearest;
        }
        assert_int_equal(count, within < 20 ? within : 20);
        for (size_t k = 0; k + 1 < count; k++) {
            assert_true(near[k].distance_m <= near[k + 1].distance_m);
        }
        assert_true(count == 0 || near[0].distance_m <= nearest);
    }
    struct tc_near one;
    const struct tc_feature *f = tc_gis_at(gis, TC_LAYER_SUBDISTRICTS, 3);
    assert_int_equal(tc_gis_near(gis, TC_LAYER_SUBDISTRICTS, f->at, 0, &one, 1), 1);
    assert_ptr_equal(one.feature, f); /* the label point lies inside */
    assert_true(one.distance_m <= 0);
}

static void same_text_same_hash(void **state)
{
    (void)state;
    struct tc_gis *again = open_sample();
    for (unsigned i = 0; i < TC_LAYER_COUNT; i++) {
        enum tc_layer layer = (enum tc_layer)i;
        assert_true(tc_gis_layer_hash(gis, layer) == tc_gis_layer_hash(again, layer));
        for (unsigned k = 0; k < i; k++) {
            assert_true(tc_gis_layer_hash(gis, layer) != tc_gis_layer_hash(gis, (enum tc_layer)k));
        }
    }
    tc_gis_close(again);
}

static unsigned count_of(const struct tc_buf *b, const char *text)
{
    unsigned count = 0;
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= b->len; i++) {
        count += memcmp(b->bytes + i, text, len) == 0;
    }
    return count;
}

static void geojson_holds_every_feature(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TC_LAYER_COUNT; i++) {
        struct tc_buf b = {0};
        tc_gis_geojson(gis, (enum tc_layer)i, &b);
        assert_false(b.is_full);
        assert_int_equal(count_of(&b, "\"type\":\"Feature\","),
                         tc_gis_count(gis, (enum tc_layer)i));
        assert_int_equal(count_of(&b, "["), count_of(&b, "]"));
        assert_int_equal(count_of(&b, "{"), count_of(&b, "}"));
        tc_buf_finish(&b);
    }
    struct tc_buf b = {0};
    tc_gis_geojson(gis, TC_LAYER_GAUGES, &b);
    assert_int_equal(count_of(&b, "\"underpass\":\"UP-01\""), 1);
    tc_buf_finish(&b);
}

static char built[64]; /* the sample's file, kept for `assert_refused` */

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, in)) > 0) {
        assert_int_equal(fwrite(block, 1, n, out), n);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/** Copy the sample, change it with SQL, and expect this error and these words. */
static void assert_refused(const char *sql, tc_err expected, const char *word)
{
    char path[64];
    char why[TC_WHY_MAX] = "";
    sample_path(path);
    copy_file(built, path);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    sqlite3_close(db);
    struct tc_gis *broken = NULL;
    tc_err err = tc_gis_open(path, &broken, why);
    remove(path);
    assert_null(broken);
    if (err != expected || !strstr(why, word) || !tc_str_is_utf8(tc_str_of(why))) {
        fail_msg("%s: %s, \"%s\" instead of \"%s\"", sql, tc_err_name(err), why, word);
    }
}

static void broken_files_get_a_sentence(void **state)
{
    (void)state;
    assert_refused("PRAGMA application_id = 0", TC_EMALFORMED, "no GeoPackage");
    assert_refused("DROP TABLE gpkg_contents", TC_EMALFORMED, "gpkg_contents");
    assert_refused("DELETE FROM gpkg_geometry_columns WHERE table_name = 'roads'", TC_ENOTFOUND,
                   "no layer roads");
    assert_refused("DROP TABLE cameras", TC_EMALFORMED, "cameras");
    assert_refused("UPDATE gpkg_geometry_columns SET srs_id = 4547 WHERE table_name = 'grids'",
                   TC_EUNSUPPORTED, "srs 4547");
    assert_refused("UPDATE cameras SET geom = substr(geom, 1, 20) WHERE id = 'CA-002'",
                   TC_EMALFORMED, "cameras, row 2: the geometry is cut short");
    assert_refused("UPDATE roads SET geom = substr(geom, 1, length(geom) - 1)", TC_EMALFORMED,
                   "roads, row 1: the geometry is cut short");
    assert_refused("UPDATE cameras SET geom = NULL WHERE id = 'CA-003'", TC_EMALFORMED, "row 3");
    assert_refused("UPDATE cameras SET geom = zeroblob(40)", TC_EMALFORMED, "no GeoPackage geom");
    /* a quiet NaN for the longitude: bytes 13 to 20, little endian */
    assert_refused("UPDATE cameras SET geom = CAST(substr(geom, 1, 13) || x'000000000000F87F' || "
                   "substr(geom, 22) AS BLOB) WHERE id = 'CA-004'",
                   TC_EMALFORMED, "row 4: a coordinate is not a number");
    assert_refused("UPDATE cameras SET geom = (SELECT geom FROM roads LIMIT 1)", TC_EMALFORMED,
                   "not of the layer's kind");
    assert_refused("UPDATE cameras SET id = 'CA-001' WHERE id = 'CA-002'", TC_EMALFORMED, "twice");
    assert_refused("UPDATE cameras SET id = ''", TC_EMALFORMED, "id is missing");
    assert_refused("UPDATE cameras SET name_zh = CAST(x'ff41' AS TEXT)", TC_EMALFORMED, "UTF-8");
}

static void other_files_get_a_sentence(void **state)
{
    (void)state;
    char path[64];
    char why[TC_WHY_MAX] = "";
    struct tc_gis *none = NULL;
    sample_path(path);
    assert_int_equal(tc_gis_open(path, &none, why), TC_ENOTFOUND);
    assert_non_null(strstr(why, path));
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (unsigned i = 0; i < 400; i++) {
        fputs("this is only text\n", f);
    }
    fclose(f);
    assert_int_equal(tc_gis_open(path, &none, why), TC_EMALFORMED);
    assert_non_null(strstr(why, "not a GeoPackage"));
    remove(path);
    assert_int_equal(tc_sample_build("gis/nowhere", path, why), TC_ENOTFOUND);
    assert_non_null(strstr(why, "subdistricts.tsv"));
    assert_null(fopen(path, "rb"));
}

/** Each allocation in turn fails: no leak, no crash, a clean refusal, then it works. */
static void memory_may_run_out(void **state)
{
    (void)state;
    char why[TC_WHY_MAX];
    for (uint64_t n = 1;; n++) {
        struct tc_gis *again = NULL;
        tc_mem_fail_at(n);
        tc_err err = tc_gis_open(built, &again, why);
        bool has_failed = tc_mem_fails_count() > 0;
        tc_mem_fail_at(0);
        if (!has_failed) {
            assert_int_equal(err, TC_OK);
            tc_gis_close(again);
            assert_true(n > 5);
            break;
        }
        assert_true(err == TC_ENOMEM || err == TC_EMALFORMED);
        assert_null(again);
    }
}

static int open_all(void **state)
{
    (void)state;
    gis = open_sample();
    char why[TC_WHY_MAX] = "";
    tc_str_format(built, sizeof built, "/tmp/tocsin-gis-%ld-built.gpkg", (long)getpid());
    if (tc_sample_build("gis/sample", built, why)) {
        print_error("%s\n", why);
        return -1;
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    remove(built);
    tc_gis_close(gis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_there),
        cmocka_unit_test(features_are_found),
        cmocka_unit_test(near_agrees_with_looking_at_all),
        cmocka_unit_test(same_text_same_hash),
        cmocka_unit_test(geojson_holds_every_feature),
        cmocka_unit_test(broken_files_get_a_sentence),
        cmocka_unit_test(other_files_get_a_sentence),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
