/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full and a disk that cannot make sure: the system says so in a sentence and stops;
 * whatever it acknowledged is there, and without the fault it goes on from there.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define FILE_BYTES_MAX \
    ((int64_t)512 * 1024) /* room for the new segment and a few hundred commits */
#define READINGS_MAX 5000

static struct sys sys;
static struct sys_gateway gateway;
static uint64_t acknowledged[READINGS_MAX + 1]; /* seq told for reading n, 0: not told */
static uint32_t told;
static bool has_passed;

static void write_reading(struct tc_buf *b, uint32_t n)
{
    tc_buf_clear(b);
    tc_buf_format(b,
                  "{\"id\":\"r-%u\",\"observations\":[{\"kind\":\"reading\",\"device\":\"GA-05\","
                  "\"factor\":\"water_level\",\"value_e6\":%u}]}",
                  n, n);
    tc_buf_byte(b, '\0');
}

/** One try; true when it was acknowledged. */
static bool give_reading(uint32_t n)
{
    struct tc_buf b = {0};
    write_reading(&b, n);
    json_t *answer = sys_gateway_ask(&gateway, (const char *)b.bytes, 700);
    tc_buf_finish(&b);
    const json_t *verdict = json_array_get(json_object_get(answer, "results"), 0);
    uint64_t seq = (uint64_t)sys_number(verdict, "seq");
    if (seq) {
        acknowledged[n] = seq;
        told++;
    }
    json_decref(answer);
    return seq > 0;
}

static bool health_says_stopped(void)
{
    struct tc_http_response r;
    bool is_stopped = true; /* the connection's end says it, too */
    if (tc_http_ask(sys.hub_port, "GET", "/healthz", NULL, (struct tc_str){0}, &r)) {
        is_stopped = r.status == 503 && strstr((const char *)r.body.bytes, "journal_stopped");
    }
    tc_http_finish(&r);
    return is_stopped;
}

static void compare_with_journal(void)
{
    json_t *journal = sys_journal(&sys, 1);
    for (uint32_t n = 1; n <= READINGS_MAX; n++) {
        if (acknowledged[n]) {
            const json_t *e = json_array_get(journal, acknowledged[n] - 1);
            assert_int_equal(sys_number(e, "seq"), acknowledged[n]);
            assert_true(sys_is_kind(e, "sensor.reading"));
            assert_int_equal(sys_body_number(e, "value_e6"), n);
        }
    }
    json_decref(journal);
}

/** From the first reading without an answer to a clean start without the fault. */
static void check_end_and_restart(uint32_t next)
{
    assert_true(health_says_stopped());
    assert_int_equal(sys_wait_end(&sys, 10000), 3);
    struct tc_buf log = sys_log(&sys);
    print_message("%s", (const char *)log.bytes);
    assert_non_null(strstr((const char *)log.bytes, "storage takes nothing any more"));
    assert_non_null(strstr((const char *)log.bytes, "存储失败"));
    assert_null(strstr((const char *)log.bytes, "AddressSanitizer"));
    tc_buf_finish(&log);
    compare_with_journal();
    sys_require_whole(&sys);
    sys.file_bytes_max = 0;
    sys.env[0] = NULL;
    sys_start(&sys);
    for (uint32_t n = next; n < next + 20; n++) {
        uint32_t tries = 0;
        while (!give_reading(n)) {
            assert_true(++tries < 10);
        }
    }
    print_message("%u acknowledged readings compared\n", told);
    compare_with_journal();
    assert_int_equal(sys_stop(&sys), 0);
    sys_require_whole(&sys);
    has_passed = true;
}

static void test_disk_full(void **state)
{
    (void)state;
    uint32_t n = 1;
    sys.file_bytes_max = FILE_BYTES_MAX;
    sys_start(&sys);
    while (n < READINGS_MAX && give_reading(n)) {
        n++;
    }
    assert_true(n > 20 && n < READINGS_MAX - 20);
    check_end_and_restart(n);
}

static char fault_file[96];

/** Starts with a disk that goes wrong in this way when break_disk was called. */
static void start_with_fault(const char *name)
{
    static char setting[160];
    (void)tc_str_format(fault_file, sizeof fault_file, "%s/broken", sys.dir);
    (void)tc_str_format(setting, sizeof setting, "%s=%s", name, fault_file);
    sys.env[0] = setting;
    sys.env[1] = "LD_PRELOAD=" SYNC_FAULT;
    sys.env[2] = "ASAN_OPTIONS=verify_asan_link_order=0";
    sys_start(&sys);
}

static void break_disk(void)
{
    FILE *file = fopen(fault_file, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/** Consoles tick and ask for the system's health while it waits for its last snapshot. */
static void test_stops_on_a_slow_disk(void **state)
{
    (void)state;
    start_with_fault("SYNC_SLOW_FILE");
    assert_true(give_reading(1));
    break_disk();
    assert_int_equal(sys_stop(&sys), 0);
    compare_with_journal();
    sys_require_whole(&sys);
    has_passed = true;
}

static void test_sync_fails(void **state)
{
    (void)state;
    uint32_t n = 1;
    start_with_fault("SYNC_FAIL_FILE");
    for (; n <= 50; n++) {
        assert_true(give_reading(n));
    }
    break_disk();
    assert_false(give_reading(n)); /* nothing is said of what is not sure */
    check_end_and_restart(n);
}

static int set_up(void **state)
{
    (void)state;
    sys = (struct sys){0};
    told = 0;
    has_passed = false;
    memset(acknowledged, 0, sizeof acknowledged);
    sys_open(&sys);
    sys_gateway_open(&gateway, &sys);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sys_gateway_close(&gateway);
    sys_close(&sys, !has_passed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sync_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_on_a_slow_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
