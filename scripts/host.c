/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/host.h"

#include <sodium.h>

#include "core/base/time.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/check.h"
#include "scripts/host_int.h"

#define HOT_DEFAULT         64u
#define CALLS_DEFAULT       10000u
#define HEADER_INSTRUCTIONS ((uint64_t)250000) /* decide looks, it does not work: about 1 ms */

tc_err tc_script_host_create(const struct tc_script_options *options, struct tc_script_host **out)
{
    struct tc_script_host *h = tc_alloc(sizeof *h);
    if (!h || sodium_init() < 0) {
        tc_free(h);
        return TC_ENOMEM;
    }
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
            err = trigger__read(arguments__raw(json, "starts"), plan->triggers,
                                &plan->trigger_count, why);
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

/* decide: commands */

static void decide_draft(const struct runs_section *runs, const struct tc_command *c,
                         struct tc_out *out)
{
    const struct tc_cmd_plan_draft *b = c->body;
    struct tc_plan_header header;
    char file[64];
    char why[TC_WHY_MAX];
    (void)tc_str_format(file, sizeof file, "%.*s.lua", (int)b->plan.len, b->plan.at);
    struct tc_plan_remark remarks[8];
    size_t count = tc_plan_check(b->source, file, remarks, TC_COUNT_OF(remarks));
    for (size_t i = 0; i < count; i++) {
        if (remarks[i].is_error) {
            tc_refuse(out, "plan_invalid", 0, "%s:%d: %.140s", file, remarks[i].line,
                      remarks[i].en);
            return;
        }
    }
    if (tc_plan_read(b->source, file, &header, why) != TC_OK) {
        tc_refuse(out, "plan_invalid", 0, "%.190s", why);
        return;
    }
    uint32_t version = runs__last_version(runs, tc_str_of(header.id));
    const struct tc_plan *last =
        version ? runs__find_plan(runs, tc_str_of(header.id), version) : NULL;
    if (b->plan.len && !tc_str_is(b->plan, header.id)) {
        tc_refuse(out, "plan_id_differs", 0, "%s", header.id);
    } else if (b->hash.len && !tc_str_is(b->hash, header.hash)) {
        tc_refuse(out, "hash_differs", 0, "%s", header.hash);
    } else if (last && strcmp(last->hash, header.hash) == 0) {
        tc_refuse(out, "plan_unchanged", 0, "%s %u", header.id, version);
    } else if (tc_pool_is_full(&runs->tables[RUNS_PLANS].pool)) {
        tc_refuse(out, "full", 0, "plan");
    } else {
        struct tc_ev_plan_drafted *e = tc_emit(out, TC_EV_PLAN_DRAFTED, 0, NULL);
        e->plan = tc_out_copy(out, tc_str_of(header.id));
        e->version = version + 1;
        e->hash = tc_out_copy(out, tc_str_of(header.hash));
        e->title_zh = tc_out_copy(out, tc_str_of(header.title_zh));
        e->title_en = tc_out_copy(out, tc_str_of(header.title_en));
        e->source = tc_out_copy(out, b->source);
        e->by = tc_out_copy(out, c->who);
    }
}

static void decide_approve(const struct tc_script_host *h, const struct runs_section *runs,
                           const struct tc_command *c, struct tc_out *out)
{
    const struct tc_cmd_plan_approve *b = c->body;
    const struct tc_plan *p = b->version ? runs__find_plan(runs, b->plan, b->version) : NULL;
    if (!p) {
        tc_refuse(out, "plan_not_found", 0, "%.*s %u", (int)b->plan.len, b->plan.at, b->version);
    } else if (tc_str_is(c->who, p->drafted_by)) {
        tc_refuse(out, "second_person", 0, "%s", p->drafted_by);
    } else if (p->is_live) {
        tc_refuse(out, "already_live", 0, "%s %u", p->plan, p->version);
    } else if (h->plan_count == LIVE_PLANS_MAX) {
        tc_refuse(out, "full", 0, "plan");
    } else {
        struct tc_ev_plan_approved *e = tc_emit(out, TC_EV_PLAN_APPROVED, p->id, NULL);
        e->plan = tc_out_copy(out, b->plan);
        e->version = b->version;
        e->hash = tc_out_copy(out, tc_str_of(p->hash));
        e->by = tc_out_copy(out, c->who);
    }
}

static void decide_retire(const struct runs_section *runs, const struct tc_command *c,
                          struct tc_out *out)
{
    const struct tc_cmd_plan_retire *b = c->body;
    const struct tc_plan *p = runs__find_plan(runs, b->plan, 0);
    if (!p) {
        tc_refuse(out, "plan_not_live", 0, "%.*s", (int)b->plan.len, b->plan.at);
        return;
    }
    struct tc_ev_plan_retired *e = tc_emit(out, TC_EV_PLAN_RETIRED, p->id, NULL);
    e->plan = tc_out_copy(out, b->plan);
    e->by = tc_out_copy(out, c->who);
}

static void emit_start(const struct tc_plan *p, uint64_t incident, uint64_t trigger,
                       struct tc_out *out)
{
    struct tc_ev_run_started *e = tc_emit(out, TC_EV_RUN_STARTED, 0, NULL);
    e->plan = tc_out_copy(out, tc_str_of(p->plan));
    e->version = p->version;
    e->hash = tc_out_copy(out, tc_str_of(p->hash));
    e->incident = incident;
    e->trigger = trigger;
}

static void decide_start(const struct tc_model *live, const struct tc_command *c,
                         struct tc_out *out)
{
    const struct tc_cmd_run_start *b = c->body;
    const struct runs_section *runs = runs__of(live);
    const struct tc_table *incidents = tc_model_table(live, "incident");
    const struct tc_incident *i = incidents ? tc_table_find(incidents, b->incident) : NULL;
    const struct tc_plan *p = runs__find_plan(runs, b->plan, 0);
    const struct tc_run *old = runs__find_run(runs, b->plan, b->incident, true);
    if (!i || i->state != TC_INCIDENT_STATE_OPEN) {
        tc_refuse(out, "incident_not_open", 0, "%llu", (unsigned long long)b->incident);
    } else if (!p) {
        tc_refuse(out, "plan_not_live", 0, "%.*s", (int)b->plan.len, b->plan.at);
    } else if (old) {
        tc_refuse(out, "run_exists", 0, "%llu", (unsigned long long)old->id);
    } else if (!runs__has_room(runs)) {
        tc_refuse(out, "full", 0, "run");
    } else {
        emit_start(p, b->incident, live->seq, out);
    }
}

static void decide_stop(const struct runs_section *runs, const struct tc_command *c,
                        struct tc_out *out)
{
    const struct tc_cmd_run_stop *b = c->body;
    const struct tc_run *r = runs__run(runs, b->run);
    if (!r) {
        tc_refuse(out, "run_not_found", 0, "%llu", (unsigned long long)b->run);
    } else if (r->is_ended) {
        tc_refuse(out, "run_ended", 0, "%s", tc_enum_name(&tc_enum_run_outcome, (int)r->outcome));
    } else {
        struct tc_ev_run_ended *e = tc_emit(out, TC_EV_RUN_ENDED, b->run, NULL);
        e->outcome = TC_RUN_OUTCOME_STOPPED;
        e->why = tc_out_copy(out, b->why);
        e->by = tc_out_copy(out, c->who);
    }
}

static void decide_answer(const struct runs_section *runs, const struct tc_command *c,
                          struct tc_out *out)
{
    const struct tc_cmd_question_answer *b = c->body;
    const struct tc_question *q = runs__question(runs, b->question);
    bool is_word = tc_str_is(b->answer, "yes") || tc_str_is(b->answer, "no");
    if (!q) {
        tc_refuse(out, "question_not_found", 0, "%llu", (unsigned long long)b->question);
    } else if (!is_word) {
        tc_refuse(out, "answer_unknown", 0, "yes, no");
    } else if (q->answer[0]) {
        tc_refuse(out, "stale", q->changed_seq, "%s %s", q->answer, q->answered_by);
    } else if (c->role == TC_ROLE_PLAN || !tc_role_may(c->role, q->role)) {
        tc_refuse(out, "role_not_allowed", 0, "%s", tc_enum_name(&tc_enum_role, (int)q->role));
    } else {
        struct tc_ev_question_answered *e = tc_emit(out, TC_EV_QUESTION_ANSWERED, q->id, NULL);
        e->answer = tc_out_copy(out, b->answer);
        e->by = tc_out_copy(out, c->who);
    }
}

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    const struct tc_script_host *h = self;
    const struct runs_section *runs = runs__of(live);
    if (in->kind != TC_INPUT_COMMAND) {
        return false;
    }
    switch ((int)in->command->name) {
    case TC_CMD_PLAN_DRAFT: decide_draft(runs, in->command, out); return true;
    case TC_CMD_PLAN_APPROVE: decide_approve(h, runs, in->command, out); return true;
    case TC_CMD_PLAN_RETIRE: decide_retire(runs, in->command, out); return true;
    case TC_CMD_RUN_START: decide_start(live, in->command, out); return true;
    case TC_CMD_RUN_STOP: decide_stop(runs, in->command, out); return true;
    case TC_CMD_QUESTION_ANSWER: decide_answer(runs, in->command, out); return true;
    default: return false;
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

/** A person closed or merged it: what its plans were about is over. */
static void on_incident_over(struct tc_script_host *h, const struct tc_model *live,
                             const struct tc_event *e, struct tc_out *out)
{
    for (size_t i = 0; i < h->run_count; i++) {
        if (h->runs[i]->incident == e->subject && !h->runs[i]->is_over) {
            struct step s = step_of(h, live, h->runs[i], out);
            run__end(&s, TC_RUN_OUTCOME_STOPPED,
                     e->kind == TC_EV_INCIDENT_CLOSED ? "incident closed" : "incident merged");
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
            emit_start(runs__plan(runs, p->plan_id), incident, e->seq, out);
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

const struct tc_part tc_scripts_part = {
    .name = "scripts", .decide = decide, .react = react, .resume = resume, .replied = replied};
