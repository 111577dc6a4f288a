/* SPDX-License-Identifier: Apache-2.0 */
/* Event and command bodies: what is read can be written and read again, and says the same. */
#include "core/event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct tc_record *r, struct tc_str text)
{
    struct tc_arena a = {0};
    struct tc_buf first = {0};
    struct tc_buf second = {0};
    char why[TC_WHY_MAX];
    void *item = tc_arena_alloc(&a, r->size);
    if (tc_record_read(text, r, item, &a, why) == TC_OK) {
        TC_REQUIRE(tc_record_over_limit(r, item) == NULL);
        tc_record_write(&first, r, item, TC_ALL_FIELDS);
        void *again = tc_arena_alloc(&a, r->size);
        TC_REQUIRE(tc_record_read(tc_buf_str(&first), r, again, &a, why) == TC_OK);
        TC_REQUIRE(tc_record_hash(r, item) == tc_record_hash(r, again));
        tc_record_write(&second, r, again, TC_ALL_FIELDS);
        TC_REQUIRE(tc_str_eq(tc_buf_str(&first), tc_buf_str(&second)));
        TC_REQUIRE(tc_record_fit(r, again, &a) == 0);
    } else {
        TC_REQUIRE(why[0] != '\0');
    }
    tc_buf_finish(&first);
    tc_buf_finish(&second);
    tc_arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct tc_str text = {.at = (const char *)data + 1, .len = size - 1};
    unsigned kind = data[0] % TC_EV_LIMIT;
    unsigned command = data[0] % TC_CMD_LIMIT;
    if (tc_kinds[kind].record) {
        round_trip(tc_kinds[kind].record, text);
    }
    if (tc_commands[command].record) {
        round_trip(tc_commands[command].record, text);
    }
    return 0;
}
