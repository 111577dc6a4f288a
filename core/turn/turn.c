/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turn/turn.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/metric.h"
#include "core/turn/state.h"

static struct tc_metric fitted = {.name = "tocsin_fields_cut_total",
                                  .help = "Texts cut or mended to fit their field.",
                                  .type = TC_COUNTER};

#define PARTS_MAX         8u
#define PLAN_COMMANDS_MAX 256u /* waiting; a plan past it is told "full" */
#define PLAN_ROUNDS_MAX                                                      \
    64u /* plan commands decided per input; the rest wait for the next batch \
         */

struct plan_command {
    struct tc_command command;
    uint64_t token;
    struct tc_arena arena;
};

struct tc_out {
    struct tc_turn *turn;
    uint64_t source;
    int64_t occurred_us;
    uint64_t cause;
    uint64_t key; /* goes to the first event */
    bool is_refused;
    struct tc_str why;
    struct tc_str detail;
    uint64_t stale_seq;
};

struct tc_turn {
    struct tc_model *live;
    struct turn_state *state;
    const struct tc_part *parts[PARTS_MAX];
    void *selves[PARTS_MAX];
    size_t part_count;
    struct tc_batch *batch;
    size_t applied;     /* events of the batch that the model has */
    size_t reacted;     /* events that were shown to the parts */
    size_t input_first; /* where the running input's events begin */
    int64_t now_us;
    int64_t monotonic_us;
    struct tc_travel_question *questions;
    struct plan_command plan_commands[PLAN_COMMANDS_MAX];
    size_t plan_head, plan_count;
};

struct tc_travel_question *tc_travel_question_create(size_t source_count)
{
    struct tc_travel_question *q = tc_alloc(sizeof *q);
    TC_REQUIRE(q != NULL);
    q->sources = tc_alloc(source_count * sizeof *q->sources);
    q->results = tc_alloc(source_count * sizeof *q->results);
    TC_REQUIRE(q->sources && q->results);
    q->source_count = source_count;
    return q;
}

void tc_travel_question_destroy(struct tc_travel_question *q)
{
    if (q) {
        tc_free(q->sources);
        tc_free(q->results);
        tc_free(q);
    }
}

struct tc_turn *tc_turn_create(struct tc_model *live)
{
    struct tc_turn *t = tc_alloc(sizeof *t);
    TC_REQUIRE(t != NULL);
    t->live = live;
    t->state = tc_model_self(live, "turn");
    tc_metric_add(&fitted);
    return t;
}

void tc_turn_destroy(struct tc_turn *t)
{
    if (!t) {
        return;
    }
    tc_batch_destroy(t->batch);
    while (t->questions) {
        struct tc_travel_question *next = t->questions->next;
        tc_travel_question_destroy(t->questions);
        t->questions = next;
    }
    for (size_t i = 0; i < PLAN_COMMANDS_MAX; i++) {
        tc_arena_finish(&t->plan_commands[i].arena);
    }
    tc_free(t);
}

void tc_turn_add_part(struct tc_turn *t, const struct tc_part *part, void *self)
{
    TC_REQUIRE(t->part_count < PARTS_MAX);
    t->parts[t->part_count] = part;
    t->selves[t->part_count++] = self;
}

/* What parts may ask of the turn */

int64_t tc_out_now_us(const struct tc_out *out)
{
    return out->turn->now_us;
}

struct tc_arena *tc_out_arena(const struct tc_out *out)
{
    return &out->turn->batch->arena;
}

struct tc_str tc_out_copy(struct tc_out *out, struct tc_str s)
{
    return (struct tc_str){.at = tc_arena_copy(tc_out_arena(out), s.at, s.len), .len = s.len};
}

static struct tc_str format_in(struct tc_arena *a, const char *format, va_list args)
{
    char text[1024];
    int n = vsnprintf(text, sizeof text, format, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    while (len > 0 && n > 0 && (size_t)n > len && ((uint8_t)text[len - 1] & 0xC0) == 0x80) {
        len--; /* cut: do not leave half a character */
    }
    return (struct tc_str){.at = tc_arena_copy(a, text, len), .len = len};
}

struct tc_str tc_out_format(struct tc_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct tc_str s = format_in(tc_out_arena(out), format, args);
    va_end(args);
    return s;
}

void *tc_emit(struct tc_out *out, enum tc_kind kind, uint64_t subject, uint64_t *seq)
{
    struct tc_turn *t = out->turn;
    struct tc_batch *b = t->batch;
    TC_REQUIRE(b->count - t->input_first < TC_TURN_EVENTS_MAX);
    struct tc_event *e = tc_batch_add(b);
    e->seq = t->live->seq + (b->count - t->applied);
    e->at_us = t->now_us;
    e->occurred_us = out->occurred_us;
    e->kind = kind;
    e->source = out->source;
    e->subject = subject;
    e->cause = out->cause;
    e->key = out->key;
    out->key = 0;
    void *body = tc_arena_alloc(&b->arena, tc_kinds[kind].record->size);
    e->body = body;
    if (seq) {
        *seq = e->seq;
    }
    return body;
}

void tc_emit_occurred(struct tc_out *out, int64_t occurred_us)
{
    struct tc_batch *b = out->turn->batch;
    TC_REQUIRE(b->count > out->turn->applied);
    b->events[b->count - 1].occurred_us = occurred_us;
}

uint64_t tc_emit_timer(struct tc_out *out, enum tc_purpose purpose, uint64_t subject,
                       int64_t due_us, uint64_t argument)
{
    uint64_t id = 0;
    struct tc_ev_timer_set *b = tc_emit(out, TC_EV_TIMER_SET, subject, &id);
    b->purpose = purpose;
    b->due_us = due_us;
    b->argument = argument;
    return id;
}

void tc_refuse(struct tc_out *out, const char *why, uint64_t stale_seq, const char *detail, ...)
{
    va_list args;
    va_start(args, detail);
    out->detail = format_in(tc_out_arena(out), detail, args);
    va_end(args);
    out->is_refused = true;
    out->why = tc_out_copy(out, tc_str_of(why));
    out->stale_seq = stale_seq;
}

void tc_ask(struct tc_out *out, struct tc_travel_question *q)
{
    q->next = out->turn->questions;
    out->turn->questions = q;
}

static struct tc_str copy_str(struct tc_arena *a, struct tc_str s)
{
    return (struct tc_str){.at = tc_arena_copy(a, s.at, s.len), .len = s.len};
}

/** A command body with every text and list in `a`: written and read back by the codec. */
static const void *copy_body(struct tc_arena *a, enum tc_command_name name, const void *body)
{
    const struct tc_record *record = tc_commands[name].record;
    struct tc_buf json = {0};
    char why[TC_WHY_MAX];
    tc_record_write(&json, record, body, TC_ALL_FIELDS);
    struct tc_str text = copy_str(a, tc_buf_str(&json));
    tc_buf_finish(&json);
    void *copy = tc_arena_alloc(a, record->size);
    TC_REQUIRE(tc_record_read(text, record, copy, a, why) == TC_OK);
    return copy;
}

void tc_command_from_plan(struct tc_out *out, const struct tc_command *c, uint64_t token)
{
    struct tc_turn *t = out->turn;
    TC_REQUIRE(t->plan_count < PLAN_COMMANDS_MAX);
    size_t i = (t->plan_head + t->plan_count++) % PLAN_COMMANDS_MAX;
    struct plan_command *p = &t->plan_commands[i];
    tc_arena_reset(&p->arena);
    p->token = token;
    p->command = *c;
    p->command.id = copy_str(&p->arena, c->id);
    p->command.who = copy_str(&p->arena, c->who);
    p->command.body = copy_body(&p->arena, c->name, c->body);
}

/* The engine */

/** What was emitted becomes so. */
static void apply_emitted(struct tc_turn *t)
{
    while (t->applied < t->batch->count) {
        const struct tc_event *e = &t->batch->events[t->applied++];
        /* bodies lie in the batch's arena; nobody else has seen them yet */
        void *body = (void *)(uintptr_t)e->body;
        tc_metric_inc(&fitted, tc_record_fit(tc_kinds[e->kind].record, body, &t->batch->arena));
        tc_model_apply(t->live, e);
    }
}

static struct tc_out out_for(struct tc_turn *t)
{
    return (struct tc_out){.turn = t, .occurred_us = t->now_us};
}

/** Show every event that was not shown yet to every part; what they emit is applied at once. */
static void run_reactions(struct tc_turn *t)
{
    apply_emitted(t);
    while (t->reacted < t->batch->count) {
        struct tc_event e = t->batch->events[t->reacted++];
        for (size_t i = 0; i < t->part_count; i++) {
            if (t->parts[i]->react) {
                struct tc_out out = out_for(t);
                out.cause = e.seq;
                t->parts[i]->react(t->selves[i], t->live, &e, &out);
                TC_REQUIRE(!out.is_refused);
                apply_emitted(t);
            }
        }
    }
}

/** True when a part took it. Events of a refused input are dropped again. */
static bool ask_parts(struct tc_turn *t, const struct tc_input *in, struct tc_out *out)
{
    size_t before = t->batch->count;
    bool is_taken = false;
    for (size_t i = 0; i < t->part_count && !is_taken; i++) {
        is_taken = t->parts[i]->decide && t->parts[i]->decide(t->selves[i], t->live, in, out);
    }
    if (out->is_refused) {
        t->batch->count = before;
    }
    return is_taken;
}

static void reply(struct tc_turn *t, const struct tc_reply *r)
{
    if (r->token) {
        tc_batch_add_reply(t->batch, r);
    }
}

static void observation(struct tc_turn *t, const struct tc_input *in)
{
    const struct tc_obs *obs = in->obs;
    if (obs->key) {
        const struct tc_seen_key *k = turn__find_seen(t->state, in->source, obs->key);
        bool counts = k && (obs->key_window_us == 0 || t->now_us - k->at_us <= obs->key_window_us);
        if (counts) {
            reply(t, &(struct tc_reply){.token = in->token, .verdict = TC_DUPLICATE, .seq = k->id});
            return;
        }
    }
    struct tc_out out = out_for(t);
    out.source = in->source;
    out.key = obs->key;
    out.occurred_us = obs->occurred_us ? obs->occurred_us : t->now_us;
    uint64_t first = t->live->seq + 1;
    (void)ask_parts(t, in, &out);
    struct tc_reply r = {.token = in->token, .verdict = TC_TAKEN, .seq = first};
    if (out.is_refused) {
        out.key = obs->key;
        r.verdict = TC_REFUSED;
        r.why = out.why;
        r.detail = out.detail;
        struct tc_ev_observation_refused *b =
            tc_emit(&out, TC_EV_OBSERVATION_REFUSED, in->source, NULL);
        b->why = out.why;
        b->detail = out.detail;
    }
    run_reactions(t);
    if (r.seq > t->live->seq) {
        r.seq = t->live->seq; /* it led to nothing */
    }
    reply(t, &r);
}

static bool known_command(struct tc_turn *t, const struct tc_command *c, struct tc_reply *r)
{
    const struct tc_command_result *old =
        c->id.len ? turn__find_result(t->state, c->who, c->id) : NULL;
    if (!old) {
        return false;
    }
    struct tc_arena *a = &t->batch->arena;
    r->verdict = old->verdict == TC_REFUSED ? TC_REFUSED : TC_DUPLICATE;
    r->seq = old->seq;
    r->stale_seq = old->stale_seq;
    r->why = copy_str(a, tc_str_of(old->why));
    r->detail = copy_str(a, tc_str_of(old->detail));
    return true;
}

static void refuse_command(struct tc_out *out, const struct tc_command *c)
{
    struct tc_ev_command_refused *b = tc_emit(out, TC_EV_COMMAND_REFUSED, 0, NULL);
    b->id = tc_out_copy(out, c->id);
    b->who = tc_out_copy(out, c->who);
    b->role = c->role;
    b->name = tc_str_of(tc_commands[c->name].name);
    b->why = out->why;
    b->detail = out->detail;
    b->stale_seq = out->stale_seq;
}

static void take_command(struct tc_out *out, const struct tc_command *c, uint64_t *seq)
{
    struct tc_ev_command_taken *b = tc_emit(out, TC_EV_COMMAND_TAKEN, 0, seq);
    b->id = tc_out_copy(out, c->id);
    b->who = tc_out_copy(out, c->who);
    b->role = c->role;
    b->name = tc_str_of(tc_commands[c->name].name);
    b->seen = c->seen;
}

static struct tc_reply decide_command(struct tc_turn *t, const struct tc_input *in)
{
    const struct tc_command *c = in->command;
    struct tc_reply r = {.token = in->token, .verdict = TC_TAKEN};
    if (known_command(t, c, &r)) {
        return r;
    }
    struct tc_out out = out_for(t);
    out.cause = c->cause;
    size_t before = t->batch->count;
    take_command(&out, c, &r.seq);
    out.cause = r.seq;
    const char *over = tc_record_over_limit(tc_commands[c->name].record, c->body);
    if (!tc_role_may(c->role, (enum tc_role)tc_commands[c->name].role)) {
        tc_refuse(&out, "role_not_allowed", 0, "%s",
                  tc_enum_name(&tc_enum_role, tc_commands[c->name].role));
    } else if (over) {
        tc_refuse(&out, "too_long", 0, "%s", over);
    } else if (!ask_parts(t, in, &out) && !out.is_refused) {
        tc_refuse(&out, "unknown_command", 0, "%s", tc_commands[c->name].name);
    }
    if (out.is_refused) {
        t->batch->count = before;
        out.cause = c->cause;
        refuse_command(&out, c);
        r.verdict = TC_REFUSED;
        r.why = out.why;
        r.detail = out.detail;
        r.stale_seq = out.stale_seq;
    }
    apply_emitted(t);
    return r;
}

/** Commands given by plans, one after the other, each with all that follows from it. */
static void run_plan_commands(struct tc_turn *t)
{
    for (size_t round = 0; t->plan_count && round < PLAN_ROUNDS_MAX; round++) {
        struct plan_command *p = &t->plan_commands[t->plan_head];
        struct tc_command c = p->command;
        struct tc_input in = {.kind = TC_INPUT_COMMAND, .command = &c, .token = p->token};
        struct tc_reply r = decide_command(t, &in);
        t->plan_head = (t->plan_head + 1) % PLAN_COMMANDS_MAX;
        t->plan_count--;
        for (size_t i = 0; i < t->part_count; i++) {
            if (t->parts[i]->replied) {
                struct tc_out out = out_for(t);
                out.cause = r.seq;
                t->parts[i]->replied(t->selves[i], t->live, &r, &out);
                apply_emitted(t);
            }
        }
        run_reactions(t);
    }
}

static void answer(struct tc_turn *t, const struct tc_input *in)
{
    struct tc_out out = out_for(t);
    (void)ask_parts(t, in, &out);
    run_reactions(t);
}

void tc_turn_input(struct tc_turn *t, const struct tc_input *in)
{
    TC_REQUIRE(t->batch != NULL);
    t->input_first = t->batch->count;
    switch (in->kind) {
    case TC_INPUT_OBSERVATION: observation(t, in); break;
    case TC_INPUT_COMMAND: {
        struct tc_reply r = decide_command(t, in);
        run_reactions(t);
        reply(t, &r);
        break;
    }
    case TC_INPUT_ANSWER: answer(t, in); break;
    }
    run_plan_commands(t);
}

void tc_turn_begin(struct tc_turn *t, int64_t now_us, int64_t monotonic_us)
{
    TC_REQUIRE(t->batch == NULL);
    t->batch = tc_batch_create();
    t->applied = 0;
    t->reacted = 0;
    t->input_first = 0;
    t->now_us = now_us > t->live->at_us ? now_us : t->live->at_us;
    t->monotonic_us = monotonic_us;
    t->batch->received_us = monotonic_us;
    run_plan_commands(t);
}

void tc_turn_resume(struct tc_turn *t, const char *version)
{
    struct tc_out out = out_for(t);
    struct tc_ev_system_started *b = tc_emit(&out, TC_EV_SYSTEM_STARTED, 0, NULL);
    b->version = tc_out_copy(&out, tc_str_of(version));
    b->model_version = TC_MODEL_VERSION;
    b->resumed_seq = t->live->seq;
    run_reactions(t);
    for (size_t i = 0; i < t->part_count; i++) {
        if (t->parts[i]->resume) {
            struct tc_out mine = out_for(t);
            t->parts[i]->resume(t->selves[i], t->live, &mine);
            run_reactions(t);
        }
    }
    run_plan_commands(t);
}

uint64_t tc_turn_source(struct tc_turn *t, struct tc_str name, struct tc_str driver)
{
    const struct tc_source *known = turn__find_source(t->state, name);
    if (known) {
        return known->id;
    }
    struct tc_out out = out_for(t);
    uint64_t id = 0;
    struct tc_ev_source_registered *b = tc_emit(&out, TC_EV_SOURCE_REGISTERED, 0, &id);
    b->name = tc_out_copy(&out, name);
    b->driver = tc_out_copy(&out, driver);
    run_reactions(t);
    return id;
}

void tc_turn_clock_stepped(struct tc_turn *t, int64_t delta_us)
{
    struct tc_out out = out_for(t);
    struct tc_ev_system_clock_stepped *b = tc_emit(&out, TC_EV_SYSTEM_CLOCK_STEPPED, 0, NULL);
    b->delta_us = delta_us;
    run_reactions(t);
}

void tc_turn_timers(struct tc_turn *t)
{
    const struct tc_timer *due = NULL;
    size_t fired = 0;
    while (fired++ < TC_TURN_INPUTS_MAX && (due = turn__next_timer(t->state)) != NULL &&
           due->due_us <= t->now_us) {
        t->input_first = t->batch->count;
        struct tc_out out = out_for(t);
        out.occurred_us = due->due_us;
        struct tc_ev_timer_fired *b = tc_emit(&out, TC_EV_TIMER_FIRED, due->subject, NULL);
        b->timer = due->id;
        b->purpose = due->purpose;
        b->argument = due->argument;
        run_reactions(t);
        run_plan_commands(t);
    }
}

struct tc_batch *tc_turn_end(struct tc_turn *t, struct tc_travel_question **questions)
{
    struct tc_batch *b = t->batch;
    t->batch = NULL;
    *questions = t->questions;
    t->questions = NULL;
    if (b->count == 0 && b->reply_count == 0) {
        tc_batch_destroy(b);
        return NULL;
    }
    return b;
}

int64_t tc_turn_next_due_us(const struct tc_turn *t)
{
    if (t->plan_count) {
        return 0;
    }
    const struct tc_timer *timer = turn__next_timer(t->state);
    return timer ? timer->due_us : INT64_MAX;
}
