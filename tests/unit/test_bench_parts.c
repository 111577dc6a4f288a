/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts as the fast writers write them, addresses without format strings, and the time
 * that a position carries. */
#include <inttypes.h>
#include <stdio.h>

#include "clients/simulators/stamp.h"
#include "core/base/json.h"
#include "core/ingest/tetra.h"
#include "tests/lib/tc_test.h"

static void check_number(uint64_t value)
{
    char want[24];
    struct tc_buf b = {0};
    (void)snprintf(want, sizeof want, "%" PRIu64, value);
    tc_buf_u64(&b, value);
    assert_true(tc_str_is(tc_buf_str(&b), want));
    tc_buf_finish(&b);
}

static void numbers_are_those_of_printf(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        check_number(i);
    }
    for (uint64_t p = 1; p < UINT64_MAX / 10; p *= 10) {
        check_number(p - 1);
        check_number(p);
        check_number(p + 1);
    }
    check_number(UINT64_MAX);
}

static void texts_and_keys_are_escaped_when_they_must_be(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "plain", "积水");
    tc_jw_pair_text(&b, "a\"b", "x\\\n\x01y");
    tc_jw_pair_text(&b, "empty", "");
    tc_jw_close(&b, '}');
    assert_true(tc_str_is(tc_buf_str(&b), "{\"plain\":\"积水\",\"a\\\"b\":\"x\\\\\\n\\u0001y\","
                                          "\"empty\":\"\"}"));
    tc_buf_finish(&b);
}

static void a_full_buffer_stays_full(void **state)
{
    (void)state;
    struct tc_buf b = {.max = 8};
    tc_buf_text(&b, "12345678");
    assert_false(b.is_full);
    tc_buf_byte(&b, '9');
    assert_true(b.is_full);
    assert_int_equal(b.len, 8);
    tc_buf_finish(&b);
}

static void an_address_has_its_zeros(void **state)
{
    (void)state;
    char out[TC_TETRA_ADDRESS_SIZE];
    const struct tc_tetra_network own = {.is_known = true, .mcc = 46, .mnc = 1001};
    assert_int_equal(tc_tetra_address(TC_STR("2045"), &own, out), 16);
    assert_string_equal(out, "0460100100002045");
    assert_int_equal(tc_tetra_address(TC_STR("2045"), NULL, out), 4);
    assert_string_equal(out, "2045");
}

static void a_position_tells_how_old_it_is(void **state)
{
    (void)state;
    for (int64_t at_us = 0; at_us < 200000000; at_us += 77777) {
        int32_t lon_e7 = 0;
        int32_t lat_e7 = 0;
        sim__stamp_put(at_us, &lon_e7, &lat_e7);
        int64_t age_us = sim__stamp_age_us(at_us + 31000, lon_e7, lat_e7);
        assert_in_range(age_us, 31000 - SIM_STAMP_STEP_US, 31000 + SIM_STAMP_STEP_US);
    }
    assert_int_equal(sim__stamp_age_us(1, 1140600000, 220000000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_printf),
        cmocka_unit_test(texts_and_keys_are_escaped_when_they_must_be),
        cmocka_unit_test(a_full_buffer_stays_full),
        cmocka_unit_test(an_address_has_its_zeros),
        cmocka_unit_test(a_position_tells_how_old_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
