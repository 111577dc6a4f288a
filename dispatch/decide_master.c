/* SPDX-License-Identifier: Apache-2.0 */
/* Master data: what the district has. Saying it again corrects; nothing is doubled. */
#include "dispatch/dispatch_int.h"

static const struct tc_need *copy_needs(struct dispatch__call *c, const struct tc_need *from,
                                        uint32_t count)
{
    struct tc_need *to = tc_arena_alloc(tc_out_arena(c->out), count * sizeof *to + 1);
    for (uint32_t i = 0; i < count; i++) {
        to[i].capability = tc_out_copy(c->out, from[i].capability);
        to[i].count = from[i].count;
    }
    return to;
}

/** Another unit that goes by the same call sign or radio. */
static const struct tc_unit *rival(const struct tc_world_section *w,
                                   const struct tc_cmd_unit_register *b, const char **why)
{
    struct tc_str ssi = b->address; /* its last eight digits: one network's number is one radio */
    if (ssi.len > 8) {
        ssi.at += ssi.len - 8;
        ssi.len = 8;
    }
    const struct tc_unit *u = tc_world_unit_of(w, ssi);
    if (u && u->id != b->unit) {
        *why = "address_taken";
        return u;
    }
    char call_sign[sizeof u->call_sign];
    (void)tc_str_put(call_sign, sizeof call_sign, b->call_sign);
    u = tc_world_unit_called(w, call_sign);
    *why = "call_sign_taken";
    return u && u->id != b->unit ? u : NULL;
}

static void unit_register(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_unit_register *b = command->body;
    const char *why = "";
    const struct tc_unit *other = rival(c->w, b, &why);
    if (b->call_sign.len == 0) {
        tc_refuse(c->out, "call_sign_missing", 0, "call_sign");
        return;
    }
    if (b->unit && tc_world_unit(c->w, b->unit) == NULL) {
        tc_refuse(c->out, "unit_not_found", 0, "%llu", (unsigned long long)b->unit);
        return;
    }
    if (other) {
        tc_refuse(c->out, why, 0, "%s", other->call_sign);
        return;
    }
    if (b->unit == 0 && !dispatch__room(c, TC_WORLD_UNIT, 1)) {
        return;
    }
    struct tc_ev_unit_registered *to = tc_emit(c->out, TC_EV_UNIT_REGISTERED, b->unit, NULL);
    to->call_sign = tc_out_copy(c->out, b->call_sign);
    to->kind = b->kind;
    to->name_zh = tc_out_copy(c->out, b->name_zh);
    to->name_en = tc_out_copy(c->out, b->name_en);
    to->address = tc_out_copy(c->out, b->address);
    to->capabilities_count = b->capabilities_count;
    to->capabilities = copy_needs(c, b->capabilities, b->capabilities_count);
    to->lon_e7 = b->lon_e7;
    to->lat_e7 = b->lat_e7;
    to->crew = b->crew;
    to->replaces = b->unit;
}

static void sensor_register(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_sensor_register *b = command->body;
    if (b->device.len == 0) {
        tc_refuse(c->out, "device_missing", 0, "device");
        return;
    }
    const struct tc_sensor *old = tc_world_sensor_of(c->w, b->source, b->device, b->factor);
    if (old && !tc_str_is(b->source, old->source)) {
        old = NULL;
    }
    if (old == NULL && !dispatch__room(c, TC_WORLD_SENSOR, 1)) {
        return;
    }
    struct tc_ev_sensor_registered *to =
        tc_emit(c->out, TC_EV_SENSOR_REGISTERED, old ? old->id : 0, NULL);
    to->source = tc_out_copy(c->out, b->source);
    to->device = tc_out_copy(c->out, b->device);
    to->factor = tc_out_copy(c->out, b->factor);
    to->unit_text = tc_out_copy(c->out, b->unit_text);
    to->name_zh = tc_out_copy(c->out, b->name_zh);
    to->name_en = tc_out_copy(c->out, b->name_en);
    to->lon_e7 = b->lon_e7;
    to->lat_e7 = b->lat_e7;
    to->feature = tc_out_copy(c->out, b->feature);
    to->incident_type = tc_out_copy(c->out, b->incident_type);
    to->interval_s = b->interval_s;
}

/** The sensor a limit is for: by id, else the first registered one of device and factor. */
static const struct tc_sensor *limited_sensor(const struct tc_world_section *w,
                                              const struct tc_cmd_limit_set *b)
{
    if (b->sensor) {
        return tc_world_sensor(w, b->sensor);
    }
    return tc_world_sensor_named(w, b->device, b->factor);
}

static uint64_t old_limit(const struct tc_world_section *w, uint64_t sensor,
                          const struct tc_cmd_limit_set *b)
{
    const struct tc_limit *l = NULL;
    for (uint32_t n = 0; (l = tc_world_limit_at(w, sensor, b->factor, n)) != NULL; n++) {
        if (l->level == b->level && l->is_below == b->is_below) {
            return l->id;
        }
    }
    return 0;
}

static void limit_set(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_limit_set *b = command->body;
    bool is_general = b->sensor == 0 && b->device.len == 0;
    const struct tc_sensor *s = is_general ? NULL : limited_sensor(c->w, b);
    if (!is_general && s == NULL) {
        tc_refuse(c->out, "sensor_not_found", 0, "%.*s %.*s", (int)b->device.len,
                  b->device.at ? b->device.at : "", (int)b->factor.len,
                  b->factor.at ? b->factor.at : "");
        return;
    }
    if (b->level == TC_ALARM_LEVEL_NONE || b->hysteresis_e6 < 0 ||
        (is_general && b->factor.len == 0)) {
        tc_refuse(c->out, "limit_incomplete", 0, "level, factor");
        return;
    }
    uint64_t old = old_limit(c->w, s ? s->id : 0, b);
    if (old == 0 && !dispatch__room(c, TC_WORLD_LIMIT, 1)) {
        return;
    }
    struct tc_ev_limit_set *to = tc_emit(c->out, TC_EV_LIMIT_SET, old, NULL);
    to->sensor = s ? s->id : 0;
    to->factor = s ? dispatch__copy(c, s->factor) : tc_out_copy(c->out, b->factor);
    to->level = b->level;
    to->is_below = b->is_below;
    to->value_e6 = b->value_e6;
    to->hysteresis_e6 = b->hysteresis_e6;
}

static void run_card_set(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_run_card_set *b = command->body;
    const struct tc_run_card *old = tc_world_run_card_of(c->w, b->type, b->grade);
    uint64_t id = old && old->grade == b->grade ? old->id : 0;
    if (id == 0 && !dispatch__room(c, TC_WORLD_RUN_CARD, 1)) {
        return;
    }
    struct tc_ev_run_card_set *to = tc_emit(c->out, TC_EV_RUN_CARD_SET, id, NULL);
    to->type = tc_out_copy(c->out, b->type);
    to->grade = b->grade;
    to->needs_count = b->needs_count;
    to->needs = copy_needs(c, b->needs, b->needs_count);
}

static void status_meaning_set(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_status_meaning_set *b = command->body;
    const struct tc_status_meaning *old = tc_world_meaning_of(c->w, b->network, b->code);
    uint64_t id = old && tc_str_is(b->network, old->network) ? old->id : 0;
    if (id == 0 && !dispatch__room(c, TC_WORLD_STATUS_MEANING, 1)) {
        return;
    }
    struct tc_ev_status_meaning_set *to = tc_emit(c->out, TC_EV_STATUS_MEANING_SET, id, NULL);
    to->network = tc_out_copy(c->out, b->network);
    to->code = b->code;
    to->label_zh = tc_out_copy(c->out, b->label_zh);
    to->label_en = tc_out_copy(c->out, b->label_en);
    to->state = b->state;
    to->is_alarm = b->is_alarm;
}

static void incident_type_set(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_incident_type_set *b = command->body;
    const struct tc_incident_type *old = tc_world_type_of(c->w, b->code);
    if (old == NULL && !dispatch__room(c, TC_WORLD_INCIDENT_TYPE, 1)) {
        return;
    }
    struct tc_ev_incident_type_set *to =
        tc_emit(c->out, TC_EV_INCIDENT_TYPE_SET, old ? old->id : 0, NULL);
    to->code = tc_out_copy(c->out, b->code);
    to->name_zh = tc_out_copy(c->out, b->name_zh);
    to->name_en = tc_out_copy(c->out, b->name_en);
    to->words = tc_out_copy(c->out, b->words);
}

static void service_set(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_service_set *b = command->body;
    const struct tc_service *old = tc_world_service_of(c->w, b->code);
    if (old == NULL && !dispatch__room(c, TC_WORLD_SERVICE, 1)) {
        return;
    }
    struct tc_ev_service_set *to = tc_emit(c->out, TC_EV_SERVICE_SET, old ? old->id : 0, NULL);
    to->code = tc_out_copy(c->out, b->code);
    to->name_zh = tc_out_copy(c->out, b->name_zh);
    to->name_en = tc_out_copy(c->out, b->name_en);
    to->incident_type = tc_out_copy(c->out, b->incident_type);
}

/** The same name and kind again corrects channel and address. */
static uint64_t old_recipient(const struct tc_world_section *w,
                              const struct tc_cmd_recipient_register *b)
{
    TC_WORLD_EACH(w, TC_WORLD_RECIPIENT, struct tc_recipient, r)
    {
        if (r->kind == b->kind && tc_str_is(b->name_zh, r->name_zh)) {
            return r->id;
        }
    }
    return 0;
}

static void recipient_register(struct dispatch__call *c, const struct tc_command *command)
{
    const struct tc_cmd_recipient_register *b = command->body;
    if (b->kind == TC_RECIPIENT_KIND_UNIT || b->name_zh.len == 0) {
        tc_refuse(c->out, "recipient_incomplete", 0, "kind, name_zh");
        return;
    }
    uint64_t id = old_recipient(c->w, b);
    if (id == 0 && !dispatch__room(c, TC_WORLD_RECIPIENT, 1)) {
        return;
    }
    struct tc_ev_recipient_registered *to = tc_emit(c->out, TC_EV_RECIPIENT_REGISTERED, id, NULL);
    to->kind = b->kind;
    to->name_zh = tc_out_copy(c->out, b->name_zh);
    to->name_en = tc_out_copy(c->out, b->name_en);
    to->channel = b->channel;
    to->address = tc_out_copy(c->out, b->address);
}

const struct dispatch__rule dispatch__master_rules[] = {
    {TC_CMD_UNIT_REGISTER, unit_register},
    {TC_CMD_SENSOR_REGISTER, sensor_register},
    {TC_CMD_LIMIT_SET, limit_set},
    {TC_CMD_RUN_CARD_SET, run_card_set},
    {TC_CMD_STATUS_MEANING_SET, status_meaning_set},
    {TC_CMD_INCIDENT_TYPE_SET, incident_type_set},
    {TC_CMD_SERVICE_SET, service_set},
    {TC_CMD_RECIPIENT_REGISTER, recipient_register},
    {TC_CMD_NONE, NULL},
};
