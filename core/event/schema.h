/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/event/schema.h - what the generated tables say about a struct, and the one codec that reads
 * and writes them all: event bodies, commands, model items.
 *
 * Two layouts. Events and commands hold texts as struct tc_str and lists as pointers, both in an
 * arena; model items ("fixed") hold char arrays and arrays, so that they own what they say.
 */
#pragma once

#include "core/base/json.h"

enum tc_type {
    TC_TYPE_U8,
    TC_TYPE_U16,
    TC_TYPE_U32,
    TC_TYPE_U64,
    TC_TYPE_I32,
    TC_TYPE_I64,
    TC_TYPE_BOOL,
    TC_TYPE_ID,
    TC_TYPE_ENUM,
    TC_TYPE_TEXT,
    TC_TYPE_RECORD
};

struct tc_enum {
    const char *name;
    const char *const *values;
    uint32_t count;
};

struct tc_field {
    const char *name;
    enum tc_type type;
    bool is_list;
    bool is_personal;
    uint32_t text_max; /* bytes, without the NUL */
    uint32_t count_max;
    size_t offset;
    size_t count_offset;
    const struct tc_enum *values;
    const struct tc_record *record;
};

struct tc_record {
    const char *name;
    size_t size;
    const struct tc_field *fields;
    uint32_t field_count;
    bool is_fixed;
};

enum tc_class { TC_CLASS_FACT, TC_CLASS_TELEMETRY };

struct tc_kind_info {
    const char *name;
    enum tc_class class;
    const struct tc_record *record;
};

struct tc_command_info {
    const char *name;
    int role;               /* enum tc_role: the least one that may */
    const char *overwrites; /* kind of subject, or "" when additive */
    const struct tc_record *record;
};

enum tc_which { TC_ALL_FIELDS, TC_PLAIN_FIELDS, TC_PERSONAL_FIELDS };

/** Value's name, or "?" when out of range. */
const char *tc_enum_name(const struct tc_enum *e, int value);
/** TC_ENOTFOUND when it has no such name. */
TC_MUST_USE tc_err tc_enum_value(const struct tc_enum *e, struct tc_str name, int *value);

/** Canonical JSON object; zero, false, empty and first values are left out. */
void tc_record_write(struct tc_buf *b, const struct tc_record *r, const void *item,
                     enum tc_which which);
/**
 * Read an object over `item` (already zeroed). Unknown keys, wrong types, too long texts and values
 * out of range are refused and named in `why`. Texts point into `text` or the arena.
 */
TC_MUST_USE tc_err tc_record_read(struct tc_str text, const struct tc_record *r, void *item,
                                  struct tc_arena *a, char why[static TC_WHY_MAX]);
/** One field's value alone, as canonical JSON; lists as arrays. For column-wise rows. */
void tc_field_write(struct tc_buf *b, const struct tc_record *r, const struct tc_field *f,
                    const void *item);
/** Zero, false, first, empty: what an absent field reads as. */
bool tc_field_is_zero(const struct tc_record *r, const struct tc_field *f, const void *item);
TC_MUST_USE tc_err tc_field_read(struct tc_jr *jr, const struct tc_record *r,
                                 const struct tc_field *f, void *item, struct tc_arena *a,
                                 char why[static TC_WHY_MAX]);
/** Order-sensitive hash of every field's value; equal values give equal hashes. */
uint64_t tc_record_hash(const struct tc_record *r, const void *item);
/**
 * Make an event or command body fit what is declared, so that what is written can be read again:
 * texts are cut at whole characters, bytes that are no UTF-8 become '?', lists lose their end.
 * Returns how many fields were changed. Not for fixed items.
 */
uint32_t tc_record_fit(const struct tc_record *r, void *item, struct tc_arena *a);
/** Fields whose text or list is longer than declared; NULL when all is within its limits. */
const char *tc_record_over_limit(const struct tc_record *r, const void *item);
