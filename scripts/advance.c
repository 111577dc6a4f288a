/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"
#include "scripts/host_int.h"

struct tc_str run__who(const struct open_run *r, char text[static 48])
{
    size_t len = tc_str_format(text, 48, "plan:%s", r->plan);
    return (struct tc_str){.at = text, .len = len};
}

static void drop_script(struct tc_script_host *h, struct open_run *r)
{
    if (r->script) {
        script__destroy(r->script);
        r->script = NULL;
        h->hot_count--;
    }
}

/** States are a cache: past its size the one that rested longest goes. */
static void trim_cache(struct tc_script_host *h)
{
    while (h->hot_count > h->options.hot_max) {
        struct open_run *oldest = NULL;
        for (size_t i = 0; i < h->run_count; i++) {
            struct open_run *r = h->runs[i];
            if (r->script && (!oldest || r->used < oldest->used)) {
                oldest = r;
            }
        }
        TC_REQUIRE(oldest != NULL);
        drop_script(h, oldest);
    }
}

void run__end(struct step *s, enum tc_run_outcome outcome, const char *why)
{
    struct open_run *r = s->r;
    if (r->timer) {
        struct tc_ev_timer_cancelled *t = tc_emit(s->out, TC_EV_TIMER_CANCELLED, r->id, NULL);
        t->timer = r->timer;
        r->timer = 0;
    }
    struct tc_ev_run_ended *b = tc_emit(s->out, TC_EV_RUN_ENDED, r->id, NULL);
    b->outcome = outcome;
    b->why = tc_out_copy(s->out, tc_str_of(why));
    r->is_over = true;
    r->is_pending = false;
    drop_script(s->h, r);
}

/** What went wrong is the plan's own: the incident stays in people's hands, and they are told. */
static void fail(struct step *s, const char *raised)
{
    char why[TC_WHY_MAX];
    (void)tc_str_format(why, sizeof why, "%s", raised);
    script__clean(why);
    struct tc_str zh = tc_out_format(s->out, "预案“%s”已停止运行，请人工处置：%s", s->r->plan, why);
    struct tc_str en =
        tc_out_format(s->out, "Plan %s has stopped; people must take over: %s", s->r->plan, why);
    tc_metric_inc(&host__failed_runs, 1);
    run__end(s, TC_RUN_OUTCOME_FAILED, why);
    call__note(s, "failed", zh, en);
}

static bool load(struct step *s, char why[static TC_WHY_MAX])
{
    struct tc_buf source = {0};
    struct tc_buf header = {0};
    char name[TC_PLAN_ID_MAX + 8];
    (void)tc_str_format(name, sizeof name, "%s.lua", s->r->plan);
    runs__plan_source(runs__of(s->live), s->r->plan_id, &source);
    tc_err err = script__load(&s->h->limits, s->r->id, name, tc_buf_str(&source), &header,
                              &s->r->script, why);
    tc_buf_finish(&source);
    tc_buf_finish(&header);
    s->h->hot_count += err == TC_OK;
    return err == TC_OK;
}

/** Calls of the run in order; the array lives in the batch. */
static const struct tc_run_call **history(struct step *s, uint32_t count)
{
    const struct tc_table *calls = &runs__of(s->live)->tables[RUNS_CALLS];
    const struct tc_run *run = runs__run(runs__of(s->live), s->r->id);
    const struct tc_run_call **list = tc_arena_alloc(tc_out_arena(s->out), (count + 1) * 8);
    uint64_t id = run->last_call;
    for (uint32_t i = count; i > 0 && id; i--) {
        list[i - 1] = tc_table_find(calls, id);
        TC_REQUIRE(list[i - 1] != NULL);
        id = list[i - 1]->previous;
    }
    return list;
}

static bool is_same_call(const struct tc_run_call *was, enum tc_sandbox_step step,
                         const struct script_call *now, const char *raised,
                         char why[static TC_WHY_MAX])
{
    if (step == TC_STEP_YIELDED && now->hash == was->hash && strcmp(now->name, was->name) == 0) {
        return true;
    }
    struct tc_str arguments = tc_buf_str(&now->arguments);
    int len = arguments.len > 100 ? 100 : (int)arguments.len;
    if (step == TC_STEP_YIELDED) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "nondeterminism: call %u is recorded as %s and is now %s %.*s", was->n,
                            was->name, now->name, len, arguments.at);
    } else {
        (void)tc_str_format(
            why, TC_WHY_MAX, "nondeterminism: call %u is recorded as %s and now the plan %s%s",
            was->n, was->name, step == TC_STEP_FINISHED ? "ends" : "fails: ", raised);
    }
    return false;
}

/**
 * Execute the run against its history, without effects, until it stands at its last call.
 * `answer` gets that call's answer when it has one.
 */
static bool replay(struct step *s, struct tc_buf *answer, char why[static TC_WHY_MAX])
{
    uint32_t count = s->r->calls;
    tc_metric_inc(&host__replays, 1);
    const struct tc_run_call **calls = history(s, count);
    if (!load(s, why)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        char raised[TC_WHY_MAX];
        struct tc_str given = i ? tc_buf_str(answer) : (struct tc_str){0};
        enum tc_sandbox_step step = script__step(s->r->script, given, &s->h->call, raised);
        if (!is_same_call(calls[i], step, &s->h->call, raised, why)) {
            return false;
        }
        tc_buf_clear(answer);
        if (!runs__answer(runs__of(s->live), calls[i], answer) && i + 1 < count) {
            (void)tc_str_format(why, TC_WHY_MAX, "nondeterminism: call %u has no answer", i + 1);
            return false;
        }
    }
    return true;
}

static struct tc_str record_call(struct step *s)
{
    struct open_run *r = s->r;
    struct script_call *c = &s->h->call;
    struct tc_ev_run_called *b = tc_emit(s->out, TC_EV_RUN_CALLED, r->id, &r->call_seq);
    b->n = ++r->calls;
    b->name = tc_out_copy(s->out, tc_str_of(c->name));
    b->arguments = tc_out_copy(s->out, tc_buf_str(&c->arguments));
    b->hash = c->hash;
    r->calls_since_wake++;
    r->is_pending = true;
    r->timer = 0;
    r->trigger_count = 0;
    memcpy(r->call, c->name, sizeof r->call);
    tc_buf_clear(&r->arguments);
    tc_buf_put_str(&r->arguments, tc_buf_str(&c->arguments));
    return call__start(s, false);
}

static void record_answer(struct step *s, struct tc_str answer)
{
    struct tc_ev_run_answered *b = tc_emit(s->out, TC_EV_RUN_ANSWERED, s->r->id, NULL);
    b->n = s->r->calls;
    b->result = answer;
    s->r->is_pending = false;
}

static bool is_over_limit(struct step *s, char why[static TC_WHY_MAX])
{
    if (!runs__has_room_for_calls(runs__of(s->live))) {
        (void)tc_str_put(why, TC_WHY_MAX, TC_STR("too many runs: no room for more history"));
        return true;
    }
    if (s->r->calls >= s->h->options.calls_max) {
        (void)tc_str_format(why, TC_WHY_MAX, "more than %u calls in one run",
                            s->h->options.calls_max);
        return true;
    }
    if (s->r->calls_since_wake >= CALLS_PER_WAKE_MAX) {
        (void)tc_str_format(why, TC_WHY_MAX, "more than %u calls without waiting for anything",
                            CALLS_PER_WAKE_MAX);
        return true;
    }
    return false;
}

static void after_step(struct step *s)
{
    if (s->h->options.drops_states) {
        drop_script(s->h, s->r);
    } else {
        trim_cache(s->h);
    }
}

void run__advance(struct step *s, struct tc_str answer)
{
    struct open_run *r = s->r;
    char why[TC_WHY_MAX] = "";
    r->used = ++s->h->clock;
    while (!r->is_over) {
        enum tc_sandbox_step step = script__step(r->script, answer, &s->h->call, why);
        if (step == TC_STEP_FINISHED) {
            run__end(s, TC_RUN_OUTCOME_FINISHED, "");
        } else if (step == TC_STEP_FAILED || is_over_limit(s, why)) {
            fail(s, why);
        } else {
            answer = record_call(s);
            if (!answer.at) {
                break; /* it waits */
            }
            record_answer(s, answer);
        }
    }
    after_step(s);
}

/** A cold run is executed again up to its pending call. */
static bool warm_up(struct step *s)
{
    if (s->r->script) {
        return true;
    }
    struct tc_buf unused = {0};
    char why[TC_WHY_MAX];
    bool is_ok = s->r->calls == 0 ? load(s, why) : replay(s, &unused, why);
    tc_buf_finish(&unused);
    if (!is_ok) {
        fail(s, why);
    }
    return is_ok;
}

static void cancel_timer(struct step *s)
{
    if (s->r->timer) {
        struct tc_ev_timer_cancelled *t = tc_emit(s->out, TC_EV_TIMER_CANCELLED, s->r->id, NULL);
        t->timer = s->r->timer;
        s->r->timer = 0;
    }
}

void run__wake(struct step *s, struct tc_str answer)
{
    if (s->r->is_over || !warm_up(s)) {
        return;
    }
    if (answer.at) {
        cancel_timer(s);
        record_answer(s, answer);
    }
    run__advance(s, answer);
}

void run__resume(struct step *s)
{
    struct open_run *r = s->r;
    const struct tc_run *run = runs__run(runs__of(s->live), r->id);
    struct tc_buf answer = {0};
    char why[TC_WHY_MAX];
    r->used = ++s->h->clock;
    if (r->calls == 0) {
        run__wake(s, (struct tc_str){0});
        return;
    }
    if (!replay(s, &answer, why)) {
        fail(s, why);
    } else if (run->answers == r->calls) {
        run__advance(s, tc_out_copy(s->out, tc_buf_str(&answer)));
    } else {
        r->is_pending = true;
        r->call_seq = run->last_call;
        memcpy(r->call, s->h->call.name, sizeof r->call);
        tc_buf_put_str(&r->arguments, tc_buf_str(&s->h->call.arguments));
        struct tc_str now = call__start(s, true);
        if (now.at) {
            run__wake(s, now);
        }
    }
    tc_buf_finish(&answer);
    after_step(s);
}
