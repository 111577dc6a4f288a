/* SPDX-License-Identifier: Apache-2.0 */
/* Sending units, and what people say that units and assignments are doing. */
#include "dispatch/dispatch_int.h"

#define UNITS_MAX 32u

bool dispatch__is_assigned(const struct tc_world_section *w, const struct tc_unit *u,
                           uint64_t incident)
{
    for (uint32_t i = 0; i < u->assignments_count; i++) {
        const struct tc_assignment *a = tc_world_assignment(w, u->assignments[i]);
        if (a && a->incident == incident) {
            return true;
        }
    }
    return false;
}

const struct tc_assignment *dispatch__newest_assignment(const struct tc_world_section *w,
                                                        const struct tc_unit *u)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < u->assignments_count; i++) {
        newest = u->assignments[i] > newest ? u->assignments[i] : newest;
    }
    return newest ? tc_world_assignment(w, newest) : NULL;
}

void dispatch__emit_state(struct dispatch__call *c, const struct tc_unit *u,
                          enum tc_unit_state state, enum tc_how how, struct tc_str by,
                          struct tc_str why)
{
    if (u->state == state) {
        return;
    }
    struct tc_ev_unit_state_changed *b = tc_emit(c->out, TC_EV_UNIT_STATE_CHANGED, u->id, NULL);
    b->unit = u->id;
    b->state = state;
    b->was = u->state;
    b->how = how;
    b->by = tc_out_copy(c->out, by);
    b->why = tc_out_copy(c->out, why);
}

void dispatch__emit_assignment(struct dispatch__call *c, const struct tc_assignment *a,
                               enum tc_assignment_state state, enum tc_how how, struct tc_str by)
{
    struct tc_ev_assignment_changed *b = tc_emit(c->out, TC_EV_ASSIGNMENT_CHANGED, a->id, NULL);
    b->state = state;
    b->was = a->state;
    b->how = how;
    b->by = tc_out_copy(c->out, by);
}

static enum tc_channel channel_for(const struct tc_unit *u, enum tc_channel asked)
{
    if (asked == TC_CHANNEL_NONE) {
        return u->address[0] ? TC_CHANNEL_SDS : TC_CHANNEL_NONE;
    }
    if ((asked == TC_CHANNEL_SDS || asked == TC_CHANNEL_GATEWAY) && u->address[0] == '\0') {
        return TC_CHANNEL_NONE;
    }
    return asked;
}

/** Why a unit cannot be sent, or NULL. */
static const char *why_not(const struct tc_world_section *w, const struct tc_unit *u,
                           const struct tc_cmd_units_send *b)
{
    if (u == NULL) {
        return "unit_not_found";
    }
    if (u->state == TC_UNIT_STATE_OFF_DUTY) {
        return "unit_off_duty";
    }
    if (dispatch__is_assigned(w, u, b->incident)) {
        return "unit_already_assigned";
    }
    if (u->assignments_count >= TC_COUNT_OF(u->assignments)) {
        return "unit_assignments_full";
    }
    return channel_for(u, b->channel) == TC_CHANNEL_NONE ? "unit_without_channel" : NULL;
}

static bool is_twice(const struct tc_cmd_units_send *b, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (b->units[i] == b->units[at]) {
            return true;
        }
    }
    return false;
}

/** All of them, or a refusal that names each unit that cannot go and why. */
static bool all_can_go(struct dispatch__call *c, const struct tc_cmd_units_send *b)
{
    const char *first = NULL;
    char names[200];
    names[0] = '\0';
    for (uint32_t i = 0; i < b->units_count; i++) {
        const struct tc_unit *u = tc_world_unit(c->w, b->units[i]);
        const char *why = is_twice(b, i) ? "unit_named_twice" : why_not(c->w, u, b);
        if (why == NULL) {
            continue;
        }
        first = first ? first : why;
        char id[24];
        (void)tc_str_format(id, sizeof id, "%llu", (unsigned long long)b->units[i]);
        dispatch__list(names, sizeof names, "%s%s: %s", names[0] ? "; " : "", u ? u->call_sign : id,
                       why);
    }
    if (first) {
        tc_refuse(c->out, first, 0, "%s", names);
    }
    return first == NULL;
}

static bool has_outbox_room(struct dispatch__call *c, size_t n)
{
    const struct tc_table *outbox = tc_model_table(c->live, "outbox");
    if (outbox && outbox->pool.count + n > outbox->pool.count_max) {
        tc_refuse(c->out, "full", 0, "outbox");
        return false;
    }
    return true;
}

static void send_one(struct dispatch__call *c, const struct tc_command *command,
                     const struct tc_incident *i, uint32_t nth)
{
    const struct tc_cmd_units_send *b = command->body;
    const struct tc_unit *u = tc_world_unit(c->w, b->units[nth]);
    uint64_t assignment = 0;
    struct tc_ev_assignment_opened *a = tc_emit(c->out, TC_EV_ASSIGNMENT_OPENED, 0, &assignment);
    a->incident = i->id;
    a->unit = u->id;
    a->capability = tc_out_copy(c->out, b->capability);
    a->by = tc_out_copy(c->out, command->who);
    dispatch__emit_order(c, &(struct dispatch__order){.incident = i,
                                                      .assignment = assignment,
                                                      .kind = TC_RECIPIENT_KIND_UNIT,
                                                      .recipient = u->id,
                                                      .channel = channel_for(u, b->channel),
                                                      .address = tc_str_of(u->address),
                                                      .text = b->text,
                                                      .priority = TC_PRIORITY_URGENT,
                                                      .nth = nth,
                                                      .by = command->who});
    if (tc_world_unit_is_free(u)) { /* a unit at work elsewhere goes on with what it does */
        enum tc_how how = command->role == TC_ROLE_PLAN ? TC_HOW_PLAN : TC_HOW_CONSOLE;
        dispatch__emit_state(c, u, TC_UNIT_STATE_DISPATCHED, how, command->who, TC_STR(""));
    }
}

static void send(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_units_send *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    if (i == NULL) {
        return;
    }
    if (b->units_count == 0 || b->units_count > UNITS_MAX) {
        tc_refuse(c->out, "no_units", 0, "%s", i->number);
        return;
    }
    if (!all_can_go(c, b) || !dispatch__room(c, TC_WORLD_ASSIGNMENT, b->units_count) ||
        !dispatch__room(c, TC_WORLD_ORDER, b->units_count) || !has_outbox_room(c, b->units_count)) {
        return;
    }
    for (uint32_t n = 0; n < b->units_count; n++) {
        send_one(c, command, i, n);
    }
}

static void set_state(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_unit_set_state *b = command->body;
    const struct tc_unit *u = tc_world_unit(c->w, b->unit);
    if (u == NULL) {
        tc_refuse(c->out, "unit_not_found", 0, "%llu", (unsigned long long)b->unit);
        return;
    }
    if (DISPATCH__IS_STALE(c, command, u)) {
        return;
    }
    if (b->state == TC_UNIT_STATE_OFF_DUTY && u->assignments_count) {
        tc_refuse(c->out, "unit_assigned", 0, "%s", u->call_sign);
        return;
    }
    enum tc_how how = command->role == TC_ROLE_PLAN ? TC_HOW_PLAN : TC_HOW_CONSOLE;
    dispatch__emit_state(c, u, b->state, how, command->who, b->why);
}

static void set_assignment(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_assignment_set_state *b = command->body;
    const struct tc_assignment *a = tc_world_assignment(c->w, b->assignment);
    if (a == NULL) {
        tc_refuse(c->out, "assignment_not_found", 0, "%llu", (unsigned long long)b->assignment);
        return;
    }
    if (DISPATCH__IS_STALE(c, command, a)) {
        return;
    }
    if (a->state == TC_ASSIGNMENT_STATE_DONE && b->state != a->state) {
        tc_refuse(c->out, "assignment_done", 0, "%llu", (unsigned long long)a->id);
        return;
    }
    if (b->state != a->state) {
        enum tc_how how = command->role == TC_ROLE_PLAN ? TC_HOW_PLAN : TC_HOW_CONSOLE;
        dispatch__emit_assignment(c, a, b->state, how, command->who);
    }
}

const struct dispatch__rule dispatch__unit_rules[] = {
    {TC_CMD_UNITS_SEND, send},
    {TC_CMD_UNIT_SET_STATE, set_state},
    {TC_CMD_ASSIGNMENT_SET_STATE, set_assignment},
    {TC_CMD_NONE, NULL},
};
