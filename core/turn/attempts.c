/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part that sends orders over links, one attempt at a time per link.
 *
 * Happy path: order.created, link idle -> order.attempted (durable before the driver gets it) ->
 * the driver's outcome -> order.sent -> reports -> order.delivered, order.read.
 * Failure modes: the link refuses (retry with growing pauses, then a person), says nothing
 * (unknown after OUTCOME_US), is lost (unknown), the process dies (unknown at resume). Unknown
 * waits LATE_US for reports and is sent again under the same number with the repeat mark. A report
 * that overtakes the outcome proves that the attempt left.
 */
#include "core/base/time.h"
#include "core/turn/state.h"

#define OUTCOME_US      (45 * TC_SEC)
#define LATE_US         (10 * TC_SEC)
#define UNKNOWN_MAX     4u /* attempts after which a person is asked, not the air again */
#define FAILURES_MAX    6u /* the first and one after each pause */
#define REFS            255u
#define PART_CHARACTERS 66u /* of a concatenated text, less number and repeat mark */

static const struct turn_state *state_of(const struct tc_model *live)
{
    return tc_model_self(live, "turn");
}

static const struct tc_source *source_at(const struct turn_state *s, uint64_t id)
{
    return tc_table_find(&s->tables[TURN_SOURCES], id);
}

static const struct tc_outbox *outbox_at(const struct turn_state *s, uint64_t id)
{
    return tc_table_find(&s->tables[TURN_OUTBOX], id);
}

static bool can_send(const struct tc_source *source, enum tc_channel channel)
{
    const struct tc_driver *d = tc_driver_find(tc_str_of(source->driver));
    return channel == TC_CHANNEL_SDS && d && (d->caps & TC_CAP_SENDS) && source->is_up;
}

static bool is_better(const struct tc_outbox *a, const struct tc_outbox *b)
{
    return !b || a->priority > b->priority || (a->priority == b->priority && a->id < b->id);
}

static bool is_ready(const struct tc_outbox *o, const struct tc_source *link, int64_t now_us)
{
    bool state_fits = o->state == TC_OUTBOX_STATE_WAITING || o->state == TC_OUTBOX_STATE_UNKNOWN;
    return state_fits && !o->needs_person && o->retry_us == 0 &&
           (o->link == 0 || o->link == link->id) && o->expires_us > now_us;
}

static const struct tc_outbox *next_for(const struct turn_state *s, const struct tc_source *link,
                                        int64_t now_us)
{
    const struct tc_outbox *best = NULL;
    TC_POOL_EACH(&s->tables[TURN_OUTBOX].pool, const struct tc_outbox, o)
    {
        if (is_ready(o, link, now_us) && can_send(link, o->channel) && is_better(o, best)) {
            best = o;
        }
    }
    return best;
}

static bool ref_is_taken(const struct turn_state *s, uint64_t link, struct tc_str address,
                         uint32_t ref)
{
    TC_POOL_EACH(&s->tables[TURN_OUTBOX].pool, const struct tc_outbox, o)
    {
        if (o->last_link == link && (o->last_ref == ref || o->previous_ref == ref) &&
            turn__same_address(tc_str_of(o->address), address)) {
            return true;
        }
    }
    return false;
}

/** The reference of the last part; earlier parts use the numbers before it. */
static uint32_t choose_ref(const struct turn_state *s, const struct tc_source *link,
                           const struct tc_outbox *o)
{
    uint32_t characters = 0;
    for (const char *c = o->text; *c; c++) {
        characters += ((uint8_t)*c & 0xC0) != 0x80;
    }
    uint32_t step = characters / PART_CHARACTERS;
    uint32_t ref = (link->next_ref + step - 1) % REFS + 1;
    for (uint32_t tries = 0; tries < REFS; tries++) {
        if (!ref_is_taken(s, link->id, tc_str_of(o->address), ref)) {
            break;
        }
        ref = ref % REFS + 1;
    }
    return ref;
}

/** Give an idle link its next order. */
static void pump(const struct tc_model *live, const struct tc_source *link, struct tc_out *out)
{
    const struct turn_state *s = state_of(live);
    if (!link || link->busy_order || !link->is_up) {
        return;
    }
    const struct tc_outbox *o = next_for(s, link, tc_out_now_us(out));
    if (!o) {
        return;
    }
    uint64_t order = o->id;
    struct tc_ev_order_attempted *b = tc_emit(out, TC_EV_ORDER_ATTEMPTED, order, NULL);
    b->n = o->attempts + 1;
    b->link = link->id;
    b->ref = choose_ref(s, link, o);
    b->is_repeat = o->sent_count > 0;
    (void)tc_emit_timer(out, TC_PURPOSE_ATTEMPT_OUTCOME, order, tc_out_now_us(out) + OUTCOME_US,
                        b->n);
}

/** One link per reaction: what is emitted must be applied before the next look. */
static void pump_any(const struct tc_model *live, struct tc_out *out)
{
    const struct turn_state *s = state_of(live);
    TC_POOL_EACH(&s->tables[TURN_SOURCES].pool, const struct tc_source, link)
    {
        if (link->is_up && !link->busy_order && next_for(s, link, tc_out_now_us(out))) {
            pump(live, link, out);
            return;
        }
    }
}

static void cancel_timer(const struct tc_outbox *o, struct tc_out *out)
{
    if (o->timer) {
        struct tc_ev_timer_cancelled *b = tc_emit(out, TC_EV_TIMER_CANCELLED, o->id, NULL);
        b->timer = o->timer;
    }
}

static void emit_unknown(const struct tc_outbox *o, const char *why, struct tc_out *out)
{
    cancel_timer(o, out);
    struct tc_ev_attempt_unknown *b = tc_emit(out, TC_EV_ATTEMPT_UNKNOWN, o->id, NULL);
    b->n = o->attempts;
    b->link = o->last_link;
    b->ref = o->last_ref;
    b->why = tc_str_of(why);
    b->is_final = o->attempts >= UNKNOWN_MAX;
    if (!b->is_final) {
        (void)tc_emit_timer(out, TC_PURPOSE_ATTEMPT_RETRY, o->id, tc_out_now_us(out) + LATE_US,
                            o->attempts);
    }
}

static bool is_in_flight(const struct tc_outbox *o)
{
    return o->state == TC_OUTBOX_STATE_ATTEMPTING || o->state == TC_OUTBOX_STATE_DONE;
}

/* Observations */

static void link_up(const struct tc_source *source, const struct tc_obs *obs, struct tc_out *out)
{
    if (source->is_up && tc_str_is(obs->text, source->identity)) {
        return;
    }
    struct tc_ev_source_up *b = tc_emit(out, TC_EV_SOURCE_UP, source->id, NULL);
    b->identity = tc_out_copy(out, obs->text);
    b->network = tc_out_copy(out, obs->network);
}

static void link_down(const struct turn_state *s, const struct tc_source *source, struct tc_str why,
                      struct tc_out *out)
{
    if (source->is_up) {
        struct tc_ev_source_down *b = tc_emit(out, TC_EV_SOURCE_DOWN, source->id, NULL);
        b->why = tc_out_copy(out, why);
    }
    const struct tc_outbox *o = source->busy_order ? outbox_at(s, source->busy_order) : NULL;
    if (o && is_in_flight(o)) {
        emit_unknown(o, "link_lost", out);
    }
}

static const char *why_failed(uint32_t cause)
{
    static const struct {
        uint32_t cause;
        const char *why;
    } known[] = {
        {1, "no_reliable_link"},
        {3, "not_in_this_state"},
        {4, "not_supported"},
        {30, "out_of_service"},
        {31, "no_acknowledgement"},
        {33, "wrong_type"},
        {34, "out_of_range"},
        {35, "syntax"},
        {37, "timed_out"},
        {41, "transmit_inhibited"},
        {42, "busy"},
    };
    for (size_t i = 0; i < TC_COUNT_OF(known); i++) {
        if (known[i].cause == cause) {
            return known[i].why;
        }
    }
    return "not_sent";
}

/** EN 300 392-5 extended errors after which trying again can help. */
static bool may_retry(uint32_t cause)
{
    switch (cause) {
    case 4:
    case 26:
    case 27:
    case 32:
    case 33:
    case 34:
    case 35:
    case 41: return false;
    default: return true;
    }
}

static void emit_failed(const struct tc_outbox *o, uint32_t cause, const char *why, bool is_final,
                        struct tc_out *out)
{
    static const int64_t pause_us[] = {2 * TC_SEC, 4 * TC_SEC, 8 * TC_SEC, 16 * TC_SEC,
                                       30 * TC_SEC};
    cancel_timer(o, out);
    struct tc_ev_attempt_failed *b = tc_emit(out, TC_EV_ATTEMPT_FAILED, o->id, NULL);
    b->n = o->attempts;
    b->link = o->last_link;
    b->ref = o->last_ref;
    b->cause = cause;
    b->why = tc_str_of(why);
    b->is_final = is_final;
    if (!is_final) {
        uint32_t i = o->attempts ? (o->attempts - 1) % TC_COUNT_OF(pause_us) : 0;
        (void)tc_emit_timer(out, TC_PURPOSE_ATTEMPT_RETRY, o->id, tc_out_now_us(out) + pause_us[i],
                            o->attempts);
    }
}

static void emit_sent(const struct tc_outbox *o, struct tc_out *out)
{
    struct tc_ev_order_sent *b = tc_emit(out, TC_EV_ORDER_SENT, o->id, NULL);
    b->n = o->attempts;
    b->link = o->last_link;
    b->ref = o->last_ref;
    b->how = TC_HOW_RADIO;
}

static void sent(const struct turn_state *s, const struct tc_source *source,
                 const struct tc_obs *obs, struct tc_out *out)
{
    const struct tc_outbox *o = source->busy_order ? outbox_at(s, source->busy_order) : NULL;
    if (!o || o->last_ref != obs->message_ref || !is_in_flight(o)) {
        return; /* an outcome that nobody waits for any more */
    }
    if (!obs->is_ok) {
        bool is_final = !may_retry(obs->cause) || o->attempts >= FAILURES_MAX;
        emit_failed(o, obs->cause, why_failed(obs->cause), is_final, out);
        return;
    }
    cancel_timer(o, out);
    emit_sent(o, out);
}

static const struct tc_outbox *match_report(const struct turn_state *s, uint64_t link,
                                            const struct tc_obs *obs, uint32_t *n)
{
    TC_POOL_EACH(&s->tables[TURN_OUTBOX].pool, const struct tc_outbox, o)
    {
        if (o->last_link != link || !turn__same_address(tc_str_of(o->address), obs->address)) {
            continue;
        }
        if (o->attempts && o->last_ref == obs->message_ref) {
            *n = o->attempts;
            return o;
        }
        if (o->previous_ref && o->previous_ref == obs->message_ref) {
            *n = o->attempts - 1;
            return o;
        }
    }
    return NULL;
}

static void emit_unmatched(const struct tc_source *source, const struct tc_obs *obs,
                           struct tc_out *out)
{
    struct tc_ev_report_unmatched *b = tc_emit(out, TC_EV_REPORT_UNMATCHED, 0, NULL);
    b->link = source->id;
    b->address = tc_out_copy(out, obs->address);
    b->ref = obs->message_ref;
    b->status = obs->code;
}

/** The attempt did not arrive. What an earlier one did says nothing about it. */
static void not_delivered(const struct tc_outbox *o, uint32_t code, struct tc_out *out)
{
    if (o->state == TC_OUTBOX_STATE_WAITING || o->state == TC_OUTBOX_STATE_DONE) {
        return;
    }
    if (o->state == TC_OUTBOX_STATE_ATTEMPTING) {
        emit_sent(o, out);
    }
    emit_failed(o, code, "not_delivered", o->attempts >= FAILURES_MAX, out);
}

static void delivered(const struct tc_outbox *o, uint32_t n, bool is_read, struct tc_out *out)
{
    if (o->state == TC_OUTBOX_STATE_ATTEMPTING && n == o->attempts) {
        cancel_timer(o, out);
        emit_sent(o, out);
    }
    if (is_read) {
        struct tc_ev_order_read *b = tc_emit(out, TC_EV_ORDER_READ, o->id, NULL);
        b->n = n;
        b->how = TC_HOW_RADIO;
    } else if (o->state != TC_OUTBOX_STATE_DELIVERED) {
        struct tc_ev_order_delivered *b = tc_emit(out, TC_EV_ORDER_DELIVERED, o->id, NULL);
        b->n = n;
        b->how = TC_HOW_RADIO;
    }
}

/** SDS-TL delivery status: the top three bits are its class (EN 300 392-2, 29.4.3.2). */
static void delivery(const struct turn_state *s, const struct tc_source *source,
                     const struct tc_obs *obs, struct tc_out *out)
{
    uint32_t n = 0;
    const struct tc_outbox *o = match_report(s, source->id, obs, &n);
    bool has_failed = (obs->code >> 5) == 2;
    if (!o || (has_failed && n != o->attempts)) {
        emit_unmatched(source, obs, out);
    } else if (has_failed) {
        not_delivered(o, obs->code, out);
    } else if (obs->code < 0x20) {
        delivered(o, n, obs->code == 0x02 || obs->code == 0x03, out);
    }
}

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    (void)self;
    if (in->kind != TC_INPUT_OBSERVATION) {
        return false;
    }
    const struct turn_state *s = state_of(live);
    const struct tc_source *source = source_at(s, in->source);
    TC_REQUIRE(source != NULL);
    switch ((int)in->obs->kind) {
    case TC_OBS_LINK_UP: link_up(source, in->obs, out); return true;
    case TC_OBS_LINK_DOWN: link_down(s, source, in->obs->text, out); return true;
    case TC_OBS_SENT: sent(s, source, in->obs, out); return true;
    case TC_OBS_DELIVERY: delivery(s, source, in->obs, out); return true;
    case TC_OBS_REJECTED: {
        struct tc_ev_frame_rejected *b = tc_emit(out, TC_EV_FRAME_REJECTED, source->id, NULL);
        b->why = tc_out_copy(out, in->obs->text);
        b->raw = tc_out_copy(out, in->obs->detail);
        return true;
    }
    default: return false;
    }
}

static void timer_fired(const struct tc_model *live, const struct tc_event *e, struct tc_out *out)
{
    const struct tc_ev_timer_fired *b = e->body;
    const struct tc_outbox *o = outbox_at(state_of(live), e->subject);
    if (b->purpose == TC_PURPOSE_ATTEMPT_OUTCOME && o && is_in_flight(o) &&
        o->attempts == b->argument) {
        emit_unknown(o, "timeout", out);
    } else if (b->purpose == TC_PURPOSE_ATTEMPT_RETRY) {
        pump_any(live, out);
    }
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    (void)self;
    switch ((int)e->kind) {
    case TC_EV_ORDER_CREATED:
    case TC_EV_ORDER_RESENT:
    case TC_EV_SOURCE_UP:
    case TC_EV_ORDER_SENT:
    case TC_EV_ATTEMPT_FAILED:
    case TC_EV_ATTEMPT_UNKNOWN:
    case TC_EV_ORDER_ATTEMPTED: pump_any(live, out); break;
    case TC_EV_TIMER_FIRED: timer_fired(live, e, out); break;
    default: break;
    }
}

/** The bytes of an attempt without outcome may or may not have left before the process ended. */
static void resume(void *self, const struct tc_model *live, struct tc_out *out)
{
    (void)self;
    const struct turn_state *s = state_of(live);
    TC_POOL_EACH(&s->tables[TURN_SOURCES].pool, const struct tc_source, source)
    {
        if (source->is_up) {
            struct tc_ev_source_down *b = tc_emit(out, TC_EV_SOURCE_DOWN, source->id, NULL);
            b->why = TC_STR("restart");
        }
    }
    TC_POOL_EACH(&s->tables[TURN_OUTBOX].pool, const struct tc_outbox, o)
    {
        if (is_in_flight(o)) {
            emit_unknown(o, "restart", out);
        }
    }
}

const struct tc_part tc_attempts_part = {
    .name = "attempts",
    .decide = decide,
    .react = react,
    .resume = resume,
};
