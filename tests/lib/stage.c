/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/stage.h"

#include "core/base/time.h"
#include "dispatch/world.gen.h"

/* The world: alarms make reports, reports make incidents */

enum { INCIDENTS, ALARMS, REPORTS, UNITS, CLOSURES, TABLES };

struct world {
    struct tc_table tables[TABLES];
};

static void world_init(void *self)
{
    struct tc_table *t = ((struct world *)self)->tables;
    tc_table_init(&t[INCIDENTS], "incident", &tc_record_incident, 5000, true);
    tc_table_init(&t[ALARMS], "alarm", &tc_record_alarm, 5000, true);
    tc_table_init(&t[REPORTS], "report", &tc_record_report, 5000, true);
    tc_table_init(&t[UNITS], "unit", &tc_record_unit, 5000, true);
    tc_table_init(&t[CLOSURES], "closure", &tc_record_closure, 5000, true);
}

static void world_finish(void *self)
{
    for (size_t i = 0; i < TABLES; i++) {
        tc_table_finish(&((struct world *)self)->tables[i]);
    }
}

static struct tc_table *world_tables(void *self, size_t *count)
{
    *count = TABLES;
    return ((struct world *)self)->tables;
}

static void apply_alarm(struct tc_table *t, const struct tc_event *e)
{
    if (e->kind == TC_EV_ALARM_RAISED) {
        struct tc_alarm *a = tc_table_add(&t[ALARMS], e->seq, e->seq);
        (void)tc_str_put(a->kind, sizeof a->kind, TC_BODY(e, alarm_raised)->kind);
        (void)tc_str_put(a->address, sizeof a->address, TC_BODY(e, alarm_raised)->address);
        a->level = TC_BODY(e, alarm_raised)->level;
        return;
    }
    struct tc_alarm *a = tc_table_find(&t[ALARMS], e->subject);
    if (e->kind == TC_EV_ALARM_CLEARED) {
        a->state = TC_ALARM_STATE_CLEARED;
    } else {
        a->level = TC_BODY(e, alarm_level_changed)->level;
    }
}

static void apply_unit(struct tc_table *t, const struct tc_event *e)
{
    if (e->kind == TC_EV_UNIT_REGISTERED) {
        const struct tc_ev_unit_registered *b = TC_BODY(e, unit_registered);
        struct tc_unit *u = tc_table_add(&t[UNITS], e->seq, e->seq);
        (void)tc_str_put(u->call_sign, sizeof u->call_sign, b->call_sign);
        u->capabilities_count = b->capabilities_count;
        for (uint32_t i = 0; i < b->capabilities_count; i++) {
            (void)tc_str_put(u->capabilities[i].capability, sizeof u->capabilities[i].capability,
                             b->capabilities[i].capability);
        }
        u->state = TC_UNIT_STATE_AVAILABLE;
        return;
    }
    struct tc_unit *u = tc_table_find(&t[UNITS], TC_BODY(e, assignment_opened)->unit);
    u->state = TC_UNIT_STATE_DISPATCHED;
}

static void world_apply(void *self, const struct tc_event *e)
{
    struct tc_table *t = ((struct world *)self)->tables;
    switch ((int)e->kind) {
    case TC_EV_ALARM_RAISED:
    case TC_EV_ALARM_CLEARED:
    case TC_EV_ALARM_LEVEL_CHANGED: apply_alarm(t, e); break;
    case TC_EV_UNIT_REGISTERED:
    case TC_EV_ASSIGNMENT_OPENED: apply_unit(t, e); break;
    case TC_EV_REPORT_RECEIVED: {
        struct tc_report *r = tc_table_add(&t[REPORTS], e->seq, e->seq);
        r->alarm = TC_BODY(e, report_received)->alarm;
        break;
    }
    case TC_EV_INCIDENT_OPENED: (void)tc_table_add(&t[INCIDENTS], e->seq, e->seq); break;
    case TC_EV_INCIDENT_CLOSED:
        ((struct tc_incident *)tc_table_find(&t[INCIDENTS], e->subject))->state =
            TC_INCIDENT_STATE_CLOSED;
        break;
    case TC_EV_INCIDENT_MERGED:
        ((struct tc_incident *)tc_table_find(&t[INCIDENTS], e->subject))->state =
            TC_INCIDENT_STATE_MERGED;
        break;
    case TC_EV_REPORT_JOINED: {
        struct tc_report *r = tc_table_find(&t[REPORTS], e->subject);
        r->incident = TC_BODY(e, report_joined)->incident;
        ((struct tc_alarm *)tc_table_find(&t[ALARMS], r->alarm))->incident = r->incident;
        break;
    }
    case TC_EV_ROAD_CLOSED: {
        struct tc_closure *c = tc_table_add(&t[CLOSURES], e->seq, e->seq);
        c->incident = TC_BODY(e, road_closed)->incident;
        (void)tc_str_put(c->by, sizeof c->by, TC_BODY(e, road_closed)->by);
        break;
    }
    case TC_EV_ROAD_OPENED: tc_table_remove(&t[CLOSURES], e->subject, e->seq); break;
    default: break;
    }
}

static const struct tc_section world_section = {.name = "world",
                                                .self_size = sizeof(struct world),
                                                .init = world_init,
                                                .finish = world_finish,
                                                .apply = world_apply,
                                                .tables = world_tables};

static const struct tc_alarm *alarm_at(const struct tc_model *live, struct tc_str address)
{
    TC_POOL_EACH(&tc_model_table(live, "alarm")->pool, const struct tc_alarm, a)
    {
        if (tc_str_is(address, a->address) && a->state == TC_ALARM_STATE_RAISED) {
            return a;
        }
    }
    return NULL;
}

static void observe(const struct tc_model *live, const struct tc_obs *o, struct tc_out *out)
{
    const struct tc_alarm *a = alarm_at(live, o->address);
    if (o->is_cleared) {
        (void)tc_emit(out, TC_EV_ALARM_CLEARED, a->id, NULL);
    } else if (a) {
        struct tc_ev_alarm_level_changed *b = tc_emit(out, TC_EV_ALARM_LEVEL_CHANGED, a->id, NULL);
        b->level = o->level;
        b->was = a->level;
    } else {
        struct tc_ev_alarm_raised *b = tc_emit(out, TC_EV_ALARM_RAISED, 0, NULL);
        b->kind = TC_STR("water_level");
        b->level = o->level;
        b->address = tc_out_copy(out, o->address);
    }
}

static void send_units(const struct tc_model *live, const struct tc_command *c, struct tc_out *out)
{
    const struct tc_cmd_units_send *b = c->body;
    for (uint32_t i = 0; i < b->units_count; i++) {
        const struct tc_unit *u = tc_table_find(tc_model_table(live, "unit"), b->units[i]);
        if (!u || u->state != TC_UNIT_STATE_AVAILABLE) {
            tc_refuse(out, "unit_busy", 0, "%llu", (unsigned long long)b->units[i]);
            return;
        }
    }
    for (uint32_t i = 0; i < b->units_count; i++) {
        struct tc_ev_assignment_opened *e = tc_emit(out, TC_EV_ASSIGNMENT_OPENED, 0, NULL);
        e->incident = b->incident;
        e->unit = b->units[i];
    }
}

static void emit_closed_road(const struct tc_command *c, struct tc_out *out)
{
    const struct tc_cmd_road_close *b = c->body;
    struct tc_ev_road_closed *e = tc_emit(out, TC_EV_ROAD_CLOSED, 0, NULL);
    e->layer = tc_out_copy(out, b->layer);
    e->incident = b->incident;
    e->radius_m = b->radius_m;
    e->by = tc_out_copy(out, c->who);
}

static void emit_unit(const struct tc_cmd_unit_register *b, struct tc_out *out)
{
    struct tc_need *need = tc_arena_alloc(tc_out_arena(out), sizeof *need);
    struct tc_ev_unit_registered *e = tc_emit(out, TC_EV_UNIT_REGISTERED, 0, NULL);
    *need = b->capabilities[0];
    need->capability = tc_out_copy(out, need->capability);
    e->call_sign = tc_out_copy(out, b->call_sign);
    e->capabilities = need;
    e->capabilities_count = 1;
}

static void answer(const struct stage *s, const struct tc_model *live, struct tc_out *out)
{
    struct tc_recommended *lines = tc_arena_alloc(tc_out_arena(out), 48 * sizeof *lines);
    struct tc_shortfall *missing = tc_arena_alloc(tc_out_arena(out), sizeof *missing);
    struct tc_str capability = tc_out_copy(out, tc_str_of(s->answer_capability));
    uint32_t count = 0;
    TC_POOL_EACH(&tc_model_table(live, "unit")->pool, const struct tc_unit, u)
    {
        if (count < s->answer_count && u->state == TC_UNIT_STATE_AVAILABLE &&
            tc_str_is(capability, u->capabilities[0].capability)) {
            lines[count] = (struct tc_recommended){.unit = u->id,
                                                   .capability = capability,
                                                   .seconds = 60 * (count + 1),
                                                   .is_chosen = true};
            count++;
        }
    }
    missing->capability = capability;
    struct tc_ev_recommendation_made *e =
        tc_emit(out, TC_EV_RECOMMENDATION_MADE, s->needs_incident, NULL);
    e->lines = lines;
    e->lines_count = count;
    e->shortfalls = missing;
    e->shortfalls_count = 1;
}

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    struct stage *s = self;
    if (in->kind == TC_INPUT_ANSWER) {
        answer(s, live, out);
        return true;
    }
    if (in->kind == TC_INPUT_OBSERVATION) {
        observe(live, in->obs, out);
        return true;
    }
    const struct tc_command *c = in->command;
    switch ((int)c->name) {
    case TC_CMD_INCIDENT_NOTE: {
        const struct tc_cmd_incident_note *b = c->body;
        struct tc_ev_incident_noted *e = tc_emit(out, TC_EV_INCIDENT_NOTED, b->incident, NULL);
        e->text = tc_out_copy(out, b->text);
        e->text_en = tc_out_copy(out, b->text_en);
        e->by = tc_out_copy(out, c->who);
        return true;
    }
    case TC_CMD_RESPONSE_PROPOSE: {
        const struct tc_cmd_response_propose *b = c->body;
        struct tc_ev_response_proposed *e =
            tc_emit(out, TC_EV_RESPONSE_PROPOSED, b->incident, NULL);
        e->level = tc_out_copy(out, b->level);
        return true;
    }
    case TC_CMD_INCIDENT_SET_GRADE: {
        const struct tc_cmd_incident_set_grade *b = c->body;
        struct tc_ev_incident_grade_changed *e =
            tc_emit(out, TC_EV_INCIDENT_GRADE_CHANGED, b->incident, NULL);
        e->grade = b->grade;
        return true;
    }
    case TC_CMD_INCIDENT_CLOSE:
        (void)tc_emit(out, TC_EV_INCIDENT_CLOSED,
                      ((const struct tc_cmd_incident_close *)c->body)->incident, NULL);
        return true;
    case TC_CMD_INCIDENT_MERGE: {
        const struct tc_cmd_incident_merge *b = c->body;
        struct tc_ev_incident_merged *e = tc_emit(out, TC_EV_INCIDENT_MERGED, b->incident, NULL);
        e->into = b->into;
        return true;
    }
    case TC_CMD_ROAD_CLOSE: emit_closed_road(c, out); return true;
    case TC_CMD_ROAD_OPEN:
        (void)tc_emit(out, TC_EV_ROAD_OPENED, ((const struct tc_cmd_road_open *)c->body)->closure,
                      NULL);
        return true;
    case TC_CMD_UNIT_REGISTER: emit_unit(c->body, out); return true;
    case TC_CMD_UNITS_SEND: send_units(live, c, out); return true;
    case TC_CMD_RECOMMENDATION_ASK:
        s->needs_incident = ((const struct tc_cmd_recommendation_ask *)c->body)->incident;
        return true;
    default: return false;
    }
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    (void)self;
    if (e->kind == TC_EV_ALARM_RAISED) {
        struct tc_ev_report_received *b = tc_emit(out, TC_EV_REPORT_RECEIVED, 0, NULL);
        b->alarm = e->seq;
    } else if (e->kind == TC_EV_REPORT_RECEIVED) {
        uint64_t incident = 0;
        (void)tc_emit(out, TC_EV_INCIDENT_OPENED, 0, &incident);
        struct tc_ev_report_joined *b = tc_emit(out, TC_EV_REPORT_JOINED, e->seq, NULL);
        b->incident = incident;
    }
    (void)live;
}

static const struct tc_part stage_part = {.name = "stage", .decide = decide, .react = react};

/* Turns */

static const struct tc_section *const sections[] = {&tc_turn_section, &world_section,
                                                    &tc_runs_section_table, NULL};

static void start(struct stage *s)
{
    s->turn = tc_turn_create(s->model);
    TC_REQUIRE(tc_script_host_create(&s->options, &s->host) == TC_OK);
    tc_turn_add_part(s->turn, &stage_part, s);
    tc_turn_add_part(s->turn, &tc_scripts_part, s->host);
}

static void begin(struct stage *s)
{
    tc_turn_begin(s->turn, s->now_us, 0);
}

static void end(struct stage *s)
{
    struct tc_travel_question *questions = NULL;
    struct tc_batch *b = tc_turn_end(s->turn, &questions);
    if (!b) {
        return;
    }
    TC_REQUIRE(s->batch_count < STAGE_BATCHES_MAX);
    s->batches[s->batch_count++] = b;
    for (size_t i = 0; i < b->reply_count; i++) {
        s->last_reply = b->replies[i];
        (void)tc_str_put(s->last_why, sizeof s->last_why, b->replies[i].why);
    }
    if (tc_turn_next_due_us(s->turn) == 0) { /* commands of plans wait for the next batch */
        begin(s);
        end(s);
    }
}

void stage_open(struct stage *s, const struct tc_script_options *options)
{
    memset(s, 0, sizeof *s);
    s->options = *options;
    s->now_us = (int64_t)1795219200 * TC_SEC;
    s->model = tc_model_create(sections);
    start(s);
    begin(s);
    tc_turn_resume(s->turn, "test");
    end(s);
}

static void stop(struct stage *s)
{
    tc_turn_destroy(s->turn);
    tc_script_host_destroy(s->host);
    tc_model_destroy(s->model);
}

void stage_close(struct stage *s)
{
    stop(s);
    for (size_t i = 0; i < s->batch_count; i++) {
        tc_batch_destroy(s->batches[i]);
    }
}

static struct tc_model *replayed(const struct stage *s)
{
    struct tc_model *m = tc_model_create(sections);
    for (size_t i = 0; i < s->batch_count; i++) {
        for (size_t k = 0; k < s->batches[i]->count; k++) {
            tc_model_apply(m, &s->batches[i]->events[k]);
        }
    }
    return m;
}

/** The model out of its own saved text, as a start from a snapshot makes it. */
static struct tc_model *reloaded(const struct tc_model *from)
{
    struct tc_buf text = {0};
    char why[TC_WHY_MAX];
    struct tc_model *m = tc_model_create(sections);
    tc_model_save(from, &text);
    TC_REQUIRE(tc_model_load(m, tc_buf_str(&text), why) == TC_OK);
    TC_REQUIRE(tc_model_digest(m) == tc_model_digest(from));
    tc_buf_finish(&text);
    return m;
}

void stage_restart(struct stage *s, int64_t later_us)
{
    stop(s);
    struct tc_model *model = replayed(s);
    s->model = reloaded(model);
    tc_model_destroy(model);
    s->now_us += later_us;
    start(s);
    begin(s);
    tc_turn_resume(s->turn, "test");
    tc_turn_timers(s->turn);
    end(s);
}

uint64_t stage_replayed_digest(const struct stage *s)
{
    struct tc_model *m = replayed(s);
    uint64_t digest = tc_model_digest(m);
    tc_model_destroy(m);
    return digest;
}

void stage_wait(struct stage *s, int64_t us)
{
    int64_t until = s->now_us + us;
    while (tc_turn_next_due_us(s->turn) <= until) {
        int64_t due = tc_turn_next_due_us(s->turn);
        s->now_us = due > s->now_us ? due : s->now_us;
        begin(s);
        tc_turn_timers(s->turn);
        end(s);
    }
    s->now_us = until;
}

static void input(struct stage *s, const struct tc_input *in)
{
    begin(s);
    tc_turn_input(s->turn, in);
    end(s);
}

uint64_t stage_command(struct stage *s, enum tc_command_name name, const char *who,
                       enum tc_role role, const void *body)
{
    char id[24];
    (void)tc_str_format(id, sizeof id, "t%zu", s->batch_count);
    struct tc_command c = {
        .name = name, .id = tc_str_of(id), .who = tc_str_of(who), .role = role, .body = body};
    input(s, &(struct tc_input){.kind = TC_INPUT_COMMAND, .command = &c, .token = 1});
    return s->last_reply.seq;
}

void stage_plan(struct stage *s, const char *source)
{
    struct tc_cmd_plan_draft draft = {.source = tc_str_of(source)};
    (void)stage_command(s, TC_CMD_PLAN_DRAFT, "planner", TC_ROLE_PLANNER, &draft);
    TC_REQUIRE(s->last_reply.verdict == TC_TAKEN);
    const struct tc_event *e = stage_last(s, TC_EV_PLAN_DRAFTED);
    TC_REQUIRE(e != NULL);
    struct tc_cmd_plan_approve approve = {.plan = TC_BODY(e, plan_drafted)->plan,
                                          .version = TC_BODY(e, plan_drafted)->version};
    (void)stage_command(s, TC_CMD_PLAN_APPROVE, "boss", TC_ROLE_SUPERVISOR, &approve);
    TC_REQUIRE(s->last_reply.verdict == TC_TAKEN);
}

void stage_alarm(struct stage *s, const char *address, enum tc_alarm_level level)
{
    struct tc_obs o = {.kind = TC_OBS_DEVICE_ALARM, .address = tc_str_of(address), .level = level};
    input(s, &(struct tc_input){.kind = TC_INPUT_OBSERVATION, .obs = &o});
}

void stage_alarm_cleared(struct stage *s, const char *address)
{
    struct tc_obs o = {
        .kind = TC_OBS_DEVICE_ALARM, .address = tc_str_of(address), .is_cleared = true};
    input(s, &(struct tc_input){.kind = TC_INPUT_OBSERVATION, .obs = &o});
}

uint64_t stage_unit(struct stage *s, const char *call_sign, const char *capability)
{
    struct tc_need need = {.capability = tc_str_of(capability), .count = 1};
    struct tc_cmd_unit_register b = {
        .call_sign = tc_str_of(call_sign), .capabilities = &need, .capabilities_count = 1};
    (void)stage_command(s, TC_CMD_UNIT_REGISTER, "boss", TC_ROLE_SUPERVISOR, &b);
    const struct tc_event *e = stage_last(s, TC_EV_UNIT_REGISTERED);
    TC_REQUIRE(e != NULL);
    return e->seq;
}

void stage_recommend(struct stage *s, const char *capability, uint32_t count)
{
    s->answer_capability = capability;
    s->answer_count = count;
    input(s, &(struct tc_input){.kind = TC_INPUT_ANSWER});
}

uint64_t stage_question(const struct stage *s)
{
    TC_POOL_EACH(&tc_model_table(s->model, "question")->pool, const struct tc_question, q)
    {
        if (q->answer[0] == '\0') {
            return q->id;
        }
    }
    return 0;
}

void stage_answer(struct stage *s, const char *answer)
{
    struct tc_cmd_question_answer b = {.question = stage_question(s), .answer = tc_str_of(answer)};
    (void)stage_command(s, TC_CMD_QUESTION_ANSWER, "zhang", TC_ROLE_OFFICER, &b);
}

size_t stage_count(const struct stage *s, enum tc_kind kind)
{
    size_t count = 0;
    while (stage_event(s, kind, count)) {
        count++;
    }
    return count;
}

const struct tc_event *stage_event(const struct stage *s, enum tc_kind kind, size_t n)
{
    for (size_t i = 0; i < s->batch_count; i++) {
        for (size_t k = 0; k < s->batches[i]->count; k++) {
            if (s->batches[i]->events[k].kind == kind && n-- == 0) {
                return &s->batches[i]->events[k];
            }
        }
    }
    return NULL;
}

const struct tc_event *stage_last(const struct stage *s, enum tc_kind kind)
{
    const struct tc_event *last = NULL;
    for (size_t i = 0; i < s->batch_count; i++) {
        for (size_t k = 0; k < s->batches[i]->count; k++) {
            if (s->batches[i]->events[k].kind == kind) {
                last = &s->batches[i]->events[k];
            }
        }
    }
    return last;
}
