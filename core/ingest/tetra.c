/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/tetra.h"

#include "core/base/time.h"

enum { DETAIL_BYTES_MAX = 8192 };

static uint32_t digits_value(struct tc_str digits)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        value = value * 10 + (uint32_t)(digits.at[i] - '0');
    }
    return value;
}

static bool is_digits(struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

static struct tc_str part_of(struct tc_str s, size_t from, size_t len)
{
    return (struct tc_str){s.at + from, len};
}

bool tc_tetra_identity(struct tc_str digits, struct tc_tetra_network *network)
{
    if (digits.len < 15 || digits.len > 17 || !is_digits(digits)) {
        return false;
    }
    size_t mcc_len = digits.len == 17 ? 4 : 3;
    size_t mnc_len = digits.len - mcc_len - 8;
    uint32_t mcc = digits_value(part_of(digits, 0, mcc_len));
    uint32_t mnc = digits_value(part_of(digits, mcc_len, mnc_len));
    uint32_t ssi = digits_value(part_of(digits, digits.len - 8, 8));
    if (mcc > 0x3FF || mnc > 0x3FFF || ssi > 0xFFFFFF) {
        return false;
    }
    *network = (struct tc_tetra_network){.is_known = true,
                                         .mcc = (uint16_t)mcc,
                                         .mnc = (uint16_t)mnc,
                                         .ssi = ssi,
                                         .width = (uint8_t)digits.len};
    return true;
}

/** `value` in `width` digits at `to`. */
static void put_digits(char *to, unsigned width, unsigned value)
{
    while (width > 0) {
        to[--width] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t tc_tetra_address(struct tc_str digits, const struct tc_tetra_network *own,
                        char out[static TC_TETRA_ADDRESS_SIZE])
{
    struct tc_tetra_network n = {0};
    if (digits.len == 0) {
        out[0] = '\0';
        return 0;
    }
    bool is_ssi = digits.len <= 8 && is_digits(digits) && digits_value(digits) <= 0xFFFFFF;
    if (is_ssi) {
        n = own ? *own : n;
        n.ssi = digits_value(digits);
    }
    if (is_ssi && !n.is_known) {
        return tc_str_format(out, TC_TETRA_ADDRESS_SIZE, "%u", n.ssi);
    }
    if (!is_ssi && !tc_tetra_identity(digits, &n)) {
        tc_str_put(out, TC_TETRA_ADDRESS_SIZE, digits);
        return strlen(out);
    }
    if (n.mcc > 999 || n.ssi > 99999999) {
        return tc_str_format(out, TC_TETRA_ADDRESS_SIZE, "%03u%05u%08u", n.mcc, n.mnc, n.ssi);
    }
    put_digits(out, 3, n.mcc); /* for every position: no format string */
    put_digits(out + 3, 5, n.mnc);
    put_digits(out + 8, 8, n.ssi);
    out[16] = '\0';
    return 16;
}

struct tc_buf tc_tetra_detail_open(struct tc_driver_out *out)
{
    struct tc_buf b = {.bytes = tc_arena_alloc(out->arena, DETAIL_BYTES_MAX),
                       .room = DETAIL_BYTES_MAX,
                       .max = DETAIL_BYTES_MAX};
    tc_jw_open(&b, '{');
    return b;
}

struct tc_str tc_tetra_detail_close(struct tc_buf *b)
{
    tc_jw_close(b, '}');
    return b->is_full ? TC_STR("{}") : tc_buf_str(b);
}

/* Digits to bytes, first digit in the high half; bits past the told length become zero. */
static const char *read_hex(const struct tc_tetra_message *m, struct tc_tetra_pdu *pdu)
{
    if (m->hex.len > 2 * TC_SDS_BYTES_MAX) {
        return "payload is longer than 512 digits";
    }
    memset(pdu->bytes, 0, sizeof pdu->bytes);
    for (size_t i = 0; i < m->hex.len; i++) {
        int digit = tc_hex_digit(m->hex.at[i]);
        if (digit < 0) {
            return "payload is not hexadecimal";
        }
        pdu->bytes[i / 2] |= (uint8_t)(i % 2 ? digit : digit << 4);
    }
    size_t have = m->hex.len * 4;
    pdu->bits = m->bits && m->bits < have ? m->bits : have;
    if (have == 0) {
        return "payload is empty";
    }
    size_t whole = pdu->bits / 8;
    if (pdu->bits % 8) {
        pdu->bytes[whole] &= (uint8_t)(0xFF00 >> pdu->bits % 8);
    }
    if (m->bits > TC_SDS_BITS_MAX) {
        return "longer than 2047 bits";
    }
    size_t octets = (m->bits + 7) / 8;
    bool is_padded = m->hex.len == (m->bits + 3) / 4 || m->hex.len == octets * 2;
    if (m->bits && have > m->bits && !is_padded) {
        pdu->lenient = "payload is longer than told";
    }
    return m->bits > have ? "payload is shorter than told" : NULL;
}

/* What stands in the body, by protocol identifier. */
static const char *read_body(struct tc_tetra_pdu *pdu)
{
    const char *why = NULL;
    if (tc_sds_is_text(&pdu->sds)) {
        if (tc_sds_read_text(&pdu->sds, &pdu->text, &why) == TC_OK) {
            pdu->is_text = true;
            pdu->lenient = pdu->text.guess ? pdu->text.guess : pdu->lenient;
        }
    } else if (pdu->sds.kind == TC_SDS_IS_SIMPLE && pdu->sds.pid == TC_SDS_PID_LIP) {
        struct tc_bits bits = pdu->sds.body;
        pdu->is_lip = true;
        if (tc_lip_decode(&bits, &pdu->lip)) {
            why = pdu->lip.why;
        }
    }
    return why;
}

tc_err tc_tetra_read(const struct tc_tetra_message *m, struct tc_tetra_pdu *pdu)
{
    pdu->is_text = pdu->is_lip = false;
    pdu->bits = 0;
    pdu->sds = (struct tc_sds){0};
    pdu->lenient = m->lenient;
    const char *why = read_hex(m, pdu);
    if (pdu->bits > 0) {
        tc_err err = tc_sds_decode(m->ai_service, pdu->bytes, pdu->bits, &pdu->sds);
        const char *inner = err ? pdu->sds.why : read_body(pdu);
        why = why ? why : inner;
    }
    pdu->why = why;
    return why ? TC_EMALFORMED : TC_OK;
}

/* The instant nearest to now with this UTC day of month and time of day; 0 when there is none. */
static int64_t nearest_fix_us(const struct tc_lip *lip, int64_t now_us)
{
    int64_t best = 0;
    for (int step = -1; step <= 1; step++) {
        struct tc_date d = tc_date_of(now_us, 0);
        d.month += step;
        d.year += d.month < 1 ? -1 : d.month > 12 ? 1 : 0;
        d.month = d.month < 1 ? 12 : d.month > 12 ? 1 : d.month;
        d.day = lip->day;
        d.hour = lip->hour;
        d.minute = lip->minute;
        d.second = lip->second;
        d.us = 0;
        if (!tc_date_is_valid(&d)) {
            continue;
        }
        int64_t at = tc_date_to_utc(&d, 0);
        int64_t gap = at < now_us ? now_us - at : at - now_us;
        int64_t best_gap = best < now_us ? now_us - best : best - now_us;
        if (best == 0 || gap < best_gap) {
            best = at;
        }
    }
    return best;
}

/* Fills position and time; false when the message has no usable position. `obs->text` says why. */
static bool place(const struct tc_lip *lip, int64_t now_us, struct tc_obs *obs)
{
    obs->reason = tc_lip_reason(lip);
    obs->age_s = tc_lip_age_s(lip);
    if (!tc_lip_has_fix(lip)) {
        obs->text = TC_STR("no fix");
        return false;
    }
    obs->has_position = true;
    obs->x_e7 = tc_lip_lon_e7(lip->lon_raw);
    obs->y_e7 = tc_lip_lat_e7(lip->lat_raw);
    obs->speed_cms = tc_lip_speed_cms(lip->speed);
    obs->heading_deg = tc_lip_heading_deg(lip);
    obs->error_m = tc_lip_error_m(lip);
    if (lip->time_type != TC_LIP_TIME_OF_POSITION || now_us == 0) {
        return true;
    }
    int64_t at = nearest_fix_us(lip, now_us);
    int64_t gap = at < now_us ? now_us - at : at - now_us;
    if (at == 0 || gap > TC_TETRA_FIX_SPAN_US) {
        obs->has_position = false;
        obs->text = TC_STR("time of position is more than 48 h away");
        return false;
    }
    obs->occurred_us = at;
    obs->age_s = at < now_us ? (uint32_t)(gap / TC_SEC) : 0;
    return true;
}

struct emitter {
    const struct tc_tetra_message *m;
    const struct tc_tetra_pdu *pdu;
    struct tc_driver_out *out;
    char address[TC_TETRA_ADDRESS_SIZE];
    char group[TC_TETRA_ADDRESS_SIZE];
    struct tc_str detail;
    uint32_t ref;
};

static struct tc_obs begin(const struct emitter *e, enum tc_obs_kind kind)
{
    struct tc_obs obs = tc_obs_init(kind);
    obs.ref = e->ref;
    obs.address = tc_str_of(e->address);
    obs.group = tc_str_of(e->group);
    obs.detail = e->detail;
    obs.lenient = tc_str_of(e->pdu->lenient);
    return obs;
}

static void put(struct emitter *e, const struct tc_obs *obs)
{
    e->out->observe(e->out->ctx, obs);
    e->ref = 0;
}

/* Two links hear the same group message: the same three parts within the window are one. */
static void put_keyed(struct emitter *e, struct tc_obs *obs)
{
    struct tc_str payload = {(const char *)e->pdu->bytes, (e->pdu->bits + 7) / 8};
    obs->key = tc_obs_key(obs->address, obs->group, payload);
    obs->key_window_us = TC_TETRA_KEY_WINDOW_US;
    put(e, obs);
}

static void put_lip(struct emitter *e)
{
    const struct tc_lip *lip = &e->pdu->lip;
    struct tc_obs obs = begin(e, TC_OBS_HEARD);
    bool is_report = lip->type == TC_LIP_SHORT || lip->ext == TC_LIP_LONG;
    if (is_report && place(lip, e->m->now_us, &obs)) {
        obs.kind = TC_OBS_POSITION;
    }
    put(e, &obs);
    if (is_report && obs.reason == TC_LIP_REASON_EMERGENCY) {
        obs.kind = TC_OBS_EMERGENCY;
        obs.sign = TC_SIGN_LOCATION;
        obs.ref = 0;
        put(e, &obs);
    }
}

/* Protocol 0x03 and 0x83 with the vendor coding 0x80: flags12, lat24, lon24, five bits. */
static bool read_simple_location(const struct tc_tetra_pdu *pdu, int32_t *lon, int32_t *lat,
                                 uint32_t *flags)
{
    struct tc_bits bits = pdu->sds.body;
    bool is_location = pdu->sds.pid == TC_SDS_PID_LOCATION_SIMPLE ||
                       (pdu->sds.pid == TC_SDS_PID_LOCATION && pdu->sds.kind == TC_SDS_IS_TRANSFER);
    if (!is_location || tc_bits_take(&bits, 8) != 0x80) {
        return false;
    }
    *flags = tc_bits_take(&bits, 12);
    *lat = tc_bits_take_signed(&bits, 24);
    *lon = tc_bits_take_signed(&bits, 24);
    return !bits.bad;
}

static void put_other(struct emitter *e)
{
    int32_t lon = 0;
    int32_t lat = 0;
    uint32_t flags = 0;
    struct tc_obs obs = begin(e, TC_OBS_HEARD);
    if (read_simple_location(e->pdu, &lon, &lat, &flags)) {
        obs.kind = TC_OBS_POSITION;
        obs.has_position = true;
        obs.x_e7 = tc_lip_lon_e7(2 * lon); /* one bit less than LIP has */
        obs.y_e7 = tc_lip_lat_e7(lat);
    }
    put(e, &obs);
}

static void put_status(struct emitter *e)
{
    const struct tc_sds *sds = &e->pdu->sds;
    struct tc_obs obs = begin(e, TC_OBS_STATUS);
    obs.code = sds->status;
    if (sds->status == 0) {
        obs.kind = TC_OBS_EMERGENCY;
        obs.sign = TC_SIGN_STATUS;
    }
    put_keyed(e, &obs);
}

static void put_delivery(struct emitter *e)
{
    struct tc_obs obs = begin(e, TC_OBS_DELIVERY);
    obs.message_ref = e->pdu->sds.ref;
    obs.code = e->pdu->sds.delivery;
    obs.is_ok = e->pdu->sds.delivery >> 5 == 0;
    put_keyed(e, &obs);
}

static void put_text(struct emitter *e)
{
    const struct tc_sds_text *text = &e->pdu->text;
    struct tc_obs obs = begin(e, TC_OBS_TEXT);
    char part[TC_SDS_TEXT_SIZE + 16];
    obs.text = (struct tc_str){text->text, text->len};
    if (text->has_udh && text->parts > 1) { /* parts are shown as they come, numbered */
        obs.text.len = tc_str_format(part, sizeof part, "(%u/%u) %.*s", text->part, text->parts,
                                     (int)text->len, text->text);
        obs.text.at = part;
    }
    put_keyed(e, &obs);
}

static struct tc_str detail_of(const struct tc_tetra_pdu *pdu, struct tc_driver_out *out,
                               const struct tc_tetra_message *m)
{
    struct tc_buf b = tc_tetra_detail_open(out);
    int32_t lon = 0;
    int32_t lat = 0;
    uint32_t flags = 0;
    if (pdu->bits > 0 && pdu->sds.why == NULL) {
        tc_sds_detail(&b, &pdu->sds);
    }
    if (pdu->is_text) {
        tc_sds_text_detail(&b, &pdu->text);
    } else if (pdu->is_lip) {
        tc_lip_detail(&b, &pdu->lip);
    } else if (read_simple_location(pdu, &lon, &lat, &flags)) {
        char text[16];
        tc_jw_pair_text(&b, "loc_scheme", "0x80");
        tc_str_format(text, sizeof text, "0x%03X", flags);
        tc_jw_pair_text(&b, "flags", text);
        tc_lip_put_decimal(&b, "lat", tc_lip_lat_e7(lat), 7);
        tc_lip_put_decimal(&b, "lon", tc_lip_lon_e7(2 * lon), 7);
    }
    if (m->calling.len || m->called.len) {
        tc_jw_pair_str(&b, "calling", m->calling);
        tc_jw_pair_str(&b, "called", m->called);
    }
    if (!pdu->is_lip && !pdu->is_text) {
        tc_jw_pair_str(&b, "payload", tc_str_is_utf8(m->hex) ? m->hex : TC_STR(""));
    }
    return tc_tetra_detail_close(&b);
}

void tc_tetra_observe(const struct tc_tetra_message *m, const struct tc_tetra_pdu *pdu,
                      uint32_t ref, struct tc_driver_out *out)
{
    struct emitter e = {.m = m, .pdu = pdu, .out = out, .ref = ref};
    tc_tetra_address(m->calling, m->network, e.address);
    tc_tetra_address(m->called, m->network, e.group);
    if (out->wants_detail) {
        e.detail = detail_of(pdu, out, m);
    }
    if (pdu->why) {
        struct tc_obs obs = begin(&e, TC_OBS_REJECTED);
        obs.text = tc_str_of(pdu->why);
        obs.detail = out->wants_detail ? e.detail : m->hex; /* the frame, as evidence */
        put(&e, &obs);
    } else if (pdu->is_lip) {
        put_lip(&e);
    } else if (pdu->is_text) {
        put_text(&e);
    } else if (pdu->sds.kind == TC_SDS_IS_STATUS) {
        put_status(&e);
    } else if (pdu->sds.kind == TC_SDS_IS_REPORT || pdu->sds.kind == TC_SDS_IS_SHORT_REPORT) {
        put_delivery(&e);
    } else {
        put_other(&e);
    }
}

tc_err tc_tetra_decode_payload(const struct tc_tetra_message *m, struct tc_driver_out *out)
{
    struct tc_tetra_pdu pdu;
    tc_err err = tc_tetra_read(m, &pdu);
    tc_tetra_observe(m, &pdu, 0, out);
    return err;
}
