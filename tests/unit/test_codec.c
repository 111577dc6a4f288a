/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of every event, command and table: written, read back, and part of the digest. */
#include <inttypes.h>

#include "dispatch/world.h"
#include "scripts/host.h"
#include "tests/lib/tc_test.h"

static const struct tc_section *const sections[] = {&tc_turn_section, &tc_world_section_table,
                                                    &tc_runs_section_table, NULL};
static size_t fields_seen;

static void fill_record(const struct tc_record *r, uint8_t *item, struct tc_arena *a);

static size_t size_of(const struct tc_field *f, bool is_fixed)
{
    static const size_t sizes[] = {
        [TC_TYPE_U8] = 1,
        [TC_TYPE_U16] = 2,
        [TC_TYPE_U32] = 4,
        [TC_TYPE_U64] = 8,
        [TC_TYPE_I32] = 4,
        [TC_TYPE_I64] = 8,
        [TC_TYPE_BOOL] = sizeof(bool),
        [TC_TYPE_ID] = 8,
        [TC_TYPE_ENUM] = sizeof(int),
    };
    if (f->type == TC_TYPE_TEXT) {
        return is_fixed ? f->text_max + 1 : sizeof(struct tc_str);
    }
    return f->type == TC_TYPE_RECORD ? f->record->size : sizes[f->type];
}

/** A value that a careless codec would lose: the least, the largest, the last. */
static void fill_value(const struct tc_field *f, uint8_t *at, bool is_fixed, struct tc_arena *a)
{
    static const uint64_t most = UINT64_MAX;
    static const int32_t least32 = INT32_MIN;
    static const int64_t least64 = INT64_MIN;
    static const bool yes = true;
    int last = f->type == TC_TYPE_ENUM ? (int)f->values->count - 1 : 0;
    struct tc_str text = TC_STR("水\"\\\n");
    switch (f->type) {
    case TC_TYPE_I32: memcpy(at, &least32, sizeof least32); break;
    case TC_TYPE_I64: memcpy(at, &least64, sizeof least64); break;
    case TC_TYPE_BOOL: memcpy(at, &yes, sizeof yes); break;
    case TC_TYPE_ENUM: memcpy(at, &last, sizeof last); break;
    case TC_TYPE_RECORD: fill_record(f->record, at, a); break;
    case TC_TYPE_TEXT:
        text.len = f->text_max < text.len ? 0 : text.len;
        if (is_fixed) {
            memcpy(at, text.len ? text.at : "x", text.len ? text.len : 1);
        } else {
            text = text.len ? text : TC_STR("x");
            memcpy(at, &text, sizeof text);
        }
        break;
    case TC_TYPE_U8:
    case TC_TYPE_U16:
    case TC_TYPE_U32:
    case TC_TYPE_U64:
    case TC_TYPE_ID: memcpy(at, &most, size_of(f, is_fixed)); break;
    }
}

static void fill_field(const struct tc_record *r, const struct tc_field *f, uint8_t *item,
                       struct tc_arena *a)
{
    size_t size = size_of(f, r->is_fixed);
    if (!f->is_list) {
        fill_value(f, item + f->offset, r->is_fixed, a);
        return;
    }
    uint32_t count = f->count_max;
    uint8_t *items = r->is_fixed ? item + f->offset : tc_arena_alloc(a, size * count);
    for (uint32_t i = 0; i < count; i++) {
        fill_value(f, items + i * size, r->is_fixed, a);
    }
    memcpy(item + f->count_offset, &count, sizeof count);
    if (!r->is_fixed) {
        memcpy(item + f->offset, &items, sizeof items);
    }
}

static void fill_record(const struct tc_record *r, uint8_t *item, struct tc_arena *a)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        fill_field(r, &r->fields[i], item, a);
    }
}

/** What an investigator must find in the text. */
static void check_written(const struct tc_record *r, const struct tc_field *f, struct tc_str json)
{
    char wanted[160];
    const char *bracket = f->is_list ? "[" : "";
    const char *value = "";
    char number[32] = "";
    switch (f->type) {
    case TC_TYPE_U8: value = "255"; break;
    case TC_TYPE_U16: value = "65535"; break;
    case TC_TYPE_U32: value = "4294967295"; break;
    case TC_TYPE_U64:
    case TC_TYPE_ID: value = "18446744073709551615"; break;
    case TC_TYPE_I32: value = "-2147483648"; break;
    case TC_TYPE_I64: value = "-9223372036854775808"; break;
    case TC_TYPE_BOOL: value = "true"; break;
    case TC_TYPE_ENUM:
        (void)tc_str_format(number, sizeof number, "\"%s\"",
                            f->values->values[f->values->count - 1]);
        value = number;
        break;
    case TC_TYPE_TEXT: value = f->text_max < 6 ? "\"x\"" : "\"水\\\"\\\\\\n\""; break;
    case TC_TYPE_RECORD: value = "{"; break;
    }
    size_t n = tc_str_format(wanted, sizeof wanted, "\"%s\":%s%s", f->name, bracket, value);
    for (size_t i = 0; i + n <= json.len; i++) {
        if (memcmp(json.at + i, wanted, n) == 0) {
            fields_seen++;
            return;
        }
    }
    fail_msg("%s: %s is not in %.*s", r->name, wanted, (int)(json.len < 300 ? json.len : 300),
             json.at);
}

static void check_record(const struct tc_record *r)
{
    struct tc_arena a = {0};
    struct tc_buf json = {0};
    char why[TC_WHY_MAX] = "";
    uint8_t *item = tc_arena_alloc(&a, r->size);
    uint8_t *again = tc_arena_alloc(&a, r->size);
    fill_record(r, item, &a);
    tc_record_write(&json, r, item, TC_ALL_FIELDS);
    for (uint32_t i = 0; i < r->field_count; i++) {
        check_written(r, &r->fields[i], tc_buf_str(&json));
    }
    if (tc_record_read(tc_buf_str(&json), r, again, &a, why) != TC_OK) {
        fail_msg("%s is not read back: %s", r->name, why);
    }
    struct tc_buf twice = {0};
    tc_record_write(&twice, r, again, TC_ALL_FIELDS);
    assert_int_equal(twice.len, json.len);
    assert_memory_equal(twice.bytes, json.bytes, json.len);
    tc_buf_finish(&twice);
    tc_buf_finish(&json);
    /* one field alone makes another digest than none, and than any other field */
    uint8_t *empty = tc_arena_alloc(&a, r->size);
    for (uint32_t i = 0; i < r->field_count; i++) {
        uint8_t *one = tc_arena_alloc(&a, r->size);
        fill_field(r, &r->fields[i], one, &a);
        if (tc_record_hash(r, one) == tc_record_hash(r, empty)) {
            fail_msg("%s: the digest does not see %s", r->name, r->fields[i].name);
        }
    }
    assert_int_equal(tc_record_hash(r, item), tc_record_hash(r, again));
    tc_arena_finish(&a);
}

static void check_table(void *ctx, struct tc_table *t)
{
    (void)ctx;
    check_record(t->record);
}

static void every_field_survives_and_counts(void **state)
{
    (void)state;
    for (size_t i = 1; i < TC_EV_LIMIT; i++) {
        if (tc_kinds[i].record) {
            check_record(tc_kinds[i].record);
        }
    }
    for (size_t i = 0; i < TC_CMD_LIMIT; i++) {
        if (tc_commands[i].record) {
            check_record(tc_commands[i].record);
        }
    }
    struct tc_model *m = tc_model_create(sections);
    tc_model_tables(m, check_table, NULL);
    tc_model_destroy(m);
    print_message("%zu fields\n", fields_seen);
    assert_true(fields_seen > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_field_survives_and_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
