/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/trigger.h"

#include "core/base/json.h"
#include "dispatch/world.gen.h"

static const char *const names[] = {[TRIGGER_NONE] = "",
                                    [TRIGGER_ALARM] = "alarm",
                                    [TRIGGER_ALARM_CLEARED] = "alarm_cleared",
                                    [TRIGGER_READING] = "reading",
                                    [TRIGGER_CASE] = "case",
                                    [TRIGGER_REPORT] = "report",
                                    [TRIGGER_STATUS] = "status",
                                    [TRIGGER_MANUAL] = "manual",
                                    [TRIGGER_AFTER] = "after"};

const char *trigger__name(enum trigger_kind kind)
{
    return names[kind];
}

static enum trigger_kind kind_of(struct tc_str word)
{
    for (size_t i = 1; i < TC_COUNT_OF(names); i++) {
        if (tc_str_is(word, names[i])) {
            return (enum trigger_kind)i;
        }
    }
    return TRIGGER_NONE;
}

static void read_pair(struct tc_jr *r, struct trigger *t, struct tc_arena *a)
{
    struct tc_str key = tc_jr_key(r, a);
    int level = 0;
    if (tc_str_is(key, "on")) {
        t->kind = kind_of(tc_jr_str(r, a));
    } else if (tc_str_is(key, "above")) {
        r->bad |= tc_enum_value(&tc_enum_alarm_level, tc_jr_str(r, a), &level) != TC_OK;
        t->above = (enum tc_alarm_level)level;
    } else if (tc_str_is(key, "seconds")) {
        t->seconds = tc_jr_i64(r);
    } else if (tc_str_is(key, "incident")) {
        t->incident = tc_jr_u64(r);
    } else if (tc_str_is(key, "code")) {
        t->code = (uint32_t)tc_jr_u64(r);
        t->has_code = true;
    } else {
        r->bad |= !tc_str_put(t->word, sizeof t->word, tc_jr_str(r, a));
    }
}

tc_err trigger__read(struct tc_str json, struct trigger *out, size_t *count,
                     char why[static TC_WHY_MAX])
{
    struct tc_arena a = {0};
    struct tc_jr r = tc_jr_init(json);
    *count = 0;
    (void)tc_jr_open(&r, '[');
    while (tc_jr_more(&r, ']')) {
        if (*count == TRIGGERS_MAX) {
            r.bad = true;
            break;
        }
        struct trigger *t = &out[(*count)++];
        *t = (struct trigger){0};
        (void)tc_jr_open(&r, '{');
        while (tc_jr_more(&r, '}')) {
            read_pair(&r, t, &a);
        }
        r.bad |= t->kind == TRIGGER_NONE;
    }
    tc_arena_finish(&a);
    if (!tc_jr_is_done(&r)) {
        (void)tc_str_format(why, TC_WHY_MAX, "on.… has a value of the wrong kind, or more than %u",
                            TRIGGERS_MAX);
        return TC_EINVAL;
    }
    return TC_OK;
}

static const void *item(const struct tc_model *live, const char *table, uint64_t id)
{
    const struct tc_table *t = tc_model_table(live, table);
    return t && id ? tc_table_find(t, id) : NULL;
}

static uint64_t incident_of_alarm(const struct tc_model *live, const struct tc_alarm *a)
{
    if (!a || a->incident) {
        return a ? a->incident : 0;
    }
    const struct tc_report *r = item(live, "report", a->report);
    return r ? r->incident : 0;
}

/** The incident of the unit's newest open assignment. */
static uint64_t incident_of_unit(const struct tc_model *live, uint64_t unit_id)
{
    const struct tc_unit *u = item(live, "unit", unit_id);
    if (!u || u->assignments_count == 0) {
        return 0;
    }
    const struct tc_assignment *a =
        item(live, "assignment", u->assignments[u->assignments_count - 1]);
    return a ? a->incident : 0;
}

uint64_t trigger__incident(const struct tc_model *live, const struct tc_event *e)
{
    switch ((int)e->kind) {
    case TC_EV_REPORT_JOINED: return TC_BODY(e, report_joined)->incident;
    case TC_EV_ALARM_LEVEL_CHANGED:
    case TC_EV_ALARM_CLEARED: return incident_of_alarm(live, item(live, "alarm", e->subject));
    case TC_EV_UNIT_STATUS_REPORTED:
        return incident_of_unit(live, TC_BODY(e, unit_status_reported)->unit);
    default: return 0;
    }
}

static bool word_is(const struct trigger *t, const char *word)
{
    return t->word[0] == '\0' || strcmp(t->word, word) == 0;
}

static bool alarm_is(const struct trigger *t, const struct tc_alarm *a)
{
    return a && a->state == TC_ALARM_STATE_RAISED && word_is(t, a->kind) && a->level >= t->above;
}

/** A joined report of an alarm, or the alarm going up over the level. */
static bool alarm_matches(const struct trigger *t, const struct tc_model *live,
                          const struct tc_event *e)
{
    if (e->kind == TC_EV_ALARM_LEVEL_CHANGED) {
        const struct tc_ev_alarm_level_changed *b = TC_BODY(e, alarm_level_changed);
        return b->level > b->was && b->was < t->above &&
               alarm_is(t, item(live, "alarm", e->subject));
    }
    const struct tc_report *r =
        e->kind == TC_EV_REPORT_JOINED ? item(live, "report", e->subject) : NULL;
    return r && r->alarm && alarm_is(t, item(live, "alarm", r->alarm));
}

static bool report_matches(const struct trigger *t, const struct tc_model *live,
                           const struct tc_event *e)
{
    const struct tc_report *r =
        e->kind == TC_EV_REPORT_JOINED ? item(live, "report", e->subject) : NULL;
    if (!r) {
        return false;
    }
    if (t->kind == TRIGGER_REPORT) {
        return word_is(t, r->type);
    }
    const struct tc_case *c = item(live, "case", r->case_id);
    return c && word_is(t, c->service_code);
}

static bool status_matches(const struct trigger *t, const struct tc_event *e)
{
    if (e->kind != TC_EV_UNIT_STATUS_REPORTED) {
        return false;
    }
    const struct tc_ev_unit_status_reported *b = TC_BODY(e, unit_status_reported);
    return (!t->has_code || t->code == b->code) &&
           word_is(t, tc_enum_name(&tc_enum_unit_state, (int)b->meaning));
}

bool trigger__matches(const struct trigger *t, const struct tc_model *live,
                      const struct tc_event *e, uint64_t incident)
{
    switch (t->kind) {
    case TRIGGER_ALARM: return alarm_matches(t, live, e);
    case TRIGGER_READING:
    case TRIGGER_ALARM_CLEARED:
        return (e->kind == TC_EV_REPORT_JOINED || e->kind == TC_EV_ALARM_LEVEL_CHANGED ||
                e->kind == TC_EV_ALARM_CLEARED) &&
               trigger__holds(t, live, incident);
    case TRIGGER_CASE:
    case TRIGGER_REPORT: return report_matches(t, live, e);
    case TRIGGER_STATUS: return status_matches(t, e);
    case TRIGGER_NONE:
    case TRIGGER_MANUAL:
    case TRIGGER_AFTER: return false;
    }
    return false;
}

bool trigger__holds(const struct trigger *t, const struct tc_model *live, uint64_t incident)
{
    const struct tc_table *alarms = tc_model_table(live, "alarm");
    uint64_t wanted = t->incident ? t->incident : incident;
    bool is_cleared_kind = t->kind == TRIGGER_ALARM_CLEARED;
    bool has_raised = false;
    if (!alarms || (!is_cleared_kind && t->kind != TRIGGER_READING)) {
        return false;
    }
    TC_POOL_EACH(&alarms->pool, const struct tc_alarm, a)
    {
        if (alarm_is(t, a) && incident_of_alarm(live, a) == wanted) {
            has_raised = true;
        }
    }
    return is_cleared_kind ? !has_raised : has_raised;
}
