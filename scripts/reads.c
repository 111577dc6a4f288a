/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"
#include "dispatch/world.gen.h"
#include "scripts/arguments.h"
#include "scripts/host_int.h"

#define ITEMS_MAX 48u /* of one list given to a plan */

static void write_item(struct tc_buf *out, const struct tc_record *r, const void *item);

static uint64_t number_at(const struct tc_field *f, const uint8_t *at)
{
    switch (f->type) {
    case TC_TYPE_U8: return *at;
    case TC_TYPE_BOOL: return *(const bool *)at;
    case TC_TYPE_U16: return *(const uint16_t *)(const void *)at;
    case TC_TYPE_U32:
    case TC_TYPE_ENUM: return *(const uint32_t *)(const void *)at;
    case TC_TYPE_I32: return (uint64_t)(int64_t) * (const int32_t *)(const void *)at;
    case TC_TYPE_U64:
    case TC_TYPE_I64:
    case TC_TYPE_ID: return *(const uint64_t *)(const void *)at;
    case TC_TYPE_TEXT:
    case TC_TYPE_RECORD: break;
    }
    return 0;
}

static size_t size_of(const struct tc_field *f)
{
    switch (f->type) {
    case TC_TYPE_U8:
    case TC_TYPE_BOOL: return 1;
    case TC_TYPE_U16: return 2;
    case TC_TYPE_U32:
    case TC_TYPE_I32:
    case TC_TYPE_ENUM: return 4;
    case TC_TYPE_U64:
    case TC_TYPE_I64:
    case TC_TYPE_ID: return 8;
    case TC_TYPE_TEXT: return f->text_max + 1;
    case TC_TYPE_RECORD: return f->record->size;
    }
    return 0;
}

static void write_value(struct tc_buf *out, const struct tc_field *f, const uint8_t *at)
{
    switch (f->type) {
    case TC_TYPE_TEXT: tc_jw_str(out, tc_str_of((const char *)at)); break;
    case TC_TYPE_RECORD: write_item(out, f->record, at); break;
    case TC_TYPE_BOOL: tc_jw_bool(out, number_at(f, at) != 0); break;
    case TC_TYPE_ENUM:
        tc_jw_str(out, tc_str_of(tc_enum_name(f->values, (int)number_at(f, at))));
        break;
    case TC_TYPE_U8:
    case TC_TYPE_U16:
    case TC_TYPE_U32:
    case TC_TYPE_U64:
    case TC_TYPE_I32:
    case TC_TYPE_I64:
    case TC_TYPE_ID: tc_jw_i64(out, (int64_t)number_at(f, at)); break;
    }
}

/** Unlike the journal's form, with zero and empty values: a plan compares, it does not parse. */
static void write_item(struct tc_buf *out, const struct tc_record *r, const void *item)
{
    const uint8_t *base = item;
    tc_jw_open(out, '{');
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct tc_field *f = &r->fields[i];
        if (f->is_personal || strcmp(f->name, "changed_seq") == 0) {
            continue;
        }
        tc_jw_key(out, f->name);
        if (!f->is_list) {
            write_value(out, f, base + f->offset);
            continue;
        }
        uint32_t count = *(const uint32_t *)(const void *)(base + f->count_offset);
        tc_jw_open(out, '[');
        for (uint32_t k = 0; k < count; k++) {
            write_value(out, f, base + f->offset + k * size_of(f));
        }
        tc_jw_close(out, ']');
    }
    tc_jw_close(out, '}');
}

void read__incident(const struct step *s, struct tc_buf *out)
{
    const struct tc_table *t = tc_model_table(s->live, "incident");
    const void *item = t ? tc_table_find(t, s->r->incident) : NULL;
    tc_jw_open(out, '{');
    tc_jw_key(out, "incident");
    if (item) {
        write_item(out, t->record, item);
    } else {
        tc_jw_open(out, '{');
        tc_jw_pair_u64(out, "id", s->r->incident);
        tc_jw_close(out, '}');
    }
    tc_jw_close(out, '}');
}

static bool unit_fits(const struct tc_unit *u, struct tc_str capability, struct tc_str state,
                      struct tc_str kind)
{
    bool has = capability.len == 0;
    for (uint32_t i = 0; i < u->capabilities_count; i++) {
        has = has || tc_str_is(capability, u->capabilities[i].capability);
    }
    return has &&
           (!state.len || tc_str_is(state, tc_enum_name(&tc_enum_unit_state, (int)u->state))) &&
           (!kind.len || tc_str_is(kind, tc_enum_name(&tc_enum_unit_kind, (int)u->kind)));
}

void read__units(const struct step *s, struct tc_str arguments, struct tc_buf *out)
{
    struct tc_arena a = {0};
    const struct tc_table *t = tc_model_table(s->live, "unit");
    struct tc_str capability = arguments__text(arguments, "capability", &a);
    struct tc_str state = arguments__text(arguments, "state", &a);
    struct tc_str kind = arguments__text(arguments, "kind", &a);
    size_t count = 0;
    tc_jw_open(out, '{');
    tc_jw_key(out, "units");
    tc_jw_open(out, '[');
    for (size_t i = 0; t && i < t->pool.top && count < ITEMS_MAX; i++) {
        const struct tc_unit *u = tc_pool_at(&t->pool, i);
        if (u && unit_fits(u, capability, state, kind)) {
            write_item(out, t->record, u);
            count++;
        }
    }
    tc_jw_close(out, ']');
    tc_jw_close(out, '}');
    tc_arena_finish(&a);
}

static uint64_t incident_of(const struct tc_record *r, const void *item)
{
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (strcmp(r->fields[i].name, "incident") == 0) {
            return number_at(&r->fields[i], (const uint8_t *)item + r->fields[i].offset);
        }
    }
    return 0;
}

void read__of_incident(const struct step *s, const char *table, const char *key, struct tc_buf *out)
{
    const struct tc_table *t = tc_model_table(s->live, table);
    size_t count = 0;
    tc_jw_open(out, '{');
    tc_jw_key(out, key);
    tc_jw_open(out, '[');
    for (size_t i = 0; t && i < t->pool.top && count < ITEMS_MAX; i++) {
        const void *item = tc_pool_at(&t->pool, i);
        if (item && incident_of(t->record, item) == s->r->incident) {
            write_item(out, t->record, item);
            count++;
        }
    }
    tc_jw_close(out, ']');
    tc_jw_close(out, '}');
}

void read__closures(const struct step *s, struct tc_buf *out)
{
    const struct tc_table *t = tc_model_table(s->live, "closure");
    char text[48];
    struct tc_str who = run__who(s->r, text);
    tc_jw_open(out, '{');
    tc_jw_key(out, "closures");
    tc_jw_open(out, '[');
    for (size_t i = 0; t && i < t->pool.top; i++) {
        const struct tc_closure *c = tc_pool_at(&t->pool, i);
        if (c && c->incident == s->r->incident && tc_str_is(who, c->by)) {
            tc_jw_u64(out, c->id);
        }
    }
    tc_jw_close(out, ']');
    tc_jw_close(out, '}');
}
