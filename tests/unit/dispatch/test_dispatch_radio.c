/* SPDX-License-Identifier: Apache-2.0 */
/* Positions, statuses, texts, calls and calls for help. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static void a_position_moves_its_unit_only(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "P1", "4600012345678", "patrol", 0, 0);
    kit_position(&k, "12345678", LON, LAT); /* the short form of the same radio */
    assert_int_equal(KIT_ITEM(&k, unit, unit)->lon_e7, LON);
    kit_position(&k, "4601112345678", LON + 1000, LAT); /* the same SSI on another network */
    assert_int_equal(KIT_ITEM(&k, unit, unit)->lon_e7, LON);
    kit_position(&k, "4601112345678", LON + 1000, LAT);
    assert_int_equal(kit_count(&k, TC_EV_RADIO_STRANGER_HEARD), 1);
    struct tc_obs late = tc_obs_init(TC_OBS_POSITION);
    late.address = TC_STR("12345678");
    late.has_position = true;
    late.x_e7 = LON + 7000;
    late.y_e7 = LAT;
    late.age_s = 60;
    kit_obs(&k, &late);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->lon_e7, LON);
    assert_int_equal(kit_count(&k, TC_EV_UNIT_POSITION), 2);
    late.x_e7 = INT64_C(3000000000);
    kit_obs(&k, &late);
    KIT_REFUSED(&k, "position_unusable");
    late.crs = TC_STR("EPSG:4547"); /* no table of systems here */
    kit_obs(&k, &late);
    KIT_REFUSED(&k, "position_unusable");
    kit_close(&k);
}

static void a_jump_is_marked(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "P1", "12345678", "patrol", LON, LAT);
    kit_pass(&k, 10 * TC_SEC);
    kit_position(&k, "12345678", LON + 400000, LAT); /* 4.1 km: under 5 km, however fast */
    assert_false(KIT_ITEM(&k, unit, unit)->is_doubtful);
    kit_pass(&k, 10 * TC_SEC);
    kit_position(&k, "12345678", LON + 1400000, LAT); /* 10 km in 10 s */
    assert_true(KIT_ITEM(&k, unit, unit)->is_doubtful);
    kit_pass(&k, 10 * TC_MIN);
    kit_position(&k, "12345678", LON, LAT); /* 14 km in 10 min */
    assert_false(KIT_ITEM(&k, unit, unit)->is_doubtful);
    kit_close(&k);
}

static void help(struct kit *k, const char *address, enum tc_sign sign)
{
    struct tc_obs o = tc_obs_init(TC_OBS_EMERGENCY);
    o.address = tc_str_of(address);
    o.sign = sign;
    kit_obs(k, &o);
}

static void four_signs_are_one_alarm(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_meaning(&k, 0x8002, TC_UNIT_STATE_UNKNOWN, true);
    uint64_t unit = kit_unit(&k, "P1", "12345678", "patrol", LON, LAT);
    int64_t fix_us = k.now_us;
    kit_pass(&k, 5 * TC_SEC);
    kit_status(&k, "12345678", 0);
    kit_pass(&k, 2 * TC_SEC);
    struct tc_obs call = tc_obs_init(TC_OBS_CALL_START);
    call.address = TC_STR("12345678");
    call.priority = 15;
    call.instance = 7;
    kit_obs(&k, &call);
    help(&k, "12345678", TC_SIGN_LOCATION);
    kit_status(&k, "12345678", 0x8002);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_EVIDENCE_ADDED), 3);
    const struct tc_alarm *a = KIT_ITEM(&k, alarm, kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq);
    assert_int_equal(a->signs, 2 | 4 | 8 | 16);
    assert_int_equal(a->level, TC_ALARM_LEVEL_DANGER);
    assert_int_equal(a->lon_e7, LON); /* the fact carries where the unit was, and since when */
    assert_int_equal(a->fix_at_us, fix_us);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->alarm, a->id);
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 1);
    assert_string_equal(KIT_ITEM(&k, incident, a->incident)->type, "emergency_call");
    call.kind = TC_OBS_CALL_END;
    kit_obs(&k, &call);
    assert_int_equal(kit_count(&k, TC_EV_RADIO_CALL_ENDED), 1);
    assert_int_equal(a->state, TC_ALARM_STATE_RAISED);
    kit_pass(&k, TC_HOUR); /* still open an hour later: the next sign is evidence, no new alarm */
    help(&k, "12345678", TC_SIGN_STATUS);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_EVIDENCE_ADDED), 4);
    KIT_SAY(&k, ALARM_CLEAR, alarm_clear, .alarm = a->id);
    KIT_TAKEN(&k);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->alarm, 0);
    kit_pass(&k, TC_MIN);
    help(&k, "12345678", TC_SIGN_STATUS);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 2);
    kit_close(&k);
}

static void a_strangers_call_for_help_is_heard(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    help(&k, "87654321", TC_SIGN_STATUS);
    help(&k, "87654321", TC_SIGN_CALL);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    assert_int_equal(kit_count(&k, TC_EV_RADIO_STRANGER_HEARD), 1);
    const struct tc_alarm *a = KIT_ITEM(&k, alarm, kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq);
    assert_int_equal(a->unit, 0);
    assert_string_equal(a->address, "87654321");
    assert_int_equal(a->signs, 2 | 4);
    const struct tc_incident *i = KIT_ITEM(&k, incident, a->incident);
    assert_int_equal(i->lon_e7, 0);
    struct tc_obs o = tc_obs_init(TC_OBS_EMERGENCY); /* then its location comes in */
    o.address = TC_STR("87654321");
    o.sign = TC_SIGN_LOCATION;
    o.has_position = true;
    o.x_e7 = LON;
    o.y_e7 = LAT;
    kit_obs(&k, &o);
    assert_int_equal(a->lon_e7, LON);
    assert_int_equal(i->lon_e7, LON);
    kit_close(&k);
}

static void a_networks_own_meaning_goes_first(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "P1", "12345678", "patrol", LON, LAT);
    kit_meaning(&k, 0x8005, TC_UNIT_STATE_BUSY, false);
    KIT_SAY(&k, STATUS_MEANING_SET, status_meaning_set, .network = TC_STR("ft350"), .code = 0x8005,
            .state = TC_UNIT_STATE_OFF_DUTY);
    kit_status(&k, "12345678", 0x8005);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->state, TC_UNIT_STATE_BUSY);
    struct tc_obs o = tc_obs_init(TC_OBS_STATUS);
    o.address = TC_STR("12345678");
    o.code = 0x8005;
    o.network = TC_STR("ft350");
    kit_obs(&k, &o);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->state, TC_UNIT_STATE_OFF_DUTY);
    o.code = 0x8123; /* no meaning: reported, nothing changes */
    kit_obs(&k, &o);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->status_code, 0x8123);
    assert_int_equal(KIT_ITEM(&k, unit, unit)->state, TC_UNIT_STATE_OFF_DUTY);
    kit_close(&k);
}

static void say(struct kit *k, const char *address, const char *text)
{
    struct tc_obs o = tc_obs_init(TC_OBS_TEXT);
    o.address = tc_str_of(address);
    o.text = tc_str_of(text);
    kit_obs(k, &o);
}

static void a_text_with_the_number_accepts(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "P1", "12345678", "patrol", LON, LAT);
    uint64_t first = kit_incident(&k, "fire", LON, LAT);
    uint64_t second = kit_incident(&k, "traffic", LON, LAT);
    uint64_t one = kit_send(&k, first, unit);
    uint64_t two = kit_send(&k, second, unit);
    say(&k, "12345678", "收到");
    say(&k, "12345678", "路上很堵 20261121-0001-01");
    assert_int_equal(kit_count(&k, TC_EV_ORDER_ACCEPTED), 0);
    say(&k, "12345678", "Roger 0001-01");
    assert_int_equal(KIT_ITEM(&k, assignment, one)->state, TC_ASSIGNMENT_STATE_ACCEPTED);
    assert_int_equal(KIT_ITEM(&k, assignment, two)->state, TC_ASSIGNMENT_STATE_SENT);
    say(&k, "12345678", "收到 20261121-0002-01");
    assert_int_equal(KIT_ITEM(&k, assignment, two)->state, TC_ASSIGNMENT_STATE_ACCEPTED);
    KIT_SAY(&k, ORDER_SEND, order_send, .recipient_kind = TC_RECIPIENT_KIND_UNIT, .recipient = unit,
            .text = TC_STR("返回待命"));
    say(&k, "12345678", "明白，收工"); /* no number: nothing is taken for accepted */
    say(&k, "12345678", "明白 20261121-0000-01");
    assert_int_equal(kit_count(&k, TC_EV_ORDER_ACCEPTED), 3);
    char longest[900];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    say(&k, "12345678", longest); /* kept as far as the field goes */
    assert_int_equal(
        TC_BODY(kit_event(&k, TC_EV_UNIT_TEXT_RECEIVED, 0), unit_text_received)->text.len, 600);
    say(&k, "99", "喂");
    assert_int_equal(
        ((const struct tc_ev_unit_text_received *)kit_event(&k, TC_EV_UNIT_TEXT_RECEIVED, 0)->body)
            ->unit,
        0);
    kit_close(&k);
}

static void a_call_without_an_end_is_lost(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    struct tc_obs call = tc_obs_init(TC_OBS_CALL_START);
    call.address = TC_STR("12345678");
    call.instance = 3;
    kit_obs(&k, &call);
    assert_non_null(tc_world_call_of(kit_world(&k), k.source, 3));
    kit_pass(&k, 11 * TC_MIN);
    assert_null(tc_world_call_of(kit_world(&k), k.source, 3));
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_moves_its_unit_only),
        cmocka_unit_test(a_jump_is_marked),
        cmocka_unit_test(four_signs_are_one_alarm),
        cmocka_unit_test(a_strangers_call_for_help_is_heard),
        cmocka_unit_test(a_networks_own_meaning_goes_first),
        cmocka_unit_test(a_text_with_the_number_accepts),
        cmocka_unit_test(a_call_without_an_end_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
