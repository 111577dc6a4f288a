/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/gauge.h"

#include "clients/simulators/opts.h"
#include "core/base/time.h"

bool sim__profile_read(struct sim_profile *p, const char *text)
{
    struct tc_str rest = tc_str_of(text);
    *p = (struct sim_profile){0};
    while (rest.len) {
        struct tc_str item = sim__word(&rest, ',');
        struct sim_profile_point point = {0};
        bool ok = p->count < SIM_PROFILE_MAX &&
                  tc_str_to_fixed(sim__word(&item, ':'), 6, &point.at_us) == TC_OK &&
                  tc_str_to_fixed(item, 6, &point.level_um) == TC_OK &&
                  (p->count == 0 || point.at_us > p->points[p->count - 1].at_us);
        if (!ok) {
            return false;
        }
        p->points[p->count++] = point;
    }
    return p->count > 0;
}

int64_t sim__profile_level_um(const struct sim_profile *p, int64_t at_us)
{
    size_t i = 0;
    while (i < p->count && p->points[i].at_us <= at_us) {
        i++;
    }
    if (i == 0 || i == p->count) {
        return p->points[i == 0 ? 0 : i - 1].level_um;
    }
    const struct sim_profile_point *a = &p->points[i - 1];
    const struct sim_profile_point *b = &p->points[i];
    double part = (double)(at_us - a->at_us) / (double)(b->at_us - a->at_us);
    return a->level_um + (int64_t)(part * (double)(b->level_um - a->level_um));
}

void sim__gauge_request(struct tc_buf *out, const char *id, const char *device,
                        const struct sim_reading *readings, size_t count)
{
    tc_jw_open(out, '{');
    tc_jw_pair_text(out, "id", id);
    tc_jw_key(out, "observations");
    tc_jw_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        char occurred[TC_TIME_TEXT_SIZE];
        tc_time_utc_text(readings[i].utc_us, occurred);
        tc_jw_open(out, '{');
        tc_jw_pair_text(out, "kind", "reading");
        tc_jw_pair_text(out, "device", device);
        tc_jw_pair_text(out, "factor", "water_level");
        tc_jw_pair_i64(out, "value_e6", readings[i].level_um);
        tc_jw_pair_text(out, "unit", "m");
        tc_jw_pair_text(out, "occurred", occurred);
        tc_jw_close(out, '}');
    }
    tc_jw_close(out, ']');
    tc_jw_close(out, '}');
}

static void take_result(struct tc_jr *r, struct tc_arena *arena, struct sim_gauge_answer *out)
{
    if (!tc_jr_open(r, '{')) {
        return;
    }
    while (tc_jr_more(r, '}')) {
        struct tc_str key = tc_jr_key(r, arena);
        if (tc_str_is(key, "refused")) {
            struct tc_str why = tc_jr_str(r, arena);
            if (out->refused_count++ == 0) {
                (void)tc_str_put(out->why, sizeof out->why, why);
            }
            continue;
        }
        out->taken_count += tc_str_is(key, "seq");
        out->duplicate_count += tc_str_is(key, "duplicate");
        (void)tc_jr_skip(r);
    }
}

bool sim__gauge_answer(struct tc_str text, struct sim_gauge_answer *out)
{
    struct tc_arena arena = {0};
    struct tc_jr r = tc_jr_init(text);
    *out = (struct sim_gauge_answer){0};
    (void)tc_jr_open(&r, '{');
    while (!r.bad && tc_jr_more(&r, '}')) {
        struct tc_str key = tc_jr_key(&r, &arena);
        if (tc_str_is(key, "id")) {
            (void)tc_str_put(out->id, sizeof out->id, tc_jr_str(&r, &arena));
        } else if (tc_str_is(key, "ok")) {
            out->is_ok = tc_jr_bool(&r);
        } else if (tc_str_is(key, "results") && tc_jr_open(&r, '[')) {
            while (!r.bad && tc_jr_more(&r, ']')) {
                take_result(&r, &arena, out);
            }
        } else {
            (void)tc_jr_skip(&r);
        }
    }
    bool ok = tc_jr_is_done(&r) && out->id[0] != '\0';
    tc_arena_finish(&arena);
    return ok;
}
