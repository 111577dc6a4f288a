/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which incident a report belongs to. Each open incident gets a score from named reasons; 80 and
 * more joins by itself, 50 and more is proposed to a person, otherwise an alarm of weight or a
 * report with a clear type opens an incident of its own and the rest waits.
 */
#include "dispatch/dispatch_int.h"

#define JOIN_SCORE    80u
#define PROPOSE_SCORE 50u
#define NEAR_US       (30 * TC_MIN)
#define SAME_PLACE_M  100.0
#define NEAR_M        300.0
#define REASONS_MAX   8u

enum { SAME_FEATURE = 60, SAME_SENSOR = 70, SAME_UNIT = 70, SAME_PLACE = 50 };
enum { NEAR = 30, SAME_CALLER = 35, SAME_TYPE = 25, COMPATIBLE_TYPE = 10, NEAR_IN_TIME = 15 };

struct match {
    uint64_t incident;
    uint32_t score;
    const char *reasons[REASONS_MAX];
    uint32_t count;
    bool has_bond; /* something ties it to the place, the device or the person */
};

static void add(struct match *m, uint32_t score, const char *reason, bool is_bond)
{
    m->score += score;
    m->has_bond |= is_bond;
    if (m->count < REASONS_MAX) {
        m->reasons[m->count++] = reason;
    }
}

/** Types that one happening can be reported as. */
static bool is_compatible(const char *a, const char *b)
{
    static const char *const pairs[][2] = {
        {"waterlogging", "flood"},       {"waterlogging", "rainstorm"},
        {"waterlogging", "road_damage"}, {"flood", "rainstorm"},
        {"fire", "explosion"},           {"fire", "smoke"},
        {"pollution", "hazmat"},         {"pollution", "odour"},
        {"explosion", "hazmat"},         {"traffic", "traffic_accident"},
        {"landslide", "road_damage"},    {"medical", "traffic_accident"},
    };
    if (a[0] == '\0' || b[0] == '\0') {
        return true; /* nobody said yet what it is */
    }
    for (size_t i = 0; i < TC_COUNT_OF(pairs); i++) {
        if ((strcmp(pairs[i][0], a) == 0 && strcmp(pairs[i][1], b) == 0) ||
            (strcmp(pairs[i][0], b) == 0 && strcmp(pairs[i][1], a) == 0)) {
            return true;
        }
    }
    return false;
}

static void compare_place(const struct tc_report *r, const struct tc_incident *i, struct match *m)
{
    if (r->feature[0] && strcmp(r->feature, i->feature) == 0) {
        add(m, SAME_FEATURE, "same_feature", true);
        return;
    }
    if ((r->lon_e7 == 0 && r->lat_e7 == 0) || (i->lon_e7 == 0 && i->lat_e7 == 0)) {
        return;
    }
    double d2 = tc_world_distance2(r->lon_e7, r->lat_e7, i->lon_e7, i->lat_e7);
    if (d2 <= SAME_PLACE_M * SAME_PLACE_M) {
        add(m, SAME_PLACE, "same_place", true);
    } else if (d2 <= NEAR_M * NEAR_M) {
        add(m, NEAR, "near", true);
    }
}

/** What ties the report to an earlier report of an incident: sensor, unit, caller. */
static void compare_reports(const struct tc_world_section *w, const struct tc_report *r,
                            const struct tc_report *other, struct match *m)
{
    const struct tc_alarm *a = r->alarm ? tc_world_alarm(w, r->alarm) : NULL;
    const struct tc_alarm *b = other->alarm ? tc_world_alarm(w, other->alarm) : NULL;
    if (a && b && a->sensor && a->sensor == b->sensor) {
        add(m, SAME_SENSOR, "same_sensor", true);
    } else if (a && b && a->sensor == 0 && a->address[0] && strcmp(a->address, b->address) == 0) {
        add(m, SAME_UNIT, "same_unit", true);
    } else if (r->caller_phone[0] && strcmp(r->caller_phone, other->caller_phone) == 0) {
        add(m, SAME_CALLER, "same_caller", true);
    }
}

#define LOOK_BACK 2000u /* places of the report table looked through for ties */

/** At most one tie to each incident, from the newest reports. */
static void find_ties(const struct tc_world_section *w, const struct tc_report *r,
                      struct match *matches, size_t count)
{
    const struct tc_pool *pool = &w->tables[TC_WORLD_REPORT].pool;
    size_t seen = 0;
    for (size_t at = pool->top; at > 0 && seen < LOOK_BACK; at--) {
        const struct tc_report *other = tc_pool_at(pool, at - 1);
        if (other == NULL || other->id == r->id || other->incident == 0) {
            continue;
        }
        seen++;
        struct match tie = {0};
        compare_reports(w, r, other, &tie);
        for (size_t i = 0; tie.count && i < count; i++) {
            if (matches[i].incident == other->incident && matches[i].count == 0) {
                tie.incident = other->incident;
                matches[i] = tie;
            }
        }
    }
}

static void finish_match(const struct tc_report *r, const struct tc_incident *i, struct match *m)
{
    bool is_same_type = strcmp(r->type, i->type) == 0;
    bool is_tied = m->count > 0; /* the same sensor, unit or caller */
    compare_place(r, i, m);
    int64_t last_us = i->last_report_us > i->opened_us ? i->last_report_us : i->opened_us;
    bool is_near_in_time = r->received_us - last_us <= NEAR_US;
    bool is_same_feature = r->feature[0] && strcmp(r->feature, i->feature) == 0;
    if (!m->has_bond || (!is_same_type && !is_compatible(r->type, i->type)) ||
        (!is_near_in_time && !is_tied && !is_same_feature)) {
        m->score = 0;
        return;
    }
    add(m, is_same_type ? SAME_TYPE : COMPATIBLE_TYPE,
        is_same_type ? "same_type" : "compatible_type", false);
    if (is_near_in_time) {
        add(m, NEAR_IN_TIME, "near_in_time", false);
    }
    m->score = m->score > 100 ? 100 : m->score;
}

/** The best open incident; score 0 when none. Ties go to the older incident. */
static struct match best_match(struct dispatch__call *c, const struct tc_report *r)
{
    struct match best = {0};
    size_t count = c->w->open_count;
    if (count == 0) {
        return best;
    }
    struct match *matches = tc_arena_alloc(tc_out_arena(c->out), count * sizeof *matches);
    for (size_t i = 0; i < count; i++) {
        matches[i].incident = c->w->open_incidents[i];
    }
    find_ties(c->w, r, matches, count);
    for (size_t i = 0; i < count; i++) {
        finish_match(r, tc_world_incident(c->w, matches[i].incident), &matches[i]);
        if (matches[i].score > best.score) {
            best = matches[i];
        }
    }
    return best;
}

static const struct tc_str *copy_reasons(struct dispatch__call *c, const struct match *m)
{
    struct tc_str *list = tc_arena_alloc(tc_out_arena(c->out), REASONS_MAX * sizeof *list);
    for (uint32_t i = 0; i < m->count; i++) {
        list[i] = tc_str_of(m->reasons[i]); /* static */
    }
    return list;
}

static void join(struct dispatch__call *c, const struct tc_report *r, const struct match *m)
{
    struct tc_ev_report_joined *b = tc_emit(c->out, TC_EV_REPORT_JOINED, r->id, NULL);
    b->incident = m->incident;
    b->score = (uint16_t)m->score;
    b->reasons = copy_reasons(c, m);
    b->reasons_count = m->count;
}

static void propose(struct dispatch__call *c, const struct tc_report *r, const struct match *m)
{
    struct tc_ev_report_proposed *b = tc_emit(c->out, TC_EV_REPORT_PROPOSED, r->id, NULL);
    b->incident = m->incident;
    b->score = (uint16_t)m->score;
    b->reasons = copy_reasons(c, m);
    b->reasons_count = m->count;
}

void dispatch__emit_join(struct dispatch__call *c, uint64_t report, uint64_t incident,
                         struct tc_str by, const char *reason)
{
    struct tc_str *reasons = tc_arena_alloc(tc_out_arena(c->out), sizeof *reasons);
    *reasons = tc_str_of(reason);
    struct tc_ev_report_joined *b = tc_emit(c->out, TC_EV_REPORT_JOINED, report, NULL);
    b->incident = incident;
    b->reasons = reasons;
    b->reasons_count = 1;
    b->by = tc_out_copy(c->out, by);
}

uint64_t dispatch__emit_incident(struct dispatch__call *c, const struct dispatch__opening *o)
{
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, o->lon_e7, o->lat_e7, &place);
    uint32_t day = tc_world_day(c->now_us);
    uint64_t id = 0;
    struct tc_ev_incident_opened *b = tc_emit(c->out, TC_EV_INCIDENT_OPENED, 0, &id);
    b->number = tc_out_format(c->out, "%u-%04u", day, tc_world_count_of(c->w, "incident", day) + 1);
    b->type = tc_out_copy(c->out, o->type);
    b->grade = o->grade;
    b->title = tc_out_copy(c->out, o->title);
    b->lon_e7 = o->lon_e7;
    b->lat_e7 = o->lat_e7;
    b->place_zh = dispatch__copy(c, place.text_zh);
    b->place_en = dispatch__copy(c, place.text_en);
    b->grid = dispatch__copy(c, place.grid);
    b->community = dispatch__copy(c, place.community);
    b->subdistrict = dispatch__copy(c, place.subdistrict);
    b->feature =
        o->feature.len ? tc_out_copy(c->out, o->feature) : dispatch__copy(c, place.feature);
    b->by = tc_out_copy(c->out, o->by);
    return id;
}

static bool may_open(const struct tc_world_section *w, const struct tc_report *r)
{
    const struct tc_alarm *a = r->alarm ? tc_world_alarm(w, r->alarm) : NULL;
    if (a) {
        return a->level >= TC_ALARM_LEVEL_WARNING || a->signs;
    }
    bool is_said = strcmp(r->channel, "case") == 0 || strcmp(r->channel, "phone") == 0;
    return is_said && r->type[0] != '\0';
}

static void open_for(struct dispatch__call *c, const struct tc_report *r)
{
    if (!tc_world_has_room(c->w, TC_WORLD_INCIDENT, 1) ||
        !tc_world_has_room(c->w, TC_WORLD_RECOMMENDATION, 1)) {
        return; /* the report waits in the queue */
    }
    struct dispatch__opening o = {.type = tc_str_of(r->type),
                                  .lon_e7 = r->lon_e7,
                                  .lat_e7 = r->lat_e7,
                                  .feature = tc_str_of(r->feature)};
    uint64_t incident = dispatch__emit_incident(c, &o);
    dispatch__emit_join(c, r->id, incident, TC_STR(""), "opened_it");
}

void dispatch__correlate(struct dispatch__call *c, const struct tc_report *r)
{
    struct match m = best_match(c, r);
    if (m.score >= JOIN_SCORE) {
        join(c, r, &m);
    } else if (m.score >= PROPOSE_SCORE) {
        propose(c, r, &m);
    } else if (may_open(c->w, r)) {
        open_for(c, r);
    }
}

static bool contains(struct tc_str text, struct tc_str word)
{
    for (size_t i = 0; word.len && i + word.len <= text.len; i++) {
        if (memcmp(text.at + i, word.at, word.len) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t words_in(const char *words, struct tc_str text)
{
    uint32_t found = 0;
    const char *at = words;
    while (*at) {
        const char *end = at;
        while (*end && *end != ' ') {
            end++;
        }
        found += contains(text, (struct tc_str){at, (size_t)(end - at)});
        at = *end ? end + 1 : end;
    }
    return found;
}

struct tc_str dispatch__type_of_words(const struct tc_world_section *w, struct tc_str text)
{
    const struct tc_incident_type *best = NULL;
    uint32_t most = 0;
    TC_WORLD_EACH(w, TC_WORLD_INCIDENT_TYPE, struct tc_incident_type, t)
    {
        uint32_t found = words_in(t->words, text);
        if (found > most || (found && found == most && t->id < best->id)) {
            most = found;
            best = t;
        }
    }
    return best ? tc_str_of(best->code) : (struct tc_str){NULL, 0};
}
