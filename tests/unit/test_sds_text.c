/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/sds.h"
#include "tests/lib/tc_test.h"

static char text[TC_SDS_TEXT_SIZE];
static const char *guess;

static const char *decode(uint8_t coding, const char *bytes, size_t bits)
{
    struct tc_bits b = tc_bits_init((const uint8_t *)bytes, bits);
    size_t len = tc_sds_text_decode(&b, coding, text, &guess);
    assert_int_equal(strlen(text), len);
    assert_true(tc_str_is_utf8((struct tc_str){text, len}));
    return text;
}

static void codings_become_utf8(void **state)
{
    (void)state;
    assert_string_equal(decode(1, "Gr\xFC\xDF", 32), "Grüß");
    assert_string_equal(decode(5, "\xBF\xE0\xD8\xD2\xD5\xE2", 48), "Привет"); /* 8859-5 */
    assert_string_equal(decode(13, "\xA4", 8), "€");                          /* 8859-15 */
    assert_string_equal(decode(2, "\xB3", 8), "ł");
    assert_null(guess);
    assert_string_equal(decode(16, "ok", 16), "ok"); /* CP850: not known here */
    assert_non_null(guess);
    assert_string_equal(decode(26, "\x65\x36\x52\x30\x41", 40), "收到"); /* odd octet dropped */
    assert_string_equal(decode(26, "\xD8\x3D\xDE\x92\xD8\x3D\x00\x41", 64),
                        "\xF0\x9F\x9A\x92\xEF\xBF\xBD"
                        "A");
    assert_string_equal(decode(1, "a\x00\x07\r\nb", 48), "a \nb");
    assert_string_equal(decode(1, "", 0), "");
}

static void seven_bits_either_way(void **state)
{
    (void)state;
    /* "hello" as GSM 03.38 packs it, and the same septets first bit first */
    assert_string_equal(decode(0, "\xE8\x32\x9B\xFD\x06", 40), "hello");
    assert_non_null(guess);
    const char *words = "Einsatz 4711";
    char packed[16] = {0};
    size_t pos = 0;
    for (const char *c = words; *c; c++) {
        for (int bit = 6; bit >= 0; bit--, pos++) {
            if (*c >> bit & 1) {
                packed[pos / 8] = (char)(packed[pos / 8] | 0x80 >> pos % 8);
            }
        }
    }
    assert_string_equal(decode(0, packed, pos), words);
}

static void the_longest_text_fits(void **state)
{
    (void)state;
    static char bytes[256];
    memset(bytes, 0xA4, sizeof bytes); /* three bytes of UTF-8 each in 8859-15 */
    assert_int_equal(strlen(decode(13, bytes, 2047)), 255 * 3);
    memset(bytes, 0x4E, sizeof bytes);
    assert_int_equal(strlen(decode(26, bytes, 2047)), 127 * 3);
    for (int i = 0; i < 256; i++) {
        memset(bytes, i, sizeof bytes);
        for (unsigned coding = 0; coding < 128; coding++) {
            decode((uint8_t)coding, bytes, 2047);
        }
    }
}

static void encoding_drops_what_radios_cannot_show(void **state)
{
    (void)state;
    uint16_t units[4];
    size_t count = 0;
    assert_int_equal(
        tc_sds_text_encode(TC_STR("a\xF0\x9F\x9A\x92急\xEF\xBB\xBF"), units, 4, &count), TC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(units[0], 'a');
    assert_int_equal(units[1], 0x6025);
    assert_int_equal(tc_sds_text_encode(TC_STR("\xE6\x80"), units, 4, &count), TC_OK);
    assert_int_equal(count, 2); /* cut in the middle: marked, never read past */
    assert_int_equal(units[0], 0xFFFD);
    assert_int_equal(tc_sds_text_encode(TC_STR("abcde"), units, 4, &count), TC_EFULL);
}

static void forward_addresses_are_stepped_over(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x82\x03\x01\x50\x07\x01hi", 8},                      /* short number */
        {"\x82\x03\x01\x51\x01\x02\x03\x01hi", 10},             /* SSI */
        {"\x82\x03\x01\x52\x01\x02\x03\x04\x05\x06\x01hi", 13}, /* SSI and network */
        {"\x82\x03\x01\x53\x03\x12\x3F\x01hi", 10},             /* three digits and a filler */
        {"\x82\x03\x01\x57\x01hi", 7},                          /* none */
    };
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        struct tc_sds sds;
        struct tc_sds_text t;
        const char *why = NULL;
        const uint8_t *bytes = (const uint8_t *)cases[i].bytes;
        assert_int_equal(tc_sds_decode(TC_SDS_TYPE4, bytes, cases[i].len * 8, &sds), TC_OK);
        assert_int_equal(tc_sds_read_text(&sds, &t, &why), TC_OK);
        assert_string_equal(t.text, "hi");
        for (size_t cut = 0; cut < (cases[i].len - 2) * 8; cut++) {
            tc_err err = tc_sds_decode(TC_SDS_TYPE4, bytes, cut, &sds);
            assert_true(err || tc_sds_read_text(&sds, &t, &why) == TC_EMALFORMED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codings_become_utf8),
        cmocka_unit_test(seven_bits_either_way),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(encoding_drops_what_radios_cannot_show),
        cmocka_unit_test(forward_addresses_are_stepped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
