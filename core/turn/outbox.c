/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox's apply: what the journal says happened to orders that a link must send.
 *
 *   order.created ─► waiting ─► attempting ─► sent ─► delivered ─► (gone)
 *                      ▲            │           │
 *                      │ failed     ▼           ▼ resent
 *                      └──────── unknown ◄── link lost, restart, timeout
 */
#include "core/turn/state.h"

void turn__apply_outbox(struct turn_state *s, const struct tc_event *e);

static void add(struct turn_state *s, const struct tc_event *e)
{
    const struct tc_ev_order_created *b = e->body;
    if (b->channel != TC_CHANNEL_SDS && b->channel != TC_CHANNEL_GATEWAY) {
        return; /* consoles and voice are told and recorded by people */
    }
    struct tc_outbox *o = tc_table_add(&s->tables[TURN_OUTBOX], e->seq, e->seq);
    o->link = b->link;
    o->channel = b->channel;
    (void)tc_str_put(o->address, sizeof o->address, b->address);
    (void)tc_str_put(o->number, sizeof o->number, b->number);
    (void)tc_str_put(o->text, sizeof o->text, b->text);
    o->is_status = b->is_status;
    o->status = b->status;
    o->priority = b->priority;
    o->expires_us = b->expires_us;
}

static void set_busy(struct turn_state *s, uint64_t link, uint64_t order, uint64_t seq)
{
    struct tc_source *source = tc_table_find(&s->tables[TURN_SOURCES], link);
    if (source) {
        source->busy_order = order;
        tc_table_touch(&s->tables[TURN_SOURCES], source, seq);
    }
}

static void release_link(struct turn_state *s, uint64_t link, uint64_t order, uint64_t seq)
{
    const struct tc_source *source = tc_table_find(&s->tables[TURN_SOURCES], link);
    if (source && source->busy_order == order) {
        set_busy(s, link, 0, seq);
    }
}

static void attempted(struct turn_state *s, struct tc_outbox *o, const struct tc_event *e)
{
    const struct tc_ev_order_attempted *b = e->body;
    o->state = TC_OUTBOX_STATE_ATTEMPTING;
    o->attempts = b->n;
    o->previous_ref = o->last_link == b->link ? o->last_ref : 0;
    o->last_link = b->link;
    o->last_ref = b->ref;
    o->last_at_us = e->at_us;
    set_busy(s, b->link, o->id, e->seq);
    struct tc_source *source = tc_table_find(&s->tables[TURN_SOURCES], b->link);
    if (source) {
        source->next_ref = b->ref % 255 + 1;
    }
}

static void failed(struct turn_state *s, struct tc_outbox *o, const struct tc_event *e)
{
    const struct tc_ev_attempt_failed *b = e->body;
    release_link(s, b->link, o->id, e->seq);
    o->state = TC_OUTBOX_STATE_WAITING;
    o->needs_person = b->is_final;
}

static void timer_changed(struct turn_state *s, const struct tc_event *e)
{
    struct tc_outbox *o = tc_table_find(&s->tables[TURN_OUTBOX], e->subject);
    if (!o) {
        return;
    }
    if (e->kind == TC_EV_TIMER_SET) {
        const struct tc_ev_timer_set *b = e->body;
        if (b->purpose != TC_PURPOSE_ATTEMPT_OUTCOME && b->purpose != TC_PURPOSE_ATTEMPT_RETRY) {
            return;
        }
        o->timer = e->seq;
        o->retry_us = b->purpose == TC_PURPOSE_ATTEMPT_RETRY ? b->due_us : 0;
    } else {
        uint64_t timer = e->kind == TC_EV_TIMER_FIRED ? TC_BODY(e, timer_fired)->timer
                                                      : TC_BODY(e, timer_cancelled)->timer;
        if (o->timer != timer) {
            return;
        }
        o->timer = 0;
        o->retry_us = 0;
    }
    tc_table_touch(&s->tables[TURN_OUTBOX], o, e->seq);
}

static void ended(struct turn_state *s, struct tc_outbox *o, uint64_t seq)
{
    if (o->state == TC_OUTBOX_STATE_ATTEMPTING) {
        o->state = TC_OUTBOX_STATE_DONE; /* the link still owes an outcome */
        tc_table_touch(&s->tables[TURN_OUTBOX], o, seq);
    } else {
        tc_table_remove(&s->tables[TURN_OUTBOX], o->id, seq);
    }
}

/** A person told the recipient. A link that is at it still owes its outcome. */
static void told_by_hand(struct turn_state *s, struct tc_outbox *o, uint64_t seq)
{
    if (o->state != TC_OUTBOX_STATE_ATTEMPTING && o->state != TC_OUTBOX_STATE_DONE) {
        o->state = TC_OUTBOX_STATE_SENT;
        o->needs_person = false;
        tc_table_touch(&s->tables[TURN_OUTBOX], o, seq);
    }
}

static void delivered(struct turn_state *s, struct tc_outbox *o, const struct tc_event *e)
{
    bool will_retry = o->state == TC_OUTBOX_STATE_WAITING && (o->retry_us || o->needs_person);
    if (o->state == TC_OUTBOX_STATE_WAITING && TC_BODY(e, order_delivered)->how == TC_HOW_RADIO &&
        o->sent_count < o->attempts) {
        o->sent_count++; /* what seemed to fail had left */
    }
    if (will_retry || o->state == TC_OUTBOX_STATE_SENT || o->state == TC_OUTBOX_STATE_UNKNOWN) {
        o->state = TC_OUTBOX_STATE_DELIVERED;
        o->needs_person = false;
    }
    tc_table_touch(&s->tables[TURN_OUTBOX], o, e->seq);
}

static void outcome(struct turn_state *s, struct tc_outbox *o, const struct tc_event *e)
{
    bool was_done = o->state == TC_OUTBOX_STATE_DONE;
    if (e->kind == TC_EV_ORDER_SENT && TC_BODY(e, order_sent)->how != TC_HOW_RADIO) {
        told_by_hand(s, o, e->seq);
        return;
    }
    switch ((int)e->kind) {
    case TC_EV_ORDER_SENT:
        release_link(s, TC_BODY(e, order_sent)->link, o->id, e->seq);
        o->state = TC_OUTBOX_STATE_SENT;
        o->sent_count++;
        break;
    case TC_EV_ATTEMPT_FAILED: failed(s, o, e); break;
    case TC_EV_ATTEMPT_UNKNOWN:
        release_link(s, TC_BODY(e, attempt_unknown)->link, o->id, e->seq);
        o->state = TC_OUTBOX_STATE_UNKNOWN;
        o->needs_person = TC_BODY(e, attempt_unknown)->is_final;
        o->sent_count++;
        break;
    default: break;
    }
    if (was_done) {
        tc_table_remove(&s->tables[TURN_OUTBOX], o->id, e->seq);
    } else {
        tc_table_touch(&s->tables[TURN_OUTBOX], o, e->seq);
    }
}

void turn__apply_outbox(struct turn_state *s, const struct tc_event *e)
{
    if (e->kind == TC_EV_ORDER_CREATED) {
        add(s, e);
        return;
    }
    if (e->kind == TC_EV_TIMER_SET || e->kind == TC_EV_TIMER_FIRED ||
        e->kind == TC_EV_TIMER_CANCELLED) {
        timer_changed(s, e);
        return;
    }
    struct tc_outbox *o = e->subject ? tc_table_find(&s->tables[TURN_OUTBOX], e->subject) : NULL;
    if (!o) {
        return;
    }
    switch ((int)e->kind) {
    case TC_EV_ORDER_ATTEMPTED:
        attempted(s, o, e);
        tc_table_touch(&s->tables[TURN_OUTBOX], o, e->seq);
        break;
    case TC_EV_ORDER_SENT:
    case TC_EV_ATTEMPT_FAILED:
    case TC_EV_ATTEMPT_UNKNOWN: outcome(s, o, e); break;
    case TC_EV_ORDER_DELIVERED: delivered(s, o, e); break;
    case TC_EV_ORDER_RESENT:
        o->state = TC_OUTBOX_STATE_WAITING;
        o->needs_person = false;
        o->retry_us = 0;
        tc_table_touch(&s->tables[TURN_OUTBOX], o, e->seq);
        break;
    case TC_EV_ORDER_READ:
    case TC_EV_ORDER_ACCEPTED:
    case TC_EV_ORDER_REFUSED:
    case TC_EV_ORDER_EXPIRED:
    case TC_EV_ORDER_WITHDRAWN: ended(s, o, e->seq); break;
    default: break;
    }
}
