/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/world_int.h"

/** The item an event corrects, or a new one. */
static void *upsert(struct tc_world_section *w, enum tc_world_table table, const struct tc_event *e)
{
    void *item = world__find(w, table, e->subject);
    if (item) {
        world__touch(w, table, item, e);
        return item;
    }
    return world__add(w, table, e->seq, e);
}

static void run_card_set(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_run_card_set *b = e->body;
    struct tc_run_card *c = upsert(w, TC_WORLD_RUN_CARD, e);
    WORLD__PUT(c->type, b->type);
    c->grade = b->grade;
    memset(c->needs, 0, sizeof c->needs);
    c->needs_count = b->needs_count > 8 ? 8 : b->needs_count;
    for (uint32_t i = 0; i < c->needs_count; i++) {
        WORLD__PUT(c->needs[i].capability, b->needs[i].capability);
        c->needs[i].count = b->needs[i].count;
    }
}

static void status_meaning_set(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_status_meaning_set *b = e->body;
    struct tc_status_meaning *m = upsert(w, TC_WORLD_STATUS_MEANING, e);
    WORLD__PUT(m->network, b->network);
    m->code = b->code;
    WORLD__PUT(m->label_zh, b->label_zh);
    WORLD__PUT(m->label_en, b->label_en);
    m->state = b->state;
    m->is_alarm = b->is_alarm;
    world__index_meaning(w, m);
}

static void incident_type_set(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_incident_type_set *b = e->body;
    struct tc_incident_type *t = upsert(w, TC_WORLD_INCIDENT_TYPE, e);
    WORLD__PUT(t->code, b->code);
    WORLD__PUT(t->name_zh, b->name_zh);
    WORLD__PUT(t->name_en, b->name_en);
    WORLD__PUT(t->words, b->words);
}

static void service_set(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_service_set *b = e->body;
    struct tc_service *s = upsert(w, TC_WORLD_SERVICE, e);
    WORLD__PUT(s->code, b->code);
    WORLD__PUT(s->name_zh, b->name_zh);
    WORLD__PUT(s->name_en, b->name_en);
    WORLD__PUT(s->incident_type, b->incident_type);
}

static void road_closed(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_road_closed *b = e->body;
    struct tc_closure *c = world__add(w, TC_WORLD_CLOSURE, e->seq, e);
    WORLD__PUT(c->layer, b->layer);
    WORLD__PUT(c->feature, b->feature);
    c->lon_e7 = b->lon_e7;
    c->lat_e7 = b->lat_e7;
    c->radius_m = b->radius_m;
    WORLD__PUT(c->why, b->why);
    c->incident = b->incident;
    WORLD__PUT(c->by, b->by);
    c->closed_us = e->occurred_us;
}

static void road_opened(struct tc_world_section *w, const struct tc_event *e)
{
    world__remove(w, TC_WORLD_CLOSURE, e->subject, e);
}

static void layer_loaded(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_layer_loaded *b = e->body;
    struct tc_map_layer *l = NULL;
    TC_POOL_EACH(&w->tables[TC_WORLD_MAP_LAYER].pool, struct tc_map_layer, old)
    {
        if (tc_str_is(b->name, old->name)) {
            l = old;
        }
    }
    if (l == NULL && tc_pool_is_full(&w->tables[TC_WORLD_MAP_LAYER].pool)) {
        return;
    }
    l = l ? l : world__add(w, TC_WORLD_MAP_LAYER, e->seq, e);
    WORLD__PUT(l->name, b->name);
    WORLD__PUT(l->hash, b->hash);
    l->features = b->features;
    l->is_sample = b->is_sample;
    world__touch(w, TC_WORLD_MAP_LAYER, l, e);
}

static void clock_started(struct tc_world_section *w, const struct tc_event *e)
{
    const struct tc_ev_clock_started *b = e->body;
    struct tc_clock *c = world__add(w, TC_WORLD_CLOCK, e->seq, e);
    c->incident = e->subject;
    WORLD__PUT(c->name, b->name);
    c->due_us = b->due_us;
    c->timer = b->timer;
    world__index_clock(w, c);
}

static struct tc_clock *clock_named(struct tc_world_section *w, const struct tc_event *e,
                                    struct tc_str name)
{
    const struct tc_clock *c = tc_world_clock_of(w, e->subject, name);
    return c ? world__find(w, TC_WORLD_CLOCK, c->id) : NULL;
}

static void clock_stopped(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_clock *c = clock_named(w, e, TC_BODY(e, clock_stopped)->name);
    if (c) {
        world__unindex_clock(w, c);
        world__remove(w, TC_WORLD_CLOCK, c->id, e);
    }
}

static void clock_ran_out(struct tc_world_section *w, const struct tc_event *e)
{
    struct tc_clock *c = clock_named(w, e, TC_BODY(e, clock_ran_out)->name);
    if (c) {
        tc_map_remove(&w->clock_by_timer, c->timer);
        c->timer = 0;
        c->ran_out = true;
        world__touch(w, TC_WORLD_CLOCK, c, e);
    }
}

const struct world__rule world__master_rules[] = {
    {TC_EV_RUN_CARD_SET, run_card_set},
    {TC_EV_STATUS_MEANING_SET, status_meaning_set},
    {TC_EV_INCIDENT_TYPE_SET, incident_type_set},
    {TC_EV_SERVICE_SET, service_set},
    {TC_EV_ROAD_CLOSED, road_closed},
    {TC_EV_ROAD_OPENED, road_opened},
    {TC_EV_LAYER_LOADED, layer_loaded},
    {TC_EV_CLOCK_STARTED, clock_started},
    {TC_EV_CLOCK_STOPPED, clock_stopped},
    {TC_EV_CLOCK_RAN_OUT, clock_ran_out},
    {TC_EV_NONE, NULL},
};
