/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "core/journal/journal_int.h"

/* A telemetry body is [column, column, ...]: header columns, then the kind's fields. A column is
 * null (all zero; for occurred: all equal to at), one value (all the same), or an array with one
 * value per event. Columns of lists are null or an array. Null columns at the end are left out, so
 * that a field added later does not change what older rows look like. */
static const char *const header_columns[] = {"occurred", "source", "subject", "key", "cause"};
#define HEADER_COUNT TC_COUNT_OF(header_columns)

bool journal__is_telemetry(enum tc_kind kind)
{
    return tc_kinds[kind].class == TC_CLASS_TELEMETRY;
}

void journal__write_column_names(struct tc_buf *b, enum tc_kind kind)
{
    const struct tc_record *r = tc_kinds[kind].record;
    tc_jw_open(b, '[');
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        tc_jw_str(b, tc_str_of(header_columns[i]));
    }
    for (uint32_t i = 0; i < r->field_count; i++) {
        TC_REQUIRE(!r->fields[i].is_personal); /* erasable fields belong to facts */
        tc_jw_str(b, tc_str_of(r->fields[i].name));
    }
    tc_jw_close(b, ']');
}

static bool header_is_zero(const struct tc_event *e, size_t column)
{
    const uint64_t values[HEADER_COUNT] = {(uint64_t)(e->occurred_us - e->at_us), e->source,
                                           e->subject, e->key, e->cause};
    return values[column] == 0;
}

static bool cell_is_zero(const struct tc_event *e, size_t column)
{
    if (column < HEADER_COUNT) {
        return header_is_zero(e, column);
    }
    const struct tc_record *r = tc_kinds[e->kind].record;
    return tc_field_is_zero(r, &r->fields[column - HEADER_COUNT], e->body);
}

static void write_cell(struct tc_buf *b, const struct tc_event *e, size_t column)
{
    const struct tc_record *r = tc_kinds[e->kind].record;
    switch (column) {
    case 0: tc_jw_i64(b, e->occurred_us); break;
    case 1: tc_jw_u64(b, e->source); break;
    case 2: tc_jw_u64(b, e->subject); break;
    case 3: tc_jw_u64(b, e->key); break;
    case 4: tc_jw_u64(b, e->cause); break;
    default: tc_field_write(b, r, &r->fields[column - HEADER_COUNT], e->body); break;
    }
}

static bool column_is_zero(const struct tc_event *events, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++) {
        if (!cell_is_zero(&events[i], column)) {
            return false;
        }
    }
    return true;
}

static bool column_is_list(enum tc_kind kind, size_t column)
{
    return column >= HEADER_COUNT && tc_kinds[kind].record->fields[column - HEADER_COUNT].is_list;
}

/** An array; shortened to its first value when all are the same. */
static void write_column(struct tc_buf *b, const struct tc_event *events, size_t count,
                         size_t column)
{
    bool is_same = !column_is_list(events[0].kind, column);
    tc_jw_open(b, '[');
    size_t from = b->len - 1;
    size_t len = 0; /* of the first value */
    for (size_t i = 0; i < count; i++) {
        size_t at = b->len + (i > 0); /* behind the comma */
        write_cell(b, &events[i], column);
        if (b->is_full) {
            return;
        }
        len = i == 0 ? b->len - at : len;
        is_same =
            is_same && b->len - at == len && memcmp(b->bytes + from + 1, b->bytes + at, len) == 0;
    }
    if (is_same) {
        memmove(b->bytes + from, b->bytes + from + 1, len);
        b->len = from + len;
    } else {
        tc_jw_close(b, ']');
    }
}

void journal__write_columns(struct tc_buf *b, const struct tc_event *events, size_t count)
{
    size_t columns = HEADER_COUNT + tc_kinds[events[0].kind].record->field_count;
    tc_jw_open(b, '[');
    size_t end = b->len; /* behind the last column that says something */
    for (size_t c = 0; c < columns; c++) {
        if (column_is_zero(events, count, c)) {
            tc_jw_null(b);
            continue;
        }
        write_column(b, events, count, c);
        end = b->len;
    }
    b->len = end;
    tc_jw_close(b, ']');
}

/* Reading */

struct column_reading {
    struct tc_jr jr;
    const struct journal_row *row;
    struct tc_event *events;
    size_t body_size;
    uint8_t *bodies;
    struct tc_arena *arena;
    char *why;
};

static tc_err read_cell(struct column_reading *rd, size_t column, size_t index)
{
    struct tc_event *e = &rd->events[index];
    struct tc_jr *jr = &rd->jr;
    const struct tc_record *r = tc_kinds[rd->row->kind].record;
    switch (column) {
    case 0: e->occurred_us = tc_jr_i64(jr); break;
    case 1: e->source = tc_jr_u64(jr); break;
    case 2: e->subject = tc_jr_u64(jr); break;
    case 3: e->key = tc_jr_u64(jr); break;
    case 4: e->cause = tc_jr_u64(jr); break;
    default:
        return tc_field_read(jr, r, &r->fields[column - HEADER_COUNT],
                             rd->bodies + index * rd->body_size, rd->arena, rd->why);
    }
    return jr->bad ? TC_EMALFORMED : TC_OK;
}

static tc_err read_array(struct column_reading *rd, size_t column)
{
    size_t n = 0;
    (void)tc_jr_open(&rd->jr, '[');
    while (tc_jr_more(&rd->jr, ']')) {
        if (n == rd->row->count) {
            return TC_EMALFORMED;
        }
        tc_err err = read_cell(rd, column, n++);
        if (err != TC_OK) {
            return err;
        }
    }
    return n == rd->row->count && !rd->jr.bad ? TC_OK : TC_EMALFORMED;
}

static tc_err read_column(struct column_reading *rd, size_t column)
{
    char c = tc_jr_peek(&rd->jr);
    if (c == 'n') {
        tc_jr_null(&rd->jr);
        return rd->jr.bad ? TC_EMALFORMED : TC_OK;
    }
    if (c == '[') {
        return read_array(rd, column);
    }
    if (column_is_list((enum tc_kind)rd->row->kind, column)) {
        return TC_EMALFORMED;
    }
    struct tc_jr from = rd->jr;
    for (size_t i = 0; i < rd->row->count; i++) {
        rd->jr = from;
        tc_err err = read_cell(rd, column, i);
        if (err != TC_OK) {
            return err;
        }
    }
    return TC_OK;
}

static tc_err read_columns(struct column_reading *rd)
{
    size_t columns = HEADER_COUNT + tc_kinds[rd->row->kind].record->field_count;
    size_t n = 0;
    (void)tc_jr_open(&rd->jr, '[');
    while (tc_jr_more(&rd->jr, ']')) {
        if (n == columns || read_column(rd, n++) != TC_OK) {
            return TC_EMALFORMED;
        }
    }
    return tc_jr_is_done(&rd->jr) ? TC_OK : TC_EMALFORMED;
}

static tc_err read_telemetry(const struct journal_row *row, struct tc_arena *a,
                             struct tc_event *events, char why[static TC_WHY_MAX])
{
    size_t size = tc_kinds[row->kind].record->size;
    why[0] = '\0';
    struct column_reading rd = {
        .jr = tc_jr_init(row->body),
        .row = row,
        .events = events,
        .body_size = size,
        .bodies = tc_arena_alloc(a, size * row->count),
        .arena = a,
        .why = why,
    };
    for (size_t i = 0; i < row->count; i++) {
        events[i] = (struct tc_event){.seq = row->seq + i,
                                      .at_us = row->at_us,
                                      .occurred_us = row->at_us,
                                      .kind = (enum tc_kind)row->kind,
                                      .body = rd.bodies + i * size};
    }
    return read_columns(&rd);
}

static tc_err read_fact(const struct journal_row *row, struct tc_arena *a, struct tc_event *e,
                        char why[static TC_WHY_MAX])
{
    const struct tc_record *r = tc_kinds[row->kind].record;
    void *body = tc_arena_alloc(a, r->size);
    *e = (struct tc_event){
        .seq = row->seq,
        .at_us = row->at_us,
        .occurred_us = row->occurred_us,
        .kind = (enum tc_kind)row->kind,
        .source = row->source,
        .subject = row->subject,
        .cause = row->cause,
        .key = row->key,
        .body = body,
    };
    tc_err err = tc_record_read(row->body, r, body, a, why);
    if (err == TC_OK && row->personal.len > 0) {
        err = tc_record_read(row->personal, r, body, a, why);
    }
    return err;
}

tc_err journal__read_row(const struct journal_row *row, struct tc_arena *a,
                         struct tc_event **events, size_t *count, char why[static TC_WHY_MAX])
{
    char detail[TC_WHY_MAX] = "";
    if (row->kind >= TC_EV_LIMIT || !tc_kinds[row->kind].name) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "seq %" PRIu64 ": kind %" PRIu64
                            " is unknown; a newer program wrote this journal",
                            row->seq, row->kind);
        return TC_EUNSUPPORTED;
    }
    bool is_telemetry = journal__is_telemetry((enum tc_kind)row->kind);
    if ((row->count > 0) != is_telemetry || row->count > JOURNAL_RUN_MAX) {
        (void)tc_str_format(why, TC_WHY_MAX, "seq %" PRIu64 ": %s stands in the wrong table",
                            row->seq, tc_kinds[row->kind].name);
        return TC_EMALFORMED;
    }
    *count = is_telemetry ? row->count : 1;
    *events = tc_arena_alloc(a, *count * sizeof **events);
    tc_err err =
        is_telemetry ? read_telemetry(row, a, *events, detail) : read_fact(row, a, *events, detail);
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "seq %" PRIu64 ": %s cannot be read%s%.120s", row->seq,
                            tc_kinds[row->kind].name, detail[0] ? ": " : "", detail);
    }
    return err;
}

void journal__take_fact(struct tc_stmt *s, struct journal_row *row)
{
    *row = (struct journal_row){
        .seq = (uint64_t)tc_stmt_i64(s, 0),
        .at_us = tc_stmt_i64(s, 1),
        .occurred_us = tc_stmt_i64(s, 2),
        .kind = (uint64_t)tc_stmt_i64(s, 3),
        .source = (uint64_t)tc_stmt_i64(s, 4),
        .subject = (uint64_t)tc_stmt_i64(s, 5),
        .cause = (uint64_t)tc_stmt_i64(s, 6),
        .key = (uint64_t)tc_stmt_i64(s, 7),
        .body = tc_stmt_text(s, 8),
    };
}

void journal__take_telemetry(struct tc_stmt *s, struct journal_row *row)
{
    *row = (struct journal_row){
        .seq = (uint64_t)tc_stmt_i64(s, 0),
        .count = (uint64_t)tc_stmt_i64(s, 1),
        .at_us = tc_stmt_i64(s, 2),
        .kind = (uint64_t)tc_stmt_i64(s, 3),
        .body = tc_stmt_text(s, 4),
    };
}
