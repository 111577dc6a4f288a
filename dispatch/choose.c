/* SPDX-License-Identifier: Apache-2.0 */
/* From travel times to a recommendation: who, why, what is missing, what stays uncovered. */
#include <stdlib.h>

#include "dispatch/recommend_int.h"

#define LINES_MAX      48u
#define SHORTFALLS_MAX 8u
#define UNCOVERED_MAX  8u
#define OTHERS_MAX     3u /* near units without the capability, to say why not they */
#define OTHERS_M       3000.0

struct candidate {
    const struct tc_unit *unit;
    uint32_t seconds;
    uint32_t metres;
    const char *doubt;
    bool is_chosen;
};

struct choice {
    struct dispatch__call *c;
    const struct tc_incident *incident;
    const struct recommend__needs *needs;
    struct candidate *candidates;
    size_t count;
    struct tc_recommended *lines;
    uint32_t line_count;
};

static int by_time(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    if (left->seconds != right->seconds) {
        return left->seconds < right->seconds ? -1 : 1;
    }
    return left->unit->id < right->unit->id ? -1 : left->unit->id > right->unit->id;
}

/** Who was asked about and is still free. */
static void collect(struct choice *ch, const struct tc_travel_question *answer)
{
    size_t room = answer ? answer->source_count : 0;
    ch->candidates = tc_arena_alloc(tc_out_arena(ch->c->out), room * sizeof *ch->candidates + 1);
    for (size_t i = 0; i < room; i++) {
        const struct tc_travel_answer *r = &answer->results[i];
        const struct tc_unit *u = tc_world_unit(ch->c->w, answer->sources[i].unit);
        int32_t lon_e7 = 0;
        int32_t lat_e7 = 0;
        if (u == NULL || !tc_world_unit_is_free(u) || !recommend__wants(ch->needs, u)) {
            continue;
        }
        const char *doubt = recommend__place(u, ch->c->now_us, &lon_e7, &lat_e7);
        if (doubt == NULL || doubt[0] == '\0') {
            doubt = r->doubt ? r->doubt : "";
        }
        ch->candidates[ch->count++] =
            (struct candidate){.unit = u, .seconds = r->seconds, .metres = r->metres, doubt, false};
    }
    qsort(ch->candidates, ch->count, sizeof *ch->candidates, by_time);
}

static const char *first_need(const struct choice *ch, const struct tc_unit *u)
{
    for (uint32_t i = 0; i < ch->needs->count; i++) {
        if (recommend__has(u, ch->needs->list[i].capability)) {
            return ch->needs->list[i].capability;
        }
    }
    return "";
}

static struct tc_recommended *add_line(struct choice *ch, const struct tc_unit *u,
                                       const char *capability, const char *reason)
{
    if (ch->line_count >= LINES_MAX) {
        return NULL;
    }
    struct tc_recommended *line = &ch->lines[ch->line_count++];
    line->unit = u->id;
    line->capability = dispatch__copy(ch->c, capability);
    line->reason = tc_str_of(reason); /* static */
    line->seconds = UINT32_MAX;
    return line;
}

static void add_candidate(struct choice *ch, const struct candidate *k, const char *capability,
                          const char *reason)
{
    struct tc_recommended *line = add_line(ch, k->unit, capability, reason);
    if (line) {
        line->seconds = k->seconds;
        line->metres = k->seconds == UINT32_MAX ? 0 : k->metres;
        line->is_chosen = k->is_chosen;
        line->doubt = dispatch__copy(ch->c, k->doubt);
    }
}

/** The nearest ones by time for each need; a unit fills one need. */
static void choose(struct choice *ch, struct tc_ev_recommendation_made *b,
                   struct tc_shortfall *shortfalls)
{
    for (uint32_t n = 0; n < ch->needs->count; n++) {
        const struct tc_unit_need *need = &ch->needs->list[n];
        uint16_t found = 0;
        for (size_t i = 0; i < ch->count && found < need->count; i++) {
            struct candidate *k = &ch->candidates[i];
            if (!k->is_chosen && k->seconds != UINT32_MAX &&
                recommend__has(k->unit, need->capability)) {
                k->is_chosen = true;
                found++;
                add_candidate(ch, k, need->capability, "closest");
            }
        }
        if (found < need->count && b->shortfalls_count < SHORTFALLS_MAX) {
            shortfalls[b->shortfalls_count++] =
                (struct tc_shortfall){.capability = dispatch__copy(ch->c, need->capability),
                                      .needed = need->count,
                                      .found = found};
        }
    }
}

static void pass_over(struct choice *ch)
{
    for (size_t i = 0; i < ch->count; i++) {
        const struct candidate *k = &ch->candidates[i];
        if (!k->is_chosen) {
            bool is_lost = k->seconds == UINT32_MAX;
            add_candidate(ch, k, first_need(ch, k->unit), is_lost ? "unreachable" : "farther");
        }
    }
}

/** Why a unit that has what is needed was not asked about; NULL when it was. */
static const char *why_not(const struct choice *ch, const struct tc_unit *u)
{
    int32_t lon_e7 = 0;
    int32_t lat_e7 = 0;
    if (dispatch__is_assigned(ch->c->w, u, ch->incident->id)) {
        return "already_assigned";
    }
    if (u->state == TC_UNIT_STATE_OFF_DUTY) {
        return "off_duty";
    }
    if (!tc_world_unit_is_free(u)) {
        return "busy";
    }
    if (recommend__place(u, ch->c->now_us, &lon_e7, &lat_e7) == NULL) {
        return "no_position";
    }
    return ch->incident->lon_e7 || ch->incident->lat_e7 ? NULL : "no_place";
}

static void name_others(struct choice *ch)
{
    uint32_t others = 0;
    TC_WORLD_EACH(ch->c->w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        if (recommend__wants(ch->needs, u)) {
            const char *why = why_not(ch, u);
            if (why) {
                (void)add_line(ch, u, first_need(ch, u), why);
            }
            continue;
        }
        bool is_near =
            u->position_at_us && tc_world_distance2(u->lon_e7, u->lat_e7, ch->incident->lon_e7,
                                                    ch->incident->lat_e7) < OTHERS_M * OTHERS_M;
        if (others < OTHERS_MAX && is_near && tc_world_unit_is_free(u)) {
            (void)add_line(ch, u, "", "wrong_capability");
            others++;
        }
    }
}

static bool is_chosen(const struct choice *ch, uint64_t unit)
{
    for (uint32_t i = 0; i < ch->line_count; i++) {
        if (ch->lines[i].is_chosen && ch->lines[i].unit == unit) {
            return true;
        }
    }
    return false;
}

static bool stays_covered(const struct choice *ch, const char *capability)
{
    TC_WORLD_EACH(ch->c->w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        if (tc_world_unit_is_free(u) && recommend__has(u, capability) && !is_chosen(ch, u->id)) {
            return true;
        }
    }
    return false;
}

static bool is_listed(const struct tc_str *list, uint32_t count, const char *capability)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tc_str_is(list[i], capability)) {
            return true;
        }
    }
    return false;
}

/** Capabilities of which no free unit is left once the chosen ones have gone. */
static void find_uncovered(struct choice *ch, struct tc_ev_recommendation_made *b)
{
    struct tc_str *list = tc_arena_alloc(tc_out_arena(ch->c->out), UNCOVERED_MAX * sizeof *list);
    for (size_t i = 0; i < ch->count; i++) {
        const struct tc_unit *u = ch->candidates[i].unit;
        for (uint32_t n = 0; ch->candidates[i].is_chosen && n < u->capabilities_count; n++) {
            const char *capability = u->capabilities[n].capability;
            if (b->uncovered_count < UNCOVERED_MAX &&
                !is_listed(list, b->uncovered_count, capability) &&
                !stays_covered(ch, capability)) {
                list[b->uncovered_count++] = dispatch__copy(ch->c, capability);
            }
        }
    }
    b->uncovered = list;
}

void recommend__emit(struct dispatch__call *c, const struct tc_incident *i,
                     const struct recommend__needs *needs, const struct tc_travel_question *answer)
{
    struct tc_arena *arena = tc_out_arena(c->out);
    struct choice ch = {.c = c, .incident = i, .needs = needs};
    struct tc_shortfall *shortfalls = tc_arena_alloc(arena, SHORTFALLS_MAX * sizeof *shortfalls);
    ch.lines = tc_arena_alloc(arena, LINES_MAX * sizeof *ch.lines);
    collect(&ch, answer);
    struct tc_ev_recommendation_made *b = tc_emit(c->out, TC_EV_RECOMMENDATION_MADE, i->id, NULL);
    choose(&ch, b, shortfalls);
    pass_over(&ch);
    name_others(&ch);
    find_uncovered(&ch, b);
    b->as_of = answer ? answer->as_of : c->live->seq;
    b->lines = ch.lines;
    b->lines_count = ch.line_count;
    b->shortfalls = shortfalls;
}
