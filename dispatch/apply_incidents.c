/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/world_int.h"

static void report_received(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_report_received *b = e->body;
    struct tc_report *r = world__add(w, TC_WORLD_REPORT, e->seq, e);
    WORLD__PUT(r->channel, b->channel);
    WORLD__PUT(r->type, b->type);
    WORLD__PUT(r->text, b->text);
    r->lon_e7 = b->lon_e7;
    r->lat_e7 = b->lat_e7;
    WORLD__PUT(r->place_zh, b->place_zh);
    WORLD__PUT(r->place_en, b->place_en);
    WORLD__PUT(r->grid, b->grid);
    WORLD__PUT(r->feature, b->feature);
    WORLD__PUT(r->raw_position, b->raw_position);
    r->alarm = b->alarm;
    r->case_id = b->case_id;
    r->unit = b->unit;
    r->occurred_us = e->occurred_us;
    r->received_us = e->at_us;
    WORLD__PUT(r->caller_name, b->caller_name);
    WORLD__PUT(r->caller_phone, b->caller_phone);
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, b->alarm);
    if (a) {
        a->report = r->id;
        world__touch(w, TC_WORLD_ALARM, a, e);
    }
    struct tc_case *c = world__find(w, TC_WORLD_CASE, b->case_id);
    if (c) {
        c->report = r->id;
        world__touch(w, TC_WORLD_CASE, c, e);
    }
}

static void reasons(struct tc_report *r, const struct tc_str *list, uint32_t count)
{
    r->reasons_count = count > 8 ? 8 : count;
    for (uint32_t i = 0; i < r->reasons_count; i++) {
        WORLD__PUT(r->reasons[i], list[i]);
    }
}

static void report_proposed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_report_proposed *b = e->body;
    struct tc_report *r = world__find(w, TC_WORLD_REPORT, e->subject);
    if (r) {
        r->proposed = b->incident;
        r->score = b->score;
        reasons(r, b->reasons, b->reasons_count);
        world__touch(w, TC_WORLD_REPORT, r, e);
    }
}

/** The report, its alarm and its case belong to `incident` (0: to none). */
static void put_to(struct tc_world_section *w, struct tc_report *r, uint64_t incident,
                   const struct tc_event *e)
{
    struct tc_incident *old = world__find(w, TC_WORLD_INCIDENT, r->incident);
    if (old && old->reports) {
        old->reports--;
        world__touch(w, TC_WORLD_INCIDENT, old, e);
    }
    r->incident = incident;
    r->proposed = 0;
    world__touch(w, TC_WORLD_REPORT, r, e);
    struct tc_incident *i = world__find(w, TC_WORLD_INCIDENT, incident);
    if (i) {
        i->reports++;
        if (r->received_us > i->last_report_us) {
            i->last_report_us = r->received_us;
        }
        world__touch(w, TC_WORLD_INCIDENT, i, e);
    }
    struct tc_alarm *a = world__find(w, TC_WORLD_ALARM, r->alarm);
    if (a) {
        a->incident = incident;
        world__touch(w, TC_WORLD_ALARM, a, e);
    }
    struct tc_case *c = world__find(w, TC_WORLD_CASE, r->case_id);
    if (c) {
        c->incident = incident;
        world__touch(w, TC_WORLD_CASE, c, e);
    }
}

static void report_joined(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_report_joined *b = e->body;
    struct tc_report *r = world__find(w, TC_WORLD_REPORT, e->subject);
    if (r) {
        r->score = b->score;
        r->merged_from = 0;
        reasons(r, b->reasons, b->reasons_count);
        put_to(w, r, b->incident, e);
    }
}

static void report_left(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_report *r = world__find(w, TC_WORLD_REPORT, e->subject);
    if (r) {
        r->score = 0;
        r->reasons_count = 0;
        r->merged_from = 0;
        put_to(w, r, 0, e);
    }
}

static void opened(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_opened *b = e->body;
    struct tc_incident *i = world__add(w, TC_WORLD_INCIDENT, e->seq, e);
    WORLD__PUT(i->number, b->number);
    WORLD__PUT(i->type, b->type);
    i->grade = b->grade;
    WORLD__PUT(i->title, b->title);
    i->lon_e7 = b->lon_e7;
    i->lat_e7 = b->lat_e7;
    WORLD__PUT(i->place_zh, b->place_zh);
    WORLD__PUT(i->place_en, b->place_en);
    WORLD__PUT(i->grid, b->grid);
    WORLD__PUT(i->community, b->community);
    WORLD__PUT(i->subdistrict, b->subdistrict);
    WORLD__PUT(i->feature, b->feature);
    i->opened_us = e->occurred_us;
    WORLD__EDIT(i, e, b->by);
    uint32_t day = 0;
    uint32_t number = world__number(b->number, &day);
    world__count(w, "incident", day, number, e);
    world__set_open(w, i->id, true);
    world__touch(w, TC_WORLD_INCIDENT, i, e);
}

/** The incident an event is about, noted as changed by `by`. */
static struct tc_incident *changed(struct tc_world_section *w, const struct tc_event *e,
                                   struct tc_str by)
{
    struct tc_incident *i = world__find(w, TC_WORLD_INCIDENT, e->subject);
    if (i) {
        WORLD__EDIT(i, e, by);
        world__touch(w, TC_WORLD_INCIDENT, i, e);
    }
    return i;
}

static void type_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_type_changed *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i) {
        WORLD__PUT(i->type, b->type);
    }
}

static void grade_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_grade_changed *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i) {
        i->grade = b->grade;
    }
}

static void place_changed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_place_changed *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i) {
        i->lon_e7 = b->lon_e7;
        i->lat_e7 = b->lat_e7;
        WORLD__PUT(i->place_zh, b->place_zh);
        WORLD__PUT(i->place_en, b->place_en);
        WORLD__PUT(i->grid, b->grid);
    }
}

static void merged(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_merged *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i == NULL) {
        return;
    }
    i->state = TC_INCIDENT_STATE_MERGED;
    i->merged_into = b->into;
    i->merged_seq = e->seq;
    world__set_open(w, i->id, false);
    for (uint32_t n = 0; n < b->reports_count; n++) {
        struct tc_report *r = world__find(w, TC_WORLD_REPORT, b->reports[n]);
        if (r) {
            put_to(w, r, b->into, e);
            r->merged_from = i->id;
        }
    }
}

static void unmerged(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_unmerged *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i == NULL) {
        return;
    }
    i->state = TC_INCIDENT_STATE_OPEN;
    i->merged_into = 0;
    i->merged_seq = 0;
    world__set_open(w, i->id, true);
    for (uint32_t n = 0; n < b->reports_count; n++) {
        struct tc_report *r = world__find(w, TC_WORLD_REPORT, b->reports[n]);
        if (r) {
            put_to(w, r, i->id, e);
            r->merged_from = 0;
        }
    }
}

static void closed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_closed *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i) {
        i->state = TC_INCIDENT_STATE_CLOSED;
        i->closed_us = e->occurred_us;
        WORLD__PUT(i->disposition, b->disposition);
        world__set_open(w, i->id, false);
    }
}

static void reopened(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_incident *i = changed(w, e, TC_BODY(e, incident_reopened)->by);
    if (i) {
        i->state = TC_INCIDENT_STATE_OPEN;
        i->closed_us = 0;
        i->disposition[0] = '\0';
        world__set_open(w, i->id, true);
    }
}

static void claimed(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_str by = TC_BODY(e, incident_claimed)->by;
    struct tc_incident *i = changed(w, e, by);
    if (i) {
        WORLD__PUT(i->claimed_by, by);
    }
}

static void response_proposed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_response_proposed *b = e->body;
    struct tc_incident *i = world__find(w, TC_WORLD_INCIDENT, e->subject);
    if (i) {
        WORLD__PUT(i->response_proposed, b->level);
        WORLD__PUT(i->response_why_zh, b->why_zh);
        WORLD__PUT(i->response_why_en, b->why_en);
        world__touch(w, TC_WORLD_INCIDENT, i, e);
    }
}

static void response_started(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_response_started *b = e->body;
    struct tc_incident *i = changed(w, e, b->by);
    if (i) {
        WORLD__PUT(i->response, b->level);
        if (tc_str_is(b->level, i->response_proposed)) {
            i->response_proposed[0] = '\0';
        }
    }
}

static void link(struct tc_world_section *w, uint64_t from, uint64_t to, const struct tc_event *e)
{
    struct tc_incident *i = world__find(w, TC_WORLD_INCIDENT, from);
    if (i == NULL || i->links_count >= TC_COUNT_OF(i->links)) {
        return;
    }
    for (uint32_t n = 0; n < i->links_count; n++) {
        if (i->links[n] == to) {
            return;
        }
    }
    i->links[i->links_count++] = to;
    world__touch(w, TC_WORLD_INCIDENT, i, e);
}

static void linked(struct tc_world_section *w, const struct tc_event *e)
{
    uint64_t other = TC_BODY(e, incident_linked)->other;
    link(w, e->subject, other, e);
    link(w, other, e->subject, e);
}

static struct tc_recommendation *recommendation_of(struct tc_world_section *w,
                                                   const struct tc_event *e)
{
    struct tc_recommendation *r = world__find(w, TC_WORLD_RECOMMENDATION, e->subject);
    return r ? r : world__add(w, TC_WORLD_RECOMMENDATION, e->subject, e);
}

static void asked(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_recommendation_asked *b = e->body;
    struct tc_recommendation *r = recommendation_of(w, e);
    r->asked = e->seq;
    r->asked_us = e->at_us;
    r->is_pending = true;
    r->needs_count = b->needs_count > 8 ? 8 : b->needs_count;
    for (uint32_t i = 0; i < r->needs_count; i++) {
        WORLD__PUT(r->needs[i].capability, b->needs[i].capability);
        r->needs[i].count = b->needs[i].count;
    }
    world__touch(w, TC_WORLD_RECOMMENDATION, r, e);
}

static void line(struct tc_world_recommended *to, const struct tc_recommended *from)
{
    *to = (struct tc_world_recommended){.unit = from->unit,
                                        .seconds = from->seconds,
                                        .metres = from->metres,
                                        .is_chosen = from->is_chosen};
    WORLD__PUT(to->capability, from->capability);
    WORLD__PUT(to->reason, from->reason);
    WORLD__PUT(to->doubt, from->doubt);
}

static void made(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_recommendation_made *b = e->body;
    struct tc_recommendation *r = recommendation_of(w, e);
    r->made_us = e->at_us;
    r->as_of = b->as_of;
    r->is_pending = false;
    r->lines_count = b->lines_count > 48 ? 48 : b->lines_count;
    for (uint32_t i = 0; i < r->lines_count; i++) {
        line(&r->lines[i], &b->lines[i]);
    }
    r->shortfalls_count = b->shortfalls_count > 8 ? 8 : b->shortfalls_count;
    for (uint32_t i = 0; i < r->shortfalls_count; i++) {
        WORLD__PUT(r->shortfalls[i].capability, b->shortfalls[i].capability);
        r->shortfalls[i].needed = b->shortfalls[i].needed;
        r->shortfalls[i].found = b->shortfalls[i].found;
    }
    r->uncovered_count = b->uncovered_count > 8 ? 8 : b->uncovered_count;
    for (uint32_t i = 0; i < r->uncovered_count; i++) {
        WORLD__PUT(r->uncovered[i], b->uncovered[i]);
    }
    world__touch(w, TC_WORLD_RECOMMENDATION, r, e);
}

const struct world__rule world__incident_rules[] = {
    {TC_EV_REPORT_RECEIVED, report_received},
    {TC_EV_REPORT_PROPOSED, report_proposed},
    {TC_EV_REPORT_JOINED, report_joined},
    {TC_EV_REPORT_LEFT, report_left},
    {TC_EV_INCIDENT_OPENED, opened},
    {TC_EV_INCIDENT_TYPE_CHANGED, type_changed},
    {TC_EV_INCIDENT_GRADE_CHANGED, grade_changed},
    {TC_EV_INCIDENT_PLACE_CHANGED, place_changed},
    {TC_EV_INCIDENT_MERGED, merged},
    {TC_EV_INCIDENT_UNMERGED, unmerged},
    {TC_EV_INCIDENT_CLOSED, closed},
    {TC_EV_INCIDENT_REOPENED, reopened},
    {TC_EV_INCIDENT_CLAIMED, claimed},
    {TC_EV_RESPONSE_PROPOSED, response_proposed},
    {TC_EV_RESPONSE_STARTED, response_started},
    {TC_EV_INCIDENT_LINKED, linked},
    {TC_EV_RECOMMENDATION_ASKED, asked},
    {TC_EV_RECOMMENDATION_MADE, made},
    {TC_EV_NONE, NULL},
};
