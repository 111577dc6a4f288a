/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/crash_verdict.h"

#include <stdlib.h>

#include "tests/lib/tc_test.h"

#define MARK        "【重发】"
#define NUMBER_SIZE 32
#define FOLLOWS_MAX 64 /* events looked at after a command */
#define SETTLED_US  (2 * TC_SEC)

static const json_t *event_at(const json_t *journal, uint64_t seq)
{
    const json_t *e = seq ? json_array_get(journal, seq - 1) : NULL;
    if (!e || (uint64_t)sys_number(e, "seq") != seq) {
        fail_msg("seq %llu was acknowledged and is not in the journal", (unsigned long long)seq);
    }
    return e;
}

static void require_gapless(const json_t *journal)
{
    const json_t *e = NULL;
    size_t i = 0;
    int64_t before_us = 0;
    json_array_foreach(journal, i, e)
    {
        assert_int_equal(sys_number(e, "seq"), i + 1);
        assert_true(sys_number(e, "at") >= before_us);
        before_us = sys_number(e, "at");
    }
}

/* Gateway requests of the test's own */

static int64_t sensor_of(const json_t *journal, const char *device)
{
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(journal, i, e)
    {
        if (sys_is_kind(e, "sensor.registered") &&
            strcmp(sys_body_text(e, "device"), device) == 0) {
            return sys_number(e, "seq");
        }
    }
    fail_msg("%s is not registered", device);
    return 0;
}

static size_t *count_values(const json_t *journal)
{
    int64_t sensor = sensor_of(journal, "GA-05");
    size_t *counts = calloc(NOTES_MAX + 1, sizeof *counts);
    const json_t *e = NULL;
    size_t i = 0;
    assert_non_null(counts);
    json_array_foreach(journal, i, e)
    {
        int64_t value = sys_body_number(e, "value_e6");
        if (sys_is_kind(e, "sensor.reading") && sys_body_number(e, "sensor") == sensor) {
            assert_true(value > 0 && value <= NOTES_MAX);
            counts[value]++;
        }
    }
    return counts;
}

static void check_gateway(const json_t *journal, const struct notes *notes, struct verdict *v)
{
    static const char *const kinds[] = {"sensor.reading", "alarm.raised", "alarm.cleared"};
    int64_t sensor = sensor_of(journal, "GA-05");
    size_t *counts = count_values(journal);
    for (size_t i = 0; i < notes->count; i++) {
        const struct noted *n = &notes->list[i];
        const json_t *e = event_at(journal, n->seq);
        assert_true(n->is_ok);
        if (!sys_is_kind(e, kinds[n->what])) {
            fail_msg("request %u was told seq %llu, which is %s", n->n, (unsigned long long)n->seq,
                     sys_text(e, "kind"));
        }
        if (n->what == ASKED_READING) {
            assert_int_equal(sys_body_number(e, "sensor"), sensor);
            assert_int_equal(sys_body_number(e, "value_e6"), n->n);
            assert_int_equal(counts[n->n], 1);
        }
        v->alarms += n->what == ASKED_ALARM;
        v->gateway++;
    }
    for (size_t n = 0; n <= NOTES_MAX; n++) {
        assert_true(counts[n] <= 1); /* not acknowledged: once or never */
    }
    free(counts);
}

/* Commands */

static void check_effect(const json_t *journal, const struct noted *n)
{
    static const struct {
        const char *kind;
        const char *prefix;
    } effects[] = {[ASKED_NOTE] = {"incident.noted", "note"},
                   [ASKED_ORDER] = {"order.created", "order"},
                   [ASKED_UNITS] = {"order.created", NULL},
                   [ASKED_CLOCK] = {"clock.started", "clock"}};
    char text[32];
    (void)tc_str_format(text, sizeof text, "%s %u",
                        effects[n->what].prefix ? effects[n->what].prefix : "", n->n);
    size_t found = 0;
    for (uint64_t seq = n->seq; seq < n->seq + FOLLOWS_MAX; seq++) {
        const json_t *e = json_array_get(journal, seq);
        const char *said = sys_body_text(e, n->what == ASKED_CLOCK ? "name" : "text");
        bool is_it = e && sys_is_kind(e, effects[n->what].kind) &&
                     (uint64_t)sys_number(e, "cause") == n->seq;
        found += is_it && (!effects[n->what].prefix || strstr(said, text));
    }
    if (found != 1) {
        fail_msg("command c-%u at %llu had %zu effects", n->n, (unsigned long long)n->seq, found);
    }
}

static void check_commands(const json_t *journal, const struct notes *notes, struct verdict *v)
{
    json_t *taken = json_object(); /* id: times */
    json_t *refused = json_object();
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(journal, i, e)
    {
        const char *id = sys_body_text(e, "id");
        json_t *to = sys_is_kind(e, "command.taken")     ? taken
                     : sys_is_kind(e, "command.refused") ? refused
                                                         : NULL;
        if (to && id[0]) {
            int64_t times = sys_number(to, id);
            assert_int_equal(json_object_set_new(to, id, json_integer(times + 1)), 0);
        }
    }
    for (i = 0; i < notes->count; i++) {
        const struct noted *n = &notes->list[i];
        char id[32];
        (void)tc_str_format(id, sizeof id, "c-%u", n->n);
        assert_int_equal(sys_number(n->is_ok ? taken : refused, id), 1);
        assert_int_equal(sys_number(n->is_ok ? refused : taken, id), 0);
        if (n->is_ok) {
            assert_string_equal(sys_body_text(event_at(journal, n->seq), "id"), id);
            check_effect(journal, n);
        }
        v->commands++;
    }
    json_decref(taken);
    json_decref(refused);
}

/* The gauge: it counts, and each reading has a time of its own. */

static void check_gauge(struct sys *s, const json_t *journal, struct verdict *v)
{
    json_t *lines = sys_lines(s, "gauge.jsonl");
    json_t *times = json_object();
    int64_t sensor = sensor_of(journal, "gauge-caitian");
    size_t kept = 0;
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(lines, i, e)
    {
        assert_string_not_equal(sys_text(e, "event"), "refused");
        v->gauge +=
            strcmp(sys_text(e, "event"), "acked") == 0 ? (size_t)sys_number(e, "readings") : 0;
    }
    json_array_foreach(journal, i, e)
    {
        if (sys_is_kind(e, "sensor.reading") && sys_body_number(e, "sensor") == sensor) {
            char at[32];
            (void)tc_str_format(at, sizeof at, "%lld", (long long)sys_number(e, "occurred"));
            assert_null(json_object_get(times, at)); /* kept twice */
            assert_int_equal(json_object_set_new(times, at, json_true()), 0);
            kept++;
        }
    }
    assert_true(kept >= v->gauge);
    json_decref(times);
    json_decref(lines);
}

/* The air */

/** "20261121-0042-03" wherever it stands; empty when there is none. */
static void order_number(const char *text, char to[static NUMBER_SIZE])
{
    to[0] = '\0';
    for (const char *p = text; *p && !to[0]; p++) {
        size_t digits = strspn(p, "0123456789");
        size_t len = strspn(p, "0123456789-");
        if (digits == 8 && p[8] == '-') {
            (void)tc_str_put(to, NUMBER_SIZE, (struct tc_str){.at = p, .len = len});
        }
        p += digits ? digits - 1 : 0;
    }
}

struct order {
    int64_t seq;
    size_t attempts; /* written down before `until_us` */
    size_t repeats;
};

static struct order look_up(const json_t *journal, const char *number, int64_t until_us)
{
    struct order o = {0};
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(journal, i, e)
    {
        if (sys_is_kind(e, "order.created") && strcmp(sys_body_text(e, "number"), number) == 0) {
            assert_int_equal(o.seq, 0); /* a number given twice */
            o.seq = sys_number(e, "seq");
        }
        if (o.seq && sys_is_kind(e, "order.attempted") && sys_number(e, "subject") == o.seq &&
            sys_number(e, "at") <= until_us) {
            o.attempts++;
            o.repeats += json_is_true(json_object_get(json_object_get(e, "body"), "is_repeat"));
        }
    }
    return o;
}

static void check_heard(const json_t *journal, json_t *heard, const json_t *line, struct verdict *v)
{
    char number[NUMBER_SIZE];
    int64_t at_us = 0;
    const char *text = sys_text(line, "text");
    order_number(text, number);
    assert_int_equal(tc_time_parse(tc_str_of(sys_text(line, "t")), &at_us), TC_OK);
    if (!number[0]) {
        assert_true(sys_number(line, "part") > 1);
        return;
    }
    bool is_marked = strncmp(text, MARK, sizeof MARK - 1) == 0;
    int64_t times = sys_number(heard, number) + 1;
    struct order o = look_up(journal, number, at_us);
    if ((size_t)times > o.attempts || (is_marked && o.repeats == 0) || (!is_marked && times > 1)) {
        fail_msg("%s: on the air %lld times (%s) after %zu attempts, %zu of them repeats", number,
                 (long long)times, is_marked ? "marked" : "not marked", o.attempts, o.repeats);
    }
    assert_int_equal(json_object_set_new(heard, number, json_integer(times)), 0);
    v->sds++;
    v->repeats += is_marked;
}

static void check_air(struct sys *s, const json_t *journal, struct verdict *v)
{
    json_t *lines = sys_lines(s, "air.jsonl");
    json_t *heard = json_object();
    const json_t *line = NULL;
    size_t i = 0;
    json_array_foreach(lines, i, line)
    {
        if (strcmp(sys_text(line, "dir"), "heard") == 0 &&
            strcmp(sys_text(line, "outcome"), "on_air") == 0 && json_object_get(line, "text")) {
            check_heard(journal, heard, line, v);
        }
    }
    json_decref(heard);
    json_decref(lines);
}

/* Timers */

static void check_timers(const json_t *journal, struct verdict *v)
{
    size_t count = json_array_size(journal);
    int64_t last_us = sys_number(json_array_get(journal, count - 1), "at");
    bool *is_over = calloc(count + 1, sizeof *is_over);
    const json_t *e = NULL;
    size_t i = 0;
    assert_non_null(is_over);
    json_array_foreach(journal, i, e)
    {
        if (sys_is_kind(e, "timer.fired") || sys_is_kind(e, "timer.cancelled")) {
            size_t timer = (size_t)sys_body_number(e, "timer");
            assert_true(timer <= i && !is_over[timer]); /* once */
            is_over[timer] = true;
        }
    }
    json_array_foreach(journal, i, e)
    {
        int64_t due_us = sys_body_number(e, "due_us");
        if (sys_is_kind(e, "timer.set") && due_us < last_us - SETTLED_US) {
            if (!is_over[i + 1]) {
                fail_msg("timer %zu (%s) was forgotten", i + 1, sys_body_text(e, "purpose"));
            }
            v->timers++;
        }
    }
    free(is_over);
}

void crash_verdict(struct sys *s, const struct notes *gateway, const struct notes *commands,
                   struct verdict *out)
{
    *out = (struct verdict){0};
    json_t *journal = sys_journal(s, 1);
    out->events = json_array_size(journal);
    require_gapless(journal);
    check_gateway(journal, gateway, out);
    check_commands(journal, commands, out);
    check_gauge(s, journal, out);
    check_air(s, journal, out);
    check_timers(journal, out);
    json_decref(journal);
    sys_require_whole(s);
}
