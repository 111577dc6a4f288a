/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/sds.h"

/* Six leading bits 011111 make a status value an SDS-TL short report. */
static void read_status(struct tc_bits *bits, struct tc_sds *sds)
{
    static const uint8_t meaning[4] = {TC_SDS_DELIVERY_NO_PROTOCOL, TC_SDS_DELIVERY_MEMORY_FULL,
                                       TC_SDS_DELIVERY_RECEIVED, TC_SDS_DELIVERY_CONSUMED};
    sds->kind = TC_SDS_IS_STATUS;
    sds->status = (uint16_t)tc_bits_take(bits, 16);
    if ((sds->status & 0xFC00) == 0x7C00) {
        sds->kind = TC_SDS_IS_SHORT_REPORT;
        sds->short_type = (uint8_t)(sds->status >> 8 & 3);
        sds->ref = (uint8_t)sds->status;
        sds->delivery = meaning[sds->short_type];
    }
}

/* Store and forward control: validity5, forward address type3, address. */
static void read_forward(struct tc_bits *bits, struct tc_sds *sds)
{
    sds->has_forward = true;
    sds->validity = tc_bits_take8(bits, 5);
    sds->forward_type = tc_bits_take8(bits, 3);
    if (sds->forward_type == 0) {
        tc_bits_skip(bits, 8);
    } else if (sds->forward_type == 1 || sds->forward_type == 2) {
        sds->forward_ssi = tc_bits_take(bits, 24);
        tc_bits_skip(bits, sds->forward_type == 2 ? 24 : 0);
    } else if (sds->forward_type == 3) {
        unsigned digits = tc_bits_take8(bits, 8);
        tc_bits_skip(bits, (size_t)(digits + digits % 2) * 4);
    }
}

static void read_transport(struct tc_bits *bits, struct tc_sds *sds)
{
    unsigned type = tc_bits_take(bits, 4);
    unsigned flags = tc_bits_take(bits, 4);
    bool has_forward = flags & 1;
    if (type == 0) {
        sds->kind = TC_SDS_IS_TRANSFER;
        sds->report_request = (uint8_t)(flags >> 2);
        sds->is_short_refused = flags >> 1 & 1;
    } else if (type == 1) {
        sds->kind = TC_SDS_IS_REPORT;
        sds->wants_ack = flags >> 3 & 1;
        sds->delivery = tc_bits_take8(bits, 8);
    } else if (type == 2) {
        sds->kind = TC_SDS_IS_ACK;
        has_forward = false;
        sds->delivery = tc_bits_take8(bits, 8);
    } else {
        sds->why = "SDS-TL message type is reserved";
        return;
    }
    sds->ref = tc_bits_take8(bits, 8);
    if (has_forward) {
        read_forward(bits, sds);
    }
}

tc_err tc_sds_decode(uint8_t ai_service, const uint8_t *bytes, size_t bits, struct tc_sds *sds)
{
    struct tc_bits r = tc_bits_init(bytes, bits);
    *sds = (struct tc_sds){0};
    if (bits > TC_SDS_BITS_MAX) {
        sds->why = "longer than 2047 bits";
    } else if (ai_service == TC_SDS_STATUS) {
        read_status(&r, sds);
    } else if (ai_service >= TC_SDS_TYPE1 && ai_service <= TC_SDS_TYPE3) {
        sds->kind = TC_SDS_IS_DATA;
    } else if (ai_service == TC_SDS_TYPE4) {
        sds->kind = TC_SDS_IS_SIMPLE;
        sds->pid = tc_bits_take8(&r, 8);
        if (sds->pid & 0x80) {
            read_transport(&r, sds);
        }
    } else {
        sds->why = "AI service carries no short data";
    }
    if (!sds->why && r.bad) {
        sds->why = ai_service == TC_SDS_STATUS ? "status is cut" : "SDS header is cut";
    }
    sds->body = r;
    return sds->why ? TC_EMALFORMED : TC_OK;
}

bool tc_sds_is_text(const struct tc_sds *sds)
{
    if (sds->kind == TC_SDS_IS_SIMPLE) {
        return sds->pid == TC_SDS_PID_TEXT_SIMPLE || sds->pid == TC_SDS_PID_IMMEDIATE_SIMPLE;
    }
    return sds->kind == TC_SDS_IS_TRANSFER &&
           (sds->pid == TC_SDS_PID_TEXT || sds->pid == TC_SDS_PID_IMMEDIATE ||
            sds->pid == TC_SDS_PID_UDH);
}

static void read_stamp(struct tc_bits *bits, struct tc_sds_text *text)
{
    text->has_stamp = true;
    text->frame = tc_bits_take8(bits, 2);
    tc_bits_skip(bits, 2);
    text->month = tc_bits_take8(bits, 4);
    text->day = tc_bits_take8(bits, 5);
    text->hour = tc_bits_take8(bits, 5);
    text->minute = tc_bits_take8(bits, 6);
}

/* User data header: length8, then elements of id8, length8, value; 0 and 8 tell the part. */
static const char *read_udh(struct tc_bits *bits, struct tc_sds_text *text)
{
    size_t len = tc_bits_take(bits, 8);
    if (bits->bad || tc_bits_left(bits) < len * 8) {
        return "user data header is cut";
    }
    struct tc_bits h = {.at = bits->at, .pos = bits->pos, .end = bits->pos + len * 8};
    tc_bits_skip(bits, len * 8);
    while (tc_bits_left(&h) >= 16) {
        uint8_t id = tc_bits_take8(&h, 8);
        size_t size = tc_bits_take(&h, 8);
        bool is_part = (id == 0 && size == 3) || (id == 8 && size == 4);
        if (!is_part) {
            tc_bits_skip(&h, size * 8);
            continue;
        }
        text->has_udh = true;
        text->udh_iei = id;
        text->part_ref = (uint16_t)tc_bits_take(&h, id == 8 ? 16 : 8);
        text->parts = tc_bits_take8(&h, 8);
        text->part = tc_bits_take8(&h, 8);
    }
    return h.bad ? "user data header is malformed" : NULL;
}

tc_err tc_sds_read_text(const struct tc_sds *sds, struct tc_sds_text *text, const char **why)
{
    struct tc_bits bits = sds->body;
    text->has_stamp = text->has_udh = false;
    text->part = text->parts = 0;
    text->len = 0;
    text->guess = NULL;
    bool has_stamp = tc_bits_take(&bits, 1) && sds->kind == TC_SDS_IS_TRANSFER;
    text->coding = tc_bits_take8(&bits, 7);
    if (has_stamp) {
        read_stamp(&bits, text);
    }
    *why = bits.bad ? "text header is cut" : NULL;
    if (!*why && sds->pid == TC_SDS_PID_UDH) {
        *why = read_udh(&bits, text);
    }
    if (*why) {
        return TC_EMALFORMED;
    }
    text->len = tc_sds_text_decode(&bits, text->coding, text->text, &text->guess);
    return TC_OK;
}

static void pair_hex(struct tc_buf *b, const char *key, unsigned value, int digits)
{
    char text[16];
    size_t len = tc_str_format(text, sizeof text, "0x%0*X", digits, value);
    tc_jw_pair_str(b, key, (struct tc_str){text, len});
}

static void detail_status(struct tc_buf *b, const struct tc_sds *sds)
{
    tc_jw_pair_i64(b, "status", sds->status);
    pair_hex(b, "status_hex", sds->status, 4);
    if (sds->kind == TC_SDS_IS_SHORT_REPORT) {
        tc_jw_pair_i64(b, "short_report_type", sds->short_type);
        tc_jw_pair_i64(b, "ref", sds->ref);
    } else if (sds->status == 0) {
        tc_jw_pair_text(b, "meaning", "emergency");
    } else {
        tc_jw_pair_text(b, "meaning", sds->status & 0x8000 ? "network/user specific" : "reserved");
    }
}

static int64_t validity_s(uint8_t v)
{
    if (v <= 6) {
        return v * 10;
    }
    if (v <= 10) {
        return (v - 5) * 60;
    }
    if (v <= 16) {
        return (v - 10) * 600;
    }
    if (v <= 21) {
        return (v - 15) * 3600;
    }
    if (v <= 24) {
        return (v - 20) * 6 * 3600;
    }
    return v <= 30 ? (v - 24) * 2 * 86400 : -1;
}

static void detail_transport(struct tc_buf *b, const struct tc_sds *sds)
{
    if (sds->kind == TC_SDS_IS_TRANSFER) {
        tc_jw_pair_text(b, "tl", "TRANSFER");
        tc_jw_pair_i64(b, "drr", sds->report_request);
        tc_jw_pair_i64(b, "ss", sds->is_short_refused);
    } else {
        bool is_report = sds->kind == TC_SDS_IS_REPORT;
        tc_jw_pair_text(b, "tl", is_report ? "REPORT" : "ACK");
        if (is_report) {
            tc_jw_pair_i64(b, "ack_req", sds->wants_ack);
        }
        pair_hex(b, "status", sds->delivery, 2);
    }
    tc_jw_pair_i64(b, "ref", sds->ref);
    tc_jw_pair_i64(b, "msg_ref", sds->ref);
    if (sds->has_forward) {
        tc_jw_pair_i64(b, "validity_s", validity_s(sds->validity));
        tc_jw_pair_i64(b, "fwd_type", sds->forward_type);
        if (sds->forward_type == 1 || sds->forward_type == 2) {
            tc_jw_pair_i64(b, "fwd_ssi", sds->forward_ssi);
        }
    }
}

void tc_sds_detail(struct tc_buf *b, const struct tc_sds *sds)
{
    if (sds->kind == TC_SDS_IS_STATUS || sds->kind == TC_SDS_IS_SHORT_REPORT) {
        detail_status(b, sds);
        return;
    }
    if (sds->kind == TC_SDS_IS_DATA) {
        return;
    }
    pair_hex(b, "pid", sds->pid, 2);
    if (sds->kind != TC_SDS_IS_SIMPLE) {
        detail_transport(b, sds);
    }
}

void tc_sds_text_detail(struct tc_buf *b, const struct tc_sds_text *text)
{
    tc_jw_pair_i64(b, "coding", text->coding);
    if (text->has_stamp) {
        char stamp[24];
        size_t len = tc_str_format(stamp, sizeof stamp, "%02u-%02u %02u:%02u", text->month,
                                   text->day, text->hour, text->minute);
        tc_jw_pair_i64(b, "ts_frame", text->frame);
        tc_jw_pair_str(b, "ts", (struct tc_str){stamp, len});
    }
    if (text->has_udh) {
        tc_jw_pair_i64(b, "udh_iei", text->udh_iei);
        tc_jw_pair_i64(b, "part_ref", text->part_ref);
        tc_jw_pair_i64(b, "parts", text->parts);
        tc_jw_pair_i64(b, "part", text->part);
    }
    tc_jw_pair_str(b, "text", (struct tc_str){text->text, text->len});
}

size_t tc_sds_write_text(const struct tc_sds_part *part, uint8_t *out)
{
    size_t n = 0;
    bool has_udh = part->parts > 1;
    out[n++] = has_udh ? TC_SDS_PID_UDH : TC_SDS_PID_TEXT;
    out[n++] = part->wants_report ? 0x0E : 0x02; /* both reports, standard form only */
    out[n++] = part->ref;
    out[n++] = TC_SDS_CODING_UTF16;
    if (has_udh) {
        const uint8_t udh[6] = {5, 0, 3, part->udh_ref, part->parts, part->part};
        memcpy(out + n, udh, sizeof udh);
        n += sizeof udh;
    }
    for (size_t i = 0; i < part->count && n + 2 <= TC_SDS_BYTES_MAX; i++) {
        out[n++] = (uint8_t)(part->units[i] >> 8);
        out[n++] = (uint8_t)part->units[i];
    }
    return n;
}

void tc_sds_write_report(uint8_t pid, uint8_t delivery, uint8_t ref, uint8_t out[4])
{
    out[0] = pid;
    out[1] = 0x10;
    out[2] = delivery;
    out[3] = ref;
}
