/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/hash.h"
#include "core/event/schema.h"

const char *tc_enum_name(const struct tc_enum *e, int value)
{
    return value >= 0 && (uint32_t)value < e->count ? e->values[value] : "?";
}

tc_err tc_enum_value(const struct tc_enum *e, struct tc_str name, int *value)
{
    for (uint32_t i = 0; i < e->count; i++) {
        if (tc_str_is(name, e->values[i])) {
            *value = (int)i;
            return TC_OK;
        }
    }
    return TC_ENOTFOUND;
}

static size_t element_size(const struct tc_field *f, bool is_fixed)
{
    switch (f->type) {
    case TC_TYPE_U8: return 1;
    case TC_TYPE_BOOL: return sizeof(bool);
    case TC_TYPE_U16: return 2;
    case TC_TYPE_U32:
    case TC_TYPE_I32: return 4;
    case TC_TYPE_ENUM: return sizeof(int);
    case TC_TYPE_U64:
    case TC_TYPE_I64:
    case TC_TYPE_ID: return 8;
    case TC_TYPE_TEXT: return is_fixed ? f->text_max + 1 : sizeof(struct tc_str);
    case TC_TYPE_RECORD: return f->record->size;
    }
    return 0;
}

static uint32_t list_count(const struct tc_field *f, const void *item)
{
    uint32_t count = 0;
    memcpy(&count, (const uint8_t *)item + f->count_offset, sizeof count);
    return count;
}

static const uint8_t *list_items(const struct tc_field *f, const void *item, bool is_fixed)
{
    const uint8_t *at = (const uint8_t *)item + f->offset;
    if (is_fixed) {
        return at;
    }
    const uint8_t *items = NULL;
    memcpy(&items, at, sizeof items);
    return items;
}

static struct tc_str text_at(const uint8_t *at, bool is_fixed)
{
    if (is_fixed) {
        return tc_str_of((const char *)at);
    }
    struct tc_str s;
    memcpy(&s, at, sizeof s);
    return s;
}

static uint64_t unsigned_at(const struct tc_field *f, const uint8_t *at)
{
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    switch (element_size(f, false)) {
    case 1: memcpy(&u8, at, 1); return u8;
    case 2: memcpy(&u16, at, 2); return u16;
    case 4: memcpy(&u32, at, 4); return u32;
    default: memcpy(&u64, at, 8); return u64;
    }
}

static int64_t signed_at(const struct tc_field *f, const uint8_t *at)
{
    uint64_t value = unsigned_at(f, at);
    return f->type == TC_TYPE_I32 || f->type == TC_TYPE_ENUM ? (int32_t)(uint32_t)value
                                                             : (int64_t)value;
}

static bool is_zero(const struct tc_field *f, const void *item, bool is_fixed)
{
    const uint8_t *at = (const uint8_t *)item + f->offset;
    if (f->is_list) {
        return list_count(f, item) == 0;
    }
    if (f->type == TC_TYPE_TEXT) {
        return is_fixed ? *at == '\0' : text_at(at, false).len == 0;
    }
    return f->type != TC_TYPE_RECORD && unsigned_at(f, at) == 0;
}

static void write_value(struct tc_buf *b, const struct tc_field *f, const uint8_t *at,
                        bool is_fixed)
{
    switch (f->type) {
    case TC_TYPE_I32:
    case TC_TYPE_I64: tc_jw_i64(b, signed_at(f, at)); break;
    case TC_TYPE_BOOL: tc_jw_bool(b, unsigned_at(f, at) != 0); break;
    case TC_TYPE_ENUM:
        tc_jw_str(b, tc_str_of(tc_enum_name(f->values, (int)signed_at(f, at))));
        break;
    case TC_TYPE_TEXT: tc_jw_str(b, text_at(at, is_fixed)); break;
    case TC_TYPE_RECORD: tc_record_write(b, f->record, at, TC_ALL_FIELDS); break;
    case TC_TYPE_U8:
    case TC_TYPE_U16:
    case TC_TYPE_U32:
    case TC_TYPE_U64:
    case TC_TYPE_ID: tc_jw_u64(b, unsigned_at(f, at)); break;
    }
}

void tc_record_write(struct tc_buf *b, const struct tc_record *r, const void *item,
                     enum tc_which which)
{
    tc_jw_open(b, '{');
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        if (is_zero(f, item, r->is_fixed) ||
            (which != TC_ALL_FIELDS && f->is_personal != (which == TC_PERSONAL_FIELDS))) {
            continue;
        }
        tc_jw_key(b, f->name);
        tc_field_write(b, r, f, item);
    }
    tc_jw_close(b, '}');
}

bool tc_field_is_zero(const struct tc_record *r, const struct tc_field *f, const void *item)
{
    return is_zero(f, item, r->is_fixed);
}

void tc_field_write(struct tc_buf *b, const struct tc_record *r, const struct tc_field *f,
                    const void *item)
{
    if (!f->is_list) {
        write_value(b, f, (const uint8_t *)item + f->offset, r->is_fixed);
        return;
    }
    const uint8_t *items = list_items(f, item, r->is_fixed);
    size_t size = element_size(f, r->is_fixed);
    tc_jw_open(b, '[');
    for (uint32_t k = 0; k < list_count(f, item); k++) {
        write_value(b, f, items + k * size, r->is_fixed);
    }
    tc_jw_close(b, ']');
}

/* Reading */

struct reading {
    struct tc_jr *jr;
    struct tc_arena *arena;
    char *why;
};

static void complain(struct reading *rd, const char *record, const char *field, const char *text)
{
    if (rd->why[0] == '\0') {
        (void)tc_str_format(rd->why, TC_WHY_MAX, "%s.%s: %s", record, field, text);
    }
    rd->jr->bad = true;
}

static void store_unsigned(const struct tc_field *f, uint8_t *at, uint64_t value)
{
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    switch (element_size(f, false)) {
    case 1: memcpy(at, &u8, 1); break;
    case 2: memcpy(at, &u16, 2); break;
    case 4: memcpy(at, &u32, 4); break;
    default: memcpy(at, &value, 8); break;
    }
}

static void read_unsigned(struct reading *rd, const struct tc_record *r, const struct tc_field *f,
                          uint8_t *at)
{
    uint64_t value = tc_jr_u64(rd->jr);
    size_t bits = element_size(f, false) * 8;
    if (bits < 64 && value >> bits != 0) {
        complain(rd, r->name, f->name, "number out of range");
        return;
    }
    store_unsigned(f, at, value);
}

static void read_text(struct reading *rd, const struct tc_record *r, const struct tc_field *f,
                      uint8_t *at)
{
    struct tc_str s = tc_jr_str(rd->jr, rd->arena);
    if (s.len > f->text_max) {
        complain(rd, r->name, f->name, "text too long");
    } else if (memchr(s.at ? s.at : "", '\0', s.len)) {
        complain(rd, r->name, f->name, "text holds a zero byte");
    } else if (r->is_fixed) {
        (void)tc_str_put((char *)at, f->text_max + 1, s);
    } else {
        memcpy(at, &s, sizeof s);
    }
}

static void read_object(struct reading *rd, const struct tc_record *r, void *item);

static void read_value(struct reading *rd, const struct tc_record *r, const struct tc_field *f,
                       uint8_t *at)
{
    int value = 0;
    switch (f->type) {
    case TC_TYPE_I32:
    case TC_TYPE_I64: {
        int64_t number = tc_jr_i64(rd->jr);
        if (f->type == TC_TYPE_I32 && (number < INT32_MIN || number > INT32_MAX)) {
            complain(rd, r->name, f->name, "number out of range");
        }
        store_unsigned(f, at, (uint64_t)number);
        break;
    }
    case TC_TYPE_BOOL: store_unsigned(f, at, tc_jr_bool(rd->jr)); break;
    case TC_TYPE_ENUM:
        if (tc_enum_value(f->values, tc_jr_str(rd->jr, rd->arena), &value) != TC_OK) {
            complain(rd, r->name, f->name, "no such value");
        }
        store_unsigned(f, at, (uint64_t)(int64_t)value);
        break;
    case TC_TYPE_TEXT: read_text(rd, r, f, at); break;
    case TC_TYPE_RECORD: read_object(rd, f->record, at); break;
    case TC_TYPE_U8:
    case TC_TYPE_U16:
    case TC_TYPE_U32:
    case TC_TYPE_U64:
    case TC_TYPE_ID: read_unsigned(rd, r, f, at); break;
    }
}

static void read_list(struct reading *rd, const struct tc_record *r, const struct tc_field *f,
                      uint8_t *item)
{
    size_t size = element_size(f, r->is_fixed);
    uint8_t *items =
        r->is_fixed ? item + f->offset : tc_arena_alloc(rd->arena, size * f->count_max);
    uint32_t count = 0;
    if (!tc_jr_open(rd->jr, '[')) {
        return;
    }
    while (tc_jr_more(rd->jr, ']')) {
        if (count == f->count_max) {
            complain(rd, r->name, f->name, "list too long");
            return;
        }
        read_value(rd, r, f, items + count * size);
        count++;
    }
    memcpy(item + f->count_offset, &count, sizeof count);
    if (!r->is_fixed) {
        memcpy(item + f->offset, &items, sizeof items);
    }
}

static void read_field(struct reading *rd, const struct tc_record *r, const struct tc_field *f,
                       void *item)
{
    if (f->is_list) {
        read_list(rd, r, f, item);
    } else {
        read_value(rd, r, f, (uint8_t *)item + f->offset);
    }
}

static const struct tc_field *find_field(const struct tc_record *r, struct tc_str name)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (tc_str_is(name, r->fields[i].name)) {
            return &r->fields[i];
        }
    }
    return NULL;
}

static void read_object(struct reading *rd, const struct tc_record *r, void *item)
{
    uint64_t seen = 0;
    if (!tc_jr_open(rd->jr, '{')) {
        return;
    }
    while (tc_jr_more(rd->jr, '}')) {
        struct tc_str name = tc_jr_key(rd->jr, rd->arena);
        const struct tc_field *f = find_field(r, name);
        if (!f) {
            char key[48];
            (void)tc_str_put(key, sizeof key, name);
            complain(rd, r->name, key, "no such field");
            return;
        }
        uint64_t bit = UINT64_C(1) << ((f - r->fields) & 63);
        if (seen & bit) {
            complain(rd, r->name, f->name, "given twice");
            return;
        }
        seen |= bit;
        read_field(rd, r, f, item);
        if (rd->jr->bad) {
            complain(rd, r->name, f->name, "not of the expected type");
            return;
        }
    }
}

tc_err tc_record_read(struct tc_str text, const struct tc_record *r, void *item, struct tc_arena *a,
                      char why[static TC_WHY_MAX])
{
    struct tc_jr jr = tc_jr_init(text);
    struct reading rd = {.jr = &jr, .arena = a, .why = why};
    why[0] = '\0';
    read_object(&rd, r, item);
    if (tc_jr_is_done(&jr)) {
        return TC_OK;
    }
    if (why[0] == '\0') {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: not a JSON object at byte %zu", r->name,
                            (size_t)(jr.at - text.at));
    }
    return TC_EMALFORMED;
}

tc_err tc_field_read(struct tc_jr *jr, const struct tc_record *r, const struct tc_field *f,
                     void *item, struct tc_arena *a, char why[static TC_WHY_MAX])
{
    struct reading rd = {.jr = jr, .arena = a, .why = why};
    why[0] = '\0';
    read_field(&rd, r, f, item);
    if (jr->bad) {
        complain(&rd, r->name, f->name, "not of the expected type");
        return TC_EMALFORMED;
    }
    return TC_OK;
}

static uint64_t hash_value(uint64_t h, const struct tc_field *f, const uint8_t *at, bool is_fixed)
{
    if (f->type == TC_TYPE_TEXT) {
        return tc_hash_str(h, text_at(at, is_fixed));
    }
    if (f->type == TC_TYPE_RECORD) {
        return tc_hash_mix(h, tc_record_hash(f->record, at));
    }
    return tc_hash_mix(h, unsigned_at(f, at));
}

uint64_t tc_record_hash(const struct tc_record *r, const void *item)
{
    uint64_t h = 1;
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        if (!f->is_list) {
            h = hash_value(h, f, (const uint8_t *)item + f->offset, r->is_fixed);
            continue;
        }
        const uint8_t *items = list_items(f, item, r->is_fixed);
        size_t size = element_size(f, r->is_fixed);
        uint32_t count = list_count(f, item);
        h = tc_hash_mix(h, count);
        for (uint32_t k = 0; k < count; k++) {
            h = hash_value(h, f, items + k * size, r->is_fixed);
        }
    }
    return h;
}

const char *tc_record_over_limit(const struct tc_record *r, const void *item)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        const uint8_t *at = (const uint8_t *)item + f->offset;
        if (f->is_list && list_count(f, item) > f->count_max) {
            return f->name;
        }
        if (f->is_list || f->type != TC_TYPE_TEXT) {
            continue;
        }
        struct tc_str s = text_at(at, r->is_fixed);
        if (s.len > f->text_max || !tc_str_is_utf8(s)) {
            return f->name;
        }
    }
    return NULL;
}

/** A copy that is UTF-8 and at most `max` bytes. */
static struct tc_str fitted(struct tc_str s, uint32_t max, struct tc_arena *a)
{
    size_t len = s.len < max ? s.len : max;
    char *copy = tc_arena_copy(a, s.at, len);
    while (len > 0 && len < s.len && ((uint8_t)s.at[len] & 0xC0) == 0x80) {
        len--; /* do not end within a character */
    }
    if (!tc_str_is_utf8((struct tc_str){.at = copy, .len = len})) {
        for (size_t i = 0; i < len; i++) {
            copy[i] = (uint8_t)copy[i] >= 0x80 ? '?' : copy[i];
        }
    }
    for (size_t i = 0; i < len; i++) {
        copy[i] = copy[i] ? copy[i] : '?';
    }
    return (struct tc_str){.at = copy, .len = len};
}

static bool fit_text(const struct tc_field *f, uint8_t *at, struct tc_arena *a)
{
    struct tc_str s = text_at(at, false);
    if (s.len <= f->text_max && tc_str_is_utf8(s) && !(s.len && memchr(s.at, '\0', s.len))) {
        return false;
    }
    s = fitted(s, f->text_max, a);
    memcpy(at, &s, sizeof s);
    return true;
}

static uint32_t fit_list(const struct tc_field *f, uint8_t *item, struct tc_arena *a)
{
    uint32_t changed = 0;
    uint32_t count = list_count(f, item);
    if (count > f->count_max) {
        count = f->count_max;
        memcpy(item + f->count_offset, &count, sizeof count);
        changed++;
    }
    if (f->type != TC_TYPE_TEXT && f->type != TC_TYPE_RECORD) {
        return changed;
    }
    uint8_t *items = NULL; /* elements lie in an arena: ours to mend */
    memcpy(&items, item + f->offset, sizeof items);
    for (uint32_t k = 0; k < count; k++) {
        uint8_t *at = items + k * element_size(f, false);
        changed += f->type == TC_TYPE_TEXT ? fit_text(f, at, a) : tc_record_fit(f->record, at, a);
    }
    return changed;
}

uint32_t tc_record_fit(const struct tc_record *r, void *item, struct tc_arena *a)
{
    uint32_t changed = 0;
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        uint8_t *at = (uint8_t *)item + f->offset;
        if (f->is_list) {
            changed += fit_list(f, item, a);
        } else if (f->type == TC_TYPE_TEXT) {
            changed += fit_text(f, at, a);
        } else if (f->type == TC_TYPE_RECORD) {
            changed += tc_record_fit(f->record, at, a);
        }
    }
    return changed;
}
