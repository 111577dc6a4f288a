/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is over leaves the model, oldest first; the journal keeps it. When is decided by counts of
 * the tables alone, so that live, follower and a replayed model drop the same items in the same
 * event.
 */
#include <stdlib.h>

#include "dispatch/world_int.h"

#define EVICT_EVERY 128u /* additions between looks, past the high mark */

static bool incident_is_over(const struct tc_world_section *w, uint64_t id)
{
    const struct tc_incident *i = tc_world_incident(w, id);
    return i == NULL || i->state == TC_INCIDENT_STATE_CLOSED;
}

static bool case_is_over(const struct tc_case *c)
{
    return c->stage == TC_STAGE_CLOSED || c->stage == TC_STAGE_EVALUATED ||
           c->stage == TC_STAGE_REJECTED;
}

static bool order_is_over(const struct tc_world_section *w, const struct tc_order *o)
{
    const struct tc_assignment *a = o->assignment ? tc_world_assignment(w, o->assignment) : NULL;
    return o->state >= TC_ORDER_STATE_ACCEPTED &&
           (a == NULL || a->state == TC_ASSIGNMENT_STATE_DONE);
}

static bool report_is_over(const struct tc_world_section *w, const struct tc_report *r)
{
    if (r->incident) {
        return incident_is_over(w, r->incident);
    }
    if (r->alarm) {
        const struct tc_alarm *a = tc_world_alarm(w, r->alarm);
        return a == NULL || a->state == TC_ALARM_STATE_CLEARED;
    }
    if (r->case_id) {
        const struct tc_case *c = tc_world_case(w, r->case_id);
        return c == NULL || case_is_over(c);
    }
    return false;
}

static bool clock_is_over(const struct tc_world_section *w, const struct tc_clock *c)
{
    const struct tc_order *o = tc_world_order(w, c->incident);
    return c->ran_out && (o ? order_is_over(w, o) : incident_is_over(w, c->incident));
}

static bool merge_is_over(const struct tc_world_section *w, const struct tc_incident *i)
{
    return i->state == TC_INCIDENT_STATE_CLOSED ||
           (i->state == TC_INCIDENT_STATE_MERGED && incident_is_over(w, i->merged_into));
}

bool world__is_ended(const struct tc_world_section *w, enum tc_world_table table, const void *item)
{
    if (table == TC_WORLD_ALARM) {
        return ((const struct tc_alarm *)item)->state == TC_ALARM_STATE_CLEARED;
    }
    if (table == TC_WORLD_CASE) {
        return case_is_over(item);
    }
    if (table == TC_WORLD_REPORT) {
        return report_is_over(w, item);
    }
    if (table == TC_WORLD_INCIDENT) {
        return merge_is_over(w, item);
    }
    if (table == TC_WORLD_RECOMMENDATION) {
        return incident_is_over(w, ((const struct tc_recommendation *)item)->id);
    }
    if (table == TC_WORLD_ASSIGNMENT) {
        return ((const struct tc_assignment *)item)->state == TC_ASSIGNMENT_STATE_DONE;
    }
    if (table == TC_WORLD_ORDER) {
        return order_is_over(w, item);
    }
    return table == TC_WORLD_CLOCK && clock_is_over(w, item);
}

static int by_id(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/** Ids of ended items into `ids` (may be NULL: only counted). */
static size_t ended(const struct tc_world_section *w, enum tc_world_table table, uint64_t *ids)
{
    size_t count = 0;
    TC_WORLD_EACH(w, table, uint64_t, item)
    { /* an item begins with its id */
        if (world__is_ended(w, table, item)) {
            if (ids) {
                ids[count] = *item;
            }
            count++;
        }
    }
    return count;
}

void world__evict(struct tc_world_section *w, enum tc_world_table table, uint64_t seq)
{
    struct tc_table *t = &w->tables[table];
    size_t high = t->pool.count_max / 5 * 4;
    if (t->pool.count < high || (t->pool.count % EVICT_EVERY != 0 && !tc_pool_is_full(&t->pool))) {
        return;
    }
    uint64_t *ids = tc_alloc(t->pool.count * sizeof *ids);
    TC_REQUIRE(ids != NULL);
    size_t count = ended(w, table, ids);
    qsort(ids, count, sizeof *ids, by_id);
    size_t surplus = t->pool.count - high + EVICT_EVERY;
    for (size_t i = 0; i < count && i < surplus; i++) {
        tc_table_remove(t, ids[i], seq);
    }
    tc_free(ids);
}

bool tc_world_has_room(const struct tc_world_section *w, enum tc_world_table table, size_t n)
{
    const struct tc_pool *p = &w->tables[table].pool;
    return p->count + n <= p->count_max || p->count - ended(w, table, NULL) + n <= p->count_max;
}
