/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/lip_int.h"

/* 16 * 1.038^(K - 13) km/h for K = 29..125, in hundredths. */
static const uint32_t speed_x100[97] = {
    2906,  3016,  3131,  3250,  3373,   3502,   3635,  3773,  3916,  4065,  4219,  4380,  4546,
    4719,  4898,  5084,  5278,  5478,   5686,   5902,  6127,  6359,  6601,  6852,  7112,  7383,
    7663,  7954,  8257,  8570,  8896,   9234,   9585,  9949,  10327, 10720, 11127, 11550, 11989,
    12444, 12917, 13408, 13918, 14447,  14996,  15565, 16157, 16771, 17408, 18070, 18756, 19469,
    20209, 20977, 21774, 22601, 23460,  24352,  25277, 26237, 27234, 28269, 29344, 30459, 31616,
    32818, 34065, 35359, 36703, 38097,  39545,  41048, 42608, 44227, 45907, 47652, 49463, 51342,
    53293, 55318, 57420, 59602, 61867,  64218,  66658, 69191, 71821, 74550, 77383, 80323, 83376,
    86544, 89833, 93246, 96790, 100468, 104285,
};

/* 2 * 1.2^(K + 5) - 4 m for K = 0..62, in cm. */
static const uint32_t uncertainty_cm[63] = {
    98,      197,      317,      460,      632,      838,      1086,     1383,     1740,
    2168,    2681,     3298,     4037,     4925,     5990,     7268,     8801,     10641,
    12849,   15499,    18679,    22495,    27074,    32569,    39163,    47075,    56570,
    67964,   81637,    98045,    117734,   141360,   169712,   203735,   244562,   293554,
    352345,  422894,   507553,   609144,   731052,   877343,   1052891,  1263550,  1516340,
    1819688, 2183705,  2620526,  3144711,  3773734,  4528560,  5434353,  6521303,  7825644,
    9390852, 11269103, 13523003, 16227684, 19473301, 23368041, 28041729, 33650155, 40380266,
};

/* Horizontal position error classes, m; 6 is "more than 200 km", 7 unknown. */
static const uint32_t error_class_m[8] = {2, 20, 200, 2000, 20000, 200000, 1000000, 0};

/* Age classes, s; the last is "unknown", taken as an hour so that it is shown as old. */
static const uint32_t elapsed_class_s[4] = {5, 300, 1800, 3600};

static void read_point(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->lon_raw = tc_bits_take_signed(bits, 25);
    lip->lat_raw = tc_bits_take_signed(bits, 24);
    lip->has_point = !bits->bad;
}

static void read_extra(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->is_user_data = tc_bits_take(bits, 1) != 0;
    lip->extra = tc_bits_take8(bits, 8);
    lip->has_extra = !bits->bad;
}

static void read_short(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->time_type = TC_LIP_TIME_ELAPSED;
    lip->elapsed = tc_bits_take8(bits, 2);
    read_point(bits, lip);
    lip->error = tc_bits_take8(bits, 3);
    lip->has_error = !bits->bad;
    lip->speed = tc_bits_take8(bits, 7);
    lip->has_speed = !bits->bad;
    lip->direction = tc_bits_take8(bits, 4);
    lip->has_direction = !bits->bad;
    read_extra(bits, lip);
}

static void read_time(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->time_type = tc_bits_take8(bits, 2);
    if (lip->time_type == TC_LIP_TIME_ELAPSED) {
        lip->elapsed = tc_bits_take8(bits, 2);
    } else if (lip->time_type == TC_LIP_TIME_OF_POSITION) {
        lip->day = tc_bits_take8(bits, 5);
        lip->hour = tc_bits_take8(bits, 5);
        lip->minute = tc_bits_take8(bits, 6);
        lip->second = tc_bits_take8(bits, 6);
    } else if (lip->time_type == 3) {
        lip->why = "time type is reserved";
    }
}

static void read_ellipse(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->major = tc_bits_take8(bits, 6);
    lip->minor = tc_bits_take8(bits, 6);
    lip->angle = tc_bits_take8(bits, 8);
}

static void read_arc(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->inner = (uint16_t)tc_bits_take(bits, 16);
    lip->outer = (uint16_t)tc_bits_take(bits, 16);
    lip->start = tc_bits_take8(bits, 8);
    lip->stop = tc_bits_take8(bits, 8);
}

/* Which parts each location shape has after its point, in the order they are sent. */
static const uint8_t shape_parts[LIP_SHAPES_COUNT] = {
    0,
    PART_POINT,
    PART_POINT | PART_CIRCLE,
    PART_POINT | PART_ELLIPSE | PART_CONFIDENCE,
    PART_POINT | PART_ALTITUDE,
    PART_POINT | PART_CIRCLE | PART_ALTITUDE,
    PART_POINT | PART_ELLIPSE | PART_ALTITUDE | PART_CONFIDENCE,
    PART_POINT | PART_CIRCLE | PART_ALTITUDE | PART_ALTITUDE_UNCERTAINTY,
    PART_POINT | PART_ELLIPSE | PART_ALTITUDE | PART_ALTITUDE_UNCERTAINTY | PART_CONFIDENCE,
    PART_POINT | PART_ARC | PART_CONFIDENCE,
    PART_POINT | PART_ERROR,
};

unsigned lip__shape_parts(uint8_t shape)
{
    return shape < LIP_SHAPES_COUNT ? shape_parts[shape] : 0;
}

static void read_shape(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->shape = tc_bits_take8(bits, 4);
    if (lip->shape >= LIP_SHAPES_COUNT) {
        lip->why = "location shape is reserved";
        return;
    }
    unsigned parts = shape_parts[lip->shape];
    if (parts & PART_POINT) {
        read_point(bits, lip);
    }
    if (parts & PART_CIRCLE) {
        lip->uncertainty = tc_bits_take8(bits, 6);
    }
    if (parts & PART_ELLIPSE) {
        read_ellipse(bits, lip);
    }
    if (parts & PART_ARC) {
        read_arc(bits, lip);
    }
    if (parts & PART_ALTITUDE) {
        lip->altitude = (uint16_t)tc_bits_take(bits, 12);
    }
    if (parts & PART_ALTITUDE_UNCERTAINTY) {
        lip->altitude_uncertainty = tc_bits_take8(bits, 3);
    }
    if (parts & PART_CONFIDENCE) {
        lip->confidence = tc_bits_take8(bits, 3);
    }
    if (parts & PART_ERROR) {
        lip->error = tc_bits_take8(bits, 3);
        lip->has_error = !bits->bad;
    }
}

static void read_velocity(struct tc_bits *bits, struct tc_lip *lip)
{
    uint8_t type = lip->velocity_type = tc_bits_take8(bits, 3);
    bool is_uncertain = lip__velocity_is_uncertain(type);
    if (type == 0) {
        return;
    }
    lip->speed = tc_bits_take8(bits, 7);
    lip->has_speed = !bits->bad;
    if (is_uncertain) {
        lip->speed_uncertainty = tc_bits_take8(bits, 3);
    }
    if (lip__velocity_is_vertical(type)) {
        lip->vertical_sign = tc_bits_take8(bits, 1);
        lip->vertical = tc_bits_take8(bits, 7);
        if (is_uncertain) {
            lip->vertical_uncertainty = tc_bits_take8(bits, 3);
        }
    }
    if (type >= 5) {
        lip->direction = tc_bits_take8(bits, 8);
        lip->has_direction = !bits->bad;
        if (is_uncertain) {
            lip->direction_uncertainty = tc_bits_take8(bits, 3);
        }
    }
}

static bool is_all_zero(struct tc_bits rest)
{
    while (tc_bits_left(&rest)) {
        if (tc_bits_take(&rest, 1)) {
            return false;
        }
    }
    return true;
}

/* Elements until less than an element's head, or only padding, is left. */
static void read_t5(struct tc_bits *bits, struct tc_lip *lip)
{
    while (tc_bits_left(bits) >= 11 && lip->t5_count < TC_LIP_T5_MAX && !is_all_zero(*bits)) {
        struct tc_lip_t5 *e = &lip->t5[lip->t5_count++];
        e->id = tc_bits_take8(bits, 5);
        e->len = tc_bits_take8(bits, 6);
        size_t left = tc_bits_left(bits);
        if (left < e->len) {
            e->is_cut = true;
            e->left = (uint8_t)left;
            bits->bad = true;
            return;
        }
        unsigned head = e->len < 32 ? e->len : 32;
        e->value = tc_bits_take(bits, head);
        tc_bits_skip(bits, e->len - head);
    }
}

static void read_long(struct tc_bits *bits, struct tc_lip *lip)
{
    read_time(bits, lip);
    read_shape(bits, lip);
    if (lip->why) {
        return;
    }
    read_velocity(bits, lip);
    lip->wants_ack = tc_bits_take(bits, 1) != 0;
    read_extra(bits, lip);
    if (!bits->bad) {
        read_t5(bits, lip);
    }
}

static void read_control(struct tc_bits *bits, struct tc_lip *lip)
{
    switch (lip->ext) {
    case TC_LIP_IMMEDIATE: lip->report_type = tc_bits_take8(bits, 2); break;
    case TC_LIP_BASIC:
        if (lip->is_response) {
            lip->result = tc_bits_take8(bits, 8);
            lip->flags = tc_bits_take8(bits, 8);
        } else {
            lip->wants_ack = tc_bits_take(bits, 1) != 0;
        }
        lip->interval = tc_bits_take8(bits, 7);
        lip->report_type = tc_bits_take8(bits, 2);
        break;
    case TC_LIP_TRIGGER_REPORT:
        if (lip->is_response) {
            lip->result = tc_bits_take8(bits, 8);
            lip->flags = tc_bits_take8(bits, 8);
            lip->report_type = tc_bits_take8(bits, 2);
        }
        break;
    default: return; /* known by name only */
    }
    if (!bits->bad) {
        read_t5(bits, lip);
    }
}

static void read_extended(struct tc_bits *bits, struct tc_lip *lip)
{
    lip->ext = tc_bits_take8(bits, 4);
    if (lip->ext == TC_LIP_LONG) {
        read_long(bits, lip);
    } else if (lip->ext == TC_LIP_ACK) {
        tc_bits_skip(bits, 1);
        lip->result = tc_bits_take8(bits, 8);
    } else if (lip->ext == TC_LIP_IMMEDIATE || (lip->ext >= TC_LIP_BASIC && lip->ext <= 12)) {
        lip->is_response = tc_bits_take(bits, 1) != 0;
        lip->has_direction_bit = true;
        read_control(bits, lip);
    } else {
        lip->why = "extended PDU type is reserved";
    }
}

tc_err tc_lip_decode(struct tc_bits *bits, struct tc_lip *lip)
{
    *lip = (struct tc_lip){.error = TC_LIP_ERROR_UNKNOWN, .speed = TC_LIP_SPEED_UNKNOWN};
    lip->type = tc_bits_take8(bits, 2);
    if (lip->type == TC_LIP_SHORT) {
        read_short(bits, lip);
    } else if (lip->type == TC_LIP_EXTENDED) {
        read_extended(bits, lip);
    } else {
        lip->why = "LIP PDU type is reserved";
    }
    if (!lip->why && bits->bad) {
        lip->why = "LIP PDU is cut";
    }
    return lip->why ? TC_EMALFORMED : TC_OK;
}

bool tc_lip_has_fix(const struct tc_lip *lip)
{
    if (!lip->has_point) {
        return false;
    }
    bool is_zero = lip->lon_raw == 0 && lip->lat_raw == 0;
    bool is_unsure =
        (lip->has_error && lip->error == TC_LIP_ERROR_UNKNOWN) ||
        (lip->time_type == TC_LIP_TIME_ELAPSED && lip->elapsed == TC_LIP_ELAPSED_UNKNOWN);
    for (unsigned i = 0; i < lip->t5_count;
         i++) { /* 12: result code, anything but 0 is a failure */
        is_unsure = is_unsure || (lip->t5[i].id == 12 && lip->t5[i].value != 0);
    }
    return !(is_zero && is_unsure);
}

/* raw * full / 2^bits, rounded half away from zero. */
static int32_t angle_e7(int32_t raw, int64_t full_e7, unsigned bits)
{
    int64_t product = (int64_t)raw * full_e7;
    int64_t half = (int64_t)1 << (bits - 1);
    int64_t scale = (int64_t)1 << bits;
    return (int32_t)(product < 0 ? -((half - product) / scale) : (product + half) / scale);
}

int32_t tc_lip_lon_e7(int32_t raw)
{
    return angle_e7(raw, INT64_C(3600000000), 25);
}

int32_t tc_lip_lat_e7(int32_t raw)
{
    return angle_e7(raw, INT64_C(1800000000), 24);
}

uint32_t tc_lip_speed_x100(uint8_t raw)
{
    if (raw < 29) {
        return (uint32_t)raw * 100;
    }
    if (raw < 126) {
        return speed_x100[raw - 29];
    }
    return raw == 126 ? 104300 : UINT32_MAX;
}

uint32_t tc_lip_speed_cms(uint8_t raw)
{
    uint32_t x100 = tc_lip_speed_x100(raw);
    return x100 == UINT32_MAX ? UINT32_MAX : (x100 * 10 + 18) / 36;
}

uint16_t tc_lip_heading_deg(const struct tc_lip *lip)
{
    if (!lip->has_direction || !lip->has_speed || lip->speed == TC_LIP_SPEED_UNKNOWN) {
        return UINT16_MAX;
    }
    if (lip->type == TC_LIP_SHORT) {
        return (uint16_t)((lip->direction * 225U + 5) / 10 % 360);
    }
    return (uint16_t)((lip->direction * 360U + 128) / 256 % 360);
}

static uint32_t uncertainty_m(uint8_t raw)
{
    return raw < TC_COUNT_OF(uncertainty_cm) ? (uncertainty_cm[raw] + 99) / 100 : 0;
}

uint32_t tc_lip_error_m(const struct tc_lip *lip)
{
    if (lip->has_error) {
        return error_class_m[lip->error];
    }
    if (lip->type != TC_LIP_EXTENDED || lip->shape >= LIP_SHAPES_COUNT) {
        return 0;
    }
    if (shape_parts[lip->shape] & PART_CIRCLE) {
        return uncertainty_m(lip->uncertainty);
    }
    if (shape_parts[lip->shape] & PART_ELLIPSE) {
        return uncertainty_m(lip->major);
    }
    return shape_parts[lip->shape] & PART_ARC ? lip->outer : 0;
}

uint32_t tc_lip_age_s(const struct tc_lip *lip)
{
    return lip->time_type == TC_LIP_TIME_ELAPSED ? elapsed_class_s[lip->elapsed] : 0;
}

uint16_t tc_lip_reason(const struct tc_lip *lip)
{
    return lip->has_extra && !lip->is_user_data ? lip->extra : TC_LIP_REASON_UNKNOWN;
}

uint32_t lip__uncertainty_cm(uint8_t raw)
{
    return raw < TC_COUNT_OF(uncertainty_cm) ? uncertainty_cm[raw] : UINT32_MAX;
}
