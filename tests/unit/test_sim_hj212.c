/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/hj212.h"
#include "tests/lib/tc_test.h"

#define MN "440304A8900016F000169DC0"

/* The worked values of the standard and of the computed vectors HJ-C026 to HJ-C028. */
static void crc_is_the_standards_own(void **state)
{
    (void)state;
    assert_int_equal(sim__hj_crc("", 0), 0xFFFF);
    assert_int_equal(sim__hj_crc("1", 1), 0x9481);
    assert_int_equal(sim__hj_crc("ST=", 3), 0x8941);
    assert_int_equal(sim__hj_crc("123456789", 9), 0x2F80);
    assert_int_equal(sim__hj_crc_modbus("ST=", 3), 0xC07E);
    assert_int_equal(sim__hj_crc_modbus("123456789", 9), 0x4B37);
}

static void assert_frame(struct tc_buf *segment, enum sim_hj_crc crc, const char *frame)
{
    struct tc_buf out = {0};
    sim__hj_frame(&out, tc_buf_str(segment), crc);
    tc_buf_byte(&out, '\0');
    assert_string_equal((const char *)out.bytes, frame);
    tc_buf_finish(&out);
}

/* HJ-C001: heartbeat of the 2025 edition. */
static void a_heartbeat_is_framed(void **state)
{
    (void)state;
    struct tc_buf segment = {0};
    struct sim_hj_station s = {.mn = MN, .st = "22", .password = "123456", .edition = 2025};
    sim__hj_plain(&segment, &s, "20261121083000123", "9015", "", true);
    assert_frame(&segment, SIM_HJ_CRC,
                 "##0087QN=20261121083000123;ST=22;CN=9015;PW=123456;MN=" MN
                 ";Flag=9;CP=&&&&47C0\r\n");
    tc_buf_finish(&segment);
}

/* HJ-C014, -C016 and -C017 are one body under three checksums. */
static void checksum_variants_are_as_published(void **state)
{
    (void)state;
    const char *body = "QN=20261121083600001;ST=22;CN=2011;PW=123456;MN=" MN
                       ";Flag=4;CP=&&DataTime=20261121083600;a34004-Rtd=35&&";
    struct tc_buf segment = {0};
    struct tc_buf want = {0};
    static const char *const ends[] = {"B381", "0034", "3400", "B281"};
    tc_buf_text(&segment, body);
    for (int i = 0; i < 4; i++) {
        tc_buf_clear(&want);
        tc_buf_format(&want, "##0124%s%s\r\n", body, ends[i]);
        tc_buf_byte(&want, '\0');
        assert_frame(&segment, (enum sim_hj_crc)i, (const char *)want.bytes);
    }
    tc_buf_finish(&segment);
    tc_buf_finish(&want);
}

static void data_has_the_form_of_its_edition(void **state)
{
    (void)state;
    struct sim_hj_factor factors[] = {{"w01018", 512, 'N'}, {"w21003", 8.1, 'T'}};
    struct sim_hj_station s = {.mn = MN, .st = "21", .password = "123456", .edition = 2017};
    struct tc_buf segment = {0};
    sim__hj_data(&segment, &s, "20261121083100001", factors, 2);
    assert_true(tc_str_is(tc_buf_str(&segment),
                          "QN=20261121083100001;ST=21;CN=2011;PW=123456;MN=" MN
                          ";Flag=5;CP=&&DataTime=20261121083100;w01018-Rtd=512.00,w01018-Flag=N;"
                          "w21003-Rtd=8.10,w21003-Flag=T&&"));
    tc_buf_clear(&segment);
    s.edition = 2005;
    sim__hj_data(&segment, &s, "20261121083100001", factors, 0);
    assert_true(tc_str_is(sim__hj_value(tc_buf_str(&segment), "Flag"), "1"));
    tc_buf_finish(&segment);
}

/* HJ-C007, the centre's answer, after noise, a false start and in two pieces. */
static void answers_are_found_in_the_stream(void **state)
{
    (void)state;
    const char *frame =
        "##0087QN=20261121083000001;ST=91;CN=9014;PW=123456;MN=" MN ";Flag=4;CP=&&&&A501\r\n";
    struct tc_buf in = {0};
    struct tc_str segment;
    size_t used = 0;
    tc_buf_text(&in, "noise##01");
    tc_buf_put(&in, frame, 20);
    assert_false(sim__hj_take(&in, &used, &segment));
    tc_buf_drop(&in, used);
    tc_buf_text(&in, frame + 20);
    assert_true(sim__hj_take(&in, &used, &segment));
    assert_true(tc_str_is(sim__hj_value(segment, "QN"), "20261121083000001"));
    assert_true(tc_str_is(sim__hj_value(segment, "CN"), "9014"));
    assert_int_equal(sim__hj_value(segment, "N").len, 0);
    tc_buf_finish(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_the_standards_own),
        cmocka_unit_test(a_heartbeat_is_framed),
        cmocka_unit_test(checksum_variants_are_as_published),
        cmocka_unit_test(data_has_the_form_of_its_edition),
        cmocka_unit_test(answers_are_found_in_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
