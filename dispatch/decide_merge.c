/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging moves report links and lists them; units and orders stay with the incident they were sent
 * to, and the incident that goes on cannot close before they are done. Undoing a merge moves back
 * the links that still stand and lists what was done on the other incident since.
 */
#include <stdlib.h>

#include "dispatch/dispatch_int.h"

#define MOVED_MAX 512u
#define SINCE_MAX 64u

static int by_id(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/** Reports of `incident` (that came from `from`, when it is not 0), in order of id. */
static uint64_t *reports_of(struct dispatch__call *c, uint64_t incident, uint64_t from,
                            uint32_t *count)
{
    uint64_t *ids = tc_arena_alloc(tc_out_arena(c->out), (MOVED_MAX + 1) * sizeof *ids);
    *count = 0;
    TC_WORLD_EACH(c->w, TC_WORLD_REPORT, struct tc_report, r)
    {
        if (r->incident == incident && (from == 0 || r->merged_from == from) &&
            *count <= MOVED_MAX) {
            ids[(*count)++] = r->id;
        }
    }
    qsort(ids, *count, sizeof *ids, by_id);
    return ids;
}

static void merge(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_merge *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    const struct tc_incident *into = i ? dispatch__open_incident(c, b->into) : NULL;
    if (into == NULL || DISPATCH__IS_STALE(c, command, i)) {
        return;
    }
    if (i == into) {
        tc_refuse(c->out, "same_incident", 0, "%s", i->number);
        return;
    }
    uint32_t count = 0;
    const uint64_t *ids = reports_of(c, i->id, 0, &count);
    if (count > MOVED_MAX) {
        tc_refuse(c->out, "too_many_reports", 0, "%s %u", i->number, i->reports);
        return;
    }
    struct tc_ev_incident_merged *to = tc_emit(c->out, TC_EV_INCIDENT_MERGED, i->id, NULL);
    to->into = into->id;
    to->reports_count = count;
    to->reports = ids;
    to->why = tc_out_copy(c->out, b->why);
    to->by = tc_out_copy(c->out, command->who);
}

static void add_since(uint64_t *list, size_t *count, uint64_t id, uint64_t after)
{
    if (id > after && *count < SINCE_MAX * 4) {
        list[(*count)++] = id;
    }
}

/** Reports joined, units sent and orders given on `into` after the merge. */
static uint64_t *since_merge(struct dispatch__call *c, const struct tc_incident *i, uint32_t *count)
{
    uint64_t *list = tc_arena_alloc(tc_out_arena(c->out), SINCE_MAX * 4 * sizeof *list);
    size_t n = 0;
    TC_WORLD_EACH(c->w, TC_WORLD_REPORT, struct tc_report, r)
    {
        if (r->incident == i->merged_into) {
            add_since(list, &n, r->id, i->merged_seq);
        }
    }
    TC_WORLD_EACH(c->w, TC_WORLD_ASSIGNMENT, struct tc_assignment, a)
    {
        if (a->incident == i->merged_into) {
            add_since(list, &n, a->id, i->merged_seq);
        }
    }
    TC_WORLD_EACH(c->w, TC_WORLD_ORDER, struct tc_order, o)
    {
        if (o->incident == i->merged_into) {
            add_since(list, &n, o->id, i->merged_seq);
        }
    }
    qsort(list, n, sizeof *list, by_id);
    *count = n > SINCE_MAX ? SINCE_MAX : (uint32_t)n;
    return list;
}

static void unmerge(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_unmerge *b = command->body;
    const struct tc_incident *i = tc_world_incident(c->w, b->incident);
    if (i == NULL) {
        tc_refuse(c->out, "incident_not_found", 0, "%llu", (unsigned long long)b->incident);
        return;
    }
    if (i->state != TC_INCIDENT_STATE_MERGED) {
        tc_refuse(c->out, "incident_not_merged", 0, "%s", i->number);
        return;
    }
    if (DISPATCH__IS_STALE(c, command, i)) {
        return;
    }
    struct tc_ev_incident_unmerged *to = tc_emit(c->out, TC_EV_INCIDENT_UNMERGED, i->id, NULL);
    to->from = i->merged_into;
    to->reports = reports_of(c, i->merged_into, i->id, &to->reports_count);
    to->reports_count = to->reports_count > MOVED_MAX ? MOVED_MAX : to->reports_count;
    to->since = since_merge(c, i, &to->since_count);
    to->why = tc_out_copy(c->out, b->why);
    to->by = tc_out_copy(c->out, command->who);
}

/** True when the assignment is on `incident` or on one that was merged into it. */
static bool is_on(const struct tc_world_section *w, const struct tc_assignment *a,
                  uint64_t incident)
{
    uint64_t at = a->incident;
    for (int hops = 0; at && hops < 16; hops++) {
        if (at == incident) {
            return true;
        }
        const struct tc_incident *i = tc_world_incident(w, at);
        at = i && i->state == TC_INCIDENT_STATE_MERGED ? i->merged_into : 0;
    }
    return false;
}

/** Call signs of the units still assigned, at most what a refusal holds. */
static size_t open_units(const struct tc_world_section *w, uint64_t incident, char names[200])
{
    size_t count = 0;
    names[0] = '\0';
    TC_WORLD_EACH(w, TC_WORLD_ASSIGNMENT, struct tc_assignment, a)
    {
        if (a->state == TC_ASSIGNMENT_STATE_DONE || !is_on(w, a, incident)) {
            continue;
        }
        const struct tc_unit *u = tc_world_unit(w, a->unit);
        dispatch__list(names, 200, "%s%s", count ? " " : "", u ? u->call_sign : "?");
        count++;
    }
    return count;
}

static void close_incident(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_close *b = command->body;
    const struct tc_incident *i = dispatch__open_incident(c, b->incident);
    if (i == NULL || DISPATCH__IS_STALE(c, command, i)) {
        return;
    }
    char names[200];
    if (open_units(c->w, i->id, names)) {
        tc_refuse(c->out, "units_assigned", 0, "%s", names);
        return;
    }
    if (b->disposition.len == 0) {
        tc_refuse(c->out, "disposition_missing", 0, "%s", i->number);
        return;
    }
    struct tc_ev_incident_closed *to = tc_emit(c->out, TC_EV_INCIDENT_CLOSED, i->id, NULL);
    to->disposition = tc_out_copy(c->out, b->disposition);
    to->by = tc_out_copy(c->out, command->who);
}

static void reopen(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_reopen *b = command->body;
    const struct tc_incident *i = tc_world_incident(c->w, b->incident);
    if (i == NULL || i->state != TC_INCIDENT_STATE_CLOSED) {
        tc_refuse(c->out, i ? "incident_not_closed" : "incident_not_found", 0, "%s",
                  i ? i->number : "");
        return;
    }
    if (DISPATCH__IS_STALE(c, command, i)) {
        return;
    }
    struct tc_ev_incident_reopened *to = tc_emit(c->out, TC_EV_INCIDENT_REOPENED, i->id, NULL);
    to->why = tc_out_copy(c->out, b->why);
    to->by = tc_out_copy(c->out, command->who);
}

const struct dispatch__rule dispatch__merge_rules[] = {
    {TC_CMD_INCIDENT_MERGE, merge},
    {TC_CMD_INCIDENT_UNMERGE, unmerge},
    {TC_CMD_INCIDENT_CLOSE, close_incident},
    {TC_CMD_INCIDENT_REOPEN, reopen},
    {TC_CMD_NONE, NULL},
};
