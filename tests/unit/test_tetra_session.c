/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"
#include "tests/unit/tetra_probe.h"

static const struct probe_answer motorola[] = {
    {"AT+GMI?", "\r\n+GMI: Motorola\r\n\r\nOK\r\n"},
    {"AT+GMM?", "\r\n+GMM: MTM800E\r\n\r\nOK\r\n"},
    {"AT+CNUMF?", "\r\n+CNUMF: 0,2620100108280651\r\n+CNUMF: 2,16777184\r\n\r\nOK\r\n"},
    {"AT+CTSP=2,2,20", "\r\n+CME ERROR: 4\r\n"},
    {"AT+CTSP=1,2,20", "\r\n+CME ERROR: 38\r\n"},
    {"AT+CTSP=1,3,140", "\r\n+CME ERROR: 39\r\n"},
    {"AT+CSCS", "\r\nERROR\r\n"},
};

static struct probe *radio_up(void)
{
    struct probe *p = probe_create("", "", false);
    probe_set_up(p, motorola, TC_COUNT_OF(motorola));
    return p;
}

static void set_up_passes_over_refusals_and_tells_identity(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    assert_string_equal(probe_said(p),
                        "LINK_UP from=\"2620100108280651\" text=\"Motorola MTM800E; CTSP: 1,3,140 "
                        "(39)\" network=\"262-01001\"\n");
    probe_destroy(p);
}

static void set_up_asks_for_everything_in_order(void **state)
{
    (void)state;
    static const char *const wanted[] = {"AT\r\n",
                                         "ATZ\r\n",
                                         "ATE0\r\n",
                                         "AT+CMEE=1\r\n",
                                         "AT+GMI?\r\n",
                                         "AT+GMM?\r\n",
                                         "AT+GMR?\r\n",
                                         "AT+CPIN?\r\n",
                                         "AT+CNUMF?\r\n",
                                         "AT+CTOM?\r\n",
                                         "AT+CREG=2\r\n",
                                         "AT+CSCS=\"8859-1\"\r\n",
                                         "AT+CTSP=2,0,0\r\n",
                                         "AT+CTSP=1,1,11\r\n",
                                         "AT+CTSP=2,2,20\r\n",
                                         "AT+CTSP=1,3,2\r\n",
                                         "AT+CTSP=1,3,3\r\n",
                                         "AT+CTSP=1,3,9\r\n",
                                         "AT+CTSP=2,3,10\r\n"};
    struct probe *p = probe_create("sepura", "e2ee=0 pids=195,204", false);
    for (size_t i = 0; i < TC_COUNT_OF(wanted); i++) {
        assert_string_equal(probe_wire(p), wanted[i]);
        probe_line(p, "OK");
        probe_wait(p, 200 * TC_MS);
    }
    bool has_user = false;
    for (int i = 0; i < 12; i++) {
        const char *wire = probe_wire(p);
        has_user = has_user || strcmp(wire, "AT+CTSP=1,3,204\r\n") == 0;
        probe_line(p, "OK");
        probe_wait(p, 200 * TC_MS);
    }
    assert_true(has_user);
    probe_destroy(p);
}

static void set_up_answers_syntax_error_with_bare_at(void **state)
{
    (void)state;
    struct probe *p = probe_create("", "", false);
    probe_wire(p);
    probe_line(p, "OK");
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "ATZ\r\n");
    probe_line(p, "+CME ERROR: 35");
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "AT\r\n");
    probe_line(p, "+CME ERROR: 35");
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "AT\r\n");
    probe_line(p, "OK");
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "ATE0\r\n");
    probe_destroy(p);
}

static void silent_radio_is_asked_again_and_never_up(void **state)
{
    (void)state;
    struct probe *p = probe_create("", "", false);
    probe_wait(p, 60 * TC_SEC);
    assert_string_equal(probe_said(p), "");
    assert_true(strstr(probe_wire(p), "AT\r\nAT\r\nAT\r\n") != NULL);
    probe_wait(p, 4 * TC_SEC);
    probe_set_up(p, motorola, TC_COUNT_OF(motorola));
    assert_true(probe_has(p, "LINK_UP"));
    probe_destroy(p);
}

static void one_command_at_a_time_with_strangers_between(void **state)
{
    (void)state;
    struct probe *p = probe_create("", "", false);
    assert_string_equal(probe_wire(p), "AT\r\n");
    probe_line(p, "+CTSDSR: 13,2620100101234567,1,2620100108280651,1,16");
    probe_line(p, "8004");
    probe_wait(p, TC_SEC);
    assert_string_equal(probe_wire(p), "");
    assert_true(probe_has(p, "STATUS from=\"2620100101234567\""));
    probe_line(p, "OK");
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "ATZ\r\n");
    probe_destroy(p);
}

static void three_lost_keep_alives_take_the_link_down(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    for (int i = 0; i < 3; i++) { /* answered: stays up */
        probe_wait(p, 10200 * TC_MS);
        assert_string_equal(probe_wire(p), "AT\r\n");
        probe_line(p, "OK");
    }
    assert_string_equal(probe_said(p), "");
    probe_wait(p, 41 * TC_SEC);
    assert_string_equal(probe_said(p), "LINK_DOWN from=\"2620100108280651\" text=\"no answer\"\n");
    probe_forget(p);
    probe_wait(p, 4 * TC_SEC);
    probe_set_up(p, motorola, TC_COUNT_OF(motorola));
    assert_true(probe_has(p, "LINK_UP"));
    probe_destroy(p);
}

static void radio_that_comes_back_is_set_up_again(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    probe_wait(p, 14 * TC_SEC); /* one keep-alive lost */
    probe_wait(p, 10 * TC_SEC);
    probe_line(p, "OK");
    probe_forget(p);
    probe_wait(p, 200 * TC_MS);
    assert_string_equal(probe_wire(p), "ATZ\r\n");
    assert_string_equal(probe_said(p), "");
    probe_destroy(p);
}

/* A shift in miniature, every kind of line that the radio sends. */
static const char transcript[] =
    "\r\nOK\r\n\r\n\r\n+CNUMF: 6,09011638300023401\r\n"
    "noise\r\n+CTSDSR: 12,23404,0,23401,0,112\r\n82040801476A61746A616A676A61\r\n"
    "\r\n\r\n+CTSDSR:13,23404,0,23401,0,16\r\n\r\n0000\r\n"
    "+CTSDSR: 12,1001,0,2002,0,84\r\n0A0511B9A1007D8978802\r\n"
    "+CTSDSR: 12,1001,0,2002,0,84\r\n0A05 11B9\r\n"
    "+CTICN:1,0,0,5,09011638300023404,1,1,0,1,1,5,09011638300000001,15\r\n"
    "+CTXG: 1,3,0,0,3,09011638300023404\r\n+CDTXC: 1,0\r\n+CTCR: 1,1\r\n"
    "+CTTCT:1+CTSDSR:12,1033,0,3130,0,648204010574657374\r\n"
    "+CTSDSR: 13,23404,0,23401,0,16,0\r\n7E11\r\n"
    "+CTSDSR: 12,23404,0,23401,0,0,144\r\n820E111A8BF77ACB53738D765F8073B0573A\r\n";

static void bytes_may_be_cut_anywhere(void **state)
{
    (void)state;
    size_t size = sizeof transcript - 1;
    struct probe *whole = probe_create("", "", false);
    probe_feed(whole, transcript, size);
    assert_int_equal(whole->count, 13);
    assert_true(probe_has(whole, "text=\"Gjatjajgja\""));
    assert_true(
        probe_has(whole, "EMERGENCY from=\"9011638300023404\" to=\"9011638300023401\" sign=1"));
    assert_true(probe_has(whole, "EMERGENCY from=\"9011638300001001\" to=\"9011638300002002\" "
                                 "at=1140578699,225430977"));
    assert_true(probe_has(whole, "REJECTED"));
    assert_true(probe_has(whole, "sign=2 inst=1 prio=15"));
    assert_true(probe_has(whole, "CALL_TALKER from=\"9011638300023404\""));
    assert_true(probe_has(whole, "text=\"test\" lenient=\"payload glued to its header\""));
    assert_true(
        probe_has(whole, "DELIVERY from=\"9011638300023404\" to=\"9011638300023401\" ok=1"));
    assert_true(probe_has(whole, "message=17"));
    assert_true(probe_has(whole, "text=\"请立即赶往现场\""));
    for (size_t cut = 1; cut < size; cut++) {
        struct probe *p = probe_create("", "", false);
        probe_feed(p, transcript, cut);
        probe_feed(p, transcript + cut, size - cut);
        assert_int_equal(p->said.len, whole->said.len);
        assert_memory_equal(p->said.bytes, whole->said.bytes, p->said.len);
        probe_destroy(p);
    }
    struct probe *p = probe_create("", "", false);
    for (size_t i = 0; i < size; i++) {
        probe_feed(p, transcript + i, 1);
    }
    assert_int_equal(p->said.len, whole->said.len);
    assert_memory_equal(p->said.bytes, whole->said.bytes, p->said.len);
    probe_destroy(p);
    probe_destroy(whole);
}

static void payload_must_follow_within_two_seconds(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    probe_line(p, "+CTSDSR: 13,1001,0,2002,0,16");
    probe_wait(p, 1900 * TC_MS);
    assert_string_equal(probe_said(p), "");
    probe_wait(p, 200 * TC_MS);
    assert_true(probe_has(p, "REJECTED from=\"2620100100001001\""));
    probe_forget(p);
    probe_line(p, "8004"); /* too late: nobody's */
    assert_string_equal(probe_said(p), "");
    probe_destroy(p);
}

static void header_without_payload_does_not_eat_the_next_result(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    probe_line(p, "+CTSDSR: 13,1001,0,2002,0,16");
    probe_line(p, "+CTSDSR: 13,1002,0,2002,0,16");
    probe_line(p, "8005");
    assert_true(probe_has(p, "REJECTED from=\"2620100100001001\""));
    assert_true(probe_has(p, "STATUS from=\"2620100100001002\""));
    assert_int_equal(p->count, 2);
    probe_destroy(p);
}

static void overlong_lines_are_dropped_and_the_link_lives(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    for (int i = 0; i < 3000; i++) {
        probe_feed(p, "x", 1);
    }
    probe_line(p, "");
    probe_line(p, "+CTSDSR: 13,1002,0,2002,0,16");
    probe_line(p, "8005");
    assert_true(probe_has(p, "STATUS"));
    assert_int_equal(p->count, 1);
    probe_destroy(p);
}

static void glued_payload_may_be_padded_to_octets(void **state)
{
    (void)state;
    struct probe *p = probe_create("", "", false);
    probe_line(p, "+CTSDSR:12,1001,0,2002,0,840A112853A9FF4D4FFFE810");
    assert_true(probe_has(p, "POSITION from=\"1001\""));
    assert_int_equal(p->count, 1);
    probe_forget(p);
    probe_line(p, "+CTSDSR:12,1001,0,2002,0,850A112853A9FF4D4FFFE8"); /* fits no length */
    assert_true(probe_has(p, "REJECTED"));
    probe_destroy(p);
}

static void status_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *said;
    } cases[] = {
        {"0000", "EMERGENCY"}, {"7BFF", "STATUS"},
        {"7C09", "DELIVERY"}, /* protocol not supported */
        {"7DFF", "DELIVERY"},  {"8000", "STATUS"},
        {"FA05", "STATUS"}, /* others take it for a short report */
        {"FFFF", "STATUS"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        struct probe *p = probe_create("", "", false);
        probe_line(p, "+CTSDSR: 13,1002,0,2002,0,16");
        probe_line(p, cases[i].hex);
        assert_int_equal(strncmp(probe_said(p), cases[i].said, strlen(cases[i].said)), 0);
        probe_destroy(p);
    }
}

static void same_group_message_on_two_links_has_one_key(void **state)
{
    (void)state;
    uint64_t key[3];
    static const char *const headers[] = {"+CTSDSR: 13,1002,0,2002,0,16",
                                          "+CTSDSR: 13,262100100001002,1,262100100002002,1,16",
                                          "+CTSDSR: 13,1003,0,2002,0,16"};
    for (int i = 0; i < 3; i++) {
        struct probe *p = radio_up();
        probe_line(p, headers[i]);
        probe_line(p, i == 1 ? "800a" : "800A");
        key[i] = p->last_key;
        probe_destroy(p);
    }
    assert_true(key[0] != 0);
    assert_true(key[0] == key[1]);
    assert_true(key[0] != key[2]);
}

static void calls_keep_their_own_state(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    probe_line(p, "+CTXG: 12,3,0,0,0,255"); /* its beginning was missed */
    assert_true(probe_has(p, "CALL_START inst=12\nCALL_TALKER from=\"2620100100000255\" inst=12"));
    probe_forget(p);
    probe_line(p, "+CTICN: 1,0,0,0,6101629,1,1,0,1,1,0,4037009,0");
    probe_line(p, "+CTICN: 1,0,0,0,6101629,1,1,0,1,1,0,4037009,0"); /* late entry */
    assert_string_equal(probe_said(p), "CALL_START from=\"2620100106101629\" "
                                       "to=\"2620100104037009\" inst=1\n");
    probe_forget(p);
    probe_line(p, "+CTCR: 1,9");
    assert_true(probe_has(p, "CALL_END from=\"2620100106101629\" to=\"2620100104037009\" cause=9"));
    probe_line(p, "+CTCR: 1,9");
    assert_int_equal(p->count, 1);
    probe_forget(p);
    for (int i = 0; i < 31; i++) {
        probe_wait(p, 10 * TC_SEC);
        probe_line(p, "OK");
    }
    assert_true(probe_has(p, "CALL_END inst=12 text=\"lost\""));
    probe_destroy(p);
}

static void more_calls_than_places_end_the_oldest(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    for (int i = 1; i <= TC_PEI_CALLS_MAX + 1; i++) {
        char line[64];
        tc_str_format(line, sizeof line, "+CTICN: %d,0,0,0,%d,1,1,0,1,1,0,300,0", i, 100 + i);
        p->now_us += TC_MS;
        probe_line(p, line);
    }
    assert_true(probe_has(p, "CALL_END from=\"2620100100000101\""));
    assert_true(probe_has(p, "CALL_START from=\"2620100100000109\""));
    probe_destroy(p);
}

static void addresses_become_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *digits, *written;
    } cases[] = {
        {"216216300000300", "2160216300000300"},
        {"2620100108280651", "2620100108280651"},
        {"09011638300023404", "9011638300023404"},
        {"255", "2620100100000255"},
        {"00000255", "2620100100000255"},
        {"", ""},
        {"012345678901", "012345678901"}, /* a telephone number */
        {"16777216", "16777216"},         /* no SSI is that high */
    };
    struct tc_tetra_network own;
    assert_true(tc_tetra_identity(TC_STR("2620100108280651"), &own));
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        char out[TC_TETRA_ADDRESS_SIZE];
        tc_tetra_address(tc_str_of(cases[i].digits), &own, out);
        assert_string_equal(out, cases[i].written);
    }
}

static void time_of_position_is_near_or_refused(void **state)
{
    (void)state;
    struct probe *p = radio_up();
    probe_forget(p);
    p->now_us = INT64_C(1792310402) * TC_SEC; /* 2026-10-18T08:00:02Z: far from day 14 */
    probe_line(p, "+CTSDSR: 12,1001,0,2002,0,104");
    probe_line(p, "0A4E73DDA841F55809493CC081"); /* day 14, 15:29:42 */
    assert_true(probe_has(p, "HEARD"));
    assert_true(probe_has(p, "48 h"));
    probe_forget(p);
    p->now_us = INT64_C(1792078192) * TC_SEC; /* 2026-10-15T15:29:52Z: one day and ten seconds on */
    probe_line(p, "+CTSDSR: 12,1001,0,2002,0,104");
    probe_line(p, "0A4E73DDA841F55809493CC081");
    assert_true(probe_has(p, "POSITION"));
    assert_true(probe_has(p, "age=86410 occurred=1791991782000000"));
    probe_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_up_passes_over_refusals_and_tells_identity),
        cmocka_unit_test(set_up_asks_for_everything_in_order),
        cmocka_unit_test(set_up_answers_syntax_error_with_bare_at),
        cmocka_unit_test(silent_radio_is_asked_again_and_never_up),
        cmocka_unit_test(one_command_at_a_time_with_strangers_between),
        cmocka_unit_test(three_lost_keep_alives_take_the_link_down),
        cmocka_unit_test(radio_that_comes_back_is_set_up_again),
        cmocka_unit_test(bytes_may_be_cut_anywhere),
        cmocka_unit_test(payload_must_follow_within_two_seconds),
        cmocka_unit_test(header_without_payload_does_not_eat_the_next_result),
        cmocka_unit_test(overlong_lines_are_dropped_and_the_link_lives),
        cmocka_unit_test(glued_payload_may_be_padded_to_octets),
        cmocka_unit_test(status_ranges),
        cmocka_unit_test(same_group_message_on_two_links_has_one_key),
        cmocka_unit_test(calls_keep_their_own_state),
        cmocka_unit_test(more_calls_than_places_end_the_oldest),
        cmocka_unit_test(addresses_become_one_form),
        cmocka_unit_test(time_of_position_is_near_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
