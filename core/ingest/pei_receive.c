/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_session.h"

void pei__reject(const struct tc_pei *s, const char *why, struct tc_str frame,
                 struct tc_pei_now now)
{
    char address[TC_TETRA_ADDRESS_SIZE];
    struct tc_obs obs = tc_obs_init(TC_OBS_REJECTED);
    tc_tetra_address(tc_str_of(s->header.calling), &s->own, address);
    obs.address = s->header.is_open ? tc_str_of(address) : (struct tc_str){0};
    obs.text = tc_str_of(why);
    obs.detail = frame;
    if (now.out->wants_detail) {
        struct tc_buf b = tc_tetra_detail_open(now.out);
        tc_jw_pair_str(&b, "frame", tc_str_is_utf8(frame) ? frame : TC_STR(""));
        obs.detail = tc_tetra_detail_close(&b);
    }
    now.out->observe(now.out->ctx, &obs);
}

static bool put_field(char *to, struct tc_str field)
{
    return tc_str_put(to, TC_TETRA_ADDRESS_SIZE, field);
}

/*
 * service,[calling],[type],called,type,bits,[e2ee] and its relatives: three and four fields when
 * there is no caller, five when a type is missing, bits last when e2ee stands before them.
 */
static const char *read_header(const struct tc_pei_line *line, struct tc_pei_header *h)
{
    static const uint8_t length_at[9] = {0, 0, 0, 2, 3, 4, 5, 5, 5};
    size_t n = line->count > 8 ? 8 : line->count;
    if (n < 3) {
        return "header is cut";
    }
    size_t called_at = n == 3 || n == 4 ? 1 : 3;
    if (n == 5 && tc_pei_field(line, 2).len > 1) {
        called_at = 2;
    }
    int64_t service = tc_pei_number(line, 0, -1);
    int64_t bits = tc_pei_number(line, length_at[n], -1);
    int64_t other = n >= 7 ? tc_pei_number(line, 6, 0) : 0;
    if (service < 0 || service > 255) {
        return "AI service is no number";
    }
    *h = (struct tc_pei_header){.service = (uint8_t)service};
    bool fits = put_field(h->called, tc_pei_field(line, called_at)) &&
                (called_at == 1 || put_field(h->calling, tc_pei_field(line, 1)));
    h->bits_other = other > 1 && other <= TC_SDS_BITS_MAX ? (size_t)other : 0;
    if (!fits) {
        return "address is too long";
    }
    if (bits > TC_SDS_BITS_MAX) {
        return "longer than 2047 bits";
    }
    if (bits <= 0 && h->bits_other == 0) {
        return "length is missing";
    }
    h->bits = bits > 0 ? (size_t)bits : 0;
    h->lenient = n == 3 || n == 4 || n == 6 || n == 7 ? NULL : "header has an unusual form";
    return NULL;
}

static bool digits_fit(size_t digits, size_t bits)
{
    return bits > 0 && (digits == (bits + 3) / 4 || digits == (bits + 7) / 8 * 2);
}

/* A payload that is told to be acknowledged; only to the link's own address. */
static uint32_t owe_receipt(struct tc_pei *s, const struct tc_tetra_message *m,
                            const struct tc_tetra_pdu *pdu)
{
    struct tc_pei_ack ack = {.since_us = m->now_us};
    char called[TC_TETRA_ADDRESS_SIZE];
    tc_tetra_address(m->called, &s->own, called);
    bool is_ours = !s->own.is_known || strcmp(called, s->own_address) == 0;
    if (pdu->is_text && (pdu->sds.report_request & TC_SDS_REPORT_RECEIVED)) {
        ack.kind = TC_PEI_ACK_SDS;
        ack.is_short = !pdu->sds.is_short_refused;
        ack.pid = pdu->sds.pid;
        ack.tl_ref = pdu->sds.ref;
        ack.delivery = TC_SDS_DELIVERY_RECEIVED;
    } else if (pdu->is_lip && pdu->lip.ext == TC_LIP_LONG && pdu->lip.wants_ack) {
        ack.kind = TC_PEI_ACK_LIP;
    }
    tc_str_put(ack.to, sizeof ack.to, m->calling);
    return ack.kind && is_ours && m->calling.len ? pei__owe(s, &ack) : 0;
}

tc_err pei__payload(struct tc_pei *s, struct tc_str hex, struct tc_pei_now now)
{
    struct tc_pei_header *h = &s->header;
    h->is_open = false;
    size_t bits = h->bits;
    bool is_last = bits == 0 || (!digits_fit(hex.len, bits) && digits_fit(hex.len, h->bits_other));
    if (is_last) {
        bits = h->bits_other;
        h->lenient = "length stands last in the header";
    }
    struct tc_tetra_message m = {.ai_service = h->service,
                                 .calling = tc_str_of(h->calling),
                                 .called = tc_str_of(h->called),
                                 .hex = hex,
                                 .bits = bits,
                                 .now_us = now.us,
                                 .network = &s->own,
                                 .lenient = h->lenient};
    struct tc_tetra_pdu pdu;
    tc_err err = tc_tetra_read(&m, &pdu);
    tc_tetra_observe(&m, &pdu, err ? 0 : owe_receipt(s, &m, &pdu), now.out);
    return err;
}

/* No line end between header and payload: the last field is then length and digits together. */
static struct tc_str unglue(struct tc_pei_line *line)
{
    struct tc_str none = {0};
    struct tc_str field = line->count ? line->field[line->count - 1] : none;
    if (field.len < 5 || line->count < 3 || !tc_pei_is_hex(field)) {
        return none;
    }
    for (size_t digits = 1; digits <= 4; digits++) {
        int64_t bits = 0;
        struct tc_str head = {field.at, digits};
        if (tc_str_to_i64(head, &bits) == TC_OK && bits > 0 && bits <= TC_SDS_BITS_MAX &&
            digits_fit(field.len - digits, (size_t)bits)) {
            line->field[line->count - 1] = head;
            return (struct tc_str){field.at + digits, field.len - digits};
        }
    }
    return none;
}

tc_err pei__header(struct tc_pei *s, struct tc_pei_line *line, struct tc_pei_now now)
{
    struct tc_pei_header h = {0};
    struct tc_str rest = unglue(line);
    const char *why = read_header(line, &h);
    if (why) {
        pei__reject(s, why, line->rest, now);
        return TC_EMALFORMED;
    }
    s->header = h;
    s->header.is_open = true;
    s->header.due_us = now.us + TC_PEI_GUARD_US;
    if (rest.len) {
        s->header.lenient = "payload glued to its header";
        return pei__payload(s, rest, now);
    }
    return TC_OK;
}

/* +CNUMF: <type>,<digits>: types 0 and 6 are the radio's own. */
void pei__own_number(struct tc_pei *s, const struct tc_pei_line *line)
{
    int64_t type = tc_pei_number(line, 0, -1);
    struct tc_tetra_network n = {0};
    if ((type == 0 || type == 6) && tc_tetra_identity(tc_pei_field(line, 1), &n)) {
        s->own = n;
        tc_tetra_address(tc_pei_field(line, 1), &s->own, s->own_address);
    }
}

/* "N: dd_mm.mmmm" to 1e-7 degree. */
static bool read_angle(struct tc_str field, int64_t *e7)
{
    size_t at = 0;
    int64_t degrees = 0;
    int64_t minutes_e7 = 0;
    size_t bar = 0;
    while (at < field.len && (field.at[at] < '0' || field.at[at] > '9')) {
        at++;
    }
    for (bar = at; bar < field.len && field.at[bar] != '_'; bar++) {
    }
    if (bar >= field.len || bar - at > 3 ||
        tc_str_to_i64((struct tc_str){field.at + at, bar - at}, &degrees) ||
        tc_str_to_fixed((struct tc_str){field.at + bar + 1, field.len - bar - 1}, 7, &minutes_e7) ||
        minutes_e7 < 0 || minutes_e7 >= INT64_C(600000000)) {
        return false;
    }
    bool is_negative = field.at[0] == 'S' || field.at[0] == 'W';
    *e7 = degrees * 10000000 + (minutes_e7 + 30) / 60;
    *e7 = is_negative ? -*e7 : *e7;
    return degrees <= 180;
}

/* +GPSPOS: time,latitude,longitude,satellites: where the attached radio itself is. */
void pei__own_position(struct tc_pei *s, const struct tc_pei_line *line, struct tc_pei_now now)
{
    struct tc_obs obs = tc_obs_init(TC_OBS_POSITION);
    if (!s->own_address[0] || !read_angle(tc_pei_field(line, 1), &obs.y_e7) ||
        !read_angle(tc_pei_field(line, 2), &obs.x_e7) || tc_pei_number(line, 3, 0) < 3) {
        return;
    }
    obs.has_position = true;
    obs.address = tc_str_of(s->own_address);
    if (now.out->wants_detail) {
        struct tc_buf b = tc_tetra_detail_open(now.out);
        tc_jw_pair_str(&b, "time", tc_pei_field(line, 0));
        tc_lip_put_decimal(&b, "lat", obs.y_e7, 7);
        tc_lip_put_decimal(&b, "lon", obs.x_e7, 7);
        tc_jw_pair_i64(&b, "satellites", tc_pei_number(line, 3, 0));
        obs.detail = tc_tetra_detail_close(&b);
    }
    now.out->observe(now.out->ctx, &obs);
}
