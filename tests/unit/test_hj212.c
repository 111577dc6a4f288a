/* SPDX-License-Identifier: Apache-2.0 */
/* The HJ 212 driver as a station meets it: cut reads, noise, wrong sums, answers, resends. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/feed_probe.h"

/* Check sums in this file come from the routine below, written from annex A's sentence apart from
 * the driver: the register's high byte takes the next byte, then eight shifts with A001. */
static unsigned annex_a(const char *text, size_t len)
{
    unsigned reg = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        reg = (reg >> 8) ^ (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++) {
            unsigned out = reg & 1;
            reg >>= 1;
            if (out) {
                reg ^= 0xA001;
            }
        }
    }
    return reg & 0xFFFF;
}

static const char *packet(const char *segment)
{
    static char text[4400];
    size_t n = strlen(segment);
    tc_str_format(text, sizeof text, "##%04zu%s%04X\r\n", n, segment, annex_a(segment, n));
    return text;
}

static void feed_text(struct feed *f, const char *text)
{
    feed_bytes(f, text, strlen(text));
}

#define HEAD_2017 "QN=20261121083000001;ST=32;CN=2011;PW=123456;MN=440304A8900016F000169DC0;Flag=5;"

static const char water[] =
    HEAD_2017 "CP=&&DataTime=20261121083000;w01018-Rtd=512.0,w01018-Flag=T;w21003-Rtd=8.1,"
              "w21003-Flag=D;011-Rtd=1.5,011-Flag=N;a34004-Rtd=35&&";

static void readings_carry_value_unit_and_quality(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    feed_text(f, packet(HEAD_2017 "CP=&&DataTime=20261121083000;w01018-Rtd=512.0,w01018-Flag=T;"
                                  "060-Rtd=-8.125,060-Flag=D;a34004-Rtd=35;SB1-RS=1&&"));
    assert_string_equal(
        feed_said(f),
        "READING from=440304A8900016F000169DC0 factor=w01018 value=512000000 quality=over_range "
        "unit=mg/L occurred=2026-11-21T08:30:00+08:00\n"
        "READING from=440304A8900016F000169DC0 factor=w21003 value=-8125000 quality=fault "
        "unit=mg/L occurred=2026-11-21T08:30:00+08:00\n"
        "READING from=440304A8900016F000169DC0 factor=a34004 value=35000000 quality=unknown "
        "unit=µg/m³ occurred=2026-11-21T08:30:00+08:00\n"
        "READING from=440304A8900016F000169DC0 factor=SB1 value=1000000 quality=unknown "
        "occurred=2026-11-21T08:30:00+08:00\n");
    feed_destroy(f);
}

static void averages_count_in_minute_hour_and_day_data(void **state)
{
    (void)state;
    static const char *const commands[] = {"2051", "2061", "2031"};
    for (size_t i = 0; i < TC_COUNT_OF(commands); i++) {
        char segment[300];
        struct feed *f = feed_create("hj212", "");
        tc_str_format(segment, sizeof segment,
                      "QN=20261121080000001;ST=32;CN=%s;PW=123456;MN=A1;Flag=5;"
                      "CP=&&DataTime=20261120000000;w01018-Min=1,w01018-Avg=2,w01018-Max=3,"
                      "w01018-Cou=9,w01018-Flag=N&&",
                      commands[i]);
        feed_text(f, packet(segment));
        assert_string_equal(feed_said(f), "READING from=A1 factor=w01018 value=2000000 "
                                          "quality=valid unit=mg/L "
                                          "occurred=2026-11-20T00:00:00+08:00\n");
        feed_destroy(f);
    }
}

static void every_flag_has_its_quality(void **state)
{
    (void)state;
    static const char flags[] = "NFMSDCTB";
    static const char *const names[] = {"valid", "stopped",     "maintenance", "manual",
                                        "fault", "calibration", "over_range",  "no_link"};
    for (size_t i = 0; flags[i]; i++) {
        char segment[200];
        char want[40];
        struct feed *f = feed_create("hj212", "");
        tc_str_format(segment, sizeof segment, HEAD_2017 "CP=&&w01018-Rtd=1,w01018-Flag=%c&&",
                      flags[i]);
        tc_str_format(want, sizeof want, "quality=%s ", names[i]);
        feed_text(f, packet(segment));
        assert_non_null(strstr(feed_said(f), want));
        feed_destroy(f);
    }
}

static void devices_raise_and_clear_alarms(void **state)
{
    (void)state;
    static const struct {
        const char *segment;
        const char *says;
    } rows[] = {
        {"QN=20261121083200001;ST=32;CN=3020;PW=123456;MN=A1;Flag=5;CP=&&DataTime=20261121083200;"
         "PolId=w01018;i12001-Info=2;i12003-Info=1&&",
         "ALARM from=A1 factor=w01018 unit=mg/L raised level=notice "
         "occurred=2026-11-21T08:32:00+08:00 text=CN 3020 i12003-Info=1\n"},
        {"QN=20261121083300001;ST=32;CN=3020;PW=123456;MN=A1;Flag=5;CP=&&DataTime=20261121083300;"
         "PolId=w01018;i12003-Info=0&&",
         "ALARM from=A1 factor=w01018 unit=mg/L cleared level=notice "
         "occurred=2026-11-21T08:33:00+08:00 text=CN 3020 i12003-Info=0\n"},
        {"QN=20040516010101001;ST=32;CN=2072;PW=123456;MN=A1;Flag=1;CP=&&AlarmTime=20040506010101;"
         "101-Ala=1.1,AlarmType=1&&",
         "ALARM from=A1 factor=w21011 unit=mg/L raised level=warning "
         "occurred=2004-05-06T01:01:01+08:00 text=CN 2072 101-Ala=1.1\n"},
        {"QN=20040516010101002;ST=32;CN=2072;PW=123456;MN=A1;Flag=1;CP=&&AlarmTime=20040506020101;"
         "101-Ala=0.1,AlarmType=0&&",
         "ALARM from=A1 factor=w21011 unit=mg/L cleared level=warning "
         "occurred=2004-05-06T02:01:01+08:00 text=CN 2072 101-Ala=0.1\n"},
        {"QN=20160801085857223;ST=32;CN=3015;PW=123456;MN=A1;Flag=5;CP=&&DataTime=20160801085857;"
         "VaseNo=1&&",
         "ALARM from=A1 factor=3015 raised level=warning occurred=2016-08-01T08:58:57+08:00 "
         "text=CN 3015 VaseNo=1\n"},
        {"QN=20261121083000123;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&", "HEARD from=A1\n"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        struct feed *f = feed_create("hj212", "");
        feed_text(f, packet(rows[i].segment));
        assert_string_equal(feed_said(f), rows[i].says);
        feed_destroy(f);
    }
}

static void answers_leave_only_after_the_last_verdict(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    feed_text(f, packet(water));
    assert_int_equal(f->ref_count, 3); /* 011 is w01018 by its old name: two of one factor */
    assert_int_equal(f->wire.len, 0);
    for (size_t i = 0; i < f->ref_count; i++) {
        assert_int_equal(f->wire.len, 0);
        f->driver->outcome(f->self, &(struct tc_told){f->refs[i], true, 7, ""}, FEED_NOW_US,
                           &f->out);
    }
    const char *segment = "QN=20261121083000001;ST=91;CN=9014;PW=123456;"
                          "MN=440304A8900016F000169DC0;Flag=4;CP=&&&&";
    assert_string_equal(feed_wire(f), "##0087QN=20261121083000001;ST=91;CN=9014;PW=123456;"
                                      "MN=440304A8900016F000169DC0;Flag=4;CP=&&&&A501\r\n");
    assert_int_equal(annex_a(segment, strlen(segment)), 0xA501); /* HJ-C007 */
    f->driver->outcome(f->self, &(struct tc_told){f->refs[0], true, 7, ""}, FEED_NOW_US, &f->out);
    assert_int_equal(f->wire.len, 87 + 12); /* a verdict too many says nothing */
    feed_destroy(f);
}

static void each_edition_is_answered_in_its_form(void **state)
{
    (void)state;
    static const struct {
        const char *segment;
        const char *answer; /* segment, or "" for silence */
    } rows[] = {
        {"QN=20261121083000123;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&",
         "QN=20261121083000123;ST=91;CN=9014;PW=123456;MN=A1;Flag=8;CP=&&&&"},
        {"QN=20261121083000123;ST=22;CN=1013;PW=123456;MN=A1;Flag=5;CP=&&PolId=w01018&&",
         "QN=20261121083000123;ST=91;CN=9013;PW=123456;MN=A1;Flag=4;CP=&&&&"},
        {"QN=20261121083000456;ST=22;CN=1001;PW=123456;MN=A1;Flag=9;CP=&&i23005-Info=DL0001&&",
         "QN=20261121083000456;ST=91;CN=9013;PW=123456;MN=A1;Flag=8;CP=&&&&"},
        {"QN=20040516010101001;ST=32;CN=2011;PW=123456;MN=A1;Flag=1;CP=&&011-Rtd=1&&",
         "ST=91;CN=9014;PW=123456;MN=A1;CP=&&QN=20040516010101001&&"},
        {"QN=20261121083000123;ST=22;CN=2011;PW=123456;MN=A1;Flag=4;CP=&&LA-Rtd=50&&", ""},
        {"QN=20261121083000123;ST=22;CN=2011;PW=123456;MN=A1;CP=&&LA-Rtd=50&&", ""},
        {"QN=20261121083000123;ST=91;CN=9012;PW=123456;MN=A1;Flag=5;CP=&&ExeRtn=1&&", ""},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        struct feed *f = feed_create("hj212", "");
        feed_text(f, packet(rows[i].segment));
        assert_int_equal(f->frames, 1);
        assert_int_equal(f->wire.len, 0);
        feed_verdicts(f, true, "");
        assert_string_equal(f->wire.len ? feed_wire(f) : "",
                            rows[i].answer[0] ? packet(rows[i].answer) : "");
        feed_destroy(f);
    }
}

static void answers_keep_the_profile(void **state)
{
    (void)state;
    const char *segment = "QN=20261121083600001;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&";
    char plus_six[200];
    struct feed *f = feed_create("hj212", "strict len_plus6");
    tc_str_format(plus_six, sizeof plus_six, "##%04zu%s%04X\r\n", strlen(segment) + 6, segment,
                  annex_a(segment, strlen(segment)));
    feed_text(f, plus_six);
    feed_verdicts(f, true, "");
    const char *reply = "QN=20261121083600001;ST=91;CN=9014;PW=123456;MN=A1;Flag=8;CP=&&&&";
    tc_str_format(plus_six, sizeof plus_six, "##%04zu%s%04X\r\n", strlen(reply) + 6, reply,
                  annex_a(reply, strlen(reply)));
    assert_string_equal(feed_wire(f), plus_six);
    feed_forget(f);
    feed_text(f, packet(segment)); /* the stricter form is taken as well, and answered as such */
    feed_verdicts(f, true, "");
    assert_string_equal(feed_wire(f), packet(reply));
    feed_destroy(f);
}

static void resends_have_the_same_keys_and_are_answered_again(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    feed_text(f, packet(water));
    uint64_t keys[3] = {f->keys[0], f->keys[1], f->keys[2]};
    assert_true(keys[0] && keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    feed_verdicts(f, true, "");
    size_t len = f->wire.len;
    feed_forget(f);
    feed_text(f, packet(water));
    assert_memory_equal(keys, f->keys, sizeof keys);
    feed_verdicts(f, true, ""); /* the core says: duplicate, which counts as taken */
    assert_int_equal(f->wire.len, len);
    feed_destroy(f);
}

static void an_alarm_and_a_reading_of_one_factor_are_two(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    feed_text(f, packet(HEAD_2017 "CP=&&DataTime=20261121083000;w01018-Rtd=9,w01018-Ala=9&&"));
    assert_int_equal(f->key_count, 2);
    assert_true(f->keys[0] != f->keys[1]);
    feed_destroy(f);
}

static void refusals(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    feed_text(f, packet(water));
    feed_verdicts(f, false, "sensor_unknown");
    assert_true(f->wire.len > 0); /* written down as refused: the station need not insist */
    feed_forget(f);
    feed_text(f, packet(water));
    feed_verdicts(f, false, "full");
    assert_int_equal(f->wire.len, 0); /* it shall come again */
    feed_destroy(f);
}

static void many_packets_may_wait(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    for (int i = 0; i < 40; i++) {
        char segment[160];
        tc_str_format(segment, sizeof segment,
                      "QN=202611210830000%02d;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&", i);
        feed_text(f, packet(segment));
    }
    assert_int_equal(f->ref_count, 40);
    feed_verdicts(f, true, "");
    size_t answers = 0;
    for (const char *at = feed_wire(f); (at = strstr(at, "CN=9014")) != NULL; at++) {
        answers++;
    }
    assert_int_equal(answers, 32); /* the oldest eight will be sent again by the station */
    assert_null(strstr(feed_wire(f), "QN=20261121083000007"));
    assert_non_null(strstr(feed_wire(f), "QN=20261121083000008"));
    feed_destroy(f);
}

static void cut_reads_change_nothing(void **state)
{
    (void)state;
    char stream[1200];
    size_t n = tc_str_format(stream, sizeof stream, "noise#1##01#%s", packet(water));
    n += tc_str_format(stream + n, sizeof stream - n, "%s",
                       packet("QN=20261121083000123;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&"));
    struct feed *whole = feed_create("hj212", "");
    feed_bytes(whole, stream, n);
    assert_int_equal(whole->frames, 2);
    for (size_t cut = 1; cut < n; cut++) {
        struct feed *f = feed_create("hj212", "");
        feed_bytes(f, stream, cut);
        feed_bytes(f, stream + cut, n - cut);
        assert_string_equal(feed_said(f), feed_said(whole));
        feed_destroy(f);
    }
    struct feed *drops = feed_create("hj212", "");
    for (size_t i = 0; i < n; i++) {
        feed_bytes(drops, stream + i, 1);
    }
    assert_string_equal(feed_said(drops), feed_said(whole));
    feed_destroy(drops);
    feed_destroy(whole);
}

static void changed_bytes_are_never_taken_with_a_wrong_sum(void **state)
{
    (void)state;
    char good[600];
    size_t n = tc_str_format(good, sizeof good, "%s", packet(water));
    static const uint8_t changes[] = {0x01, 0x20, 0x80, 0xFF, 0x10};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < TC_COUNT_OF(changes); k++) {
            char bad[600];
            memcpy(bad, good, n + 1);
            bad[i] = (char)((uint8_t)bad[i] ^ changes[k]);
            struct feed *f = feed_create("hj212", "");
            feed_bytes(f, bad, n);
            if (f->frames) { /* line end or the case of a CRC digit */
                unsigned sum = annex_a(bad + 6, n - 12);
                assert_int_equal(sum, strtoul(bad + n - 6, NULL, 16));
            }
            feed_verdicts(f, true, "");
            assert_true(f->frames || f->wire.len == 0);
            feed_destroy(f);
        }
    }
}

static void a_good_packet_inside_a_bad_one_is_found(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    char stream[1200];
    const char *good = packet("QN=20261121083000123;ST=22;CN=9015;PW=123456;MN=A1;Flag=9;CP=&&&&");
    /* A head that counts up to the end of the good packet's segment: wrong sum for that length. */
    size_t lost = strlen("QN=1;ST=22;CN=20");
    tc_str_format(stream, sizeof stream, "##%04zuQN=1;ST=22;CN=20%s", lost + strlen(good) - 6,
                  good);
    feed_text(f, stream);
    assert_int_equal(f->frames, 1);
    assert_int_equal(f->rejected, 1);
    assert_non_null(strstr(feed_said(f), "HEARD from=A1"));
    feed_destroy(f);
}

static void stations_of_other_makes(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        const char *segment;
        const char *line_end;
        const char *says;
    } rows[] = {
        {"", HEAD_2017 "CP=&&LA-Rtd=50&&", "\r", "LA value=50000000"},
        {"", HEAD_2017 "CP=&&LA-Rtd=50&&", "\n", "LA value=50000000"},
        {"", HEAD_2017 "CP=&&LA-Rtd=50&&", "", "LA value=50000000"},
        {"", HEAD_2017 "CP=&&LA-td=50,LA-flag=n&&", "\r\n", "LA value=50000000 quality=valid"},
        {"", HEAD_2017 "CP=&&PM25=35.5;TSP=6.90-12.49&&", "\r\n", "PM25 value=35500000"},
        {"", HEAD_2017 "CP=&&DataTime=20261399000000;LA-Rtd=1&&", "\r\n", "LA value=1000000"},
        {"", HEAD_2017 "CP=&&DataTime=20261121083000;n\xb2\xe2-Rtd=1;LA-Rtd=2;x=\xb2\xe2&&", "\r\n",
         "LA value=2000000"},
        {"", "MN=A\xb2\xe2;CN=2011;CP=&&LA-Rtd=2&&", "\r\n", "REJECTED text=MN"},
        {"", "MN=A;CN=20x1;CP=&&LA-Rtd=2&&", "\r\n", "REJECTED text=CN"},
        {"", "MN=A;CN=2011;LA-Rtd=2&&", "\r\n", "REJECTED text=no data area"},
        {"crc_zero", "MN=A;CN=2011;CP=&&LA-Rtd=2&&", "0000", "LA value=2000000"},
        {"", "MN=A;CN=2011;CP=&&LA-Rtd=2&&", "0000", "REJECTED text=crc; fits profile crc_zero"},
        {"crc_swapped", "MN=A;CN=2011;CP=&&LA-Rtd=2&&", "swap", "LA value=2000000"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        char text[700];
        size_t n = strlen(rows[i].segment);
        unsigned sum = annex_a(rows[i].segment, n);
        const char *end = rows[i].line_end;
        sum = strcmp(end, "swap") == 0 ? (sum >> 8 | sum << 8) & 0xFFFF : sum;
        sum = strcmp(end, "0000") == 0 ? 0 : sum;
        tc_str_format(text, sizeof text, "##%04zu%s%04X%s", n, rows[i].segment, sum,
                      strlen(end) == 4 ? "\r\n" : end);
        struct feed *f = feed_create("hj212", rows[i].profile);
        feed_text(f, text);
        if (!strstr(feed_said(f), rows[i].says)) {
            fail_msg("%s: %s", text, feed_said(f));
        }
        feed_destroy(f);
    }
}

static void passwords_are_masked(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "");
    const char *segment = "QN=20261121083000001;ST=32;CN=1072;PW=geheim;MN=A1;Flag=5;"
                          "CP=&&NewPW=secret;NewSK=hidden&&";
    feed_text(f, packet(segment));
    tc_buf_byte(&f->detail, '\0');
    assert_null(strstr((char *)f->detail.bytes, "geheim"));
    assert_null(strstr((char *)f->detail.bytes, "secret"));
    assert_null(strstr((char *)f->detail.bytes, "hidden"));
    feed_forget(f);
    char text[300];
    tc_str_format(text, sizeof text, "##%04zu%s1234\r\n", strlen(segment), segment);
    feed_text(f, text);
    assert_string_equal(feed_said(f),
                        "REJECTED text=crc detail=##0090QN=20261121083000001;ST=32;CN=1072;"
                        "PW=******;MN=A1;Flag=5;CP=&&NewPW=******;NewSK=******&&1234\n");
    feed_destroy(f);
}

static void unknown_profile_is_said(void **state)
{
    (void)state;
    struct feed *f = feed_create("hj212", "crc_modbus+crc_modbsu");
    assert_string_equal(feed_said(f), "REJECTED text=no such profile word detail=crc_modbsu\n");
    feed_destroy(f);
}

static void long_packets_need_their_profile(void **state)
{
    (void)state;
    char segment[3000];
    size_t n = tc_str_format(segment, sizeof segment, HEAD_2017 "CP=&&");
    for (int i = 0; i < 200; i++) {
        n += tc_str_format(segment + n, sizeof segment - n, "x%03d-Rtd=1;", i);
    }
    n += tc_str_format(segment + n, sizeof segment - n, "&&");
    assert_true(n > 1024);
    struct feed *strict = feed_create("hj212", "");
    feed_text(strict, packet(segment));
    assert_int_equal(strict->frames, 0);
    assert_non_null(strstr(feed_said(strict), "fits profile long"));
    feed_destroy(strict);
    struct feed *f = feed_create("hj212", "long");
    feed_text(f, packet(segment));
    assert_int_equal(f->taken, 200);
    feed_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_carry_value_unit_and_quality),
        cmocka_unit_test(averages_count_in_minute_hour_and_day_data),
        cmocka_unit_test(every_flag_has_its_quality),
        cmocka_unit_test(devices_raise_and_clear_alarms),
        cmocka_unit_test(answers_leave_only_after_the_last_verdict),
        cmocka_unit_test(each_edition_is_answered_in_its_form),
        cmocka_unit_test(answers_keep_the_profile),
        cmocka_unit_test(resends_have_the_same_keys_and_are_answered_again),
        cmocka_unit_test(an_alarm_and_a_reading_of_one_factor_are_two),
        cmocka_unit_test(refusals),
        cmocka_unit_test(many_packets_may_wait),
        cmocka_unit_test(cut_reads_change_nothing),
        cmocka_unit_test(changed_bytes_are_never_taken_with_a_wrong_sum),
        cmocka_unit_test(a_good_packet_inside_a_bad_one_is_found),
        cmocka_unit_test(stations_of_other_makes),
        cmocka_unit_test(passwords_are_masked),
        cmocka_unit_test(unknown_profile_is_said),
        cmocka_unit_test(long_packets_need_their_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
