/* SPDX-License-Identifier: Apache-2.0 */
/* Everything has a limit: what is over leaves, oldest first; what is not is refused. */
#include "tests/unit/dispatch/kit.h"

#define LON 1140579123
#define LAT 225431234

static void closed_incidents_leave_and_open_ones_are_refused(void **state)
{
    (void)state;
    struct kit *k = tc_alloc(sizeof *k);
    kit_open(k);
    const struct tc_pool *pool = &kit_world(k)->tables[TC_WORLD_INCIDENT].pool;
    uint64_t first = kit_incident(k, "fire", 0, 0);
    uint64_t second = kit_incident(k, "fire", 0, 0);
    while (pool->count < pool->count_max) {
        (void)kit_incident(k, "fire", 0, 0);
    }
    assert_int_equal(pool->count, 5000);
    KIT_SAY(k, INCIDENT_OPEN, incident_open, .type = TC_STR("fire"));
    KIT_REFUSED(k, "full");
    assert_string_equal(k->detail, "incident");
    KIT_SAY(k, REPORT_CREATE, report_create, .channel = TC_STR("phone"), .type = TC_STR("flood"));
    KIT_TAKEN(k); /* a report is kept even when no incident can be opened for it */
    KIT_SAY(k, INCIDENT_CLOSE, incident_close, .incident = second, .disposition = TC_STR("x"));
    KIT_TAKEN(k);
    (void)kit_incident(k, "fire", 0, 0);
    assert_null(KIT_ITEM(k, incident, second));
    assert_non_null(KIT_ITEM(k, incident, first)); /* older, but open */
    assert_int_equal(pool->count, 5000);
    kit_close(k);
    tc_free(k);
}

static void strangers_are_bounded(void **state)
{
    (void)state;
    struct kit *k = tc_alloc(sizeof *k);
    kit_open(k);
    for (uint32_t i = 0; i < 4200; i++) {
        char address[16];
        (void)tc_str_format(address, sizeof address, "%u", 20000000 + i);
        kit_position(k, address, LON, LAT);
    }
    assert_int_equal(kit_world(k)->tables[TC_WORLD_STRANGER].pool.count, 4096);
    kit_close(k);
    tc_free(k);
}

static void a_unit_takes_eight_assignments(void **state)
{
    (void)state;
    struct kit *k = tc_alloc(sizeof *k);
    kit_open(k);
    uint64_t unit = kit_unit(k, "A1", "101", "fire", LON, LAT);
    for (int i = 0; i < 8; i++) {
        (void)kit_send(k, kit_incident(k, "fire", LON, LAT), unit);
    }
    uint64_t incident = kit_incident(k, "fire", LON, LAT);
    KIT_SAY(k, UNITS_SEND, units_send, .incident = incident, .units_count = 1, .units = &unit);
    KIT_REFUSED(k, "unit_assignments_full");
    kit_close(k);
    tc_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_incidents_leave_and_open_ones_are_refused),
        cmocka_unit_test(strangers_are_bounded),
        cmocka_unit_test(a_unit_takes_eight_assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
