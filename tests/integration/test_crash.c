/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killed again and again under load. Radios, a gauge, a gateway and a person go on the whole time
 * and write down what they were told; at the end the record must say the same.
 *
 * TOCSIN_CRASHES and TOCSIN_SEED change the number of kills and their moments.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/integration/crash_verdict.h"
#include "tests/lib/tc_test.h"

#define LONG_EVERY 5 /* this one lives until its radio link is up and orders go out */
#define QUIET_MS   13000

static struct sys sys;
static struct notes gateway_notes;
static struct notes command_notes;
static atomic_bool is_over;
static bool has_passed;
static uint64_t incident;
static uint64_t unit_ids[12];
static size_t unit_count;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void note_down(struct notes *notes, struct noted n)
{
    if (notes->count < NOTES_MAX) {
        notes->list[notes->count++] = n;
    }
}

/* The gateway's thread: one request at a time, again until it is answered. */

static void write_request(struct tc_buf *b, enum asked what, uint32_t n)
{
    char now[TC_TIME_TEXT_SIZE];
    tc_time_utc_text(tc_clock_utc_us(), now);
    tc_buf_clear(b);
    tc_buf_format(b, "{\"id\":\"g-%u\",\"observations\":[{", n);
    if (what == ASKED_READING) {
        tc_buf_format(b, "\"kind\":\"reading\",\"device\":\"GA-05\",\"value_e6\":%u,", n);
    } else {
        tc_buf_format(b, "\"kind\":\"alarm\",\"device\":\"GA-02\",\"level\":\"warning\",%s",
                      what == ASKED_CLEAR ? "\"cleared\":true," : "");
    }
    tc_buf_format(b, "\"factor\":\"water_level\",\"occurred\":\"%s\"}]}", now);
    tc_buf_byte(b, '\0');
}

static void *gateway_thread(void *arg)
{
    struct sys_gateway g;
    struct tc_buf b = {0};
    bool is_raised = false;
    (void)arg;
    sys_gateway_open(&g, &sys);
    for (uint32_t n = 1; !atomic_load(&is_over) && n < 90000; n++) {
        enum asked what = n % 16 ? ASKED_READING : is_raised ? ASKED_CLEAR : ASKED_ALARM;
        json_t *answer = NULL;
        write_request(&b, what, n);
        while (!answer && !atomic_load(&is_over)) {
            answer = sys_gateway_ask(&g, (const char *)b.bytes, 300);
        }
        const json_t *verdict = json_array_get(json_object_get(answer, "results"), 0);
        if (answer) {
            note_down(&gateway_notes,
                      (struct noted){.what = what,
                                     .n = n,
                                     .is_ok = json_object_get(verdict, "seq") != NULL,
                                     .seq = (uint64_t)sys_number(verdict, "seq")});
            is_raised = what == ASKED_READING ? is_raised : what == ASKED_ALARM;
        }
        json_decref(answer);
        sys_nap_ms(15);
    }
    tc_buf_finish(&b);
    sys_gateway_close(&g);
    return NULL;
}

/* The person's thread. */

static enum asked choose_command(uint32_t n, char *name, size_t size, struct tc_buf *body)
{
    unsigned long long unit = unit_ids[n % unit_count];
    static const enum asked turns[] = {ASKED_ORDER, ASKED_NOTE,  ASKED_CLOCK, ASKED_NOTE,
                                       ASKED_ORDER, ASKED_UNITS, ASKED_CLOCK, ASKED_NOTE};
    enum asked what = turns[n % TC_COUNT_OF(turns)];
    tc_buf_clear(body);
    if (what == ASKED_NOTE) {
        (void)tc_str_put(name, size, TC_STR("incident.note"));
        tc_buf_format(body, "{\"incident\":%llu,\"text\":\"note %u\"}",
                      (unsigned long long)incident, n);
    } else if (what == ASKED_ORDER) {
        (void)tc_str_put(name, size, TC_STR("order.send"));
        tc_buf_format(body,
                      "{\"recipient_kind\":\"unit\",\"recipient\":%llu,\"channel\":\"sds\","
                      "\"text\":\"order %u\",\"expires_s\":%u}",
                      unit, n, n % 3 ? 0 : 20);
    } else if (what == ASKED_CLOCK) {
        (void)tc_str_put(name, size, TC_STR("clock.start"));
        tc_buf_format(body, "{\"incident\":%llu,\"name\":\"clock %u\",\"seconds\":%u}",
                      (unsigned long long)incident, n, 1 + n % 9);
    } else {
        (void)tc_str_put(name, size, TC_STR("units.send"));
        tc_buf_format(body, "{\"incident\":%llu,\"units\":[%llu]}", (unsigned long long)incident,
                      unit);
    }
    tc_buf_byte(body, '\0');
    return what;
}

/** A result, and not only "come again". */
static bool is_settled(const json_t *answer)
{
    const char *why = sys_text(answer, "why");
    return strcmp(sys_text(answer, "t"), "result") == 0 && strcmp(why, "busy") != 0 &&
           strcmp(why, "no_answer_yet") != 0;
}

static void *person_thread(void *arg)
{
    struct tc_buf body = {0};
    (void)arg;
    for (uint32_t n = 1; !atomic_load(&is_over); n++) {
        char name[32];
        char id[32];
        json_t *answer = NULL;
        enum asked what = choose_command(n, name, sizeof name, &body);
        (void)tc_str_format(id, sizeof id, "c-%u", n);
        while (!is_settled(answer) && !atomic_load(&is_over)) {
            json_decref(answer);
            answer = sys_command(&sys, id, name, (const char *)body.bytes);
            sys_nap_ms(answer ? 100 : 30);
        }
        if (is_settled(answer)) {
            note_down(&command_notes,
                      (struct noted){.what = what,
                                     .n = n,
                                     .is_ok = json_is_true(json_object_get(answer, "ok")),
                                     .seq = (uint64_t)sys_number(answer, "seq")});
        }
        json_decref(answer);
    }
    tc_buf_finish(&body);
    return NULL;
}

static void start_gauge(void)
{
    const char *const argv[] = {SIM_GAUGE,
                                "--url",
                                sys.gateway_url,
                                "--device",
                                "gauge-caitian",
                                "--profile",
                                "0:0.01,50:0.05",
                                "--loop",
                                "--interval",
                                "0.1",
                                "--timeout",
                                "0.5",
                                "--ack-log",
                                "gauge.jsonl",
                                NULL};
    (void)sys_simulator(&sys, argv);
}

static void prepare(void)
{
    json_t *item = NULL;
    size_t i = 0;
    sys_open(&sys);
    (void)sys_radios(&sys, "0.5");
    sys_start(&sys);
    sys_log_in(&sys);
    json_t *answer = sys_command(
        &sys, "the-incident", "incident.open",
        "{\"type\":\"fire\",\"title\":\"t\",\"lon_e7\":1140550000,\"lat_e7\":225420000}");
    assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    incident = sys_find(&sys, "incident", "title", "t");
    assert_true(incident > 0);
    json_t *units = sys_table(&sys, "unit");
    json_array_foreach(units, i, item)
    {
        unit_ids[unit_count++ % TC_COUNT_OF(unit_ids)] = (uint64_t)sys_number(item, "id");
    }
    json_decref(units);
    assert_int_equal(unit_count, 12);
    start_gauge();
}

static void kill_many(int64_t kills, uint64_t seed)
{
    uint64_t chance = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (int64_t i = 0; i < kills; i++) {
        int64_t life_ms = i % LONG_EVERY == 0 ? 4300 + (int64_t)(next_random(&chance) % 1500)
                                              : (int64_t)(next_random(&chance) % 1500);
        int64_t until_us = tc_clock_monotonic_us() + life_ms * TC_MS;
        while (tc_clock_monotonic_us() < until_us) {
            sys_nap_ms(5);
        }
        sys_require_alive(&sys);
        sys_kill(&sys);
        sys_spawn(&sys);
    }
    if (!sys_wait_up(&sys)) {
        sys_require_alive(&sys);
        fail_msg("tocsin does not come up after the last kill");
    }
}

static void test_killed_again_and_again(void **state)
{
    pthread_t threads[2];
    int64_t kills = sys_setting("TOCSIN_CRASHES", 50);
    uint64_t seed = (uint64_t)sys_setting("TOCSIN_SEED", tc_clock_utc_us() % 1000000);
    struct verdict v;
    (void)state;
    print_message("seed %llu, %lld kills\n", (unsigned long long)seed, (long long)kills);
    prepare();
    assert_int_equal(pthread_create(&threads[0], NULL, gateway_thread, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, person_thread, NULL), 0);
    kill_many(kills, seed);
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    sys_nap_ms(QUIET_MS); /* unknown attempts are sent again, timers fall due */
    assert_int_equal(sys_stop(&sys), 0);
    crash_verdict(&sys, &gateway_notes, &command_notes, &v);
    print_message("seed %llu: %lld kills, %zu events; compared: %zu gateway acknowledgements (%zu "
                  "alarms), %zu gauge readings, %zu commands, %zu SDS (%zu repeats), %zu timers\n",
                  (unsigned long long)seed, (long long)kills, v.events, v.gateway, v.alarms,
                  v.gauge, v.commands, v.sds, v.repeats, v.timers);
    assert_true(v.gateway > 0 && v.commands > 0 && v.gauge > 0 && v.sds > 0);
    has_passed = true;
}

static int set_up(void **state)
{
    (void)state;
    gateway_notes.list = calloc(NOTES_MAX, sizeof *gateway_notes.list);
    command_notes.list = calloc(NOTES_MAX, sizeof *command_notes.list);
    return gateway_notes.list && command_notes.list ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&is_over, true);
    sys_close(&sys, !has_passed);
    free(gateway_notes.list);
    free(command_notes.list);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_again_and_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
