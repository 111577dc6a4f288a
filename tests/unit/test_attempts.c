/* SPDX-License-Identifier: Apache-2.0 */
/* Orders over links: the real turn section and attempts part, sources named after a driver that
 * sends, and a test that is both the radio and the clock. */
#include "core/base/time.h"
#include "core/turn/turn.gen.h"
#include "core/turn/turn.h"
#include "tests/lib/tc_test.h"

#define START_US (1795248000 * TC_SEC)
#define FAR_US   (START_US + TC_DAY)
#define BATCHES  4096u

enum { CAUSE_BUSY = 42, CODE_DELIVERED = 0x00, CODE_READ = 0x02, CODE_UNDELIVERED = 0x4A };

static const struct tc_section *const sections[] = {&tc_turn_section, NULL};

struct rig {
    struct tc_model *model;
    struct tc_turn *turn;
    int64_t now_us;
    uint64_t link;
    struct tc_batch *batches[BATCHES];
    size_t batch_count;
};

/* A part that says what dispatch would: the text names the event, `x_e7` its order. */

static struct tc_ev_order_created next_order;

static bool decide(void *self, const struct tc_model *live, const struct tc_input *in,
                   struct tc_out *out)
{
    (void)self;
    (void)live;
    if (in->kind != TC_INPUT_OBSERVATION || in->obs->kind != TC_OBS_TEXT) {
        return false;
    }
    struct tc_str what = in->obs->text;
    uint64_t order = (uint64_t)in->obs->x_e7;
    if (tc_str_is(what, "create")) {
        *(struct tc_ev_order_created *)tc_emit(out, TC_EV_ORDER_CREATED, 0, NULL) = next_order;
    } else if (tc_str_is(what, "resend")) {
        (void)tc_emit(out, TC_EV_ORDER_RESENT, order, NULL);
    } else if (tc_str_is(what, "withdraw")) {
        (void)tc_emit(out, TC_EV_ORDER_WITHDRAWN, order, NULL);
    } else if (tc_str_is(what, "voice")) {
        struct tc_ev_order_sent *b = tc_emit(out, TC_EV_ORDER_SENT, order, NULL);
        b->how = TC_HOW_VOICE;
    }
    return true;
}

static const struct tc_part orders_part = {.name = "orders", .decide = decide};

static void begin(struct rig *r)
{
    tc_turn_begin(r->turn, r->now_us, r->now_us);
}

static void end(struct rig *r)
{
    struct tc_travel_question *q = NULL;
    struct tc_batch *b = tc_turn_end(r->turn, &q);
    assert_null(q);
    if (b) {
        assert_true(r->batch_count < BATCHES);
        r->batches[r->batch_count++] = b;
    }
}

static void make_turn(struct rig *r)
{
    r->turn = tc_turn_create(r->model);
    tc_turn_add_part(r->turn, &tc_attempts_part, NULL);
    tc_turn_add_part(r->turn, &orders_part, NULL);
}

static uint64_t add_source(struct rig *r, const char *name, const char *driver)
{
    begin(r);
    uint64_t id = tc_turn_source(r->turn, tc_str_of(name), tc_str_of(driver));
    end(r);
    return id;
}

static void observe(struct rig *r, uint64_t source, const struct tc_obs *obs)
{
    struct tc_input in = {.kind = TC_INPUT_OBSERVATION, .source = source, .obs = obs};
    begin(r);
    tc_turn_input(r->turn, &in);
    end(r);
}

static void link_is(struct rig *r, uint64_t link, bool is_up)
{
    struct tc_obs o = tc_obs_init(is_up ? TC_OBS_LINK_UP : TC_OBS_LINK_DOWN);
    o.text = is_up ? TC_STR("radio") : TC_STR("closed_by_peer");
    observe(r, link, &o);
}

static void open_rig(struct rig *r)
{
    *r = (struct rig){.now_us = START_US};
    next_order = (struct tc_ev_order_created){.channel = TC_CHANNEL_SDS,
                                              .number = TC_STR("20261121-0001-01"),
                                              .address = TC_STR("10101"),
                                              .text = TC_STR("去彩田路"),
                                              .priority = TC_PRIORITY_URGENT,
                                              .expires_us = FAR_US};
    r->model = tc_model_create(sections);
    make_turn(r);
    r->link = add_source(r, "radio-1", "tetra_pei");
    link_is(r, r->link, true);
}

static void close_rig(struct rig *r)
{
    tc_turn_destroy(r->turn);
    tc_model_destroy(r->model);
    for (size_t i = 0; i < r->batch_count; i++) {
        tc_batch_destroy(r->batches[i]);
    }
}

/** The process ends and comes back with what a snapshot holds. */
static void restart(struct rig *r)
{
    struct tc_buf text = {0};
    char why[TC_WHY_MAX] = "";
    tc_model_save(r->model, &text);
    tc_turn_destroy(r->turn);
    tc_model_destroy(r->model);
    r->model = tc_model_create(sections);
    assert_int_equal(tc_model_load(r->model, tc_buf_str(&text), why), TC_OK);
    tc_buf_finish(&text);
    make_turn(r);
    begin(r);
    tc_turn_resume(r->turn, "test");
    end(r);
}

static void pass(struct rig *r, int64_t us)
{
    r->now_us += us;
    begin(r);
    tc_turn_timers(r->turn);
    end(r);
}

static uint64_t say(struct rig *r, const char *what, uint64_t order)
{
    struct tc_obs o = tc_obs_init(TC_OBS_TEXT);
    o.text = tc_str_of(what);
    o.x_e7 = (int64_t)order;
    observe(r, r->link, &o);
    return r->batches[r->batch_count - 1]->events[0].seq;
}

static uint64_t create(struct rig *r)
{
    return say(r, "create", 0);
}

static void outcome(struct rig *r, uint64_t link, uint32_t ref, uint32_t cause)
{
    struct tc_obs o = tc_obs_init(TC_OBS_SENT);
    o.message_ref = ref;
    o.is_ok = cause == 0;
    o.cause = cause;
    observe(r, link, &o);
}

static void report(struct rig *r, const char *address, uint32_t ref, uint32_t code)
{
    struct tc_obs o = tc_obs_init(TC_OBS_DELIVERY);
    o.address = tc_str_of(address);
    o.message_ref = ref;
    o.code = code;
    observe(r, r->link, &o);
}

static size_t count(const struct rig *r, enum tc_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < r->batch_count; i++) {
        for (size_t k = 0; k < r->batches[i]->count; k++) {
            n += r->batches[i]->events[k].kind == kind;
        }
    }
    return n;
}

/** The newest event of a kind. */
static const struct tc_event *newest(const struct rig *r, enum tc_kind kind)
{
    for (size_t i = r->batch_count; i > 0; i--) {
        for (size_t k = r->batches[i - 1]->count; k > 0; k--) {
            if (r->batches[i - 1]->events[k - 1].kind == kind) {
                return &r->batches[i - 1]->events[k - 1];
            }
        }
    }
    fail_msg("no %s", tc_kind_name(kind));
    return NULL;
}

static const struct tc_ev_order_attempted *attempt(const struct rig *r)
{
    return newest(r, TC_EV_ORDER_ATTEMPTED)->body;
}

static const struct tc_ev_attempt_failed *failure(const struct rig *r)
{
    return newest(r, TC_EV_ATTEMPT_FAILED)->body;
}

static const struct tc_outbox *outbox(const struct rig *r, uint64_t order)
{
    return tc_table_find(tc_model_table(r->model, "outbox"), order);
}

static uint64_t busy_with(const struct rig *r, uint64_t link)
{
    const struct tc_source *s = tc_table_find(tc_model_table(r->model, "source"), link);
    return s->busy_order;
}

/* The tests */

static void an_order_goes_its_way(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    assert_int_equal(newest(&r, TC_EV_ORDER_ATTEMPTED)->subject, order);
    assert_int_equal(attempt(&r)->n, 1);
    assert_int_equal(attempt(&r)->link, r.link);
    assert_int_equal(attempt(&r)->ref, 1);
    assert_false(attempt(&r)->is_repeat);
    assert_int_equal(busy_with(&r, r.link), order);
    outcome(&r, r.link, 1, 0);
    assert_int_equal(newest(&r, TC_EV_ORDER_SENT)->subject, order);
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_SENT), order_sent)->n, 1);
    assert_int_equal(busy_with(&r, r.link), 0);
    assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_SENT);
    report(&r, "4600000010101", 1, CODE_DELIVERED); /* the long form of the same radio */
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_DELIVERED), order_delivered)->n, 1);
    report(&r, "10101", 1, CODE_DELIVERED); /* said twice */
    assert_int_equal(count(&r, TC_EV_ORDER_DELIVERED), 1);
    report(&r, "10101", 1, CODE_READ);
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_READ), order_read)->n, 1);
    assert_null(outbox(&r, order));
    pass(&r, TC_HOUR);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    assert_int_equal(count(&r, TC_EV_ATTEMPT_UNKNOWN), 0);
    assert_int_equal(tc_turn_next_due_us(r.turn), INT64_MAX);
    close_rig(&r);
}

static void a_refusing_link_is_tried_with_growing_pauses(void **state)
{
    (void)state;
    static const int64_t pauses_s[] = {2, 4, 8, 16, 30};
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    for (size_t i = 0; i < TC_COUNT_OF(pauses_s); i++) {
        outcome(&r, r.link, attempt(&r)->ref, CAUSE_BUSY);
        assert_int_equal(count(&r, TC_EV_ATTEMPT_FAILED), i + 1);
        assert_int_equal(failure(&r)->cause, CAUSE_BUSY);
        assert_true(tc_str_is(failure(&r)->why, "busy"));
        assert_false(failure(&r)->is_final);
        pass(&r, pauses_s[i] * TC_SEC - 1);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), i + 1);
        pass(&r, 1);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), i + 2);
        assert_int_equal(attempt(&r)->n, i + 2);
        assert_false(attempt(&r)->is_repeat); /* none of them left */
    }
    outcome(&r, r.link, attempt(&r)->ref, CAUSE_BUSY);
    assert_true(failure(&r)->is_final);
    assert_true(outbox(&r, order)->needs_person);
    pass(&r, TC_HOUR);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 6);
    assert_int_equal(busy_with(&r, r.link), 0);
    /* a person asks for one more */
    (void)say(&r, "resend", order);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 7);
    assert_int_equal(attempt(&r)->n, 7);
    outcome(&r, r.link, attempt(&r)->ref, 0);
    assert_false(outbox(&r, order)->needs_person);
    assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_SENT);
    /* it left: once more is a repeat */
    (void)say(&r, "resend", order);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 8);
    assert_true(attempt(&r)->is_repeat);
    close_rig(&r);
}

static void what_trying_again_cannot_help_is_not_tried_again(void **state)
{
    (void)state;
    /* EN 300 392-5: not supported, unknown address, ..., transmission inhibited */
    static const uint32_t hopeless[] = {4, 26, 27, 32, 33, 34, 35, 41};
    static const uint32_t helpful[] = {1, 3, 30, 31, 37, 42};
    for (size_t i = 0; i < TC_COUNT_OF(hopeless) + TC_COUNT_OF(helpful); i++) {
        bool is_hopeless = i < TC_COUNT_OF(hopeless);
        uint32_t cause = is_hopeless ? hopeless[i] : helpful[i - TC_COUNT_OF(hopeless)];
        struct rig r;
        open_rig(&r);
        uint64_t order = create(&r);
        outcome(&r, r.link, attempt(&r)->ref, cause);
        assert_int_equal(failure(&r)->is_final, is_hopeless);
        assert_int_equal(outbox(&r, order)->needs_person, is_hopeless);
        pass(&r, TC_MIN);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), is_hopeless ? 1 : 2);
        close_rig(&r);
    }
}

enum silence { SILENCE_RESTART, SILENCE_TIMEOUT, SILENCE_LINK_LOST, SILENCES };

static void go_silent(struct rig *r, enum silence how)
{
    if (how == SILENCE_TIMEOUT) {
        pass(r, 45 * TC_SEC - 1);
        assert_int_equal(count(r, TC_EV_ATTEMPT_UNKNOWN), 0);
        pass(r, 1);
        return;
    }
    if (how == SILENCE_RESTART) {
        restart(r);
    } else {
        link_is(r, r->link, false);
    }
    link_is(r, r->link, true);
}

static void silence_is_unknown_and_repeated_with_the_mark(void **state)
{
    (void)state;
    static const char *const whys[SILENCES] = {"restart", "timeout", "link_lost"};
    for (int how = 0; how < SILENCES; how++) {
        struct rig r;
        open_rig(&r);
        uint64_t order = create(&r);
        go_silent(&r, (enum silence)how);
        const struct tc_ev_attempt_unknown *u = newest(&r, TC_EV_ATTEMPT_UNKNOWN)->body;
        assert_true(tc_str_is(u->why, whys[how]));
        assert_int_equal(u->n, 1);
        assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_UNKNOWN);
        assert_int_equal(busy_with(&r, r.link), 0);
        pass(&r, 10 * TC_SEC - 1); /* a late report may still come */
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
        pass(&r, 1);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 2);
        assert_int_equal(newest(&r, TC_EV_ORDER_ATTEMPTED)->subject, order);
        assert_int_equal(attempt(&r)->n, 2);
        assert_true(attempt(&r)->is_repeat);
        assert_int_not_equal(attempt(&r)->ref, 1);
        close_rig(&r);
    }
}

static void long_silence_is_for_a_person(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    for (int i = 0; i < 20; i++) {
        pass(&r, TC_MIN); /* every attempt goes unanswered */
    }
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 4);
    const struct tc_ev_attempt_unknown *u = newest(&r, TC_EV_ATTEMPT_UNKNOWN)->body;
    assert_true(u->is_final);
    assert_true(outbox(&r, order)->needs_person);
    close_rig(&r);
}

static void a_late_report_ends_the_waiting(void **state)
{
    (void)state;
    for (int how = 0; how < SILENCES; how++) {
        struct rig r;
        open_rig(&r);
        uint64_t order = create(&r);
        go_silent(&r, (enum silence)how);
        pass(&r, 5 * TC_SEC);
        report(&r, "10101", 1, CODE_DELIVERED);
        assert_int_equal(newest(&r, TC_EV_ORDER_DELIVERED)->subject, order);
        pass(&r, TC_MIN);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
        close_rig(&r);
    }
}

static void a_late_report_counts_for_its_own_attempt(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    go_silent(&r, SILENCE_LINK_LOST);
    pass(&r, 10 * TC_SEC);
    uint32_t second = attempt(&r)->ref;
    report(&r, "10101", 1, CODE_UNDELIVERED); /* the earlier one: says nothing about this one */
    assert_int_equal(count(&r, TC_EV_ATTEMPT_FAILED), 0);
    assert_int_equal(count(&r, TC_EV_REPORT_UNMATCHED), 1);
    assert_int_equal(busy_with(&r, r.link), order);
    report(&r, "10101", 1, CODE_DELIVERED);
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_DELIVERED), order_delivered)->n, 1);
    assert_int_equal(busy_with(&r, r.link), order);
    outcome(&r, r.link, second, 0);
    report(&r, "10101", second, CODE_DELIVERED);
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_DELIVERED), order_delivered)->n, 2);
    report(&r, "10101", 1, CODE_READ);
    assert_int_equal(TC_BODY(newest(&r, TC_EV_ORDER_READ), order_read)->n, 1);
    assert_null(outbox(&r, order));
    report(&r, "10101", second, CODE_READ); /* nobody's any more */
    assert_int_equal(count(&r, TC_EV_REPORT_UNMATCHED), 2);
    close_rig(&r);
}

static void reading_says_nothing_about_delivery(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    outcome(&r, r.link, 1, 0);
    report(&r, "10101", 1, CODE_READ);
    assert_int_equal(newest(&r, TC_EV_ORDER_READ)->subject, order);
    assert_int_equal(count(&r, TC_EV_ORDER_DELIVERED), 0);
    report(&r, "10102", 1, CODE_READ); /* another radio's */
    assert_int_equal(TC_BODY(newest(&r, TC_EV_REPORT_UNMATCHED), report_unmatched)->ref, 1);
    close_rig(&r);
}

static void a_report_before_the_outcome_proves_that_it_left(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    report(&r, "10101", 1, CODE_DELIVERED);
    assert_int_equal(count(&r, TC_EV_ORDER_SENT), 1);
    assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_DELIVERED);
    assert_int_equal(busy_with(&r, r.link), 0);
    pass(&r, 10 * TC_MIN); /* the outcome never comes */
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    next_order.address = TC_STR("10102");
    order = create(&r);
    uint32_t ref = attempt(&r)->ref;
    report(&r, "10102", ref, CODE_UNDELIVERED);
    outcome(&r, r.link, ref, 0);
    assert_int_equal(newest(&r, TC_EV_ATTEMPT_FAILED)->subject, order);
    assert_true(tc_str_is(failure(&r)->why, "not_delivered"));
    pass(&r, 2 * TC_SEC);
    assert_int_equal(newest(&r, TC_EV_ORDER_ATTEMPTED)->subject, order);
    assert_true(attempt(&r)->is_repeat);
    close_rig(&r);
}

static void a_failed_attempt_that_arrived_is_not_tried_again(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    outcome(&r, r.link, 1, 37); /* the link heard nothing in time */
    report(&r, "10101", 1, CODE_DELIVERED);
    assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_DELIVERED);
    pass(&r, TC_MIN);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    (void)say(&r, "resend", order);
    assert_true(attempt(&r)->is_repeat);
    close_rig(&r);
}

static void the_urgent_goes_first_and_one_at_a_time(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t first = create(&r);
    next_order.priority = TC_PRIORITY_ROUTINE;
    uint64_t routine = create(&r);
    uint64_t later = create(&r);
    next_order.priority = TC_PRIORITY_EMERGENCY;
    uint64_t emergency = create(&r);
    next_order.priority = TC_PRIORITY_URGENT;
    uint64_t urgent = create(&r);
    const uint64_t order[] = {first, emergency, urgent, routine, later};
    for (size_t i = 0; i < TC_COUNT_OF(order); i++) {
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), i + 1);
        assert_int_equal(newest(&r, TC_EV_ORDER_ATTEMPTED)->subject, order[i]);
        outcome(&r, r.link, attempt(&r)->ref + 1, 0); /* of something else */
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), i + 1);
        outcome(&r, r.link, attempt(&r)->ref, 0);
    }
    assert_int_equal(count(&r, TC_EV_ORDER_SENT), TC_COUNT_OF(order));
    close_rig(&r);
}

static void two_links_carry_one_each(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t other = add_source(&r, "radio-2", "tetra_pei");
    uint64_t feed = add_source(&r, "stations", "hj212"); /* cannot send */
    link_is(&r, feed, true);
    link_is(&r, other, true);
    uint64_t a = create(&r);
    uint64_t b = create(&r);
    next_order.link = r.link; /* must go by the first */
    uint64_t c = create(&r);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 2);
    assert_int_equal(busy_with(&r, r.link), a);
    assert_int_equal(busy_with(&r, other), b);
    outcome(&r, other, 1, 0);
    assert_int_equal(busy_with(&r, other), 0); /* free, but not for that one */
    outcome(&r, r.link, 1, 0);
    assert_int_equal(busy_with(&r, r.link), c);
    link_is(&r, other, false);
    next_order.link = other;
    uint64_t d = create(&r);
    outcome(&r, r.link, attempt(&r)->ref, 0);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 3);
    link_is(&r, other, true);
    assert_int_equal(busy_with(&r, other), d);
    close_rig(&r);
}

static void what_ran_out_is_never_attempted(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    link_is(&r, r.link, false);
    next_order.expires_us = r.now_us + TC_MIN;
    (void)create(&r);
    next_order.expires_us = r.now_us + TC_MIN + 1;
    uint64_t still_good = create(&r);
    r.now_us += TC_MIN;
    link_is(&r, r.link, true);
    assert_int_equal(newest(&r, TC_EV_ORDER_ATTEMPTED)->subject, still_good);
    outcome(&r, r.link, attempt(&r)->ref, CAUSE_BUSY);
    pass(&r, TC_HOUR);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    close_rig(&r);
}

static void an_order_ended_in_flight_still_holds_its_link(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) { /* its outcome: sent, failed, never */
        struct rig r;
        open_rig(&r);
        uint64_t order = create(&r);
        uint64_t next = create(&r);
        (void)say(&r, "withdraw", order);
        assert_int_equal(outbox(&r, order)->state, TC_OUTBOX_STATE_DONE);
        assert_int_equal(busy_with(&r, r.link), order);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
        if (how == 2) {
            pass(&r, 45 * TC_SEC);
        } else {
            outcome(&r, r.link, 1, how ? CAUSE_BUSY : 0);
        }
        assert_null(outbox(&r, order));
        assert_int_equal(busy_with(&r, r.link), next);
        outcome(&r, r.link, attempt(&r)->ref, 0);
        pass(&r, TC_MIN);
        assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 2);
        close_rig(&r);
    }
}

static void a_waiting_order_taken_back_never_leaves(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    (void)create(&r);
    uint64_t waiting = create(&r);
    (void)say(&r, "withdraw", waiting);
    assert_null(outbox(&r, waiting));
    outcome(&r, r.link, 1, 0);
    pass(&r, TC_MIN);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 1);
    close_rig(&r);
}

static void told_by_voice_in_flight_the_link_comes_free(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t order = create(&r);
    (void)say(&r, "voice", order); /* the officer did not wait for the radio */
    assert_int_equal(busy_with(&r, r.link), order);
    outcome(&r, r.link, 1, 0);
    assert_int_equal(busy_with(&r, r.link), 0);
    uint64_t next = create(&r);
    assert_int_equal(busy_with(&r, r.link), next);
    /* told by voice before it was tried: the radio is not bothered */
    uint64_t waiting = create(&r);
    (void)say(&r, "voice", waiting);
    outcome(&r, r.link, attempt(&r)->ref, 0);
    pass(&r, TC_MIN);
    assert_int_equal(count(&r, TC_EV_ORDER_ATTEMPTED), 2);
    close_rig(&r);
}

static void references_in_use_are_passed_over(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    uint64_t pending = create(&r); /* reference 1, its reports still to come */
    outcome(&r, r.link, 1, 0);
    next_order.address = TC_STR("10102");
    for (uint32_t ref = 2; ref <= 255; ref++) {
        (void)create(&r);
        assert_int_equal(attempt(&r)->ref, ref);
        outcome(&r, r.link, ref, 0);
        report(&r, "10102", ref, CODE_READ);
    }
    next_order.address = TC_STR("10101");
    uint64_t second = create(&r);
    assert_int_equal(attempt(&r)->ref, 2); /* 1 is the other's */
    outcome(&r, r.link, 2, 0);
    report(&r, "10101", 1, CODE_READ);
    assert_int_equal(newest(&r, TC_EV_ORDER_READ)->subject, pending);
    report(&r, "10101", 2, CODE_READ);
    assert_int_equal(newest(&r, TC_EV_ORDER_READ)->subject, second);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_goes_its_way),
        cmocka_unit_test(a_refusing_link_is_tried_with_growing_pauses),
        cmocka_unit_test(what_trying_again_cannot_help_is_not_tried_again),
        cmocka_unit_test(silence_is_unknown_and_repeated_with_the_mark),
        cmocka_unit_test(long_silence_is_for_a_person),
        cmocka_unit_test(a_late_report_ends_the_waiting),
        cmocka_unit_test(a_late_report_counts_for_its_own_attempt),
        cmocka_unit_test(reading_says_nothing_about_delivery),
        cmocka_unit_test(a_report_before_the_outcome_proves_that_it_left),
        cmocka_unit_test(a_failed_attempt_that_arrived_is_not_tried_again),
        cmocka_unit_test(the_urgent_goes_first_and_one_at_a_time),
        cmocka_unit_test(two_links_carry_one_each),
        cmocka_unit_test(what_ran_out_is_never_attempted),
        cmocka_unit_test(an_order_ended_in_flight_still_holds_its_link),
        cmocka_unit_test(a_waiting_order_taken_back_never_leaves),
        cmocka_unit_test(told_by_voice_in_flight_the_link_comes_free),
        cmocka_unit_test(references_in_use_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
