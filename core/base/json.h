/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/json.h - canonical JSON: a writer, and a strict pull reader over borrowed text.
 *
 * Canonical: UTF-8, no blanks, keys in the order written, integers only, the shortest escapes. The
 * reader takes any legal JSON of integers, strings, booleans, null, arrays and objects; fractions
 * are refused but where tc_jr_fixed asks for one.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/mem.h"

/** Commas are put by the writer: it looks at the last byte written. */
void tc_jw_open(struct tc_buf *b, char bracket); /* '{' or '[' */
void tc_jw_close(struct tc_buf *b, char bracket);
void tc_jw_key(struct tc_buf *b, const char *key);
void tc_jw_i64(struct tc_buf *b, int64_t value);
void tc_jw_u64(struct tc_buf *b, uint64_t value);
void tc_jw_bool(struct tc_buf *b, bool value);
void tc_jw_str(struct tc_buf *b, struct tc_str value);
void tc_jw_null(struct tc_buf *b);
/** `text` is already JSON. */
void tc_jw_raw(struct tc_buf *b, struct tc_str text);

static inline void tc_jw_pair_str(struct tc_buf *b, const char *key, struct tc_str value)
{
    tc_jw_key(b, key);
    tc_jw_str(b, value);
}
static inline void tc_jw_pair_text(struct tc_buf *b, const char *key, const char *value)
{
    tc_jw_pair_str(b, key, tc_str_of(value));
}
static inline void tc_jw_pair_i64(struct tc_buf *b, const char *key, int64_t value)
{
    tc_jw_key(b, key);
    tc_jw_i64(b, value);
}
static inline void tc_jw_pair_u64(struct tc_buf *b, const char *key, uint64_t value)
{
    tc_jw_key(b, key);
    tc_jw_u64(b, value);
}
static inline void tc_jw_pair_bool(struct tc_buf *b, const char *key, bool value)
{
    tc_jw_key(b, key);
    tc_jw_bool(b, value);
}

/** Reader with a sticky error; `depth` bounds nesting at 16. */
struct tc_jr {
    const char *at;
    const char *end;
    bool bad;
    unsigned depth;
    bool is_first; /* no element taken yet in the innermost bracket */
};

struct tc_jr tc_jr_init(struct tc_str text);
/** The next value's first character: one of { [ " t f n - 0..9, or 0 at the end. */
char tc_jr_peek(struct tc_jr *r);
/** Enter '{' or '['; false and bad when something else stands there. */
bool tc_jr_open(struct tc_jr *r, char bracket);
/** True while another element follows; false once the closing bracket was consumed. */
bool tc_jr_more(struct tc_jr *r, char closing);
/** The key of the next pair, unescaped into the arena when needed. */
struct tc_str tc_jr_key(struct tc_jr *r, struct tc_arena *a);
struct tc_str tc_jr_str(struct tc_jr *r, struct tc_arena *a);
int64_t tc_jr_i64(struct tc_jr *r);
uint64_t tc_jr_u64(struct tc_jr *r);
/** Any JSON number as an integer times 10^decimals; finer digits are cut. For outside documents. */
int64_t tc_jr_fixed(struct tc_jr *r, int decimals);
bool tc_jr_bool(struct tc_jr *r);
void tc_jr_null(struct tc_jr *r);
/** Step over one value of any kind; returns its text. */
struct tc_str tc_jr_skip(struct tc_jr *r);
/** True when the text ended cleanly. */
bool tc_jr_is_done(struct tc_jr *r);
