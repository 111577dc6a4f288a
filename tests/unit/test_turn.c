/* SPDX-License-Identifier: Apache-2.0 */
/* The turn with a small part of its own: ids, order of reactions, refusals, de-duplication, timers.
 */
#include "core/base/time.h"
#include "core/turn/turn.h"
#include "tests/lib/tc_test.h"

static const struct tc_section *const sections[] = {&tc_turn_section, NULL};

/** Decides notes; reacts to the first note of an incident with a claim; asks for timers. */
struct script {
    unsigned reactions;
    uint64_t last_fired;
    int64_t fired_occurred_us[8];
    unsigned fired;
    bool refuses;
};

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    struct script *s = self;
    (void)live;
    if (in->kind == TC_INPUT_COMMAND && in->command->name == TC_CMD_INCIDENT_NOTE) {
        const struct tc_cmd_incident_note *b = in->command->body;
        struct tc_ev_incident_noted *e = tc_emit(out, TC_EV_INCIDENT_NOTED, 77, NULL);
        e->text = tc_out_copy(out, b->text);
        if (s->refuses) {
            tc_refuse(out, "stale", 5, "by %s", "lin");
        }
        return true;
    }
    if (in->kind == TC_INPUT_OBSERVATION && in->obs->kind == TC_OBS_TEXT) {
        struct tc_ev_unit_text_received *e = tc_emit(out, TC_EV_UNIT_TEXT_RECEIVED, 0, NULL);
        e->text = tc_out_copy(out, in->obs->text);
        return true;
    }
    return false;
}

static void react(void *self, const struct tc_model *live, const struct tc_event *e,
                  struct tc_out *out)
{
    struct script *s = self;
    assert_true(live->seq >= e->seq); /* what is reacted to was applied */
    s->reactions++;
    if (e->kind == TC_EV_INCIDENT_NOTED) {
        struct tc_ev_incident_claimed *b = tc_emit(out, TC_EV_INCIDENT_CLAIMED, e->subject, NULL);
        b->by = TC_STR("rule");
    }
    if (e->kind == TC_EV_TIMER_FIRED) {
        s->fired_occurred_us[s->fired++] = e->occurred_us;
        s->last_fired = TC_BODY(e, timer_fired)->argument;
    }
}

static const struct tc_part part = {.name = "script", .decide = decide, .react = react};

struct world {
    struct tc_model *model;
    struct tc_turn *turn;
    struct script script;
};

static int setup(void **state)
{
    struct world *w = tc_alloc(sizeof *w);
    w->model = tc_model_create(sections);
    w->turn = tc_turn_create(w->model);
    tc_turn_add_part(w->turn, &part, &w->script);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    tc_turn_destroy(w->turn);
    tc_model_destroy(w->model);
    tc_free(w);
    return 0;
}

static struct tc_batch *end(struct world *w)
{
    struct tc_travel_question *q = NULL;
    struct tc_batch *b = tc_turn_end(w->turn, &q);
    assert_null(q);
    return b;
}

static struct tc_batch *note(struct world *w, const char *id, enum tc_role role, int64_t now_us)
{
    struct tc_cmd_incident_note body = {.incident = 77, .text = TC_STR("积水")};
    struct tc_command c = {.name = TC_CMD_INCIDENT_NOTE,
                           .id = tc_str_of(id),
                           .who = TC_STR("chen"),
                           .role = role,
                           .body = &body};
    struct tc_input in = {.kind = TC_INPUT_COMMAND, .command = &c, .token = 9};
    tc_turn_begin(w->turn, now_us, now_us);
    tc_turn_input(w->turn, &in);
    return end(w);
}

static void test_command_leads_to_events_with_causes(void **state)
{
    struct world *w = *state;
    struct tc_batch *b = note(w, "c1", TC_ROLE_OFFICER, 1000);
    assert_int_equal(b->count, 3);
    assert_int_equal(b->events[0].kind, TC_EV_COMMAND_TAKEN);
    assert_int_equal(b->events[1].kind, TC_EV_INCIDENT_NOTED);
    assert_int_equal(b->events[2].kind, TC_EV_INCIDENT_CLAIMED);
    for (size_t i = 0; i < b->count; i++) {
        assert_int_equal(b->events[i].seq, i + 1);
        assert_int_equal(b->events[i].at_us, 1000);
    }
    assert_int_equal(b->events[1].cause, 1);
    assert_int_equal(b->events[2].cause, 2);
    assert_int_equal(b->reply_count, 1);
    assert_int_equal(b->replies[0].verdict, TC_TAKEN);
    assert_int_equal(b->replies[0].token, 9);
    tc_batch_destroy(b);
}

static void test_repeated_command_gets_the_first_answer(void **state)
{
    struct world *w = *state;
    tc_batch_destroy(note(w, "c1", TC_ROLE_OFFICER, 1000));
    struct tc_batch *b = note(w, "c1", TC_ROLE_OFFICER, 2000);
    assert_int_equal(b->count, 0);
    assert_int_equal(b->replies[0].verdict, TC_DUPLICATE);
    assert_int_equal(b->replies[0].seq, 1);
    tc_batch_destroy(b);
}

static void test_refusal_leaves_only_the_refusal(void **state)
{
    struct world *w = *state;
    w->script.refuses = true;
    struct tc_batch *b = note(w, "c1", TC_ROLE_OFFICER, 1000);
    assert_int_equal(b->count, 1);
    assert_int_equal(b->events[0].kind, TC_EV_COMMAND_REFUSED);
    assert_true(tc_str_is(b->replies[0].why, "stale"));
    assert_true(tc_str_is(b->replies[0].detail, "by lin"));
    assert_int_equal(b->replies[0].stale_seq, 5);
    assert_int_equal(w->model->seq, 1);
    tc_batch_destroy(b);
    w->script.refuses = false; /* the id keeps its first answer */
    b = note(w, "c1", TC_ROLE_OFFICER, 2000);
    assert_int_equal(b->replies[0].verdict, TC_REFUSED);
    assert_true(tc_str_is(b->replies[0].why, "stale"));
    tc_batch_destroy(b);
}

static void test_role_is_checked(void **state)
{
    struct world *w = *state;
    struct tc_batch *b = note(w, "c1", TC_ROLE_OBSERVER, 1000);
    assert_true(tc_str_is(b->replies[0].why, "role_not_allowed"));
    tc_batch_destroy(b);
}

static struct tc_batch *text(struct world *w, uint64_t source, uint64_t key, int64_t window_us,
                             int64_t now_us)
{
    struct tc_obs obs = tc_obs_init(TC_OBS_TEXT);
    obs.key = key;
    obs.key_window_us = window_us;
    obs.text = TC_STR("hello");
    struct tc_input in = {.kind = TC_INPUT_OBSERVATION, .source = source, .obs = &obs, .token = 4};
    tc_turn_begin(w->turn, now_us, now_us);
    tc_turn_input(w->turn, &in);
    return end(w);
}

static uint64_t add_source(struct world *w, const char *name)
{
    tc_turn_begin(w->turn, 1, 1);
    uint64_t id = tc_turn_source(w->turn, tc_str_of(name), TC_STR("gateway"));
    tc_batch_destroy(end(w));
    return id;
}

static void test_redelivery_is_recognised_per_source(void **state)
{
    struct world *w = *state;
    uint64_t a = add_source(w, "a");
    uint64_t c = add_source(w, "c");
    struct tc_batch *b = text(w, a, 42, 0, 1000);
    uint64_t first = b->replies[0].seq;
    assert_int_equal(b->count, 1);
    tc_batch_destroy(b);
    b = text(w, a, 42, 0, TC_DAY);
    assert_int_equal(b->count, 0);
    assert_int_equal(b->replies[0].verdict, TC_DUPLICATE);
    assert_int_equal(b->replies[0].seq, first);
    tc_batch_destroy(b);
    b = text(w, c, 42, 0, TC_DAY);
    assert_int_equal(b->replies[0].verdict, TC_TAKEN);
    tc_batch_destroy(b);
}

static void test_derived_key_counts_only_in_its_window(void **state)
{
    struct world *w = *state;
    uint64_t a = add_source(w, "a");
    tc_batch_destroy(text(w, a, 42, 2 * TC_SEC, TC_SEC));
    struct tc_batch *b = text(w, a, 42, 2 * TC_SEC, 3 * TC_SEC);
    assert_int_equal(b->replies[0].verdict, TC_DUPLICATE);
    tc_batch_destroy(b);
    b = text(w, a, 42, 2 * TC_SEC, 4 * TC_SEC);
    assert_int_equal(b->replies[0].verdict, TC_TAKEN);
    tc_batch_destroy(b);
}

/** A model that took the same events through its text form. */
static struct tc_model *reloaded(const struct tc_model *m)
{
    struct tc_buf text = {0};
    char why[TC_WHY_MAX] = "";
    tc_model_save(m, &text);
    struct tc_model *copy = tc_model_create(sections);
    assert_int_equal(tc_model_load(copy, tc_buf_str(&text), why), TC_OK);
    assert_int_equal(tc_model_digest(copy), tc_model_digest(m));
    tc_buf_finish(&text);
    return copy;
}

static struct tc_event timer_set(uint64_t seq, struct tc_ev_timer_set *body)
{
    return (struct tc_event){.seq = seq, .kind = TC_EV_TIMER_SET, .subject = 3, .body = body};
}

static void test_timers_fire_in_due_order_after_a_restart(void **state)
{
    struct world *w = *state;
    struct tc_ev_timer_set bodies[3] = {
        {.purpose = TC_PURPOSE_RUN, .due_us = 300, .argument = 3},
        {.purpose = TC_PURPOSE_RUN, .due_us = 100, .argument = 1},
        {.purpose = TC_PURPOSE_RUN, .due_us = 200, .argument = 2},
    };
    for (uint64_t i = 0; i < 3; i++) {
        struct tc_event e = timer_set(i + 1, &bodies[i]);
        tc_model_apply(w->model, &e);
    }
    struct tc_model *again = reloaded(w->model);
    struct tc_turn *turn = tc_turn_create(again);
    tc_turn_add_part(turn, &part, &w->script);
    assert_int_equal(tc_turn_next_due_us(turn), 100);
    struct tc_travel_question *q = NULL;
    tc_turn_begin(turn, 250, 250);
    tc_turn_timers(turn);
    struct tc_batch *b = tc_turn_end(turn, &q);
    assert_int_equal(b->count, 2);
    assert_int_equal(w->script.fired_occurred_us[0], 100);
    assert_int_equal(w->script.fired_occurred_us[1], 200);
    assert_int_equal(b->events[0].at_us, 250);
    assert_int_equal(tc_turn_next_due_us(turn), 300);
    tc_batch_destroy(b);
    tc_turn_destroy(turn);
    tc_model_destroy(again);
}

static void test_time_never_goes_back(void **state)
{
    struct world *w = *state;
    tc_batch_destroy(note(w, "c1", TC_ROLE_OFFICER, 5000));
    struct tc_batch *b = note(w, "c2", TC_ROLE_OFFICER, 4000);
    assert_int_equal(b->events[0].at_us, 5000);
    tc_batch_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_command_leads_to_events_with_causes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated_command_gets_the_first_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_refusal_leaves_only_the_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_role_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redelivery_is_recognised_per_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_derived_key_counts_only_in_its_window, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_timers_fire_in_due_order_after_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_time_never_goes_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
