/* SPDX-License-Identifier: Apache-2.0 */
/* Which reports are one incident, and what people may do with incidents. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static uint64_t report(struct kit *k, const char *channel, const char *type, int32_t lon_e7,
                       const char *phone)
{
    KIT_SAY(k, REPORT_CREATE, report_create, .channel = tc_str_of(channel), .type = tc_str_of(type),
            .text = TC_STR("出事了"), .lon_e7 = lon_e7, .lat_e7 = lon_e7 ? LAT : 0,
            .caller_phone = tc_str_of(phone));
    KIT_TAKEN(k);
    return kit_event(k, TC_EV_REPORT_RECEIVED, 0)->seq;
}

static void near_is_proposed_and_far_is_another(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t incident = kit_incident(&k, "fire", LON, LAT);
    /* 205 m: near 30, same type 25, in time 15 */
    const struct tc_report *r = KIT_ITEM(&k, report, report(&k, "phone", "fire", LON + 20000, ""));
    assert_int_equal(r->incident, 0);
    assert_int_equal(r->proposed, incident);
    assert_int_equal(r->score, 70);
    /* on the spot, a type that goes with it: 50 + 10 + 15 */
    r = KIT_ITEM(&k, report, report(&k, "phone", "explosion", LON, ""));
    assert_int_equal(r->proposed, incident);
    assert_int_equal(r->score, 75);
    assert_string_equal(r->reasons[1], "compatible_type");
    /* on the spot, but something else: an incident of its own */
    r = KIT_ITEM(&k, report, report(&k, "phone", "noise", LON, ""));
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 2);
    assert_int_not_equal(r->incident, 0);
    /* no clear type and nobody near: it waits */
    r = KIT_ITEM(&k, report, report(&k, "phone", "", 0, ""));
    assert_int_equal(r->incident, 0);
    assert_int_equal(r->proposed, 0);
    /* typed, but by radio: a person opens it */
    r = KIT_ITEM(&k, report, report(&k, "radio", "landslide", LON + 900000, ""));
    assert_int_equal(r->incident, 0);
    kit_pass(&k, 31 * TC_MIN); /* too late to be the same by place alone */
    r = KIT_ITEM(&k, report, report(&k, "phone", "fire", LON, ""));
    assert_int_equal(kit_count(&k, TC_EV_INCIDENT_OPENED), 3);
    kit_close(&k);
}

static void the_same_caller_is_noticed(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    (void)report(&k, "phone", "fire", LON, "13800000000");
    const struct tc_report *r = KIT_ITEM(&k, report, report(&k, "phone", "fire", 0, "13800000000"));
    assert_int_equal(r->score, 75); /* caller 35, type 25, time 15 */
    assert_string_equal(r->reasons[0], "same_caller");
    r = KIT_ITEM(&k, report, report(&k, "phone", "fire", LON + 20000, "13800000000"));
    assert_int_equal(r->score, 100);
    assert_int_not_equal(r->incident, 0);
    kit_close(&k);
}

static void a_merge_moves_and_an_unmerge_moves_back(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t r1 = report(&k, "phone", "fire", LON, "");
    uint64_t one = KIT_ITEM(&k, report, r1)->incident;
    uint64_t r2 = report(&k, "phone", "fire", LON + 900000, "");
    uint64_t two = KIT_ITEM(&k, report, r2)->incident;
    assert_int_not_equal(one, two);
    KIT_SAY(&k, INCIDENT_MERGE, incident_merge, .incident = two, .into = two);
    KIT_REFUSED(&k, "same_incident");
    KIT_SAY(&k, INCIDENT_MERGE, incident_merge, .incident = two, .into = one);
    KIT_TAKEN(&k);
    const struct tc_ev_incident_merged *m = kit_event(&k, TC_EV_INCIDENT_MERGED, 0)->body;
    assert_int_equal(m->reports_count, 1);
    assert_int_equal(m->reports[0], r2);
    assert_int_equal(KIT_ITEM(&k, report, r2)->incident, one);
    assert_int_equal(KIT_ITEM(&k, incident, one)->reports, 2);
    assert_int_equal(KIT_ITEM(&k, incident, two)->reports, 0);
    assert_int_equal(KIT_ITEM(&k, incident, two)->state, TC_INCIDENT_STATE_MERGED);
    assert_int_equal(kit_world(&k)->open_count, 1);
    KIT_SAY(&k, INCIDENT_SET_GRADE, incident_set_grade, .incident = two, .grade = TC_GRADE_II);
    KIT_REFUSED(&k, "incident_not_open");
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    uint64_t assignment = kit_send(&k, one, unit);
    uint64_t order = KIT_ITEM(&k, assignment, assignment)->order;
    KIT_SAY(&k, INCIDENT_UNMERGE, incident_unmerge, .incident = two, .why = TC_STR("误并"));
    KIT_TAKEN(&k);
    const struct tc_ev_incident_unmerged *u = kit_event(&k, TC_EV_INCIDENT_UNMERGED, 0)->body;
    assert_int_equal(u->from, one);
    assert_int_equal(u->reports_count, 1);
    assert_int_equal(u->since_count, 2);
    assert_int_equal(u->since[0], assignment);
    assert_int_equal(u->since[1], order);
    assert_int_equal(KIT_ITEM(&k, report, r2)->incident, two);
    assert_int_equal(KIT_ITEM(&k, report, r1)->incident, one);
    assert_int_equal(KIT_ITEM(&k, incident, two)->state, TC_INCIDENT_STATE_OPEN);
    KIT_SAY(&k, INCIDENT_UNMERGE, incident_unmerge, .incident = two);
    KIT_REFUSED(&k, "incident_not_merged");
    kit_close(&k);
}

static void a_link_that_was_changed_since_stays(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t r1 = report(&k, "phone", "fire", LON, "");
    uint64_t one = KIT_ITEM(&k, report, r1)->incident;
    uint64_t r2 = report(&k, "phone", "fire", LON + 900000, "");
    uint64_t two = KIT_ITEM(&k, report, r2)->incident;
    KIT_SAY(&k, INCIDENT_MERGE, incident_merge, .incident = two, .into = one);
    KIT_SAY(&k, REPORT_LEAVE, report_leave, .report = r2);
    KIT_SAY(&k, REPORT_JOIN, report_join, .report = r2, .incident = one);
    KIT_TAKEN(&k);
    KIT_SAY(&k, INCIDENT_UNMERGE, incident_unmerge, .incident = two);
    const struct tc_ev_incident_unmerged *u = kit_event(&k, TC_EV_INCIDENT_UNMERGED, 0)->body;
    assert_int_equal(u->reports_count, 0); /* a person put it there after the merge */
    assert_int_equal(KIT_ITEM(&k, report, r2)->incident, one);
    kit_close(&k);
}

static void units_of_a_merged_incident_keep_the_other_open(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_meaning(&k, 6, TC_UNIT_STATE_AVAILABLE, false);
    uint64_t one = kit_incident(&k, "fire", LON, LAT);
    uint64_t two = kit_incident(&k, "fire", LON, LAT);
    uint64_t unit = kit_unit(&k, "A1", "101", "fire", LON, LAT);
    (void)kit_send(&k, two, unit);
    KIT_SAY(&k, INCIDENT_MERGE, incident_merge, .incident = two, .into = one);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = one, .disposition = TC_STR("x"));
    KIT_REFUSED(&k, "units_assigned");
    assert_string_equal(k.detail, "A1");
    kit_status(&k, "101", 6);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = one, .disposition = TC_STR("x"));
    KIT_TAKEN(&k);
    kit_close(&k);
}

static void who_has_not_seen_the_change_is_refused(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t id = kit_incident(&k, "fire", LON, LAT);
    uint64_t seen = k.live->seq;
    k.who = "li";
    KIT_SAY(&k, INCIDENT_SET_GRADE, incident_set_grade, .incident = id, .grade = TC_GRADE_III);
    KIT_TAKEN(&k);
    k.who = "wang";
    k.seen = seen;
    KIT_SAY(&k, INCIDENT_SET_GRADE, incident_set_grade, .incident = id, .grade = TC_GRADE_IV);
    KIT_REFUSED(&k, "stale");
    assert_string_equal(k.detail, "incident.grade_changed li");
    assert_int_equal(k.stale_seq, kit_event(&k, TC_EV_INCIDENT_GRADE_CHANGED, 0)->seq);
    assert_int_equal(KIT_ITEM(&k, incident, id)->grade, TC_GRADE_III);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = id, .disposition = TC_STR("扑灭"));
    KIT_REFUSED(&k, "stale");
    uint64_t other = kit_incident(&k, "fire", LON, LAT);
    KIT_SAY(&k, INCIDENT_MERGE, incident_merge, .incident = id, .into = other);
    KIT_REFUSED(&k, "stale");
    KIT_SAY(&k, INCIDENT_CLAIM, incident_claim, .incident = id);
    KIT_REFUSED(&k, "stale");
    KIT_SAY(&k, INCIDENT_NOTE, incident_note, .incident = id, .text = TC_STR("补记"));
    KIT_TAKEN(&k); /* what adds is never stale */
    (void)report(&k, "phone", "fire", LON, "");
    k.seen = k.live->seq;
    KIT_SAY(&k, INCIDENT_SET_GRADE, incident_set_grade, .incident = id, .grade = TC_GRADE_IV);
    KIT_TAKEN(&k);
    kit_close(&k);
}

static void a_reopened_incident_stays_open(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t id = kit_incident(&k, "fire", LON, LAT);
    KIT_SAY(&k, INCIDENT_CLOSE, incident_close, .incident = id, .disposition = TC_STR("误报"));
    KIT_TAKEN(&k);
    assert_null(tc_world_clock_of(kit_world(&k), id, TC_STR("first_report")));
    KIT_SAY(&k, INCIDENT_REOPEN, incident_reopen, .incident = id, .why = TC_STR("复燃"));
    KIT_TAKEN(&k);
    kit_pass(&k, 2 * TC_HOUR);
    assert_int_equal(KIT_ITEM(&k, incident, id)->state, TC_INCIDENT_STATE_OPEN);
    KIT_SAY(&k, INCIDENT_REOPEN, incident_reopen, .incident = id);
    KIT_REFUSED(&k, "incident_not_closed");
    kit_close(&k);
}

static void claims_links_and_responses(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    uint64_t a = kit_incident(&k, "fire", LON, LAT);
    uint64_t b = kit_incident(&k, "traffic", LON, LAT);
    KIT_SAY(&k, INCIDENT_CLAIM, incident_claim, .incident = a);
    assert_string_equal(KIT_ITEM(&k, incident, a)->claimed_by, "wang");
    k.who = "li";
    KIT_SAY(&k, INCIDENT_CLAIM, incident_claim, .incident = a);
    KIT_REFUSED(&k, "incident_claimed");
    assert_string_equal(k.detail, "wang");
    KIT_SAY(&k, INCIDENT_LINK, incident_link, .incident = a, .other = b);
    assert_int_equal(KIT_ITEM(&k, incident, b)->links[0], a);
    KIT_SAY(&k, INCIDENT_LINK, incident_link, .incident = a, .other = a);
    KIT_REFUSED(&k, "same_incident");
    k.role = TC_ROLE_OFFICER;
    KIT_SAY(&k, RESPONSE_PROPOSE, response_propose, .incident = a, .level = TC_STR("IV"));
    KIT_TAKEN(&k);
    KIT_SAY(&k, RESPONSE_START, response_start, .incident = a, .level = TC_STR("IV"));
    KIT_REFUSED(&k, "role_not_allowed");
    k.role = TC_ROLE_DUTY_LEADER;
    KIT_SAY(&k, RESPONSE_START, response_start, .incident = a, .level = TC_STR("IV"));
    KIT_TAKEN(&k);
    assert_string_equal(KIT_ITEM(&k, incident, a)->response, "IV");
    assert_string_equal(KIT_ITEM(&k, incident, a)->response_proposed, "");
    assert_int_equal(KIT_ITEM(&k, incident, a)->grade, TC_GRADE_NONE); /* never converted */
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_proposed_and_far_is_another),
        cmocka_unit_test(the_same_caller_is_noticed),
        cmocka_unit_test(a_merge_moves_and_an_unmerge_moves_back),
        cmocka_unit_test(a_link_that_was_changed_since_stays),
        cmocka_unit_test(units_of_a_merged_incident_keep_the_other_open),
        cmocka_unit_test(who_has_not_seen_the_change_is_refused),
        cmocka_unit_test(a_reopened_incident_stays_open),
        cmocka_unit_test(claims_links_and_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
