/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/world_int.h"

/* Every key mixes what it is a key of first, then the parts; never 0. */
enum {
    KEY_ADDRESS = 1,
    KEY_SENSOR,
    KEY_LIMIT,
    KEY_MEANING,
    KEY_DEVICE_ALARM,
    KEY_CALL,
    KEY_CLOCK,
    KEY_CALL_SIGN
};

static uint64_t nonzero(uint64_t key)
{
    return key ? key : 1;
}

#define SHORT_ADDRESS_MAX 8u

static struct tc_str without_zeros(struct tc_str s)
{
    while (s.len > 1 && s.at[0] == '0') {
        s.at++;
        s.len--;
    }
    return s;
}

/** The SSI of an address: what is left of MCC and MNC is dropped. */
static struct tc_str ssi_of(struct tc_str s)
{
    if (s.len > SHORT_ADDRESS_MAX) {
        s.at += s.len - SHORT_ADDRESS_MAX;
        s.len = SHORT_ADDRESS_MAX;
    }
    return without_zeros(s);
}

static bool is_long(struct tc_str s)
{
    return s.len > SHORT_ADDRESS_MAX;
}

static uint64_t address_key(struct tc_str s)
{
    return nonzero(tc_hash_str(KEY_ADDRESS, s));
}

static uint64_t call_sign_key(const char *call_sign)
{
    return nonzero(tc_hash_str(KEY_CALL_SIGN, tc_str_of(call_sign)));
}

static uint64_t sensor_key(struct tc_str source, struct tc_str device, struct tc_str factor)
{
    uint64_t key = tc_hash_str(KEY_SENSOR, source);
    return nonzero(tc_hash_str(tc_hash_str(key, device), factor));
}

static uint64_t limit_key(uint64_t sensor, struct tc_str factor, uint32_t n)
{
    uint64_t key = tc_hash_mix(tc_hash_mix(KEY_LIMIT, sensor), n);
    return nonzero(sensor ? key : tc_hash_str(key, factor));
}

static uint64_t meaning_key(struct tc_str network, uint32_t code)
{
    return nonzero(tc_hash_str(tc_hash_mix(KEY_MEANING, code), network));
}

static uint64_t device_alarm_key(uint64_t sensor, struct tc_str kind)
{
    return nonzero(tc_hash_str(tc_hash_mix(KEY_DEVICE_ALARM, sensor), kind));
}

static uint64_t call_key(uint64_t link, uint32_t instance)
{
    return nonzero(tc_hash_mix(tc_hash_mix(KEY_CALL, link), instance));
}

static void *look_up(const struct tc_world_section *w, enum tc_world_table table,
                     const struct tc_map *map, uint64_t key)
{
    uint64_t id = 0;
    return tc_map_get(map, key, &id) ? tc_table_find(&w->tables[table], id) : NULL;
}

void world__index_unit(struct tc_world_section *w, const struct tc_unit *u)
{
    struct tc_str address = tc_str_of(u->address);
    tc_map_put(&w->unit_by_address, call_sign_key(u->call_sign), u->id);
    if (address.len == 0) {
        return;
    }
    tc_map_put(&w->unit_by_address, address_key(address), u->id);
    tc_map_put(&w->unit_by_address, address_key(ssi_of(address)), u->id);
}

void world__unindex_unit(struct tc_world_section *w, const struct tc_unit *u)
{
    struct tc_str address = tc_str_of(u->address);
    uint64_t keys[] = {address_key(address), address_key(ssi_of(address)),
                       call_sign_key(u->call_sign)};
    for (size_t i = 0; i < TC_COUNT_OF(keys); i++) {
        uint64_t id = 0;
        if (tc_map_get(&w->unit_by_address, keys[i], &id) && id == u->id) {
            tc_map_remove(&w->unit_by_address, keys[i]);
        }
    }
}

const struct tc_unit *tc_world_unit_called(const struct tc_world_section *w, const char *call_sign)
{
    const struct tc_unit *u =
        look_up(w, TC_WORLD_UNIT, &w->unit_by_address, call_sign_key(call_sign));
    return u && strcmp(u->call_sign, call_sign) == 0 ? u : NULL;
}

const struct tc_unit *tc_world_unit_of(const struct tc_world_section *w, struct tc_str address)
{
    if (address.len == 0) {
        return NULL;
    }
    const struct tc_unit *u = look_up(w, TC_WORLD_UNIT, &w->unit_by_address, address_key(address));
    if (u && tc_str_is(address, u->address)) {
        return u;
    }
    u = look_up(w, TC_WORLD_UNIT, &w->unit_by_address, address_key(ssi_of(address)));
    if (u == NULL) {
        return NULL;
    }
    struct tc_str own = tc_str_of(u->address);
    if (is_long(own) && is_long(address)) {
        return NULL; /* the same SSI on another network */
    }
    return tc_str_eq(ssi_of(own), ssi_of(address)) ? u : NULL;
}

/** A name that no source has: the first sensor of a device and factor, whatever its source. */
#define ANY_SOURCE TC_STR("*")

const struct tc_sensor *tc_world_sensor_named(const struct tc_world_section *w,
                                              struct tc_str device, struct tc_str factor)
{
    return look_up(w, TC_WORLD_SENSOR, &w->sensor_by_key, sensor_key(ANY_SOURCE, device, factor));
}

void world__index_sensor(struct tc_world_section *w, const struct tc_sensor *s)
{
    struct tc_str device = tc_str_of(s->device);
    struct tc_str factor = tc_str_of(s->factor);
    const struct tc_sensor *first = tc_world_sensor_named(w, device, factor);
    if (first == NULL || s->id < first->id) {
        tc_map_put(&w->sensor_by_key, sensor_key(ANY_SOURCE, device, factor), s->id);
    }
    tc_map_put(&w->sensor_by_key,
               sensor_key(tc_str_of(s->source), tc_str_of(s->device), tc_str_of(s->factor)), s->id);
}

const struct tc_sensor *tc_world_sensor_of(const struct tc_world_section *w, struct tc_str source,
                                           struct tc_str device, struct tc_str factor)
{
    struct tc_str sources[] = {source, {NULL, 0}};
    for (size_t i = 0; i < TC_COUNT_OF(sources); i++) {
        const struct tc_sensor *s =
            look_up(w, TC_WORLD_SENSOR, &w->sensor_by_key, sensor_key(sources[i], device, factor));
        if (s && tc_str_is(sources[i], s->source) && tc_str_is(device, s->device) &&
            tc_str_is(factor, s->factor)) {
            return s;
        }
    }
    return NULL;
}

void world__index_limit(struct tc_world_section *w, const struct tc_limit *l)
{
    uint32_t n = 0;
    while (tc_world_limit_at(w, l->sensor, tc_str_of(l->factor), n)) {
        n++;
    }
    tc_map_put(&w->limit_by_key, limit_key(l->sensor, tc_str_of(l->factor), n), l->id);
}

const struct tc_limit *tc_world_limit_at(const struct tc_world_section *w, uint64_t sensor,
                                         struct tc_str factor, uint32_t n)
{
    return look_up(w, TC_WORLD_LIMIT, &w->limit_by_key, limit_key(sensor, factor, n));
}

void world__index_meaning(struct tc_world_section *w, const struct tc_status_meaning *m)
{
    tc_map_put(&w->meaning_by_key, meaning_key(tc_str_of(m->network), m->code), m->id);
}

const struct tc_status_meaning *tc_world_meaning_of(const struct tc_world_section *w,
                                                    struct tc_str network, uint32_t code)
{
    const struct tc_status_meaning *m =
        look_up(w, TC_WORLD_STATUS_MEANING, &w->meaning_by_key, meaning_key(network, code));
    if (m == NULL && network.len) {
        m = look_up(w, TC_WORLD_STATUS_MEANING, &w->meaning_by_key,
                    meaning_key((struct tc_str){NULL, 0}, code));
    }
    return m;
}

static void put_newest(struct tc_map *map, uint64_t key, uint64_t id)
{
    uint64_t old = 0;
    if (!tc_map_get(map, key, &old) || old < id) {
        tc_map_put(map, key, id);
    }
}

void world__index_alarm(struct tc_world_section *w, const struct tc_alarm *a)
{
    if (a->signs) {
        put_newest(&w->emergency_by_address, address_key(ssi_of(tc_str_of(a->address))), a->id);
    } else if (a->sensor && !a->by_limit) {
        put_newest(&w->device_alarm_by_key, device_alarm_key(a->sensor, tc_str_of(a->kind)), a->id);
    }
}

const struct tc_alarm *tc_world_emergency_of(const struct tc_world_section *w,
                                             struct tc_str address)
{
    return look_up(w, TC_WORLD_ALARM, &w->emergency_by_address, address_key(ssi_of(address)));
}

const struct tc_alarm *tc_world_device_alarm_of(const struct tc_world_section *w, uint64_t sensor,
                                                struct tc_str kind)
{
    const struct tc_alarm *a =
        look_up(w, TC_WORLD_ALARM, &w->device_alarm_by_key, device_alarm_key(sensor, kind));
    return a && a->state == TC_ALARM_STATE_RAISED ? a : NULL;
}

void world__index_stranger(struct tc_world_section *w, const struct tc_stranger *s)
{
    tc_map_put(&w->stranger_by_address, address_key(tc_str_of(s->address)), s->id);
}

const struct tc_stranger *tc_world_stranger_of(const struct tc_world_section *w,
                                               struct tc_str address)
{
    return look_up(w, TC_WORLD_STRANGER, &w->stranger_by_address, address_key(address));
}

void world__index_call(struct tc_world_section *w, const struct tc_call *c)
{
    put_newest(&w->call_by_key, call_key(c->link, c->instance), c->id);
}

void world__unindex_call(struct tc_world_section *w, const struct tc_call *c)
{
    uint64_t id = 0;
    uint64_t key = call_key(c->link, c->instance);
    if (tc_map_get(&w->call_by_key, key, &id) && id == c->id) {
        tc_map_remove(&w->call_by_key, key);
    }
}

const struct tc_call *tc_world_call_of(const struct tc_world_section *w, uint64_t link,
                                       uint32_t instance)
{
    return look_up(w, TC_WORLD_CALL, &w->call_by_key, call_key(link, instance));
}

static uint64_t clock_key(uint64_t subject, struct tc_str name)
{
    return nonzero(tc_hash_str(tc_hash_mix(KEY_CLOCK, subject), name));
}

void world__index_clock(struct tc_world_section *w, const struct tc_clock *c)
{
    tc_map_put(&w->clock_by_key, clock_key(c->incident, tc_str_of(c->name)), c->id);
    if (c->timer) {
        tc_map_put(&w->clock_by_timer, c->timer, c->id);
    }
}

const struct tc_clock *tc_world_clock_of_timer(const struct tc_world_section *w, uint64_t timer)
{
    return look_up(w, TC_WORLD_CLOCK, &w->clock_by_timer, timer);
}

void world__unindex_clock(struct tc_world_section *w, const struct tc_clock *c)
{
    uint64_t id = 0;
    uint64_t key = clock_key(c->incident, tc_str_of(c->name));
    tc_map_remove(&w->clock_by_timer, c->timer);
    if (tc_map_get(&w->clock_by_key, key, &id) && id == c->id) {
        tc_map_remove(&w->clock_by_key, key);
    }
}

const struct tc_clock *tc_world_clock_of(const struct tc_world_section *w, uint64_t subject,
                                         struct tc_str name)
{
    return look_up(w, TC_WORLD_CLOCK, &w->clock_by_key, clock_key(subject, name));
}

void world__set_open(struct tc_world_section *w, uint64_t incident, bool is_open)
{
    size_t at = 0;
    while (at < w->open_count && w->open_incidents[at] < incident) {
        at++;
    }
    bool is_listed = at < w->open_count && w->open_incidents[at] == incident;
    if (is_listed == is_open) {
        return;
    }
    uint64_t *list = w->open_incidents;
    if (!is_open) {
        memmove(list + at, list + at + 1, (w->open_count - at - 1) * sizeof *list);
        w->open_count--;
        return;
    }
    if (w->open_count == w->open_room) {
        size_t room = w->open_room ? w->open_room * 2 : 64;
        list = tc_realloc(list, room * sizeof *list);
        TC_REQUIRE(list != NULL);
        w->open_incidents = list;
        w->open_room = room;
    }
    memmove(list + at + 1, list + at, (w->open_count - at) * sizeof *list);
    list[at] = incident;
    w->open_count++;
}

void world__forget_indexes(struct tc_world_section *w)
{
    tc_map_finish(&w->unit_by_address);
    tc_map_finish(&w->sensor_by_key);
    tc_map_finish(&w->limit_by_key);
    tc_map_finish(&w->meaning_by_key);
    tc_map_finish(&w->emergency_by_address);
    tc_map_finish(&w->device_alarm_by_key);
    tc_map_finish(&w->stranger_by_address);
    tc_map_finish(&w->call_by_key);
    tc_map_finish(&w->clock_by_timer);
    tc_map_finish(&w->clock_by_key);
    tc_free(w->open_incidents);
    w->open_incidents = NULL;
    w->open_count = 0;
    w->open_room = 0;
}

static void index_field(struct tc_world_section *w)
{
    TC_WORLD_EACH(w, TC_WORLD_UNIT, struct tc_unit, u)
    {
        world__index_unit(w, u);
    }
    TC_WORLD_EACH(w, TC_WORLD_SENSOR, struct tc_sensor, s)
    {
        world__index_sensor(w, s);
    }
    TC_WORLD_EACH(w, TC_WORLD_LIMIT, struct tc_limit, l)
    {
        world__index_limit(w, l);
    }
    TC_WORLD_EACH(w, TC_WORLD_STATUS_MEANING, struct tc_status_meaning, m)
    {
        world__index_meaning(w, m);
    }
}

void world__index_all(struct tc_world_section *w)
{
    world__forget_indexes(w);
    index_field(w);
    TC_WORLD_EACH(w, TC_WORLD_ALARM, struct tc_alarm, a)
    {
        world__index_alarm(w, a);
    }
    TC_WORLD_EACH(w, TC_WORLD_STRANGER, struct tc_stranger, s)
    {
        world__index_stranger(w, s);
    }
    TC_WORLD_EACH(w, TC_WORLD_CALL, struct tc_call, c)
    {
        world__index_call(w, c);
    }
    TC_WORLD_EACH(w, TC_WORLD_CLOCK, struct tc_clock, c)
    {
        world__index_clock(w, c);
    }
    TC_WORLD_EACH(w, TC_WORLD_INCIDENT, struct tc_incident, i)
    {
        world__set_open(w, i->id, i->state == TC_INCIDENT_STATE_OPEN);
    }
    TC_WORLD_EACH(w, TC_WORLD_CLOSURE, struct tc_closure, c)
    { /* newest change: recommendations */
        if (c->changed_seq > w->tables[TC_WORLD_CLOSURE].touched_last) {
            w->tables[TC_WORLD_CLOSURE].touched_last = c->changed_seq;
        }
    }
}

const struct tc_incident_type *tc_world_type_of(const struct tc_world_section *w,
                                                struct tc_str code)
{
    TC_WORLD_EACH(w, TC_WORLD_INCIDENT_TYPE, struct tc_incident_type, t)
    {
        if (tc_str_is(code, t->code)) {
            return t;
        }
    }
    return NULL;
}

const struct tc_service *tc_world_service_of(const struct tc_world_section *w, struct tc_str code)
{
    TC_WORLD_EACH(w, TC_WORLD_SERVICE, struct tc_service, s)
    {
        if (tc_str_is(code, s->code)) {
            return s;
        }
    }
    return NULL;
}

const struct tc_run_card *tc_world_run_card_of(const struct tc_world_section *w, struct tc_str type,
                                               enum tc_grade grade)
{
    const struct tc_run_card *any = NULL;
    TC_WORLD_EACH(w, TC_WORLD_RUN_CARD, struct tc_run_card, card)
    {
        if (!tc_str_is(type, card->type)) {
            continue;
        }
        if (card->grade == grade) {
            return card;
        }
        if (card->grade == TC_GRADE_NONE) {
            any = card;
        }
    }
    return any;
}
