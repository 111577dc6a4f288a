/* SPDX-License-Identifier: Apache-2.0 */
/* Readings against limits, alarms that devices raise by themselves, and people's word on alarms. */
#include "dispatch/dispatch_int.h"

#define LATE_US           (15 * TC_MIN) /* older values are kept and judge nothing */
#define REFUSED_AGAIN_US  TC_HOUR       /* an unregistered device is written down this often */
#define DEVICE_NAME_BYTES 32

/** What kind of alarm a factor means; others are called by the factor's own code. */
static struct tc_str kind_of(const struct tc_sensor *s)
{
    static const struct {
        const char *type;
        const char *kind;
    } by_type[] = {
        {"waterlogging", "water_level"},
        {"flood", "water_level"},
        {"pollution", "pollution"},
        {"fire", "fire"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(by_type); i++) {
        if (strcmp(by_type[i].type, s->incident_type) == 0) {
            return tc_str_of(by_type[i].kind);
        }
    }
    return tc_str_of(s->factor[0] ? s->factor : "sensor");
}

static bool is_beyond(const struct tc_limit *l, int64_t value_e6)
{
    return l->is_below ? value_e6 < l->value_e6 : value_e6 > l->value_e6;
}

/** Beyond the limit, or not yet far enough back from it. */
static bool still_holds(const struct tc_limit *l, int64_t value_e6)
{
    return l->is_below ? value_e6 < l->value_e6 + l->hysteresis_e6
                       : value_e6 > l->value_e6 - l->hysteresis_e6;
}

struct judgement {
    enum tc_alarm_level level;
    int64_t limit_e6;
    bool has_limits;
};

/** A sensor's own limits, else its factor's; levels up to `current` end only past hysteresis. */
static struct judgement judge(const struct tc_world_section *w, const struct tc_sensor *s,
                              int64_t value_e6, enum tc_alarm_level current)
{
    struct judgement j = {TC_ALARM_LEVEL_NONE, 0, false};
    struct tc_str factor = tc_str_of(s->factor);
    uint64_t owner = tc_world_limit_at(w, s->id, factor, 0) ? s->id : 0;
    const struct tc_limit *l = NULL;
    for (uint32_t n = 0; (l = tc_world_limit_at(w, owner, factor, n)) != NULL; n++) {
        j.has_limits = true;
        bool holds = l->level <= current ? still_holds(l, value_e6) : is_beyond(l, value_e6);
        if (holds && l->level > j.level) {
            j.level = l->level;
            j.limit_e6 = l->value_e6;
        }
    }
    return j;
}

static bool may_judge(enum tc_quality quality)
{
    return quality == TC_QUALITY_VALID || quality == TC_QUALITY_MANUAL ||
           quality == TC_QUALITY_OVER_RANGE || quality == TC_QUALITY_UNKNOWN;
}

/** What every alarm of a sensor says. */
static struct tc_ev_alarm_raised *raise(struct dispatch__call *c, const struct tc_sensor *s,
                                        int64_t occurred_us)
{
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, s->lon_e7, s->lat_e7, &place);
    struct tc_ev_alarm_raised *b = tc_emit(c->out, TC_EV_ALARM_RAISED, 0, NULL);
    b->sensor = s->id;
    b->address = dispatch__copy(c, s->device);
    b->lon_e7 = s->lon_e7;
    b->lat_e7 = s->lat_e7;
    b->fix_at_us = occurred_us;
    b->place_zh = dispatch__copy(c, place.text_zh[0] ? place.text_zh : s->name_zh);
    b->place_en = dispatch__copy(c, place.text_en[0] ? place.text_en : s->name_en);
    b->grid = dispatch__copy(c, place.grid);
    tc_emit_occurred(c->out, occurred_us);
    return b;
}

static void compare(struct dispatch__call *c, const struct tc_sensor *s, const struct tc_obs *obs,
                    int64_t occurred_us)
{
    const struct tc_alarm *a = s->alarm ? tc_world_alarm(c->w, s->alarm) : NULL;
    struct judgement j = judge(c->w, s, obs->value_e6, a ? a->level : TC_ALARM_LEVEL_NONE);
    if (a == NULL && j.level != TC_ALARM_LEVEL_NONE) {
        if (!tc_world_has_room(c->w, TC_WORLD_ALARM, 1)) {
            return;
        }
        struct tc_ev_alarm_raised *b = raise(c, s, occurred_us);
        b->kind = tc_out_copy(c->out, kind_of(s));
        b->level = j.level;
        b->value_e6 = obs->value_e6;
        b->limit_e6 = j.limit_e6;
        b->by_limit = true;
        b->evidence = tc_out_format(c->out, "%s %s", s->device, s->factor);
    } else if (a && j.level == TC_ALARM_LEVEL_NONE) {
        struct tc_ev_alarm_cleared *b = tc_emit(c->out, TC_EV_ALARM_CLEARED, a->id, NULL);
        b->value_e6 = obs->value_e6;
        b->why = TC_STR("within_limit");
        tc_emit_occurred(c->out, occurred_us);
    } else if (a && j.level != a->level) {
        struct tc_ev_alarm_level_changed *b =
            tc_emit(c->out, TC_EV_ALARM_LEVEL_CHANGED, a->id, NULL);
        b->level = j.level;
        b->was = a->level;
        b->value_e6 = obs->value_e6;
        tc_emit_occurred(c->out, occurred_us);
    }
}

/** Written down once an hour per device; in between it is only counted by the ingest. */
static void refuse_unknown(struct dispatch__call *c, const struct tc_obs *obs)
{
    char device[DEVICE_NAME_BYTES + 1];
    (void)tc_str_put(device, sizeof device, obs->address);
    for (char *at = device; *at; at++) {
        if (*at == ' ') {
            *at = '_';
        }
    }
    const struct tc_stranger *s = tc_world_stranger_of(c->w, tc_str_of(device));
    if (s && c->now_us - s->heard_us < REFUSED_AGAIN_US) {
        return;
    }
    if (s == NULL && tc_pool_is_full(&c->w->tables[TC_WORLD_STRANGER].pool)) {
        return;
    }
    struct tc_str source = dispatch__source_name(c);
    struct tc_str factor = dispatch__fit(c, obs->factor, 24);
    tc_refuse(c->out, "sensor_unknown", 0, "%s %.*s %lld %.*s", device, (int)factor.len, factor.at,
              (long long)obs->value_e6, (int)source.len, source.at ? source.at : "");
}

void dispatch__reading(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_sensor *s =
        tc_world_sensor_of(c->w, dispatch__source_name(c), obs->address, obs->factor);
    if (s == NULL) {
        refuse_unknown(c, obs);
        return;
    }
    int64_t occurred_us = dispatch__occurred(c, obs);
    struct tc_ev_sensor_reading *b = tc_emit(c->out, TC_EV_SENSOR_READING, s->id, NULL);
    b->sensor = s->id;
    b->value_e6 = obs->value_e6;
    b->quality = obs->quality;
    tc_emit_occurred(c->out, occurred_us);
    bool is_late = c->now_us - occurred_us > LATE_US || occurred_us < s->value_at_us;
    if (!is_late && may_judge(obs->quality)) {
        compare(c, s, obs, occurred_us);
    }
}

/** The sensor of the factor, else the device's own, which has none. */
static const struct tc_sensor *device_of(struct dispatch__call *c, const struct tc_obs *obs)
{
    struct tc_str source = dispatch__source_name(c);
    const struct tc_sensor *s = tc_world_sensor_of(c->w, source, obs->address, obs->factor);
    if (s == NULL) {
        s = tc_world_sensor_of(c->w, source, obs->address, (struct tc_str){NULL, 0});
    }
    return s;
}

void dispatch__device_alarm(struct dispatch__call *c, const struct tc_obs *obs)
{
    const struct tc_sensor *s = device_of(c, obs);
    if (s == NULL) {
        refuse_unknown(c, obs);
        return;
    }
    char kind[sizeof((struct tc_alarm *)0)->kind];
    (void)tc_str_put(kind, sizeof kind, obs->factor.len ? obs->factor : TC_STR("device"));
    const struct tc_alarm *a = tc_world_device_alarm_of(c->w, s->id, tc_str_of(kind));
    int64_t occurred_us = dispatch__occurred(c, obs);
    if (obs->is_cleared) {
        if (a) {
            struct tc_ev_alarm_cleared *b = tc_emit(c->out, TC_EV_ALARM_CLEARED, a->id, NULL);
            b->value_e6 = obs->value_e6;
            b->why = TC_STR("flag");
            tc_emit_occurred(c->out, occurred_us);
        }
        return;
    }
    if (c->now_us - occurred_us > LATE_US || a || !dispatch__room(c, TC_WORLD_ALARM, 1)) {
        return;
    }
    struct tc_ev_alarm_raised *b = raise(c, s, occurred_us);
    b->kind = dispatch__copy(c, kind);
    b->level = obs->level != TC_ALARM_LEVEL_NONE ? obs->level : TC_ALARM_LEVEL_WARNING;
    b->value_e6 = obs->value_e6;
    b->evidence = dispatch__fit(c, obs->text, 300);
}

static const struct tc_alarm *raised_alarm(struct dispatch__call *c, uint64_t id)
{
    const struct tc_alarm *a = tc_world_alarm(c->w, id);
    if (a == NULL) {
        tc_refuse(c->out, "alarm_not_found", 0, "%llu", (unsigned long long)id);
    } else if (a->state != TC_ALARM_STATE_RAISED) {
        tc_refuse(c->out, "alarm_not_raised", 0, "%s", a->kind);
        a = NULL;
    }
    return a;
}

static void acknowledge(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_alarm_acknowledge *b = command->body;
    const struct tc_alarm *a = tc_world_alarm(c->w, b->alarm);
    if (a == NULL) {
        tc_refuse(c->out, "alarm_not_found", 0, "%llu", (unsigned long long)b->alarm);
        return;
    }
    struct tc_ev_alarm_acknowledged *to = tc_emit(c->out, TC_EV_ALARM_ACKNOWLEDGED, a->id, NULL);
    to->by = tc_out_copy(c->out, command->who);
}

static void clear(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_alarm_clear *b = command->body;
    const struct tc_alarm *a = raised_alarm(c, b->alarm);
    if (a == NULL || DISPATCH__IS_STALE(c, command, a)) {
        return;
    }
    struct tc_ev_alarm_cleared *to = tc_emit(c->out, TC_EV_ALARM_CLEARED, a->id, NULL);
    to->value_e6 = a->value_e6;
    to->why = b->why.len ? tc_out_copy(c->out, b->why) : TC_STR("by_hand");
    to->by = tc_out_copy(c->out, command->who);
}

const struct dispatch__rule dispatch__alarm_rules[] = {
    {TC_CMD_ALARM_ACKNOWLEDGE, acknowledge},
    {TC_CMD_ALARM_CLEAR, clear},
    {TC_CMD_NONE, NULL},
};
