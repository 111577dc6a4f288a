/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub's thread stands still for five seconds: what is owed to gateways and radios goes out all
 * the same, a console can tell that it is stale, and afterwards nothing is missing.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define HOLD_US  (5 * TC_SEC)
#define STALE_US (3 * TC_SEC) /* docs/architecture.md: no tick for that long */
#define ORDERS   40
#ifndef __WALL
#define __WALL 0x40000000 /* waitpid(2): threads, too */
#endif

static struct sys sys;
static bool has_passed;

/* A console that keeps count */

struct console {
    struct tc_ws ws;
    uint64_t seq;       /* the last it was brought to */
    uint64_t from_seq;  /* where its deltas began */
    int64_t tick_us;    /* when the last tick came */
    int64_t silence_us; /* longest time without one */
    json_t *facts;      /* seqs it was told, in order */
    bool is_ready;
};

static void take_delta(struct console *c, const json_t *frame)
{
    const json_t *fact = NULL;
    size_t i = 0;
    assert_int_equal(sys_number(frame, "from"), c->seq); /* no gap */
    assert_true((uint64_t)sys_number(frame, "seq") > c->seq);
    c->seq = (uint64_t)sys_number(frame, "seq");
    json_array_foreach(json_object_get(frame, "log"), i, fact)
    {
        assert_int_equal(json_array_append_new(c->facts, json_integer(sys_number(fact, "seq"))), 0);
    }
}

static void take_frame(struct console *c, const json_t *frame)
{
    const char *type = sys_text(frame, "t");
    int64_t now_us = tc_clock_monotonic_us();
    assert_string_not_equal(type, "resync");
    if (strcmp(type, "ready") == 0) {
        c->is_ready = true;
        c->seq = c->from_seq = (uint64_t)sys_number(frame, "seq");
    } else if (strcmp(type, "delta") == 0 && c->is_ready) {
        take_delta(c, frame);
    } else if (strcmp(type, "tick") == 0) {
        int64_t silence_us = c->tick_us ? now_us - c->tick_us : 0;
        c->silence_us = silence_us > c->silence_us ? silence_us : c->silence_us;
        c->tick_us = now_us;
    }
}

/** Reads for `ms`, or until it has `seq` when that is not 0. */
static void watch(struct console *c, int ms, uint64_t seq)
{
    int64_t until_us = tc_clock_monotonic_us() + ms * TC_MS;
    struct tc_buf text = {0};
    while (tc_clock_monotonic_us() < until_us && (seq == 0 || c->seq < seq)) {
        int got = tc_ws_receive(&c->ws, &text, 50);
        assert_true(got >= 0);
        json_t *frame =
            got == 1 ? json_loadb((const char *)text.bytes, text.len, JSON_DECODE_INT_AS_REAL, NULL)
                     : NULL;
        if (frame) {
            take_frame(c, frame);
        }
        json_decref(frame);
    }
    tc_buf_finish(&text);
}

static void open_console(struct console *c)
{
    char headers[256];
    *c = (struct console){.facts = json_array()};
    (void)tc_str_format(headers, sizeof headers, "%sOrigin: http://127.0.0.1:%d\r\n", sys.cookie,
                        sys.hub_port);
    assert_int_equal(tc_ws_open(&c->ws, sys.hub_port, "/ws", headers), 101);
    assert_true(tc_ws_send(&c->ws, TC_STR("{\"t\":\"resume\",\"epoch\":1,\"seq\":0}")));
    watch(c, 1500, 0);
    assert_true(c->is_ready && c->tick_us > 0);
}

/* The thread */

static bool read_line(const char *what, pid_t tid, char *to, size_t size)
{
    char path[96];
    (void)tc_str_format(path, sizeof path, "/proc/%d/task/%d/%s", (int)sys.tocsin, (int)tid, what);
    FILE *file = fopen(path, "r");
    bool is_read = file && fgets(to, (int)size, file);
    if (file) {
        (void)fclose(file);
    }
    return is_read;
}

static pid_t hub_thread(void)
{
    char path[64];
    pid_t found = 0;
    const struct dirent *entry = NULL;
    (void)tc_str_format(path, sizeof path, "/proc/%d/task", (int)sys.tocsin);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char name[64] = "";
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && read_line("comm", tid, name, sizeof name) && strcmp(name, "hub\n") == 0) {
            found = tid;
        }
    }
    (void)closedir(dir);
    assert_true(found > 0);
    return found;
}

/** It waits for work, so it holds no lock that others need. */
static bool is_waiting(pid_t tid)
{
    char line[256] = "";
    long number = read_line("syscall", tid, line, sizeof line) ? strtol(line, NULL, 10) : -1;
    return number == SYS_epoll_pwait || number == SYS_epoll_wait;
}

/** False when this machine does not let us. */
static bool hold(pid_t tid)
{
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
        print_message("skipped: ptrace: %s\n", strerror(errno));
        return false;
    }
    for (int tries = 0; tries < 200; tries++) {
        int status = 0;
        assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
        assert_int_equal(waitpid(tid, &status, __WALL), tid);
        assert_true(WIFSTOPPED(status));
        if (is_waiting(tid)) {
            return true;
        }
        assert_int_equal(ptrace(PTRACE_CONT, tid, NULL, NULL), 0);
        sys_nap_ms(3);
    }
    fail_msg("the hub never waits");
    return false;
}

/* The test */

static size_t heard_count(void)
{
    json_t *lines = sys_lines(&sys, "air.jsonl");
    json_t *line = NULL;
    size_t i = 0;
    size_t count = 0;
    json_array_foreach(lines, i, line)
    {
        count += strcmp(sys_text(line, "outcome"), "on_air") == 0;
    }
    json_decref(lines);
    return count;
}

static void give_orders(void)
{
    unsigned long long unit = sys_find(&sys, "unit", "address", "10301");
    for (int i = 0; i < ORDERS; i++) {
        char id[16];
        char body[160];
        (void)tc_str_format(id, sizeof id, "o-%d", i);
        (void)tc_str_format(body, sizeof body,
                            "{\"recipient_kind\":\"unit\",\"recipient\":%llu,\"channel\":\"sds\","
                            "\"text\":\"go %d\"}",
                            unit, i);
        json_t *answer = sys_command(&sys, id, "order.send", body);
        assert_true(json_is_true(json_object_get(answer, "ok")));
        json_decref(answer);
    }
}

/** What the console was told is what the record has, fact by fact. */
static void compare_facts(const struct console *c)
{
    json_t *journal = sys_journal(&sys, c->from_seq + 1);
    const json_t *e = NULL;
    size_t i = 0;
    size_t at = 0;
    json_array_foreach(journal, i, e)
    {
        bool is_telemetry = sys_is_kind(e, "unit.position") || sys_is_kind(e, "unit.heard") ||
                            sys_is_kind(e, "sensor.reading") || sys_is_kind(e, "frame.rejected");
        if (!is_telemetry && (uint64_t)sys_number(e, "seq") <= c->seq) {
            assert_int_equal(json_integer_value(json_array_get(c->facts, at)),
                             sys_number(e, "seq"));
            at++;
        }
    }
    assert_int_equal(at, json_array_size(c->facts));
    print_message("%zu facts came to the console, none is missing\n", at);
    assert_true(at > 0);
    json_decref(journal);
}

/** Five seconds of everybody else's work. */
static uint64_t work_on(size_t *acknowledged, int64_t *slowest_us)
{
    struct sys_gateway g;
    uint64_t last = 0;
    int64_t until_us = tc_clock_monotonic_us() + HOLD_US;
    sys_gateway_open(&g, &sys);
    for (int64_t n = 1; tc_clock_monotonic_us() < until_us; n++) {
        char id[16];
        (void)tc_str_format(id, sizeof id, "r-%lld", (long long)n);
        int64_t from_us = tc_clock_monotonic_us();
        last = sys_reading(&g, id, "GA-05", n);
        int64_t took_us = tc_clock_monotonic_us() - from_us;
        assert_true(last > 0);
        *slowest_us = took_us > *slowest_us ? took_us : *slowest_us;
        ++*acknowledged;
        sys_nap_ms(50);
    }
    sys_gateway_close(&g);
    return last;
}

static void test_hub_thread_held(void **state)
{
    struct console c;
    size_t acknowledged = 0;
    int64_t slowest_us = 0;
    (void)state;
    open_console(&c);
    give_orders();
    while (heard_count() < 2) { /* the link is up and they are going out */
        watch(&c, 100, 0);
    }
    pid_t tid = hub_thread();
    if (!hold(tid)) {
        skip();
    }
    int64_t held_us = tc_clock_monotonic_us();
    size_t heard = heard_count();
    uint64_t last = work_on(&acknowledged, &slowest_us);
    heard = heard_count() - heard;
    int64_t went_us = tc_clock_monotonic_us() - held_us;
    assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
    print_message("held %lld ms: %zu acknowledgements (slowest %lld ms), %zu SDS on the air\n",
                  (long long)(went_us / TC_MS), acknowledged, (long long)(slowest_us / TC_MS),
                  heard);
    assert_true(acknowledged >= 10 && heard >= 3);
    assert_true(slowest_us < TC_SEC);
    watch(&c, 15000, last);
    assert_true(c.seq >= last);
    watch(&c, 2500, 0);
    print_message("longest time without a tick: %lld ms\n", (long long)(c.silence_us / TC_MS));
    assert_true(c.silence_us > STALE_US);
    assert_true(tc_clock_monotonic_us() - c.tick_us < 2 * TC_SEC); /* they come again */
    compare_facts(&c);
    tc_ws_close(&c.ws);
    json_decref(c.facts);
    assert_int_equal(sys_stop(&sys), 0);
    sys_require_whole(&sys);
    has_passed = true;
}

static int set_up(void **state)
{
    (void)state;
    sys_open(&sys);
    (void)sys_radios(&sys, "0.5");
    sys_nap_ms(300); /* they listen before they are dialled */
    sys_start(&sys);
    sys_log_in(&sys);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sys_close(&sys, !has_passed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hub_thread_held, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
