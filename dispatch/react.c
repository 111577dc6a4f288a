/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on facts: what follows, whoever caused it. */
#include "dispatch/dispatch_int.h"

typedef void react_fn(struct dispatch__call *c);

static void alarm_raised(struct dispatch__call *c)
{
    const struct tc_alarm *a = tc_world_alarm(c->w, c->e->seq);
    if (a == NULL || !tc_world_has_room(c->w, TC_WORLD_REPORT, 1)) {
        return;
    }
    const struct tc_sensor *s = a->sensor ? tc_world_sensor(c->w, a->sensor) : NULL;
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, a->lon_e7, a->lat_e7, &place);
    struct tc_ev_report_received *b = tc_emit(c->out, TC_EV_REPORT_RECEIVED, 0, NULL);
    b->channel = TC_STR("alarm");
    if (a->signs) {
        b->type = TC_STR("emergency_call");
    } else {
        b->type = dispatch__copy(c, s && s->incident_type[0] ? s->incident_type : a->kind);
    }
    b->text = dispatch__copy(c, a->evidence);
    b->lon_e7 = a->lon_e7;
    b->lat_e7 = a->lat_e7;
    b->place_zh = dispatch__copy(c, a->place_zh);
    b->place_en = dispatch__copy(c, a->place_en);
    b->grid = dispatch__copy(c, place.grid);
    b->feature = dispatch__copy(c, s && s->feature[0] ? s->feature : place.feature);
    b->alarm = a->id;
    b->unit = a->unit;
    tc_emit_occurred(c->out, c->e->occurred_us);
}

/** An alarm that became grave may now open what it could not before. */
static void alarm_level_changed(struct dispatch__call *c)
{
    const struct tc_alarm *a = tc_world_alarm(c->w, c->e->subject);
    const struct tc_report *r = a && a->report ? tc_world_report(c->w, a->report) : NULL;
    if (r && r->incident == 0 && TC_BODY(c->e, alarm_level_changed)->was < a->level) {
        dispatch__correlate(c, r);
    }
}

static void case_opened(struct dispatch__call *c)
{
    const struct tc_case *k = tc_world_case(c->w, c->e->seq);
    if (k == NULL || !tc_world_has_room(c->w, TC_WORLD_REPORT, 1)) {
        return;
    }
    const struct tc_service *s = tc_world_service_of(c->w, tc_str_of(k->service_code));
    struct tc_str type = s && s->incident_type[0]
                             ? tc_str_of(s->incident_type)
                             : dispatch__type_of_words(c->w, tc_str_of(k->description));
    if (type.len == 0) {
        return; /* a case like any other: it has its own workflow */
    }
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, k->lon_e7, k->lat_e7, &place);
    struct tc_ev_report_received *b = tc_emit(c->out, TC_EV_REPORT_RECEIVED, 0, NULL);
    b->channel = TC_STR("case");
    b->type = tc_out_copy(c->out, type);
    b->text = dispatch__copy(c, k->description);
    b->lon_e7 = k->lon_e7;
    b->lat_e7 = k->lat_e7;
    b->place_zh = dispatch__copy(c, k->place_zh);
    b->place_en = dispatch__copy(c, k->place_en);
    b->grid = dispatch__copy(c, k->grid);
    b->feature = dispatch__copy(c, place.feature);
    b->case_id = k->id;
    b->caller_name = dispatch__copy(c, k->caller_name);
    b->caller_phone = dispatch__copy(c, k->caller_phone);
    b->raw_position = dispatch__copy(c, k->raw_position);
    tc_emit_occurred(c->out, c->e->occurred_us);
}

static void report_received(struct dispatch__call *c)
{
    const struct tc_report *r = tc_world_report(c->w, c->e->seq);
    if (r && r->incident == 0) {
        dispatch__correlate(c, r);
    }
}

/** What came later may know where an incident is that nobody could place. */
static void place_incident(struct dispatch__call *c, uint64_t incident, int32_t lon_e7,
                           int32_t lat_e7)
{
    const struct tc_incident *i = tc_world_incident(c->w, incident);
    bool is_news = lon_e7 || lat_e7;
    if (i == NULL || i->state != TC_INCIDENT_STATE_OPEN || i->lon_e7 || i->lat_e7 || !is_news) {
        return;
    }
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, lon_e7, lat_e7, &place);
    struct tc_ev_incident_place_changed *b =
        tc_emit(c->out, TC_EV_INCIDENT_PLACE_CHANGED, i->id, NULL);
    b->lon_e7 = lon_e7;
    b->lat_e7 = lat_e7;
    b->place_zh = dispatch__copy(c, place.text_zh);
    b->place_en = dispatch__copy(c, place.text_en);
    b->grid = dispatch__copy(c, place.grid);
}

static void alarm_evidence_added(struct dispatch__call *c)
{
    const struct tc_alarm *a = tc_world_alarm(c->w, c->e->subject);
    if (a) {
        place_incident(c, a->incident, a->lon_e7, a->lat_e7);
    }
}

static void report_joined(struct dispatch__call *c)
{
    const struct tc_report *r = tc_world_report(c->w, c->e->subject);
    if (r) {
        place_incident(c, r->incident, r->lon_e7, r->lat_e7);
    }
}

static void ask_for(struct dispatch__call *c, const char *why)
{
    const struct tc_incident *i = tc_world_incident(c->w, tc_event_entity(c->e));
    if (i && i->state == TC_INCIDENT_STATE_OPEN) {
        dispatch__ask(c, i, why, NULL, 0);
    }
}

static void incident_opened(struct dispatch__call *c)
{
    ask_for(c, "incident_opened");
    dispatch__start_named(c, c->e->seq, "first_report");
}

static void incident_changed(struct dispatch__call *c)
{
    ask_for(c, "incident_changed");
}

/** Nothing rings for what is over. */
static void incident_ended(struct dispatch__call *c)
{
    TC_WORLD_EACH(c->w, TC_WORLD_CLOCK, struct tc_clock, clock)
    {
        if (clock->incident == c->e->subject) {
            dispatch__stop_clock(c, clock->incident, tc_str_of(clock->name), TC_STR(""));
        }
    }
}

static void roads_changed(struct dispatch__call *c)
{
    dispatch__ask_after_roads(c);
}

static void unit_state_changed(struct dispatch__call *c)
{
    const struct tc_unit *u = tc_world_unit(c->w, TC_BODY(c->e, unit_state_changed)->unit);
    if (u) {
        dispatch__ask_after_unit(c, u);
    }
}

static void order_created(struct dispatch__call *c)
{
    const struct tc_ev_order_created *b = c->e->body;
    (void)tc_emit_timer(c->out, TC_PURPOSE_ORDER_EXPIRY, c->e->seq, b->expires_us, 0);
    if (b->assignment) {
        dispatch__start_named(c, c->e->seq, "acceptance");
    }
}

static void order_settled(struct dispatch__call *c)
{
    dispatch__stop_clock(c, c->e->subject, TC_STR("acceptance"), TC_STR(""));
}

static void attempt_failed(struct dispatch__call *c)
{
    if (TC_BODY(c->e, attempt_failed)->is_final) {
        order_settled(c);
    }
}

static void assignment_changed(struct dispatch__call *c)
{
    const struct tc_assignment *a = tc_world_assignment(c->w, c->e->subject);
    if (a == NULL) {
        return;
    }
    if (a->order) { /* who is on the way needs no reminder to accept */
        dispatch__stop_clock(c, a->order, TC_STR("acceptance"), TC_STR(""));
    }
    const struct tc_unit *u = tc_world_unit(c->w, a->unit);
    if (u && u->assignments_count == 0 && u->state == TC_UNIT_STATE_DISPATCHED) {
        dispatch__emit_state(c, u, TC_UNIT_STATE_AVAILABLE, TC_HOW_RULE, TC_STR(""), TC_STR(""));
    }
}

void dispatch__react(struct dispatch__call *c)
{
    static const struct {
        enum tc_kind kind;
        react_fn *react;
    } rules[] = {
        {TC_EV_ALARM_RAISED, alarm_raised},
        {TC_EV_ALARM_LEVEL_CHANGED, alarm_level_changed},
        {TC_EV_ALARM_EVIDENCE_ADDED, alarm_evidence_added},
        {TC_EV_CASE_OPENED, case_opened},
        {TC_EV_REPORT_RECEIVED, report_received},
        {TC_EV_REPORT_JOINED, report_joined},
        {TC_EV_INCIDENT_OPENED, incident_opened},
        {TC_EV_INCIDENT_TYPE_CHANGED, incident_changed},
        {TC_EV_INCIDENT_GRADE_CHANGED, incident_changed},
        {TC_EV_INCIDENT_PLACE_CHANGED, incident_changed},
        {TC_EV_INCIDENT_REOPENED, incident_changed},
        {TC_EV_INCIDENT_CLOSED, incident_ended},
        {TC_EV_INCIDENT_MERGED, incident_ended},
        {TC_EV_ROAD_CLOSED, roads_changed},
        {TC_EV_ROAD_OPENED, roads_changed},
        {TC_EV_UNIT_STATE_CHANGED, unit_state_changed},
        {TC_EV_ORDER_CREATED, order_created},
        {TC_EV_ORDER_ACCEPTED, order_settled},
        {TC_EV_ORDER_REFUSED, order_settled},
        {TC_EV_ORDER_EXPIRED, order_settled},
        {TC_EV_ORDER_WITHDRAWN, order_settled},
        {TC_EV_ATTEMPT_FAILED, attempt_failed},
        {TC_EV_ASSIGNMENT_CHANGED, assignment_changed},
        {TC_EV_TIMER_FIRED, dispatch__timer_fired},
    };
    if (tc_kinds[c->e->kind].class == TC_CLASS_TELEMETRY) {
        return;
    }
    for (size_t i = 0; i < TC_COUNT_OF(rules); i++) {
        if (rules[i].kind == c->e->kind) {
            rules[i].react(c);
            return;
        }
    }
}

#define RESUME_MAX 1000u /* questions asked again at the start, newest incidents first */

/** A question that a restart lost is asked again. */
void dispatch__resume(struct dispatch__call *c)
{
    size_t asked = 0;
    for (size_t i = c->w->open_count; i > 0 && asked < RESUME_MAX; i--) {
        uint64_t id = c->w->open_incidents[i - 1];
        const struct tc_recommendation *r = tc_world_recommendation(c->w, id);
        if (r && r->is_pending) {
            dispatch__ask_again(c, r, "restart");
            asked++;
        }
    }
}
