/* SPDX-License-Identifier: Apache-2.0 */
/* The driver and the simulated radio, which share no code, talk to each other in invented time. */
#include <stdio.h>

#include "clients/simulators/pei.h"
#include "tests/unit/tetra_probe.h"

struct air {
    struct sim_pei radio;
    struct probe *p;
    char text[4096]; /* of the messages that went on the air, parts put together */
    unsigned aired;
    unsigned last_ref;
};

static void on_message(void *ctx, const struct sim_sds *sds, enum sim_outcome outcome, unsigned ref)
{
    (void)ctx;
    (void)sds;
    (void)outcome;
    (void)ref;
}

static void on_air(void *ctx, int64_t now_us, const struct sim_sds *sds)
{
    struct air *a = ctx;
    struct sim_heard heard;
    (void)now_us;
    a->aired++;
    assert_true(sim__read(sds, &heard));
    if (heard.has_text) {
        size_t used = strlen(a->text);
        tc_str_put(a->text + used, sizeof a->text - used, tc_str_of(heard.text));
        a->last_ref = heard.ref;
    }
}

static void on_command(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

/* Both sides for a while: bytes over, in pieces, and time on. */
static void run(struct air *a, int64_t span_us)
{
    for (int64_t end = a->p->now_us + span_us; a->p->now_us < end;) {
        if (a->p->wire.len) {
            sim__pei_feed(&a->radio, a->p->now_us, a->p->wire.bytes, a->p->wire.len);
            tc_buf_clear(&a->p->wire);
        }
        sim__pei_tick(&a->radio, a->p->now_us);
        size_t half = a->radio.out.len / 2;
        probe_feed(a->p, (const char *)a->radio.out.bytes, half);
        probe_feed(a->p, (const char *)a->radio.out.bytes + half, a->radio.out.len - half);
        tc_buf_clear(&a->radio.out);
        probe_wait(a->p, 50 * TC_MS);
    }
}

static void begin(struct air *a, enum sim_vendor vendor)
{
    static const char *const profiles[] = {"", "motorola", "motorola", "sepura"};
    *a = (struct air){.radio = {.mcc = 460, .mnc = 1001, .issi = 2001, .gssi = 3001}};
    a->radio.vendor = vendor;
    a->radio.latency = (struct sim_span){5 * TC_MS, 80 * TC_MS};
    a->radio.faults.delay = (struct sim_span){100 * TC_MS, 900 * TC_MS};
    a->radio.hooks = (struct sim_pei_hooks){a, on_message, on_air, on_command};
    a->radio.chance.state = 7;
    sim__pei_restart(&a->radio);
    a->p = probe_create(profiles[vendor], "", false);
    run(a, 20 * TC_SEC);
    assert_true(probe_has(a->p, "LINK_UP from=\"4600100100002001\""));
    assert_true(probe_has(a->p, "network=\"460-01001\""));
    probe_forget(a->p);
}

static void end(struct air *a)
{
    probe_destroy(a->p);
    sim__pei_finish(&a->radio);
}

static struct sim_sds from_radio(uint32_t to)
{
    return (struct sim_sds){.from = 10001, .to = to, .service = SIM_SDS4};
}

static void every_vendors_messages_arrive(void **state)
{
    (void)state;
    for (int vendor = SIM_PLAIN; vendor <= SIM_SEPURA; vendor++) {
        struct air a;
        begin(&a, (enum sim_vendor)vendor);
        struct sim_fix fix = {.lon_e7 = 1140578699,
                              .lat_e7 = 225430977,
                              .speed_kmh = 36,
                              .direction_deg = 90,
                              .error = 1,
                              .reason = 129};
        struct sim_sds lip = from_radio(2001);
        sim__put_lip(&lip, &fix);
        assert_true(sim__pei_receive(&a.radio, &lip));
        struct sim_sds text = from_radio(2001);
        sim__put_text(&text, 8, 1, TC_STR("水位过高"));
        assert_true(sim__pei_receive(&a.radio, &text));
        struct sim_sds status = from_radio(3001);
        status.service = SIM_STATUS;
        sim__put_status(&status, 0);
        assert_true(sim__pei_receive(&a.radio, &status));
        struct sim_sds report = from_radio(2001);
        sim__put_report(&report, 0x82, 44, 0, true);
        assert_true(sim__pei_receive(&a.radio, &report));
        run(&a, TC_SEC);
        assert_true(probe_has(a.p, "POSITION from=\"4600100100010001\" to=\"4600100100002001\" "
                                   "at=114057"));
        assert_true(probe_has(a.p, "heading=90 reason=129 error=20 age=5"));
        assert_true(probe_has(a.p, "text=\"水位过高\""));
        assert_true(probe_has(a.p, "EMERGENCY from=\"4600100100010001\" to=\"4600100100003001\""));
        assert_true(probe_has(a.p, "DELIVERY from=\"4600100100010001\""));
        assert_true(probe_has(a.p, "message=44"));
        assert_false(probe_has(a.p, "REJECTED"));
        assert_int_not_equal(a.p->last_ref, 0);
        a.p->driver->outcome(a.p->self, &(struct tc_told){a.p->last_ref, true, 9, ""}, a.p->now_us,
                             &a.p->out);
        run(&a, 5 * TC_SEC);
        assert_int_equal(a.aired, 1); /* the receipt */
        end(&a);
    }
}

static void told_as_sent_is_what_went_on_the_air(void **state)
{
    (void)state;
    struct air a;
    begin(&a, SIM_PLAIN);
    a.radio.faults.busy = 0.2;
    a.radio.faults.fail = 0.1;
    a.radio.faults.chatter = 0.2;
    unsigned sent = 0;
    unsigned failed = 0;
    for (uint32_t i = 1; i <= 120; i++) {
        char words[700] = "";
        size_t length = 1 + i * 37 % 180; /* up to three parts */
        for (size_t n = 0; n < length; n++) {
            strncat(words, n % 10 == 0 ? "号" : "路", 4);
        }
        struct tc_send send = {.ref = i, .address = TC_STR("10001"), .text = tc_str_of(words)};
        a.text[0] = '\0';
        probe_forget(a.p);
        assert_int_equal(a.p->driver->send(a.p->self, &send, a.p->now_us, &a.p->out), TC_OK);
        run(&a, 25 * TC_SEC);
        char want[64];
        tc_str_format(want, sizeof want, "SENT ok=1 message=%u\n", i);
        if (probe_has(a.p, want)) {
            assert_string_equal(a.text, words);
            assert_int_equal(a.last_ref, i);
            sent++;
        } else {
            assert_true(probe_has(a.p, "SENT cause="));
            failed++;
        }
    }
    print_message("%u sent, %u failed\n", sent, failed);
    assert_true(sent > 60);
    assert_true(failed > 3);
    end(&a);
}

static void restarted_radio_is_found_and_set_up_again(void **state)
{
    (void)state;
    struct air a;
    begin(&a, SIM_SEPURA);
    for (int i = 0; i < 9; i++) { /* off for 45 s: nothing answers */
        probe_wait(a.p, 5 * TC_SEC);
        tc_buf_clear(&a.p->wire);
    }
    assert_true(probe_has(a.p, "LINK_DOWN"));
    sim__pei_restart(&a.radio);
    run(&a, 30 * TC_SEC);
    assert_true(probe_has(a.p, "LINK_UP"));
    struct sim_sds text = from_radio(2001);
    sim__put_text(&text, 8, 1, TC_STR("ok"));
    assert_true(sim__pei_receive(&a.radio, &text)); /* subscriptions are there again */
    end(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vendors_messages_arrive),
        cmocka_unit_test(told_as_sent_is_what_went_on_the_air),
        cmocka_unit_test(restarted_radio_is_found_and_set_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
