/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units proposed for an incident. The question (travel times of every free unit that has what is
 * needed) goes to a lane; the answer is checked against the world as it is then and becomes
 * recommendation.made. An answer that does not know the newest closure is asked again.
 */
#include <stdlib.h>

#include "dispatch/recommend_int.h"

#define SOURCES_MAX    512u
#define STALE_US       (10 * TC_MIN)
#define ANSWER_LOST_US (30 * TC_SEC) /* a lane that is full drops questions */
#define ASK_ROADS_MAX  64u           /* incidents asked again after a road changed, newest first */
#define ASK_UNIT_MAX   8u            /* the same after a unit changed */

bool recommend__has(const struct tc_unit *u, const char *capability)
{
    if (capability[0] == '\0') {
        return true;
    }
    for (uint32_t i = 0; i < u->capabilities_count; i++) {
        if (strcmp(u->capabilities[i].capability, capability) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_on(const struct tc_world_section *w, const struct tc_unit *u, uint64_t incident)
{
    return u->assignments_count && dispatch__is_assigned(w, u, incident);
}

/** Units already sent count once, for the first need that they meet. */
static void take_off_sent(const struct tc_world_section *w, uint64_t incident,
                          struct recommend__needs *needs)
{
    TC_WORLD_EACH(w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        for (uint32_t i = 0; is_on(w, u, incident) && i < needs->count; i++) {
            if (needs->list[i].count && recommend__has(u, needs->list[i].capability)) {
                needs->list[i].count--;
                break;
            }
        }
    }
}

void recommend__needs_of(const struct tc_world_section *w, const struct tc_incident *i,
                         const struct tc_recommendation *r, struct recommend__needs *needs)
{
    const struct tc_run_card *card = tc_world_run_card_of(w, tc_str_of(i->type), i->grade);
    *needs = (struct recommend__needs){.count = 1};
    needs->list[0].count = 1; /* no card: the nearest unit of any kind */
    if (r && r->needs_count) {
        needs->count = r->needs_count;
        memcpy(needs->list, r->needs, sizeof needs->list);
    } else if (card && card->needs_count) {
        needs->count = card->needs_count;
        memcpy(needs->list, card->needs, sizeof needs->list);
    }
    take_off_sent(w, i->id, needs);
}

bool recommend__wants(const struct recommend__needs *needs, const struct tc_unit *u)
{
    for (uint32_t i = 0; i < needs->count; i++) {
        if (recommend__has(u, needs->list[i].capability)) {
            return true;
        }
    }
    return false;
}

const char *recommend__place(const struct tc_unit *u, int64_t now_us, int32_t *lon_e7,
                             int32_t *lat_e7)
{
    if (u->position_at_us) {
        *lon_e7 = u->lon_e7;
        *lat_e7 = u->lat_e7;
        if (u->is_doubtful) {
            return "doubtful_position";
        }
        return now_us - u->position_at_us > STALE_US ? "stale_position" : "";
    }
    *lon_e7 = u->home_lon_e7;
    *lat_e7 = u->home_lat_e7;
    return u->home_lon_e7 || u->home_lat_e7 ? "home_position" : NULL;
}

struct source {
    double d2;
    struct tc_travel_source travel;
};

static int by_distance(const void *a, const void *b)
{
    const struct source *left = a;
    const struct source *right = b;
    if (left->d2 < right->d2 || left->d2 > right->d2) {
        return left->d2 < right->d2 ? -1 : 1;
    }
    return left->travel.unit < right->travel.unit ? -1 : left->travel.unit > right->travel.unit;
}

/** Free units that have what is needed and are somewhere; NULL when there are none. */
static struct tc_travel_question *question_of(struct dispatch__call *c, const struct tc_incident *i,
                                              const struct recommend__needs *needs)
{
    size_t room = c->w->tables[TC_WORLD_UNIT].pool.count;
    struct source *sources = tc_alloc(room * sizeof *sources + 1);
    TC_REQUIRE(sources != NULL);
    size_t count = 0;
    TC_WORLD_EACH(c->w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        struct tc_travel_source *s = &sources[count].travel;
        if (!tc_world_unit_is_free(u) || !recommend__wants(needs, u) ||
            recommend__place(u, c->now_us, &s->lon_e7, &s->lat_e7) == NULL) {
            continue;
        }
        s->unit = u->id;
        s->unit_class = (uint8_t)u->kind;
        sources[count].d2 = tc_world_distance2(s->lon_e7, s->lat_e7, i->lon_e7, i->lat_e7);
        count++;
    }
    qsort(sources, count, sizeof *sources, by_distance);
    count = count > SOURCES_MAX ? SOURCES_MAX : count;
    struct tc_travel_question *q = count ? tc_travel_question_create(count) : NULL;
    for (size_t n = 0; n < count; n++) {
        q->sources[n] = sources[n].travel;
    }
    tc_free(sources);
    return q;
}

static uint64_t emit_asked(struct dispatch__call *c, uint64_t incident, const char *why,
                           const struct recommend__needs *asked)
{
    struct tc_need *needs = tc_arena_alloc(tc_out_arena(c->out), 8 * sizeof *needs);
    for (uint32_t i = 0; i < asked->count; i++) {
        needs[i].capability = dispatch__copy(c, asked->list[i].capability);
        needs[i].count = asked->list[i].count;
    }
    uint64_t id = 0;
    struct tc_ev_recommendation_asked *b =
        tc_emit(c->out, TC_EV_RECOMMENDATION_ASKED, incident, &id);
    b->needs = needs;
    b->needs_count = asked->count;
    b->why = tc_str_of(why);
    return id;
}

/** `asked` has count 0 for the run card's needs. */
static void ask(struct dispatch__call *c, const struct tc_incident *i, const char *why,
                const struct recommend__needs *asked)
{
    bool is_new = tc_world_recommendation(c->w, i->id) == NULL;
    if (is_new && !tc_world_has_room(c->w, TC_WORLD_RECOMMENDATION, 1)) {
        return;
    }
    struct tc_recommendation wanted = {.needs_count = asked->count};
    memcpy(wanted.needs, asked->list, sizeof wanted.needs);
    struct recommend__needs needs;
    recommend__needs_of(c->w, i, &wanted, &needs);
    uint64_t id = emit_asked(c, i->id, why, asked);
    bool is_placed = i->lon_e7 || i->lat_e7;
    struct tc_travel_question *q = is_placed ? question_of(c, i, &needs) : NULL;
    if (q == NULL) { /* nothing to work out: say at once what is missing */
        recommend__emit(c, i, &needs, NULL);
        return;
    }
    q->subject = i->id;
    q->argument = id;
    q->as_of = c->live->seq;
    q->lon_e7 = i->lon_e7;
    q->lat_e7 = i->lat_e7;
    tc_ask(c->out, q);
}

void dispatch__ask(struct dispatch__call *c, const struct tc_incident *i, const char *why,
                   const struct tc_need *needs, uint32_t needs_count)
{
    struct recommend__needs asked = {.count = needs_count > 8 ? 8 : needs_count};
    for (uint32_t n = 0; n < asked.count; n++) {
        struct tc_unit_need *to = &asked.list[n];
        (void)tc_str_put(to->capability, sizeof to->capability, needs[n].capability);
        to->count = needs[n].count;
    }
    ask(c, i, why, &asked);
}

void dispatch__ask_again(struct dispatch__call *c, const struct tc_recommendation *r,
                         const char *why)
{
    const struct tc_incident *i = tc_world_incident(c->w, r->id);
    struct recommend__needs asked = {.count = r->needs_count};
    memcpy(asked.list, r->needs, sizeof asked.list);
    if (i && i->state == TC_INCIDENT_STATE_OPEN) {
        ask(c, i, why, &asked);
    }
}

/** Never asked, or its answer is on the way: that is checked when it comes. */
static bool needs_no_asking(const struct dispatch__call *c, const struct tc_recommendation *r)
{
    return r == NULL || r->asked == 0 ||
           (r->is_pending && c->now_us - r->asked_us < ANSWER_LOST_US);
}

void dispatch__ask_after_roads(struct dispatch__call *c)
{
    size_t asked = 0;
    for (size_t at = c->w->open_count; at > 0 && asked < ASK_ROADS_MAX; at--) {
        const struct tc_recommendation *r =
            tc_world_recommendation(c->w, c->w->open_incidents[at - 1]);
        if (!needs_no_asking(c, r)) {
            dispatch__ask_again(c, r, "roads_changed");
            asked++;
        }
    }
}

/** It was proposed, or it has what is missing. */
static bool concerns(const struct tc_recommendation *r, const struct tc_unit *u)
{
    for (uint32_t i = 0; i < r->lines_count; i++) {
        if (r->lines[i].unit == u->id && r->lines[i].is_chosen) {
            return true;
        }
    }
    for (uint32_t i = 0; i < r->shortfalls_count && tc_world_unit_is_free(u); i++) {
        if (recommend__has(u, r->shortfalls[i].capability)) {
            return true;
        }
    }
    return false;
}

void dispatch__ask_after_unit(struct dispatch__call *c, const struct tc_unit *u)
{
    size_t asked = 0;
    for (size_t at = c->w->open_count; at > 0 && asked < ASK_UNIT_MAX; at--) {
        const struct tc_recommendation *r =
            tc_world_recommendation(c->w, c->w->open_incidents[at - 1]);
        if (!needs_no_asking(c, r) && concerns(r, u)) {
            dispatch__ask_again(c, r, "unit_changed");
            asked++;
        }
    }
}

void dispatch__answer(struct dispatch__call *c)
{
    const struct tc_travel_question *q = c->in->answer;
    const struct tc_incident *i = tc_world_incident(c->w, q->subject);
    const struct tc_recommendation *r = tc_world_recommendation(c->w, q->subject);
    if (i == NULL || i->state != TC_INCIDENT_STATE_OPEN || r == NULL || r->asked != q->argument) {
        return; /* over, or asked anew */
    }
    if (c->w->tables[TC_WORLD_CLOSURE].touched_last > q->as_of) {
        dispatch__ask_again(c, r, "roads_changed");
        return;
    }
    struct recommend__needs needs;
    recommend__needs_of(c->w, i, r, &needs);
    recommend__emit(c, i, &needs, q);
}
