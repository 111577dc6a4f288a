/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/scenario.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/time.h"
#include "dispatch/dispatch.h"
#include "scripts/arguments.h"
#include "scripts/convert.h"
#include "scripts/library.h"
#include "scripts/sandbox.h"
#include "scripts/scenario_int.h"

#define START_US       ((int64_t)1795219200 * TC_SEC) /* 2026-11-21 08:00 in Shenzhen */
#define TAIL_US        TC_DAY                         /* goes on this long after the last step */
#define SPEED_MPS      8
#define LON_E7         1140600000
#define LAT_E7         225400000
#define E7_PER_METRE   90 /* of latitude */
#define SCENARIO_BYTES ((size_t)256 * 1024)

extern const char tc_test_prelude_lua[];
extern const unsigned long tc_test_prelude_lua_len;

void scenario__fail(struct scenario *s, const char *format, ...)
{
    va_list args;
    if (s->why[0] == '\0') {
        va_start(args, format);
        (void)vsnprintf(s->why, sizeof s->why, format, args);
        va_end(args);
    }
}

const struct tc_event *scenario__event(const struct scenario *s, size_t *batch, size_t *index)
{
    while (*batch < s->batch_count) {
        const struct tc_batch *b = s->batches[*batch];
        if (*index < b->count) {
            return &b->events[(*index)++];
        }
        (*batch)++;
        *index = 0;
    }
    return NULL;
}

/* The world */

static const struct tc_section *const sections[] = {&tc_turn_section, &tc_world_section_table,
                                                    &tc_runs_section_table, NULL};
static struct tc_dispatch no_map;

/** Travel times as the crow flies: a test says how far its units are. */
static void answer_travel(struct tc_travel_question *q)
{
    for (size_t i = 0; i < q->source_count; i++) {
        int64_t dx = (int64_t)q->sources[i].lon_e7 - q->lon_e7;
        int64_t dy = (int64_t)q->sources[i].lat_e7 - q->lat_e7;
        int64_t metres = ((dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy)) / E7_PER_METRE;
        q->results[i].unit = q->sources[i].unit;
        q->results[i].metres = (uint32_t)metres;
        q->results[i].seconds = (uint32_t)(metres / SPEED_MPS);
        q->results[i].doubt = "";
    }
}

static void begin(struct scenario *s)
{
    tc_turn_begin(s->turn, s->now_us, s->now_us);
}

static void end(struct scenario *s)
{
    struct tc_travel_question *questions = NULL;
    do {
        struct tc_batch *b = tc_turn_end(s->turn, &questions);
        if (b && s->batch_count == SCENARIO_BATCHES_MAX) {
            scenario__fail(s, "情景过长 / the scenario is too long");
            tc_batch_destroy(b);
        } else if (b) {
            s->batches[s->batch_count++] = b;
        }
        if (!questions && tc_turn_next_due_us(s->turn) != 0) {
            return;
        }
        begin(s);
        while (questions) {
            struct tc_travel_question *q = questions;
            questions = q->next;
            answer_travel(q);
            tc_turn_input(s->turn, &(struct tc_input){.kind = TC_INPUT_ANSWER, .answer = q});
            tc_travel_question_destroy(q);
        }
    } while (s->why[0] == '\0');
    tc_batch_destroy(tc_turn_end(s->turn, &questions));
}

static void start(struct scenario *s)
{
    s->turn = tc_turn_create(s->model);
    TC_REQUIRE(tc_script_host_create(&s->options, &s->host) == TC_OK);
    tc_turn_add_part(s->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(s->turn, &tc_dispatch_part, &no_map);
    tc_turn_add_part(s->turn, &tc_scripts_part, s->host);
    begin(s);
    tc_turn_resume(s->turn, "test");
    s->source = tc_turn_source(s->turn, TC_STR("test"), TC_STR("test"));
    end(s);
}

static void stop(struct scenario *s)
{
    tc_turn_destroy(s->turn);
    tc_script_host_destroy(s->host);
    tc_model_destroy(s->model);
}

/** The process dies; another goes on from the record. */
static void restart(struct scenario *s)
{
    uint64_t digest = tc_model_digest(s->model);
    size_t batch = 0;
    size_t index = 0;
    const struct tc_event *e = NULL;
    stop(s);
    s->model = tc_model_create(sections);
    while ((e = scenario__event(s, &batch, &index)) != NULL) {
        tc_model_apply(s->model, e);
    }
    if (tc_model_digest(s->model) != digest) {
        scenario__fail(s, "重放后态势不同 / the record gives another state");
    }
    start(s);
}

static void command(struct scenario *s, enum tc_command_name name, const char *who,
                    const void *body)
{
    char id[24];
    (void)tc_str_format(id, sizeof id, "test-%zu", s->batch_count);
    struct tc_command c = {.name = name,
                           .id = tc_str_of(id),
                           .who = tc_str_of(who),
                           .role = TC_ROLE_SYSTEM,
                           .body = body};
    size_t first = s->batch_count;
    begin(s);
    tc_turn_input(s->turn, &(struct tc_input){.kind = TC_INPUT_COMMAND, .command = &c, .token = 1});
    end(s);
    const struct tc_reply *r = first < s->batch_count && s->batches[first]->reply_count
                                   ? &s->batches[first]->replies[0]
                                   : NULL;
    if (r && r->verdict == TC_REFUSED) {
        scenario__fail(s, "%s: %.*s %.*s", tc_commands[name].name, (int)r->why.len, r->why.at,
                       (int)r->detail.len, r->detail.at);
    }
}

/* What is given */

static void give_plan(struct scenario *s, struct tc_str source)
{
    struct tc_plan_header header;
    if (tc_plan_read(source, "plan", &header, s->why) != TC_OK) {
        return;
    }
    struct tc_cmd_plan_draft draft = {.source = source};
    struct tc_cmd_plan_approve approve = {.plan = tc_str_of(header.id), .version = 1};
    command(s, TC_CMD_PLAN_DRAFT, "author", &draft);
    command(s, TC_CMD_PLAN_APPROVE, "second", &approve);
}

static void give_unit(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    struct tc_need can = {.capability = arguments__text(json, "capability", a), .count = 1};
    struct tc_cmd_unit_register b = {.call_sign = arguments__text(json, "call_sign", a),
                                     .address = arguments__text(json, "address", a),
                                     .capabilities = &can,
                                     .capabilities_count = 1,
                                     .lon_e7 = LON_E7,
                                     .crew = 3};
    b.name_zh = b.call_sign;
    b.name_en = b.call_sign;
    b.lat_e7 = LAT_E7 + (int32_t)(arguments__i64(json, "metres") * E7_PER_METRE);
    command(s, TC_CMD_UNIT_REGISTER, "setup", &b);
    const struct tc_table *units = tc_model_table(s->model, "unit");
    struct tc_cmd_unit_set_state state = {.state = TC_UNIT_STATE_AVAILABLE, .why = TC_STR("test")};
    TC_POOL_EACH(&units->pool, const struct tc_unit, u)
    {
        if (tc_str_is(b.call_sign, u->call_sign) && u->state != TC_UNIT_STATE_AVAILABLE) {
            state.unit = u->id;
        }
    }
    if (state.unit) {
        command(s, TC_CMD_UNIT_SET_STATE, "setup", &state);
    }
}

static void give_limit(struct scenario *s, struct tc_str device, struct tc_str factor,
                       enum tc_alarm_level level, int64_t value_e6)
{
    struct tc_cmd_limit_set b = {
        .device = device, .factor = factor, .level = level, .value_e6 = value_e6};
    command(s, TC_CMD_LIMIT_SET, "setup", &b);
}

static void give_sensor(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    struct tc_cmd_incident_type_set type = {.code = arguments__text(json, "type", a),
                                            .name_zh = TC_STR("测试"),
                                            .name_en = TC_STR("test")};
    struct tc_cmd_sensor_register b = {.source = TC_STR("test"),
                                       .device = arguments__text(json, "device", a),
                                       .factor = arguments__text(json, "factor", a),
                                       .lon_e7 = LON_E7,
                                       .lat_e7 = LAT_E7};
    b.incident_type = type.code;
    b.name_zh = b.device;
    b.name_en = b.device;
    int64_t warning = arguments__i64(json, "warning_e6");
    int64_t danger = arguments__i64(json, "danger_e6");
    command(s, TC_CMD_INCIDENT_TYPE_SET, "setup", &type);
    command(s, TC_CMD_SENSOR_REGISTER, "setup", &b);
    give_limit(s, b.device, b.factor, TC_ALARM_LEVEL_WARNING, warning);
    if (danger > warning) {
        give_limit(s, b.device, b.factor, TC_ALARM_LEVEL_DANGER, danger);
    }
}

/* Steps */

static void wait_until(struct scenario *s, int64_t until_us)
{
    int64_t due = 0;
    while (s->why[0] == '\0' && (due = tc_turn_next_due_us(s->turn)) <= until_us) {
        s->now_us = due > s->now_us ? due : s->now_us;
        begin(s);
        tc_turn_timers(s->turn);
        end(s);
    }
    s->now_us = until_us > s->now_us ? until_us : s->now_us;
}

static void read_sensor(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    struct tc_str device = arguments__text(json, "device", a);
    struct tc_obs o = {.kind = TC_OBS_READING,
                       .address = device,
                       .occurred_us = s->now_us,
                       .quality = TC_QUALITY_VALID,
                       .value_e6 = arguments__i64(json, "value_e6")};
    TC_POOL_EACH(&tc_model_table(s->model, "sensor")->pool, const struct tc_sensor, sensor)
    {
        if (tc_str_is(device, sensor->device)) {
            o.factor = tc_str_of(tc_arena_copy(a, sensor->factor, strlen(sensor->factor)));
        }
    }
    begin(s);
    tc_turn_input(s->turn,
                  &(struct tc_input){.kind = TC_INPUT_OBSERVATION, .source = s->source, .obs = &o});
    end(s);
}

static void answer_question(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    struct tc_str key = arguments__text(json, "key", a);
    struct tc_cmd_question_answer b = {.answer = arguments__text(json, "answer", a)};
    TC_POOL_EACH(&tc_model_table(s->model, "question")->pool, const struct tc_question, q)
    {
        if (tc_str_is(key, q->key) && q->answer[0] == '\0') {
            b.question = q->id;
        }
    }
    if (b.question) {
        command(s, TC_CMD_QUESTION_ANSWER, "officer", &b);
    } else {
        scenario__fail(s, "没有待答的问题 %.*s / no open question %.*s", (int)key.len, key.at,
                       (int)key.len, key.at);
    }
}

static void close_incidents(struct scenario *s)
{
    struct tc_cmd_incident_close b = {.disposition = TC_STR("test")};
    TC_POOL_EACH(&tc_model_table(s->model, "incident")->pool, const struct tc_incident, i)
    {
        b.incident = i->state == TC_INCIDENT_STATE_OPEN ? i->id : b.incident;
    }
    if (b.incident) {
        command(s, TC_CMD_INCIDENT_CLOSE, "officer", &b);
    }
}

static void play_step(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    struct tc_str what = arguments__text(json, "step", a);
    wait_until(s, s->start_us + arguments__i64(json, "at") * TC_SEC);
    if (s->why[0]) {
        return;
    }
    if (tc_str_is(what, "reading")) {
        read_sensor(s, json, a);
    } else if (tc_str_is(what, "answer")) {
        answer_question(s, json, a);
    } else if (tc_str_is(what, "close")) {
        close_incidents(s);
    } else {
        restart(s);
    }
}

static void each(struct scenario *s, struct tc_str json, const char *key,
                 void (*fn)(struct scenario *, struct tc_str, struct tc_arena *),
                 struct tc_arena *a)
{
    struct tc_jr r = tc_jr_init(arguments__raw(json, key));
    if (tc_jr_peek(&r) != '[' || !tc_jr_open(&r, '[')) {
        return; /* an empty table */
    }
    while (tc_jr_more(&r, ']')) {
        struct tc_str item = tc_jr_skip(&r);
        if (s->why[0] == '\0') {
            fn(s, item, a);
        }
    }
}

static void check_expect(struct scenario *s, struct tc_str json, struct tc_arena *a)
{
    (void)a;
    expect__check(s, json);
}

/** Once with states kept, once with every state dropped: both must come to the same record. */
static uint64_t play(struct tc_str json, struct tc_str plan, bool drops_states,
                     char why[static TC_WHY_MAX])
{
    struct tc_arena a = {0};
    struct scenario *s = tc_alloc(sizeof *s);
    TC_REQUIRE(s != NULL);
    s->options.drops_states = drops_states;
    s->start_us = START_US;
    s->now_us = START_US;
    s->model = tc_model_create(sections);
    start(s);
    each(s, json, "units", give_unit, &a);
    each(s, json, "sensors", give_sensor, &a);
    if (s->why[0] == '\0') {
        give_plan(s, plan);
    }
    each(s, json, "steps", play_step, &a);
    wait_until(s, s->now_us + TAIL_US);
    each(s, json, "expects", check_expect, &a);
    if (s->why[0] == '\0' && !drops_states) {
        expect__prefixes(s, plan);
    }
    uint64_t digest = tc_model_digest(s->model);
    memcpy(why, s->why, TC_WHY_MAX);
    stop(s);
    for (size_t i = 0; i < s->batch_count; i++) {
        tc_batch_destroy(s->batches[i]);
    }
    tc_arena_finish(&a);
    tc_free(s);
    return digest;
}

/* The file */

struct file {
    const char *name;
    struct tc_str source;
    struct tc_buf *json;
};

static int read_file(lua_State *L)
{
    const struct file *f = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, tc_test_prelude_lua, tc_test_prelude_lua_len, "=test_prelude", "t") !=
        LUA_OK) {
        return lua_error(L);
    }
    lua_getfield(L, LUA_REGISTRYINDEX, TC_LIBRARY_KEY);
    lua_getfield(L, -1, "define");
    lua_remove(L, -2);
    lua_call(L, 1, 1);
    if (luaL_loadbufferx(L, f->source.at, f->source.len, f->name, "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 0);
    lua_getfield(L, 2, "collected");
    lua_call(L, 0, 1);
    tc_convert_write(L, -1, f->json);
    return 0;
}

static tc_err read_scenarios(struct tc_str source, const char *file, struct tc_buf *json,
                             char why[static TC_WHY_MAX])
{
    struct tc_sandbox_limits limits = {0};
    struct tc_sandbox *sb = NULL;
    char name[200];
    if (tc_sandbox_create(&limits, 0, &sb) != TC_OK) {
        return TC_ENOMEM;
    }
    (void)tc_str_format(name, sizeof name, "=%s", file);
    struct file f = {.name = name, .source = source, .json = json};
    json->max = SCENARIO_BYTES;
    tc_err err = tc_sandbox_call(sb, read_file, &f, why);
    tc_sandbox_destroy(sb);
    return err;
}

static void play_one(struct tc_str json, tc_plan_reader read, void *ctx, struct tc_buf *report,
                     struct tc_plan_test_result *result)
{
    struct tc_arena a = {0};
    struct tc_buf plan = {0};
    char id[64];
    char why[TC_WHY_MAX] = "";
    char again[TC_WHY_MAX] = "";
    struct tc_str name = arguments__text(json, "name", &a);
    (void)tc_str_put(id, sizeof id, arguments__text(json, "plan", &a));
    if (!read(ctx, id, &plan)) {
        (void)tc_str_format(why, sizeof why, "没有预案 %s / no plan %s", id, id);
    } else {
        uint64_t hot = play(json, tc_buf_str(&plan), false, why);
        uint64_t cold = why[0] ? hot : play(json, tc_buf_str(&plan), true, again);
        if (!why[0] && (hot != cold || again[0])) {
            (void)tc_str_format(why, sizeof why,
                                "重新执行的结果不同 / re-execution ends differently %s", again);
        }
    }
    result->passed += why[0] == '\0';
    result->failed += why[0] != '\0';
    tc_buf_format(report, "%s %.*s%s%s\n", why[0] ? "FAIL" : "ok  ", (int)name.len, name.at,
                  why[0] ? ": " : "", why);
    tc_buf_finish(&plan);
    tc_arena_finish(&a);
}

/* NOLINTNEXTLINE(readability-function-size): the seventh is for the answer. */
tc_err tc_plan_test(struct tc_str source, const char *file, tc_plan_reader read, void *ctx,
                    struct tc_buf *report, struct tc_plan_test_result *result,
                    char why[static TC_WHY_MAX])
{
    struct tc_buf json = {0};
    tc_err err = read_scenarios(source, file, &json, why);
    if (err == TC_OK) {
        struct tc_jr r = tc_jr_init(tc_buf_str(&json));
        if (tc_jr_peek(&r) == '[' && tc_jr_open(&r, '[')) {
            while (tc_jr_more(&r, ']')) {
                play_one(tc_jr_skip(&r), read, ctx, report, result);
            }
        } else {
            (void)tc_str_format(why, TC_WHY_MAX, "%s: 没有情景 / no scenario", file);
            err = TC_EINVAL;
        }
    }
    tc_buf_finish(&json);
    return err;
}
