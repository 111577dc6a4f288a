/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about plans, runs and questions: looked at, then events or a refusal. */
#include "dispatch/world.gen.h"
#include "scripts/check.h"
#include "scripts/host_int.h"

/** Cut at a whole character: a refusal is recorded like anything else. */
static void refuse_plan(struct tc_out *out, const char *file, int line, const char *text)
{
    char cut[120];
    (void)tc_str_put(cut, sizeof cut, tc_str_of(text));
    tc_refuse(out, "plan_invalid", 0, "%s:%d: %s", file, line, cut);
}

static void decide_draft(const struct runs_section *runs, const struct tc_command *c,
                         struct tc_out *out)
{
    const struct tc_cmd_plan_draft *b = c->body;
    struct tc_plan_header header;
    char file[64];
    char why[TC_WHY_MAX];
    (void)tc_str_format(file, sizeof file, "%.*s.lua", (int)b->plan.len, b->plan.at);
    struct tc_plan_remark remarks[8];
    if (b->source.len && memchr(b->source.at, '\0', b->source.len)) {
        tc_refuse(out, "plan_invalid", 0, "zero byte");
        return;
    }
    size_t count = tc_plan_check(b->source, file, remarks, TC_COUNT_OF(remarks));
    for (size_t i = 0; i < count; i++) {
        if (remarks[i].is_error) {
            refuse_plan(out, file, remarks[i].line, remarks[i].en);
            return;
        }
    }
    if (tc_plan_read(b->source, file, &header, why) != TC_OK) {
        refuse_plan(out, file, 0, why);
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

void host__emit_start(const struct tc_plan *p, uint64_t incident, uint64_t trigger,
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
        host__emit_start(p, b->incident, live->seq, out);
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

bool host__decide(void *self, const struct tc_model *live, const struct tc_input *in,
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
