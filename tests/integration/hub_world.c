/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/hub_world.h"

#include "core/base/time.h"
#include "tests/integration/hub_world.gen.h"

enum { ALARMS, QUESTIONS, UNITS, REPORTS, TABLES };

struct small_world {
    struct tc_table tables[TABLES];
};

static void init(void *self)
{
    struct small_world *w = self;
    tc_table_init(&w->tables[UNITS], "unit", &tc_record_small_unit, 20000, true);
    tc_table_init(&w->tables[REPORTS], "report", &tc_record_small_report, 20000, true);
    tc_table_init(&w->tables[ALARMS], "alarm", &tc_record_small_alarm, 20000, true);
    tc_table_init(&w->tables[QUESTIONS], "question", &tc_record_small_question, 1000, true);
}

static void finish(void *self)
{
    struct small_world *w = self;
    for (int i = 0; i < TABLES; i++) {
        tc_table_finish(&w->tables[i]);
    }
}

static struct tc_table *tables(void *self, size_t *count)
{
    struct small_world *w = self;
    *count = TABLES;
    return w->tables;
}

static void apply_position(struct small_world *w, const struct tc_event *e)
{
    const struct tc_ev_unit_position *b = e->body;
    struct tc_small_unit *u = tc_table_find(&w->tables[UNITS], b->unit);
    if (u) {
        u->lon_e7 = b->lon_e7;
        tc_table_touch(&w->tables[UNITS], u, e->seq);
    }
}

static void apply(void *self, const struct tc_event *e)
{
    struct small_world *w = self;
    if (e->kind == TC_EV_UNIT_REGISTERED) {
        const struct tc_ev_unit_registered *b = e->body;
        struct tc_small_unit *u = tc_table_add(&w->tables[UNITS], e->seq, e->seq);
        (void)tc_str_put(u->call_sign, sizeof u->call_sign, b->call_sign);
        u->lon_e7 = b->lon_e7;
    } else if (e->kind == TC_EV_UNIT_POSITION) {
        apply_position(w, e);
    } else if (e->kind == TC_EV_UNIT_STATE_CHANGED) {
        tc_table_remove(&w->tables[UNITS], e->subject, e->seq);
    } else if (e->kind == TC_EV_ALARM_RAISED) {
        struct tc_small_alarm *a = tc_table_add(&w->tables[ALARMS], e->seq, e->seq);
        (void)tc_str_put(a->kind, sizeof a->kind, TC_BODY(e, alarm_raised)->kind);
    } else if (e->kind == TC_EV_QUESTION_ASKED) {
        struct tc_small_question *q = tc_table_add(&w->tables[QUESTIONS], e->seq, e->seq);
        (void)tc_str_put(q->text_zh, sizeof q->text_zh, TC_BODY(e, question_asked)->text_zh);
    } else if (e->kind == TC_EV_REPORT_RECEIVED) {
        const struct tc_ev_report_received *b = e->body;
        struct tc_small_report *r = tc_table_add(&w->tables[REPORTS], e->seq, e->seq);
        (void)tc_str_put(r->text, sizeof r->text, b->text);
        (void)tc_str_put(r->caller_phone, sizeof r->caller_phone, b->caller_phone);
    }
}

static const struct tc_section small_section = {
    .name = "small",
    .self_size = sizeof(struct small_world),
    .init = init,
    .finish = finish,
    .apply = apply,
    .tables = tables,
};

static const struct tc_section *const sections[] = {&tc_turn_section, &small_section, NULL};

/* The part that decides */

static void do_deed(const struct tc_travel_question *a, struct tc_out *out)
{
    switch ((enum world_deed)a->argument) {
    case DEED_UNIT: {
        struct tc_ev_unit_registered *b = tc_emit(out, TC_EV_UNIT_REGISTERED, 0, NULL);
        b->call_sign = tc_out_format(out, "F%d", a->lon_e7);
        b->lon_e7 = a->lon_e7;
        break;
    }
    case DEED_POSITION: {
        struct tc_ev_unit_position *b = tc_emit(out, TC_EV_UNIT_POSITION, 0, NULL);
        b->unit = a->subject;
        b->lon_e7 = a->lon_e7;
        break;
    }
    case DEED_ALARM: {
        struct tc_ev_alarm_raised *b = tc_emit(out, TC_EV_ALARM_RAISED, 0, NULL);
        b->kind = tc_out_format(out, "water%d", a->lon_e7);
        break;
    }
    case DEED_QUESTION: {
        struct tc_ev_question_asked *b = tc_emit(out, TC_EV_QUESTION_ASKED, 0, NULL);
        b->text_zh = TC_STR("派两台排水车?");
        break;
    }
    case DEED_UNIT_GONE: (void)tc_emit(out, TC_EV_UNIT_STATE_CHANGED, a->subject, NULL); break;
    }
}

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    (void)self;
    (void)live;
    if (in->kind == TC_INPUT_ANSWER) {
        do_deed(in->answer, out);
        return true;
    }
    if (in->kind == TC_INPUT_OBSERVATION) {
        struct tc_ev_report_received *b = tc_emit(out, TC_EV_REPORT_RECEIVED, 0, NULL);
        b->text = tc_out_copy(out, in->obs->text);
        return true;
    }
    if (in->command->name == TC_CMD_REPORT_CREATE) {
        const struct tc_cmd_report_create *c = in->command->body;
        struct tc_ev_report_received *b = tc_emit(out, TC_EV_REPORT_RECEIVED, 0, NULL);
        b->text = tc_out_copy(out, c->text);
        b->caller_phone = tc_out_copy(out, c->caller_phone);
        return true;
    }
    if (in->command->name == TC_CMD_SESSION_OPEN) {
        const struct tc_cmd_session_open *c = in->command->body;
        struct tc_ev_user_logged_in *b = tc_emit(out, TC_EV_USER_LOGGED_IN, 0, NULL);
        b->user = tc_out_copy(out, c->user);
        b->address = tc_out_copy(out, c->address);
        return true;
    }
    if (in->command->name == TC_CMD_ALARM_ACKNOWLEDGE) {
        tc_refuse(out, "alarm_not_found", 0, "%llu",
                  (unsigned long long)((const struct tc_cmd_alarm_acknowledge *)in->command->body)
                      ->alarm);
        return true;
    }
    return false;
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    (void)self;
    (void)live;
    (void)e;
    (void)out;
}

static const struct tc_part small_part = {.name = "small", .decide = decide, .react = react};

/* The thread */

static void give(struct hub_world *w, struct world_input *in)
{
    struct tc_turn *t = w->turn;
    if (!in->command) {
        struct tc_travel_question q = {
            .subject = in->unit, .argument = (uint64_t)in->deed, .lon_e7 = in->lon_e7};
        struct tc_input input = {.kind = TC_INPUT_ANSWER, .answer = &q};
        tc_turn_input(t, &input);
    } else if (in->command->obs) {
        uint64_t source = tc_turn_source(t, in->command->source, TC_STR("http"));
        struct tc_input input = {.kind = TC_INPUT_OBSERVATION,
                                 .source = source,
                                 .token = in->command->token,
                                 .obs = in->command->obs};
        tc_turn_input(t, &input);
    } else if (!w->is_deaf) {
        struct tc_input input = {.kind = TC_INPUT_COMMAND,
                                 .token = in->command->token,
                                 .command = &in->command->command};
        tc_turn_input(t, &input);
    }
    tc_hub_command_destroy(in->command);
    tc_free(in);
}

static void turn_once(struct hub_world *w, struct world_input *in)
{
    struct tc_travel_question *questions = NULL;
    tc_turn_begin(w->turn, tc_clock_utc_us(), tc_clock_monotonic_us());
    for (int n = 0; in && n < 64; n++) {
        struct world_input *next = in->next;
        give(w, in);
        in = next;
    }
    struct tc_batch *b = tc_turn_end(w->turn, &questions);
    if (b) {
        b->digest = tc_model_digest(w->live) + w->spoils_digest;
        b->has_digest = w->spoils_digest || w->batches++ % 32 == 0;
        atomic_store(&w->seq, w->live->seq);
        TC_REQUIRE(tc_hub_durable(w->hub, b) == TC_OK);
    }
    if (in) {
        turn_once(w, in);
    }
}

static void *serve(void *arg)
{
    struct hub_world *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    while (!w->is_stopping || w->first) {
        struct world_input *in = w->first;
        w->first = NULL;
        w->last = NULL;
        w->count = 0;
        if (!in) {
            (void)pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->is_busy = true;
        (void)pthread_mutex_unlock(&w->lock);
        turn_once(w, in);
        (void)pthread_mutex_lock(&w->lock);
        w->is_busy = false;
        (void)pthread_cond_broadcast(&w->wake);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static tc_err put(struct hub_world *w, struct world_input *in, size_t count_max)
{
    tc_err err = TC_EFULL;
    (void)pthread_mutex_lock(&w->lock);
    if (w->count < count_max) {
        if (w->last) {
            w->last->next = in;
        } else {
            w->first = in;
        }
        w->last = in;
        w->count++;
        err = TC_OK;
    }
    (void)pthread_cond_broadcast(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
    return err;
}

static tc_err submit(void *ctx, struct tc_hub_command *c)
{
    struct hub_world *w = ctx;
    struct world_input *in = tc_alloc(sizeof *in);
    in->command = c;
    tc_err err = put(w, in, w->count_max);
    if (err != TC_OK) {
        tc_free(in);
    }
    return err;
}

static const struct tc_blob *layer(void *ctx, struct tc_str name)
{
    return tc_str_is(name, "roads") ? ((struct hub_world *)ctx)->layer : NULL;
}

static void health(void *ctx, struct tc_buf *json)
{
    struct hub_world *w = ctx;
    tc_jw_pair_u64(json, "durable", atomic_load(&w->seq));
    tc_jw_pair_u64(json, "backlog", 3);
    if (w->stopped[0]) {
        tc_jw_pair_text(json, "stopped", w->stopped);
    }
}

tc_err hub_world_start(struct hub_world *w, const struct tc_hub_options *options,
                       const struct tc_hub_intake *intakes, size_t intake_count,
                       char why[static TC_WHY_MAX])
{
    static const char roads[] = "{\"type\":\"FeatureCollection\",\"features\":[]}";
    *w = (struct hub_world){.count_max = 1000};
    w->world.epoch = 7;
    (void)tc_str_put(w->world.uuid, sizeof w->world.uuid, TC_STR("world-under-test"));
    struct tc_hub_ports ports = {.ctx = w,
                                 .submit = submit,
                                 .layer = layer,
                                 .health = health,
                                 .intakes = intakes,
                                 .intake_count = intake_count};
    w->layer = tc_blob_create(roads, sizeof roads - 1);
    w->live = tc_model_create(sections);
    w->turn = tc_turn_create(w->live);
    tc_turn_add_part(w->turn, &small_part, NULL);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->wake, NULL);
    tc_err err = tc_hub_start(options, &ports, tc_model_create(sections), &w->world, &w->hub, why);
    if (err == TC_OK) {
        (void)pthread_create(&w->thread, NULL, serve, w);
    } else {
        w->hub = NULL;
        hub_world_stop(w);
    }
    return err;
}

void hub_world_stop(struct hub_world *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    (void)pthread_cond_broadcast(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
    if (w->hub) {
        (void)pthread_join(w->thread, NULL);
        tc_hub_stop(w->hub);
    }
    while (w->first) {
        struct world_input *next = w->first->next;
        tc_hub_command_destroy(w->first->command);
        tc_free(w->first);
        w->first = next;
    }
    tc_turn_destroy(w->turn);
    tc_model_destroy(w->live);
    tc_blob_unref(w->layer);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
}

void hub_world_do(struct hub_world *w, enum world_deed deed, uint64_t unit, int32_t lon_e7)
{
    struct world_input *in = tc_alloc(sizeof *in);
    in->deed = deed;
    in->unit = unit;
    in->lon_e7 = lon_e7;
    while (put(w, in, 10000) != TC_OK) {
        struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

void hub_world_settle(struct hub_world *w)
{
    struct timespec pause = {.tv_nsec = 2000000};
    for (bool is_settled = false; !is_settled;) {
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&w->lock);
        is_settled = !w->first && !w->is_busy;
        (void)pthread_mutex_unlock(&w->lock);
        is_settled = is_settled && tc_hub_applied_seq(w->hub) == atomic_load(&w->seq);
    }
}
