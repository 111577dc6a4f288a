/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/pdu.h"
#include "tests/lib/tc_test.h"

static void assert_hex(const struct sim_sds *s, unsigned bits, const char *hex)
{
    struct tc_buf text = {0};
    sim__hex(&text, s->bytes, (s->bits + 3) / 4);
    tc_buf_byte(&text, '\0');
    assert_int_equal(s->bits, bits);
    assert_string_equal((const char *)text.bytes, hex);
    tc_buf_finish(&text);
}

static struct sim_sds from_hex(unsigned bits, const char *hex)
{
    struct sim_sds s = {.service = SIM_SDS4};
    for (size_t i = 0; hex[i]; i++) {
        sim__put_bits(&s, (uint32_t)tc_hex_digit(hex[i]), 4);
    }
    s.bits = bits;
    return s;
}

/* The rows syn-s-emerg, syn-s-min and syn-s-v29: computed, and read back by three decoders. */
static void lip_short_reports_have_the_published_bits(void **state)
{
    (void)state;
    static const struct {
        struct sim_fix fix;
        const char *hex;
    } rows[] = {
        {{1140578699, 225430977, 92.34, 90, 0, 1, 2}, "0A0511B9A1007D8978802"},
        {{-1800000000, -900000000, -1, 0, 3, 7, 0}, "0A38000004000007FFE00"},
        {{1163913059, 399073756, 29.06, 270, 1, 2, 129}, "0A152C4641C60EAA3B881"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        struct sim_sds s = {0};
        sim__put_lip(&s, &rows[i].fix);
        assert_hex(&s, 84, rows[i].hex);
    }
}

/* K 0-28 is km/h; above it 16 * 1.038^(K-13), worked by hand: K=29 29.06, 60 92.34, 125 1043.7. */
static void lip_speed_follows_the_table(void **state)
{
    (void)state;
    assert_int_equal(sim__lip_speed(0), 0);
    assert_int_equal(sim__lip_speed(28), 28);
    assert_int_equal(sim__lip_speed(29.06), 29);
    assert_int_equal(sim__lip_speed(92.34), 60);
    assert_int_equal(sim__lip_speed(1043), 125);
    assert_int_equal(sim__lip_speed(2000), 126);
    assert_int_equal(sim__lip_speed(-1), 127);
}

static void lip_limits_do_not_wrap(void **state)
{
    (void)state;
    struct sim_sds s = {0};
    struct sim_fix fix = {.lon_e7 = 1800000000, .lat_e7 = 900000000, .speed_kmh = 0};
    sim__put_lip(&s, &fix);
    /* 00 00 | 0 and 24 ones | 0 and 23 ones | 000 0000000 0000 0 00000000 */
    assert_hex(&s, 84, "0A07FFFFFBFFFFF800000");
}

static void short_reports_are_statuses(void **state)
{
    (void)state;
    struct sim_sds read = {0};
    sim__put_report(&read, 0x82, 5, 2, true);
    assert_int_equal(read.service, SIM_STATUS);
    assert_hex(&read, 16, "7F05"); /* 011111 11 00000101 */
    struct sim_sds received = {0};
    sim__put_report(&received, 0x82, 0xCA, 0, true);
    assert_hex(&received, 16, "7ECA"); /* 011111 10 11001010 */
    struct sim_sds standard = {0};
    sim__put_report(&standard, 0x82, 17, 2, false);
    assert_int_equal(standard.service, SIM_SDS4);
    assert_hex(&standard, 32, "82100211");
}

/* Text part of row zh-820e; its second octet differs because that row forbids short reports:
 * 0000 type, 11 both reports, 0 short allowed, 0 no forwarding = 0C. */
static void text_is_utf16(void **state)
{
    (void)state;
    struct sim_sds s = {0};
    sim__put_text(&s, 17, 3, tc_str_of("请立即赶往现场"));
    assert_hex(&s, 144, "820C111A8BF77ACB53738D765F8073B0573A");
    struct sim_sds wide = {0};
    sim__put_text(&wide, 1, 0, tc_str_of("\xF0\x9F\x9A\x92" /* U+1F692 = D83D DE92 */));
    assert_hex(&wide, 64, "8200011AD83DDE92");
}

static void texts_are_read(void **state)
{
    (void)state;
    struct sim_heard heard;
    struct sim_sds order = from_hex(144, "820E111A8BF77ACB53738D765F8073B0573A");
    assert_true(sim__read(&order, &heard));
    assert_int_equal(heard.pid, 0x82);
    assert_int_equal(heard.ref, 17);
    assert_int_equal(heard.report, 3);
    assert_false(heard.is_short_allowed);
    assert_true(heard.has_text);
    assert_string_equal(heard.text, "请立即赶往现场");
    struct sim_sds simple = from_hex(48, "021A65365230");
    assert_true(sim__read(&simple, &heard));
    assert_false(heard.is_transfer);
    assert_string_equal(heard.text, "收到");
    struct sim_sds wide = from_hex(64, "8200011AD83DDE92");
    assert_true(sim__read(&wide, &heard));
    assert_string_equal(heard.text, "\xF0\x9F\x9A\x92");
}

/* 8A | 0 1 1 0 0 = 0C | ref 2 | coding 1A | UDH length 5: IEI 0, len 3, ref 7, 2 parts, part 1. */
static void parts_of_long_texts_are_read(void **state)
{
    (void)state;
    struct sim_heard heard;
    struct sim_sds part = from_hex(96, "8A0C021A050003070201"
                                       "6536");
    assert_true(sim__read(&part, &heard));
    assert_int_equal(heard.part_ref, 7);
    assert_int_equal(heard.parts, 2);
    assert_int_equal(heard.part, 1);
    assert_string_equal(heard.text, "收");
}

/* Row neg-5: cut before the message reference. */
static void short_input_is_refused(void **state)
{
    (void)state;
    struct sim_heard heard;
    struct sim_sds cut = from_hex(16, "8200");
    assert_false(sim__read(&cut, &heard));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lip_short_reports_have_the_published_bits),
        cmocka_unit_test(lip_speed_follows_the_table),
        cmocka_unit_test(lip_limits_do_not_wrap),
        cmocka_unit_test(short_reports_are_statuses),
        cmocka_unit_test(text_is_utf16),
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(parts_of_long_texts_are_read),
        cmocka_unit_test(short_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
