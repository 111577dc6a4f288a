/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"

#define DEPTH_MAX 16u

static void separate(struct tc_buf *b)
{
    if (b->len == 0) {
        return;
    }
    uint8_t last = b->bytes[b->len - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n') {
        tc_buf_byte(b, ',');
    }
}

void tc_jw_open(struct tc_buf *b, char bracket)
{
    separate(b);
    tc_buf_byte(b, (uint8_t)bracket);
}

void tc_jw_close(struct tc_buf *b, char bracket)
{
    tc_buf_byte(b, (uint8_t)bracket);
}

static bool is_plain(struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            return false;
        }
    }
    return true;
}

/** "text" and then `after`, when that is not 0. */
static void put_plain(struct tc_buf *b, struct tc_str s, char after)
{
    if (!tc_buf_reserve(b, s.len + 3)) {
        return;
    }
    uint8_t *to = b->bytes + b->len;
    *to++ = '"';
    if (s.len) {
        memcpy(to, s.at, s.len);
        to += s.len;
    }
    *to++ = '"';
    if (after) {
        *to++ = (uint8_t)after;
    }
    b->len = (size_t)(to - b->bytes);
}

static void put_quoted(struct tc_buf *b, struct tc_str s)
{
    static const char hex[] = "0123456789abcdef";
    if (is_plain(s)) {
        put_plain(b, s, 0);
        return;
    }
    tc_buf_byte(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            tc_buf_byte(b, c);
            continue;
        }
        tc_buf_byte(b, '\\');
        if (c == '"' || c == '\\') {
            tc_buf_byte(b, c);
        } else if (c == '\n') {
            tc_buf_byte(b, 'n');
        } else {
            tc_buf_text(b, "u00");
            tc_buf_byte(b, (uint8_t)hex[c >> 4]);
            tc_buf_byte(b, (uint8_t)hex[c & 15]);
        }
    }
    tc_buf_byte(b, '"');
}

void tc_jw_key(struct tc_buf *b, const char *key)
{
    struct tc_str s = tc_str_of(key);
    separate(b);
    if (is_plain(s)) {
        put_plain(b, s, ':');
    } else {
        put_quoted(b, s);
        tc_buf_byte(b, ':');
    }
}

void tc_jw_i64(struct tc_buf *b, int64_t value)
{
    separate(b);
    tc_buf_i64(b, value);
}

void tc_jw_u64(struct tc_buf *b, uint64_t value)
{
    separate(b);
    tc_buf_u64(b, value);
}

void tc_jw_bool(struct tc_buf *b, bool value)
{
    separate(b);
    tc_buf_text(b, value ? "true" : "false");
}

void tc_jw_str(struct tc_buf *b, struct tc_str value)
{
    separate(b);
    put_quoted(b, value);
}

void tc_jw_null(struct tc_buf *b)
{
    separate(b);
    tc_buf_text(b, "null");
}

void tc_jw_raw(struct tc_buf *b, struct tc_str text)
{
    separate(b);
    tc_buf_put_str(b, text);
}

struct tc_jr tc_jr_init(struct tc_str text)
{
    return (struct tc_jr){.at = text.at, .end = text.at + text.len, .is_first = true};
}

char tc_jr_peek(struct tc_jr *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
    return r->bad || r->at >= r->end ? '\0' : *r->at;
}

static bool take(struct tc_jr *r, char c)
{
    if (tc_jr_peek(r) != c) {
        r->bad = true;
        return false;
    }
    r->at++;
    return true;
}

bool tc_jr_open(struct tc_jr *r, char bracket)
{
    if (!take(r, bracket) || ++r->depth > DEPTH_MAX) {
        r->bad = true;
        return false;
    }
    r->is_first = true;
    return true;
}

bool tc_jr_more(struct tc_jr *r, char closing)
{
    char c = tc_jr_peek(r);
    if (r->bad || c == '\0') {
        r->bad = true;
        return false;
    }
    if (c == closing) {
        r->at++;
        r->depth--;
        r->is_first = false;
        return false;
    }
    if (!r->is_first && !take(r, ',')) {
        return false;
    }
    if (tc_jr_peek(r) == closing) {
        r->bad = true; /* a trailing comma */
    }
    r->is_first = false;
    return !r->bad;
}

static uint32_t take_hex4(struct tc_jr *r)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = r->at < r->end ? tc_hex_digit(*r->at) : -1;
        if (digit < 0) {
            r->bad = true;
            return 0;
        }
        value = value << 4 | (uint32_t)digit;
        r->at++;
    }
    return value;
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/** After "\u": one character, a surrogate pair joined. */
static uint32_t take_unicode(struct tc_jr *r)
{
    uint32_t c = take_hex4(r);
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u') {
            r->bad = true;
            return 0;
        }
        r->at += 2;
        uint32_t low = take_hex4(r);
        r->bad = r->bad || low < 0xDC00 || low > 0xDFFF;
        return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    r->bad = r->bad || (c >= 0xDC00 && c <= 0xDFFF) || c == 0;
    return c;
}

static size_t take_escape(struct tc_jr *r, char *to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char meaning[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->end ? *r->at++ : '\0';
    if (c == 'u') {
        return put_utf8(to, take_unicode(r));
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found) {
        r->bad = true;
        return 0;
    }
    to[0] = meaning[found - from];
    return 1;
}

/** Bytes up to the closing quote: no escape gets longer by being resolved. */
static size_t quoted_len(const char *from, const char *end)
{
    const char *at = from;
    while (at < end && *at != '"') {
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
    return (size_t)(at - from);
}

struct tc_str tc_jr_str(struct tc_jr *r, struct tc_arena *a)
{
    if (!take(r, '"')) {
        return (struct tc_str){0};
    }
    const char *from = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (uint8_t)*r->at >= 0x20) {
        r->at++;
    }
    struct tc_str s = {.at = from, .len = (size_t)(r->at - from)};
    if (r->at < r->end && *r->at == '\\') {
        char *copy = tc_arena_alloc(a, quoted_len(from, r->end) + 4);
        memcpy(copy, from, s.len);
        while (!r->bad && r->at < r->end && *r->at != '"') {
            if (*r->at == '\\') {
                r->at++;
                s.len += take_escape(r, copy + s.len);
            } else if ((uint8_t)*r->at < 0x20) {
                break;
            } else {
                copy[s.len++] = *r->at++;
            }
        }
        s.at = copy;
    }
    if (r->bad || !take(r, '"') || !tc_str_is_utf8(s)) {
        r->bad = true;
        return (struct tc_str){0};
    }
    return s;
}

struct tc_str tc_jr_key(struct tc_jr *r, struct tc_arena *a)
{
    struct tc_str key = tc_jr_str(r, a);
    (void)take(r, ':');
    return key;
}

static uint64_t take_magnitude(struct tc_jr *r)
{
    uint64_t value = 0;
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*r->at - '0'), &value)) {
            r->bad = true;
        }
        r->at++;
    }
    size_t n = (size_t)(r->at - from);
    bool is_fraction = r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E');
    if (n == 0 || (n > 1 && from[0] == '0') || is_fraction) {
        r->bad = true;
    }
    return value;
}

uint64_t tc_jr_u64(struct tc_jr *r)
{
    (void)tc_jr_peek(r);
    uint64_t value = take_magnitude(r);
    return r->bad ? 0 : value;
}

int64_t tc_jr_i64(struct tc_jr *r)
{
    bool negative = tc_jr_peek(r) == '-';
    r->at += negative;
    uint64_t value = take_magnitude(r);
    if (value > (uint64_t)INT64_MAX + negative) {
        r->bad = true;
    }
    if (r->bad) {
        return 0;
    }
    return negative ? (int64_t)((uint64_t)0 - value) : (int64_t)value;
}

/** RFC 8259: an integer part without leading zeros, then perhaps a point and digits. */
static bool is_json_number(struct tc_str n)
{
    size_t i = n.len && n.at[0] == '-';
    size_t whole = i;
    while (i < n.len && n.at[i] >= '0' && n.at[i] <= '9') {
        i++;
    }
    if (i == whole || (n.at[whole] == '0' && i - whole > 1)) {
        return false;
    }
    return i == n.len || (n.at[i] == '.' && i + 1 < n.len && n.at[n.len - 1] != '.');
}

int64_t tc_jr_fixed(struct tc_jr *r, int decimals)
{
    (void)tc_jr_peek(r);
    const char *from = r->at;
    while (r->at < r->end && ((*r->at >= '0' && *r->at <= '9') || *r->at == '-' || *r->at == '.')) {
        r->at++;
    }
    struct tc_str number = {.at = from, .len = (size_t)(r->at - from)};
    int exponent = 0;
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        int sign = r->at < r->end && *r->at == '-' ? -1 : 1;
        r->at += r->at < r->end && (*r->at == '-' || *r->at == '+');
        while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && exponent < 100) {
            exponent = exponent * 10 + (*r->at++ - '0');
        }
        exponent *= sign;
    }
    int64_t value = 0;
    int places = decimals + exponent;
    if (!is_json_number(number) || places > 18 ||
        tc_str_to_fixed(number, places < 0 ? 0 : places, &value) != TC_OK) {
        r->bad = true;
        return 0;
    }
    for (; places < 0; places++) {
        value /= 10;
    }
    return value;
}

static bool take_word(struct tc_jr *r, const char *word)
{
    size_t n = strlen(word);
    (void)tc_jr_peek(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) {
        r->bad = true;
        return false;
    }
    r->at += n;
    return true;
}

bool tc_jr_bool(struct tc_jr *r)
{
    if (tc_jr_peek(r) == 't') {
        return take_word(r, "true");
    }
    (void)take_word(r, "false");
    return false;
}

void tc_jr_null(struct tc_jr *r)
{
    (void)take_word(r, "null");
}

struct tc_str tc_jr_skip(struct tc_jr *r)
{
    struct tc_arena scratch = {0};
    char c = tc_jr_peek(r);
    const char *from = r->at;
    char closing = c == '{' ? '}' : ']';
    if (c == '{' || c == '[') {
        (void)tc_jr_open(r, c);
        while (tc_jr_more(r, closing)) {
            if (c == '{') {
                (void)tc_jr_key(r, &scratch);
            }
            (void)tc_jr_skip(r);
        }
    } else if (c == '"') {
        (void)tc_jr_str(r, &scratch);
    } else if (c == 't' || c == 'f') {
        (void)tc_jr_bool(r);
    } else if (c == 'n') {
        tc_jr_null(r);
    } else {
        (void)tc_jr_fixed(r, 0);
    }
    tc_arena_finish(&scratch);
    return (struct tc_str){.at = from, .len = (size_t)(r->at - from)};
}

bool tc_jr_is_done(struct tc_jr *r)
{
    return tc_jr_peek(r) == '\0' && !r->bad && r->at == r->end && r->depth == 0;
}
