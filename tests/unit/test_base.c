/* SPDX-License-Identifier: Apache-2.0 */
/* core/base: texts, numbers, JSON, dates, pools, the slewed clock. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/ini.h"
#include "core/base/json.h"
#include "core/base/pool.h"
#include "core/base/time.h"
#include "core/loop/clock.h"
#include "tests/lib/tc_test.h"

static void test_text_is_cut_at_whole_characters(void **state)
{
    (void)state;
    char to[8];
    assert_false(tc_str_put(to, sizeof to, TC_STR("深圳市")));
    assert_string_equal(to, "深圳");
    assert_true(tc_str_is_utf8(TC_STR("深圳\xF0\x9F\x9A\x92")));
    assert_false(tc_str_is_utf8(TC_STR("\xED\xA0\x80"))); /* a surrogate */
    assert_false(tc_str_is_utf8(TC_STR("\xC0\x80")));
    assert_false(tc_str_is_utf8(TC_STR("a\xE6\xB7")));
}

static void test_fixed_point(void **state)
{
    (void)state;
    int64_t v = 0;
    assert_int_equal(tc_str_to_fixed(TC_STR("-12.3456789"), 6, &v), TC_OK);
    assert_int_equal(v, -12345678);
    assert_int_equal(tc_str_to_fixed(TC_STR("7"), 6, &v), TC_OK);
    assert_int_equal(v, 7000000);
    assert_int_equal(tc_str_to_fixed(TC_STR("."), 6, &v), TC_EMALFORMED);
    assert_int_equal(tc_str_to_fixed(TC_STR("1e3"), 6, &v), TC_EMALFORMED);
    assert_int_equal(tc_str_to_i64(TC_STR("9223372036854775808"), &v), TC_EMALFORMED);
}

static void test_json_numbers_of_outside_documents(void **state)
{
    (void)state;
    struct tc_jr r = tc_jr_init(TC_STR("[114.0539999,1.5e2,-2E-1,7]"));
    assert_true(tc_jr_open(&r, '['));
    assert_true(tc_jr_more(&r, ']'));
    assert_int_equal(tc_jr_fixed(&r, 7), 1140539999);
    assert_true(tc_jr_more(&r, ']'));
    assert_int_equal(tc_jr_fixed(&r, 3), 150000);
    assert_true(tc_jr_more(&r, ']'));
    assert_int_equal(tc_jr_fixed(&r, 3), -200);
    assert_true(tc_jr_more(&r, ']'));
    assert_int_equal(tc_jr_i64(&r), 7);
    assert_false(tc_jr_more(&r, ']'));
    assert_true(tc_jr_is_done(&r));
}

static void test_json_refuses_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[1,]",          "[01]",          "{\"a\" 1}",
        "[1 2]",         "[\"\\u0000\"]", "[\"\x01\"]",
        "[1.5.2]",       "nul",           "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
        "[\"\\ud800x\"]"};
    for (size_t i = 0; i < TC_COUNT_OF(wrong); i++) {
        struct tc_jr r = tc_jr_init(tc_str_of(wrong[i]));
        (void)tc_jr_skip(&r);
        assert_false(tc_jr_is_done(&r));
    }
}

static void test_json_texts_survive(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    struct tc_arena a = {0};
    struct tc_str s = TC_STR("\"a\\b\n\x1f\xE6\xB7\xB1\"");
    tc_jw_str(&b, s);
    struct tc_jr r = tc_jr_init(tc_buf_str(&b));
    assert_true(tc_str_eq(tc_jr_str(&r, &a), s));
    assert_true(tc_jr_is_done(&r));
    tc_buf_finish(&b);
    tc_arena_finish(&a);
}

static void test_dates(void **state)
{
    (void)state;
    int64_t us = 0;
    char text[TC_TIME_TEXT_SIZE];
    assert_int_equal(tc_time_parse(TC_STR("2026-11-21T16:00:00+08:00"), &us), TC_OK);
    assert_int_equal(us, INT64_C(1795248000) * TC_SEC);
    tc_time_utc_text(us, text);
    assert_string_equal(text, "2026-11-21T08:00:00.000000Z");
    tc_time_local_text(us, text);
    assert_string_equal(text, "2026-11-21T16:00:00+08:00");
    assert_int_equal(tc_date_of(us, 0).weekday, 6); /* a Saturday */
    assert_int_equal(tc_time_parse_compact(TC_STR("20261121160000123"), &us), TC_OK);
    assert_int_equal(us, INT64_C(1795248000) * TC_SEC + 123000);
    assert_int_equal(tc_time_parse(TC_STR("2026-02-29T00:00:00Z"), &us), TC_EMALFORMED);
    assert_int_equal(tc_time_parse(TC_STR("2024-02-29T00:00:00.5Z"), &us), TC_OK);
    assert_int_equal(tc_time_parse(TC_STR("2026-11-21T16:00:00"), &us), TC_EMALFORMED);
}

struct item {
    uint64_t id;
    uint64_t value;
};

static void test_pool_against_a_plain_array(void **state)
{
    (void)state;
    struct tc_pool p;
    uint64_t kept[512] = {0};
    tc_pool_init(&p, sizeof(struct item), 512);
    srand(7); /* NOLINT(cert-msc51-cpp): the same run every time */
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t id = (uint64_t)(rand() % 511) + 1; /* NOLINT */
        struct item *i = tc_pool_find(&p, id);
        assert_true((i != NULL) == (kept[id] != 0));
        if (i) {
            assert_int_equal(i->value, kept[id]);
            tc_pool_remove(&p, id);
            kept[id] = 0;
        } else {
            i = tc_pool_add(&p, id);
            i->value = kept[id] = step + 1;
        }
    }
    size_t n = 0;
    TC_POOL_EACH(&p, const struct item, i)
    {
        assert_int_equal(i->value, kept[i->id]);
        n++;
    }
    assert_int_equal(n, p.count);
    tc_pool_finish(&p);
}

static void test_clock_follows_slowly_and_tells_steps(void **state)
{
    (void)state;
    struct tc_time_keeper k;
    tc_time_keeper_init(&k, 0, 1000 * TC_SEC, 0);
    assert_int_equal(tc_time_keeper_follow(&k, TC_SEC, 1001 * TC_SEC + 500), 0);
    assert_int_equal(tc_time_keeper_now_us(&k, TC_SEC), 1001 * TC_SEC + 500);
    /* set back an hour: said once, time goes on */
    int64_t back_us = -3600 * TC_SEC;
    assert_int_equal(tc_time_keeper_follow(&k, 2 * TC_SEC, 1002 * TC_SEC + back_us), back_us - 500);
    int64_t now_us = tc_time_keeper_now_us(&k, 2 * TC_SEC);
    assert_in_range(now_us, 1001 * TC_SEC + 900 * TC_MS, 1002 * TC_SEC + TC_MS);
    assert_int_equal(tc_time_keeper_follow(&k, 3 * TC_SEC, 1003 * TC_SEC + back_us), 0);
    assert_true(tc_time_keeper_now_us(&k, 3 * TC_SEC) > now_us + 990 * TC_MS);
    /* set ahead an hour: said once, no timer is due an hour early */
    tc_time_keeper_init(&k, 0, 1000 * TC_SEC, 0);
    assert_int_equal(tc_time_keeper_follow(&k, TC_SEC, 4601 * TC_SEC), TC_HOUR);
    assert_int_equal(tc_time_keeper_now_us(&k, TC_SEC), 1001 * TC_SEC + TC_MS);
    assert_int_equal(tc_time_keeper_follow(&k, 2 * TC_SEC, 4602 * TC_SEC), 0);
    assert_int_equal(tc_time_keeper_now_us(&k, 2 * TC_SEC), 1002 * TC_SEC + 2 * TC_MS);
    /* a journal ahead of the wall clock */
    tc_time_keeper_init(&k, 0, 1000 * TC_SEC, 2000 * TC_SEC);
    assert_int_equal(tc_time_keeper_now_us(&k, 5), 2000 * TC_SEC + 5);
}

static void test_ini_names_what_nobody_reads(void **state)
{
    (void)state;
    const char *path = "/tmp/tocsin-test.ini";
    FILE *f = fopen(path, "w");
    (void)fputs("# comment\n[hub]\nport = 8080\nprot = 1\n[source a]\nlisten = x\n", f);
    (void)fclose(f);
    struct tc_ini ini;
    char why[TC_WHY_MAX];
    assert_int_equal(tc_ini_read(&ini, path, why), TC_OK);
    assert_string_equal(tc_ini_get(&ini, "hub", "port", "0"), "8080");
    assert_string_equal(tc_ini_section(&ini, "source ", 0), "source a");
    assert_null(tc_ini_section(&ini, "source ", 1));
    (void)tc_ini_get(&ini, "source a", "listen", NULL);
    assert_int_equal(tc_ini_all_read(&ini, why), TC_EINVAL);
    assert_string_equal(why, "/tmp/tocsin-test.ini:4: [hub] knows no 'prot'");
    tc_ini_finish(&ini);
    (void)remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_cut_at_whole_characters),
        cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_json_numbers_of_outside_documents),
        cmocka_unit_test(test_json_refuses_what_is_wrong),
        cmocka_unit_test(test_json_texts_survive),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_pool_against_a_plain_array),
        cmocka_unit_test(test_clock_follows_slowly_and_tells_steps),
        cmocka_unit_test(test_ini_names_what_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
