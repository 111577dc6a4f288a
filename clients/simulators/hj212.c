/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/hj212.h"

#include "core/base/time.h"

#define POLYNOMIAL   0xA001u
#define SEGMENT_MOST 4096u

static uint16_t shift_eight(uint16_t r)
{
    for (int i = 0; i < 8; i++) {
        bool carry = (r & 1) != 0;
        r = (uint16_t)(r >> 1);
        r = carry ? (uint16_t)(r ^ POLYNOMIAL) : r;
    }
    return r;
}

uint16_t sim__hj_crc(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint16_t r = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        r = shift_eight((uint16_t)((r >> 8) ^ p[i])); /* the low half is thrown away */
    }
    return r;
}

uint16_t sim__hj_crc_modbus(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint16_t r = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        r = shift_eight((uint16_t)(r ^ p[i]));
    }
    return r;
}

void sim__hj_qn(int64_t utc_us, char out[static SIM_HJ_QN_SIZE])
{
    struct tc_date d = tc_date_of(utc_us, TC_SHANGHAI_US);
    (void)tc_str_format(out, SIM_HJ_QN_SIZE, "%04d%02d%02d%02d%02d%02d%03d", d.year, d.month, d.day,
                        d.hour, d.minute, d.second, d.us / 1000);
}

static void put_header(struct tc_buf *b, const struct sim_hj_station *s, const char *qn,
                       const char *cn, bool wants_answer)
{
    bool is_reply = cn[0] == '9' && cn[3] != '5'; /* 9011, 9012: system type 91 */
    int version = s->edition == 2005 ? 0 : s->edition == 2025 ? 2 : 1;
    tc_buf_format(b, "QN=%s;ST=%s;CN=%s;PW=%s;MN=%s;Flag=%d;CP=&&", qn, is_reply ? "91" : s->st, cn,
                  s->password, s->mn, version * 4 + wants_answer);
}

void sim__hj_data(struct tc_buf *segment, const struct sim_hj_station *s, const char *qn,
                  const struct sim_hj_factor *factors, size_t count)
{
    put_header(segment, s, qn, "2011", true);
    tc_buf_format(segment, "DataTime=%.14s", qn);
    for (size_t i = 0; i < count; i++) {
        tc_buf_format(segment, ";%s-Rtd=%.2f,%s-Flag=%c", factors[i].code, factors[i].value,
                      factors[i].code, factors[i].flag);
    }
    tc_buf_text(segment, "&&");
}

void sim__hj_plain(struct tc_buf *segment, const struct sim_hj_station *s, const char *qn,
                   const char *cn, const char *data, bool wants_answer)
{
    put_header(segment, s, qn, cn, wants_answer);
    tc_buf_text(segment, data);
    tc_buf_text(segment, "&&");
}

void sim__hj_frame(struct tc_buf *out, struct tc_str segment, enum sim_hj_crc crc)
{
    uint16_t right = sim__hj_crc(segment.at, segment.len);
    uint16_t modbus = sim__hj_crc_modbus(segment.at, segment.len);
    uint16_t value = right;
    if (crc == SIM_HJ_MODBUS) {
        value = modbus;
    } else if (crc == SIM_HJ_MODBUS_SWAPPED) {
        value = (uint16_t)(modbus << 8 | modbus >> 8);
    } else if (crc == SIM_HJ_WRONG) {
        value = right ^ 0x0100;
    }
    tc_buf_format(out, "##%04zu", segment.len);
    tc_buf_put_str(out, segment);
    tc_buf_format(out, "%04X\r\n", value);
}

/** Length of the frame that begins at `s`, 0 when more is needed, -1 when none begins here. */
static long frame_len(struct tc_str s)
{
    if (s.len < 6) {
        return memcmp(s.at, "##", s.len < 2 ? s.len : 2) == 0 ? 0 : -1;
    }
    int64_t len = 0;
    if (memcmp(s.at, "##", 2) != 0 || tc_str_to_i64((struct tc_str){s.at + 2, 4}, &len) != TC_OK ||
        len < 0 || len > (int64_t)SEGMENT_MOST) {
        return -1;
    }
    return s.len >= (size_t)len + 10 ? (long)len + 10 : 0;
}

static bool crc_holds(struct tc_str frame)
{
    unsigned value = 0;
    for (size_t i = frame.len - 4; i < frame.len; i++) {
        int digit = tc_hex_digit(frame.at[i]);
        if (digit < 0) {
            return false;
        }
        value = value * 16 + (unsigned)digit;
    }
    return value == sim__hj_crc(frame.at + 6, frame.len - 10);
}

bool sim__hj_take(const struct tc_buf *in, size_t *used, struct tc_str *segment)
{
    struct tc_str all = tc_buf_str(in);
    for (size_t at = 0; at < all.len; at++) {
        struct tc_str rest = {.at = all.at + at, .len = all.len - at};
        long len = frame_len(rest);
        *used = at;
        if (len == 0) {
            return false;
        }
        if (len > 0 && crc_holds((struct tc_str){rest.at, (size_t)len})) {
            *used = at + (size_t)len;
            *segment = (struct tc_str){.at = rest.at + 6, .len = (size_t)len - 10};
            return true;
        }
        *used = at + 1;
    }
    return false;
}

struct tc_str sim__hj_value(struct tc_str segment, const char *key)
{
    size_t key_len = strlen(key);
    bool is_start = true;
    for (size_t i = 0; i + key_len < segment.len; i++) {
        const char *at = segment.at + i;
        if (is_start && memcmp(at, key, key_len) == 0 && at[key_len] == '=') {
            size_t from = i + key_len + 1;
            size_t to = from;
            while (to < segment.len && !strchr(";,&", segment.at[to])) {
                to++;
            }
            return (struct tc_str){.at = segment.at + from, .len = to - from};
        }
        is_start = *at == ';' || *at == ',' || *at == '&';
    }
    return (struct tc_str){0};
}
