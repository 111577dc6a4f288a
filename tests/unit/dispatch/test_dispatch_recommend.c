/* SPDX-License-Identifier: Apache-2.0 */
/* Who is proposed, why, what is missing, and when the question is asked again. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234
#define M   97 /* about a metre of longitude here, 1e-7 degree */

static void card(struct kit *k, const char *type, enum tc_grade grade, const struct tc_need *needs,
                 uint32_t count)
{
    KIT_SAY(k, RUN_CARD_SET, run_card_set, .type = tc_str_of(type), .grade = grade,
            .needs_count = count, .needs = needs);
    KIT_TAKEN(k);
}

static const struct tc_world_recommended *line_of(const struct tc_recommendation *r, uint64_t unit)
{
    uint32_t at = 0;
    while (at < r->lines_count && r->lines[at].unit != unit) {
        at++;
    }
    TC_REQUIRE(at < r->lines_count);
    return &r->lines[at];
}

#define REASON(r, unit, code) assert_string_equal(line_of((r), (unit))->reason, code)

static void each_is_told_why(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    card(&k, "flood", TC_GRADE_NONE, (struct tc_need[]){{TC_STR("pump"), 2}, {TC_STR("boat"), 1}},
         2);
    uint64_t cut_off = kit_unit(&k, "P1", "101", "pump", LON + 100 * M, LAT);
    uint64_t stale = kit_unit(&k, "P2", "102", "pump", LON + 900 * M, LAT);
    kit_pass(&k, 11 * TC_MIN);
    uint64_t near = kit_unit(&k, "P3", "103", "pump", LON + 500 * M, LAT);
    uint64_t far = kit_unit(&k, "P4", "104", "pump", LON + 4000 * M, LAT);
    uint64_t off = kit_unit(&k, "P5", "105", "pump", LON, LAT);
    uint64_t busy = kit_unit(&k, "P6", "106", "pump", LON, LAT);
    uint64_t lost = kit_unit(&k, "P7", "107", "pump", 0, 0);
    uint64_t ladder = kit_unit(&k, "L1", "108", "ladder", LON + 50 * M, LAT);
    KIT_SAY(&k, UNIT_SET_STATE, unit_set_state, .unit = off, .state = TC_UNIT_STATE_OFF_DUTY);
    KIT_SAY(&k, UNIT_SET_STATE, unit_set_state, .unit = busy, .state = TC_UNIT_STATE_BUSY);
    uint64_t incident = kit_incident(&k, "flood", LON, LAT);
    assert_non_null(k.questions);
    assert_int_equal(k.questions->source_count, 4);
    kit_answer(&k, cut_off);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    assert_false(r->is_pending);
    REASON(r, near, "closest");
    REASON(r, stale, "closest");
    assert_string_equal(line_of(r, stale)->doubt, "stale_position");
    assert_true(line_of(r, stale)->is_chosen);
    assert_int_equal(line_of(r, near)->seconds, 50);
    REASON(r, far, "farther");
    REASON(r, cut_off, "unreachable");
    REASON(r, off, "off_duty");
    REASON(r, busy, "busy");
    REASON(r, lost, "no_position");
    REASON(r, ladder, "wrong_capability");
    assert_int_equal(r->shortfalls_count, 1);
    assert_string_equal(r->shortfalls[0].capability, "boat");
    assert_int_equal(r->shortfalls[0].needed, 1);
    assert_int_equal(r->shortfalls[0].found, 0);
    assert_int_equal(r->uncovered_count, 0); /* two pumps stay free */
    kit_close(&k);
}

static void the_grades_own_card_goes_first(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    card(&k, "fire", TC_GRADE_NONE, (struct tc_need[]){{TC_STR("fire"), 1}}, 1);
    card(&k, "fire", TC_GRADE_II, (struct tc_need[]){{TC_STR("fire"), 2}}, 1);
    uint64_t a = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t b = kit_unit(&k, "A2", "102", "fire", LON + 900 * M, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    REASON(r, a, "closest");
    REASON(r, b, "farther");
    assert_int_equal(r->uncovered_count, 0);
    KIT_SAY(&k, INCIDENT_SET_GRADE, incident_set_grade, .incident = incident, .grade = TC_GRADE_II);
    kit_answer(&k, 0);
    REASON(r, b, "closest");
    assert_int_equal(r->uncovered_count, 1); /* sending both leaves none */
    assert_string_equal(r->uncovered[0], "fire");
    kit_close(&k);
}

static void what_was_sent_is_taken_off(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    card(&k, "fire", TC_GRADE_NONE, (struct tc_need[]){{TC_STR("fire"), 2}}, 1);
    uint64_t a = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t b = kit_unit(&k, "A2", "102", "fire", LON + 900 * M, LAT);
    uint64_t c = kit_unit(&k, "A3", "103", "fire", LON + 2000 * M, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    kit_answer(&k, 0);
    (void)kit_send(&k, incident, a);
    assert_non_null(k.questions); /* a proposed unit changed: asked again */
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    REASON(r, a, "already_assigned");
    assert_true(line_of(r, b)->is_chosen);
    assert_false(line_of(r, c)->is_chosen);
    assert_int_equal(r->shortfalls_count, 0);
    kit_close(&k);
}

static void no_answer_ignores_a_closure(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    (void)kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    assert_non_null(k.questions);
    KIT_SAY(&k, ROAD_CLOSE, road_close, .lon_e7 = LON, .lat_e7 = LAT, .radius_m = 300,
            .incident = incident, .why = TC_STR("积水"));
    KIT_TAKEN(&k);
    assert_null(k.questions->next); /* the open question is enough: coalesced */
    struct tc_travel_question *old = k.questions;
    uint64_t closed_seq = kit_event(&k, TC_EV_ROAD_CLOSED, 0)->seq;
    assert_true(old->as_of < closed_seq);
    kit_answer(&k, 0); /* the first answer is too old: asked again, and that one is answered */
    assert_int_equal(kit_count(&k, TC_EV_RECOMMENDATION_MADE), 1);
    assert_true(KIT_ITEM(&k, recommendation, incident)->as_of >= closed_seq);
    KIT_SAY(&k, ROAD_OPEN, road_open, .closure = closed_seq);
    KIT_TAKEN(&k);
    assert_non_null(k.questions);
    kit_answer(&k, 0);
    assert_int_equal(kit_count(&k, TC_EV_RECOMMENDATION_MADE), 2);
    KIT_SAY(&k, ROAD_OPEN, road_open, .closure = closed_seq);
    KIT_REFUSED(&k, "closure_not_found");
    KIT_SAY(&k, ROAD_CLOSE, road_close, .radius_m = 300);
    KIT_REFUSED(&k, "closure_incomplete");
    kit_close(&k);
}

static void an_answer_is_checked_against_what_is_so_now(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t a = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t b = kit_unit(&k, "A2", "102", "fire", LON + 900 * M, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    KIT_SAY(&k, UNIT_SET_STATE, unit_set_state, .unit = a, .state = TC_UNIT_STATE_BUSY);
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    REASON(r, a, "busy");
    assert_true(line_of(r, b)->is_chosen);
    KIT_SAY(&k, RECOMMENDATION_ASK, recommendation_ask, .incident = incident);
    struct tc_travel_question *open = k.questions;
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = incident,
            .disposition = TC_STR("误报"));
    assert_ptr_equal(open, k.questions);
    kit_answer(&k, 0); /* nobody wants it any more */
    assert_int_equal(kit_count(&k, TC_EV_RECOMMENDATION_MADE), 1);
    kit_close(&k);
}

static void by_hand_asks_for_what_was_said(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t a = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t d = kit_unit(&k, "D1", "102", "drone", LON + 900 * M, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    assert_true(line_of(r, a)->is_chosen); /* no card: the nearest of any kind */
    struct tc_need need = {TC_STR("drone"), 1};
    KIT_SAY(&k, RECOMMENDATION_ASK, recommendation_ask, .incident = incident, .needs_count = 1,
            .needs = &need);
    kit_answer(&k, 0);
    assert_true(line_of(r, d)->is_chosen);
    REASON(r, a, "wrong_capability");
    uint64_t nowhere = kit_incident(&k, "fire", 0, 0); /* no place: said at once, nothing asked */
    assert_null(k.questions);
    REASON(KIT_ITEM(&k, recommendation, nowhere), a, "no_place");
    assert_int_equal(KIT_ITEM(&k, recommendation, nowhere)->shortfalls_count, 1);
    kit_close(&k);
}

static void a_unit_fills_one_need(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    card(&k, "flood", TC_GRADE_NONE, (struct tc_need[]){{TC_STR("pump"), 1}, {TC_STR("boat"), 1}},
         2);
    struct tc_need both[] = {{TC_STR("boat"), 1}, {TC_STR("pump"), 1}};
    KIT_SAY(&k, UNIT_REGISTER, unit_register, .call_sign = TC_STR("B1"), .address = TC_STR("101"),
            .capabilities_count = 2, .capabilities = both);
    uint64_t able = kit_event(&k, TC_EV_UNIT_REGISTERED, 0)->seq;
    kit_position(&k, "101", LON, LAT);
    uint64_t incident = kit_incident(&k, "flood", LON, LAT);
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    assert_int_equal(r->lines_count, 1);
    assert_int_equal(r->lines[0].unit, able);
    assert_string_equal(r->lines[0].capability, "pump");
    assert_int_equal(r->shortfalls_count, 1);
    assert_string_equal(r->shortfalls[0].capability, "boat");
    assert_int_equal(r->uncovered_count, 2); /* it takes both capabilities with it */
    kit_close(&k);
}

static void a_lost_question_is_asked_after_a_restart(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    struct tc_need need = {TC_STR("fire"), 1};
    KIT_SAY(&k, RECOMMENDATION_ASK, recommendation_ask, .incident = incident, .needs_count = 1,
            .needs = &need);
    kit_drop_questions(&k);
    kit_resume(&k);
    assert_non_null(k.questions);
    kit_answer(&k, 0);
    const struct tc_recommendation *r = KIT_ITEM(&k, recommendation, incident);
    assert_int_equal(r->lines[0].unit, unit);
    assert_string_equal(r->lines[0].capability, "fire"); /* still what was asked by hand */
    KIT_SAY(&k, RECOMMENDATION_ASK, recommendation_ask, .incident = incident);
    kit_drop_questions(&k); /* a full lane dropped it: the next change asks again */
    kit_pass(&k, 31 * TC_SEC);
    KIT_SAY(&k, ROAD_CLOSE, road_close, .lon_e7 = LON, .lat_e7 = LAT, .radius_m = 100);
    assert_non_null(k.questions);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_told_why),
        cmocka_unit_test(the_grades_own_card_goes_first),
        cmocka_unit_test(what_was_sent_is_taken_off),
        cmocka_unit_test(no_answer_ignores_a_closure),
        cmocka_unit_test(an_answer_is_checked_against_what_is_so_now),
        cmocka_unit_test(by_hand_asks_for_what_was_said),
        cmocka_unit_test(a_unit_fills_one_need),
        cmocka_unit_test(a_lost_question_is_asked_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
