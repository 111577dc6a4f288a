/* SPDX-License-Identifier: Apache-2.0 */
/* LIP read back from an encoder that lives only here. */
#include "core/ingest/lip.h"
#include "tests/lib/tc_test.h"

struct writer {
    uint8_t bytes[64];
    size_t pos;
};

static void put(struct writer *w, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++, w->pos++) {
        if (value >> (width - 1 - i) & 1) {
            w->bytes[w->pos / 8] |= (uint8_t)(0x80 >> w->pos % 8);
        }
    }
}

static uint64_t seed = 88172645463325252ULL;
static uint32_t chance(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % below;
}

/* Nearest raw value, the other way round than the reader does it. */
static uint32_t raw_of(int64_t e7, int64_t full_e7, unsigned bits)
{
    int64_t scaled = e7 * ((int64_t)1 << bits);
    int64_t raw = (scaled + (scaled < 0 ? -full_e7 / 2 : full_e7 / 2)) / full_e7;
    return (uint32_t)raw & (uint32_t)(((uint64_t)1 << bits) - 1);
}

static struct tc_lip read_back(const struct writer *w, tc_err want)
{
    struct tc_lip lip;
    struct tc_bits bits = tc_bits_init(w->bytes, w->pos);
    assert_int_equal(tc_lip_decode(&bits, &lip), want);
    return lip;
}

static void short_reports_come_back_within_a_step(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t lon = (int64_t)chance(3600000000u) - 1800000000;
        int64_t lat = (int64_t)chance(1800000000u) - 900000000;
        uint32_t error = chance(8);
        uint32_t speed = chance(128);
        uint32_t direction = chance(16);
        uint32_t reason = chance(256);
        struct writer w = {.pos = 0};
        put(&w, 0, 2);
        put(&w, 1, 2);
        put(&w, raw_of(lon, 3600000000, 25), 25);
        put(&w, raw_of(lat, 1800000000, 24), 24);
        put(&w, error, 3);
        put(&w, speed, 7);
        put(&w, direction, 4);
        put(&w, 0, 1);
        put(&w, reason, 8);
        assert_int_equal(w.pos, 76);
        struct tc_lip lip = read_back(&w, TC_OK);
        int64_t d_lon = tc_lip_lon_e7(lip.lon_raw) - lon;
        assert_true((d_lon < 0 ? -d_lon : d_lon) <= 108 || lon > 1799999900); /* wraps there */
        int64_t d_lat = tc_lip_lat_e7(lip.lat_raw) - lat;
        assert_true((d_lat < 0 ? -d_lat : d_lat) <= 108 || lat > 899999900);
        assert_int_equal(lip.error, error);
        assert_int_equal(lip.speed, speed);
        assert_int_equal(lip.direction, direction);
        assert_int_equal(tc_lip_reason(&lip), reason);
        assert_int_equal(tc_lip_age_s(&lip), 300);
    }
}

/* Bits of each shape and velocity, TS 100 392-18-1. */
static const unsigned shape_bits[11] = {0, 49, 55, 72, 61, 67, 84, 70, 87, 100, 52};
static const unsigned velocity_bits[8] = {0, 7, 10, 15, 21, 15, 21, 32};

static void long_reports_of_every_shape_and_velocity(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < 11; shape++) {
        for (unsigned velocity = 0; velocity < 8; velocity++) {
            struct writer w = {.pos = 0};
            put(&w, 1, 2);
            put(&w, 3, 4);
            put(&w, 1, 2);
            put(&w, 0, 2);
            put(&w, shape, 4);
            size_t start = w.pos;
            if (shape) {
                put(&w, raw_of(1140578699, 3600000000, 25), 25);
                put(&w, raw_of(225430977, 1800000000, 24), 24);
            }
            w.pos = start + shape_bits[shape];
            put(&w, velocity, 3);
            start = w.pos;
            put(&w, velocity ? 60 : 0, velocity ? 7 : 0);
            w.pos = start + velocity_bits[velocity];
            put(&w, 1, 1);
            put(&w, 0, 1);
            put(&w, 130, 8);
            put(&w, 15, 5);
            put(&w, 16, 6);
            put(&w, 0x8004, 16);
            struct tc_lip lip = read_back(&w, TC_OK);
            assert_int_equal(lip.has_point, shape != 0);
            assert_int_equal(tc_lip_has_fix(&lip), shape != 0);
            assert_true(lip.wants_ack);
            assert_int_equal(tc_lip_reason(&lip), 130);
            assert_int_equal(tc_lip_speed_x100(lip.speed), velocity ? 9234 : UINT32_MAX);
            assert_int_equal(lip.t5_count, 1);
            assert_int_equal(lip.t5[0].value, 0x8004);
            for (size_t cut = 0; cut + 27 < w.pos; cut++) { /* never reads on when cut */
                struct tc_bits bits = tc_bits_init(w.bytes, cut);
                assert_int_equal(tc_lip_decode(&bits, &lip), TC_EMALFORMED);
            }
        }
    }
}

static void signs_and_ends_of_the_scales(void **state)
{
    (void)state;
    assert_int_equal(tc_lip_lon_e7(-16777216), -1800000000);
    assert_int_equal(tc_lip_lat_e7(-8388608), -900000000);
    assert_int_equal(tc_lip_lon_e7(0x1FFFFFF - 0x2000000), -107); /* 360e7 / 2^25 = 107.3 */
    assert_int_equal(tc_lip_lat_e7(1), 107);
    assert_int_equal(tc_lip_speed_x100(28), 2800);
    assert_int_equal(tc_lip_speed_x100(125), 104285);
    assert_int_equal(tc_lip_speed_x100(126), 104300);
    assert_true(tc_lip_speed_x100(127) == UINT32_MAX);
    assert_int_equal(tc_lip_speed_cms(36), 1048); /* 16 * 1.038^23 km/h = 10.4799 m/s */
}

static void zero_point_is_no_fix_only_when_the_radio_is_unsure(void **state)
{
    (void)state;
    struct tc_lip lip = {.has_point = true, .has_error = true, .error = 1};
    lip.time_type = TC_LIP_TIME_ELAPSED;
    assert_true(tc_lip_has_fix(&lip)); /* the Gulf of Guinea */
    lip.error = 7;
    assert_false(tc_lip_has_fix(&lip));
    lip.error = 1;
    lip.elapsed = 3;
    assert_false(tc_lip_has_fix(&lip));
    lip.lat_raw = 1;
    assert_true(tc_lip_has_fix(&lip));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_reports_come_back_within_a_step),
        cmocka_unit_test(long_reports_of_every_shape_and_velocity),
        cmocka_unit_test(signs_and_ends_of_the_scales),
        cmocka_unit_test(zero_point_is_no_fix_only_when_the_radio_is_unsure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
