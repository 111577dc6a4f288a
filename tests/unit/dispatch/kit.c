/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dispatch/kit.h"

static const struct tc_section *const sections[] = {&tc_turn_section, &tc_world_section_table,
                                                    NULL};

static void begin(struct kit *k)
{
    tc_turn_begin(k->turn, k->now_us, k->now_us);
}

static void end(struct kit *k)
{
    struct tc_travel_question *q = NULL;
    struct tc_batch *b = tc_turn_end(k->turn, &q);
    while (q) {
        struct tc_travel_question *next = q->next;
        q->next = k->questions;
        k->questions = q;
        q = next;
    }
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->count; i++) {
        const struct tc_event *e = &b->events[i];
        assert_null(tc_record_over_limit(tc_kinds[e->kind].record, e->body));
        tc_model_apply(k->second, e);
    }
    for (size_t i = 0; i < b->reply_count; i++) {
        k->verdict = b->replies[i].verdict;
        k->seq = b->replies[i].seq;
        k->stale_seq = b->replies[i].stale_seq;
        (void)tc_str_put(k->why, sizeof k->why, b->replies[i].why);
        (void)tc_str_put(k->detail, sizeof k->detail, b->replies[i].detail);
    }
    assert_true(k->batch_count < KIT_BATCHES);
    k->batches[k->batch_count++] = b;
}

void kit_open(struct kit *k)
{
    memset(k, 0, sizeof *k);
    k->now_us = KIT_START_US;
    k->role = TC_ROLE_SYSTEM;
    k->who = "wang";
    k->live = tc_model_create(sections);
    k->second = tc_model_create(sections);
    k->turn = tc_turn_create(k->live);
    tc_turn_add_part(k->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(k->turn, &tc_dispatch_part, &k->part);
    begin(k);
    tc_turn_resume(k->turn, "test");
    k->source = tc_turn_source(k->turn, TC_STR("radio-1"), TC_STR("tetra_pei"));
    end(k);
}

void kit_resume(struct kit *k)
{
    begin(k);
    tc_turn_resume(k->turn, "test");
    end(k);
}

void kit_drop_questions(struct kit *k)
{
    while (k->questions) {
        struct tc_travel_question *next = k->questions->next;
        tc_travel_question_destroy(k->questions);
        k->questions = next;
    }
}

void kit_close(struct kit *k)
{
    assert_int_equal(tc_model_digest(k->live), tc_model_digest(k->second));
    kit_drop_questions(k);
    for (size_t i = 0; i < k->batch_count; i++) {
        tc_batch_destroy(k->batches[i]);
    }
    tc_turn_destroy(k->turn);
    tc_model_destroy(k->live);
    tc_model_destroy(k->second);
}

const struct tc_world_section *kit_world(const struct kit *k)
{
    return tc_world_of(k->live);
}

void kit_obs(struct kit *k, const struct tc_obs *obs)
{
    begin(k);
    tc_turn_input(k->turn,
                  &(struct tc_input){
                      .kind = TC_INPUT_OBSERVATION, .source = k->source, .token = 1, .obs = obs});
    end(k);
}

void kit_command(struct kit *k, enum tc_command_name name, const void *body)
{
    struct tc_command c = {
        .name = name, .who = tc_str_of(k->who), .role = k->role, .seen = k->seen, .body = body};
    begin(k);
    tc_turn_input(k->turn, &(struct tc_input){.kind = TC_INPUT_COMMAND, .token = 1, .command = &c});
    end(k);
}

void kit_pass(struct kit *k, int64_t us)
{
    k->now_us += us;
    begin(k);
    tc_turn_timers(k->turn);
    end(k);
}

const struct tc_event *kit_event(const struct kit *k, enum tc_kind kind, size_t n)
{
    for (size_t b = k->batch_count; b > 0; b--) {
        const struct tc_batch *batch = k->batches[b - 1];
        for (size_t i = batch->count; i > 0; i--) {
            if (batch->events[i - 1].kind == kind && n-- == 0) {
                return &batch->events[i - 1];
            }
        }
    }
    return NULL;
}

static const struct tc_event *newest(const struct kit *k, enum tc_kind kind)
{
    const struct tc_event *e = kit_event(k, kind, 0);
    TC_REQUIRE(e != NULL);
    return e;
}

size_t kit_count(const struct kit *k, enum tc_kind kind)
{
    size_t count = 0;
    while (kit_event(k, kind, count)) {
        count++;
    }
    return count;
}

void kit_answer(struct kit *k, uint64_t lost)
{
    while (k->questions) {
        struct tc_travel_question *q = k->questions;
        k->questions = q->next;
        for (size_t i = 0; i < q->source_count; i++) {
            double d2 = tc_world_distance2(q->sources[i].lon_e7, q->sources[i].lat_e7, q->lon_e7,
                                           q->lat_e7);
            uint32_t metres = 0;
            while ((double)metres * metres < d2) {
                metres += 10;
            }
            bool is_lost = q->sources[i].unit == lost;
            q->results[i] = (struct tc_travel_answer){.unit = q->sources[i].unit,
                                                      .seconds = is_lost ? UINT32_MAX : metres / 10,
                                                      .metres = is_lost ? 0 : metres,
                                                      .doubt = ""};
        }
        begin(k);
        tc_turn_input(k->turn, &(struct tc_input){.kind = TC_INPUT_ANSWER, .answer = q});
        end(k);
        tc_travel_question_destroy(q);
    }
}

uint64_t kit_unit(struct kit *k, const char *call_sign, const char *address, const char *capability,
                  int32_t lon_e7, int32_t lat_e7)
{
    struct tc_need can = {tc_str_of(capability), 1};
    KIT_SAY(k, UNIT_REGISTER, unit_register, .call_sign = tc_str_of(call_sign),
            .address = tc_str_of(address), .capabilities_count = 1, .capabilities = &can);
    KIT_TAKEN(k);
    uint64_t id = newest(k, TC_EV_UNIT_REGISTERED)->seq;
    if (lon_e7) {
        kit_position(k, address, lon_e7, lat_e7);
    }
    return id;
}

uint64_t kit_incident(struct kit *k, const char *type, int32_t lon_e7, int32_t lat_e7)
{
    KIT_SAY(k, INCIDENT_OPEN, incident_open, .type = tc_str_of(type), .lon_e7 = lon_e7,
            .lat_e7 = lat_e7);
    KIT_TAKEN(k);
    return newest(k, TC_EV_INCIDENT_OPENED)->seq;
}

void kit_meaning(struct kit *k, uint32_t code, enum tc_unit_state state, bool is_alarm)
{
    KIT_SAY(k, STATUS_MEANING_SET, status_meaning_set, .code = code, .state = state,
            .is_alarm = is_alarm);
    KIT_TAKEN(k);
}

void kit_status(struct kit *k, const char *address, uint32_t code)
{
    struct tc_obs o = tc_obs_init(TC_OBS_STATUS);
    o.address = tc_str_of(address);
    o.code = code;
    kit_obs(k, &o);
}

void kit_position(struct kit *k, const char *address, int32_t lon_e7, int32_t lat_e7)
{
    struct tc_obs o = tc_obs_init(TC_OBS_POSITION);
    o.address = tc_str_of(address);
    o.has_position = true;
    o.x_e7 = lon_e7;
    o.y_e7 = lat_e7;
    kit_obs(k, &o);
}

uint64_t kit_send(struct kit *k, uint64_t incident, uint64_t unit)
{
    KIT_SAY(k, UNITS_SEND, units_send, .incident = incident, .units_count = 1, .units = &unit);
    KIT_TAKEN(k);
    return newest(k, TC_EV_ASSIGNMENT_OPENED)->seq;
}
