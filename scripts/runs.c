/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/runs.h"

#include "scripts/host.h"

#define PLANS_MAX      1024u
#define PLAN_TEXTS_MAX 80000u
#define RUNS_MAX       16384u
#define CALLS_MAX      1000000u
#define TEXTS_MAX      1000000u
#define QUESTIONS_MAX  16384u
/* Kept free for what one turn may add before it is applied. */
#define CALLS_SPARE     8192u
#define TEXTS_SPARE     200000u
#define QUESTIONS_SPARE 2048u
#define PLAN_PIECES     128u /* ids of pieces: 70 pieces at most hold a plan */
#define TEXT_PIECES     512u

static void init(void *self)
{
    struct runs_section *s = self;
    struct tc_table *t = s->tables;
    tc_table_init(&t[RUNS_PLANS], "plan", &tc_record_plan, PLANS_MAX, true);
    tc_table_init(&t[RUNS_PLAN_TEXTS], "plan_text", &tc_record_plan_text, PLAN_TEXTS_MAX, false);
    tc_table_init(&t[RUNS_RUNS], "run", &tc_record_run, RUNS_MAX, true);
    tc_table_init(&t[RUNS_CALLS], "run_call", &tc_record_run_call, CALLS_MAX, false);
    tc_table_init(&t[RUNS_TEXTS], "run_text", &tc_record_run_text, TEXTS_MAX, false);
    tc_table_init(&t[RUNS_QUESTIONS], "question", &tc_record_question, QUESTIONS_MAX, true);
}

static void finish(void *self)
{
    struct runs_section *s = self;
    for (size_t i = 0; i < RUNS_TABLE_COUNT; i++) {
        tc_table_finish(&s->tables[i]);
    }
}

static struct tc_table *tables(void *self, size_t *count)
{
    struct runs_section *s = self;
    *count = RUNS_TABLE_COUNT;
    return s->tables;
}

/** The first piece of `text` that fits into `size` bytes with its end; never half a character. */
static struct tc_str take_piece(struct tc_str *text, char *to, size_t size)
{
    (void)tc_str_put(to, size, *text);
    size_t len = strlen(to);
    text->at += len;
    text->len -= len;
    return (struct tc_str){.at = to, .len = len};
}

static void apply_drafted(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_plan_drafted *b = TC_BODY(e, plan_drafted);
    struct tc_plan *p = tc_table_add(&s->tables[RUNS_PLANS], e->seq, e->seq);
    (void)tc_str_put(p->plan, sizeof p->plan, b->plan);
    (void)tc_str_put(p->hash, sizeof p->hash, b->hash);
    (void)tc_str_put(p->title_zh, sizeof p->title_zh, b->title_zh);
    (void)tc_str_put(p->title_en, sizeof p->title_en, b->title_en);
    (void)tc_str_put(p->drafted_by, sizeof p->drafted_by, b->by);
    p->version = b->version;
    struct tc_str rest = b->source;
    for (uint32_t i = 0; rest.len > 0 && i < PLAN_PIECES; i++) {
        uint64_t id = e->seq * PLAN_PIECES + i;
        struct tc_plan_text *t = tc_table_add(&s->tables[RUNS_PLAN_TEXTS], id, e->seq);
        t->plan_id = e->seq;
        t->piece = i;
        (void)take_piece(&rest, t->text, sizeof t->text);
    }
}

/** One version is live; approving one puts the others to rest. */
static void set_live(struct runs_section *s, struct tc_str plan, uint32_t version, struct tc_str by,
                     uint64_t seq)
{
    TC_POOL_EACH(&s->tables[RUNS_PLANS].pool, struct tc_plan, p)
    {
        if (!tc_str_is(plan, p->plan)) {
            continue;
        }
        bool is_live = version != 0 && p->version == version;
        if (is_live) {
            (void)tc_str_put(p->approved_by, sizeof p->approved_by, by);
        }
        if (p->is_live != is_live) {
            p->is_live = is_live;
            tc_table_touch(&s->tables[RUNS_PLANS], p, seq);
        }
    }
}

/** The oldest run that is over makes room. */
static void evict_run(struct runs_section *s, uint64_t seq)
{
    uint64_t oldest = 0;
    TC_POOL_EACH(&s->tables[RUNS_RUNS].pool, struct tc_run, r)
    {
        if (r->is_ended && (oldest == 0 || r->id < oldest)) {
            oldest = r->id;
        }
    }
    tc_table_remove(&s->tables[RUNS_RUNS], oldest, seq);
}

static void apply_started(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_run_started *b = TC_BODY(e, run_started);
    if (tc_pool_is_full(&s->tables[RUNS_RUNS].pool)) {
        evict_run(s, e->seq);
    }
    struct tc_run *r = tc_table_add(&s->tables[RUNS_RUNS], e->seq, e->seq);
    (void)tc_str_put(r->plan, sizeof r->plan, b->plan);
    r->version = b->version;
    const struct tc_plan *p = runs__find_plan(s, b->plan, b->version);
    r->plan_id = p ? p->id : 0;
    r->incident = b->incident;
    r->trigger = b->trigger;
    r->started_us = e->at_us;
}

static void apply_called(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_run_called *b = TC_BODY(e, run_called);
    struct tc_run *r = tc_table_find(&s->tables[RUNS_RUNS], e->subject);
    if (!r) {
        return;
    }
    struct tc_run_call *c = tc_table_add(&s->tables[RUNS_CALLS], e->seq, e->seq);
    c->run = e->subject;
    c->n = b->n;
    c->hash = b->hash;
    c->previous = r->last_call;
    (void)tc_str_put(c->name, sizeof c->name, b->name);
    r->calls = b->n;
    r->last_call = e->seq;
    char text[sizeof r->waits_for];
    struct tc_str arguments = b->arguments;
    (void)tc_str_format(r->waits_for, sizeof r->waits_for, "%s ", c->name);
    size_t used = strlen(r->waits_for);
    struct tc_str head = take_piece(&arguments, text, sizeof text - used);
    memcpy(r->waits_for + used, head.at, head.len + 1);
    tc_table_touch(&s->tables[RUNS_RUNS], r, e->seq);
}

static void apply_answered(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_run_answered *b = TC_BODY(e, run_answered);
    struct tc_run *r = tc_table_find(&s->tables[RUNS_RUNS], e->subject);
    struct tc_run_call *c = r ? tc_table_find(&s->tables[RUNS_CALLS], r->last_call) : NULL;
    if (!c || c->n != b->n) {
        return;
    }
    c->answer = e->seq;
    tc_table_touch(&s->tables[RUNS_CALLS], c, e->seq);
    struct tc_str rest = b->result;
    for (uint32_t i = 0; rest.len > 0 && i < TEXT_PIECES; i++) {
        uint64_t id = e->seq * TEXT_PIECES + i;
        struct tc_run_text *t = tc_table_add(&s->tables[RUNS_TEXTS], id, e->seq);
        t->run = e->subject;
        t->n = b->n;
        t->piece = i;
        (void)take_piece(&rest, t->text, sizeof t->text);
    }
    r->answers = b->n;
    r->waits_for[0] = '\0';
    tc_table_touch(&s->tables[RUNS_RUNS], r, e->seq);
}

static void forget_history(struct runs_section *s, const struct tc_run *r, uint64_t seq)
{
    struct tc_run_call *c = tc_table_find(&s->tables[RUNS_CALLS], r->last_call);
    while (c) {
        for (uint64_t i = 0; c->answer && i < TEXT_PIECES; i++) {
            uint64_t id = c->answer * TEXT_PIECES + i;
            if (!tc_table_find(&s->tables[RUNS_TEXTS], id)) {
                break;
            }
            tc_table_remove(&s->tables[RUNS_TEXTS], id, seq);
        }
        uint64_t id = c->id;
        c = tc_table_find(&s->tables[RUNS_CALLS], c->previous);
        tc_table_remove(&s->tables[RUNS_CALLS], id, seq);
    }
    TC_POOL_EACH(&s->tables[RUNS_QUESTIONS].pool, struct tc_question, q)
    {
        if (q->run == r->id) {
            tc_table_remove(&s->tables[RUNS_QUESTIONS], q->id, seq);
        }
    }
}

static void apply_ended(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_run_ended *b = TC_BODY(e, run_ended);
    struct tc_run *r = tc_table_find(&s->tables[RUNS_RUNS], e->subject);
    if (!r) {
        return;
    }
    forget_history(s, r, e->seq);
    r->is_ended = true;
    r->outcome = b->outcome;
    r->ended_us = e->at_us;
    r->last_call = 0;
    r->waits_for[0] = '\0';
    (void)tc_str_put(r->why, sizeof r->why, b->why);
    tc_table_touch(&s->tables[RUNS_RUNS], r, e->seq);
}

static void apply_asked(struct runs_section *s, const struct tc_event *e)
{
    const struct tc_ev_question_asked *b = TC_BODY(e, question_asked);
    struct tc_question *q = tc_table_add(&s->tables[RUNS_QUESTIONS], e->seq, e->seq);
    q->run = b->run;
    q->incident = b->incident;
    q->role = b->role;
    q->due_us = b->due_us;
    q->asked_us = e->at_us;
    (void)tc_str_put(q->key, sizeof q->key, b->key);
    (void)tc_str_put(q->text_zh, sizeof q->text_zh, b->text_zh);
    (void)tc_str_put(q->text_en, sizeof q->text_en, b->text_en);
    (void)tc_str_put(q->default_answer, sizeof q->default_answer, b->default_answer);
}

static void apply_question(struct runs_section *s, const struct tc_event *e)
{
    struct tc_question *q = tc_table_find(&s->tables[RUNS_QUESTIONS], e->subject);
    if (!q) {
        return;
    }
    if (e->kind == TC_EV_TIMER_SET) {
        q->timer = e->seq;
    } else if (e->kind == TC_EV_QUESTION_ANSWERED) {
        const struct tc_ev_question_answered *b = TC_BODY(e, question_answered);
        (void)tc_str_put(q->answer, sizeof q->answer, b->answer);
        (void)tc_str_put(q->answered_by, sizeof q->answered_by, b->by);
    } else {
        (void)tc_str_put(q->answer, sizeof q->answer, TC_BODY(e, question_expired)->answer);
    }
    tc_table_touch(&s->tables[RUNS_QUESTIONS], q, e->seq);
}

static void apply(void *self, const struct tc_event *e)
{
    struct runs_section *s = self;
    switch ((int)e->kind) {
    case TC_EV_PLAN_DRAFTED: apply_drafted(s, e); break;
    case TC_EV_PLAN_APPROVED: {
        const struct tc_ev_plan_approved *b = TC_BODY(e, plan_approved);
        set_live(s, b->plan, b->version, b->by, e->seq);
        break;
    }
    case TC_EV_PLAN_RETIRED:
        set_live(s, TC_BODY(e, plan_retired)->plan, 0, (struct tc_str){0}, e->seq);
        break;
    case TC_EV_RUN_STARTED: apply_started(s, e); break;
    case TC_EV_RUN_CALLED: apply_called(s, e); break;
    case TC_EV_RUN_ANSWERED: apply_answered(s, e); break;
    case TC_EV_RUN_ENDED: apply_ended(s, e); break;
    case TC_EV_QUESTION_ASKED: apply_asked(s, e); break;
    case TC_EV_TIMER_SET:
        if (TC_BODY(e, timer_set)->purpose == TC_PURPOSE_QUESTION) {
            apply_question(s, e);
        }
        break;
    case TC_EV_QUESTION_ANSWERED:
    case TC_EV_QUESTION_EXPIRED: apply_question(s, e); break;
    default: break;
    }
}

const struct tc_section tc_runs_section_table = {.name = "runs",
                                                 .self_size = sizeof(struct runs_section),
                                                 .init = init,
                                                 .finish = finish,
                                                 .apply = apply,
                                                 .tables = tables};

/* Look-ups */

const struct runs_section *runs__of(const struct tc_model *live)
{
    return tc_model_self(live, "runs");
}

const struct tc_run *runs__run(const struct runs_section *s, uint64_t id)
{
    return tc_table_find(&s->tables[RUNS_RUNS], id);
}

const struct tc_plan *runs__plan(const struct runs_section *s, uint64_t id)
{
    return tc_table_find(&s->tables[RUNS_PLANS], id);
}

const struct tc_question *runs__question(const struct runs_section *s, uint64_t id)
{
    return tc_table_find(&s->tables[RUNS_QUESTIONS], id);
}

const struct tc_plan *runs__find_plan(const struct runs_section *s, struct tc_str plan,
                                      uint32_t version)
{
    TC_POOL_EACH(&s->tables[RUNS_PLANS].pool, const struct tc_plan, p)
    {
        if (tc_str_is(plan, p->plan) && (version ? p->version == version : p->is_live)) {
            return p;
        }
    }
    return NULL;
}

uint32_t runs__last_version(const struct runs_section *s, struct tc_str plan)
{
    uint32_t last = 0;
    TC_POOL_EACH(&s->tables[RUNS_PLANS].pool, const struct tc_plan, p)
    {
        if (tc_str_is(plan, p->plan) && p->version > last) {
            last = p->version;
        }
    }
    return last;
}

const struct tc_run *runs__find_run(const struct runs_section *s, struct tc_str plan,
                                    uint64_t incident, bool is_open)
{
    TC_POOL_EACH(&s->tables[RUNS_RUNS].pool, const struct tc_run, r)
    {
        if (r->incident == incident && tc_str_is(plan, r->plan) && !(is_open && r->is_ended)) {
            return r;
        }
    }
    return NULL;
}

void runs__plan_source(const struct runs_section *s, uint64_t plan_id, struct tc_buf *out)
{
    for (uint64_t i = 0; i < PLAN_PIECES; i++) {
        const struct tc_plan_text *t =
            tc_table_find(&s->tables[RUNS_PLAN_TEXTS], plan_id * PLAN_PIECES + i);
        if (!t) {
            break;
        }
        tc_buf_text(out, t->text);
    }
}

bool runs__answer(const struct runs_section *s, const struct tc_run_call *call, struct tc_buf *out)
{
    for (uint64_t i = 0; call->answer && i < TEXT_PIECES; i++) {
        const struct tc_run_text *t =
            tc_table_find(&s->tables[RUNS_TEXTS], call->answer * TEXT_PIECES + i);
        if (!t) {
            break;
        }
        tc_buf_text(out, t->text);
    }
    return call->answer != 0;
}

bool runs__has_room_for_calls(const struct runs_section *s)
{
    const struct tc_table *t = s->tables;
    return t[RUNS_CALLS].pool.count + CALLS_SPARE < CALLS_MAX &&
           t[RUNS_TEXTS].pool.count + TEXTS_SPARE < TEXTS_MAX &&
           t[RUNS_QUESTIONS].pool.count + QUESTIONS_SPARE < QUESTIONS_MAX;
}

bool runs__has_room(const struct runs_section *s)
{
    const struct tc_pool *runs = &s->tables[RUNS_RUNS].pool;
    if (!tc_pool_is_full(runs)) {
        return true;
    }
    TC_POOL_EACH(runs, const struct tc_run, r)
    {
        if (r->is_ended) {
            return true;
        }
    }
    return false;
}
