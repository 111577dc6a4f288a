/* SPDX-License-Identifier: Apache-2.0 */
/* What a scenario expects of the record, and that runs ask the same from every prefix of it. */
#include "core/base/time.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/scenario_int.h"
#include "scripts/script.h"

#define PREFIX_CALLS_MAX 512u

struct wanted {
    struct tc_str kind;
    struct tc_str text; /* capability, key, level, text, grade */
    int64_t count;      /* 0: any */
    int64_t within;     /* seconds from the start; 0: any */
    int64_t after;
    bool never;
};

static bool has_text(struct tc_str s, struct tc_str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++) {
        if (memcmp(s.at + i, part.at, part.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_or_any(struct tc_str wanted, struct tc_str found)
{
    return wanted.len == 0 || tc_str_eq(wanted, found);
}

static bool is_finish(const struct tc_event *e, enum tc_run_outcome outcome)
{
    return e->kind == TC_EV_RUN_ENDED && TC_BODY(e, run_ended)->outcome == outcome;
}

static bool shows(const struct wanted *w, const struct tc_event *e)
{
    if (tc_str_is(w->kind, "order")) {
        return e->kind == TC_EV_ASSIGNMENT_OPENED &&
               is_or_any(w->text, TC_BODY(e, assignment_opened)->capability);
    }
    if (tc_str_is(w->kind, "question")) {
        return e->kind == TC_EV_QUESTION_ASKED &&
               is_or_any(w->text, TC_BODY(e, question_asked)->key);
    }
    if (tc_str_is(w->kind, "response")) {
        return e->kind == TC_EV_RESPONSE_PROPOSED &&
               is_or_any(w->text, TC_BODY(e, response_proposed)->level);
    }
    if (tc_str_is(w->kind, "note")) {
        return e->kind == TC_EV_INCIDENT_NOTED &&
               (has_text(TC_BODY(e, incident_noted)->text, w->text) ||
                has_text(TC_BODY(e, incident_noted)->text_en, w->text));
    }
    if (tc_str_is(w->kind, "grade")) {
        return e->kind == TC_EV_INCIDENT_GRADE_CHANGED &&
               is_or_any(w->text,
                         tc_str_of(tc_enum_name(&tc_enum_grade,
                                                (int)TC_BODY(e, incident_grade_changed)->grade)));
    }
    return (tc_str_is(w->kind, "closure") && e->kind == TC_EV_ROAD_CLOSED) ||
           (tc_str_is(w->kind, "opening") && e->kind == TC_EV_ROAD_OPENED) ||
           (tc_str_is(w->kind, "start") && e->kind == TC_EV_RUN_STARTED) ||
           (tc_str_is(w->kind, "finish") && is_finish(e, TC_RUN_OUTCOME_FINISHED)) ||
           (tc_str_is(w->kind, "failure") && is_finish(e, TC_RUN_OUTCOME_FAILED));
}

static int64_t count_shown(const struct scenario *s, const struct wanted *w)
{
    int64_t found = 0;
    size_t batch = 0;
    size_t index = 0;
    const struct tc_event *e = NULL;
    while ((e = scenario__event(s, &batch, &index)) != NULL) {
        int64_t at = (e->at_us - s->start_us) / TC_SEC;
        found += (w->within == 0 || at <= w->within) && at >= w->after && shows(w, e);
    }
    return found;
}

void expect__check(struct scenario *s, struct tc_str expect)
{
    static const char *const words[] = {"capability", "key", "level", "text", "grade"};
    struct tc_arena a = {0};
    struct wanted w = {.kind = arguments__text(expect, "expect", &a),
                       .count = arguments__i64(expect, "count"),
                       .within = arguments__i64(expect, "within"),
                       .after = arguments__i64(expect, "after"),
                       .never = arguments__bool(expect, "never")};
    for (size_t i = 0; i < TC_COUNT_OF(words) && !w.text.len; i++) {
        w.text = arguments__text(expect, words[i], &a);
    }
    int64_t found = count_shown(s, &w);
    bool is_met = w.never ? found == 0 : w.count ? found == w.count : found > 0;
    if (!is_met) {
        scenario__fail(s, "%.*s 出现 %lld 次 / found %lld times", (int)expect.len, expect.at,
                       (long long)found, (long long)found);
    }
    tc_arena_finish(&a);
}

/* Prefixes */

struct recorded {
    const struct tc_ev_run_called *call;
    const struct tc_ev_run_answered *answer;
};

static size_t history_of(const struct scenario *s, uint64_t run, struct recorded *list)
{
    size_t count = 0;
    size_t batch = 0;
    size_t index = 0;
    const struct tc_event *e = NULL;
    while ((e = scenario__event(s, &batch, &index)) != NULL) {
        if (e->subject != run) {
            continue;
        }
        if (e->kind == TC_EV_RUN_CALLED && count < PREFIX_CALLS_MAX) {
            list[count++] = (struct recorded){.call = TC_BODY(e, run_called)};
        } else if (e->kind == TC_EV_RUN_ANSWERED && count) {
            list[count - 1].answer = TC_BODY(e, run_answered);
        }
    }
    return count;
}

/** Execute with the first `given` answers; false when a call differs from the record. */
static bool asks_the_same(uint64_t run, struct tc_str source, const struct recorded *list,
                          size_t count, size_t given)
{
    const struct tc_sandbox_limits limits = {0};
    struct script_call call = {0};
    struct tc_buf header = {0};
    struct script *script = NULL;
    char why[TC_WHY_MAX];
    bool is_same = script__load(&limits, run, "prefix", source, &header, &script, why) == TC_OK;
    struct tc_str answer = {0};
    for (size_t i = 0; is_same && i <= given && i < count; i++) {
        is_same = script__step(script, answer, &call, why) == TC_STEP_YIELDED &&
                  call.hash == list[i].call->hash && tc_str_is(list[i].call->name, call.name);
        answer = list[i].answer ? list[i].answer->result : (struct tc_str){0};
        if (!answer.at) {
            break; /* never answered: the run waits there */
        }
    }
    script__call_finish(&call);
    script__destroy(script);
    tc_buf_finish(&header);
    return is_same;
}

void expect__prefixes(struct scenario *s, struct tc_str plan_source)
{
    struct recorded *list = tc_alloc(PREFIX_CALLS_MAX * sizeof *list);
    size_t batch = 0;
    size_t index = 0;
    const struct tc_event *e = NULL;
    TC_REQUIRE(list != NULL);
    while ((e = scenario__event(s, &batch, &index)) != NULL) {
        size_t count = e->kind == TC_EV_RUN_STARTED ? history_of(s, e->seq, list) : 0;
        for (size_t given = 0; given < count; given++) {
            if (!asks_the_same(e->seq, plan_source, list, count, given)) {
                scenario__fail(s,
                               "重新执行到第 %zu 步时不一致 / not the same when executed again "
                               "with %zu answers",
                               given, given);
                break;
            }
        }
    }
    tc_free(list);
}
