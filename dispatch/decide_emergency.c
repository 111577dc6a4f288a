/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls for help. One press of the button gives up to four signs within half a minute (status 0,
 * a call of priority 15, a location with reason 2, a user status): they are one alarm. While it is
 * open every further sign is evidence; only a person ends it.
 */
#include "dispatch/dispatch_int.h"

#define ONE_PRESS_US (30 * TC_SEC)

static bool is_same_press(const struct tc_alarm *a, int64_t occurred_us)
{
    if (a->state == TC_ALARM_STATE_RAISED) {
        return true;
    }
    return occurred_us < a->cleared_us && occurred_us - a->evidence_at_us <= ONE_PRESS_US;
}

/** A radio that repeats its location while it calls for help says nothing new each time. */
static bool is_repeated(const struct tc_alarm *a, enum tc_sign sign, int64_t occurred_us)
{
    return sign == TC_SIGN_LOCATION && (a->signs & (UINT32_C(1) << (unsigned)sign)) &&
           occurred_us - a->evidence_at_us <= ONE_PRESS_US;
}

static struct tc_str evidence(struct dispatch__call *c, const struct tc_obs *obs, enum tc_sign sign,
                              const struct dispatch__point *p)
{
    struct tc_str source = dispatch__source_name(c);
    const char *name = tc_enum_name(&tc_enum_sign, (int)sign);
    return tc_out_format(c->out, "%s %u %.*s%s%.*s", name,
                         sign == TC_SIGN_CALL ? obs->priority : obs->code, (int)source.len,
                         source.at ? source.at : "", p->raw.len ? " " : "", (int)p->raw.len,
                         p->raw.at ? p->raw.at : "");
}

static void raise(struct dispatch__call *c, const struct tc_obs *obs, enum tc_sign sign,
                  const struct dispatch__point *sent)
{
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    int64_t occurred_us = dispatch__occurred(c, obs);
    struct dispatch__point p = *sent;
    int64_t fix_us = occurred_us;
    if (p.lon_e7 == 0 && p.lat_e7 == 0 && u && u->position_at_us) {
        p.lon_e7 = u->lon_e7;
        p.lat_e7 = u->lat_e7;
        fix_us = u->position_at_us;
    }
    bool is_placed = p.lon_e7 || p.lat_e7;
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, p.lon_e7, p.lat_e7, &place);
    struct tc_ev_alarm_raised *b = tc_emit(c->out, TC_EV_ALARM_RAISED, 0, NULL);
    b->kind = TC_STR("emergency");
    b->level = TC_ALARM_LEVEL_DANGER;
    b->unit = u ? u->id : 0;
    b->address = dispatch__fit(c, obs->address, 48);
    b->sign = sign;
    b->lon_e7 = p.lon_e7;
    b->lat_e7 = p.lat_e7;
    b->fix_at_us = is_placed ? fix_us : 0;
    b->place_zh = dispatch__copy(c, place.text_zh);
    b->place_en = dispatch__copy(c, place.text_en);
    b->grid = dispatch__copy(c, place.grid);
    b->evidence = evidence(c, obs, sign, sent);
    tc_emit_occurred(c->out, occurred_us);
}

void dispatch__emergency(struct dispatch__call *c, const struct tc_obs *obs, enum tc_sign sign)
{
    struct dispatch__point p;
    tc_err err = dispatch__point_of(c, obs, &p);
    if (err != TC_OK) { /* a call for help is never lost for its coordinates */
        p.lon_e7 = 0;
        p.lat_e7 = 0;
    }
    enum tc_sign first = sign == TC_SIGN_NONE ? TC_SIGN_STATUS : sign;
    int64_t occurred_us = dispatch__occurred(c, obs);
    const struct tc_alarm *a = tc_world_emergency_of(c->w, obs->address);
    if (a == NULL || !is_same_press(a, occurred_us)) {
        if (!tc_world_unit_of(c->w, obs->address) && obs->kind == TC_OBS_EMERGENCY) {
            dispatch__stranger(c, obs->address);
        }
        if (dispatch__room(c, TC_WORLD_ALARM, 1)) {
            raise(c, obs, first, &p);
        }
        return;
    }
    if (is_repeated(a, first, occurred_us)) {
        return;
    }
    struct tc_ev_alarm_evidence_added *b = tc_emit(c->out, TC_EV_ALARM_EVIDENCE_ADDED, a->id, NULL);
    b->sign = first;
    b->evidence = evidence(c, obs, first, &p);
    b->lon_e7 = p.lon_e7;
    b->lat_e7 = p.lat_e7;
    tc_emit_occurred(c->out, occurred_us);
}
