/* SPDX-License-Identifier: Apache-2.0 */
/* Sending units and orders, and everything that may be refused about it. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static void all_go_or_a_named_failure(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    uint64_t a = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t b = kit_unit(&k, "B2", "102", "fire", LON, LAT);
    uint64_t mute = kit_unit(&k, "C3", "", "fire", 0, 0);
    KIT_SAY(&k, UNIT_SET_STATE, unit_set_state, .unit = b, .state = TC_UNIT_STATE_OFF_DUTY);
    uint64_t digest = tc_table_digest(&kit_world(&k)->tables[TC_WORLD_UNIT]);
    uint64_t units[] = {a, b, 999999, mute, a};
    KIT_SAY(&k, UNITS_SEND, units_send, .incident = incident, .units_count = 5, .units = units);
    KIT_REFUSED(&k, "unit_off_duty");
    assert_string_equal(k.detail, "B2: unit_off_duty; 999999: unit_not_found; "
                                  "C3: unit_without_channel; A1: unit_named_twice");
    assert_int_equal(tc_table_digest(&kit_world(&k)->tables[TC_WORLD_UNIT]), digest);
    assert_int_equal(kit_count(&k, TC_EV_ASSIGNMENT_OPENED), 0);
    assert_int_equal(kit_count(&k, TC_EV_ORDER_CREATED), 0);
    KIT_SAY(&k, UNITS_SEND, units_send, .incident = incident, .units_count = 0);
    KIT_REFUSED(&k, "no_units");
    uint64_t good[] = {a, mute};
    KIT_SAY(&k, UNITS_SEND, units_send, .incident = incident, .units_count = 2, .units = good,
            .channel = TC_CHANNEL_VOICE, .text = TC_STR("从北侧进入"));
    KIT_TAKEN(&k);
    const struct tc_order *o = KIT_ITEM(&k, order, kit_event(&k, TC_EV_ORDER_CREATED, 0)->seq);
    assert_string_equal(o->number, "20261121-0001-02");
    assert_string_equal(o->text, "20261121-0001-02 从北侧进入");
    KIT_SAY(&k, UNITS_SEND, units_send, .incident = incident, .units_count = 2, .units = good);
    KIT_REFUSED(&k, "unit_already_assigned");
    kit_close(&k);
}

static void a_second_assignment_leaves_the_first(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_meaning(&k, 3, TC_UNIT_STATE_EN_ROUTE, false);
    kit_meaning(&k, 4, TC_UNIT_STATE_ON_SCENE, false);
    kit_meaning(&k, 6, TC_UNIT_STATE_AVAILABLE, false);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t one = kit_send(&k, kit_incident(&k, "fire", LON, LAT), unit);
    kit_status(&k, "101", 3);
    kit_status(&k, "101", 4);
    kit_pass(&k, TC_HOUR); /* it never said "accepted": that is not inferred, nor held against it */
    const struct tc_order *o = KIT_ITEM(&k, order, KIT_ITEM(&k, assignment, one)->order);
    assert_int_equal(o->state, TC_ORDER_STATE_QUEUED);
    assert_int_equal(o->accepted_us, 0);
    uint64_t two = kit_send(&k, kit_incident(&k, "traffic", LON + 90000, LAT), unit);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->state, TC_UNIT_STATE_ON_SCENE);
    assert_int_equal(KIT_ITEM(&k, assignment, one)->state, TC_ASSIGNMENT_STATE_ON_SCENE);
    kit_status(&k, "101", 3);
    assert_int_equal(KIT_ITEM(&k, assignment, two)->state, TC_ASSIGNMENT_STATE_EN_ROUTE);
    assert_int_equal(KIT_ITEM(&k, assignment, one)->state, TC_ASSIGNMENT_STATE_ON_SCENE);
    kit_status(&k, "101", 6);
    assert_int_equal(KIT_ITEM(&k, assignment, two)->state, TC_ASSIGNMENT_STATE_DONE);
    assert_int_equal(KIT_ITEM(&k, assignment, one)->state, TC_ASSIGNMENT_STATE_ON_SCENE);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->assignments_count, 1);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->assignments[0], one);
    KIT_SAY(&k, UNIT_SET_STATE, unit_set_state, .unit = unit, .state = TC_UNIT_STATE_OFF_DUTY);
    KIT_REFUSED(&k, "unit_assigned");
    kit_close(&k);
}

static uint64_t order_to_voice(struct kit *k)
{
    uint64_t unit = kit_unit(k, "V1", "101", "fire", LON, LAT);
    KIT_SAY(k, ORDER_SEND, order_send, .recipient_kind = TC_RECIPIENT_KIND_UNIT, .recipient = unit,
            .channel = TC_CHANNEL_VOICE, .text = TC_STR("返回待命"));
    KIT_TAKEN(k);
    return kit_event(k, TC_EV_ORDER_CREATED, 0)->seq;
}

static void what_was_said_by_voice_is_recorded(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t id = order_to_voice(&k);
    const struct tc_order *o = KIT_ITEM(&k, order, id);
    assert_string_equal(o->number, "20261121-0000-01");
    kit_pass(&k, TC_SEC);
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_READ,
            .how = TC_HOW_VOICE);
    KIT_TAKEN(&k);
    assert_int_equal(o->state, TC_ORDER_STATE_READ);
    assert_int_equal(o->sent_us, 0); /* nothing is inferred */
    assert_int_equal(o->delivered_us, 0);
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_SENT,
            .how = TC_HOW_VOICE);
    assert_int_equal(o->state, TC_ORDER_STATE_READ); /* the furthest */
    assert_int_not_equal(o->sent_us, 0);
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_QUEUED);
    KIT_REFUSED(&k, "state_not_by_hand");
    KIT_SAY(&k, ORDER_WITHDRAW, order_withdraw, .order = id);
    KIT_REFUSED(&k, "order_sent");
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_REFUSED,
            .note = TC_STR("车坏了"), .how = TC_HOW_VOICE);
    assert_int_equal(o->state, TC_ORDER_STATE_REFUSED);
    assert_string_equal(o->why, "车坏了");
    const struct tc_ev_order_refused *b = kit_event(&k, TC_EV_ORDER_REFUSED, 0)->body;
    assert_true(tc_str_is(b->by, "wang"));
    assert_int_equal(b->how, TC_HOW_VOICE);
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_ACCEPTED);
    KIT_REFUSED(&k, "order_ended");
    kit_close(&k);
}

static void an_unsent_order_is_taken_back(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t assignment = kit_send(&k, kit_incident(&k, "fire", LON, LAT), unit);
    uint64_t order = KIT_ITEM(&k, assignment, assignment)->order;
    KIT_SAY(&k, ORDER_WITHDRAW, order_withdraw, .order = order);
    KIT_TAKEN(&k);
    assert_int_equal(KIT_ITEM(&k, order, order)->state, TC_ORDER_STATE_WITHDRAWN);
    assert_int_equal(KIT_ITEM(&k, assignment, assignment)->state, TC_ASSIGNMENT_STATE_DONE);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->state, TC_UNIT_STATE_AVAILABLE);
    assert_null(tc_world_clock_of(kit_world(&k), order, TC_STR("acceptance")));
    KIT_SAY(&k, ORDER_RESEND, order_resend, .order = order);
    KIT_REFUSED(&k, "order_ended");
    kit_close(&k);
}

static void clocks_ring_and_orders_run_out(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    uint64_t order = KIT_ITEM(&k, assignment, kit_send(&k, incident, unit))->order;
    kit_pass(&k, 59 * TC_SEC);
    assert_int_equal(kit_count(&k, TC_EV_CLOCK_RAN_OUT), 0);
    kit_pass(&k, TC_SEC);
    assert_int_equal(kit_count(&k, TC_EV_CLOCK_RAN_OUT), 1);
    assert_int_equal(kit_event(&k, TC_EV_CLOCK_RAN_OUT, 0)->subject, order);
    assert_true(tc_world_clock_of(kit_world(&k), order, TC_STR("acceptance"))->ran_out);
    kit_pass(&k, 14 * TC_MIN);
    assert_int_equal(KIT_ITEM(&k, order, order)->state, TC_ORDER_STATE_EXPIRED);
    assert_string_equal(KIT_ITEM(&k, order, order)->why, "not_sent");
    assert_null(tc_world_clock_of(kit_world(&k), order, TC_STR("acceptance")));
    kit_pass(&k, 15 * TC_MIN); /* 30 min after the incident opened */
    assert_int_equal(kit_event(&k, TC_EV_CLOCK_RAN_OUT, 0)->subject, incident);
    KIT_SAY(&k, CLOCK_STOP, clock_stop, .incident = incident, .name = TC_STR("first_report"));
    KIT_TAKEN(&k);
    KIT_SAY(&k, CLOCK_STOP, clock_stop, .incident = incident, .name = TC_STR("first_report"));
    KIT_REFUSED(&k, "clock_not_found");
    KIT_SAY(&k, CLOCK_START, clock_start, .incident = incident, .name = TC_STR("progress"),
            .seconds = 60);
    kit_pass(&k, TC_MIN);
    assert_int_equal(kit_count(&k, TC_EV_CLOCK_RAN_OUT), 3);
    kit_close(&k);
}

static void a_post_gets_an_order_on_its_own_channel(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    KIT_SAY(&k, RECIPIENT_REGISTER, recipient_register, .kind = TC_RECIPIENT_KIND_POST,
            .name_zh = TC_STR("水务局值班室"), .channel = TC_CHANNEL_CONSOLE);
    uint64_t post = kit_event(&k, TC_EV_RECIPIENT_REGISTERED, 0)->seq;
    KIT_SAY(&k, ORDER_SEND, order_send, .recipient_kind = TC_RECIPIENT_KIND_POST, .recipient = post,
            .text = TC_STR("请派泵车"));
    KIT_TAKEN(&k);
    const struct tc_order *o = KIT_ITEM(&k, order, kit_event(&k, TC_EV_ORDER_CREATED, 0)->seq);
    assert_int_equal(o->channel, TC_CHANNEL_CONSOLE);
    KIT_SAY(&k, ORDER_SEND, order_send, .recipient_kind = TC_RECIPIENT_KIND_POST, .recipient = post,
            .channel = TC_CHANNEL_SDS, .text = TC_STR("请派泵车"));
    KIT_REFUSED(&k, "recipient_without_channel");
    KIT_SAY(&k, ORDER_SEND, order_send, .recipient_kind = TC_RECIPIENT_KIND_PERSON,
            .recipient = 424242, .text = TC_STR("x"));
    KIT_REFUSED(&k, "recipient_not_found");
    KIT_SAY(&k, RECIPIENT_REGISTER, recipient_register, .kind = TC_RECIPIENT_KIND_POST,
            .name_zh = TC_STR("水务局值班室"), .channel = TC_CHANNEL_GATEWAY,
            .address = TC_STR("sw-1"));
    assert_int_equal(kit_world(&k)->tables[TC_WORLD_RECIPIENT].pool.count, 1);
    assert_string_equal(KIT_ITEM(&k, recipient, post)->address, "sw-1");
    kit_close(&k);
}

static void a_taken_radio_is_refused(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    KIT_SAY(&k, UNIT_REGISTER, unit_register, .call_sign = TC_STR("A2"), .address = TC_STR("101"));
    KIT_REFUSED(&k, "address_taken");
    assert_string_equal(k.detail, "A1");
    KIT_SAY(&k, UNIT_REGISTER, unit_register, .call_sign = TC_STR("A1"), .address = TC_STR("102"));
    KIT_REFUSED(&k, "call_sign_taken");
    KIT_SAY(&k, UNIT_REGISTER, unit_register, .unit = unit, .call_sign = TC_STR("A1"),
            .address = TC_STR("102"));
    KIT_TAKEN(&k);
    assert_ptr_equal(tc_world_unit_of(kit_world(&k), TC_STR("102")), KIT_ITEM(&k, unit, unit));
    assert_null(tc_world_unit_of(kit_world(&k), TC_STR("101")));
    assert_int_equal(KIT_ITEM(&k, unit, unit)->lon_e7, LON);
    k.role = TC_ROLE_OFFICER;
    KIT_SAY(&k, UNIT_REGISTER, unit_register, .call_sign = TC_STR("A3"));
    KIT_REFUSED(&k, "role_not_allowed");
    kit_close(&k);
}

static void link_says(struct kit *k, enum tc_obs_kind kind, uint32_t ref, bool is_ok, uint32_t code)
{
    struct tc_obs o = tc_obs_init(kind);
    o.address = TC_STR("101");
    o.message_ref = ref;
    o.is_ok = is_ok;
    o.code = code;
    o.cause = 4; /* not supported: trying again cannot help */
    kit_obs(k, &o);
}

static void an_order_over_the_radio_is_followed(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    link_says(&k, TC_OBS_LINK_UP, 0, true, 0);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    uint64_t id = KIT_ITEM(&k, assignment, kit_send(&k, incident, unit))->order;
    const struct tc_order *o = KIT_ITEM(&k, order, id);
    const struct tc_ev_order_attempted *attempt = kit_event(&k, TC_EV_ORDER_ATTEMPTED, 0)->body;
    assert_int_equal(o->state, TC_ORDER_STATE_ATTEMPTED);
    assert_int_equal(o->attempts, 1);
    KIT_SAY(&k, ORDER_WITHDRAW, order_withdraw, .order = id);
    KIT_REFUSED(&k, "order_sent");
    KIT_SAY(&k, ORDER_RESEND, order_resend, .order = id);
    KIT_REFUSED(&k, "order_in_flight");
    kit_pass(&k, TC_SEC);
    link_says(&k, TC_OBS_SENT, attempt->ref, true, 0);
    assert_int_equal(o->sent_us, k.now_us);
    assert_int_equal(o->delivered_us, 0);
    link_says(&k, TC_OBS_DELIVERY, attempt->ref, true, 0x00);
    assert_int_equal(o->state, TC_ORDER_STATE_DELIVERED);
    KIT_SAY(&k, ORDER_RESEND, order_resend, .order = id);
    KIT_TAKEN(&k);
    assert_true(o->is_repeat); /* the number goes out again with the repeat mark */
    assert_int_equal(o->attempts, 2);
    assert_int_equal(o->state, TC_ORDER_STATE_DELIVERED);
    kit_close(&k);
}

static void a_failed_order_waits_for_a_person(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    link_says(&k, TC_OBS_LINK_UP, 0, true, 0);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t assignment = kit_send(&k, kit_incident(&k, "fire", LON, LAT), unit);
    uint64_t id = KIT_ITEM(&k, assignment, assignment)->order;
    const struct tc_order *o = KIT_ITEM(&k, order, id);
    const struct tc_ev_order_attempted *attempt = kit_event(&k, TC_EV_ORDER_ATTEMPTED, 0)->body;
    link_says(&k, TC_OBS_SENT, attempt->ref, false, 0);
    assert_int_equal(o->state, TC_ORDER_STATE_FAILED);
    assert_true(o->needs_person);
    assert_string_equal(o->why, "not_supported");
    assert_null(tc_world_clock_of(kit_world(&k), id, TC_STR("acceptance")));
    KIT_SAY(&k, ORDER_RECORD, order_record, .order = id, .state = TC_ORDER_STATE_ACCEPTED,
            .how = TC_HOW_VOICE);
    KIT_TAKEN(&k);
    assert_int_equal(o->state, TC_ORDER_STATE_ACCEPTED);
    assert_false(o->needs_person);
    assert_int_equal(KIT_ITEM(&k, assignment, assignment)->state, TC_ASSIGNMENT_STATE_ACCEPTED);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_go_or_a_named_failure),
        cmocka_unit_test(a_second_assignment_leaves_the_first),
        cmocka_unit_test(what_was_said_by_voice_is_recorded),
        cmocka_unit_test(an_unsent_order_is_taken_back),
        cmocka_unit_test(clocks_ring_and_orders_run_out),
        cmocka_unit_test(a_post_gets_an_order_on_its_own_channel),
        cmocka_unit_test(a_taken_radio_is_refused),
        cmocka_unit_test(an_order_over_the_radio_is_followed),
        cmocka_unit_test(a_failed_order_waits_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
