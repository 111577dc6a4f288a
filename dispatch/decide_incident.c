/* SPDX-License-Identifier: Apache-2.0 */
/* What people say about reports and incidents. Merging is in decide_merge.c. */
#include "dispatch/dispatch_int.h"

static void report_create(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_report_create *b = command->body;
    if (b->incident && dispatch__open_incident(c, b->incident) == NULL) {
        return;
    }
    if (b->text.len == 0 && b->type.len == 0) {
        tc_refuse(c->out, "report_says_nothing", 0, "text");
        return;
    }
    if (!dispatch__room(c, TC_WORLD_REPORT, 1)) {
        return;
    }
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, b->lon_e7, b->lat_e7, &place);
    uint64_t report = 0;
    struct tc_ev_report_received *to = tc_emit(c->out, TC_EV_REPORT_RECEIVED, 0, &report);
    struct tc_str type = b->type.len ? b->type : dispatch__type_of_words(c->w, b->text);
    to->channel = b->channel.len ? tc_out_copy(c->out, b->channel) : TC_STR("console");
    to->type = tc_out_copy(c->out, type);
    to->text = tc_out_copy(c->out, b->text);
    to->lon_e7 = b->lon_e7;
    to->lat_e7 = b->lat_e7;
    to->place_zh = dispatch__copy(c, place.text_zh);
    to->place_en = dispatch__copy(c, place.text_en);
    to->grid = dispatch__copy(c, place.grid);
    to->feature = dispatch__copy(c, place.feature);
    to->caller_name = tc_out_copy(c->out, b->caller_name);
    to->caller_phone = tc_out_copy(c->out, b->caller_phone);
    to->by = tc_out_copy(c->out, command->who);
    if (b->incident) {
        dispatch__emit_join(c, report, b->incident, command->who, "by_hand");
    }
}

static const struct tc_report *report_of(struct dispatch__call *c, uint64_t id)
{
    const struct tc_report *r = tc_world_report(c->w, id);
    if (r == NULL) {
        tc_refuse(c->out, "report_not_found", 0, "%llu", (unsigned long long)id);
    }
    return r;
}

static void report_join(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_report_join *b = command->body;
    const struct tc_report *r = report_of(c, b->report);
    if (r == NULL || dispatch__open_incident(c, b->incident) == NULL) {
        return;
    }
    if (r->incident == b->incident) {
        tc_refuse(c->out, "report_already_joined", 0, "%llu", (unsigned long long)r->id);
        return;
    }
    dispatch__emit_join(c, r->id, b->incident, command->who, "by_hand");
}

static void report_leave(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_report_leave *b = command->body;
    const struct tc_report *r = report_of(c, b->report);
    if (r == NULL) {
        return;
    }
    if (r->incident == 0) {
        tc_refuse(c->out, "report_not_joined", 0, "%llu", (unsigned long long)r->id);
        return;
    }
    struct tc_ev_report_left *to = tc_emit(c->out, TC_EV_REPORT_LEFT, r->id, NULL);
    to->incident = r->incident;
    to->why = tc_out_copy(c->out, b->why);
    to->by = tc_out_copy(c->out, command->who);
}

static void open_incident(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_open *b = command->body;
    const struct tc_report *r = NULL;
    if (b->report && (r = report_of(c, b->report)) == NULL) {
        return;
    }
    if (r && r->incident) {
        tc_refuse(c->out, "report_already_joined", 0, "%llu", (unsigned long long)r->id);
        return;
    }
    struct dispatch__opening o = {.type = b->type,
                                  .grade = b->grade,
                                  .title = b->title,
                                  .lon_e7 = b->lon_e7,
                                  .lat_e7 = b->lat_e7,
                                  .by = command->who};
    if (r) {
        o.type = b->type.len ? b->type : tc_str_of(r->type);
        o.feature = tc_str_of(r->feature);
        if (o.lon_e7 == 0 && o.lat_e7 == 0) {
            o.lon_e7 = r->lon_e7;
            o.lat_e7 = r->lat_e7;
        }
    }
    if (o.type.len == 0) {
        tc_refuse(c->out, "type_missing", 0, "type");
        return;
    }
    if (!dispatch__room(c, TC_WORLD_INCIDENT, 1) ||
        !dispatch__room(c, TC_WORLD_RECOMMENDATION, 1)) {
        return;
    }
    uint64_t incident = dispatch__emit_incident(c, &o);
    if (r) {
        dispatch__emit_join(c, r->id, incident, command->who, "by_hand");
    }
}

/** The open incident that a command overwrites, not changed behind its author's back. */
static const struct tc_incident *fresh(struct dispatch__call *c, const struct tc_command *command,
                                       uint64_t id)
{
    const struct tc_incident *i = dispatch__open_incident(c, id);
    return i && !DISPATCH__IS_STALE(c, command, i) ? i : NULL;
}

static void set_type(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_set_type *b = command->body;
    const struct tc_incident *i = fresh(c, command, b->incident);
    if (i == NULL) {
        return;
    }
    struct tc_ev_incident_type_changed *to =
        tc_emit(c->out, TC_EV_INCIDENT_TYPE_CHANGED, i->id, NULL);
    to->type = tc_out_copy(c->out, b->type);
    to->was = dispatch__copy(c, i->type);
    to->by = tc_out_copy(c->out, command->who);
}

static void set_grade(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_set_grade *b = command->body;
    const struct tc_incident *i = fresh(c, command, b->incident);
    if (i == NULL) {
        return;
    }
    struct tc_ev_incident_grade_changed *to =
        tc_emit(c->out, TC_EV_INCIDENT_GRADE_CHANGED, i->id, NULL);
    to->grade = b->grade;
    to->was = i->grade;
    to->by = tc_out_copy(c->out, command->who);
}

static void set_place(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_set_place *b = command->body;
    const struct tc_incident *i = fresh(c, command, b->incident);
    if (i == NULL) {
        return;
    }
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, b->lon_e7, b->lat_e7, &place);
    struct tc_ev_incident_place_changed *to =
        tc_emit(c->out, TC_EV_INCIDENT_PLACE_CHANGED, i->id, NULL);
    to->lon_e7 = b->lon_e7;
    to->lat_e7 = b->lat_e7;
    to->place_zh = dispatch__copy(c, place.text_zh);
    to->place_en = dispatch__copy(c, place.text_en);
    to->grid = dispatch__copy(c, place.grid);
    to->was_lon_e7 = i->lon_e7;
    to->was_lat_e7 = i->lat_e7;
    to->by = tc_out_copy(c->out, command->who);
}

static void note(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_note *b = command->body;
    const struct tc_incident *i = tc_world_incident(c->w, b->incident);
    if (i == NULL) { /* a closed incident takes notes as well */
        tc_refuse(c->out, "incident_not_found", 0, "%llu", (unsigned long long)b->incident);
        return;
    }
    struct tc_ev_incident_noted *to = tc_emit(c->out, TC_EV_INCIDENT_NOTED, i->id, NULL);
    to->text = tc_out_copy(c->out, b->text);
    to->text_en = tc_out_copy(c->out, b->text_en);
    to->by = tc_out_copy(c->out, command->who);
}

static void claim(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_claim *b = command->body;
    const struct tc_incident *i = fresh(c, command, b->incident);
    if (i == NULL) {
        return;
    }
    bool is_others = i->claimed_by[0] && !tc_str_is(command->who, i->claimed_by);
    if (is_others && command->seen == 0 && !b->release) { /* nobody looked who has it */
        tc_refuse(c->out, "incident_claimed", 0, "%s", i->claimed_by);
        return;
    }
    struct tc_ev_incident_claimed *to = tc_emit(c->out, TC_EV_INCIDENT_CLAIMED, i->id, NULL);
    to->by = b->release ? TC_STR("") : tc_out_copy(c->out, command->who);
}

static void link(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_link *b = command->body;
    const struct tc_incident *i = tc_world_incident(c->w, b->incident);
    const struct tc_incident *other = tc_world_incident(c->w, b->other);
    if (i == NULL || other == NULL) {
        tc_refuse(c->out, "incident_not_found", 0, "%llu",
                  (unsigned long long)(i ? b->other : b->incident));
        return;
    }
    if (i == other || i->links_count >= TC_COUNT_OF(i->links) ||
        other->links_count >= TC_COUNT_OF(other->links)) {
        tc_refuse(c->out, i == other ? "same_incident" : "full", 0, "%s", i->number);
        return;
    }
    struct tc_ev_incident_linked *to = tc_emit(c->out, TC_EV_INCIDENT_LINKED, i->id, NULL);
    to->other = other->id;
    to->why = tc_out_copy(c->out, b->why);
    to->by = tc_out_copy(c->out, command->who);
}

static void propose_response(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_response_propose *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    if (i == NULL) {
        return;
    }
    struct tc_ev_response_proposed *to = tc_emit(c->out, TC_EV_RESPONSE_PROPOSED, i->id, NULL);
    to->level = tc_out_copy(c->out, b->level);
    to->why_zh = tc_out_copy(c->out, b->why_zh);
    to->why_en = tc_out_copy(c->out, b->why_en);
    to->by = tc_out_copy(c->out, command->who);
}

static void start_response(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_response_start *b = command->body;
    const struct tc_incident *i = fresh(c, command, b->incident);
    if (i == NULL) {
        return;
    }
    struct tc_ev_response_started *to = tc_emit(c->out, TC_EV_RESPONSE_STARTED, i->id, NULL);
    to->level = tc_out_copy(c->out, b->level);
    to->was = dispatch__copy(c, i->response);
    to->by = tc_out_copy(c->out, command->who);
}

static void ask(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_recommendation_ask *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    if (i && dispatch__room(c, TC_WORLD_RECOMMENDATION, 1)) {
        dispatch__ask(c, i, "by_hand", b->needs, b->needs_count);
    }
}

const struct dispatch__rule dispatch__incident_rules[] = {
    {TC_CMD_REPORT_CREATE, report_create},
    {TC_CMD_REPORT_JOIN, report_join},
    {TC_CMD_REPORT_LEAVE, report_leave},
    {TC_CMD_INCIDENT_OPEN, open_incident},
    {TC_CMD_INCIDENT_SET_TYPE, set_type},
    {TC_CMD_INCIDENT_SET_GRADE, set_grade},
    {TC_CMD_INCIDENT_SET_PLACE, set_place},
    {TC_CMD_INCIDENT_NOTE, note},
    {TC_CMD_INCIDENT_CLAIM, claim},
    {TC_CMD_INCIDENT_LINK, link},
    {TC_CMD_RESPONSE_PROPOSE, propose_response},
    {TC_CMD_RESPONSE_START, start_response},
    {TC_CMD_RECOMMENDATION_ASK, ask},
    {TC_CMD_NONE, NULL},
};
