/* SPDX-License-Identifier: Apache-2.0 */
/* Cases and reports that other systems send. What follows from them is in react.c. */
#include "dispatch/dispatch_int.h"

static struct tc_str case_number(struct dispatch__call *c)
{
    uint32_t day = tc_world_day(c->now_us);
    return tc_out_format(c->out, "C%u-%04u", day, tc_world_count_of(c->w, "case", day) + 1);
}

void dispatch__case(struct dispatch__call *c, const struct tc_obs *obs)
{
    struct dispatch__point p;
    if (dispatch__point_of(c, obs, &p) != TC_OK) { /* kept as said; its place is not known */
        p.lon_e7 = 0;
        p.lat_e7 = 0;
    }
    if (!dispatch__room(c, TC_WORLD_CASE, 1)) {
        return;
    }
    const struct tc_service *s = tc_world_service_of(c->w, obs->service_code);
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, p.lon_e7, p.lat_e7, &place);
    struct tc_ev_case_opened *b = tc_emit(c->out, TC_EV_CASE_OPENED, 0, NULL);
    b->foreign_id = dispatch__fit(c, obs->foreign_id, 48);
    b->number = case_number(c);
    b->service_code = dispatch__fit(c, obs->service_code, 16);
    b->service_zh = dispatch__copy(c, s ? s->name_zh : "");
    b->service_en = dispatch__copy(c, s ? s->name_en : "");
    b->description = dispatch__fit(c, obs->text, 2000);
    b->lon_e7 = p.lon_e7;
    b->lat_e7 = p.lat_e7;
    b->address = dispatch__fit(c, obs->address_text, 200);
    b->place_zh = dispatch__copy(c, place.text_zh);
    b->place_en = dispatch__copy(c, place.text_en);
    b->grid = dispatch__copy(c, place.grid);
    b->media_url = dispatch__fit(c, obs->media_url, 400);
    b->caller_name = dispatch__fit(c, obs->caller_name, 80);
    b->caller_phone = dispatch__fit(c, obs->caller_phone, 40);
    b->raw_position = p.raw;
    tc_emit_occurred(c->out, dispatch__occurred(c, obs));
}

void dispatch__report(struct dispatch__call *c, const struct tc_obs *obs)
{
    struct dispatch__point p;
    if (dispatch__point_of(c, obs, &p) != TC_OK) {
        p.lon_e7 = 0;
        p.lat_e7 = 0;
    }
    if (!dispatch__room(c, TC_WORLD_REPORT, 1)) {
        return;
    }
    const struct tc_unit *u = tc_world_unit_of(c->w, obs->address);
    struct tc_map_place place;
    tc_map_locate(c->part->gis, c->part->locator, p.lon_e7, p.lat_e7, &place);
    struct tc_str type =
        obs->type.len ? dispatch__fit(c, obs->type, 32) : dispatch__type_of_words(c->w, obs->text);
    struct tc_ev_report_received *b = tc_emit(c->out, TC_EV_REPORT_RECEIVED, 0, NULL);
    b->channel = u ? TC_STR("radio") : TC_STR("gateway");
    b->type = tc_out_copy(c->out, type);
    b->text = dispatch__fit(c, obs->text, 2000);
    b->lon_e7 = p.lon_e7;
    b->lat_e7 = p.lat_e7;
    b->place_zh = place.text_zh[0] ? dispatch__copy(c, place.text_zh)
                                   : dispatch__fit(c, obs->address_text, 160);
    b->place_en = dispatch__copy(c, place.text_en);
    b->grid = dispatch__copy(c, place.grid);
    b->feature = dispatch__copy(c, place.feature);
    b->unit = u ? u->id : 0;
    b->caller_name = dispatch__fit(c, obs->caller_name, 80);
    b->caller_phone = dispatch__fit(c, obs->caller_phone, 40);
    b->raw_position = p.raw;
    tc_emit_occurred(c->out, dispatch__occurred(c, obs));
}
