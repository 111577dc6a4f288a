/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/simulators/radio.h"
#include "core/base/mem.h"

static tc_err make_room(struct sim_fleet *f, uint32_t count)
{
    f->radios = tc_alloc(sizeof *f->radios * (count ? count : 1));
    f->pending = tc_alloc(sizeof *f->pending * SIM_PENDING_MAX);
    return f->radios && f->pending ? TC_OK : TC_ENOMEM;
}

static void put_at_chance(struct sim_fleet *f, struct sim_radio *r)
{
    r->crossing = (uint32_t)sim__chance_below(&f->chance, f->roads.crossing_count);
    r->crossing_before = r->crossing;
    r->place = f->roads.crossings[r->crossing];
}

/** A line of the table; false when it is not one. */
static bool take_radio(struct sim_fleet *f, struct tc_str line)
{
    struct sim_radio *r = &f->radios[f->count];
    int64_t issi = 0;
    int64_t lon = 0;
    int64_t lat = 0;
    if (tc_str_to_i64(sim__word(&line, '\t'), &issi) != TC_OK || issi < 1 || issi > 0xFFFFFF) {
        return false;
    }
    *r = (struct sim_radio){.issi = (uint32_t)issi};
    (void)tc_str_put(r->name, sizeof r->name, sim__word(&line, '\t'));
    struct tc_str lon_text = sim__word(&line, '\t');
    struct tc_str lat_text = sim__word(&line, '\t');
    (void)tc_str_put(r->capability, sizeof r->capability, sim__word(&line, '\t'));
    if (lon_text.len == 0 || lat_text.len == 0) {
        put_at_chance(f, r);
    } else if (tc_str_to_fixed(lon_text, 7, &lon) == TC_OK &&
               tc_str_to_fixed(lat_text, 7, &lat) == TC_OK && lon >= -1800000000 &&
               lon <= 1800000000 && lat >= -900000000 && lat <= 900000000) {
        r->place = (struct sim_place){.lon_e7 = (int32_t)lon, .lat_e7 = (int32_t)lat};
        r->crossing = sim__roads_nearest(&f->roads, r->place);
        r->crossing_before = r->crossing;
    } else {
        return false;
    }
    f->count++;
    return true;
}

static tc_err take_lines(struct sim_fleet *f, FILE *file, char why[TC_WHY_MAX])
{
    char text[512];
    for (unsigned number = 1; fgets(text, sizeof text, file); number++) {
        struct tc_str line = tc_str_of(text);
        while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) {
            line.len--;
        }
        bool is_header = number == 1 && line.len && (line.at[0] < '0' || line.at[0] > '9');
        if (line.len == 0 || line.at[0] == '#' || is_header) {
            continue;
        }
        if (f->count == SIM_RADIOS_MAX || !take_radio(f, line)) {
            (void)tc_str_format(why, TC_WHY_MAX, "line %u is wrong", number);
            return TC_EMALFORMED;
        }
    }
    return TC_OK;
}

tc_err sim__fleet_load(struct sim_fleet *f, const char *path, char why[TC_WHY_MAX])
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s cannot be read", path);
        return TC_EIO;
    }
    tc_err err = make_room(f, SIM_RADIOS_MAX);
    if (err == TC_OK) {
        err = take_lines(f, file, why);
    }
    (void)fclose(file);
    return err;
}

tc_err sim__fleet_scatter(struct sim_fleet *f, uint32_t count, uint32_t first_issi)
{
    tc_err err = make_room(f, count);
    for (uint32_t i = 0; err == TC_OK && i < count; i++) {
        struct sim_radio *r = &f->radios[f->count++];
        r->issi = first_issi + i;
        (void)tc_str_format(r->name, sizeof r->name, "U%u", r->issi);
        put_at_chance(f, r);
    }
    return err;
}

void sim__fleet_start(struct sim_fleet *f, int64_t now_us)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct sim_span phase = {0, f->habits.lip_interval_us};
        f->radios[i].moved_at_us = now_us;
        f->radios[i].report_due_us = now_us + sim__chance_in(&f->chance, phase);
    }
}

void sim__fleet_finish(struct sim_fleet *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        tc_free(f->radios[i].way);
    }
    tc_free(f->radios);
    tc_free(f->pending);
    sim__roads_finish(&f->roads);
    f->radios = NULL;
    f->pending = NULL;
    f->count = 0;
}
