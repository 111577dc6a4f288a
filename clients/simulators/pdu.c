/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/pdu.h"

#include <math.h>

#define PID_LIP         0x0Au
#define PID_TEXT        0x82u
#define PID_TEXT_NOW    0x89u
#define PID_HEADED_TEXT 0x8Au
#define CODING_UTF16    26u
#define SHORT_REPORT    0x7C00u

void sim__put_bits(struct sim_sds *s, uint32_t value, unsigned width)
{
    for (unsigned i = width; i-- > 0 && s->bits < SIM_SDS_BITS_MAX;) {
        unsigned mask = 0x80u >> (s->bits % 8);
        uint8_t *byte = &s->bytes[s->bits / 8];
        *byte = (uint8_t)((value >> i & 1u) ? *byte | mask : *byte & ~mask);
        s->bits++;
    }
}

unsigned sim__lip_speed(double speed_kmh)
{
    if (speed_kmh < 0) {
        return 127;
    }
    if (speed_kmh < 28.5) {
        return (unsigned)(speed_kmh + 0.5);
    }
    double k = 13.0 + log(speed_kmh / 16.0) / log(1.038);
    return k >= 125.5 ? 126 : (unsigned)(k + 0.5);
}

/** Degrees as a two's complement fraction of `full_e7`, in `width` bits, to the nearest step. */
static uint32_t angle(int32_t value_e7, int64_t full_e7, unsigned width)
{
    int64_t scaled = (int64_t)value_e7 * ((int64_t)1 << width);
    int64_t half = full_e7 / 2;
    int64_t raw = (scaled >= 0 ? scaled + half : scaled - half) / full_e7;
    int64_t top = ((int64_t)1 << (width - 1)) - 1;
    raw = raw > top ? top : raw;
    return (uint32_t)((uint64_t)raw & (((uint64_t)1 << width) - 1));
}

void sim__put_lip(struct sim_sds *s, const struct sim_fix *fix)
{
    unsigned speed = sim__lip_speed(fix->speed_kmh);
    long sector = lround(fix->direction_deg / 22.5);
    sim__put_bits(s, PID_LIP, 8);
    sim__put_bits(s, 0, 2);
    sim__put_bits(s, fix->elapsed, 2);
    sim__put_bits(s, angle(fix->lon_e7, INT64_C(3600000000), 25), 25);
    sim__put_bits(s, angle(fix->lat_e7, INT64_C(1800000000), 24), 24);
    sim__put_bits(s, fix->error, 3);
    sim__put_bits(s, speed, 7);
    sim__put_bits(s, speed == 127 ? 15u : (unsigned)(sector & 15), 4);
    sim__put_bits(s, 0, 1); /* what follows is a reason for sending */
    sim__put_bits(s, fix->reason, 8);
    s->service = SIM_SDS4;
}

void sim__put_status(struct sim_sds *s, uint16_t value)
{
    sim__put_bits(s, value, 16);
    s->service = SIM_STATUS;
}

/** Next character of UTF-8 text; broken bytes become U+FFFD. */
static uint32_t next_char(struct tc_str *s)
{
    uint8_t lead = (uint8_t)s->at[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (n > s->len || (lead >= 0x80 && lead < 0xC2)) {
        s->at++;
        s->len--;
        return 0xFFFD;
    }
    uint32_t c = n == 1 ? lead : lead & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | ((uint8_t)s->at[i] & 0x3Fu);
    }
    s->at += n;
    s->len -= n;
    return c;
}

void sim__put_text(struct sim_sds *s, uint8_t ref, unsigned report, struct tc_str utf8)
{
    sim__put_bits(s, PID_TEXT, 8);
    sim__put_bits(s, 0, 4); /* TRANSFER */
    sim__put_bits(s, report, 2);
    sim__put_bits(s, 0, 1); /* short form reports are welcome */
    sim__put_bits(s, 0, 1); /* no store-and-forward part */
    sim__put_bits(s, ref, 8);
    sim__put_bits(s, CODING_UTF16, 8); /* first bit: no time stamp */
    while (utf8.len && s->bits + 32 <= SIM_SDS_BITS_MAX) {
        uint32_t c = next_char(&utf8);
        if (c > 0xFFFF) {
            sim__put_bits(s, 0xD800u + ((c - 0x10000u) >> 10), 16);
            c = 0xDC00u + ((c - 0x10000u) & 0x3FFu);
        }
        sim__put_bits(s, c, 16);
    }
    s->service = SIM_SDS4;
}

void sim__put_report(struct sim_sds *s, uint8_t pid, uint8_t ref, uint8_t delivery, bool is_short)
{
    if (is_short) {
        unsigned type = delivery == 2 ? 3 : 2;
        sim__put_status(s, (uint16_t)(SHORT_REPORT + type * 256 + ref));
        return;
    }
    sim__put_bits(s, pid, 8);
    sim__put_bits(s, 1, 4); /* REPORT */
    sim__put_bits(s, 0, 4); /* no acknowledgement wanted, reserved, no store-and-forward part */
    sim__put_bits(s, delivery, 8);
    sim__put_bits(s, ref, 8);
    s->service = SIM_SDS4;
}

/** Bits taken from a message, zeros past its end. */
struct taker {
    const struct sim_sds *s;
    unsigned at;
    bool is_short;
};

static uint32_t take(struct taker *t, unsigned width)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        bool is_past = t->at >= t->s->bits;
        t->is_short = t->is_short || is_past;
        unsigned byte = is_past ? 0u : t->s->bytes[t->at / 8];
        unsigned bit = byte >> (7 - t->at % 8) & 1u;
        value = value << 1 | bit;
        t->at++;
    }
    return value;
}

static unsigned bits_left(const struct taker *t)
{
    return t->at < t->s->bits ? t->s->bits - t->at : 0;
}

static size_t put_char(char *to, size_t at, size_t size, uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (at + n >= size) {
        return at;
    }
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6) {
        to[at + i] = (char)(0x80u | (c & 0x3Fu));
    }
    to[at] = (char)(lead[n] | c);
    return at + n;
}

static void take_text(struct taker *t, unsigned coding, struct sim_heard *out)
{
    size_t len = 0;
    unsigned width = coding == CODING_UTF16 ? 16 : 8;
    while (bits_left(t) >= width) {
        uint32_t c = take(t, width);
        if (c >= 0xD800 && c < 0xDC00 && bits_left(t) >= 16) {
            uint32_t low = take(t, 16);
            c = low >= 0xDC00 && low < 0xE000 ? 0x10000u + ((c - 0xD800u) << 10) + (low - 0xDC00u)
                                              : 0xFFFDu;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        len = put_char(out->text, len, sizeof out->text, c ? c : 0xFFFD);
    }
    out->text[len] = '\0';
    out->has_text = coding == CODING_UTF16 || coding == 1;
}

/** Store-and-forward part: validity and the address for forwarding; read to step over it. */
static void skip_forwarding(struct taker *t)
{
    (void)take(t, 5);
    switch (take(t, 3)) {
    case 0: (void)take(t, 8); break;
    case 1: (void)take(t, 24); break;
    case 2:
        (void)take(t, 24);
        (void)take(t, 24);
        break;
    case 3:
        for (unsigned digits = take(t, 8); digits > 0; digits--) {
            (void)take(t, 4);
        }
        t->at = (t->at + 7) & ~7u; /* an odd digit count is filled to the octet */
        break;
    default: break;
    }
}

static void take_user_header(struct taker *t, struct sim_heard *out)
{
    unsigned len = take(t, 8);
    unsigned end = t->at + len * 8;
    unsigned kind = take(t, 8);
    (void)take(t, 8);
    if (kind == 0 || kind == 8) {
        out->part_ref = take(t, kind == 0 ? 8 : 16);
        out->parts = take(t, 8);
        out->part = take(t, 8);
    }
    t->at = end;
}

static void take_text_header(struct taker *t, struct sim_heard *out)
{
    bool is_stamped = out->pid >= 0x80 && take(t, 1);
    unsigned coding = out->pid >= 0x80 ? take(t, 7) : take(t, 8) & 0x7Fu;
    if (is_stamped) {
        (void)take(t, 24);
    }
    if (out->pid == PID_HEADED_TEXT) {
        take_user_header(t, out);
    }
    take_text(t, coding, out);
}

bool sim__read(const struct sim_sds *s, struct sim_heard *out)
{
    struct taker t = {.s = s};
    *out = (struct sim_heard){0};
    if (s->service == SIM_STATUS) {
        return s->bits == 16;
    }
    out->pid = (uint8_t)take(&t, 8);
    if (out->pid >= 0x80) {
        unsigned type = take(&t, 4);
        out->is_transfer = type == 0;
        out->is_report = type == 1;
        out->report = take(&t, 2);
        out->is_short_allowed = take(&t, 1) == 0;
        bool is_forwarded = take(&t, 1) != 0;
        if (!out->is_transfer) {
            (void)take(&t, 8); /* delivery status */
        }
        out->ref = (uint8_t)take(&t, 8);
        if (is_forwarded) {
            skip_forwarding(&t);
        }
    }
    bool has_header = out->pid == 2 || out->pid == 9 || out->pid == PID_TEXT ||
                      out->pid == PID_TEXT_NOW || out->pid == PID_HEADED_TEXT;
    if (has_header && (out->pid < 0x80 || out->is_transfer)) {
        take_text_header(&t, out);
    }
    return !t.is_short;
}

void sim__hex(struct tc_buf *out, const uint8_t *bytes, size_t digits)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < digits; i++) {
        unsigned shift = i % 2 ? 0 : 4;
        tc_buf_byte(out, (uint8_t)hex[bytes[i / 2] >> shift & 15]);
    }
}
