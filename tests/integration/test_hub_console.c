/* SPDX-License-Identifier: Apache-2.0 */
/* Consoles over loopback: snapshots and deltas without a gap, resume, slow ones, many of them. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/metric.h"
#include "core/base/time.h"
#include "tests/integration/hub_fixture.h"
#include "tests/lib/tc_test.h"

static struct hub_fixture fx;

static int setup_files(void **state)
{
    (void)state;
    hub_fixture_make_files(&fx);
    return 0;
}

static int teardown_files(void **state)
{
    (void)state;
    hub_fixture_remove_files(&fx);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    hub_fixture_start(&fx, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hub_fixture_stop(&fx);
    return 0;
}

static uint64_t seq_now(void)
{
    hub_world_settle(&fx.world);
    return atomic_load(&fx.world.seq);
}

/** Units 1..count; returns the id of the first. */
static uint64_t make_units(int count)
{
    uint64_t first = seq_now() + 1;
    for (int i = 0; i < count; i++) {
        hub_world_do(&fx.world, DEED_UNIT, 0, i + 1);
    }
    (void)seq_now();
    return first;
}

static int64_t lon_of(struct hub_console *c, uint64_t unit)
{
    return json_integer_value(json_object_get(hub_console_item(c, "unit", unit), "lon_e7"));
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

static int64_t metric(const char *name)
{
    struct tc_buf b = {0};
    char line[96];
    tc_metric_write(&b);
    tc_buf_byte(&b, '\0');
    (void)tc_str_format(line, sizeof line, "\n%s ", name);
    const char *at = strstr((const char *)b.bytes, line);
    int64_t value = at ? strtoll(at + strlen(line), NULL, 10) : -1;
    tc_buf_finish(&b);
    return value;
}

static void test_hello_and_snapshot(void **state)
{
    (void)state;
    struct hub_console c = {0};
    uint64_t first = make_units(3000); /* several chunks */
    hub_world_do(&fx.world, DEED_ALARM, 0, 1);
    uint64_t seq = seq_now();
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_string_equal(hub_console_step(&c, 2000), "hello");
    json_t *h = c.hello;
    assert_string_equal(json_string_value(json_object_get(h, "user")), "张伟");
    assert_string_equal(json_string_value(json_object_get(h, "role")), "officer");
    json_t *site = json_object_get(h, "site");
    assert_string_equal(json_string_value(json_object_get(site, "zh")), "福田区");
    assert_true(json_is_true(json_object_get(h, "is_sample")));
    json_t *world = json_object_get(h, "world");
    assert_string_equal(json_string_value(json_object_get(world, "uuid")), "world-under-test");
    assert_int_equal(c.epoch, 7);
    assert_true(hub_console_reach(&c, seq));
    assert_int_equal(c.seq, seq);
    assert_int_equal(hub_console_count(&c, "unit"), 3000);
    assert_int_equal(lon_of(&c, first + 2999), 3000);
    assert_int_equal(hub_console_count(&c, "alarm"), 1);
    assert_true(c.snaps > 4);
    assert_string_equal(c.tables_seen, "alarm,question,unit,report,source,");
    /* ticks come by themselves, with what the program says of its health */
    int64_t until_us = tc_clock_monotonic_us() + 3 * TC_SEC;
    while (c.ticks == 0 && tc_clock_monotonic_us() < until_us) {
        (void)hub_console_step(&c, 500);
    }
    assert_non_null(strstr((const char *)c.text.bytes, "\"backlog\":3"));
    assert_non_null(strstr((const char *)c.text.bytes, "\"sources\":["));
    hub_console_close(&c);
}

static void test_snapshot_and_deltas_have_no_gap(void **state)
{
    (void)state;
    enum { UNITS = 2000, CONSOLES = 4, ROUNDS = 12000 };
    static int32_t expected[UNITS];
    struct hub_console c[CONSOLES] = {0};
    uint64_t first = make_units(UNITS);
    unsigned chance = 1;
    for (int i = 0; i < ROUNDS; i++) {
        chance = chance * 1103515245u + 12345u;
        unsigned unit = chance >> 8 & 0x7FF;
        if (unit < UNITS) {
            expected[unit] = i + 10;
            hub_world_do(&fx.world, DEED_POSITION, first + unit, i + 10);
        }
        if (i % 3000 == 1500) { /* they come while everything moves */
            hub_console_open(&c[i / 3000], &fx, fx.officer_cookie, 0, 0);
            hub_world_do(&fx.world, DEED_ALARM, 0, i);
        }
        if (i % 100 == 0) {
            pause_ms(1);
        }
    }
    hub_world_do(&fx.world, DEED_UNIT_GONE, first + UNITS - 1, 0);
    uint64_t seq = seq_now();
    for (int k = 0; k < CONSOLES; k++) {
        assert_true(hub_console_reach(&c[k], seq));
        assert_int_equal(c[k].gaps, 0);
        assert_int_equal(c[k].seq, seq);
        assert_true(c[k].deltas > 0);
        assert_int_equal(hub_console_count(&c[k], "alarm"), CONSOLES);
        assert_int_equal(hub_console_count(&c[k], "unit"), UNITS - 1);
        for (int i = 0; i < UNITS - 1; i++) {
            int32_t lon = expected[i] ? expected[i] : i + 1;
            assert_int_equal(lon_of(&c[k], first + (unsigned)i), lon);
        }
        hub_console_close(&c[k]);
    }
}

static void test_resume(void **state)
{
    (void)state;
    struct hub_console c = {0};
    uint64_t first = make_units(10);
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&c, seq_now()));
    hub_world_do(&fx.world, DEED_POSITION, first, 77);
    assert_true(hub_console_reach(&c, seq_now()));
    uint64_t seq = c.seq;
    uint64_t epoch = c.epoch;
    hub_console_close(&c);
    for (int i = 0; i < 5; i++) {
        hub_world_do(&fx.world, DEED_POSITION, first + 1, 100 + i);
        pause_ms(60);
    }
    hub_console_open(&c, &fx, fx.officer_cookie, epoch, seq);
    assert_true(hub_console_reach(&c, seq_now()));
    assert_int_equal(c.snaps, 0);
    assert_int_equal(c.gaps, 0);
    assert_true(c.deltas >= 3);
    assert_int_equal(lon_of(&c, first + 1), 104);
    assert_null(hub_console_item(&c, "unit", first)); /* unchanged since: not said again */
    hub_console_close(&c);
    /* another history, or a seq from the future: a snapshot */
    hub_console_open(&c, &fx, fx.officer_cookie, epoch + 1, seq);
    c.seq = 0;
    while (!c.is_ready && hub_console_step(&c, 2000)) {
    }
    assert_true(c.snaps > 0);
    hub_console_close(&c);
    hub_console_open(&c, &fx, fx.officer_cookie, epoch, 1000000);
    c.seq = 0;
    while (!c.is_ready && hub_console_step(&c, 2000)) {
    }
    assert_true(c.snaps > 0);
    hub_console_close(&c);
}

static void test_commands(void **state)
{
    (void)state;
    struct hub_console c = {0};
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&c, seq_now()));
    const char *report = "{\"t\":\"command\",\"id\":\"r1\",\"name\":\"report.create\",\"seen\":1,"
                         "\"body\":{\"text\":\"水浸街\",\"caller_phone\":\"13800138000\"}}";
    json_t *r = hub_console_command(&c, report);
    assert_true(json_is_true(json_object_get(r, "ok")));
    assert_string_equal(json_string_value(json_object_get(r, "id")), "r1");
    int64_t seq = json_integer_value(json_object_get(r, "seq"));
    assert_true(seq > 0);
    r = hub_console_command(&c, report);
    assert_int_equal(json_integer_value(json_object_get(r, "seq")), seq);
    assert_true(hub_console_reach(&c, seq_now()));
    assert_int_equal(hub_console_count(&c, "report"), 1);

    r = hub_console_command(&c, "{\"t\":\"command\",\"id\":\"a1\",\"name\":\"alarm.acknowledge\","
                                "\"seen\":1,\"body\":{\"alarm\":99}}");
    assert_true(json_is_false(json_object_get(r, "ok")));
    assert_string_equal(json_string_value(json_object_get(r, "why")), "alarm_not_found");
    assert_string_equal(json_string_value(json_object_get(r, "detail")), "99");
    r = hub_console_command(&c, "{\"t\":\"command\",\"id\":\"a2\",\"name\":\"units.send\","
                                "\"body\":{\"incident\":1,\"untis\":[1]}}");
    assert_string_equal(json_string_value(json_object_get(r, "detail")),
                        "units.send.untis: no such field");
    assert_string_equal(json_string_value(json_object_get(r, "id")), "a2");
    r = hub_console_command(&c, "{\"t\":\"command\",\"id\":\"a3\",\"name\":\"response.start\","
                                "\"body\":{\"incident\":1}}");
    assert_string_equal(json_string_value(json_object_get(r, "why")), "role_not_allowed");
    assert_string_equal(json_string_value(json_object_get(r, "detail")), "duty_leader");
    /* what is no protocol at all ends the connection, and only that one */
    struct hub_console other = {0};
    hub_console_open(&other, &fx, fx.observer_cookie, 0, 0);
    assert_true(tc_ws_send(&other.ws, TC_STR("hello?")));
    while (hub_console_step(&other, 2000)) {
    }
    int got = tc_ws_receive(&other.ws, &other.text, 2000);
    assert_int_equal(got, -1);
    hub_console_close(&other);
    r = hub_console_command(&c, report);
    assert_true(json_is_true(json_object_get(r, "ok")));
    hub_console_close(&c);
}

static void test_observer_sees_no_telephone(void **state)
{
    (void)state;
    struct hub_console officer = {.keeps_text = true};
    struct hub_console observer = {.keeps_text = true};
    struct hub_console late = {.keeps_text = true};
    struct tc_http_response r;
    hub_console_open(&officer, &fx, fx.officer_cookie, 0, 0);
    hub_console_open(&observer, &fx, fx.observer_cookie, 0, 0);
    assert_true(hub_console_reach(&officer, seq_now()));
    assert_true(hub_console_reach(&observer, seq_now()));
    (void)hub_console_command(
        &officer, "{\"t\":\"command\",\"id\":\"r1\",\"name\":\"report.create\",\"body\":"
                  "{\"text\":\"flood at the underpass\",\"caller_phone\":\"13800138000\"}}");
    uint64_t seq = seq_now();
    hub_console_open(&late, &fx, fx.observer_cookie, 0, 0);
    assert_true(hub_console_reach(&officer, seq));
    assert_true(hub_console_reach(&observer, seq));
    assert_true(hub_console_reach(&late, seq));
    tc_buf_byte(&officer.all, '\0');
    tc_buf_byte(&observer.all, '\0');
    tc_buf_byte(&late.all, '\0');
    assert_non_null(strstr((const char *)officer.all.bytes, "13800138000"));
    assert_non_null(strstr((const char *)observer.all.bytes, "flood at the underpass"));
    assert_null(strstr((const char *)observer.all.bytes, "13800138000"));
    assert_non_null(strstr((const char *)late.all.bytes, "flood at the underpass"));
    assert_null(strstr((const char *)late.all.bytes, "13800138000"));
    assert_true(observer.facts > 0);
    static const char *const paths[] = {"/api/log", "/api/state/report"};
    for (size_t i = 0; i < TC_COUNT_OF(paths); i++) {
        assert_true(tc_http_ask(fx.port, "GET", paths[i], fx.observer_cookie, TC_STR(""), &r));
        assert_non_null(strstr((const char *)r.body.bytes, "flood at the underpass"));
        assert_null(strstr((const char *)r.body.bytes, "13800138000"));
        tc_http_finish(&r);
        assert_true(tc_http_ask(fx.port, "GET", paths[i], fx.officer_cookie, TC_STR(""), &r));
        assert_non_null(strstr((const char *)r.body.bytes, "13800138000"));
        tc_http_finish(&r);
    }
    hub_console_close(&officer);
    hub_console_close(&observer);
    hub_console_close(&late);
}

static void test_slow_console_is_resynced_and_delays_nobody(void **state)
{
    (void)state;
    enum { UNITS = 4000, BYTES = 32 * 1024 * 1024 };
    struct hub_console slow = {0};
    struct hub_console quick = {0};
    uint64_t first = make_units(UNITS);
    int64_t resyncs = metric("tocsin_hub_resyncs_total");
    hub_console_open(&slow, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&slow, seq_now()));
    hub_console_open(&quick, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&quick, seq_now()));
    int64_t worst_us = 0;
    int32_t lon = 0;
    int rounds = 0;
    for (; quick.ws.bytes < BYTES && rounds < 1000; rounds++) { /* more than sockets can hold */
        for (unsigned i = 0; i < UNITS; i++) {
            hub_world_do(&fx.world, DEED_POSITION, first + i, ++lon);
        }
        hub_world_do(&fx.world, DEED_ALARM, 0, rounds);
        uint64_t seq = seq_now();
        int64_t since_us = tc_clock_monotonic_us();
        assert_true(hub_console_reach(&quick, seq));
        int64_t took_us = tc_clock_monotonic_us() - since_us;
        worst_us = took_us > worst_us ? took_us : worst_us;
    }
    print_message("quick console: worst %lld ms behind the follower\n",
                  (long long)(worst_us / 1000));
    assert_true(worst_us < 3 * TC_SEC);
    assert_int_equal(quick.gaps, 0);
    assert_int_equal(quick.resyncs, 0);
    slow.seq = 0;
    int64_t until_us = tc_clock_monotonic_us() + 20 * TC_SEC;
    while (slow.resyncs == 0 && slow.seq < seq_now() && tc_clock_monotonic_us() < until_us) {
        (void)hub_console_step(&slow, 500);
    }
    print_message("%d rounds; slow console read %llu KiB, quick one %llu KiB in %u deltas\n",
                  rounds, (unsigned long long)(slow.ws.bytes / 1024),
                  (unsigned long long)(quick.ws.bytes / 1024), quick.deltas);
    assert_true(slow.resyncs >= 1);
    assert_true(hub_console_reach(&slow, seq_now()));
    assert_int_equal(hub_console_count(&slow, "alarm"), rounds);
    for (unsigned i = 0; i < UNITS; i++) {
        assert_int_equal(lon_of(&slow, first + i), lon_of(&quick, first + i));
    }
    assert_true(metric("tocsin_hub_resyncs_total") > resyncs);
    hub_console_close(&slow);
    hub_console_close(&quick);
}

static void test_alarms_skip_the_tick(void **state)
{
    (void)state;
    struct hub_console c = {0};
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&c, seq_now()));
    int64_t best_us = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        pause_ms(7);
        int64_t since_us = tc_clock_monotonic_us();
        size_t before = hub_console_count(&c, "alarm");
        hub_world_do(&fx.world, i & 1 ? DEED_ALARM : DEED_QUESTION, 0, i);
        size_t questions = hub_console_count(&c, "question");
        while (hub_console_count(&c, "alarm") == before &&
               hub_console_count(&c, "question") == questions) {
            assert_non_null(hub_console_step(&c, 3000));
        }
        int64_t took_us = tc_clock_monotonic_us() - since_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    print_message("alarm on the console: best %lld us\n", (long long)best_us);
    assert_true(best_us < 25 * TC_MS); /* the tick alone is 50 */
    hub_console_close(&c);
}

static void test_difference_between_models_is_told(void **state)
{
    (void)state;
    struct hub_console c = {0};
    struct tc_http_response r;
    int64_t before = metric("tocsin_hub_digest_mismatches_total");
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&c, seq_now()));
    fx.world.spoils_digest = true;
    hub_world_do(&fx.world, DEED_UNIT, 0, 1);
    (void)seq_now();
    int64_t until_us = tc_clock_monotonic_us() + 10 * TC_SEC;
    while (!c.fault && tc_clock_monotonic_us() < until_us) {
        (void)hub_console_step(&c, 500);
    }
    assert_non_null(c.fault);
    assert_string_equal(json_string_value(json_object_get(c.fault, "what")), "digest");
    assert_true(metric("tocsin_hub_digest_mismatches_total") > before);
    assert_true(tc_http_ask(fx.port, "GET", "/healthz", NULL, TC_STR(""), &r));
    assert_int_equal(r.status, 503);
    tc_http_finish(&r);
    hub_console_close(&c);
}

static void test_two_hundred_consoles(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    static struct hub_console c[COUNT];
    uint64_t first = make_units(200);
    for (int i = 0; i < COUNT; i++) {
        hub_console_open(&c[i], &fx, i % 2 ? fx.officer_cookie : fx.observer_cookie, 0, 0);
    }
    uint64_t seq = seq_now();
    for (int i = 0; i < COUNT; i++) {
        assert_true(hub_console_reach(&c[i], seq));
    }
    assert_int_equal(metric("tocsin_hub_consoles"), COUNT);
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 200; i++) {
            hub_world_do(&fx.world, DEED_POSITION, first + i, round * 1000 + (int)i);
        }
        pause_ms(50);
    }
    hub_world_do(&fx.world, DEED_ALARM, 0, 5);
    int64_t since_us = tc_clock_monotonic_us();
    seq = seq_now();
    uint64_t bytes = 0;
    for (int i = 0; i < COUNT; i++) {
        assert_true(hub_console_reach(&c[i], seq));
        assert_int_equal(c[i].gaps, 0);
        assert_int_equal(hub_console_count(&c[i], "alarm"), 1);
        assert_int_equal(lon_of(&c[i], first + 150), 9150);
        bytes += c[i].ws.bytes;
    }
    print_message("alarm on all %d consoles after %lld ms (%llu KiB in all)\n", COUNT,
                  (long long)((tc_clock_monotonic_us() - since_us) / 1000),
                  (unsigned long long)(bytes / 1024));
    for (int i = 0; i < COUNT; i++) {
        hub_console_close(&c[i]);
    }
    for (int i = 0; i < 100 && metric("tocsin_hub_consoles") > 0; i++) {
        pause_ms(20);
    }
    assert_int_equal(metric("tocsin_hub_consoles"), 0);
}

/** Half-sensible openings, so that more than the request line is reached. */
static size_t nonsense(uint8_t *to, size_t size, unsigned *chance)
{
    static const char *const starts[] = {
        "GET / HTTP/1.1\r\n",
        "POST /api/login HTTP/1.1\r\nContent-Length: 50\r\n\r\n",
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "",
        "POST /api/commands HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /api/log?before=-1&limit=99999999999999999999&&=%zz HTTP/1.1\r\n\r\n",
    };
    *chance = *chance * 1103515245u + 12345u;
    const char *start = starts[(*chance >> 16) % TC_COUNT_OF(starts)];
    size_t len = strlen(start);
    memcpy(to, start, len);
    size_t more = (*chance >> 4) % (size - len);
    for (size_t i = 0; i < more; i++) {
        *chance = *chance * 1103515245u + 12345u;
        to[len++] = (uint8_t)(*chance >> 16);
    }
    return len;
}

static void test_random_bytes(void **state)
{
    (void)state;
    static uint8_t bytes[3000];
    unsigned chance = 20261121u;
    struct hub_console c = {0};
    hub_console_open(&c, &fx, fx.officer_cookie, 0, 0);
    assert_true(hub_console_reach(&c, seq_now()));
    int64_t until_us = tc_clock_monotonic_us() + 3 * TC_SEC;
    unsigned tries = 0;
    for (; tc_clock_monotonic_us() < until_us; tries++) {
        int fd = tc_tcp_connect(fx.port);
        assert_true(fd >= 0);
        size_t len = nonsense(bytes, sizeof bytes, &chance);
        (void)tc_tcp_send(fd, bytes, len);
        if (tries % 8 == 0) {
            struct pollfd p = {.fd = fd, .events = POLLIN};
            (void)poll(&p, 1, 5);
        }
        (void)close(fd);
    }
    /* and nonsense inside an open WebSocket: frames with wrong bits, lengths and masks */
    for (int i = 0; i < 200; i++) {
        struct hub_console w = {0};
        hub_console_open(&w, &fx, fx.observer_cookie, 0, 0);
        size_t len = nonsense(bytes, sizeof bytes, &chance);
        (void)tc_tcp_send(w.ws.fd, bytes + len / 2, len - len / 2);
        hub_console_close(&w);
    }
    print_message("%u connections of nonsense\n", tries);
    hub_world_do(&fx.world, DEED_ALARM, 0, 3);
    assert_true(hub_console_reach(&c, seq_now()));
    assert_int_equal(hub_console_count(&c, "alarm"), 1);
    assert_int_equal(c.gaps, 0);
    hub_console_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hello_and_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_and_deltas_have_no_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observer_sees_no_telephone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_console_is_resynced_and_delays_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_alarms_skip_the_tick, setup, teardown),
        cmocka_unit_test_setup_teardown(test_difference_between_models_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_hundred_consoles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, setup_files, teardown_files);
}
