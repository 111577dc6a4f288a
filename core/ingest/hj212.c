/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/hj212.h"

#define HEAD_BYTES 6u /* ##LLLL */
#define CRC_BYTES  4u

static uint16_t stir(uint16_t r)
{
    for (int i = 0; i < 8; i++) {
        r = (uint16_t)((r & 1) ? (r >> 1) ^ 0xA001 : r >> 1);
    }
    return r;
}

uint16_t tc_hj212_crc(struct tc_str segment)
{
    uint16_t r = 0xFFFF;
    for (size_t i = 0; i < segment.len; i++) {
        r = stir((uint16_t)((r >> 8) ^ (uint8_t)segment.at[i]));
    }
    return r;
}

uint16_t tc_hj212_crc_modbus(struct tc_str segment)
{
    uint16_t r = 0xFFFF;
    for (size_t i = 0; i < segment.len; i++) {
        r = stir((uint16_t)(r ^ (uint8_t)segment.at[i]));
    }
    return r;
}

static uint16_t swapped(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

static uint16_t crc_of(uint32_t variant, struct tc_str segment)
{
    switch (variant) {
    case TC_HJ212_CRC_MODBUS: return tc_hj212_crc_modbus(segment);
    case TC_HJ212_CRC_MODBUS_LE: return swapped(tc_hj212_crc_modbus(segment));
    case TC_HJ212_CRC_SWAPPED: return swapped(tc_hj212_crc(segment));
    case TC_HJ212_CRC_ZERO: return 0;
    default: return tc_hj212_crc(segment);
    }
}

void tc_hj212_crc_text(uint32_t variant, struct tc_str segment, char out[static 5])
{
    (void)tc_str_format(out, 5, "%04X", crc_of(variant, segment));
}

/* Profiles */

static const struct {
    const char *name;
    uint32_t bit;
} profile_words[] = {
    {"strict", TC_HJ212_CRC},
    {"crc_modbus", TC_HJ212_CRC_MODBUS},
    {"crc_modbus_le", TC_HJ212_CRC_MODBUS_LE},
    {"crc_swapped", TC_HJ212_CRC_SWAPPED},
    {"crc_zero", TC_HJ212_CRC_ZERO},
    {"len_plus6", TC_HJ212_LENGTH_PLUS_SIX},
    {"long", TC_HJ212_LONG},
};

static uint32_t profile_bit(struct tc_str word)
{
    for (size_t i = 0; i < TC_COUNT_OF(profile_words); i++) {
        if (tc_str_is(word, profile_words[i].name)) {
            return profile_words[i].bit;
        }
    }
    return 0;
}

uint32_t tc_hj212_profile(struct tc_str words, struct tc_str *unknown)
{
    uint32_t bits = 0;
    *unknown = (struct tc_str){0};
    for (size_t from = 0; from < words.len;) {
        size_t to = from;
        while (to < words.len && words.at[to] != '+' && words.at[to] != ' ') {
            to++;
        }
        struct tc_str word = {words.at + from, to - from};
        uint32_t bit = word.len ? profile_bit(word) : 0;
        if (word.len && bit == 0) {
            *unknown = word;
        }
        bits |= bit;
        from = to + 1;
    }
    return (bits & TC_HJ212_CRC_ANY) ? bits : bits | TC_HJ212_CRC;
}

/* Framing */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/** "##LLLL" at the front; the stated length, or -1 for no head, -2 for too short to say. */
static int head_of(const uint8_t *b, size_t len)
{
    int length = 0;
    for (size_t i = 0; i < HEAD_BYTES; i++) {
        if (i >= len) {
            return -2;
        }
        if (i < 2 ? b[i] != '#' : !is_digit(b[i])) {
            return -1;
        }
        length = i < 2 ? 0 : length * 10 + (b[i] - '0');
    }
    return length;
}

static size_t next_head(const uint8_t *b, size_t from, size_t len)
{
    while (from < len && head_of(b + from, len - from) == -1) {
        from++;
    }
    return from;
}

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

/** The check sums that fit; `crc` is where its digits begin. */
static uint32_t variants_of(struct tc_str segment, const char *crc)
{
    uint32_t value = 0;
    for (size_t i = 0; i < CRC_BYTES; i++) {
        int digit = tc_hex_digit(crc[i]);
        if (digit < 0) {
            return 0;
        }
        value = value << 4 | (uint32_t)digit;
    }
    uint32_t fits = 0;
    for (uint32_t v = TC_HJ212_CRC; v & TC_HJ212_CRC_ANY; v <<= 1) {
        fits |= crc_of(v, segment) == value ? v : 0;
    }
    return fits;
}

struct shape {
    size_t segment_len; /* 0: the length leads nowhere */
    size_t total;       /* without what follows the CRC */
    bool is_plus_six;
    bool is_short; /* more bytes are needed to say */
};

static bool ends_segment(const uint8_t *b, size_t end)
{
    return end >= HEAD_BYTES + 2 && b[end - 1] == '&' && b[end - 2] == '&';
}

static bool is_crc(const uint8_t *b)
{
    for (size_t i = 0; i < CRC_BYTES; i++) {
        if (tc_hex_digit((char)b[i]) < 0) {
            return false;
        }
    }
    return true;
}

/** Does the stated length lead to the end of a segment with a CRC behind it? */
static struct shape shape_of(const uint8_t *b, size_t len, size_t length)
{
    struct shape s = {0};
    size_t end = HEAD_BYTES + length;
    if (length >= 8 && len >= end - 1 && is_line_end(b[end - 2]) && ends_segment(b, end - 6) &&
        is_crc(b + end - 6)) {
        s.is_plus_six = true;
        s.segment_len = length - 6;
        s.total = end - 2;
        return s;
    }
    if (len < end + CRC_BYTES) {
        s.is_short = true;
        return s;
    }
    struct tc_str segment = {(const char *)b + HEAD_BYTES, length};
    if (is_crc(b + end) &&
        (ends_segment(b, end) || variants_of(segment, (const char *)b + end) != 0)) {
        s.segment_len = length;
        s.total = end + CRC_BYTES;
    }
    return s;
}

/**
 * A frame whose CRC fits in no way may have swallowed the head of a good one: it is cut there, so
 * that the search goes on at that byte. A length that leads nowhere gives up its head alone.
 */
struct tc_framed tc_hj212_frame(const uint8_t *bytes, size_t len)
{
    size_t skip = next_head(bytes, 0, len);
    const uint8_t *b = bytes + skip;
    size_t left = len - skip;
    int length = head_of(b, left);
    if (length < 0) {
        return (struct tc_framed){.err = TC_EAGAIN, .skip = skip};
    }
    if (length == 0 || (size_t)length > TC_HJ212_LONG_MAX + 6) {
        return (struct tc_framed){.err = TC_EMALFORMED, .skip = skip + 1};
    }
    struct shape s = shape_of(b, left, (size_t)length);
    if (s.is_short) {
        return (struct tc_framed){.err = TC_EAGAIN, .skip = skip};
    }
    if (s.segment_len == 0) {
        return (struct tc_framed){.err = TC_OK, .skip = skip, .total = HEAD_BYTES};
    }
    struct tc_str segment = {(const char *)b + HEAD_BYTES, s.segment_len};
    if (variants_of(segment, segment.at + segment.len) == 0) {
        s.total = next_head(b, 2, s.total);
        return (struct tc_framed){.err = TC_OK, .skip = skip, .total = s.total};
    }
    for (int i = 0; i < 2 && s.total < left && is_line_end(b[s.total]); i++) {
        s.total++;
    }
    return (struct tc_framed){.err = TC_OK, .skip = skip, .total = s.total};
}

void tc_hj212_open_frame(struct tc_str frame, struct tc_hj212_frame *f)
{
    const uint8_t *b = (const uint8_t *)frame.at;
    *f = (struct tc_hj212_frame){0};
    int length = head_of(b, frame.len);
    if (length <= 0 || (size_t)length > TC_HJ212_LONG_MAX + 6) {
        return;
    }
    /* The line end may have come later than the frame: what it decided is still to be seen. */
    struct shape s = shape_of(b, frame.len, (size_t)length);
    if (s.segment_len == 0) {
        return;
    }
    f->segment = (struct tc_str){frame.at + HEAD_BYTES, s.segment_len};
    const char *crc = f->segment.at + f->segment.len;
    f->variants = variants_of(f->segment, crc);
    f->variants |= s.is_plus_six ? TC_HJ212_LENGTH_PLUS_SIX : 0;
    for (size_t i = 0; i < CRC_BYTES; i++) {
        f->is_lower_case = f->is_lower_case || (crc[i] >= 'a' && crc[i] <= 'f');
    }
}
