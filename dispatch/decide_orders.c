/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: their numbers and words, and what people do with them and record about them by hand. */
#include "dispatch/dispatch_int.h"

#define EXPIRES_S_DEFAULT 900u
#define EXPIRES_S_MAX     86400u

/** The incident's number and a count, or the day's own count for orders without incident. */
static struct tc_str number_of(struct dispatch__call *c, const struct dispatch__order *o)
{
    if (o->incident) {
        return tc_out_format(c->out, "%s-%02u", o->incident->number,
                             o->incident->orders + 1 + o->nth);
    }
    uint32_t day = tc_world_day(c->now_us);
    return tc_out_format(c->out, "%u-0000-%02u", day,
                         tc_world_count_of(c->w, "order", day) + 1 + o->nth);
}

/** "@114.0579123,22.5431234": what a terminal turns into a point on its map. */
static struct tc_str at_text(struct dispatch__call *c, const struct tc_incident *i)
{
    if (i->lon_e7 == 0 && i->lat_e7 == 0) {
        return TC_STR("");
    }
    long lon = i->lon_e7 < 0 ? -(long)i->lon_e7 : (long)i->lon_e7;
    long lat = i->lat_e7 < 0 ? -(long)i->lat_e7 : (long)i->lat_e7;
    return tc_out_format(c->out, " @%s%ld.%07ld,%s%ld.%07ld", i->lon_e7 < 0 ? "-" : "",
                         lon / 10000000, lon % 10000000, i->lat_e7 < 0 ? "-" : "", lat / 10000000,
                         lat % 10000000);
}

static struct tc_str text_of(struct dispatch__call *c, const struct dispatch__order *o,
                             struct tc_str number)
{
    if (o->text.len || o->incident == NULL) {
        size_t len = o->text.len > 560 ? 560 : o->text.len;
        while (len < o->text.len && len && ((uint8_t)o->text.at[len] & 0xC0) == 0x80) {
            len--;
        }
        return tc_out_format(c->out, "%.*s %.*s", (int)number.len, number.at, (int)len,
                             o->text.at ? o->text.at : "");
    }
    const struct tc_incident *i = o->incident;
    const struct tc_incident_type *t = tc_world_type_of(c->w, tc_str_of(i->type));
    struct tc_str at = at_text(c, i);
    return tc_out_format(c->out, "出动 %.*s %s%s%s%.*s", (int)number.len, number.at,
                         t ? t->name_zh : i->type, i->place_zh[0] ? " " : "", i->place_zh,
                         (int)at.len, at.at);
}

void dispatch__emit_order(struct dispatch__call *c, const struct dispatch__order *o)
{
    struct tc_str number = number_of(c, o);
    uint32_t expires_s = o->expires_s ? o->expires_s : EXPIRES_S_DEFAULT;
    expires_s = expires_s > EXPIRES_S_MAX ? EXPIRES_S_MAX : expires_s;
    struct tc_ev_order_created *b = tc_emit(c->out, TC_EV_ORDER_CREATED, 0, NULL);
    b->number = number;
    b->incident = o->incident ? o->incident->id : 0;
    b->assignment = o->assignment;
    b->recipient_kind = o->kind;
    b->recipient = o->recipient;
    b->channel = o->channel;
    b->address = tc_out_copy(c->out, o->address);
    b->text = text_of(c, o, number);
    b->is_status = o->is_status;
    b->status = o->status;
    b->priority = o->priority;
    b->expires_us = c->now_us + (int64_t)expires_s * TC_SEC;
    b->by = tc_out_copy(c->out, o->by);
}

static bool is_open(const struct tc_order *o)
{
    return o->state < TC_ORDER_STATE_ACCEPTED;
}

/** All of the number, or its part after the day ("0042-03"). */
static bool is_number(const struct tc_order *o, struct tc_str said)
{
    struct tc_str own = tc_str_of(o->number);
    if (tc_str_eq(own, said)) {
        return true;
    }
    return said.len >= 7 && own.len > said.len && own.at[own.len - said.len - 1] == '-' &&
           memcmp(own.at + own.len - said.len, said.at, said.len) == 0;
}

static bool may_be_accepted(const struct tc_order *o)
{
    return o->state != TC_ORDER_STATE_ACCEPTED && o->state != TC_ORDER_STATE_REFUSED &&
           o->state != TC_ORDER_STATE_WITHDRAWN;
}

static const struct tc_order *numbered_order(const struct tc_world_section *w, uint64_t unit,
                                             struct tc_str number)
{
    const struct tc_order *newest = NULL;
    TC_WORLD_EACH(w, TC_WORLD_ORDER, struct tc_order, o)
    {
        if (o->recipient_kind == TC_RECIPIENT_KIND_UNIT && o->recipient == unit &&
            may_be_accepted(o) && is_number(o, number) && (!newest || o->id > newest->id)) {
            newest = o;
        }
    }
    return newest;
}

const struct tc_order *dispatch__unaccepted_order(const struct tc_world_section *w, uint64_t unit,
                                                  struct tc_str number)
{
    if (number.len) {
        return numbered_order(w, unit, number);
    }
    const struct tc_unit *u = tc_world_unit(w, unit);
    const struct tc_order *newest = NULL;
    for (uint32_t i = 0; u && i < u->assignments_count; i++) {
        const struct tc_assignment *a = tc_world_assignment(w, u->assignments[i]);
        const struct tc_order *o = a && a->order ? tc_world_order(w, a->order) : NULL;
        if (o && may_be_accepted(o) && (newest == NULL || o->id > newest->id)) {
            newest = o;
        }
    }
    return newest;
}

void dispatch__accept_order(struct dispatch__call *c, const struct tc_order *o, enum tc_how how,
                            struct tc_str by)
{
    struct tc_ev_order_accepted *b = tc_emit(c->out, TC_EV_ORDER_ACCEPTED, o->id, NULL);
    b->how = how;
    b->by = tc_out_copy(c->out, by);
    const struct tc_assignment *a = o->assignment ? tc_world_assignment(c->w, o->assignment) : NULL;
    if (a && a->state < TC_ASSIGNMENT_STATE_ACCEPTED) {
        dispatch__emit_assignment(c, a, TC_ASSIGNMENT_STATE_ACCEPTED, how, by);
    }
}

/** Fills recipient, channel and address; refuses and returns false when nobody is there. */
static bool address_order(struct dispatch__call *c, const struct tc_cmd_order_send *b,
                          struct dispatch__order *o)
{
    const struct tc_unit *u = NULL;
    const struct tc_recipient *r = NULL;
    if (b->recipient_kind == TC_RECIPIENT_KIND_UNIT) {
        u = tc_world_unit(c->w, b->recipient);
        o->channel = b->channel ? b->channel : TC_CHANNEL_SDS;
    } else {
        r = tc_world_recipient(c->w, b->recipient);
        o->channel = r && b->channel == TC_CHANNEL_NONE ? r->channel : b->channel;
    }
    if (u == NULL && r == NULL) {
        tc_refuse(c->out, "recipient_not_found", 0, "%llu", (unsigned long long)b->recipient);
        return false;
    }
    o->address = tc_str_of(u ? u->address : r->address);
    bool needs_address = o->channel == TC_CHANNEL_SDS || o->channel == TC_CHANNEL_GATEWAY;
    if (o->channel == TC_CHANNEL_NONE || (needs_address && o->address.len == 0) ||
        o->address.len > 32) {
        tc_refuse(c->out, "recipient_without_channel", 0, "%s", u ? u->call_sign : r->name_zh);
        return false;
    }
    return true;
}

static void send(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_order_send *b = command->body;
    const struct tc_incident *i = NULL;
    if (b->incident && (i = dispatch__open_incident(c, b->incident)) == NULL) {
        return;
    }
    if (b->text.len == 0 && !b->is_status && i == NULL) {
        tc_refuse(c->out, "order_says_nothing", 0, "text");
        return;
    }
    const struct tc_table *outbox = tc_model_table(c->live, "outbox");
    if (outbox && tc_pool_is_full(&outbox->pool)) {
        tc_refuse(c->out, "full", 0, "outbox");
        return;
    }
    struct dispatch__order o = {.incident = i,
                                .kind = b->recipient_kind,
                                .recipient = b->recipient,
                                .text = b->text,
                                .is_status = b->is_status,
                                .status = b->status,
                                .priority = b->priority,
                                .expires_s = b->expires_s,
                                .by = command->who};
    if (address_order(c, b, &o) && dispatch__room(c, TC_WORLD_ORDER, 1)) {
        dispatch__emit_order(c, &o);
    }
}

static const struct tc_order *order_of(struct dispatch__call *c, uint64_t id)
{
    const struct tc_order *o = tc_world_order(c->w, id);
    if (o == NULL) {
        tc_refuse(c->out, "order_not_found", 0, "%llu", (unsigned long long)id);
    }
    return o;
}

static void record_refusal(struct dispatch__call *c, const struct tc_order *o,
                           const struct tc_cmd_order_record *b, enum tc_how how, struct tc_str who)
{
    struct tc_ev_order_refused *to = tc_emit(c->out, TC_EV_ORDER_REFUSED, o->id, NULL);
    to->why = tc_out_copy(c->out, b->note);
    to->how = how;
    to->by = tc_out_copy(c->out, who);
}

static void record(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_order_record *b = command->body;
    const struct tc_order *o = order_of(c, b->order);
    if (o == NULL) {
        return;
    }
    enum tc_how how = b->how == TC_HOW_VOICE ? TC_HOW_VOICE : TC_HOW_CONSOLE;
    if (!is_open(o) && o->state != TC_ORDER_STATE_EXPIRED && o->state != TC_ORDER_STATE_FAILED) {
        tc_refuse(c->out, "order_ended", 0, "%s %s", o->number,
                  tc_enum_name(&tc_enum_order_state, (int)o->state));
    } else if (b->state == TC_ORDER_STATE_SENT) {
        struct tc_ev_order_sent *to = tc_emit(c->out, TC_EV_ORDER_SENT, o->id, NULL);
        to->how = how;
        to->by = tc_out_copy(c->out, command->who);
    } else if (b->state == TC_ORDER_STATE_DELIVERED) {
        struct tc_ev_order_delivered *to = tc_emit(c->out, TC_EV_ORDER_DELIVERED, o->id, NULL);
        to->how = how;
        to->by = tc_out_copy(c->out, command->who);
    } else if (b->state == TC_ORDER_STATE_READ) {
        struct tc_ev_order_read *to = tc_emit(c->out, TC_EV_ORDER_READ, o->id, NULL);
        to->how = how;
        to->by = tc_out_copy(c->out, command->who);
    } else if (b->state == TC_ORDER_STATE_ACCEPTED) {
        dispatch__accept_order(c, o, how, command->who);
    } else if (b->state == TC_ORDER_STATE_REFUSED) {
        record_refusal(c, o, b, how, command->who);
    } else {
        tc_refuse(c->out, "state_not_by_hand", 0, "%s",
                  tc_enum_name(&tc_enum_order_state, (int)b->state));
    }
}

static const struct tc_outbox *outbox_of(const struct dispatch__call *c, uint64_t order)
{
    const struct tc_table *t = tc_model_table(c->live, "outbox");
    return t ? tc_table_find(t, order) : NULL;
}

/** Nothing of it can have left. */
static bool is_unsent(const struct dispatch__call *c, const struct tc_order *o)
{
    const struct tc_outbox *out = outbox_of(c, o->id);
    if (o->sent_us || o->is_unknown) {
        return false;
    }
    return out ? out->state == TC_OUTBOX_STATE_WAITING && out->sent_count == 0
               : o->state == TC_ORDER_STATE_QUEUED;
}

static void withdraw(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_order_withdraw *b = command->body;
    const struct tc_order *o = order_of(c, b->order);
    if (o == NULL) {
        return;
    }
    if (!is_unsent(c, o) || (!is_open(o) && o->state != TC_ORDER_STATE_FAILED)) {
        tc_refuse(c->out, "order_sent", 0, "%s %s", o->number,
                  tc_enum_name(&tc_enum_order_state, (int)o->state));
        return;
    }
    if (DISPATCH__IS_STALE(c, command, o)) {
        return;
    }
    struct tc_ev_order_withdrawn *to = tc_emit(c->out, TC_EV_ORDER_WITHDRAWN, o->id, NULL);
    to->by = tc_out_copy(c->out, command->who);
    const struct tc_assignment *a = o->assignment ? tc_world_assignment(c->w, o->assignment) : NULL;
    if (a && a->state != TC_ASSIGNMENT_STATE_DONE) { /* nobody was told of it */
        dispatch__emit_assignment(c, a, TC_ASSIGNMENT_STATE_DONE, TC_HOW_CONSOLE, command->who);
    }
}

static void resend(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_order_resend *b = command->body;
    const struct tc_order *o = order_of(c, b->order);
    if (o == NULL) {
        return;
    }
    const struct tc_outbox *out = outbox_of(c, o->id);
    if (out == NULL || out->state == TC_OUTBOX_STATE_DONE) {
        tc_refuse(c->out, "order_ended", 0, "%s %s", o->number,
                  tc_enum_name(&tc_enum_order_state, (int)o->state));
    } else if (out->state == TC_OUTBOX_STATE_ATTEMPTING) {
        tc_refuse(c->out, "order_in_flight", 0, "%s", o->number);
    } else {
        struct tc_ev_order_resent *to = tc_emit(c->out, TC_EV_ORDER_RESENT, o->id, NULL);
        to->by = tc_out_copy(c->out, command->who);
    }
}

const struct dispatch__rule dispatch__order_rules[] = {
    {TC_CMD_ORDER_SEND, send},     {TC_CMD_ORDER_RECORD, record}, {TC_CMD_ORDER_WITHDRAW, withdraw},
    {TC_CMD_ORDER_RESEND, resend}, {TC_CMD_NONE, NULL},
};
