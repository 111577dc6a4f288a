/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/gauge.h"
#include "tests/lib/tc_test.h"

static void a_profile_is_straight_between_its_points(void **state)
{
    (void)state;
    struct sim_profile p;
    assert_true(sim__profile_read(&p, "0:0.05,30:0.05,60:0.45"));
    assert_int_equal(p.count, 3);
    assert_int_equal(sim__profile_level_um(&p, 0), 50000);
    assert_int_equal(sim__profile_level_um(&p, 30000000), 50000);
    assert_int_equal(sim__profile_level_um(&p, 45000000), 250000);
    assert_int_equal(sim__profile_level_um(&p, 60000000), 450000);
    assert_int_equal(sim__profile_level_um(&p, 999000000), 450000);
}

static void wrong_profiles_are_refused(void **state)
{
    (void)state;
    struct sim_profile p;
    assert_false(sim__profile_read(&p, ""));
    assert_false(sim__profile_read(&p, "0:0.05,x:1"));
    assert_false(sim__profile_read(&p, "30:0.05,10:0.10"));
    assert_false(sim__profile_read(&p, "5"));
}

static void a_request_is_canonical_json(void **state)
{
    (void)state;
    struct tc_buf out = {0};
    struct sim_reading readings[] = {{350000, 1795219200000000}}; /* 2026-11-21T00:00:00Z */
    sim__gauge_request(&out, "g-1", "gauge-caitian", readings, 1);
    assert_true(tc_str_is(tc_buf_str(&out),
                          "{\"id\":\"g-1\",\"observations\":[{\"kind\":\"reading\","
                          "\"device\":\"gauge-caitian\",\"factor\":\"water_level\","
                          "\"value_e6\":350000,\"unit\":\"m\","
                          "\"occurred\":\"2026-11-21T00:00:00.000000Z\"}]}"));
    tc_buf_finish(&out);
}

static void answers_are_counted(void **state)
{
    (void)state;
    struct sim_gauge_answer a;
    assert_true(sim__gauge_answer(TC_STR("{\"id\":\"g-1\",\"ok\":true,\"results\":[{\"seq\":123},"
                                         "{\"duplicate\":9},{\"refused\":\"unknown device\"}]}"),
                                  &a));
    assert_string_equal(a.id, "g-1");
    assert_true(a.is_ok);
    assert_int_equal(a.taken_count, 1);
    assert_int_equal(a.duplicate_count, 1);
    assert_int_equal(a.refused_count, 1);
    assert_string_equal(a.why, "unknown device");
    assert_false(sim__gauge_answer(TC_STR("{\"ok\":true}"), &a));
    assert_false(sim__gauge_answer(TC_STR("{\"id\":\"g-1\",\"ok\":tr"), &a));
    assert_false(sim__gauge_answer(TC_STR(""), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_straight_between_its_points),
        cmocka_unit_test(wrong_profiles_are_refused),
        cmocka_unit_test(a_request_is_canonical_json),
        cmocka_unit_test(answers_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
