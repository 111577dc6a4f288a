/* SPDX-License-Identifier: Apache-2.0 */
/* Readings against limits, alarms of devices, devices that nobody knows, cases. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static uint64_t sensor(struct kit *k, const char *device, const char *factor, const char *type)
{
    KIT_SAY(k, SENSOR_REGISTER, sensor_register, .source = TC_STR("radio-1"),
            .device = tc_str_of(device), .factor = tc_str_of(factor), .lon_e7 = LON, .lat_e7 = LAT,
            .incident_type = tc_str_of(type));
    KIT_TAKEN(k);
    return kit_event(k, TC_EV_SENSOR_REGISTERED, 0)->seq;
}

static void limit(struct kit *k, const char *device, const char *factor, enum tc_alarm_level level,
                  int64_t value_e6)
{
    KIT_SAY(k, LIMIT_SET, limit_set, .device = tc_str_of(device), .factor = tc_str_of(factor),
            .level = level, .value_e6 = value_e6, .hysteresis_e6 = 50000);
    KIT_TAKEN(k);
}

static struct tc_obs reading(const char *device, const char *factor, int64_t value_e6)
{
    struct tc_obs o = tc_obs_init(TC_OBS_READING);
    o.address = tc_str_of(device);
    o.factor = tc_str_of(factor);
    o.value_e6 = value_e6;
    return o;
}

static void read(struct kit *k, int64_t value_e6)
{
    struct tc_obs o = reading("G1", "39", value_e6);
    kit_pass(k, TC_SEC);
    kit_obs(k, &o);
}

static void levels_go_up_and_down_with_hysteresis(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t id = sensor(&k, "G1", "39", "waterlogging");
    limit(&k, "", "39", TC_ALARM_LEVEL_NOTICE, 100000); /* the factor's: the sensor has its own */
    limit(&k, "G1", "39", TC_ALARM_LEVEL_WARNING, 270000);
    limit(&k, "G1", "39", TC_ALARM_LEVEL_DANGER, 400000);
    read(&k, 150000);
    read(&k, 270000); /* at the limit is not beyond it */
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 0);
    read(&k, 270001);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    uint64_t alarm = kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq;
    const struct tc_alarm *a = KIT_ITEM(&k, alarm, alarm);
    assert_int_equal(a->level, TC_ALARM_LEVEL_WARNING);
    assert_int_equal(a->limit_e6, 270000);
    assert_int_equal(KIT_ITEM(&k, sensor, id)->alarm, alarm);
    read(&k, 410000);
    assert_int_equal(a->level, TC_ALARM_LEVEL_DANGER);
    read(&k, 360000); /* within 0.05 of danger */
    assert_int_equal(a->level, TC_ALARM_LEVEL_DANGER);
    read(&k, 350000);
    assert_int_equal(a->level, TC_ALARM_LEVEL_WARNING);
    read(&k, 390000);
    assert_int_equal(a->level, TC_ALARM_LEVEL_WARNING);
    read(&k, 220001);
    assert_int_equal(a->state, TC_ALARM_STATE_RAISED);
    read(&k, 220000);
    assert_int_equal(a->state, TC_ALARM_STATE_CLEARED);
    assert_int_equal(KIT_ITEM(&k, sensor, id)->alarm, 0);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_LEVEL_CHANGED), 2);
    read(&k, 300000);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 2);
    /* the same sensor again: the report joins the incident that is still open */
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 1);
    kit_close(&k);
}

static void late_and_bad_values_raise_nothing(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t id = sensor(&k, "G1", "39", "waterlogging");
    limit(&k, "", "39", TC_ALARM_LEVEL_WARNING, 270000);
    read(&k, 100000);
    struct tc_obs o = reading("G1", "39", 900000);
    o.occurred_us = k.now_us - 16 * TC_MIN;
    kit_obs(&k, &o);
    KIT_TAKEN(&k);
    assert_int_equal(KIT_ITEM(&k, sensor, id)->value_e6, 100000); /* newer stands */
    o.occurred_us = 0;
    o.quality = TC_QUALITY_FAULT;
    kit_obs(&k, &o);
    o.quality = TC_QUALITY_CALIBRATION;
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 0);
    assert_int_equal(kit_count(&k, TC_EV_SENSOR_READING), 4);
    o.quality = TC_QUALITY_OVER_RANGE;
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    o.value_e6 = 0;
    o.quality = TC_QUALITY_NO_LINK; /* nor does a broken sensor clear */
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_CLEARED), 0);
    kit_close(&k);
}

static void an_unknown_device_is_written_down_once_an_hour(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    struct tc_obs o = reading("X 9", "w01018", 123);
    kit_obs(&k, &o);
    KIT_REFUSED(&k, "sensor_unknown");
    assert_string_equal(k.detail, "X_9 w01018 123 radio-1");
    kit_obs(&k, &o);
    assert_int_equal(k.verdict, TC_TAKEN);
    assert_int_equal(kit_count(&k, TC_EV_OBSERVATION_REFUSED), 1);
    kit_pass(&k, TC_HOUR);
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_OBSERVATION_REFUSED), 2);
    kit_close(&k);
}

static void a_device_raises_and_clears_by_itself(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    (void)sensor(&k, "PANEL-1", "", "fire");
    struct tc_obs o = tc_obs_init(TC_OBS_DEVICE_ALARM);
    o.address = TC_STR("PANEL-1");
    o.factor = TC_STR("i12003");
    o.text = TC_STR("loop 2 detector 17");
    kit_obs(&k, &o);
    kit_obs(&k, &o); /* said again: the same alarm */
    assert_int_equal(kit_count(&k, TC_EV_ALARM_RAISED), 1);
    const struct tc_alarm *a = KIT_ITEM(&k, alarm, kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq);
    assert_string_equal(a->kind, "i12003");
    assert_int_equal(a->level, TC_ALARM_LEVEL_WARNING);
    assert_string_equal(KIT_ITEM(&k, incident, a->incident)->type, "fire");
    o.is_cleared = true;
    kit_obs(&k, &o);
    assert_int_equal(a->state, TC_ALARM_STATE_CLEARED);
    kit_obs(&k, &o);
    assert_int_equal(kit_count(&k, TC_EV_ALARM_CLEARED), 1);
    kit_close(&k);
}

static void an_alarm_that_got_worse_is_not_cleared_unseen(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    (void)sensor(&k, "G1", "39", "waterlogging");
    limit(&k, "G1", "39", TC_ALARM_LEVEL_WARNING, 270000);
    limit(&k, "G1", "39", TC_ALARM_LEVEL_DANGER, 400000);
    read(&k, 300000);
    uint64_t alarm = kit_event(&k, TC_EV_ALARM_RAISED, 0)->seq;
    KIT_SAY(&k, ALARM_ACKNOWLEDGE, alarm_acknowledge, .alarm = alarm);
    KIT_TAKEN(&k);
    assert_string_equal(KIT_ITEM(&k, alarm, alarm)->acknowledged_by, "wang");
    k.seen = k.live->seq;
    read(&k, 450000);
    KIT_SAY(&k, ALARM_CLEAR, alarm_clear, .alarm = alarm);
    KIT_REFUSED(&k, "stale");
    assert_string_equal(k.detail, "alarm.level_changed ");
    assert_int_equal(k.stale_seq, kit_event(&k, TC_EV_ALARM_LEVEL_CHANGED, 0)->seq);
    k.seen = k.live->seq;
    KIT_SAY(&k, ALARM_CLEAR, alarm_clear, .alarm = alarm);
    KIT_TAKEN(&k);
    KIT_SAY(&k, ALARM_CLEAR, alarm_clear, .alarm = alarm);
    KIT_REFUSED(&k, "alarm_not_raised");
    kit_close(&k);
}

static void a_case_goes_its_way(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    struct tc_obs o = tc_obs_init(TC_OBS_CASE);
    o.foreign_id = TC_STR("SZ-1");
    o.service_code = TC_STR("0101");
    o.text = TC_STR("井盖缺失");
    o.has_position = true;
    o.crs = TC_STR("GCJ-02");
    o.x_e7 = 1140628000;
    o.y_e7 = 225404000;
    kit_obs(&k, &o);
    KIT_TAKEN(&k);
    uint64_t id = kit_event(&k, TC_EV_CASE_OPENED, 0)->seq;
    const struct tc_case *c = KIT_ITEM(&k, case, id);
    assert_string_equal(c->number, "C20261121-0001");
    assert_string_equal(c->raw_position, "GCJ-02 114.0628000,22.5404000");
    assert_int_equal(kit_count(&k, TC_EV_REPORT_RECEIVED), 0);
    KIT_SAY(&k, CASE_SET_STAGE, case_set_stage, .case_id = id, .stage = TC_STAGE_DISPATCHED);
    KIT_REFUSED(&k, "stage_not_next");
    assert_string_equal(k.detail, "C20261121-0001 collected -> dispatched");
    static const enum tc_stage way[] = {TC_STAGE_ACCEPTED, TC_STAGE_FILED,    TC_STAGE_DISPATCHED,
                                        TC_STAGE_HANDLING, TC_STAGE_FEEDBACK, TC_STAGE_HANDLING,
                                        TC_STAGE_FEEDBACK, TC_STAGE_CHECKED,  TC_STAGE_CLOSED};
    for (size_t i = 0; i < TC_COUNT_OF(way); i++) {
        KIT_SAY(&k, CASE_SET_STAGE, case_set_stage, .case_id = id, .stage = way[i]);
        KIT_TAKEN(&k);
    }
    assert_int_equal(c->stage, TC_STAGE_CLOSED);
    kit_obs(&k, &o);
    assert_string_equal(KIT_ITEM(&k, case, kit_event(&k, TC_EV_CASE_OPENED, 0)->seq)->number,
                        "C20261121-0002");
    k.now_us += 9 * TC_HOUR; /* past midnight in Shenzhen */
    kit_obs(&k, &o);
    assert_string_equal(KIT_ITEM(&k, case, kit_event(&k, TC_EV_CASE_OPENED, 0)->seq)->number,
                        "C20261122-0001");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_go_up_and_down_with_hysteresis),
        cmocka_unit_test(late_and_bad_values_raise_nothing),
        cmocka_unit_test(an_unknown_device_is_written_down_once_an_hour),
        cmocka_unit_test(a_device_raises_and_clears_by_itself),
        cmocka_unit_test(an_alarm_that_got_worse_is_not_cleared_unseen),
        cmocka_unit_test(a_case_goes_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
