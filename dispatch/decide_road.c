/* SPDX-License-Identifier: Apache-2.0 */
/* Roads, clocks by hand, and the stages of city cases. */
#include "dispatch/dispatch_int.h"

#define RADIUS_M_MAX 5000u
#define CLOCK_S_MAX  2592000u /* 30 days */

static void road_close(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_road_close *b = command->body;
    int32_t lon_e7 = b->lon_e7;
    int32_t lat_e7 = b->lat_e7;
    if (lon_e7 == 0 && lat_e7 == 0) {
        (void)tc_map_feature(c->part->gis, b->layer, b->feature, &lon_e7, &lat_e7);
    }
    if (b->feature.len == 0 && (b->radius_m == 0 || (lon_e7 == 0 && lat_e7 == 0))) {
        tc_refuse(c->out, "closure_incomplete", 0, "feature, or point and radius_m");
        return;
    }
    if (b->radius_m > RADIUS_M_MAX) {
        tc_refuse(c->out, "radius_too_large", 0, "%u", b->radius_m);
        return;
    }
    if (b->incident && dispatch__open_incident(c, b->incident) == NULL) {
        return;
    }
    if (!dispatch__room(c, TC_WORLD_CLOSURE, 1)) {
        return;
    }
    struct tc_ev_road_closed *to = tc_emit(c->out, TC_EV_ROAD_CLOSED, 0, NULL);
    to->layer = tc_out_copy(c->out, b->layer);
    to->feature = tc_out_copy(c->out, b->feature);
    to->lon_e7 = lon_e7;
    to->lat_e7 = lat_e7;
    to->radius_m = b->radius_m;
    to->why = tc_out_copy(c->out, b->why);
    to->incident = b->incident;
    to->by = tc_out_copy(c->out, command->who);
}

static void road_open(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_road_open *b = command->body;
    const struct tc_closure *closure = tc_world_closure(c->w, b->closure);
    if (closure == NULL) {
        tc_refuse(c->out, "closure_not_found", 0, "%llu", (unsigned long long)b->closure);
        return;
    }
    struct tc_ev_road_opened *to = tc_emit(c->out, TC_EV_ROAD_OPENED, closure->id, NULL);
    to->by = tc_out_copy(c->out, command->who);
}

static void clock_start(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_clock_start *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    if (i == NULL) {
        return;
    }
    if (b->name.len == 0 || b->seconds == 0 || b->seconds > CLOCK_S_MAX) {
        tc_refuse(c->out, "clock_incomplete", 0, "name, seconds");
        return;
    }
    if (dispatch__room(c, TC_WORLD_CLOCK, 1)) {
        dispatch__start_clock(c, i->id, b->name, c->now_us + (int64_t)b->seconds * TC_SEC);
    }
}

static void clock_stop(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_clock_stop *b = command->body;
    if (tc_world_clock_of(c->w, b->incident, b->name) == NULL) {
        tc_refuse(c->out, "clock_not_found", 0, "%.*s", (int)b->name.len,
                  b->name.at ? b->name.at : "");
        return;
    }
    dispatch__stop_clock(c, b->incident, b->name, command->who);
}

/** Forward by one, back for return or rework, rejected before it was dispatched. */
static bool may_follow(enum tc_stage from, enum tc_stage to)
{
    static const struct {
        enum tc_stage from;
        enum tc_stage to;
    } others[] = {
        {TC_STAGE_COLLECTED, TC_STAGE_REJECTED},  {TC_STAGE_ACCEPTED, TC_STAGE_REJECTED},
        {TC_STAGE_FILED, TC_STAGE_REJECTED},      {TC_STAGE_DISPATCHED, TC_STAGE_FILED},
        {TC_STAGE_HANDLING, TC_STAGE_DISPATCHED}, {TC_STAGE_FEEDBACK, TC_STAGE_HANDLING},
        {TC_STAGE_CHECKED, TC_STAGE_HANDLING},    {TC_STAGE_CLOSED, TC_STAGE_HANDLING},
    };
    if (from != TC_STAGE_REJECTED && to <= TC_STAGE_EVALUATED && (int)to == (int)from + 1) {
        return true;
    }
    for (size_t i = 0; i < TC_COUNT_OF(others); i++) {
        if (others[i].from == from && others[i].to == to) {
            return true;
        }
    }
    return false;
}

static void set_stage(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_case_set_stage *b = command->body;
    const struct tc_case *k = tc_world_case(c->w, b->case_id);
    if (k == NULL) {
        tc_refuse(c->out, "case_not_found", 0, "%llu", (unsigned long long)b->case_id);
        return;
    }
    if (DISPATCH__IS_STALE(c, command, k)) {
        return;
    }
    if (!may_follow(k->stage, b->stage)) {
        tc_refuse(c->out, "stage_not_next", 0, "%s %s -> %s", k->number,
                  tc_enum_name(&tc_enum_stage, (int)k->stage),
                  tc_enum_name(&tc_enum_stage, (int)b->stage));
        return;
    }
    struct tc_ev_case_stage_changed *to = tc_emit(c->out, TC_EV_CASE_STAGE_CHANGED, k->id, NULL);
    to->stage = b->stage;
    to->was = k->stage;
    to->note = tc_out_copy(c->out, b->note);
    to->by = tc_out_copy(c->out, command->who);
}

const struct dispatch__rule dispatch__road_rules[] = {
    {TC_CMD_ROAD_CLOSE, road_close},    {TC_CMD_ROAD_OPEN, road_open},
    {TC_CMD_CLOCK_START, clock_start},  {TC_CMD_CLOCK_STOP, clock_stop},
    {TC_CMD_CASE_SET_STAGE, set_stage}, {TC_CMD_NONE, NULL},
};
