/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of plans: what they ask, what they may not, and that they outlive the process. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/time.h"
#include "tests/lib/stage.h"
#include "tests/lib/tc_test.h"

static const struct tc_script_options defaults = {0};
static const struct tc_script_options cold = {.drops_states = true};

#define PLAN(id, body)                                                                       \
    "return plan {id = '" id "', title = {zh = '甲', en = 'A'}, starts = on.alarm{above = " \
    "'warning'},\nrun = function(ctx) " body " end}"

static char *read_plan(const char *path)
{
    static char text[65536];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[len] = '\0';
    return text;
}

static void assert_text(struct tc_str s, const char *want)
{
    char text[1200];
    (void)tc_str_put(text, sizeof text, s);
    if (!strstr(text, want)) {
        print_error("[%s] has no [%s]\n", text, want);
    }
    assert_non_null(strstr(text, want));
}

static const struct tc_ev_run_ended *ended(const struct stage *s)
{
    const struct tc_event *e = stage_last(s, TC_EV_RUN_ENDED);
    TC_REQUIRE(e != NULL);
    return TC_BODY(e, run_ended);
}

static const struct tc_event *last(const struct stage *s, enum tc_kind kind)
{
    const struct tc_event *e = stage_last(s, kind);
    TC_REQUIRE(e != NULL);
    return e;
}

static void assert_sound(const struct stage *s)
{
    assert_true(tc_model_digest(s->model) == stage_replayed_digest(s));
}

/** The whole plan of the manual, every way it can go; `restarts` after each step. */
static void waterlogging(const struct tc_script_options *options, bool restarts)
{
    struct stage s;
    stage_open(&s, options);
    stage_plan(&s, read_plan("plans/waterlogging.lua"));
    for (int i = 0; i < 4; i++) {
        char sign[8];
        (void)tc_str_format(sign, sizeof sign, "P%d", i);
        (void)stage_unit(&s, sign, "pump");
    }
#define STEP()                             \
    do {                                   \
        assert_sound(&s);                  \
        if (restarts) {                    \
            stage_restart(&s, TC_SEC / 2); \
        }                                  \
    } while (0)
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_NOTICE);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 0);
    STEP();
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 1);
    assert_int_equal(stage_count(&s, TC_EV_RESPONSE_PROPOSED), 1);
    assert_int_equal(stage_count(&s, TC_EV_ROAD_CLOSED), 1);
    assert_true(stage_question(&s) != 0);
    STEP();
    stage_answer(&s, "yes");
    STEP();
    stage_recommend(&s, "pump", 2);
    assert_int_equal(stage_count(&s, TC_EV_ASSIGNMENT_OPENED), 2);
    STEP();
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_DANGER);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_GRADE_CHANGED), 1);
    assert_true(stage_question(&s) != 0);
    STEP();
    stage_wait(&s, 3 * TC_MIN + 10 * TC_SEC); /* nobody answers: danger sends by default */
    assert_int_equal(stage_count(&s, TC_EV_QUESTION_EXPIRED), 1);
    STEP();
    stage_recommend(&s, "pump", 1);
    assert_int_equal(stage_count(&s, TC_EV_ASSIGNMENT_OPENED), 3);
    STEP();
    stage_alarm_cleared(&s, "W1");
    assert_int_equal(stage_count(&s, TC_EV_ROAD_OPENED), 1);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
    assert_int_equal(ended(&s)->why.len, 0);
    assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FINISHED);
    STEP();
    assert_int_equal(stage_count(&s, TC_EV_ASSIGNMENT_OPENED), 3);
    assert_int_equal(stage_count(&s, TC_EV_RESPONSE_PROPOSED), 2);
    assert_int_equal(tc_model_table(s.model, "run_call")->pool.count, 0);
    assert_int_equal(tc_model_table(s.model, "run_text")->pool.count, 0);
    stage_wait(&s, 8 * TC_HOUR);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 1);
    assert_sound(&s);
    stage_close(&s);
}

static void test_waterlogging(void **state)
{
    (void)state;
    waterlogging(&defaults, false);
}

static void test_waterlogging_cold(void **state)
{
    (void)state;
    waterlogging(&cold, false);
}

static void test_waterlogging_restarted_at_every_step(void **state)
{
    (void)state;
    waterlogging(&defaults, true);
    waterlogging(&cold, true);
}

/** A plan that goes wrong stops alone; what it was about stays in people's hands, with a note. */
static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *why;
    } cases[] = {
        {"error('no map')", "p.lua:2: no map"},
        {"error('\\255\\254 water', 0)", "p.lua: ?? water"},
        {"error(('水'):rep(200), 0)", "p.lua: 水水"},
        {"ctx:now() error(('水'):rep(85) .. 'x')", "p.lua:2: 水水"},
        {"while true do end", "p.lua:2: instruction budget spent"},
        {"local t = {} while true do t[#t + 1] = ('x'):rep(1000) end", "memory limit of 8192 KiB"},
        {"while true do ctx:now() end", "more than 64 calls without waiting"},
        {"while true do ctx:note('a', 'b') end", "more than 64 calls without waiting"},
        {"while true do ctx:await(on.reading{above = 'warning'}) end", "more than 64 calls"},
        {"while true do ctx:await(after(1)) end", "more than 200 calls in one run"},
        {"ctx:set_grade('V')", "p.lua:2: a grade is"},
        {"ctx:ask{key = 'k', text = 't', role = 'mayor', timeout = 1, default = true}",
         "p.lua:2: ask: role is"},
        {"ctx:note(('x'):rep(1001), '')", "p.lua:2: text is too long"},
    };
    struct tc_script_options options = {.calls_max = 200};
    for (size_t i = 0; i < TC_COUNT_OF(cases); i++) {
        struct stage s;
        char source[1024];
        (void)tc_str_format(source, sizeof source, PLAN("p", "%s"), cases[i].body);
        stage_open(&s, &options);
        stage_plan(&s, source);
        stage_plan(&s, PLAN("q", "ctx:await(on.alarm_cleared()) ctx:note('完', 'done')"));
        stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
        stage_wait(&s, TC_HOUR);
        assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
        assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FAILED);
        assert_text(ended(&s)->why, cases[i].why);
        assert_true(tc_str_is_utf8(ended(&s)->why));
        assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text_en,
                    "Plan p has stopped; people must take over");
        stage_alarm_cleared(&s, "W1");
        assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 2);
        assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FINISHED);
        assert_sound(&s);
        stage_close(&s);
    }
}

static void test_two_runs_do_not_meet(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "local inc = ctx:incident() math.seen = (math.seen or 0) + 1 "
                             "ctx:note('事件 ' .. inc.id .. ' 第 ' .. math.seen, '') "
                             "ctx:await(on.alarm_cleared(inc)) ctx:note('清 ' .. inc.id, '')"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    stage_alarm(&s, "W2", TC_ALARM_LEVEL_WARNING);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 2);
    uint64_t second = TC_BODY(last(&s, TC_EV_RUN_STARTED), run_started)->incident;
    char want[64];
    (void)tc_str_format(want, sizeof want, "事件 %llu 第 1", (unsigned long long)second);
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text, want);
    stage_alarm_cleared(&s, "W2");
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
    (void)tc_str_format(want, sizeof want, "清 %llu", (unsigned long long)second);
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text, want);
    stage_alarm(&s, "W2", TC_ALARM_LEVEL_WARNING); /* another incident: another run */
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 3);
    assert_sound(&s);
    stage_close(&s);
}

/** The process dies with a question open and comes back long after its time. */
static void test_overdue_question(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "local ok, how = ctx:ask{key = 'k', text = 't', timeout = minutes(3), "
                             "default = true} ctx:note(tostring(ok) .. ' ' .. how, '') "
                             "ctx:await(after(hours(1)))"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    int64_t due = TC_BODY(last(&s, TC_EV_QUESTION_ASKED), question_asked)->due_us;
    stage_restart(&s, TC_HOUR / 2);
    assert_int_equal(stage_count(&s, TC_EV_QUESTION_EXPIRED), 1);
    assert_true(last(&s, TC_EV_QUESTION_EXPIRED)->occurred_us == due);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 2);
    bool has_late = false;
    for (size_t i = 0; i < 2; i++) {
        const struct tc_event *e = stage_event(&s, TC_EV_INCIDENT_NOTED, i);
        TC_REQUIRE(e != NULL);
        struct tc_str en = TC_BODY(e, incident_noted)->text_en;
        has_late = has_late || (en.len > 0 && strstr(en.at, "taken late") != NULL);
    }
    assert_true(has_late);
    stage_restart(&s, TC_MIN);
    stage_restart(&s, TC_MIN);
    assert_int_equal(stage_count(&s, TC_EV_QUESTION_EXPIRED), 1);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 2);
    stage_wait(&s, 2 * TC_HOUR);
    assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FINISHED);
    assert_sound(&s);
    stage_close(&s);
}

/** A changed world between two lives: the plan now asks something else than is recorded. */
static void test_nondeterminism(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "ctx:note('一', 'one') ctx:await(after(hours(1)))"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    /* The text kept for the run's version is swapped under its hash, as a bad restore would. */
    for (size_t i = 0; i < s.batch_count; i++) {
        for (size_t k = 0; k < s.batches[i]->count; k++) {
            struct tc_event *e = &s.batches[i]->events[k];
            if (e->kind == TC_EV_PLAN_DRAFTED) {
                struct tc_ev_plan_drafted *b = tc_arena_alloc(&s.batches[i]->arena, sizeof *b);
                *b = *TC_BODY(e, plan_drafted);
                b->source =
                    tc_str_of(PLAN("p", "ctx:note('二', 'two') ctx:await(after(hours(1)))"));
                e->body = b;
            }
        }
    }
    stage_restart(&s, TC_SEC);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
    assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FAILED);
    assert_text(ended(&s)->why, "nondeterminism: call 1 is recorded as note and is now note "
                                "{\"en\":\"two\"");
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text_en, "nondeterminism");
    stage_restart(&s, TC_SEC);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
    stage_close(&s);
}

static void test_second_person(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    struct tc_cmd_plan_draft draft = {.source = TC_STR(PLAN("p", "ctx:note('a', 'b')"))};
    struct tc_cmd_plan_approve approve = {.plan = TC_STR("p"), .version = 1};
    (void)stage_command(&s, TC_CMD_PLAN_DRAFT, "li", TC_ROLE_SYSTEM, &draft);
    stage_alarm(&s, "W0", TC_ALARM_LEVEL_WARNING);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 0); /* a draft starts nothing */
    (void)stage_command(&s, TC_CMD_PLAN_APPROVE, "li", TC_ROLE_SUPERVISOR, &approve);
    assert_string_equal(s.last_why, "second_person");
    (void)stage_command(&s, TC_CMD_PLAN_APPROVE, "wang", TC_ROLE_OFFICER, &approve);
    assert_string_equal(s.last_why, "role_not_allowed");
    (void)stage_command(&s, TC_CMD_PLAN_APPROVE, "wang", TC_ROLE_SUPERVISOR, &approve);
    assert_int_equal(s.last_reply.verdict, TC_TAKEN);
    (void)stage_command(&s, TC_CMD_PLAN_DRAFT, "li", TC_ROLE_PLANNER, &draft);
    assert_string_equal(s.last_why, "plan_unchanged");
    draft.source = TC_STR("return plan {");
    (void)stage_command(&s, TC_CMD_PLAN_DRAFT, "li", TC_ROLE_PLANNER, &draft);
    assert_string_equal(s.last_why, "plan_invalid");
    struct tc_cmd_plan_retire retire = {.plan = TC_STR("p")};
    (void)stage_command(&s, TC_CMD_PLAN_RETIRE, "wang", TC_ROLE_SUPERVISOR, &retire);
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    assert_int_equal(stage_count(&s, TC_EV_RUN_STARTED), 0);
    assert_sound(&s);
    stage_close(&s);
}

/** A run keeps the version it started with; a new version takes the next incident. */
static void test_versions(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "ctx:await(on.alarm_cleared()) ctx:note('旧', 'old')"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    stage_plan(&s, PLAN("p", "ctx:await(on.alarm_cleared()) ctx:note('新', 'new')"));
    stage_alarm(&s, "W2", TC_ALARM_LEVEL_WARNING);
    stage_restart(&s, TC_SEC);
    stage_alarm_cleared(&s, "W1");
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text_en, "old");
    stage_alarm_cleared(&s, "W2");
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text_en, "new");
    stage_close(&s);
}

static void test_people_stop_and_answer(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "ctx:ask{key = 'k', text = 't', timeout = minutes(3), "
                             "default = true, role = 'supervisor'} ctx:await(after(hours(9)))"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    uint64_t q = stage_question(&s);
    stage_answer(&s, "yes"); /* an officer may not answer for the supervisor */
    assert_string_equal(s.last_why, "role_not_allowed");
    struct tc_cmd_question_answer b = {.question = q, .answer = TC_STR("maybe")};
    (void)stage_command(&s, TC_CMD_QUESTION_ANSWER, "li", TC_ROLE_SUPERVISOR, &b);
    assert_string_equal(s.last_why, "answer_unknown");
    b.answer = TC_STR("no");
    (void)stage_command(&s, TC_CMD_QUESTION_ANSWER, "li", TC_ROLE_SUPERVISOR, &b);
    assert_int_equal(s.last_reply.verdict, TC_TAKEN);
    (void)stage_command(&s, TC_CMD_QUESTION_ANSWER, "wang", TC_ROLE_SUPERVISOR, &b);
    assert_string_equal(s.last_why, "stale");
    uint64_t run = last(&s, TC_EV_RUN_STARTED)->seq;
    struct tc_cmd_run_stop stop = {.run = run, .why = TC_STR("我来处理")};
    (void)stage_command(&s, TC_CMD_RUN_STOP, "zhang", TC_ROLE_OFFICER, &stop);
    assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_STOPPED);
    assert_int_equal(tc_model_table(s.model, "timer")->pool.count, 0);
    (void)stage_command(&s, TC_CMD_RUN_STOP, "zhang", TC_ROLE_OFFICER, &stop);
    assert_string_equal(s.last_why, "run_ended");
    uint64_t incident = TC_BODY(last(&s, TC_EV_RUN_STARTED), run_started)->incident;
    struct tc_cmd_run_start start = {.plan = TC_STR("p"), .incident = incident};
    (void)stage_command(&s, TC_CMD_RUN_START, "zhang", TC_ROLE_OFFICER, &start);
    assert_int_equal(s.last_reply.verdict, TC_TAKEN);
    (void)stage_command(&s, TC_CMD_RUN_START, "zhang", TC_ROLE_OFFICER, &start);
    assert_string_equal(s.last_why, "run_exists");
    struct tc_cmd_incident_close close = {.incident = incident};
    (void)stage_command(&s, TC_CMD_INCIDENT_CLOSE, "zhang", TC_ROLE_OFFICER, &close);
    assert_text(ended(&s)->why, "incident closed");
    assert_int_equal(tc_model_table(s.model, "timer")->pool.count, 0);
    assert_int_equal(tc_model_table(s.model, "question")->pool.count, 0);
    assert_sound(&s);
    stage_close(&s);
}

/** The absorbed incident's run stops; whoever has the other one is told there. */
static void test_merge(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "ctx:await(after(hours(9)))"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    stage_alarm(&s, "W2", TC_ALARM_LEVEL_WARNING);
    const struct tc_event *first = stage_event(&s, TC_EV_RUN_STARTED, 0);
    TC_REQUIRE(first != NULL);
    struct tc_cmd_incident_merge b = {
        .incident = TC_BODY(last(&s, TC_EV_RUN_STARTED), run_started)->incident,
        .into = TC_BODY(first, run_started)->incident};
    (void)stage_command(&s, TC_CMD_INCIDENT_MERGE, "zhang", TC_ROLE_OFFICER, &b);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 1);
    assert_int_equal(last(&s, TC_EV_RUN_ENDED)->subject, last(&s, TC_EV_RUN_STARTED)->seq);
    assert_int_equal(last(&s, TC_EV_INCIDENT_NOTED)->subject, b.into);
    assert_sound(&s);
    stage_close(&s);
}

/** No unit, no answer of the map, a unit that got busy: dispatch comes back and says so. */
static void test_dispatch_short(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "local r = ctx:dispatch{need = {pump = 2}} "
                             "ctx:note('' .. #r.sent .. ' ' .. (r.missing.pump or 0), '')"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    stage_recommend(&s, "boat", 2); /* somebody else's question */
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 0);
    stage_recommend(&s, "pump", 2);
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text, "0 2");
    stage_alarm(&s, "W2", TC_ALARM_LEVEL_WARNING);
    stage_restart(&s, TC_SEC); /* the answer under way is lost: it is asked for again */
    stage_wait(&s, 2 * TC_MIN);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 2);
    assert_sound(&s);
    stage_close(&s);
}

/** Many runs at once: more commands than the turn takes at a time. */
static void test_many_runs(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &(struct tc_script_options){.hot_max = 8});
    stage_plan(&s, PLAN("p", "ctx:await(after(60)) ctx:note('a', 'b') ctx:note('c', 'd')"));
    for (int i = 0; i < 300; i++) {
        char name[8];
        (void)tc_str_format(name, sizeof name, "W%d", i);
        stage_alarm(&s, name, TC_ALARM_LEVEL_WARNING);
    }
    stage_restart(&s, TC_SEC);
    stage_wait(&s, 2 * TC_MIN);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 300);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 600);
    assert_int_equal(stage_count(&s, TC_EV_COMMAND_REFUSED), 0);
    assert_sound(&s);
    stage_close(&s);
}

/** on.alarm is a crossing, on.reading and on.alarm_cleared are states that may hold already. */
static void test_triggers(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s,
               PLAN("p", "ctx:await(on.reading{above = 'warning'}) ctx:note('已', 'so already') "
                         "local e = ctx:await(after(900), on.alarm{above = 'warning'}, "
                         "on.alarm{kind = 'fire'}, on.alarm{above = 'danger'}) "
                         "ctx:note('' .. e.index .. e.which, '') "
                         "ctx:await(on.alarm_cleared(), after(5)) ctx:note('终', 'end')"));
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 1);
    stage_alarm(&s, "W1", TC_ALARM_LEVEL_DANGER);
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text, "4alarm");
    stage_alarm_cleared(&s, "W1");
    assert_text(TC_BODY(last(&s, TC_EV_INCIDENT_NOTED), incident_noted)->text_en, "end");
    assert_int_equal(tc_model_table(s.model, "timer")->pool.count, 0);
    assert_sound(&s);
    stage_close(&s);
}

/** A restart with more commands to give again than the turn takes at a time. */
static void test_many_pending(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, &defaults);
    stage_plan(&s, PLAN("p", "ctx:dispatch{need = {pump = 1}} ctx:note('a', 'b')"));
    for (int i = 0; i < 300; i++) {
        char name[8];
        (void)tc_str_format(name, sizeof name, "W%d", i);
        stage_alarm(&s, name, TC_ALARM_LEVEL_WARNING);
    }
    stage_restart(&s, TC_SEC);
    stage_wait(&s, 2 * TC_MIN);
    assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 300);
    assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 300);
    assert_int_equal(tc_model_table(s.model, "timer")->pool.count, 0);
    assert_sound(&s);
    stage_close(&s);
}

/** A restart between any two events' batches, at every place of a run with every kind of call. */
static void test_restart_anywhere(void **state)
{
    (void)state;
    static const char plan[] =
        PLAN("p", "local n = #ctx:units{capability = 'pump'} ctx:note('有 ' .. n, '') "
                  "ctx:close_roads{within = 50} ctx:clock{name = 'c', seconds = 60} "
                  "local r = math.random(1000) ctx:note('数 ' .. r, '') "
                  "ctx:await(after(10)) ctx:tell{role = 'duty_officer', text = 't'} "
                  "local d = ctx:dispatch{need = {pump = 1}} ctx:await(after(20)) ctx:open_roads() "
                  "ctx:note('时 ' .. ctx:now() % 1000, '') ctx:await(after(hours(1)))");
    for (int at = 0; at < 7; at++) {
        struct stage s;
        stage_open(&s, at % 2 ? &cold : &defaults);
        stage_plan(&s, plan);
        (void)stage_unit(&s, "P1", "pump");
        for (int step = 0; step < 7; step++) {
            switch (step) {
            case 0: stage_alarm(&s, "W1", TC_ALARM_LEVEL_WARNING); break;
            case 3: stage_recommend(&s, "pump", 1); break;
            default: stage_wait(&s, 8 * TC_SEC); break;
            }
            if (step == at) {
                stage_restart(&s, TC_SEC);
            }
        }
        stage_wait(&s, TC_MIN);
        assert_int_equal(stage_count(&s, TC_EV_ROAD_CLOSED), 1);
        assert_int_equal(stage_count(&s, TC_EV_ROAD_OPENED), 1);
        assert_int_equal(stage_count(&s, TC_EV_ASSIGNMENT_OPENED), 1);
        assert_int_equal(stage_count(&s, TC_EV_INCIDENT_NOTED), 4);
        assert_int_equal(stage_count(&s, TC_EV_RUN_ENDED), 0);
        stage_wait(&s, 2 * TC_HOUR);
        assert_int_equal(ended(&s)->outcome, TC_RUN_OUTCOME_FINISHED);
        assert_sound(&s);
        stage_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_waterlogging),
                                       cmocka_unit_test(test_waterlogging_cold),
                                       cmocka_unit_test(test_waterlogging_restarted_at_every_step),
                                       cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_two_runs_do_not_meet),
                                       cmocka_unit_test(test_overdue_question),
                                       cmocka_unit_test(test_nondeterminism),
                                       cmocka_unit_test(test_second_person),
                                       cmocka_unit_test(test_versions),
                                       cmocka_unit_test(test_people_stop_and_answer),
                                       cmocka_unit_test(test_merge),
                                       cmocka_unit_test(test_dispatch_short),
                                       cmocka_unit_test(test_many_runs),
                                       cmocka_unit_test(test_many_pending),
                                       cmocka_unit_test(test_triggers),
                                       cmocka_unit_test(test_restart_anywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
