/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"
#include "tests/unit/tetra_probe.h"

static struct probe *radio_up(const char *profile, const char *param)
{
    static const struct probe_answer answers[] = {
        {"AT+CNUMF?", "\r\n+CNUMF: 0,2620100108280651\r\n\r\nOK\r\n"}};
    struct probe *p = probe_create(profile, param, false);
    probe_set_up(p, answers, TC_COUNT_OF(answers));
    assert_true(probe_has(p, "LINK_UP"));
    probe_forget(p);
    return p;
}

static tc_err send_text(struct probe *p, uint32_t ref, const char *to, const char *text)
{
    struct tc_send send = {.ref = ref, .address = tc_str_of(to), .text = tc_str_of(text)};
    return p->driver->send(p->self, &send, p->now_us, &p->out);
}

/* Answers a command and lets the gap to the next one pass. */
static void answer(struct probe *p, const char *line)
{
    probe_line(p, line);
    probe_wait(p, 150 * TC_MS);
}

static void text_goes_out_as_transfer_with_both_reports(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 17, "2620100101234567", "请立即赶往现场"), TC_OK);
    assert_int_equal(send_text(p, 18, "2620100101234567", "x"), TC_EAGAIN);
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0\r\n");
    answer(p, "OK");
    assert_string_equal(probe_wire(p),
                        "AT+CMGS=1234567,144\r\n820E111A8BF77ACB53738D765F8073B0573A\x1a");
    answer(p, "+CMGS: 0");
    answer(p, "OK");
    assert_string_equal(probe_said(p), "");
    assert_int_equal(send_text(p, 18, "2620100101234567", "x"), TC_EAGAIN);
    answer(p, "+CMGS: 0,4,65");
    assert_string_equal(probe_said(p), "SENT ok=1 message=17\n");
    probe_forget(p);
    assert_int_equal(send_text(p, 18, "1234567", "\xF0\x9F\x9A\x92收到"), TC_OK); /* > U+FFFF */
    assert_string_equal(probe_wire(p), "AT+CMGS=1234567,64\r\n820E121A65365230\x1a");
    probe_destroy(p);
}

static void status_and_foreign_network_change_ctsds(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    struct tc_send send = {
        .ref = 3, .address = TC_STR("2160216300000300"), .is_status = true, .status = 0x8005};
    assert_int_equal(p->driver->send(p->self, &send, p->now_us, &p->out), TC_OK);
    assert_string_equal(probe_wire(p), "AT+CTSDS=13,1\r\n");
    answer(p, "OK");
    assert_string_equal(probe_wire(p), "AT+CMGS=2160216300000300,16\r\n8005\x1a");
    answer(p, "+CMGS: 0,4"); /* before its OK */
    answer(p, "OK");
    assert_string_equal(probe_said(p), "SENT ok=1 message=3\n");
    probe_destroy(p);
}

static void encrypted_network_gets_the_full_form(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "e2ee=1");
    assert_int_equal(send_text(p, 1, "5", "a"), TC_OK);
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0,0,0,1\r\n");
    probe_destroy(p);
}

static void long_text_goes_in_parts_and_is_sent_with_the_last(void **state)
{
    (void)state;
    char text[512] = "";
    struct probe *p = radio_up("", "");
    for (int i = 0; i < 73; i++) {
        strncat(text, "急", 4);
    }
    assert_int_equal(send_text(p, 1, "7", text), TC_OK); /* parts have references 255 and 1 */
    answer(p, "OK");
    const char *wire = probe_wire(p);
    const char *first = "AT+CTSDS=12,0\r\nAT+CMGS=7,1184\r\n8A02FF1A050003010201"
                        "6025";
    assert_int_equal(strncmp(wire, first, strlen(first)), 0);
    assert_int_equal(strlen(wire), strlen("AT+CTSDS=12,0\r\nAT+CMGS=7,1184\r\n") + 296 + 1);
    answer(p, "OK");
    answer(p, "+CMGS: 0,4,1");
    assert_string_equal(probe_said(p), "");
    assert_string_equal(probe_wire(p), "AT+CMGS=7,144\r\n8A0E011A050003010202"
                                       "6025602560256025\x1a");
    answer(p, "OK");
    answer(p, "+CMGS: 0,4,2");
    assert_string_equal(probe_said(p), "SENT ok=1 message=1\n");
    text[72 * 3] = '\0'; /* 72 fit into one */
    assert_int_equal(send_text(p, 2, "7", text), TC_OK);
    assert_int_equal(strncmp(probe_wire(p), "AT+CMGS=7,1184\r\n820E021A", 24), 0);
    probe_destroy(p);
}

static void too_long_and_nowhere_are_refused_at_once(void **state)
{
    (void)state;
    char text[900];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 1, "7", text), TC_EFULL);
    assert_int_equal(send_text(p, 1, "", "a"), TC_EINVAL);
    assert_int_equal(send_text(p, 1, "control", "a"), TC_EINVAL);
    assert_int_equal(send_text(p, 1, "7", ""), TC_EINVAL);
    assert_int_equal(send_text(p, 0, "7", "a"), TC_EINVAL);
    text[TC_PEI_UNITS_MAX] = '\0';
    assert_int_equal(send_text(p, 1, "7", text), TC_OK);
    probe_destroy(p);
}

static void busy_radio_is_asked_again_with_growing_pauses(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    answer(p, "OK");
    for (int64_t pause = 1; pause <= 4; pause *= 2) {
        assert_non_null(strstr(probe_wire(p), "AT+CMGS=7,48"));
        probe_line(p, "+CME ERROR: 42");
        probe_wait(p, pause * TC_SEC - 100 * TC_MS);
        assert_string_equal(probe_wire(p), "");
        probe_wait(p, 200 * TC_MS);
    }
    probe_line(p, "+CME ERROR: 42");
    assert_string_equal(probe_said(p), "SENT cause=42 message=9\n");
    probe_destroy(p);
}

static void final_errors_are_told_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"+CME ERROR: 33", "SENT cause=33 message=9\n"},
        {"+CME ERROR: 35", "SENT cause=35 message=9\n"},
        {"ERROR", "SENT cause=256 message=9\n"},
        {"+CME ERROR: no network", "SENT cause=256 message=9\n"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        struct probe *p = radio_up("", "");
        assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
        answer(p, "OK");
        answer(p, cases[i].line);
        assert_string_equal(probe_said(p), cases[i].said);
        probe_destroy(p);
    }
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    answer(p, "OK");
    answer(p, "OK");
    answer(p, "+CMGS: 0,5");
    assert_string_equal(probe_said(p), "SENT cause=257 message=9\n");
    probe_destroy(p);
}

static void without_the_radios_word_the_outcome_stays_unknown(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    answer(p, "OK");
    answer(p, "OK");
    probe_wait(p, 29 * TC_SEC);
    assert_int_equal(send_text(p, 10, "7", "b"), TC_EAGAIN);
    probe_wait(p, 2 * TC_SEC);
    assert_string_equal(probe_said(p), "");
    assert_int_equal(send_text(p, 10, "7", "b"), TC_OK);
    probe_wait(p, 31 * TC_SEC); /* not even OK: the radio's input is cancelled */
    assert_non_null(strchr(probe_wire(p), 0x1B));
    assert_false(probe_has(p, "SENT"));
    probe_destroy(p);
}

static void order_that_never_left_is_told_when_the_link_falls(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    probe_wait(p, 4 * TC_SEC);
    assert_string_equal(probe_said(p), "SENT cause=258 message=9\n");
    probe_destroy(p);
}

static void motorola_holds_orders_during_a_call_but_not_emergencies(void **state)
{
    (void)state;
    struct probe *p = radio_up("motorola", "");
    probe_line(p, "+CTICN: 1,0,0,0,6101629,1,1,0,1,1,0,4037009,0");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_EAGAIN);
    struct tc_send send = {
        .ref = 10, .address = TC_STR("7"), .text = TC_STR("a"), .priority = TC_PRIORITY_EMERGENCY};
    assert_int_equal(p->driver->send(p->self, &send, p->now_us, &p->out), TC_OK);
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0\r\n");
    answer(p, "OK");
    answer(p, "OK");
    answer(p, "+CMGS: 0,4");
    answer(p, "+CTCR: 1,1");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    probe_destroy(p);
    p = radio_up("", "");
    probe_line(p, "+CTICN: 1,0,0,0,6101629,1,1,0,1,1,0,4037009,0");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    probe_destroy(p);
}

static void order_that_a_call_holds_up_is_given_back(void **state)
{
    (void)state;
    struct probe *p = radio_up("motorola", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    probe_line(p, "+CTICN: 1,0,0,0,6101629,1,1,0,1,1,0,4037009,0");
    answer(p, "OK"); /* of CTSDS; the call stands before CMGS */
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0\r\n");
    probe_wait(p, 10 * TC_SEC);
    probe_line(p, "OK"); /* keep-alive */
    assert_false(probe_has(p, "SENT"));
    probe_wait(p, 3 * TC_SEC);
    assert_true(probe_has(p, "SENT cause=260 message=9"));
    answer(p, "+CTCR: 1,1");
    assert_null(strstr(probe_wire(p), "CMGS")); /* it does not leave afterwards */
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    assert_string_equal(probe_wire(p), "AT+CMGS=7,48\r\n820E091A0061\x1a");
    probe_destroy(p);
}

static void receive(struct probe *p, const char *called, const char *hex)
{
    char line[128];
    tc_str_format(line, sizeof line, "+CTSDSR: 12,2620100101234567,1,%s,1,%zu", called,
                  strlen(hex) * 4);
    probe_line(p, line);
    probe_line(p, hex);
    probe_wait(p, 200 * TC_MS);
}

static void verdict(struct probe *p, bool is_taken)
{
    p->driver->outcome(p->self, &(struct tc_told){p->last_ref, is_taken, 42, ""}, p->now_us,
                       &p->out);
    probe_wait(p, 200 * TC_MS);
}

static void receipt_waits_for_the_verdict(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    receive(p, "2620100108280651", "82040801476A"); /* received wanted, short form allowed */
    assert_true(probe_has(p, "TEXT"));
    probe_wait(p, 2 * TC_SEC);
    assert_string_equal(probe_wire(p), "");
    verdict(p, true);
    assert_string_equal(probe_wire(p), "AT+CTSDS=13,0\r\n");
    answer(p, "OK");
    assert_string_equal(probe_wire(p), "AT+CMGS=1234567,16\r\n7E08\x1a");
    answer(p, "OK");
    answer(p, "+CMGS: 0,4");
    assert_false(probe_has(p, "SENT"));
    receive(p, "2620100108280651", "820E111A6536"); /* standard form only */
    verdict(p, true);
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0\r\n");
    answer(p, "OK");
    assert_string_equal(probe_wire(p), "AT+CMGS=1234567,32\r\n82100011\x1a");
    answer(p, "OK");
    answer(p, "+CMGS: 0,4");
    receive(p, "2620100108280651", "82041201476A");
    verdict(p, false); /* refused: said so in the standard form */
    assert_string_equal(probe_wire(p), "AT+CMGS=1234567,32\r\n82105912\x1a");
    probe_destroy(p);
}

static void no_receipt_for_groups_or_unasked(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    receive(p, "2620100100000300", "82040801476A"); /* to a group */
    assert_int_equal(p->last_ref, 0);
    receive(p, "2620100108280651", "82000801476A"); /* nothing asked */
    assert_int_equal(p->last_ref, 0);
    receive(p, "2620100108280651", "82080801476A"); /* only "consumed" asked */
    assert_int_equal(p->last_ref, 0);
    verdict(p, true);
    assert_string_equal(probe_wire(p), "");
    probe_destroy(p);
}

static void long_location_report_is_acknowledged(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    /* fresh, a circle, acknowledgement wanted */
    receive(p, "2620100108280651", "0A4D09446E68401F6218A04");
    assert_true(probe_has(p, "POSITION"));
    verdict(p, true);
    answer(p, "OK");
    assert_string_equal(probe_wire(p), "AT+CTSDS=12,0\r\nAT+CMGS=1234567,23\r\n0A5000\x1a");
    probe_destroy(p);
}

static void receipts_owed_are_bounded(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    for (int i = 0; i < TC_PEI_ACKS_MAX; i++) {
        receive(p, "2620100108280651", "82040801476A");
        assert_int_not_equal(p->last_ref, 0);
    }
    receive(p, "2620100108280651", "82040801476A");
    assert_int_equal(p->last_ref, 0); /* the sender will ask again */
    assert_true(probe_has(p, "TEXT"));
    probe_destroy(p);
}

static void receipt_goes_before_the_order(void **state)
{
    (void)state;
    struct probe *p = radio_up("", "");
    assert_int_equal(send_text(p, 9, "7", "a"), TC_OK);
    receive(p, "2620100108280651", "82040801476A");
    verdict(p, true);
    assert_int_equal(send_text(p, 10, "7", "b"), TC_EAGAIN);
    answer(p, "OK");
    answer(p, "OK");
    answer(p, "+CMGS: 0,4"); /* the order that was begun */
    assert_true(probe_has(p, "SENT ok=1 message=9"));
    assert_int_equal(send_text(p, 10, "7", "b"), TC_OK);
    probe_wire(p);
    answer(p, "OK");
    assert_string_equal(probe_wire(p), "AT+CMGS=1234567,16\r\n7E08\x1a");
    probe_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_out_as_transfer_with_both_reports),
        cmocka_unit_test(status_and_foreign_network_change_ctsds),
        cmocka_unit_test(encrypted_network_gets_the_full_form),
        cmocka_unit_test(long_text_goes_in_parts_and_is_sent_with_the_last),
        cmocka_unit_test(too_long_and_nowhere_are_refused_at_once),
        cmocka_unit_test(busy_radio_is_asked_again_with_growing_pauses),
        cmocka_unit_test(final_errors_are_told_at_once),
        cmocka_unit_test(without_the_radios_word_the_outcome_stays_unknown),
        cmocka_unit_test(order_that_never_left_is_told_when_the_link_falls),
        cmocka_unit_test(motorola_holds_orders_during_a_call_but_not_emergencies),
        cmocka_unit_test(order_that_a_call_holds_up_is_given_back),
        cmocka_unit_test(receipt_waits_for_the_verdict),
        cmocka_unit_test(no_receipt_for_groups_or_unasked),
        cmocka_unit_test(long_location_report_is_acknowledged),
        cmocka_unit_test(receipts_owed_are_bounded),
        cmocka_unit_test(receipt_goes_before_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
