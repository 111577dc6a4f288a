/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole road once, with everything real: rain, an underpass that floods, sensed once and
 * reported twice, becomes one incident; the plan asks, the officer answers, orders go by radio,
 * crews read, drive and arrive, the water falls, the incident closes, a timeline remains.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define PATIENCE_MS 90000
#define STATION     "440304A8900016F000169DC0"

struct story {
    struct sys sys;
    struct sys_gateway gauge;
    uint64_t incident;
    unsigned readings;
    char key[64]; /* of the citizens' application */
};

static int setup(void **state)
{
    struct story *t = calloc(1, sizeof *t);
    *state = t;
    sys_open(&t->sys);
    sys_gateway_open(&t->gauge, &t->sys);
    return 0;
}

static int teardown(void **state)
{
    struct story *t = *state;
    sys_gateway_close(&t->gauge);
    sys_close(&t->sys, false);
    free(t);
    return 0;
}

static void level(struct story *t, int64_t value_e6)
{
    char id[32];
    (void)snprintf(id, sizeof id, "story-%u", ++t->readings);
    assert_true(sys_reading(&t->gauge, id, "gauge-caitian", value_e6) > 0);
}

/** The first item of a table that `fits`; NULL after PATIENCE_MS. The caller decrefs. */
static json_t *await(struct story *t, const char *table,
                     bool (*fits)(const struct story *t, const json_t *item))
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 100) {
        json_t *items = sys_table(&t->sys, table);
        size_t i = 0;
        const json_t *item = NULL;
        json_array_foreach(items, i, item)
        {
            if (fits(t, item)) {
                json_t *found = json_incref(json_array_get(items, i));
                json_decref(items);
                return found;
            }
        }
        json_decref(items);
        sys_nap_ms(100);
    }
    fail_msg("nothing fitting came into table %s", table);
    return NULL;
}

static size_t count(struct story *t, const char *table,
                    bool (*fits)(const struct story *t, const json_t *item))
{
    json_t *items = sys_table(&t->sys, table);
    size_t n = 0;
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(items, i, item)
    {
        n += fits(t, item);
    }
    json_decref(items);
    return n;
}

static void await_count(struct story *t, const char *table, size_t n,
                        bool (*fits)(const struct story *t, const json_t *item))
{
    for (int waited = 0; waited < PATIENCE_MS && count(t, table, fits) < n; waited += 200) {
        sys_nap_ms(200);
    }
    assert_int_equal(count(t, table, fits), n);
}

static void command(struct story *t, const char *id, const char *name, const char *body)
{
    json_t *answer = sys_command(&t->sys, id, name, body);
    assert_non_null(answer);
    if (!json_is_true(json_object_get(answer, "ok"))) {
        fail_msg("%s was refused: %s %s", name, sys_text(answer, "why"),
                 sys_text(answer, "detail"));
    }
    json_decref(answer);
}

/* What is waited for */

static bool radio_is_up(const struct story *t, const json_t *item)
{
    (void)t;
    return strcmp(sys_text(item, "name"), "radio-1") == 0 &&
           json_is_true(json_object_get(item, "is_up"));
}

static bool is_waterlogging(const struct story *t, const json_t *item)
{
    (void)t;
    return strcmp(sys_text(item, "type"), "waterlogging") == 0;
}

static bool has_three_reports(const struct story *t, const json_t *item)
{
    return sys_number(item, "id") == (int64_t)t->incident && sys_number(item, "reports") == 3;
}

static bool asks_for_pumps(const struct story *t, const json_t *item)
{
    return sys_number(item, "incident") == (int64_t)t->incident &&
           strcmp(sys_text(item, "key"), "pumps") == 0 && sys_text(item, "answer")[0] == '\0';
}

static bool is_read_and_accepted(const struct story *t, const json_t *item)
{
    return sys_number(item, "incident") == (int64_t)t->incident &&
           sys_number(item, "sent_us") > 0 && sys_number(item, "read_us") > 0 &&
           sys_number(item, "accepted_us") > 0;
}

static bool is_on_scene(const struct story *t, const json_t *item)
{
    return sys_number(item, "incident") == (int64_t)t->incident &&
           sys_number(item, "on_scene_us") > 0;
}

static bool is_done(const struct story *t, const json_t *item)
{
    return sys_number(item, "incident") == (int64_t)t->incident &&
           strcmp(sys_text(item, "state"), "done") == 0;
}

static bool run_has_ended(const struct story *t, const json_t *item)
{
    return sys_number(item, "incident") == (int64_t)t->incident &&
           json_is_true(json_object_get(item, "is_ended"));
}

static bool is_any(const struct story *t, const json_t *item)
{
    (void)t;
    (void)item;
    return true;
}

static bool is_measured_cod(const struct story *t, const json_t *item)
{
    (void)t;
    return strcmp(sys_text(item, "device"), STATION) == 0 &&
           strcmp(sys_text(item, "factor"), "w01018") == 0 && sys_number(item, "value_at_us") > 0;
}

/* The feeds beside the gauge */

static void station_reports(struct story *t)
{
    char to[32];
    (void)snprintf(to, sizeof to, "127.0.0.1:%d", t->sys.hj212_port);
    const char *const argv[] = {SIM_HJ212, "--connect",  to,  "--mn",      STATION,    "--st",
                                "21",      "--interval", "1", "--ack-log", "hj.jsonl", NULL};
    (void)sys_simulator(&t->sys, argv);
}

static void make_key(struct story *t)
{
    const char *const words[] = {"user",    "key",      "add",       "citizens", "--role",
                                 "gateway", "--access", "access.db", NULL};
    struct tc_buf out = {0};
    assert_int_equal(sys_run(&t->sys, words, &out), 0);
    for (size_t i = 0, n = 0; i < out.len; i++) { /* the key is the one word of 43 characters */
        char c = (char)out.bytes[i];
        bool is_part = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_';
        n = is_part ? n + 1 : 0;
        if (n == 43) {
            memcpy(t->key, out.bytes + i - 42, 43);
        }
    }
    tc_buf_finish(&out);
    assert_true(strlen(t->key) == 43);
}

static void citizens_report(struct story *t)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/open311/v2", t->sys.hub_port);
    const char *const argv[] = {SIM_CITIZEN,
                                "--url",
                                url,
                                "--api-key",
                                t->key,
                                "--answer-log",
                                "citizen.jsonl",
                                "--report",
                                "0|10001|114.0632|22.5411|彩田路下沉隧道积水,车辆熄火",
                                "--report",
                                "1|10001|114.0636|22.5415|彩田路隧道被淹,过不去",
                                NULL};
    sys_wait_simulator(&t->sys, sys_simulator(&t->sys, argv));
}

/** The console in a real browser over this very system. */
static void look_at_it(struct story *t)
{
    char url[96];
    (void)snprintf(url, sizeof url, "TOCSIN_URL=http://127.0.0.1:%d", t->sys.hub_port);
    if (access(PROJECT "/tests/browser/node_modules", R_OK) != 0 ||
        access(PROJECT "/clients/console/dist/index.html", R_OK) != 0) {
        print_message("skipped: the browser (npm ci in tests/browser, build the console)\n");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("TOCSIN_URL", url + strlen("TOCSIN_URL="), 1);
        (void)setenv("TOCSIN_USER", "chen", 1);
        (void)setenv("TOCSIN_PASSWORD", "kuai-dian-lai-1", 1);
        (void)execlp("node", "node", "--test", PROJECT "/tests/browser/story.test.mjs",
                     (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/** Prints the record of the incident and finds the turning points in it, in this order. */
static void read_timeline(struct story *t)
{
    static const char *const points[] = {
        "alarm.raised",    "incident.opened", "run.started",       "response.proposed",
        "road.closed",     "question.asked",  "question.answered", "assignment.opened",
        "order.attempted", "order.sent",      "order.read",        "order.accepted",
        "alarm.cleared",   "road.opened",     "run.ended",         "incident.closed"};
    json_t *events = sys_journal(&t->sys, 1);
    size_t at = 0;
    size_t i = 0;
    const json_t *e = NULL;
    json_array_foreach(events, i, e)
    {
        if (at < TC_COUNT_OF(points) && sys_is_kind(e, points[at])) {
            print_message("  #%lld %s\n", (long long)sys_number(e, "seq"), points[at]);
            at++;
        }
    }
    json_decref(events);
    if (at < TC_COUNT_OF(points)) {
        fail_msg("%s is not in the record where it should be", points[at]);
    }
}

static void open_the_day(struct story *t)
{
    make_key(t);
    (void)sys_radios(&t->sys, "2");
    sys_start(&t->sys);
    sys_log_in(&t->sys);
    station_reports(t);
    json_decref(await(t, "source", radio_is_up));
    for (int i = 1; i <= 4; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "status 1040%d 0x8002", i);
        assert_true(sys_control(&t->sys, line));
    }
}

static void flood(struct story *t)
{
    level(t, 40000);
    level(t, 210000);
    json_t *incident = await(t, "incident", is_waterlogging);
    t->incident = (uint64_t)sys_number(incident, "id");
    json_decref(incident);
    citizens_report(t);
    json_decref(await(t, "incident", has_three_reports));
    assert_int_equal(count(t, "incident", is_waterlogging), 1);
    assert_int_equal(count(t, "closure", is_any), 1);
}

static void send_help(struct story *t)
{
    char body[160];
    json_t *question = await(t, "question", asks_for_pumps);
    (void)snprintf(body, sizeof body, "{\"question\":%lld,\"answer\":\"yes\"}",
                   (long long)sys_number(question, "id"));
    json_decref(question);
    command(t, "answer", "question.answer", body);
    await_count(t, "order", 2, is_read_and_accepted);
    await_count(t, "assignment", 2, is_on_scene);
}

static void end_it(struct story *t)
{
    char body[160];
    level(t, 30000);
    json_decref(await(t, "run", run_has_ended));
    assert_int_equal(count(t, "closure", is_any), 0);
    for (int i = 1; i <= 4; i++) { /* those that are there have finished */
        char line[64];
        (void)snprintf(line, sizeof line, "clear 1040%d", i);
        (void)sys_control(&t->sys, line);
    }
    await_count(t, "assignment", 2, is_done);
    (void)snprintf(body, sizeof body, "{\"incident\":%llu,\"disposition\":\"积水已排除\"}",
                   (unsigned long long)t->incident);
    command(t, "close", "incident.close", body);
}

static void test_story(void **state)
{
    struct story *t = *state;
    open_the_day(t);
    flood(t);
    look_at_it(t);
    send_help(t);
    end_it(t);
    json_decref(await(t, "sensor", is_measured_cod));
    read_timeline(t);
    assert_int_equal(sys_stop(&t->sys), 0);
    sys_require_whole(&t->sys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_story, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
