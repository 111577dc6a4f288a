/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"
#include "core/base/time.h"
#include "core/turn/turn.gen.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/host_int.h"

/* Commands */

void call__command(struct step *s, enum tc_command_name name, const char *suffix, const void *body,
                   uint64_t token)
{
    char who[48];
    struct tc_command c = {
        .name = name,
        .id = tc_out_format(s->out, "run:%llu:%s", (unsigned long long)s->r->id, suffix),
        .who = run__who(s->r, who),
        .role = TC_ROLE_PLAN,
        .cause = s->r->call_seq,
        .body = body};
    s->h->commands_out++;
    tc_command_from_plan(s->out, &c, token);
}

/** The run's call as a command; its id is the same however often it is given. */
static struct tc_str give(struct step *s, enum tc_command_name name, const void *body)
{
    char suffix[16];
    struct open_run *r = s->r;
    const char *over = tc_record_over_limit(tc_commands[name].record, body);
    if (over) {
        char text[80];
        (void)tc_str_format(text, sizeof text, "%s is too long", over);
        return answer__mistake(s, text);
    }
    if (s->h->commands_out >= COMMANDS_MAX) {
        r->is_deferred = true;
        return (struct tc_str){0};
    }
    (void)tc_str_format(suffix, sizeof suffix, "%u", r->calls);
    call__command(s, name, suffix, body, r->id << TOKEN_CALL_BITS | r->calls);
    return (struct tc_str){0};
}

void call__note(struct step *s, const char *what, struct tc_str zh, struct tc_str en)
{
    char suffix[40];
    struct tc_cmd_incident_note b = {.incident = s->r->incident, .text = zh, .text_en = en};
    if (s->h->commands_out < COMMANDS_MAX) {
        (void)tc_str_format(suffix, sizeof suffix, "%u:%s", s->r->calls, what);
        call__command(s, TC_CMD_INCIDENT_NOTE, suffix, &b, 0);
    }
}

/* The calls. Each is handed its arguments; texts live in the batch. */

struct given {
    struct step *s;
    struct tc_str json;
    bool is_again;
};

static struct tc_str text_of(struct given *g, const char *key)
{
    return tc_out_copy(g->s->out, arguments__text(g->json, key, tc_out_arena(g->s->out)));
}

static uint64_t id_of(struct given *g, const char *key)
{
    return (uint64_t)arguments__i64(g->json, key);
}

static struct tc_str do_now(struct given *g)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_i64(&b, "seconds", tc_out_now_us(g->s->out) / TC_SEC);
    tc_jw_close(&b, '}');
    return answer__keep(g->s, &b);
}

static struct tc_str do_incident(struct given *g)
{
    struct tc_buf b = {.max = RESULT_MAX};
    read__incident(g->s, &b);
    return answer__keep(g->s, &b);
}

static struct tc_str do_units(struct given *g)
{
    struct tc_buf b = {.max = RESULT_MAX};
    read__units(g->s, g->json, &b);
    return answer__keep(g->s, &b);
}

static struct tc_str do_alarms(struct given *g)
{
    struct tc_buf b = {.max = RESULT_MAX};
    read__of_incident(g->s, "alarm", "alarms", &b);
    return answer__keep(g->s, &b);
}

static struct tc_str do_assignments(struct given *g)
{
    struct tc_buf b = {.max = RESULT_MAX};
    read__of_incident(g->s, "assignment", "assignments", &b);
    return answer__keep(g->s, &b);
}

static struct tc_str do_closures(struct given *g)
{
    struct tc_buf b = {.max = RESULT_MAX};
    read__closures(g->s, &b);
    return answer__keep(g->s, &b);
}

static struct tc_str do_note(struct given *g)
{
    struct tc_cmd_incident_note b = {
        .incident = g->s->r->incident, .text = text_of(g, "zh"), .text_en = text_of(g, "en")};
    return give(g->s, TC_CMD_INCIDENT_NOTE, &b);
}

static struct tc_str do_propose(struct given *g)
{
    struct tc_cmd_response_propose b = {.incident = g->s->r->incident,
                                        .level = text_of(g, "level"),
                                        .why_zh = text_of(g, "zh"),
                                        .why_en = text_of(g, "en")};
    return give(g->s, TC_CMD_RESPONSE_PROPOSE, &b);
}

static struct tc_str do_set_grade(struct given *g)
{
    struct tc_str grade = text_of(g, "grade");
    char low[8] = "";
    int value = 0;
    for (size_t i = 0; i < grade.len && i < sizeof low - 1; i++) {
        char c = grade.at[i];
        low[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    if (tc_enum_value(&tc_enum_grade, tc_str_of(low), &value) != TC_OK || value == 0) {
        return answer__mistake(g->s, "a grade is \"I\", \"II\", \"III\" or \"IV\"");
    }
    struct tc_cmd_incident_set_grade b = {.incident = g->s->r->incident,
                                          .grade = (enum tc_grade)value};
    return give(g->s, TC_CMD_INCIDENT_SET_GRADE, &b);
}

static const struct tc_incident *own_incident(const struct step *s)
{
    const struct tc_table *t = tc_model_table(s->live, "incident");
    return t ? tc_table_find(t, s->r->incident) : NULL;
}

static struct tc_str do_close_roads(struct given *g)
{
    const struct tc_incident *i = own_incident(g->s);
    int64_t within = arguments__i64(g->json, "within");
    if (within < 0 || within > 20000) {
        return answer__mistake(g->s, "close_roads: within is 1 to 20000 metres");
    }
    struct tc_cmd_road_close b = {.layer = text_of(g, "layer"),
                                  .feature = text_of(g, "feature"),
                                  .lon_e7 = i ? i->lon_e7 : 0,
                                  .lat_e7 = i ? i->lat_e7 : 0,
                                  .radius_m = (uint32_t)within,
                                  .why = text_of(g, "why"),
                                  .incident = g->s->r->incident};
    if (!b.why.len) {
        b.why = tc_out_format(g->s->out, "预案 %s", g->s->r->plan);
    }
    return give(g->s, TC_CMD_ROAD_CLOSE, &b);
}

static struct tc_str do_open_road(struct given *g)
{
    struct tc_cmd_road_open b = {.closure = id_of(g, "closure")};
    return give(g->s, TC_CMD_ROAD_OPEN, &b);
}

static struct tc_str do_clock(struct given *g)
{
    int64_t seconds = arguments__i64(g->json, "seconds");
    if (seconds < 1 || seconds > 7 * 86400) {
        return answer__mistake(g->s, "clock: seconds is 1 to 604800");
    }
    struct tc_cmd_clock_start b = {
        .incident = g->s->r->incident, .name = text_of(g, "name"), .seconds = (uint32_t)seconds};
    return give(g->s, TC_CMD_CLOCK_START, &b);
}

static struct tc_str do_stop_clock(struct given *g)
{
    struct tc_cmd_clock_stop b = {.incident = g->s->r->incident, .name = text_of(g, "name")};
    return give(g->s, TC_CMD_CLOCK_STOP, &b);
}

static struct tc_str do_send(struct given *g)
{
    struct tc_jr r = tc_jr_init(arguments__raw(g->json, "units"));
    uint64_t units[32];
    uint32_t count = 0;
    (void)tc_jr_open(&r, '[');
    while (tc_jr_more(&r, ']')) {
        if (count == TC_COUNT_OF(units)) {
            return answer__mistake(g->s, "send takes at most 32 units");
        }
        units[count++] = tc_jr_u64(&r);
    }
    if (r.bad) {
        return answer__mistake(g->s, "send: units is a list of units");
    }
    struct tc_cmd_units_send b = {.incident = g->s->r->incident,
                                  .units = units,
                                  .units_count = count,
                                  .text = text_of(g, "text"),
                                  .capability = text_of(g, "capability")};
    return give(g->s, TC_CMD_UNITS_SEND, &b);
}

static struct tc_str do_tell(struct given *g)
{
    uint64_t unit = id_of(g, "unit");
    uint64_t recipient = id_of(g, "recipient");
    const struct tc_table *t = tc_model_table(g->s->live, "recipient");
    const struct tc_recipient *to = t && recipient ? tc_table_find(t, recipient) : NULL;
    if (!unit && !recipient) { /* a role reads it on the incident's log */
        struct tc_str role = text_of(g, "role");
        struct tc_str zh = text_of(g, "zh");
        struct tc_str en = text_of(g, "en");
        struct tc_cmd_incident_note note = {
            .incident = g->s->r->incident,
            .text =
                tc_out_format(g->s->out, "@%.*s %.*s", (int)role.len, role.at, (int)zh.len, zh.at),
            .text_en =
                tc_out_format(g->s->out, "@%.*s %.*s", (int)role.len, role.at, (int)en.len, en.at)};
        return role.len ? give(g->s, TC_CMD_INCIDENT_NOTE, &note)
                        : answer__mistake(g->s, "tell needs unit, recipient or role");
    }
    struct tc_cmd_order_send b = {.incident = g->s->r->incident,
                                  .recipient_kind = to ? to->kind : TC_RECIPIENT_KIND_UNIT,
                                  .recipient = unit ? unit : recipient,
                                  .channel = to ? to->channel : TC_CHANNEL_SDS,
                                  .text = text_of(g, "zh"),
                                  .priority = TC_PRIORITY_URGENT};
    return give(g->s, TC_CMD_ORDER_SEND, &b);
}

/** The timer that a restart left standing for this call. */
static uint64_t standing_timer(struct step *s)
{
    const struct tc_table *timers = tc_model_table(s->live, "timer");
    TC_POOL_EACH(&timers->pool, const struct tc_timer, t)
    {
        if (t->purpose == TC_PURPOSE_RUN && t->subject == s->r->id && t->argument == s->r->calls) {
            return t->id;
        }
    }
    return 0;
}

static void arm(struct given *g, int64_t wait_us)
{
    struct step *s = g->s;
    s->r->timer = g->is_again ? standing_timer(s) : 0;
    if (!s->r->timer) {
        s->r->timer = tc_emit_timer(s->out, TC_PURPOSE_RUN, s->r->id,
                                    tc_out_now_us(s->out) + wait_us, s->r->calls);
    }
}

/** Units that have the capability and are on the incident: dispatch counts needs as a whole. */
static uint16_t already_there(const struct step *s, struct tc_str capability)
{
    const struct tc_table *assignments = tc_model_table(s->live, "assignment");
    const struct tc_table *units = tc_model_table(s->live, "unit");
    uint16_t count = 0;
    for (size_t i = 0; assignments && i < assignments->pool.top; i++) {
        const struct tc_assignment *a = tc_pool_at(&assignments->pool, i);
        bool is_here =
            a && a->incident == s->r->incident && a->state < TC_ASSIGNMENT_STATE_LEFT && units;
        const struct tc_unit *u = is_here ? tc_table_find(units, a->unit) : NULL;
        for (uint32_t k = 0; u && k < u->capabilities_count; k++) {
            count += tc_str_is(capability, u->capabilities[k].capability);
        }
    }
    return count;
}

static struct tc_str do_recommend(struct given *g)
{
    struct step *s = g->s;
    struct tc_need needs[8];
    struct tc_jr r = tc_jr_init(arguments__raw(g->json, "need"));
    uint32_t count = 0;
    (void)tc_jr_open(&r, '[');
    while (tc_jr_more(&r, ']')) {
        struct tc_str need = tc_jr_skip(&r);
        if (count == TC_COUNT_OF(needs)) {
            return answer__mistake(s, "dispatch: at most 8 capabilities");
        }
        needs[count].capability = arguments__text(need, "capability", tc_out_arena(s->out));
        needs[count].count =
            (uint16_t)(arguments__i64(need, "count") + already_there(s, needs[count].capability));
        count++;
    }
    struct tc_cmd_recommendation_ask b = {
        .incident = s->r->incident, .needs = needs, .needs_count = count};
    if (!s->r->timer) {
        arm(g, RECOMMENDATION_WAIT_US);
    }
    if (!g->is_again || s->h->commands_out >= COMMANDS_MAX) {
        return give(s, TC_CMD_RECOMMENDATION_ASK, &b);
    }
    /* The answer under way died with the process: asking again changes nothing but the answer. */
    char suffix[40];
    (void)tc_str_format(suffix, sizeof suffix, "%u:%llu", s->r->calls,
                        (unsigned long long)s->live->seq);
    call__command(s, TC_CMD_RECOMMENDATION_ASK, suffix, &b,
                  s->r->id << TOKEN_CALL_BITS | s->r->calls);
    return (struct tc_str){0};
}

static const struct tc_question *own_question(struct step *s)
{
    const struct tc_question *found = NULL;
    TC_POOL_EACH(&runs__of(s->live)->tables[RUNS_QUESTIONS].pool, const struct tc_question, q)
    {
        if (q->run == s->r->id && q->id > s->r->call_seq) {
            found = q;
        }
    }
    return found;
}

static bool role_of(struct tc_str name, enum tc_role *role)
{
    static const struct {
        const char *name;
        enum tc_role role;
    } roles[] = {{"duty_officer", TC_ROLE_OFFICER},
                 {"officer", TC_ROLE_OFFICER},
                 {"supervisor", TC_ROLE_SUPERVISOR},
                 {"duty_leader", TC_ROLE_DUTY_LEADER}};
    for (size_t i = 0; i < TC_COUNT_OF(roles); i++) {
        if (tc_str_is(name, roles[i].name)) {
            *role = roles[i].role;
            return true;
        }
    }
    return false;
}

static struct tc_str do_ask(struct given *g)
{
    struct step *s = g->s;
    if (g->is_again) {
        const struct tc_question *q = own_question(s);
        TC_REQUIRE(q != NULL); /* asked together with the call */
        s->r->timer = q->timer;
        return q->answer[0] ? call__answer_question(s, q) : (struct tc_str){0};
    }
    struct tc_ev_question_asked b = {.run = s->r->id,
                                     .incident = s->r->incident,
                                     .key = text_of(g, "key"),
                                     .text_zh = text_of(g, "zh"),
                                     .text_en = text_of(g, "en")};
    b.default_answer = arguments__bool(g->json, "default") ? TC_STR("yes") : TC_STR("no");
    int64_t seconds = arguments__i64(g->json, "timeout");
    if (!role_of(text_of(g, "role"), &b.role)) {
        return answer__mistake(s, "ask: role is duty_officer, supervisor or duty_leader");
    }
    if (tc_record_over_limit(&tc_record_ev_question_asked, &b)) {
        return answer__mistake(s, "ask: key is at most 48 bytes, text at most 300");
    }
    if (seconds < 1 || seconds > 7 * 86400) {
        return answer__mistake(s, "ask: timeout is one second to seven days");
    }
    b.due_us = tc_out_now_us(s->out) + seconds * TC_SEC;
    uint64_t id = 0;
    struct tc_ev_question_asked *body = tc_emit(s->out, TC_EV_QUESTION_ASKED, 0, &id);
    *body = b;
    s->r->timer = tc_emit_timer(s->out, TC_PURPOSE_QUESTION, id, b.due_us, s->r->calls);
    return (struct tc_str){0};
}

static struct tc_str do_await(struct given *g)
{
    struct step *s = g->s;
    struct open_run *r = s->r;
    char why[TC_WHY_MAX];
    int64_t least = 0;
    if (trigger__read(arguments__raw(g->json, "triggers"), r->triggers, &r->trigger_count, why) !=
        TC_OK) {
        return answer__mistake(s, why);
    }
    for (size_t i = 0; i < r->trigger_count; i++) {
        if (trigger__holds(&r->triggers[i], s->live, r->incident)) {
            return call__answer_await(s, i, s->live->seq);
        }
        if (r->triggers[i].kind == TRIGGER_AFTER && (!least || r->triggers[i].seconds < least)) {
            least = r->triggers[i].seconds;
        }
    }
    if (least > 366 * (int64_t)86400) {
        return answer__mistake(s, "after takes at most a year");
    }
    if (least) {
        arm(g, least * TC_SEC);
    }
    return (struct tc_str){0};
}

static const struct {
    const char *name;
    struct tc_str (*start)(struct given *g);
} calls[] = {{"incident", do_incident},
             {"alarms", do_alarms},
             {"assignments", do_assignments},
             {"units", do_units},
             {"closures", do_closures},
             {"now", do_now},
             {"note", do_note},
             {"propose_response", do_propose},
             {"set_grade", do_set_grade},
             {"close_roads", do_close_roads},
             {"open_road", do_open_road},
             {"ask", do_ask},
             {"recommend", do_recommend},
             {"send", do_send},
             {"tell", do_tell},
             {"clock", do_clock},
             {"stop_clock", do_stop_clock},
             {"await", do_await}};

struct tc_str call__start(struct step *s, bool is_again)
{
    struct given g = {.s = s, .json = tc_buf_str(&s->r->arguments), .is_again = is_again};
    for (size_t i = 0; i < TC_COUNT_OF(calls); i++) {
        if (strcmp(calls[i].name, s->r->call) == 0) {
            return calls[i].start(&g);
        }
    }
    return answer__mistake(s, "no such call");
}
