/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: who they are for, in which system their coordinates are, when they happened. */
#include "dispatch/dispatch_int.h"

#define LON_E7_MAX 1800000000
#define LAT_E7_MAX 900000000

static struct tc_str e7_text(struct dispatch__call *c, int64_t e7)
{
    uint64_t size = e7 < 0 ? (uint64_t)0 - (uint64_t)e7 : (uint64_t)e7;
    return tc_out_format(c->out, "%s%llu.%07llu", e7 < 0 ? "-" : "",
                         (unsigned long long)(size / 10000000),
                         (unsigned long long)(size % 10000000));
}

tc_err dispatch__point_of(struct dispatch__call *c, const struct tc_obs *obs,
                          struct dispatch__point *point)
{
    *point = (struct dispatch__point){0};
    if (!obs->has_position) {
        return TC_OK;
    }
    if (obs->crs.len == 0) {
        if (obs->x_e7 < -LON_E7_MAX || obs->x_e7 > LON_E7_MAX || obs->y_e7 < -LAT_E7_MAX ||
            obs->y_e7 > LAT_E7_MAX) {
            return TC_EINVAL;
        }
        point->lon_e7 = (int32_t)obs->x_e7;
        point->lat_e7 = (int32_t)obs->y_e7;
        return TC_OK;
    }
    struct tc_str x = e7_text(c, obs->x_e7);
    struct tc_str y = e7_text(c, obs->y_e7);
    size_t len = obs->crs.len < 40 ? obs->crs.len : 40;
    point->raw = tc_out_format(c->out, "%.*s %.*s,%.*s", (int)len, obs->crs.at, (int)x.len, x.at,
                               (int)y.len, y.at);
    return tc_map_convert(c->part->crs, obs->crs, obs->x_e7, obs->y_e7, &point->lon_e7,
                          &point->lat_e7);
}

int64_t dispatch__occurred(const struct dispatch__call *c, const struct tc_obs *obs)
{
    return obs->occurred_us && obs->occurred_us < c->now_us ? obs->occurred_us : c->now_us;
}

static const struct tc_source *source_of(const struct dispatch__call *c)
{
    const struct tc_table *sources = tc_model_table(c->live, "source");
    return sources ? tc_table_find(sources, c->in->source) : NULL;
}

struct tc_str dispatch__source_name(const struct dispatch__call *c)
{
    const struct tc_source *s = source_of(c);
    return s ? tc_str_of(s->name) : (struct tc_str){NULL, 0};
}

struct tc_str dispatch__network(const struct dispatch__call *c, const struct tc_obs *obs)
{
    if (obs->network.len) {
        return obs->network;
    }
    const struct tc_source *s = source_of(c);
    return s ? tc_str_of(s->network) : (struct tc_str){NULL, 0};
}

/** Does the source hear radios? A station's sign of life is about no unit. */
static bool is_radio(const struct dispatch__call *c)
{
    const struct tc_source *s = source_of(c);
    const struct tc_driver *d = s ? tc_driver_find(tc_str_of(s->driver)) : NULL;
    return d == NULL || (d->caps & TC_CAP_CALLS) != 0;
}

bool dispatch__observation(struct dispatch__call *c)
{
    const struct tc_obs *obs = c->in->obs;
    switch (obs->kind) {
    case TC_OBS_POSITION: dispatch__position(c, obs); return true;
    case TC_OBS_HEARD:
    case TC_OBS_CALL_TALKER:
        if (is_radio(c)) {
            dispatch__heard(c, obs);
        }
        return true;
    case TC_OBS_STATUS: dispatch__status(c, obs); return true;
    case TC_OBS_TEXT: dispatch__text(c, obs); return true;
    case TC_OBS_EMERGENCY: dispatch__emergency(c, obs, obs->sign); return true;
    case TC_OBS_CALL_START: dispatch__call_start(c, obs); return true;
    case TC_OBS_CALL_END: dispatch__call_end(c, obs); return true;
    case TC_OBS_READING: dispatch__reading(c, obs); return true;
    case TC_OBS_DEVICE_ALARM: dispatch__device_alarm(c, obs); return true;
    case TC_OBS_CASE: dispatch__case(c, obs); return true;
    case TC_OBS_REPORT: dispatch__report(c, obs); return true;
    case TC_OBS_NONE:
    case TC_OBS_LINK_UP:
    case TC_OBS_LINK_DOWN:
    case TC_OBS_SENT:
    case TC_OBS_DELIVERY:
    case TC_OBS_REJECTED: break;
    }
    return false;
}
