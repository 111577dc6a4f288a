/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/world_int.h"

static void created(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_order_created *b = e->body;
    struct tc_order *o = world__add(w, TC_WORLD_ORDER, e->seq, e);
    WORLD__PUT(o->number, b->number);
    o->incident = b->incident;
    o->assignment = b->assignment;
    o->recipient_kind = b->recipient_kind;
    o->recipient = b->recipient;
    o->channel = b->channel;
    WORLD__PUT(o->address, b->address);
    WORLD__PUT(o->text, b->text);
    o->is_status = b->is_status;
    o->status = b->status;
    o->priority = b->priority;
    WORLD__PUT(o->by, b->by);
    o->queued_us = e->at_us;
    o->expires_us = b->expires_us;
    uint32_t day = 0;
    uint32_t number = world__number(b->number, &day);
    struct tc_incident *i = world__find(w, TC_WORLD_INCIDENT, b->incident);
    if (i == NULL) {
        world__count(w, "order", day, number, e);
    } else if (number > i->orders) {
        i->orders = number;
        world__touch(w, TC_WORLD_INCIDENT, i, e);
    }
    struct tc_assignment *a = world__find(w, TC_WORLD_ASSIGNMENT, b->assignment);
    if (a) {
        a->order = o->id;
        world__touch(w, TC_WORLD_ASSIGNMENT, a, e);
    }
}

/** How far a state is. What ended an order is past everything but the recipient's own word. */
static int rank(enum tc_order_state state)
{
    switch (state) {
    case TC_ORDER_STATE_QUEUED: return 0;
    case TC_ORDER_STATE_ATTEMPTED: return 1;
    case TC_ORDER_STATE_SENT: return 2;
    case TC_ORDER_STATE_DELIVERED: return 3;
    case TC_ORDER_STATE_READ: return 4;
    case TC_ORDER_STATE_EXPIRED:
    case TC_ORDER_STATE_FAILED:
    case TC_ORDER_STATE_WITHDRAWN: return 5;
    case TC_ORDER_STATE_ACCEPTED:
    case TC_ORDER_STATE_REFUSED:
    case TC_ORDER_STATE_COUNT: break;
    }
    return 6;
}

/** Moves the order's state forward and keeps the first time of what happened. */
static struct tc_order *went(struct tc_world_section *w, const struct tc_event *e,
                             enum tc_order_state state, struct tc_str by)
{
    struct tc_order *o = world__find(w, TC_WORLD_ORDER, e->subject);
    if (o == NULL) {
        return NULL;
    }
    if (rank(state) >= rank(o->state)) {
        o->state = state;
    }
    if (state >= TC_ORDER_STATE_SENT) {
        o->is_unknown = false;
    }
    WORLD__EDIT(o, e, by);
    world__touch(w, TC_WORLD_ORDER, o, e);
    return o;
}

static void first_time(int64_t *at_us, const struct tc_event *e)
{
    if (*at_us == 0) {
        *at_us = e->occurred_us;
    }
}

static void attempted(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_order_attempted *b = e->body;
    struct tc_order *o = went(w, e, TC_ORDER_STATE_ATTEMPTED, TC_STR(""));
    if (o) {
        o->attempts = b->n;
        o->is_repeat = b->is_repeat;
        o->needs_person = false;
        first_time(&o->attempted_us, e);
    }
}

static void sent(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_SENT, TC_BODY(e, order_sent)->by);
    if (o) {
        first_time(&o->sent_us, e);
    }
}

static void delivered(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_DELIVERED, TC_BODY(e, order_delivered)->by);
    if (o) {
        first_time(&o->delivered_us, e);
    }
}

static void was_read(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_READ, TC_BODY(e, order_read)->by);
    if (o) {
        first_time(&o->read_us, e);
    }
}

static void accepted(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_ACCEPTED, TC_BODY(e, order_accepted)->by);
    if (o) {
        o->needs_person = false;
        first_time(&o->accepted_us, e);
    }
}

static void refused(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_order_refused *b = e->body;
    struct tc_order *o = went(w, e, TC_ORDER_STATE_REFUSED, b->by);
    if (o) {
        WORLD__PUT(o->why, b->why);
        first_time(&o->refused_us, e);
    }
}

static void expired(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_EXPIRED, TC_STR(""));
    if (o) {
        WORLD__PUT(o->why, TC_BODY(e, order_expired)->why);
        first_time(&o->ended_us, e);
    }
}

static void attempt_failed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_attempt_failed *b = e->body;
    struct tc_order *o = world__find(w, TC_WORLD_ORDER, e->subject);
    if (o == NULL) {
        return;
    }
    WORLD__PUT(o->why, b->why);
    if (b->is_final) {
        (void)went(w, e, TC_ORDER_STATE_FAILED, TC_STR(""));
        o->needs_person = o->state == TC_ORDER_STATE_FAILED;
        first_time(&o->ended_us, e);
    }
    world__touch(w, TC_WORLD_ORDER, o, e);
}

static void attempt_unknown(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = world__find(w, TC_WORLD_ORDER, e->subject);
    if (o) {
        o->is_unknown = true;
        o->needs_person = TC_BODY(e, attempt_unknown)->is_final;
        WORLD__PUT(o->why, TC_BODY(e, attempt_unknown)->why);
        world__touch(w, TC_WORLD_ORDER, o, e);
    }
}

static void withdrawn(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = went(w, e, TC_ORDER_STATE_WITHDRAWN, TC_BODY(e, order_withdrawn)->by);
    if (o) {
        first_time(&o->ended_us, e);
    }
}

/** What an order is worth without the end that a resend undoes. */
static enum tc_order_state reached(const struct tc_order *o)
{
    if (o->read_us) {
        return TC_ORDER_STATE_READ;
    }
    if (o->delivered_us) {
        return TC_ORDER_STATE_DELIVERED;
    }
    if (o->sent_us) {
        return TC_ORDER_STATE_SENT;
    }
    return o->attempted_us ? TC_ORDER_STATE_ATTEMPTED : TC_ORDER_STATE_QUEUED;
}

static void resent(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_order *o = world__find(w, TC_WORLD_ORDER, e->subject);
    if (o == NULL) {
        return;
    }
    if (rank(o->state) == rank(TC_ORDER_STATE_FAILED)) {
        o->state = reached(o);
        o->ended_us = 0;
    }
    o->needs_person = false;
    WORLD__EDIT(o, e, TC_BODY(e, order_resent)->by);
    world__touch(w, TC_WORLD_ORDER, o, e);
}

static void assignment_opened(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_assignment_opened *b = e->body;
    struct tc_assignment *a = world__add(w, TC_WORLD_ASSIGNMENT, e->seq, e);
    a->incident = b->incident;
    a->unit = b->unit;
    WORLD__PUT(a->capability, b->capability);
    a->sent_us = e->occurred_us;
    WORLD__EDIT(a, e, b->by);
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, b->unit);
    if (u && u->assignments_count < TC_COUNT_OF(u->assignments)) {
        u->assignments[u->assignments_count++] = a->id;
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
}

static void drop_from_unit(struct tc_world_section *w, const struct tc_assignment *a,
                           const struct tc_event *e)
{
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, a->unit);
    if (u == NULL) {
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < u->assignments_count; i++) {
        if (u->assignments[i] != a->id) {
            u->assignments[kept++] = u->assignments[i];
        }
    }
    for (uint32_t i = kept; i < u->assignments_count; i++) {
        u->assignments[i] = 0;
    }
    u->assignments_count = kept;
    world__touch(w, TC_WORLD_UNIT, u, e);
}

static void reopen_for_unit(struct tc_world_section *w, const struct tc_assignment *a,
                            const struct tc_event *e)
{
    struct tc_unit *u = world__find(w, TC_WORLD_UNIT, a->unit);
    if (u && u->assignments_count < TC_COUNT_OF(u->assignments)) {
        u->assignments[u->assignments_count++] = a->id;
        world__touch(w, TC_WORLD_UNIT, u, e);
    }
}

static void assignment_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_assignment_changed *b = e->body;
    struct tc_assignment *a = world__find(w, TC_WORLD_ASSIGNMENT, e->subject);
    if (a == NULL) {
        return;
    }
    int64_t *const times[TC_ASSIGNMENT_STATE_COUNT] = {
        &a->sent_us, &a->accepted_us, &a->en_route_us, &a->on_scene_us, &a->left_us, &a->done_us,
    };
    bool was_done = a->state == TC_ASSIGNMENT_STATE_DONE;
    a->state = b->state;
    *times[b->state] = e->occurred_us;
    WORLD__EDIT(a, e, b->by);
    world__touch(w, TC_WORLD_ASSIGNMENT, a, e);
    if (b->state == TC_ASSIGNMENT_STATE_DONE) {
        drop_from_unit(w, a, e);
    } else if (was_done) {
        a->done_us = 0;
        reopen_for_unit(w, a, e);
    }
}

const struct world__rule world__order_rules[] = {
    {TC_EV_ORDER_CREATED, created},
    {TC_EV_ORDER_ATTEMPTED, attempted},
    {TC_EV_ORDER_SENT, sent},
    {TC_EV_ORDER_DELIVERED, delivered},
    {TC_EV_ORDER_READ, was_read},
    {TC_EV_ORDER_ACCEPTED, accepted},
    {TC_EV_ORDER_REFUSED, refused},
    {TC_EV_ORDER_EXPIRED, expired},
    {TC_EV_ATTEMPT_FAILED, attempt_failed},
    {TC_EV_ATTEMPT_UNKNOWN, attempt_unknown},
    {TC_EV_ORDER_WITHDRAWN, withdrawn},
    {TC_EV_ORDER_RESENT, resent},
    {TC_EV_ASSIGNMENT_OPENED, assignment_opened},
    {TC_EV_ASSIGNMENT_CHANGED, assignment_changed},
    {TC_EV_NONE, NULL},
};
