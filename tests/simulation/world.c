/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/world.h"

#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "core/turn/turn.gen.h"
#include "tests/lib/tc_test.h"

#define START_US INT64_C(1795248000000000)

static const struct tc_section *const sections[] = {&tc_turn_section, &tc_world_section_table,
                                                    &tc_runs_section_table, NULL};

uint64_t sim_random(struct sim *s, uint64_t bound)
{
    s->random = tc_hash_mix(s->random + 1, UINT64_C(0x5851F42D4C957F2D));
    return s->random % bound;
}

bool sim_chance(struct sim *s, unsigned percent)
{
    return sim_random(s, 100) < percent;
}

/* The process */

static void begin(struct sim *s)
{
    tc_turn_begin(s->turn, s->now_us, s->monotonic_us);
}

static void keep_questions(struct sim *s, struct tc_travel_question *q)
{
    while (q) {
        struct tc_travel_question *next = q->next;
        if (s->question_count < SIM_QUESTIONS) {
            q->as_of = s->live->seq;
            s->questions[s->question_count++] = q;
        } else {
            tc_travel_question_destroy(q);
        }
        q = next;
    }
}

static void end(struct sim *s)
{
    struct tc_travel_question *q = NULL;
    struct tc_batch *b = tc_turn_end(s->turn, &q);
    keep_questions(s, q);
    if (!b) {
        return;
    }
    b->has_digest = true;
    b->digest = tc_model_digest(s->live);
    b->next = NULL;
    *s->waiting_last = b;
    s->waiting_last = &b->next;
    s->waiting_count++;
}

static void start_process(struct sim *s)
{
    const struct tc_script_options options = {.drops_states = sim_chance(s, 50)};
    assert_int_equal(tc_script_host_create(&options, &s->scripts), TC_OK);
    s->turn = tc_turn_create(s->live);
    tc_turn_add_part(s->turn, &tc_sessions_part, NULL);
    tc_turn_add_part(s->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(s->turn, &tc_dispatch_part, &s->dispatch);
    tc_turn_add_part(s->turn, &tc_scripts_part, s->scripts);
    s->waiting = NULL;
    s->waiting_last = &s->waiting;
    s->waiting_count = 0;
    begin(s);
    tc_turn_resume(s->turn, "simulation");
    s->source_radio = tc_turn_source(s->turn, TC_STR("radio-1"), TC_STR("tetra_pei"));
    s->source_gauge = tc_turn_source(s->turn, TC_STR("gauges"), TC_STR("gateway"));
    end(s);
}

static void stop_process(struct sim *s)
{
    tc_turn_destroy(s->turn);
    tc_script_host_destroy(s->scripts);
    while (s->waiting) {
        struct tc_batch *next = s->waiting->next;
        tc_batch_destroy(s->waiting);
        s->waiting = next;
    }
    for (size_t i = 0; i < s->question_count; i++) {
        tc_travel_question_destroy(s->questions[i]);
    }
    s->question_count = 0;
    for (size_t i = 0; i < TC_COUNT_OF(s->sendings); i++) {
        s->sendings[i].is_used = false;
    }
    s->link_is_up = false;
}

/* The disk */

static void journal_event(struct sim *s, const struct tc_event *e)
{
    struct tc_buf body = {0};
    tc_record_write(&body, tc_kinds[e->kind].record, e->body, TC_ALL_FIELDS);
    tc_buf_format(&s->journal, "%llu %lld %lld %d %llu %llu %llu %llu ", (unsigned long long)e->seq,
                  (long long)e->at_us, (long long)e->occurred_us, (int)e->kind,
                  (unsigned long long)e->source, (unsigned long long)e->subject,
                  (unsigned long long)e->cause, (unsigned long long)e->key);
    tc_buf_put_str(&s->journal, tc_buf_str(&body));
    tc_buf_byte(&s->journal, '\n');
    tc_buf_finish(&body);
}

static const char *number_after(const char *at, uint64_t *out)
{
    bool negative = *at == '-';
    *out = 0;
    for (at += negative; *at >= '0' && *at <= '9'; at++) {
        *out = *out * 10 + (uint64_t)(*at - '0');
    }
    *out = negative ? (uint64_t)0 - *out : *out;
    return at + 1;
}

/** Reads the journal back through the codec into a fresh model. */
static struct tc_model *replayed(const struct sim *s)
{
    struct tc_model *m = tc_model_create(sections);
    struct tc_arena a = {0};
    const char *at = (const char *)s->journal.bytes;
    const char *stop = at + s->journal.len;
    char why[TC_WHY_MAX];
    while (at < stop) {
        uint64_t n[8];
        for (size_t i = 0; i < 8; i++) {
            at = number_after(at, &n[i]);
        }
        const char *line = memchr(at, '\n', (size_t)(stop - at));
        struct tc_event e = {.seq = n[0],
                             .at_us = (int64_t)n[1],
                             .occurred_us = (int64_t)n[2],
                             .kind = (enum tc_kind)n[3],
                             .source = n[4],
                             .subject = n[5],
                             .cause = n[6],
                             .key = n[7]};
        const struct tc_record *record = tc_kinds[e.kind].record;
        void *body = tc_arena_alloc(&a, record->size);
        struct tc_str text = {.at = at, .len = (size_t)(line - at)};
        if (tc_record_read(text, record, body, &a, why) != TC_OK) {
            fail_msg("seed %llu: %s cannot be read back: %s", (unsigned long long)s->seed,
                     tc_kind_name(e.kind), why);
        }
        e.body = body;
        tc_model_apply(m, &e);
        tc_arena_reset(&a);
        at = line + 1;
    }
    tc_arena_finish(&a);
    return m;
}

/* The air */

static struct sim_sending *free_sending(struct sim *s)
{
    for (size_t i = 0; i < TC_COUNT_OF(s->sendings); i++) {
        if (!s->sendings[i].is_used) {
            return &s->sendings[i];
        }
    }
    return &s->sendings[0];
}

/** Only ever called for durable events: the bytes leave now. */
static void put_on_air(struct sim *s, const struct tc_event *e)
{
    const struct tc_ev_order_attempted *b = e->body;
    const struct tc_outbox *o = tc_table_find(tc_model_table(s->live, "outbox"), e->subject);
    if (!o || !s->link_is_up) {
        return;
    }
    struct sim_sending *t = free_sending(s);
    *t = (struct sim_sending){.is_used = true, .ref = b->ref};
    (void)tc_str_put(t->address, sizeof t->address, tc_str_of(o->address));
    bool leaves = !sim_chance(s, 15);
    t->is_ok = leaves;
    t->outcome_us = sim_chance(s, 10) ? 0 : s->now_us + (int64_t)sim_random(s, 4 * TC_SEC);
    if (leaves) {
        assert_true(s->air_count < SIM_AIR_MAX);
        struct sim_air *air = &s->air[s->air_count++];
        (void)tc_str_put(air->number, sizeof air->number, tc_str_of(o->number));
        air->is_repeat = b->is_repeat;
        air->order = e->subject;
        s->repeats += b->is_repeat;
        t->delivered_us = sim_chance(s, 80) ? s->now_us + (int64_t)sim_random(s, 20 * TC_SEC) : 0;
        t->read_us = sim_chance(s, 70) ? s->now_us + (int64_t)sim_random(s, 60 * TC_SEC) : 0;
    }
}

/** The disk is done with the oldest batch: what rests on it may be told. */
static void commit_one(struct sim *s)
{
    struct tc_batch *b = s->waiting;
    s->waiting = b->next;
    if (!s->waiting) {
        s->waiting_last = &s->waiting;
    }
    s->waiting_count--;
    for (size_t i = 0; i < b->count; i++) {
        journal_event(s, &b->events[i]);
        tc_model_apply(s->follower, &b->events[i]);
        s->journal_seq = b->events[i].seq;
        if (b->events[i].kind == TC_EV_ORDER_ATTEMPTED) {
            put_on_air(s, &b->events[i]);
        }
    }
    s->journal_digest = b->digest;
    for (size_t i = 0; i < b->reply_count; i++) {
        const struct tc_reply *r = &b->replies[i];
        s->refusals += r->verdict == TC_REFUSED;
        if (r->verdict != TC_REFUSED && s->ack_count < SIM_ACKS_MAX) {
            s->acks[s->ack_count++] = (struct sim_ack){.token = r->token, .seq = r->seq};
        }
    }
    tc_batch_destroy(b);
    s->commits++;
}

void sim_commit(struct sim *s)
{
    while (s->waiting) {
        commit_one(s);
    }
}

void sim_crash(struct sim *s)
{
    s->crashes++;
    stop_process(s);
    tc_model_destroy(s->live);
    s->live = replayed(s);
    assert_int_equal(s->live->seq, s->journal_seq);
    if (tc_model_digest(s->live) != s->journal_digest) {
        fail_msg("seed %llu: replay to %llu differs from the live model",
                 (unsigned long long)s->seed, (unsigned long long)s->journal_seq);
    }
    s->now_us += (int64_t)sim_random(s, 120 * TC_SEC);
    start_process(s);
}

/* Inputs */

static void command(struct sim *s, enum tc_command_name name, enum tc_role role, const char *who,
                    const void *body)
{
    char id[32];
    (void)tc_str_format(id, sizeof id, "c%llu", (unsigned long long)s->next_token);
    struct tc_command c = {.name = name,
                           .id = tc_str_of(id),
                           .who = tc_str_of(who),
                           .role = role,
                           .seen = sim_chance(s, 70) ? s->live->seq : s->live->seq / 2,
                           .body = body};
    struct tc_input in = {.kind = TC_INPUT_COMMAND, .command = &c, .token = s->next_token++};
    begin(s);
    tc_turn_input(s->turn, &in);
    end(s);
}

static void observe(struct sim *s, uint64_t source, struct tc_obs *obs)
{
    obs->ref = 1;
    struct tc_input in = {
        .kind = TC_INPUT_OBSERVATION, .source = source, .obs = obs, .token = s->next_token++};
    begin(s);
    tc_turn_input(s->turn, &in);
    end(s);
}

static void address_of(unsigned unit, char out[16])
{
    (void)tc_str_format(out, 16, "%u", 10101 + unit);
}

static void register_units(struct sim *s)
{
    static const char *const words[] = {"pump", "patrol", "engine", "ambulance"};
    for (unsigned i = 0; i < SIM_UNITS; i++) {
        char address[16];
        address_of(i, address);
        const struct tc_need can = {.capability = tc_str_of(words[i % 4]), .count = 1};
        const struct tc_cmd_unit_register b = {.call_sign = tc_str_of(address),
                                               .kind = TC_UNIT_KIND_PUMP_TRUCK,
                                               .address = tc_str_of(address),
                                               .capabilities = &can,
                                               .capabilities_count = 1,
                                               .lon_e7 = 1140500000 + (int32_t)i * 20000,
                                               .lat_e7 = 225400000};
        command(s, TC_CMD_UNIT_REGISTER, TC_ROLE_SUPERVISOR, "setup", &b);
    }
}

static void register_rest(struct sim *s)
{
    const struct tc_cmd_sensor_register sensor = {.source = TC_STR("gauges"),
                                                  .device = TC_STR("g1"),
                                                  .factor = TC_STR("water_level"),
                                                  .lon_e7 = 1140600000,
                                                  .lat_e7 = 225410000,
                                                  .feature = TC_STR("UP-01"),
                                                  .incident_type = TC_STR("waterlogging")};
    command(s, TC_CMD_SENSOR_REGISTER, TC_ROLE_SUPERVISOR, "setup", &sensor);
    const int64_t limits_e6[] = {150000, 270000};
    for (unsigned i = 0; i < 2; i++) {
        const struct tc_cmd_limit_set b = {.factor = TC_STR("water_level"),
                                           .level =
                                               i ? TC_ALARM_LEVEL_DANGER : TC_ALARM_LEVEL_WARNING,
                                           .value_e6 = limits_e6[i],
                                           .hysteresis_e6 = 20000};
        command(s, TC_CMD_LIMIT_SET, TC_ROLE_SUPERVISOR, "setup", &b);
    }
    const struct tc_need needs[] = {{.capability = TC_STR("pump"), .count = 2},
                                    {.capability = TC_STR("patrol"), .count = 1}};
    const struct tc_cmd_run_card_set card = {
        .type = TC_STR("waterlogging"), .needs = needs, .needs_count = 2};
    command(s, TC_CMD_RUN_CARD_SET, TC_ROLE_SUPERVISOR, "setup", &card);
    static const enum tc_unit_state states[] = {TC_UNIT_STATE_AVAILABLE, TC_UNIT_STATE_ACCEPTED,
                                                TC_UNIT_STATE_EN_ROUTE, TC_UNIT_STATE_ON_SCENE};
    for (uint32_t i = 0; i < 4; i++) {
        const struct tc_cmd_status_meaning_set b = {.code = 0x8002 + i, .state = states[i]};
        command(s, TC_CMD_STATUS_MEANING_SET, TC_ROLE_SUPERVISOR, "setup", &b);
    }
}

static void approve_plan(struct sim *s)
{
    struct tc_buf source = {0};
    char why[TC_WHY_MAX];
    FILE *f = fopen("plans/waterlogging.lua", "r");
    assert_non_null(f);
    char part[4096];
    size_t n = 0;
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        tc_buf_put(&source, part, n);
    }
    (void)fclose(f);
    struct tc_plan_header h;
    assert_int_equal(tc_plan_read(tc_buf_str(&source), "waterlogging.lua", &h, why), TC_OK);
    const struct tc_cmd_plan_draft draft = {.plan = tc_str_of(h.id),
                                            .source = tc_buf_str(&source),
                                            .title_zh = tc_str_of(h.title_zh),
                                            .title_en = tc_str_of(h.title_en),
                                            .hash = tc_str_of(h.hash)};
    command(s, TC_CMD_PLAN_DRAFT, TC_ROLE_PLANNER, "wu", &draft);
    const struct tc_cmd_plan_approve approve = {.plan = tc_str_of(h.id), .version = 1};
    command(s, TC_CMD_PLAN_APPROVE, TC_ROLE_SUPERVISOR, "lin", &approve);
    tc_buf_finish(&source);
}

void sim_open(struct sim *s, uint64_t seed)
{
    *s = (struct sim){.seed = seed, .random = seed, .now_us = START_US, .next_token = 1};
    s->journal.max = (size_t)512 * 1024 * 1024;
    s->live = tc_model_create(sections);
    s->follower = tc_model_create(sections);
    start_process(s);
    register_units(s);
    register_rest(s);
    approve_plan(s);
    sim_commit(s);
}

void sim_close(struct sim *s)
{
    stop_process(s);
    tc_model_destroy(s->live);
    tc_model_destroy(s->follower);
    tc_buf_finish(&s->journal);
}

/* One step of a bad day */

static void link_changes(struct sim *s)
{
    struct tc_obs o = tc_obs_init(s->link_is_up ? TC_OBS_LINK_DOWN : TC_OBS_LINK_UP);
    o.text = s->link_is_up ? TC_STR("lost") : TC_STR("radio");
    s->link_is_up = !s->link_is_up;
    if (!s->link_is_up) { /* what it had taken is never heard of again */
        for (size_t i = 0; i < TC_COUNT_OF(s->sendings); i++) {
            s->sendings[i].outcome_us = 0;
        }
    }
    observe(s, s->source_radio, &o);
}

static void radio_reports(struct sim *s, struct sim_sending *t, uint32_t code)
{
    struct tc_obs o = tc_obs_init(TC_OBS_DELIVERY);
    o.address = tc_str_of(t->address);
    o.message_ref = t->ref;
    o.code = code;
    observe(s, s->source_radio, &o);
}

static void radios_answer(struct sim *s)
{
    for (size_t i = 0; i < TC_COUNT_OF(s->sendings) && s->link_is_up; i++) {
        struct sim_sending *t = &s->sendings[i];
        if (!t->is_used) {
            continue;
        }
        if (t->outcome_us && t->outcome_us <= s->now_us) {
            struct tc_obs o = tc_obs_init(TC_OBS_SENT);
            o.message_ref = t->ref;
            o.is_ok = t->is_ok;
            o.cause = t->is_ok ? 0 : 42;
            t->outcome_us = 0;
            t->was_sent = t->is_ok;
            observe(s, s->source_radio, &o);
        }
        if (t->delivered_us && t->delivered_us <= s->now_us) {
            t->delivered_us = 0;
            radio_reports(s, t, 0);
        }
        if (t->read_us && t->read_us <= s->now_us) {
            t->read_us = 0;
            radio_reports(s, t, 2);
        }
    }
}

static void gauge_reports(struct sim *s)
{
    s->level_e6 = (int64_t)sim_random(s, 450000);
    struct tc_obs o = tc_obs_init(TC_OBS_READING);
    char key[32];
    (void)tc_str_format(key, sizeof key, "r%llu", (unsigned long long)sim_random(s, 5000));
    o.key = tc_obs_key(TC_STR("g"), tc_str_of(key), TC_STR(""));
    o.address = TC_STR("g1");
    o.factor = TC_STR("water_level");
    o.value_e6 = s->level_e6;
    observe(s, s->source_gauge, &o);
}

static void radio_speaks(struct sim *s)
{
    char address[16];
    address_of((unsigned)sim_random(s, SIM_UNITS + 2), address); /* two that nobody knows */
    struct tc_obs o = tc_obs_init(TC_OBS_STATUS);
    o.address = tc_str_of(address);
    switch (sim_random(s, 4)) {
    case 0: o.code = 0x8002 + (uint32_t)sim_random(s, 5); break;
    case 1:
        o.kind = TC_OBS_EMERGENCY;
        o.sign = (enum tc_sign)(1 + sim_random(s, 3));
        break;
    default:
        o.kind = TC_OBS_POSITION;
        o.has_position = true;
        o.x_e7 = 1140500000 + (int64_t)sim_random(s, 900000);
        o.y_e7 = 225300000 + (int64_t)sim_random(s, 500000);
        break;
    }
    observe(s, s->source_radio, &o);
}

static void citizen_reports(struct sim *s)
{
    struct tc_obs o = tc_obs_init(TC_OBS_CASE);
    o.service_code = TC_STR("10001");
    o.text = TC_STR("隧道积水");
    o.has_position = true;
    o.x_e7 = 1140600000 + (int64_t)sim_random(s, 30000);
    o.y_e7 = 225410000;
    o.caller_phone = TC_STR("13800000000");
    observe(s, s->source_gauge, &o);
}

static uint64_t some_id(struct sim *s, const char *table)
{
    const struct tc_table *t = tc_model_table(s->live, table);
    if (t->pool.top == 0) {
        return sim_random(s, 10);
    }
    const uint64_t *id = tc_pool_at(&t->pool, (size_t)sim_random(s, t->pool.top));
    return id ? *id : 0;
}

static void officer_acts(struct sim *s)
{
    uint64_t incident = some_id(s, "incident");
    const uint64_t units[2] = {some_id(s, "unit"), some_id(s, "unit")};
    const struct tc_cmd_units_send send = {
        .incident = incident, .units = units, .units_count = 1 + (uint32_t)sim_random(s, 2)};
    const struct tc_cmd_question_answer reply = {.question = some_id(s, "question"),
                                                 .answer = sim_chance(s, 50) ? TC_STR("yes")
                                                                             : TC_STR("no")};
    const struct tc_cmd_incident_merge merge = {
        .incident = incident, .into = some_id(s, "incident"), .why = TC_STR("same water")};
    const struct tc_cmd_incident_unmerge unmerge = {.incident = incident, .why = TC_STR("no")};
    const struct tc_cmd_incident_close shut = {.incident = incident, .disposition = TC_STR("done")};
    const struct tc_cmd_order_resend resend = {.order = some_id(s, "order")};
    const struct tc_cmd_order_withdraw withdraw = {.order = some_id(s, "order")};
    const struct tc_cmd_unit_set_state state = {
        .unit = units[0], .state = (enum tc_unit_state)sim_random(s, TC_UNIT_STATE_COUNT)};
    const struct {
        enum tc_command_name name;
        const void *body;
    } acts[] = {{TC_CMD_UNITS_SEND, &send},         {TC_CMD_UNITS_SEND, &send},
                {TC_CMD_QUESTION_ANSWER, &reply},   {TC_CMD_QUESTION_ANSWER, &reply},
                {TC_CMD_INCIDENT_MERGE, &merge},    {TC_CMD_INCIDENT_UNMERGE, &unmerge},
                {TC_CMD_INCIDENT_CLOSE, &shut},     {TC_CMD_ORDER_RESEND, &resend},
                {TC_CMD_ORDER_WITHDRAW, &withdraw}, {TC_CMD_UNIT_SET_STATE, &state}};
    size_t i = (size_t)sim_random(s, TC_COUNT_OF(acts));
    command(s, acts[i].name, TC_ROLE_OFFICER, "chen", acts[i].body);
}

static void lane_answers(struct sim *s)
{
    if (s->question_count == 0) {
        return;
    }
    struct tc_travel_question *q = s->questions[--s->question_count];
    for (size_t i = 0; i < q->source_count; i++) {
        q->results[i] = (struct tc_travel_answer){.unit = q->sources[i].unit,
                                                  .seconds = (uint32_t)sim_random(s, 900),
                                                  .metres = 1000,
                                                  .doubt = ""};
    }
    struct tc_input in = {.kind = TC_INPUT_ANSWER, .answer = q};
    begin(s);
    tc_turn_input(s->turn, &in);
    end(s);
    tc_travel_question_destroy(q);
}

void sim_step(struct sim *s)
{
    int64_t pass_us = (int64_t)sim_random(s, sim_chance(s, 3) ? 400 * TC_SEC : 3 * TC_SEC);
    s->now_us += pass_us;
    s->monotonic_us += pass_us;
    begin(s);
    tc_turn_timers(s->turn);
    end(s);
    radios_answer(s);
    uint64_t what = sim_random(s, 100);
    if (what < 6) {
        link_changes(s);
    } else if (what < 30) {
        gauge_reports(s);
    } else if (what < 55) {
        radio_speaks(s);
    } else if (what < 60) {
        citizen_reports(s);
    } else if (what < 85) {
        officer_acts(s);
    } else {
        lane_answers(s);
    }
    while (s->waiting && sim_chance(s, 80)) {
        commit_one(s);
    }
    if (sim_chance(s, 2)) {
        sim_crash(s);
    }
}

void sim_settle(struct sim *s, int64_t us)
{
    if (!s->link_is_up) {
        link_changes(s);
    }
    for (int64_t passed = 0; passed < us; passed += TC_SEC) {
        s->now_us += TC_SEC;
        s->monotonic_us += TC_SEC;
        begin(s);
        tc_turn_timers(s->turn);
        end(s);
        radios_answer(s);
        lane_answers(s);
        sim_commit(s);
    }
}
