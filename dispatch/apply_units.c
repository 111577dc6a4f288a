/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"
#include "dispatch/world_int.h"

static void needs(struct tc_unit_need *to, uint32_t *count, const struct tc_need *from, uint32_t n)
{
    *count = n > 8 ? 8 : n;
    for (uint32_t i = 0; i < *count; i++) {
        WORLD__PUT(to[i].capability, from[i].capability);
        to[i].count = from[i].count;
    }
}

static void registered(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_unit_registered *b = e->body;
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, b->replaces);
    if (u) {
        world__unindex_unit(w, u);
    } else {
        u = world__add(w, TC_WORLD_UNIT, e->seq, e);
        u->speed_cms = UINT32_MAX;
        u->heading_deg = UINT16_MAX;
    }
    WORLD__PUT(u->call_sign, b->call_sign);
    u->kind = b->kind;
    WORLD__PUT(u->name_zh, b->name_zh);
    WORLD__PUT(u->name_en, b->name_en);
    WORLD__PUT(u->address, b->address);
    needs(u->capabilities, &u->capabilities_count, b->capabilities, b->capabilities_count);
    u->home_lon_e7 = b->lon_e7;
    u->home_lat_e7 = b->lat_e7;
    u->crew = b->crew;
    world__index_unit(w, u);
    world__touch(w, TC_WORLD_UNIT, u, e);
}

static void heard_at(struct tc_unit *u, const struct tc_event *e)
{
    if (e->occurred_us > u->heard_us) {
        u->heard_us = e->occurred_us;
    }
}

static void position(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_unit_position *b = e->body;
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, b->unit);
    if (u == NULL) {
        return;
    }
    heard_at(u, e);
    int64_t fix_us = e->occurred_us - (int64_t)b->age_s * TC_SEC;
    if (fix_us >= u->position_at_us) { /* an older fix that came late moves nobody */
        u->lon_e7 = b->lon_e7;
        u->lat_e7 = b->lat_e7;
        u->position_at_us = fix_us;
        u->speed_cms = b->speed_cms;
        u->heading_deg = b->heading_deg;
        u->error_m = b->error_m;
        u->is_doubtful = b->is_doubtful;
    }
    world__touch(w, TC_WORLD_UNIT, u, e);
}

static void status_reported(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_unit_status_reported *b = e->body;
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, b->unit);
    if (u) {
        u->status_code = b->code;
        heard_at(u, e);
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
}

static void state_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_unit_state_changed *b = e->body;
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, b->unit);
    if (u) {
        u->state = b->state;
        u->state_at_us = e->occurred_us;
        u->state_how = b->how;
        WORLD__EDIT(u, e, b->by);
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
}

static void heard_unit(struct tc_world_section *w, const struct tc_event *e, uint64_t unit)
{
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, unit);
    if (u) {
        heard_at(u, e);
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
}

static void text_received(struct tc_world_section *w, const struct tc_event *e)
{
    heard_unit(w, e, TC_BODY(e, unit_text_received)->unit);
}

static void heard(struct tc_world_section *w, const struct tc_event *e)
{
    heard_unit(w, e, TC_BODY(e, unit_heard)->unit);
}

static void call_started(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_radio_call_started *b = e->body;
    struct tc_call *c = world__add(w, TC_WORLD_CALL, e->seq, e);
    c->link = e->source;
    c->instance = b->instance;
    c->unit = b->unit;
    WORLD__PUT(c->address, b->address);
    WORLD__PUT(c->group, b->group);
    c->priority = b->priority;
    c->started_us = e->occurred_us;
    world__index_call(w, c);
    heard_unit(w, e, b->unit);
}

static void call_ended(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_call *c = world__find(w, TC_WORLD_CALL, e->subject);
    if (c) {
        world__unindex_call(w, c);
        world__remove(w, TC_WORLD_CALL, c->id, e);
    }
}

static void add_stranger(struct tc_world_section *w, struct tc_str address,
                         const struct tc_event *e)
{
    struct tc_stranger key = {0};
    WORLD__PUT(key.address, address);
    const struct tc_stranger *known = tc_world_stranger_of(w, tc_str_of(key.address));
    struct tc_stranger *s = known ? world__find(w, TC_WORLD_STRANGER, known->id) : NULL;
    if (s == NULL) {
        if (tc_pool_is_full(&w->tables[TC_WORLD_STRANGER].pool)) {
            return;
        }
        s = world__add(w, TC_WORLD_STRANGER, e->seq, e);
        WORLD__PUT(s->address, address);
        world__index_stranger(w, s);
    }
    s->heard_us = e->at_us;
    world__touch(w, TC_WORLD_STRANGER, s, e);
}

static void stranger_heard(struct tc_world_section *w, const struct tc_event *e)
{
    add_stranger(w, TC_BODY(e, radio_stranger_heard)->address, e);
}

/** A device that no sensor stands for is remembered by the first word of the detail. */
static void observation_refused(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_observation_refused *b = e->body;
    if (!tc_str_is(b->why, "sensor_unknown")) {
        return;
    }
    struct tc_str device = b->detail;
    for (size_t i = 0; i < device.len; i++) {
        if (device.at[i] == ' ') {
            device.len = i;
        }
    }
    add_stranger(w, device, e);
}

static void recipient_registered(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_recipient_registered *b = e->body;
    struct tc_recipient *r = world__find(w, TC_WORLD_RECIPIENT, e->subject);
    if (r == NULL) {
        r = world__add(w, TC_WORLD_RECIPIENT, e->seq, e);
    }
    r->kind = b->kind;
    WORLD__PUT(r->name_zh, b->name_zh);
    WORLD__PUT(r->name_en, b->name_en);
    r->channel = b->channel;
    WORLD__PUT(r->address, b->address);
    world__touch(w, TC_WORLD_RECIPIENT, r, e);
}

const struct world__rule world__unit_rules[] = {
    {TC_EV_UNIT_POSITION, position},
    {TC_EV_UNIT_HEARD, heard},
    {TC_EV_UNIT_REGISTERED, registered},
    {TC_EV_UNIT_STATUS_REPORTED, status_reported},
    {TC_EV_UNIT_STATE_CHANGED, state_changed},
    {TC_EV_UNIT_TEXT_RECEIVED, text_received},
    {TC_EV_RADIO_CALL_STARTED, call_started},
    {TC_EV_RADIO_CALL_ENDED, call_ended},
    {TC_EV_RADIO_STRANGER_HEARD, stranger_heard},
    {TC_EV_OBSERVATION_REFUSED, observation_refused},
    {TC_EV_RECIPIENT_REGISTERED, recipient_registered},
    {TC_EV_NONE, NULL},
};
