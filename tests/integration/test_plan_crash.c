/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waterlogging plan, killed after every step that it wrote down, and killed inside the n-th
 * sync: it must end where a run that nobody disturbed ends, with every call in the same order and
 * every effect once. The test plays gauge and duty officer; what it sends has fixed ids, so it may
 * say everything again.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define RUN_US_MAX (60 * TC_SEC)

static struct sys sys;
static struct sys_gateway gateway;
static json_t *reference; /* what an undisturbed run leaves behind */
static char kill_at[40];
static bool has_passed;

/* What a run leaves behind, without the seqs that restarts move */

/** There is one incident and one closure; their ids move with every restart before them. */
static void mask_ids(char *text)
{
    static const char *const names[] = {"\"incident\":", "\"closure\":"};
    for (size_t i = 0; text && i < TC_COUNT_OF(names); i++) {
        for (char *at = text; (at = strstr(at, names[i])) != NULL;) {
            at += strlen(names[i]);
            memset(at, '#', strspn(at, "0123456789"));
        }
    }
}

/** Arguments of a call, units by their radio: their ids move when the first start was killed. */
static char *arguments_of(const json_t *journal, const json_t *e)
{
    const char *text = sys_body_text(e, "arguments");
    json_t *arguments = text[0] ? json_loads(text, 0, NULL) : NULL;
    const json_t *units = json_object_get(arguments, "units");
    json_t *radios = json_array();
    json_t *id = NULL;
    size_t i = 0;
    json_array_foreach(units, i, id)
    {
        const json_t *made = json_array_get(journal, (size_t)json_integer_value(id) - 1);
        assert_true(sys_is_kind(made, "unit.registered"));
        assert_int_equal(json_array_append_new(radios, json_string(sys_body_text(made, "address"))),
                         0);
    }
    if (units) {
        assert_int_equal(json_object_set(arguments, "units", radios), 0);
    }
    char *written = arguments ? json_dumps(arguments, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(radios);
    json_decref(arguments);
    mask_ids(written);
    return written;
}

static void add_line(const json_t *journal, json_t *to, const json_t *e)
{
    static const char *const effects[] = {
        "road.closed",       "road.opened",       "question.asked",      "question.answered",
        "question.expired",  "incident.noted",    "response.proposed",   "incident.grade_changed",
        "assignment.opened", "order.created",     "run.started",         "run.called",
        "run.ended",         "alarm.raised",      "alarm.level_changed", "alarm.cleared",
        "incident.opened",   "report.received",   "clock.stopped",       "unit.state_changed",
        "sensor.reading",    "alarm.acknowledged"};
    bool is_effect = false;
    for (size_t i = 0; i < TC_COUNT_OF(effects); i++) {
        is_effect = is_effect || sys_is_kind(e, effects[i]);
    }
    bool is_clock = sys_is_kind(e, "clock.started");
    if (!is_effect && !is_clock) {
        return;
    }
    struct tc_buf b = {0};
    char *arguments = arguments_of(journal, e);
    tc_buf_format(&b, "%s n=%lld %s %s %s %s %s %s %s %s", sys_text(e, "kind"),
                  (long long)sys_body_number(e, "n"), sys_body_text(e, "name"),
                  arguments ? arguments : "", sys_body_text(e, "key"), sys_body_text(e, "answer"),
                  sys_body_text(e, "level"), sys_body_text(e, "address"),
                  sys_body_text(e, "feature"),
                  sys_is_kind(e, "incident.noted") ? sys_body_text(e, "text") : "");
    tc_buf_byte(&b, '\0');
    assert_int_equal(json_array_append_new(to, json_string((const char *)b.bytes)), 0);
    tc_buf_finish(&b);
    free(arguments);
}

static json_t *traces(const json_t *journal)
{
    json_t *all = json_array();
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(journal, i, e)
    {
        add_line(journal, all, e);
    }
    return all;
}

/** Timers of the run and of its questions are over when it is. */
static void check_timers(const json_t *journal)
{
    const json_t *e = NULL;
    const json_t *f = NULL;
    size_t i = 0;
    size_t k = 0;
    json_array_foreach(journal, i, e)
    {
        const char *purpose = sys_body_text(e, "purpose");
        if (!sys_is_kind(e, "timer.set") ||
            (strcmp(purpose, "question") != 0 && strcmp(purpose, "run") != 0)) {
            continue;
        }
        size_t ends = 0;
        json_array_foreach(journal, k, f)
        {
            ends += (sys_is_kind(f, "timer.fired") || sys_is_kind(f, "timer.cancelled")) &&
                    sys_body_number(f, "timer") == (int64_t)i + 1;
        }
        if (ends != 1) {
            fail_msg("timer %zu (%s) ended %zu times", i + 1, purpose, ends);
        }
    }
}

static void compare(const json_t *journal, const char *what)
{
    json_t *mine = traces(journal);
    size_t count = json_array_size(reference);
    for (size_t i = 0; i < count || i < json_array_size(mine); i++) {
        const char *want = json_string_value(json_array_get(reference, i));
        const char *have = json_string_value(json_array_get(mine, i));
        if (!want || !have || strcmp(want, have) != 0) {
            fail_msg("%s: step %zu\n  undisturbed: %s\n  killed:      %s", what, i,
                     want ? want : "(nothing)", have ? have : "(nothing)");
        }
    }
    json_decref(mine);
}

/* The outside world */

struct progress {
    size_t facts; /* run.called, run.answered, question.*, run.ended */
    size_t awaits;
    size_t asked;
    uint64_t open_question;
    bool is_ended;
};

static struct progress look(const json_t *journal)
{
    struct progress p = {0};
    const json_t *e = NULL;
    size_t i = 0;
    json_array_foreach(journal, i, e)
    {
        p.facts += strncmp(sys_text(e, "kind"), "run.", 4) == 0 ||
                   strncmp(sys_text(e, "kind"), "question.", 9) == 0;
        p.awaits += sys_is_kind(e, "run.called") && strcmp(sys_body_text(e, "name"), "await") == 0;
        p.is_ended = p.is_ended || sys_is_kind(e, "run.ended");
        if (sys_is_kind(e, "question.asked")) {
            p.asked++;
            p.open_question = (uint64_t)sys_number(e, "seq");
        } else if (sys_is_kind(e, "question.answered") || sys_is_kind(e, "question.expired")) {
            p.open_question = 0;
        }
    }
    return p;
}

static void read_level(const char *id, int64_t level_e6)
{
    struct tc_buf b = {0};
    tc_buf_format(&b,
                  "{\"id\":\"%s\",\"observations\":[{\"kind\":\"reading\",\"device\":"
                  "\"gauge-caitian\",\"factor\":\"water_level\",\"value_e6\":%lld}]}",
                  id, (long long)level_e6);
    tc_buf_byte(&b, '\0');
    json_decref(sys_gateway_ask(&gateway, (const char *)b.bytes, 300));
    tc_buf_finish(&b);
}

/** Whatever comes next; said again until the journal shows it. */
static void do_next(const struct progress *p)
{
    char id[16];
    char body[64];
    if (p->open_question) {
        (void)tc_str_format(id, sizeof id, "answer-%zu", p->asked);
        (void)tc_str_format(body, sizeof body, "{\"question\":%llu,\"answer\":\"yes\"}",
                            (unsigned long long)p->open_question);
        json_decref(sys_command(&sys, id, "question.answer", body));
    } else if (p->awaits == 2) {
        read_level("level-3", 50000);
    } else if (p->awaits == 1) {
        read_level("level-2", 300000);
    } else if (p->asked == 0) {
        read_level("level-1", 200000);
    } else {
        sys_nap_ms(50); /* the units are being chosen */
    }
}

static void fresh_journal(void)
{
    char command[128];
    const char *argv[] = {"/bin/rm", "-rf", command, NULL};
    (void)tc_str_format(command, sizeof command, "%s/journal", sys.dir);
    pid_t pid = sys_simulator(&sys, argv);
    sys_wait_simulator(&sys, pid);
}

enum how { UNDISTURBED, EVERY_STEP, IN_A_SYNC };

/** The whole story on a new journal; returns the journal and how often it was killed. */
static json_t *tell_story(enum how how, size_t *kills)
{
    int64_t until_us = tc_clock_monotonic_us() + RUN_US_MAX;
    size_t facts_seen = 0;
    *kills = 0;
    fresh_journal();
    sys_spawn(&sys);
    bool is_up = sys_wait_up(&sys);
    for (;;) {
        if (!is_up || sys_wait_end(&sys, 0) != SYS_RUNS) { /* died in its sync */
            assert_int_equal(how, IN_A_SYNC);
            assert_int_equal(*kills, 0);
            ++*kills;
            sys.env[0] = NULL;
            sys_start(&sys);
            is_up = true;
        }
        json_t *journal = sys_journal(&sys, 1);
        struct progress p = look(journal);
        if (p.is_ended) {
            return journal;
        }
        json_decref(journal);
        if (tc_clock_monotonic_us() > until_us) {
            fail_msg("the run does not end: %zu facts, %zu awaits, %zu questions, %zu kills",
                     p.facts, p.awaits, p.asked, *kills);
        }
        if (how == EVERY_STEP && p.facts > facts_seen) {
            sys_kill(&sys);
            ++*kills;
            sys_start(&sys);
        } else {
            do_next(&p);
        }
        facts_seen = p.facts;
    }
}

/** True when it stopped cleanly, not inside a sync of its stopping. */
static bool finish_story(json_t *journal, const char *what)
{
    compare(journal, what);
    check_timers(journal);
    json_decref(journal);
    int code = sys_stop(&sys);
    assert_true(code == 0 || (sys.env[0] && code == -SIGKILL));
    return code == 0;
}

static void test_undisturbed(void **state)
{
    size_t kills = 0;
    (void)state;
    json_t *journal = tell_story(UNDISTURBED, &kills);
    reference = traces(journal);
    size_t i = 0;
    const json_t *line = NULL;
    size_t calls = 0;
    json_array_foreach(reference, i, line)
    {
        calls += strncmp(json_string_value(line), "run.called", 10) == 0;
    }
    print_message("undisturbed: %zu calls, %zu lines to compare\n", calls,
                  json_array_size(reference));
    assert_true(calls >= 15); /* the plan file makes that many up to the water's end */
    assert_true(finish_story(journal, "itself"));
}

static void test_killed_after_every_step(void **state)
{
    size_t kills = 0;
    (void)state;
    assert_non_null(reference);
    json_t *journal = tell_story(EVERY_STEP, &kills);
    print_message("killed %zu times in one run\n", kills);
    assert_true(kills >= 4); /* the commits at which the run waits for somebody */
    assert_true(finish_story(journal, "killed after every step"));
    sys_require_whole(&sys);
}

static void test_killed_inside_a_sync(void **state)
{
    int64_t first = sys_setting("TOCSIN_SYNC_FIRST", 1);
    int64_t last = sys_setting("TOCSIN_SYNC_LAST", 60);
    int64_t step = sys_setting("TOCSIN_SYNC_STEP", 3);
    size_t total = 0;
    (void)state;
    assert_non_null(reference);
    for (int64_t n = first; n <= last; n += n < 12 ? 1 : step) {
        char what[40];
        size_t kills = 0;
        (void)tc_str_format(kill_at, sizeof kill_at, "SYNC_KILL_AT=%lld", (long long)n);
        (void)tc_str_format(what, sizeof what, "killed in sync %lld", (long long)n);
        sys.env[0] = kill_at;
        sys.env[1] = "LD_PRELOAD=" SYNC_FAULT;
        sys.env[2] = "ASAN_OPTIONS=verify_asan_link_order=0";
        json_t *journal = tell_story(IN_A_SYNC, &kills);
        bool is_clean = finish_story(journal, what);
        total += kills;
        if (kills == 0 && is_clean) {
            print_message("the story has fewer than %lld syncs\n", (long long)n);
            break;
        }
    }
    sys.env[0] = NULL;
    print_message("%zu runs killed inside a sync\n", total);
    sys_require_whole(&sys);
    has_passed = true;
}

static int set_up(void **state)
{
    (void)state;
    sys_open(&sys);
    sys_start(&sys);
    sys_log_in(&sys); /* the session outlives the journal */
    sys_gateway_open(&gateway, &sys);
    return sys_stop(&sys);
}

static int tear_down(void **state)
{
    (void)state;
    sys_gateway_close(&gateway);
    sys_close(&sys, !has_passed);
    json_decref(reference);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undisturbed),
        cmocka_unit_test(test_killed_after_every_step),
        cmocka_unit_test(test_killed_inside_a_sync),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
