/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random days by seed. After every step: the second model, which only applies the events, equals
 * the live one, and what must always hold holds. Half-way the model is saved and loaded; the loaded
 * one must have the same digest and lead the same second half.
 *   TOCSIN_SEED=7 repeats one seed.
 */
#include <stdlib.h>

#include "tests/unit/dispatch/kit.h"

#define LON   1140579123
#define LAT   225431234
#define UNITS 6u
#define STEPS 400u

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(d->state >> 33) % sides;
}

static const char *const addresses[UNITS] = {"101", "102", "103", "104", "105", "4600012345678"};

static uint64_t any(const struct kit *k, struct dice *d, enum tc_world_table table)
{
    const struct tc_pool *p = &kit_world(k)->tables[table].pool;
    if (p->count == 0) {
        return 0;
    }
    uint32_t n = roll(d, (uint32_t)p->count); /* by id: places differ after a load */
    uint64_t last = 0;
    for (uint32_t i = 0; i <= n; i++) {
        uint64_t next = UINT64_MAX;
        TC_POOL_EACH(p, const uint64_t, id)
        {
            next = *id > last && *id < next ? *id : next;
        }
        last = next;
    }
    return last;
}

static int32_t somewhere(struct dice *d, int32_t around)
{
    return around + (int32_t)roll(d, 100000) - 50000;
}

/** The radio link comes and goes, and says what became of its attempt. */
static void link_says(struct kit *k, struct dice *d)
{
    static const enum tc_obs_kind kinds[] = {TC_OBS_LINK_UP, TC_OBS_LINK_UP, TC_OBS_LINK_DOWN,
                                             TC_OBS_SENT,    TC_OBS_SENT,    TC_OBS_DELIVERY};
    const struct tc_event *e = kit_event(k, TC_EV_ORDER_ATTEMPTED, 0);
    struct tc_obs o = tc_obs_init(kinds[roll(d, TC_COUNT_OF(kinds))]);
    o.message_ref = e ? TC_BODY(e, order_attempted)->ref : 1;
    o.is_ok = roll(d, 4) > 0;
    o.cause = roll(d, 2) ? 4 : 42;
    o.code = roll(d, 2) ? 0 : 2;
    o.address = tc_str_of(addresses[roll(d, UNITS)]);
    kit_obs(k, &o);
}

static void observe(struct kit *k, struct dice *d)
{
    static const enum tc_obs_kind kinds[] = {
        TC_OBS_POSITION,  TC_OBS_STATUS,  TC_OBS_STATUS,  TC_OBS_STATUS,      TC_OBS_TEXT,
        TC_OBS_EMERGENCY, TC_OBS_READING, TC_OBS_READING, TC_OBS_CALL_START,  TC_OBS_CALL_END,
        TC_OBS_CASE,      TC_OBS_REPORT,  TC_OBS_HEARD,   TC_OBS_DEVICE_ALARM};
    struct tc_obs o = tc_obs_init(kinds[roll(d, TC_COUNT_OF(kinds))]);
    o.address = tc_str_of(roll(d, 12) ? addresses[roll(d, UNITS)] : "999");
    o.code = roll(d, 9);
    o.has_position = roll(d, 3) > 0;
    o.x_e7 = somewhere(d, LON);
    o.y_e7 = somewhere(d, LAT);
    o.text = roll(d, 2) ? TC_STR("起火了") : TC_STR("收到 0001-01");
    o.service_code = TC_STR("01");
    o.sign = (enum tc_sign)(1 + roll(d, 4));
    o.instance = roll(d, 4);
    o.priority = roll(d, 20);
    o.age_s = roll(d, 30);
    o.is_cleared = roll(d, 2) == 0;
    if (o.kind == TC_OBS_READING || o.kind == TC_OBS_DEVICE_ALARM) {
        o.address = roll(d, 10) ? TC_STR("G1") : TC_STR("G?");
        o.factor = TC_STR("39");
        o.value_e6 = (int64_t)roll(d, 600000);
        o.occurred_us = k->now_us - (int64_t)roll(d, 3) * 8 * TC_MIN;
    }
    kit_obs(k, &o);
}

static void command(struct kit *k, struct dice *d)
{
    uint64_t incident = any(k, d, TC_WORLD_INCIDENT);
    uint64_t unit = any(k, d, TC_WORLD_UNIT);
    uint64_t order = any(k, d, TC_WORLD_ORDER);
    uint64_t units[2] = {unit, any(k, d, TC_WORLD_UNIT)};
    k->seen = roll(d, 4) ? 0 : k->live->seq - roll(d, 40);
    switch (roll(d, 16)) {
    case 0:
    case 1:
    case 2:
        KIT_SAY(k, UNITS_SEND, units_send, .incident = incident, .units_count = 1 + roll(d, 2),
                .units = units);
        break;
    case 3:
        KIT_SAY(k, INCIDENT_CLOSE, incident_close, .incident = incident,
                .disposition = TC_STR("done"));
        break;
    case 4:
        KIT_SAY(k, INCIDENT_MERGE, incident_merge, .incident = incident,
                .into = any(k, d, TC_WORLD_INCIDENT));
        break;
    case 5: KIT_SAY(k, INCIDENT_UNMERGE, incident_unmerge, .incident = incident); break;
    case 6: KIT_SAY(k, INCIDENT_REOPEN, incident_reopen, .incident = incident); break;
    case 7:
        KIT_SAY(k, ORDER_RECORD, order_record, .order = order,
                .state = (enum tc_order_state)roll(d, TC_ORDER_STATE_COUNT), .how = TC_HOW_VOICE);
        break;
    case 8: KIT_SAY(k, ORDER_WITHDRAW, order_withdraw, .order = order); break;
    case 9:
        KIT_SAY(k, UNIT_SET_STATE, unit_set_state, .unit = unit,
                .state = (enum tc_unit_state)roll(d, TC_UNIT_STATE_COUNT));
        break;
    case 10:
        KIT_SAY(k, ASSIGNMENT_SET_STATE, assignment_set_state,
                .assignment = any(k, d, TC_WORLD_ASSIGNMENT),
                .state = (enum tc_assignment_state)roll(d, TC_ASSIGNMENT_STATE_COUNT));
        break;
    case 11:
        KIT_SAY(k, ROAD_CLOSE, road_close, .lon_e7 = somewhere(d, LON), .lat_e7 = LAT,
                .radius_m = 200);
        break;
    case 12: KIT_SAY(k, ROAD_OPEN, road_open, .closure = any(k, d, TC_WORLD_CLOSURE)); break;
    case 13: KIT_SAY(k, ALARM_CLEAR, alarm_clear, .alarm = any(k, d, TC_WORLD_ALARM)); break;
    case 14: KIT_SAY(k, REPORT_LEAVE, report_leave, .report = any(k, d, TC_WORLD_REPORT)); break;
    default:
        KIT_SAY(k, INCIDENT_SET_PLACE, incident_set_place, .incident = incident,
                .lon_e7 = somewhere(d, LON), .lat_e7 = somewhere(d, LAT));
        break;
    }
}

static void step(struct kit *k, struct dice *d)
{
    uint32_t what = roll(d, 20);
    if (what < 11) {
        observe(k, d);
    } else if (what < 16) {
        command(k, d);
    } else if (what < 17) {
        link_says(k, d);
    } else if (what < 18) {
        kit_answer(k, any(k, d, TC_WORLD_UNIT));
    } else {
        kit_pass(k, (int64_t)roll(d, 120) * TC_SEC);
    }
}

static void check_orders(const struct tc_world_section *w)
{
    TC_WORLD_EACH(w, TC_WORLD_ORDER, struct tc_order, o)
    {
        const int64_t times[] = {o->attempted_us, o->sent_us,     o->delivered_us,
                                 o->read_us,      o->accepted_us, o->refused_us};
        for (size_t i = 0; i < TC_COUNT_OF(times); i++) {
            assert_true(times[i] == 0 || times[i] >= o->queued_us);
        }
        assert_true(TC_IMPLIES(o->state == TC_ORDER_STATE_ACCEPTED, o->accepted_us));
        assert_true(TC_IMPLIES(o->state == TC_ORDER_STATE_READ, o->read_us));
    }
}

static void check_assignments(const struct tc_world_section *w)
{
    TC_WORLD_EACH(w, TC_WORLD_ASSIGNMENT, struct tc_assignment, a)
    {
        const struct tc_incident *i = tc_world_incident(w, a->incident);
        const struct tc_unit *u = tc_world_unit(w, a->unit);
        assert_non_null(i);
        assert_non_null(u);
        bool is_open = a->state != TC_ASSIGNMENT_STATE_DONE;
        assert_true(TC_IMPLIES(is_open, i->state != TC_INCIDENT_STATE_CLOSED));
        uint32_t listed = 0;
        for (uint32_t n = 0; n < u->assignments_count; n++) {
            listed += u->assignments[n] == a->id;
        }
        assert_int_equal(listed, is_open ? 1 : 0);
    }
}

static void check_recommendations(const struct tc_world_section *w)
{
    TC_WORLD_EACH(w, TC_WORLD_RECOMMENDATION, struct tc_recommendation, r)
    {
        for (uint32_t a = 0; a < r->lines_count; a++) {
            for (uint32_t b = a + 1; b < r->lines_count; b++) {
                assert_int_not_equal(r->lines[a].unit, r->lines[b].unit);
            }
        }
    }
}

static void check_counts(const struct tc_world_section *w)
{
    size_t open = 0;
    TC_WORLD_EACH(w, TC_WORLD_INCIDENT, struct tc_incident, i)
    {
        uint32_t reports = 0;
        TC_WORLD_EACH(w, TC_WORLD_REPORT, struct tc_report, r)
        {
            reports += r->incident == i->id;
        }
        assert_int_equal(i->reports, reports);
        open += i->state == TC_INCIDENT_STATE_OPEN;
        assert_true(TC_IMPLIES(i->state == TC_INCIDENT_STATE_MERGED, i->merged_into != 0));
    }
    assert_int_equal(w->open_count, open);
    TC_WORLD_EACH(w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        const struct tc_alarm *a = u->alarm ? tc_world_alarm(w, u->alarm) : NULL;
        assert_true(TC_IMPLIES(u->alarm, a && a->state == TC_ALARM_STATE_RAISED));
    }
}

static void check(const struct kit *k)
{
    const struct tc_world_section *w = kit_world(k);
    assert_int_equal(tc_model_digest(k->live), tc_model_digest(k->second));
    check_orders(w);
    check_assignments(w);
    check_recommendations(w);
    check_counts(w);
}

static void set_up(struct kit *k)
{
    kit_open(k);
    for (uint32_t i = 0; i < 9; i++) {
        kit_meaning(k, i, (enum tc_unit_state)i, i == 8);
    }
    for (uint32_t i = 0; i < UNITS; i++) {
        char call_sign[8];
        (void)tc_str_format(call_sign, sizeof call_sign, "U%u", i);
        (void)kit_unit(k, call_sign, addresses[i], i % 2 ? "pump" : "fire",
                       LON + (int32_t)i * 10000, LAT);
    }
    struct tc_need needs[] = {{TC_STR("fire"), 2}, {TC_STR("pump"), 1}};
    KIT_SAY(k, RUN_CARD_SET, run_card_set, .type = TC_STR("fire"), .needs_count = 2,
            .needs = needs);
    KIT_SAY(k, SERVICE_SET, service_set, .code = TC_STR("01"), .incident_type = TC_STR("fire"));
    KIT_SAY(k, SENSOR_REGISTER, sensor_register, .device = TC_STR("G1"), .factor = TC_STR("39"),
            .lon_e7 = LON, .lat_e7 = LAT, .incident_type = TC_STR("waterlogging"));
    KIT_SAY(k, LIMIT_SET, limit_set, .factor = TC_STR("39"), .level = TC_ALARM_LEVEL_NOTICE,
            .value_e6 = 200000, .hysteresis_e6 = 20000);
    KIT_SAY(k, LIMIT_SET, limit_set, .factor = TC_STR("39"), .level = TC_ALARM_LEVEL_DANGER,
            .value_e6 = 400000, .hysteresis_e6 = 20000);
}

/** Puts a loaded model in place of the live one, as a restart does. */
static void reload(struct kit *k)
{
    struct tc_buf text = {0};
    char why[TC_WHY_MAX];
    tc_model_save(k->live, &text);
    struct tc_model *loaded = tc_model_create(k->live->sections);
    assert_int_equal(tc_model_load(loaded, tc_buf_str(&text), why), TC_OK);
    tc_buf_finish(&text);
    assert_int_equal(tc_model_digest(loaded), tc_model_digest(k->live));
    tc_turn_destroy(k->turn);
    tc_model_destroy(k->live);
    k->live = loaded;
    k->turn = tc_turn_create(loaded);
    tc_turn_add_part(k->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(k->turn, &tc_dispatch_part, &k->part);
}

static uint64_t run(uint64_t seed, bool is_reloaded)
{
    struct kit *k = tc_alloc(sizeof *k);
    struct dice d = {seed * 7919 + 1};
    set_up(k);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == STEPS / 2) { /* open questions die with the process either way */
            kit_drop_questions(k);
            if (is_reloaded) {
                reload(k);
            }
            kit_resume(k);
        }
        step(k, &d);
        check(k);
    }
    uint64_t digest = tc_model_digest(k->live);
    kit_close(k);
    tc_free(k);
    return digest;
}

static void seeds_hold(void **state)
{
    (void)state;
    const char *one = getenv("TOCSIN_SEED");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t last = one ? first : 12;
    for (uint64_t seed = first; seed <= last; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        assert_int_equal(run(seed, false), run(seed, true));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeds_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
