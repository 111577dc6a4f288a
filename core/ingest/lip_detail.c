/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/lip_int.h"

void tc_lip_put_decimal(struct tc_buf *b, const char *key, int64_t value, int decimals)
{
    char text[32];
    int64_t scale = decimals == 7 ? 10000000 : 100;
    uint64_t size = (uint64_t)(value < 0 ? -value : value);
    size_t len = tc_str_format(text, sizeof text, "%s%llu.%0*llu", value < 0 ? "-" : "",
                               (unsigned long long)(size / (uint64_t)scale), decimals,
                               (unsigned long long)(size % (uint64_t)scale));
    tc_jw_key(b, key);
    tc_jw_raw(b, (struct tc_str){text, len});
}

static void put_or_unknown(struct tc_buf *b, const char *key, uint32_t value_x100)
{
    if (value_x100 == UINT32_MAX) {
        tc_jw_pair_text(b, key, "unknown");
    } else {
        tc_lip_put_decimal(b, key, value_x100, 2);
    }
}

static void detail_point(struct tc_buf *b, const struct tc_lip *lip)
{
    if (lip->has_point) {
        tc_lip_put_decimal(b, "lon", tc_lip_lon_e7(lip->lon_raw), 7);
        tc_lip_put_decimal(b, "lat", tc_lip_lat_e7(lip->lat_raw), 7);
    }
    if (lip->has_error) {
        tc_jw_pair_i64(b, "pos_err", lip->error);
    }
}

static void detail_altitude(struct tc_buf *b, uint16_t raw)
{
    int v = raw & 0x7FF;
    tc_jw_pair_i64(b, "alt_raw", raw);
    tc_jw_pair_i64(b, "alt_type", raw >> 11);
    if (v == 0) {
        tc_jw_pair_text(b, "alt_m", "unknown");
    } else if (v <= 1201) {
        tc_jw_pair_i64(b, "alt_m", v - 201);
    } else {
        tc_jw_pair_i64(b, "alt_m", v <= 1926 ? 1000 + 2 * (v - 1201) : 2450 + 75 * (v - 1926));
    }
}

static void detail_shape(struct tc_buf *b, const struct tc_lip *lip)
{
    tc_jw_pair_i64(b, "shape", lip->shape);
    detail_point(b, lip);
    unsigned parts = lip__shape_parts(lip->shape);
    if (parts & PART_CIRCLE) {
        tc_jw_pair_i64(b, "hunc_raw", lip->uncertainty);
        put_or_unknown(b, "hunc_m", lip__uncertainty_cm(lip->uncertainty));
    }
    if (parts & PART_ELLIPSE) {
        tc_jw_pair_i64(b, "maj_raw", lip->major);
        tc_jw_pair_i64(b, "min_raw", lip->minor);
        tc_jw_pair_i64(b, "ang_raw", lip->angle);
    }
    if (parts & PART_ARC) {
        tc_jw_pair_i64(b, "in_r", lip->inner);
        tc_jw_pair_i64(b, "out_r", lip->outer);
        tc_jw_pair_i64(b, "a0", lip->start);
        tc_jw_pair_i64(b, "a1", lip->stop);
    }
    if (parts & PART_ALTITUDE) {
        detail_altitude(b, lip->altitude);
    }
    if (parts & PART_ALTITUDE_UNCERTAINTY) {
        tc_jw_pair_i64(b, "altunc_raw", lip->altitude_uncertainty);
    }
    if (parts & PART_CONFIDENCE) {
        tc_jw_pair_i64(b, "conf", lip->confidence);
    }
}

static void detail_motion(struct tc_buf *b, const struct tc_lip *lip)
{
    bool is_uncertain =
        lip->type == TC_LIP_EXTENDED && lip__velocity_is_uncertain(lip->velocity_type);
    if (lip->has_speed) {
        tc_jw_pair_i64(b, "vel_raw", lip->speed);
        put_or_unknown(b, "speed_kmh", tc_lip_speed_x100(lip->speed));
        if (is_uncertain) {
            tc_jw_pair_i64(b, "hvunc", lip->speed_uncertainty);
        }
    }
    if (lip->type == TC_LIP_EXTENDED && lip__velocity_is_vertical(lip->velocity_type)) {
        tc_jw_pair_i64(b, "vv_sign", lip->vertical_sign);
        tc_jw_pair_i64(b, "vv_raw", lip->vertical);
        if (is_uncertain) {
            tc_jw_pair_i64(b, "vvunc", lip->vertical_uncertainty);
        }
    }
    if (lip->has_direction) {
        uint32_t x100 = lip->type == TC_LIP_SHORT ? lip->direction * 2250U
                                                  : (lip->direction * 36000U + 128) / 256;
        tc_jw_pair_i64(b, "dir_raw", lip->direction);
        put_or_unknown(b, "dir_deg", x100);
        if (is_uncertain) {
            tc_jw_pair_i64(b, "dirunc", lip->direction_uncertainty);
        }
    }
}

static void detail_t5_value(struct tc_buf *b, const struct tc_lip_t5 *e)
{
    if (e->is_cut) {
        tc_jw_pair_i64(b, "trunc", e->left);
    } else if (e->id == 12 && e->len == 8) {
        tc_jw_pair_i64(b, "result", e->value);
    } else if (e->id == 15 && e->len == 16) {
        tc_jw_pair_i64(b, "status", e->value);
    } else if (e->id == 19 && e->len == 9) {
        tc_jw_pair_i64(b, "trig_reason", e->value >> 1);
        tc_jw_pair_i64(b, "recurring?", e->value & 1);
    } else if ((e->id == 4 || e->id == 17) && e->len == 28) {
        tc_jw_pair_i64(b, "addr_type", e->value >> 24);
        tc_jw_pair_i64(b, "ssi", e->value & 0xFFFFFF);
    } else if (e->id == 5 && e->len < 12) {
        tc_jw_pair_text(b, "err", "short");
    } else {
        tc_jw_pair_i64(b, "raw", e->value);
    }
}

static void detail_t5(struct tc_buf *b, const struct tc_lip *lip)
{
    if (lip->t5_count == 0) {
        return;
    }
    tc_jw_key(b, "t5");
    tc_jw_open(b, '[');
    for (unsigned i = 0; i < lip->t5_count; i++) {
        tc_jw_open(b, '{');
        tc_jw_pair_i64(b, "id", lip->t5[i].id);
        tc_jw_pair_i64(b, "len", lip->t5[i].len);
        detail_t5_value(b, &lip->t5[i]);
        tc_jw_close(b, '}');
    }
    tc_jw_close(b, ']');
}

static void detail_extra(struct tc_buf *b, const struct tc_lip *lip)
{
    if (lip->has_extra) {
        tc_jw_pair_i64(b, lip->is_user_data ? "user_data" : "reason", lip->extra);
    }
}

static void detail_long(struct tc_buf *b, const struct tc_lip *lip)
{
    tc_jw_pair_text(b, "kind", "long");
    tc_jw_pair_i64(b, "time_type", lip->time_type);
    if (lip->time_type == TC_LIP_TIME_ELAPSED) {
        tc_jw_pair_i64(b, "time_elapsed", lip->elapsed);
    } else if (lip->time_type == TC_LIP_TIME_OF_POSITION) {
        tc_jw_pair_i64(b, "day", lip->day);
        tc_jw_pair_i64(b, "hour", lip->hour);
        tc_jw_pair_i64(b, "min", lip->minute);
        tc_jw_pair_i64(b, "sec", lip->second);
    }
    detail_shape(b, lip);
    tc_jw_pair_i64(b, "vel_type", lip->velocity_type);
    detail_motion(b, lip);
    tc_jw_pair_i64(b, "ack_req", lip->wants_ack);
    detail_extra(b, lip);
    detail_t5(b, lip);
}

static const char *control_kind(uint8_t ext)
{
    static const char *const kinds[] = {
        "reserved",       "immediate",         "reserved",       "long",           "report-ack",
        "basic-params",   "add-trigger",       "remove-trigger", "report-trigger", "report-basic",
        "enable-disable", "temporary-control", "backlog"};
    return ext < TC_COUNT_OF(kinds) ? kinds[ext] : "reserved";
}

static void detail_control(struct tc_buf *b, const struct tc_lip *lip)
{
    if (lip->has_direction_bit) {
        tc_jw_pair_text(b, "reqresp", lip->is_response ? "resp" : "req");
    }
    tc_jw_pair_text(b, "kind", control_kind(lip->ext));
    bool has_result =
        lip->ext == TC_LIP_ACK ||
        (lip->is_response && (lip->ext == TC_LIP_BASIC || lip->ext == TC_LIP_TRIGGER_REPORT));
    if (has_result) {
        tc_jw_pair_i64(b, "result", lip->result);
    }
    if (has_result && lip->ext != TC_LIP_ACK) {
        tc_jw_pair_i64(b, "flags", lip->flags);
    }
    if (lip->ext == TC_LIP_BASIC) {
        if (!lip->is_response) {
            tc_jw_pair_i64(b, "ack_req", lip->wants_ack);
        }
        tc_jw_pair_i64(b, "min_interval_s", lip->interval * 10);
    }
    if (lip->ext == TC_LIP_IMMEDIATE) {
        tc_jw_pair_i64(b, "req_resp", lip->is_response);
    }
    if (lip->ext == TC_LIP_IMMEDIATE || lip->ext == TC_LIP_BASIC ||
        (lip->ext == TC_LIP_TRIGGER_REPORT && lip->is_response)) {
        tc_jw_pair_i64(b, "report_type", lip->report_type);
    }
    detail_t5(b, lip);
}

void tc_lip_detail(struct tc_buf *b, const struct tc_lip *lip)
{
    tc_jw_pair_i64(b, "lip", lip->type);
    if (lip->type == TC_LIP_SHORT) {
        tc_jw_pair_text(b, "kind", "short");
        tc_jw_pair_i64(b, "time_elapsed", lip->elapsed);
        detail_point(b, lip);
        detail_motion(b, lip);
        detail_extra(b, lip);
        return;
    }
    tc_jw_pair_i64(b, "ext", lip->ext);
    if (lip->ext == TC_LIP_LONG) {
        detail_long(b, lip);
    } else {
        detail_control(b, lip);
    }
}
