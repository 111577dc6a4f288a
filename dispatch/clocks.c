/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that run for incidents and orders, and what else a due timer means to dispatch. */
#include "dispatch/dispatch_int.h"

/** Clocks that start by themselves. Times are the district's standard. */
static const struct {
    const char *name;
    int64_t us;
    enum tc_purpose purpose;
} standard[] = {
    {"first_report", 30 * TC_MIN, TC_PURPOSE_REPORT_UP},
    {"acceptance", 60 * TC_SEC, TC_PURPOSE_ORDER_ACCEPTANCE},
};

static enum tc_purpose purpose_of(struct tc_str name)
{
    for (size_t i = 0; i < TC_COUNT_OF(standard); i++) {
        if (tc_str_is(name, standard[i].name)) {
            return standard[i].purpose;
        }
    }
    return TC_PURPOSE_OVERDUE;
}

void dispatch__stop_clock(struct dispatch__call *c, uint64_t subject, struct tc_str name,
                          struct tc_str by)
{
    const struct tc_clock *clock = tc_world_clock_of(c->w, subject, name);
    if (clock == NULL) {
        return;
    }
    if (clock->timer) {
        struct tc_ev_timer_cancelled *t = tc_emit(c->out, TC_EV_TIMER_CANCELLED, subject, NULL);
        t->timer = clock->timer;
    }
    struct tc_ev_clock_stopped *b = tc_emit(c->out, TC_EV_CLOCK_STOPPED, subject, NULL);
    b->name = tc_out_copy(c->out, name);
    b->by = tc_out_copy(c->out, by);
}

void dispatch__start_clock(struct dispatch__call *c, uint64_t subject, struct tc_str name,
                           int64_t due_us)
{
    if (!tc_world_has_room(c->w, TC_WORLD_CLOCK, 1)) {
        return;
    }
    dispatch__stop_clock(c, subject, name, TC_STR(""));
    uint64_t timer = tc_emit_timer(c->out, purpose_of(name), subject, due_us, 0);
    struct tc_ev_clock_started *b = tc_emit(c->out, TC_EV_CLOCK_STARTED, subject, NULL);
    b->name = tc_out_copy(c->out, name);
    b->due_us = due_us;
    b->timer = timer;
}

void dispatch__start_named(struct dispatch__call *c, uint64_t subject, const char *name)
{
    for (size_t i = 0; i < TC_COUNT_OF(standard); i++) {
        if (strcmp(standard[i].name, name) == 0) {
            dispatch__start_clock(c, subject, tc_str_of(name), c->now_us + standard[i].us);
        }
    }
}

static void expire(struct dispatch__call *c)
{
    const struct tc_order *o = tc_world_order(c->w, c->e->subject);
    const struct tc_assignment *a =
        o && o->assignment ? tc_world_assignment(c->w, o->assignment) : NULL;
    if (a && a->state > TC_ASSIGNMENT_STATE_SENT) {
        return; /* its unit is at work on it, whatever it said or did not say about the order */
    }
    if (o && o->state < TC_ORDER_STATE_ACCEPTED) {
        struct tc_ev_order_expired *b = tc_emit(c->out, TC_EV_ORDER_EXPIRED, o->id, NULL);
        b->why = o->sent_us ? TC_STR("not_accepted") : TC_STR("not_sent");
    }
}

static void lose_call(struct dispatch__call *c)
{
    if (tc_world_call(c->w, c->e->subject)) {
        struct tc_ev_radio_call_ended *b =
            tc_emit(c->out, TC_EV_RADIO_CALL_ENDED, c->e->subject, NULL);
        b->why = TC_STR("lost");
    }
}

void dispatch__timer_fired(struct dispatch__call *c)
{
    const struct tc_ev_timer_fired *t = c->e->body;
    if (t->purpose == TC_PURPOSE_ORDER_EXPIRY) {
        expire(c);
        return;
    }
    if (t->purpose == TC_PURPOSE_CALL_LOST) {
        lose_call(c);
        return;
    }
    const struct tc_clock *clock = tc_world_clock_of_timer(c->w, t->timer);
    if (clock) {
        struct tc_ev_clock_ran_out *b = tc_emit(c->out, TC_EV_CLOCK_RAN_OUT, clock->incident, NULL);
        b->name = dispatch__copy(c, clock->name);
        tc_emit_occurred(c->out, c->e->occurred_us);
    }
}
