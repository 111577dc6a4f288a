/* SPDX-License-Identifier: Apache-2.0 */
/* The whole road: a report, an incident, units, statuses, the end. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static void a_call_is_handled_to_its_end(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_meaning(&k, 0x8003, TC_UNIT_STATE_ACCEPTED, false);
    kit_meaning(&k, 0x8004, TC_UNIT_STATE_EN_ROUTE, false);
    kit_meaning(&k, 0x8005, TC_UNIT_STATE_ON_SCENE, false);
    kit_meaning(&k, 0x8006, TC_UNIT_STATE_AVAILABLE, false);
    KIT_SAY(&k, INCIDENT_TYPE_SET, incident_type_set, .code = TC_STR("fire"),
            .name_zh = TC_STR("火灾"), .words = TC_STR("起火 着火 冒烟"));
    uint64_t engine = kit_unit(&k, "福消01", "4600012345678", "fire", LON + 20000, LAT);
    uint64_t other = kit_unit(&k, "福消02", "4600012345679", "fire", LON + 90000, LAT);

    KIT_SAY(&k, REPORT_CREATE, report_create, .channel = TC_STR("phone"),
            .text = TC_STR("彩田路一栋楼冒烟"), .lon_e7 = LON, .lat_e7 = LAT);
    KIT_TAKEN(&k);
    const struct tc_event *opened = kit_event(&k, TC_EV_INCIDENT_OPENED, 0);
    assert_non_null(opened);
    uint64_t incident = opened->seq;
    const struct tc_incident *i = KIT_ITEM(&k, incident, incident);
    assert_string_equal(i->type, "fire");
    assert_string_equal(i->number, "20261121-0001");
    assert_int_equal(i->reports, 1);

    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    assert_non_null(r);
    assert_int_equal(r->lines[0].unit, engine);
    assert_true(r->lines[0].is_chosen);
    assert_string_equal(r->lines[0].reason, "closest");
    assert_int_equal(r->lines[1].unit, other);
    assert_string_equal(r->lines[1].reason, "farther");

    uint64_t assignment = kit_send(&k, incident, engine);
    const struct tc_order *o = KIT_ITEM(&k, order, kit_event(&k, TC_EV_ORDER_CREATED, 0)->seq);
    assert_string_equal(o->number, "20261121-0001-01");
    assert_string_equal(o->text, "出动 20261121-0001-01 火灾 @114.0579123,22.5431234");
    assert_int_equal(o->state, TC_ORDER_STATE_QUEUED);
    assert_int_equal(KIT_ITEM(&k, unit, engine)->state, TC_UNIT_STATE_DISPATCHED);

    kit_pass(&k, 20 * TC_SEC);
    kit_status(&k, "12345678", 0x8003);
    assert_int_equal(o->state, TC_ORDER_STATE_ACCEPTED);
    assert_int_equal(o->accepted_us, k.now_us);
    assert_int_equal(o->sent_us, 0);
    assert_int_equal(KIT_ITEM(&k, assignment, assignment)->state, TC_ASSIGNMENT_STATE_ACCEPTED);
    kit_status(&k, "12345678", 0x8004);
    kit_status(&k, "12345678", 0x8005);
    assert_int_equal(KIT_ITEM(&k, assignment, assignment)->state, TC_ASSIGNMENT_STATE_ON_SCENE);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = incident,
            .disposition = TC_STR("扑灭"));
    KIT_REFUSED(&k, "units_assigned");
    assert_string_equal(k.detail, "福消01");
    kit_status(&k, "12345678", 0x8006);
    assert_int_equal(KIT_ITEM(&k, assignment, assignment)->state, TC_ASSIGNMENT_STATE_DONE);
    assert_int_equal(KIT_ITEM(&k, unit, engine)->assignments_count, 0);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = incident);
    KIT_REFUSED(&k, "disposition_missing");
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = incident,
            .disposition = TC_STR("扑灭"));
    KIT_TAKEN(&k);
    assert_int_equal(KIT_ITEM(&k, incident, incident)->state, TC_INCIDENT_STATE_CLOSED);
    assert_int_equal(kit_world(&k)->open_count, 0);
    kit_close(&k);
}

static void the_demo_is_one_incident(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    KIT_SAY(&k, INCIDENT_TYPE_SET, incident_type_set, .code = TC_STR("waterlogging"),
            .name_zh = TC_STR("城市内涝"), .words = TC_STR("积水 内涝 水浸"));
    KIT_SAY(&k, SERVICE_SET, service_set, .code = TC_STR("0406"), .name_zh = TC_STR("道路积水"),
            .incident_type = TC_STR("waterlogging"));
    KIT_SAY(&k, SENSOR_REGISTER, sensor_register, .source = TC_STR("radio-1"),
            .device = TC_STR("0012345678"), .factor = TC_STR("39"), .lon_e7 = LON, .lat_e7 = LAT,
            .feature = TC_STR("UP-01"), .incident_type = TC_STR("waterlogging"));
    KIT_SAY(&k, LIMIT_SET, limit_set, .device = TC_STR("0012345678"), .factor = TC_STR("39"),
            .level = TC_ALARM_LEVEL_WARNING, .value_e6 = 270000, .hysteresis_e6 = 50000);
    KIT_TAKEN(&k);
    struct tc_obs o = tc_obs_init(TC_OBS_READING);
    o.address = TC_STR("0012345678");
    o.factor = TC_STR("39");
    o.value_e6 = 310000;
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 1);
    uint64_t incident = kit_event(&k, TC_EV_INCIDENT_OPENED, 0)->seq;
    assert_string_equal(KIT_ITEM(&k, alarm, kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq)->kind,
                        "water_level");

    struct tc_obs a = tc_obs_init(TC_OBS_CASE);
    a.service_code = TC_STR("0406");
    a.text = TC_STR("下穿隧道积水，车过不去");
    a.has_position = true;
    a.x_e7 = LON + 5000; /* 51 m east */
    a.y_e7 = LAT;
    kit_pass(&k, 3 * TC_MIN);
    kit_obs(&k, &a);
    struct tc_obs b = tc_obs_init(TC_OBS_CASE);
    b.service_code = TC_STR("0499"); /* nobody mapped it: its words tell */
    b.text = TC_STR("这里水浸到车轮了");
    b.has_position = true;
    b.x_e7 = LON;
    b.y_e7 = LAT - 6000; /* 67 m south */
    kit_pass(&k, 4 * TC_MIN);
    kit_obs(&k, &b);

    assert_int_equal(kit_count(&k, TC_EV_CASE_OPENED), 2);
    assert_int_equal(kit_count(&k, TC_EV_REPORT_RECEIVED), 3);
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 1);
    assert_int_equal(KIT_ITEM(&k, incident, incident)->reports, 3);
    const struct tc_report *r = KIT_ITEM(&k, report, kit_event(&k, TC_EV_REPORT_RECEIVED, 0)->seq);
    assert_int_equal(r->score, 90);
    assert_string_equal(r->reasons[0], "same_place");
    assert_string_equal(r->reasons[1], "same_type");
    assert_string_equal(r->reasons[2], "near_in_time");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_handled_to_its_end),
        cmocka_unit_test(the_demo_is_one_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
