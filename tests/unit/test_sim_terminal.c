/* SPDX-License-Identifier: Apache-2.0 */
/* The data port without a socket, in invented time. */
#include "clients/simulators/pei.h"
#include "core/base/time.h"
#include "tests/lib/tc_test.h"

static struct sim_pei pei;
static int64_t now_us;
static unsigned witnessed;
static enum sim_outcome last_outcome;
static size_t out_at_witness; /* what had been answered when the witness was told */
static unsigned aired;

static void on_message(void *ctx, const struct sim_sds *sds, enum sim_outcome outcome, unsigned ref)
{
    (void)ctx;
    (void)sds;
    (void)ref;
    witnessed++;
    last_outcome = outcome;
    out_at_witness = pei.out.len;
}

static void on_air(void *ctx, int64_t at_us, const struct sim_sds *sds)
{
    (void)ctx;
    (void)at_us;
    (void)sds;
    aired++;
}

static void on_command(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static int set_up(void **state)
{
    (void)state;
    pei = (struct sim_pei){.hooks = {NULL, on_message, on_air, on_command},
                           .mcc = 460,
                           .mnc = 1001,
                           .issi = 2001,
                           .gssi = 3001,
                           .is_routing_all = true,
                           .latency = {TC_MS, TC_MS}};
    sim__pei_restart(&pei);
    pei.is_echoing = false;
    pei.error_form = 1;
    now_us = 1000 * TC_SEC;
    witnessed = aired = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim__pei_finish(&pei);
    return 0;
}

static void run_for(int64_t span_us)
{
    for (int64_t end_us = now_us + span_us; now_us < end_us; now_us += TC_MS) {
        sim__pei_tick(&pei, now_us);
    }
}

static void feed(const char *text)
{
    sim__pei_feed(&pei, now_us, (const uint8_t *)text, strlen(text));
}

static void assert_said(const char *want)
{
    tc_buf_byte(&pei.out, '\0');
    assert_string_equal((const char *)pei.out.bytes, want);
    tc_buf_clear(&pei.out);
}

#define CALL_OVER "\r\n+CMGS: 0\r\n\r\nOK\r\n"

static void commands_may_be_cut_anywhere(void **state)
{
    (void)state;
    const char *talk = "AT+CTSDS=12,0\r\nAT+CMGS=10001,48\r\n021A65365230\x1A";
    for (size_t cut = 1; cut < strlen(talk); cut++) {
        sim__pei_feed(&pei, now_us, (const uint8_t *)talk, cut);
        run_for(TC_MS);
        sim__pei_feed(&pei, now_us, (const uint8_t *)talk + cut, strlen(talk) - cut);
        run_for(10 * TC_MS);
        char want[96];
        (void)tc_str_format(want, sizeof want, "\r\nOK\r\n" CALL_OVER "\r\n+CMGS: 0,4,%u\r\n",
                            (unsigned)cut);
        assert_said(want);
        assert_int_equal(aired, cut);
    }
}

static void the_witness_is_told_before_any_answer(void **state)
{
    (void)state;
    feed("AT+CTSDS=13,0\r");
    run_for(10 * TC_MS);
    assert_said("\r\nOK\r\n");
    feed("AT+CMGS=10001,16\r8003\x1A");
    assert_int_equal(witnessed, 1);
    assert_int_equal(last_outcome, SIM_ON_AIR);
    assert_int_equal(out_at_witness, 0);
    assert_int_equal(aired, 0);
    run_for(10 * TC_MS);
    assert_said(CALL_OVER "\r\n+CMGS: 0,4,1\r\n");
}

static void a_message_may_be_cancelled_or_come_too_late(void **state)
{
    (void)state;
    feed("AT+CTSDS=12,0\rAT+CMGS=10001,48\r021A\x1B");
    run_for(10 * TC_MS);
    assert_said("\r\nOK\r\n\r\nOK\r\n");
    feed("AT+CMGS=10001,48\r021A");
    run_for(31 * TC_SEC);
    assert_said("\r\n+CME ERROR: 37\r\n");
    assert_int_equal(witnessed, 0);
}

static void one_message_at_a_time(void **state)
{
    (void)state;
    pei.faults.delay = (struct sim_span){5 * TC_SEC, 5 * TC_SEC};
    feed("AT+CTSDS=12,0\rAT+CMGS=10001,48\r021A65365230\x1A");
    run_for(TC_SEC);
    assert_said("\r\nOK\r\n" CALL_OVER);
    feed("AT+CMGS=10002,48\r021A65365230\x1A");
    run_for(TC_SEC);
    assert_said("\r\n+CME ERROR: 42\r\n");
    assert_int_equal(last_outcome, SIM_REFUSED);
    run_for(4 * TC_SEC);
    assert_said("\r\n+CMGS: 0,4,1\r\n");
    pei.faults.no_result = 1;
    feed("AT+CMGS=10002,48\r021A65365230\x1A");
    run_for(10 * TC_SEC);
    assert_said(CALL_OVER);
    assert_int_equal(aired, 2);
}

static struct sim_sds position(void)
{
    struct sim_sds sds = {.from = 10001, .to = 2001};
    struct sim_fix fix = {1140578699, 225430977, 92.34, 90, 0, 1, 2};
    sim__put_lip(&sds, &fix);
    return sds;
}

static void vendors_differ(void **state)
{
    (void)state;
    static const struct {
        enum sim_vendor vendor;
        const char *line;
    } rows[] = {
        {SIM_PLAIN, "\r\n+CTSDSR: 12,10001,0,2001,0,84\r\n0A0511B9A1007D8978802\r\n"},
        {SIM_MOTOROLA, "\r\n+CTSDSR: 12,10001,0,2001,0,84\r\n0A0511B9A1007D89788020\r\n"},
        {SIM_MOTOROLA88, "\r\n+CTSDSR: 12,10001,0,2001,0,88\r\n0A0511B9A1007D89788020\r\n"},
        {SIM_SEPURA, "\r\n+CTSDSR: 12,4600100100010001,1,4600100100002001,1,84\r\n"
                     "0A0511B9A1007D8978802\r\n"},
    };
    struct sim_sds sds = position();
    for (size_t i = 0; i < TC_COUNT_OF(rows); i++) {
        pei.vendor = rows[i].vendor;
        assert_true(sim__pei_receive(&pei, &sds));
        assert_said(rows[i].line);
    }
}

static void lines_break_as_asked(void **state)
{
    (void)state;
    struct sim_sds sds = position();
    pei.faults.header_only = 1;
    assert_true(sim__pei_receive(&pei, &sds));
    assert_said("\r\n+CTSDSR: 12,10001,0,2001,0,84\r\n");
    pei.faults.header_only = 0;
    pei.faults.cut_line = 1;
    assert_false(sim__pei_receive(&pei, &sds));
    assert_true(pei.wants_cut);
    assert_said("\r\n+CTSDSR: 12,10001,0,2001,0"); /* 29 + 2 + 21 characters, halved */
    assert_false(sim__pei_receive(&pei, &sds));    /* nothing after the cut */
    assert_said("");
}

static void what_is_not_registered_is_not_delivered(void **state)
{
    (void)state;
    struct sim_sds sds = position();
    pei.is_routing_all = false;
    assert_false(sim__pei_receive(&pei, &sds));
    feed("AT+CTSP=1,3,10\r");
    run_for(10 * TC_MS);
    assert_said("\r\nOK\r\n");
    assert_true(sim__pei_receive(&pei, &sds));
    tc_buf_clear(&pei.out);
    sim__pei_restart(&pei);
    assert_false(sim__pei_receive(&pei, &sds)); /* forgotten with the power */
    assert_int_equal(pei.not_routed_count, 2);
}

static void noise_does_no_harm(void **state)
{
    (void)state;
    struct sim_chance chance = {.state = 7};
    static const char *const words[] = {"AT",   "+CMGS=", "+CTSP=", "1,3,",           "\r",
                                        "\x1A", "\x1B",   "99999",  "AT+CTSDS=12,0\r"};
    for (int i = 0; i < 20000; i++) {
        uint8_t byte = (uint8_t)sim__chance_next(&chance);
        if (byte % 2) {
            sim__pei_feed(&pei, now_us, &byte, 1);
        } else {
            feed(words[byte / 2 % TC_COUNT_OF(words)]);
        }
        now_us += TC_MS;
        sim__pei_tick(&pei, now_us);
        assert_true(pei.out.len < 65536);
        tc_buf_clear(&pei.out);
    }
    feed("\x1B\r");
    run_for(TC_SEC);
    tc_buf_clear(&pei.out);
    feed("AT\r");
    run_for(40 * TC_SEC);
    tc_buf_byte(&pei.out, '\0');
    assert_non_null(strstr((const char *)pei.out.bytes, "\r\nOK\r\n"));
}

int main(void)
{
#define FRESH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(commands_may_be_cut_anywhere),
        FRESH(the_witness_is_told_before_any_answer),
        FRESH(a_message_may_be_cancelled_or_come_too_late),
        FRESH(one_message_at_a_time),
        FRESH(vendors_differ),
        FRESH(lines_break_as_asked),
        FRESH(what_is_not_registered_is_not_delivered),
        FRESH(noise_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
