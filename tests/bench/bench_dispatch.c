/* SPDX-License-Identifier: Apache-2.0 */
/* How long a position and a reading take from input to applied event: printed, bound at 20 times
 * the target so that a busy machine does not fail it. */
#include "tests/unit/dispatch/kit.h"

#define UNITS     20000u
#define POSITIONS 200000u
#define LON       1140579123
#define LAT       225431234

static void register_units(struct kit *k, char (*addresses)[12])
{
    struct tc_travel_question *q = NULL;
    for (uint32_t i = 0; i < UNITS; i++) {
        char call_sign[16];
        (void)tc_str_format(addresses[i], sizeof addresses[i], "%u", 10000000 + i);
        (void)tc_str_format(call_sign, sizeof call_sign, "U%u", i);
        struct tc_cmd_unit_register b = {.call_sign = tc_str_of(call_sign),
                                         .address = tc_str_of(addresses[i])};
        struct tc_command c = {
            .name = TC_CMD_UNIT_REGISTER, .who = TC_STR("x"), .role = TC_ROLE_SYSTEM, .body = &b};
        tc_turn_begin(k->turn, k->now_us, k->now_us);
        tc_turn_input(k->turn, &(struct tc_input){.kind = TC_INPUT_COMMAND, .command = &c});
        tc_batch_destroy(tc_turn_end(k->turn, &q));
    }
}

static int64_t move_units(struct kit *k, char (*addresses)[12])
{
    struct tc_travel_question *q = NULL;
    struct tc_obs o = tc_obs_init(TC_OBS_POSITION);
    o.has_position = true;
    int64_t spent_us = 0;
    for (uint32_t i = 0; i < POSITIONS;) {
        k->now_us += TC_SEC;
        int64_t start_us = tc_clock_monotonic_us();
        tc_turn_begin(k->turn, k->now_us, k->now_us);
        for (uint32_t n = 0; n < 1000; n++, i++) {
            o.address = tc_str_of(addresses[(i * 7919u) % UNITS]);
            o.x_e7 = LON + (int32_t)(i % 1000);
            o.y_e7 = LAT;
            tc_turn_input(
                k->turn,
                &(struct tc_input){.kind = TC_INPUT_OBSERVATION, .source = k->source, .obs = &o});
        }
        struct tc_batch *b = tc_turn_end(k->turn, &q);
        spent_us += tc_clock_monotonic_us() - start_us;
        assert_int_equal(b->count, 1000);
        tc_batch_destroy(b);
    }
    return spent_us;
}

static void a_position_is_quick(void **state)
{
    (void)state;
    static char addresses[UNITS][12];
    struct kit *k = tc_alloc(sizeof *k);
    kit_open(k);
    register_units(k, addresses);
    int64_t spent_us = move_units(k, addresses);
    print_message("%u units: %lld ns per position\n", UNITS,
                  (long long)(spent_us * 1000 / POSITIONS));
    assert_true(spent_us < (int64_t)POSITIONS * 40);
    kit_drop_questions(k);
    for (size_t i = 0; i < k->batch_count; i++) {
        tc_batch_destroy(k->batches[i]);
    }
    tc_turn_destroy(k->turn);
    tc_model_destroy(k->live);
    tc_model_destroy(k->second);
    tc_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_position_is_quick)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
