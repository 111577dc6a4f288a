/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/world_int.h"

static void sensor_registered(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_sensor_registered *b = e->body;
    struct tc_sensor *s = world__find(w, TC_WORLD_SENSOR, e->subject);
    if (s == NULL) {
        s = world__add(w, TC_WORLD_SENSOR, e->seq, e);
    }
    WORLD__PUT(s->source, b->source);
    WORLD__PUT(s->device, b->device);
    WORLD__PUT(s->factor, b->factor);
    WORLD__PUT(s->unit_text, b->unit_text);
    WORLD__PUT(s->name_zh, b->name_zh);
    WORLD__PUT(s->name_en, b->name_en);
    s->lon_e7 = b->lon_e7;
    s->lat_e7 = b->lat_e7;
    WORLD__PUT(s->feature, b->feature);
    WORLD__PUT(s->incident_type, b->incident_type);
    s->interval_s = b->interval_s;
    world__index_sensor(w, s);
    world__touch(w, TC_WORLD_SENSOR, s, e);
}

static void reading(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_sensor_reading *b = e->body;
    struct tc_sensor *s = world__find(w, TC_WORLD_SENSOR, b->sensor);
    if (s == NULL) {
        return;
    }
    if (e->occurred_us >= s->value_at_us) {
        s->value_e6 = b->value_e6;
        s->value_at_us = e->occurred_us;
        s->quality = b->quality;
    }
    world__touch(w, TC_WORLD_SENSOR, s, e);
}

static void limit_set(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_limit_set *b = e->body;
    struct tc_limit *l = world__find(w, TC_WORLD_LIMIT, e->subject);
    bool is_new = l == NULL;
    if (is_new) {
        l = world__add(w, TC_WORLD_LIMIT, e->seq, e);
    }
    l->sensor = b->sensor;
    WORLD__PUT(l->factor, b->factor);
    l->level = b->level;
    l->is_below = b->is_below;
    l->value_e6 = b->value_e6;
    l->hysteresis_e6 = b->hysteresis_e6;
    if (is_new) {
        world__index_limit(w, l);
    }
    world__touch(w, TC_WORLD_LIMIT, l, e);
}

static uint32_t sign_bit(enum tc_sign sign)
{
    return sign == TC_SIGN_NONE ? 0 : UINT32_C(1) << (unsigned)sign;
}

/** Links the alarm with its unit, or with the sensor whose limit it is beyond. */
static void link_owner(struct tc_world_section *w, const struct tc_alarm *a,
                       const struct tc_event *e)
{
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, a->unit);
    if (u) {
        u->alarm = a->id;
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
    struct tc_sensor *s = world__find(w, TC_WORLD_SENSOR, a->sensor);
    if (s && TC_BODY(e, alarm_raised)->by_limit) {
        s->alarm = a->id;
        world__touch(w, TC_WORLD_SENSOR, s, e);
    }
}

static void raised(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_alarm_raised *b = e->body;
    struct tc_alarm *a = world__add(w, TC_WORLD_ALARM, e->seq, e);
    WORLD__PUT(a->kind, b->kind);
    a->level = b->level;
    a->sensor = b->sensor;
    a->unit = b->unit;
    WORLD__PUT(a->address, b->address);
    a->signs = sign_bit(b->sign);
    a->value_e6 = b->value_e6;
    a->limit_e6 = b->limit_e6;
    a->lon_e7 = b->lon_e7;
    a->lat_e7 = b->lat_e7;
    a->fix_at_us = b->fix_at_us;
    WORLD__PUT(a->place_zh, b->place_zh);
    WORLD__PUT(a->place_en, b->place_en);
    WORLD__PUT(a->evidence, b->evidence);
    a->raised_us = e->occurred_us;
    a->evidence_at_us = e->occurred_us;
    WORLD__EDIT(a, e, TC_STR(""));
    a->by_limit = b->by_limit;
    world__index_alarm(w, a);
    link_owner(w, a, e);
    world__touch(w, TC_WORLD_ALARM, a, e);
}

static void evidence_added(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_alarm_evidence_added *b = e->body;
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, e->subject);
    if (a == NULL) {
        return;
    }
    a->signs |= sign_bit(b->sign);
    WORLD__PUT(a->evidence, b->evidence);
    if (b->lon_e7 || b->lat_e7) {
        a->lon_e7 = b->lon_e7;
        a->lat_e7 = b->lat_e7;
        a->fix_at_us = e->occurred_us;
    }
    if (e->occurred_us > a->evidence_at_us) {
        a->evidence_at_us = e->occurred_us;
    }
    WORLD__EDIT(a, e, TC_STR(""));
    world__touch(w, TC_WORLD_ALARM, a, e);
}

static void level_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_alarm_level_changed *b = e->body;
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, e->subject);
    if (a) {
        a->level = b->level;
        a->value_e6 = b->value_e6;
        WORLD__EDIT(a, e, TC_STR(""));
        world__touch(w, TC_WORLD_ALARM, a, e);
    }
}

static void cleared(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_alarm_cleared *b = e->body;
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, e->subject);
    if (a == NULL) {
        return;
    }
    a->state = TC_ALARM_STATE_CLEARED;
    a->cleared_us = e->occurred_us;
    WORLD__EDIT(a, e, b->by);
    world__touch(w, TC_WORLD_ALARM, a, e);
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, a->unit);
    if (u && u->alarm == a->id) {
        u->alarm = 0;
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
    struct tc_sensor *s = world__find(w, TC_WORLD_SENSOR, a->sensor);
    if (s && s->alarm == a->id) {
        s->alarm = 0;
        world__touch(w, TC_WORLD_SENSOR, s, e);
    }
}

static void acknowledged(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, e->subject);
    if (a) {
        WORLD__PUT(a->acknowledged_by, TC_BODY(e, alarm_acknowledged)->by);
        world__touch(w, TC_WORLD_ALARM, a, e);
    }
}

static void case_opened(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_case_opened *b = e->body;
    struct tc_case *c = world__add(w, TC_WORLD_CASE, e->seq, e);
    WORLD__PUT(c->number, b->number);
    WORLD__PUT(c->foreign_id, b->foreign_id);
    WORLD__PUT(c->service_code, b->service_code);
    WORLD__PUT(c->service_zh, b->service_zh);
    WORLD__PUT(c->service_en, b->service_en);
    WORLD__PUT(c->description, b->description);
    c->lon_e7 = b->lon_e7;
    c->lat_e7 = b->lat_e7;
    WORLD__PUT(c->address, b->address);
    WORLD__PUT(c->place_zh, b->place_zh);
    WORLD__PUT(c->place_en, b->place_en);
    WORLD__PUT(c->grid, b->grid);
    WORLD__PUT(c->media_url, b->media_url);
    WORLD__PUT(c->raw_position, b->raw_position);
    WORLD__PUT(c->caller_name, b->caller_name);
    WORLD__PUT(c->caller_phone, b->caller_phone);
    c->opened_us = e->occurred_us;
    c->stage_us = e->occurred_us;
    uint32_t day = 0;
    uint32_t number = world__number(b->number, &day);
    world__count(w, "case", day, number, e);
    world__touch(w, TC_WORLD_CASE, c, e);
}

static void case_stage_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_case_stage_changed *b = e->body;
    struct tc_case *c = world__find(w, TC_WORLD_CASE, e->subject);
    if (c) {
        c->stage = b->stage;
        c->stage_us = e->occurred_us;
        WORLD__EDIT(c, e, b->by);
        world__touch(w, TC_WORLD_CASE, c, e);
    }
}

const struct world__rule world__alarm_rules[] = {
    {TC_EV_SENSOR_READING, reading},
    {TC_EV_SENSOR_REGISTERED, sensor_registered},
    {TC_EV_LIMIT_SET, limit_set},
    {TC_EV_ALARM_RAISED, raised},
    {TC_EV_ALARM_EVIDENCE_ADDED, evidence_added},
    {TC_EV_ALARM_LEVEL_CHANGED, level_changed},
    {TC_EV_ALARM_CLEARED, cleared},
    {TC_EV_ALARM_ACKNOWLEDGED, acknowledged},
    {TC_EV_CASE_OPENED, case_opened},
    {TC_EV_CASE_STAGE_CHANGED, case_stage_changed},
    {TC_EV_NONE, NULL},
};
