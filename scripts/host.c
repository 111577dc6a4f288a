/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/host.h"

#include <sodium.h>

#include "core/base/time.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/host_int.h"

#define HOT_DEFAULT         64u
#define CALLS_DEFAULT       10000u
#define HEADER_INSTRUCTIONS ((uint64_t)250000) /* decide looks, it does not work: about 1 ms */

static struct tc_metric open_runs = {.name = "tocsin_plan_runs_open",
                                     .help = "Plan runs that go on.",
                                     .type = TC_GAUGE,
                                     .labels = ""};
struct tc_metric host__failed_runs = {.name = "tocsin_plan_runs_failed_total",
                                      .help = "Plan runs that stopped by a mistake or a limit.",
                                      .type = TC_COUNTER,
                                      .labels = ""};
struct tc_metric host__replays = {.name = "tocsin_plan_replays_total",
                                  .help = "Plan runs executed again from their history.",
                                  .type = TC_COUNTER,
                                  .labels = ""};

tc_err tc_script_host_create(const struct tc_script_options *options, struct tc_script_host **out)
{
    struct tc_script_host *h = tc_alloc(sizeof *h);
    if (!h || sodium_init() < 0) {
        tc_free(h);
        return TC_ENOMEM;
    }
    tc_metric_add(&open_runs);
    tc_metric_add(&host__failed_runs);
    tc_metric_add(&host__replays);
    h->options = *options;
    h->options.hot_max = options->hot_max ? options->hot_max : HOT_DEFAULT;
    h->options.calls_max = options->calls_max ? options->calls_max : CALLS_DEFAULT;
    if (h->options.calls_max > CALLS_LIMIT) {
        h->options.calls_max = CALLS_LIMIT;
    }
    h->limits.memory_bytes_max = options->memory_bytes_max;
    h->limits.instructions_max = options->instructions_max;
    *out = h;
    return TC_OK;
}

static void destroy_run(struct tc_script_host *h, struct open_run *r)
{
    if (r->script) {
        script__destroy(r->script);
        h->hot_count--;
    }
    tc_buf_finish(&r->arguments);
    tc_free(r);
}

void tc_script_host_destroy(struct tc_script_host *h)
{
    if (!h) {
        return;
    }
    for (size_t i = 0; i < h->run_count; i++) {
        destroy_run(h, h->runs[i]);
    }
    tc_free(h->runs);
    script__call_finish(&h->call);
    tc_free(h);
}

/* Open runs */

struct open_run *host__find(const struct tc_script_host *h, uint64_t id)
{
    size_t low = 0;
    size_t high = h->run_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->runs[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < h->run_count && h->runs[low]->id == id ? h->runs[low] : NULL;
}

struct open_run *host__add(struct tc_script_host *h, const struct tc_run *run)
{
    if (h->run_count == h->run_room) {
        h->run_room = h->run_room ? h->run_room * 2 : 64;
        h->runs = tc_realloc(h->runs, h->run_room * sizeof(struct open_run *));
        TC_REQUIRE(h->runs != NULL);
    }
    struct open_run *r = tc_alloc(sizeof *r);
    TC_REQUIRE(r != NULL);
    r->id = run->id;
    r->incident = run->incident;
    r->plan_id = run->plan_id;
    r->calls = run->calls;
    (void)tc_str_put(r->plan, sizeof r->plan, tc_str_of(run->plan));
    size_t at = h->run_count++;
    tc_metric_set(&open_runs, (int64_t)h->run_count);
    for (; at > 0 && h->runs[at - 1]->id > r->id; at--) {
        h->runs[at] = h->runs[at - 1];
    }
    h->runs[at] = r;
    return r;
}

void host__remove(struct tc_script_host *h, uint64_t id)
{
    for (size_t i = 0; i < h->run_count; i++) {
        if (h->runs[i]->id == id) {
            destroy_run(h, h->runs[i]);
            h->run_count--;
            tc_metric_set(&open_runs, (int64_t)h->run_count);
            memmove(&h->runs[i], &h->runs[i + 1], (h->run_count - i) * sizeof(struct open_run *));
            return;
        }
    }
}

/* Plans */

static void hash_text(struct tc_str source, char out[static 65])
{
    uint8_t hash[32];
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)source.at, source.len, NULL, 0);
    (void)sodium_bin2hex(out, 65, hash, sizeof hash);
}

/** "file:3: …" names the place already; anything else gets the file in front. */
static tc_err refuse_plan(char *why, const char *file, const char *text)
{
    (void)tc_str_format(why, TC_WHY_MAX, "%s: %s", file, text);
    return TC_EINVAL;
}

static bool is_plan_id(struct tc_str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) {
            return false;
        }
    }
    return id.len > 0 && id.len <= TC_PLAN_ID_MAX;
}

static tc_err read_header(struct tc_str source, const char *file, struct tc_plan_header *out,
                          struct live_plan *plan, char why[static TC_WHY_MAX])
{
    struct tc_sandbox_limits limits = {.instructions_max = HEADER_INSTRUCTIONS};
    struct tc_buf header = {0};
    struct tc_arena a = {0};
    struct script *s = NULL;
    tc_err err = script__load(&limits, 0, file, source, &header, &s, why);
    script__destroy(s);
    if (err == TC_OK) {
        struct tc_str json = tc_buf_str(&header);
        struct tc_str id = arguments__text(json, "id", &a);
        bool fits =
            tc_str_put(out->title_zh, sizeof out->title_zh, arguments__text(json, "zh", &a)) &&
            tc_str_put(out->title_en, sizeof out->title_en, arguments__text(json, "en", &a));
        (void)tc_str_put(out->id, sizeof out->id, id);
        (void)tc_str_put(plan->plan, sizeof plan->plan, id);
        hash_text(source, out->hash);
        if (!is_plan_id(id)) {
            err = refuse_plan(why, file, "id is 1 to 40 of a-z, 0-9, _ and -");
        } else if (!fits) {
            err = refuse_plan(why, file, "title is at most 96 bytes");
        } else {
            char text[TC_WHY_MAX];
            err = trigger__read(arguments__raw(json, "starts"), plan->triggers,
                                &plan->trigger_count, text);
            err = err == TC_OK ? TC_OK : refuse_plan(why, file, text);
        }
    }
    tc_buf_finish(&header);
    tc_arena_finish(&a);
    return err;
}

tc_err tc_plan_read(struct tc_str source, const char *file, struct tc_plan_header *out,
                    char why[static TC_WHY_MAX])
{
    struct live_plan unused = {0};
    *out = (struct tc_plan_header){0};
    return read_header(source, file, out, &unused, why);
}

static void index_plan(struct tc_script_host *h, const struct runs_section *runs,
                       const struct tc_plan *p)
{
    struct tc_buf source = {0};
    struct tc_plan_header header = {0};
    struct live_plan plan = {.plan_id = p->id, .version = p->version};
    char why[TC_WHY_MAX];
    runs__plan_source(runs, p->id, &source);
    tc_err err = read_header(tc_buf_str(&source), p->plan, &header, &plan, why);
    tc_buf_finish(&source);
    if (err != TC_OK || h->plan_count == LIVE_PLANS_MAX) {
        return; /* cannot be: it was read when it was drafted, and approve looks for room */
    }
    size_t at = h->plan_count++;
    for (; at > 0 && strcmp(h->plans[at - 1].plan, plan.plan) > 0; at--) {
        h->plans[at] = h->plans[at - 1];
    }
    h->plans[at] = plan;
}

/** Which live plan starts on what: read from the plans themselves. */
static void index_plans(struct tc_script_host *h, const struct tc_model *live)
{
    const struct runs_section *runs = runs__of(live);
    h->plan_count = 0;
    TC_POOL_EACH(&runs->tables[RUNS_PLANS].pool, const struct tc_plan, p)
    {
        if (p->is_live) {
            index_plan(h, runs, p);
        }
    }
}

/* react: facts */

static struct step step_of(struct tc_script_host *h, const struct tc_model *live,
                           struct open_run *r, struct tc_out *out)
{
    return (struct step){.h = h, .live = live, .r = r, .out = out};
}

static void wake_from_outside(struct step *s, struct tc_str answer)
{
    s->r->calls_since_wake = 0;
    run__wake(s, answer);
}

static void on_started(struct tc_script_host *h, const struct tc_model *live,
                       const struct tc_event *e, struct tc_out *out)
{
    const struct tc_run *run = runs__run(runs__of(live), e->seq);
    struct step s = step_of(h, live, host__add(h, run), out);
    run__wake(&s, (struct tc_str){0});
}

static void on_timer(struct tc_script_host *h, const struct tc_model *live,
                     const struct tc_event *e, struct tc_out *out)
{
    const struct tc_ev_timer_fired *b = TC_BODY(e, timer_fired);
    if (b->purpose == TC_PURPOSE_QUESTION) {
        const struct tc_question *q = runs__question(runs__of(live), e->subject);
        if (q && q->answer[0] == '\0') {
            struct tc_ev_question_expired *x = tc_emit(out, TC_EV_QUESTION_EXPIRED, q->id, NULL);
            x->answer = tc_out_copy(out, tc_str_of(q->default_answer));
            tc_emit_occurred(out, q->due_us);
        }
        return;
    }
    struct open_run *r = b->purpose == TC_PURPOSE_RUN ? host__find(h, e->subject) : NULL;
    if (!r || !r->is_pending || r->calls != b->argument) {
        return;
    }
    struct step s = step_of(h, live, r, out);
    r->timer = 0;
    if (strcmp(r->call, "recommend") == 0) {
        wake_from_outside(&s, call__answer_late(&s));
        return;
    }
    size_t best = 0;
    for (size_t i = 0; i < r->trigger_count; i++) {
        bool is_after = r->triggers[i].kind == TRIGGER_AFTER;
        bool is_first = r->triggers[best].kind != TRIGGER_AFTER;
        if (is_after && (is_first || r->triggers[i].seconds < r->triggers[best].seconds)) {
            best = i;
        }
    }
    wake_from_outside(&s, call__answer_await(&s, best, e->seq));
}

static void on_question(struct tc_script_host *h, const struct tc_model *live,
                        const struct tc_event *e, struct tc_out *out)
{
    const struct tc_question *q = runs__question(runs__of(live), e->subject);
    struct open_run *r = q ? host__find(h, q->run) : NULL;
    if (!r || !r->is_pending || strcmp(r->call, "ask") != 0) {
        return;
    }
    struct step s = step_of(h, live, r, out);
    if (e->kind == TC_EV_QUESTION_EXPIRED) {
        r->timer = 0;
    }
    wake_from_outside(&s, call__answer_question(&s, q));
}

static void on_recommendation(struct tc_script_host *h, const struct tc_model *live,
                              const struct tc_event *e, struct tc_out *out)
{
    for (size_t i = 0; i < h->run_count; i++) {
        struct open_run *r = h->runs[i];
        if (r->incident != e->subject || !r->is_pending || strcmp(r->call, "recommend") != 0) {
            continue;
        }
        struct step s = step_of(h, live, r, out);
        struct tc_str answer = call__answer_recommendation(&s, TC_BODY(e, recommendation_made));
        if (answer.at) {
            run__wake(&s, answer);
        }
    }
}

/** Whoever goes on with the other incident must know what the run left half done. */
static void note_merged(struct step *s, uint64_t into)
{
    s->r->incident = into;
    call__note(s, "merged",
               tc_out_format(s->out, "事件已合并，预案“%s”停止运行，请人工接续", s->r->plan),
               tc_out_format(s->out, "The incident was merged: plan %s has stopped, people go on",
                             s->r->plan));
}

/** A person closed or merged it: what its plans were about is over. */
static void on_incident_over(struct tc_script_host *h, const struct tc_model *live,
                             const struct tc_event *e, struct tc_out *out)
{
    for (size_t i = 0; i < h->run_count; i++) {
        if (h->runs[i]->incident == e->subject && !h->runs[i]->is_over) {
            struct step s = step_of(h, live, h->runs[i], out);
            run__end(&s, TC_RUN_OUTCOME_STOPPED,
                     e->kind == TC_EV_INCIDENT_CLOSED ? "incident closed" : "incident merged");
            if (e->kind == TC_EV_INCIDENT_MERGED) {
                note_merged(&s, TC_BODY(e, incident_merged)->into);
            }
        }
    }
}

/** A run that was ended by a person: its timer goes with it. */
static void on_ended(struct tc_script_host *h, const struct tc_event *e, struct tc_out *out)
{
    struct open_run *r = host__find(h, e->subject);
    if (r && r->timer) {
        struct tc_ev_timer_cancelled *t = tc_emit(out, TC_EV_TIMER_CANCELLED, r->id, NULL);
        t->timer = r->timer;
    }
    host__remove(h, e->subject);
}

static void wake_waiting(struct tc_script_host *h, const struct tc_model *live,
                         const struct tc_event *e, uint64_t incident, struct tc_out *out)
{
    size_t count = h->run_count; /* by id: the order of waking is the same every time */
    for (size_t i = 0; i < count; i++) {
        struct open_run *r = h->runs[i];
        if (r->incident != incident || !r->is_pending || strcmp(r->call, "await") != 0) {
            continue;
        }
        for (size_t k = 0; k < r->trigger_count; k++) {
            if (trigger__matches(&r->triggers[k], live, e, incident)) {
                struct step s = step_of(h, live, r, out);
                wake_from_outside(&s, call__answer_await(&s, k, e->seq));
                break;
            }
        }
    }
}

static void start_plans(struct tc_script_host *h, const struct tc_model *live,
                        const struct tc_event *e, uint64_t incident, struct tc_out *out)
{
    const struct runs_section *runs = runs__of(live);
    const struct tc_table *incidents = tc_model_table(live, "incident");
    const struct tc_incident *item = incidents ? tc_table_find(incidents, incident) : NULL;
    if (!item || item->state != TC_INCIDENT_STATE_OPEN) {
        return;
    }
    for (size_t i = 0; i < h->plan_count; i++) {
        const struct live_plan *p = &h->plans[i];
        bool matches = false;
        for (size_t k = 0; k < p->trigger_count && !matches; k++) {
            matches = trigger__matches(&p->triggers[k], live, e, incident);
        }
        if (matches && runs__has_room(runs) &&
            !runs__find_run(runs, tc_str_of(p->plan), incident, false)) {
            host__emit_start(runs__plan(runs, p->plan_id), incident, e->seq, out);
        }
    }
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    struct tc_script_host *h = self;
    uint64_t incident = 0;
    switch ((int)e->kind) {
    case TC_EV_PLAN_APPROVED:
    case TC_EV_PLAN_RETIRED: index_plans(h, live); return;
    case TC_EV_RUN_STARTED: on_started(h, live, e, out); return;
    case TC_EV_RUN_ENDED: on_ended(h, e, out); return;
    case TC_EV_TIMER_FIRED: on_timer(h, live, e, out); return;
    case TC_EV_QUESTION_ANSWERED:
    case TC_EV_QUESTION_EXPIRED: on_question(h, live, e, out); return;
    case TC_EV_RECOMMENDATION_MADE: on_recommendation(h, live, e, out); return;
    case TC_EV_INCIDENT_CLOSED:
    case TC_EV_INCIDENT_MERGED: on_incident_over(h, live, e, out); return;
    default: break;
    }
    incident = trigger__incident(live, e);
    if (incident) {
        wake_waiting(h, live, e, incident, out);
        start_plans(h, live, e, incident, out);
    }
}

static void replied(void *self, const struct tc_model *live, const struct tc_reply *reply,
                    struct tc_out *out)
{
    struct tc_script_host *h = self;
    h->commands_out -= h->commands_out > 0;
    struct open_run *r = host__find(h, reply->token >> TOKEN_CALL_BITS);
    uint64_t n = reply->token & ((1u << TOKEN_CALL_BITS) - 1);
    if (r && r->is_pending && r->calls == n) {
        struct step s = step_of(h, live, r, out);
        struct tc_str answer = call__answer_reply(&s, reply);
        if (answer.at) {
            run__wake(&s, answer);
        }
    }
    for (size_t i = 0; i < h->run_count && h->commands_out < COMMANDS_MAX / 2; i++) {
        if (h->runs[i]->is_deferred) {
            struct step s = step_of(h, live, h->runs[i], out);
            h->runs[i]->is_deferred = false;
            (void)call__start(&s, false);
        }
    }
}

static void resume(void *self, const struct tc_model *live, struct tc_out *out)
{
    struct tc_script_host *h = self;
    index_plans(h, live);
    TC_POOL_EACH(&runs__of(live)->tables[RUNS_RUNS].pool, const struct tc_run, run)
    {
        if (!run->is_ended) {
            (void)host__add(h, run);
        }
    }
    for (size_t i = 0; i < h->run_count; i++) {
        struct step s = step_of(h, live, h->runs[i], out);
        run__resume(&s);
    }
}

const struct tc_part tc_scripts_part = {.name = "scripts",
                                        .decide = host__decide,
                                        .react = react,
                                        .resume = resume,
                                        .replied = replied};
