/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/time.h"
#include "dispatch/world_int.h"

static void init(void *self)
{
    struct tc_world_section *w = self;
#define X(id, name, max, viewed) \
    tc_table_init(&w->tables[TC_WORLD_##id], #name, &tc_record_##name, (max), (viewed));
    TC_WORLD_MAP(X)
#undef X
}

static void finish(void *self)
{
    struct tc_world_section *w = self;
    for (size_t i = 0; i < TC_WORLD_TABLES; i++) {
        tc_table_finish(&w->tables[i]);
    }
    world__forget_indexes(w);
}

static const struct world__rule *rule_of(const struct world__rule *rules, enum tc_kind kind)
{
    for (; rules->kind != TC_EV_NONE; rules++) {
        if (rules->kind == kind) {
            return rules;
        }
    }
    return NULL;
}

static void apply(void *self, const struct tc_event *e)
{
    static const struct world__rule *const areas[] = {
        world__unit_rules,  world__alarm_rules,  world__incident_rules,
        world__order_rules, world__master_rules,
    };
    for (size_t i = 0; i < TC_COUNT_OF(areas); i++) {
        const struct world__rule *rule = rule_of(areas[i], e->kind);
        if (rule) {
            rule->apply(self, e);
            return;
        }
    }
}

static struct tc_table *tables(void *self, size_t *count)
{
    *count = TC_WORLD_TABLES;
    return ((struct tc_world_section *)self)->tables;
}

static void after_load(void *self)
{
    world__index_all(self);
}

const struct tc_section tc_world_section_table = {
    .name = "world",
    .self_size = sizeof(struct tc_world_section),
    .init = init,
    .finish = finish,
    .apply = apply,
    .tables = tables,
    .after_load = after_load,
};

const struct tc_world_section *tc_world_of(const struct tc_model *m)
{
    return tc_model_self(m, "world");
}

void *world__find(struct tc_world_section *w, enum tc_world_table table, uint64_t id)
{
    return id ? tc_table_find(&w->tables[table], id) : NULL;
}

void *world__add(struct tc_world_section *w, enum tc_world_table table, uint64_t id,
                 const struct tc_event *e)
{
    world__evict(w, table, e->seq);
    return tc_table_add(&w->tables[table], id, e->seq);
}

void world__touch(struct tc_world_section *w, enum tc_world_table table, void *item,
                  const struct tc_event *e)
{
    tc_table_touch(&w->tables[table], item, e->seq);
}

void world__remove(struct tc_world_section *w, enum tc_world_table table, uint64_t id,
                   const struct tc_event *e)
{
    tc_table_remove(&w->tables[table], id, e->seq);
}

static struct tc_counter *counter_of(const struct tc_world_section *w, const char *name)
{
    TC_POOL_EACH(&w->tables[TC_WORLD_COUNTER].pool, struct tc_counter, c)
    {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

void world__count(struct tc_world_section *w, const char *name, uint32_t day, uint32_t value,
                  const struct tc_event *e)
{
    struct tc_counter *c = counter_of(w, name);
    if (c == NULL) {
        c = world__add(w, TC_WORLD_COUNTER, e->seq, e);
        WORLD__PUT(c->name, tc_str_of(name));
    }
    if (day > c->day) {
        c->day = day;
        c->value = 0;
    }
    if (day == c->day && value > c->value) {
        c->value = value;
    }
    world__touch(w, TC_WORLD_COUNTER, c, e);
}

uint32_t tc_world_count_of(const struct tc_world_section *w, const char *name, uint32_t day)
{
    const struct tc_counter *c = counter_of(w, name);
    return c && c->day == day ? c->value : 0;
}

static uint32_t digits_from(struct tc_str s, size_t from)
{
    uint32_t value = 0;
    for (size_t i = from; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++) {
        value = value * 10 + (uint32_t)(s.at[i] - '0');
    }
    return value;
}

uint32_t world__number(struct tc_str number, uint32_t *day)
{
    size_t start = 0;
    while (start < number.len && (number.at[start] < '0' || number.at[start] > '9')) {
        start++;
    }
    *day = digits_from(number, start);
    size_t last = number.len;
    while (last > start && number.at[last - 1] != '-') {
        last--;
    }
    return last > start ? digits_from(number, last) : 0;
}

uint32_t tc_world_day(int64_t at_us)
{
    struct tc_date d = tc_date_of(at_us, TC_SHANGHAI_US);
    return (uint32_t)(d.year * 10000 + d.month * 100 + d.day);
}

/** Cosine without libm: four terms, exact to 1e-6 below 60 degrees. */
static double cosine(double radians)
{
    double s = radians * radians;
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56)));
}

double tc_world_distance2(int32_t lon_a_e7, int32_t lat_a_e7, int32_t lon_b_e7, int32_t lat_b_e7)
{
    const double metres_per_e7 = 0.0111319491;
    const double radians_per_e7 = 1.7453292519943295e-9;
    double middle = ((double)lat_a_e7 + (double)lat_b_e7) / 2;
    double x =
        ((double)lon_a_e7 - (double)lon_b_e7) * metres_per_e7 * cosine(middle * radians_per_e7);
    double y = ((double)lat_a_e7 - (double)lat_b_e7) * metres_per_e7;
    return x * x + y * y;
}

bool tc_world_unit_is_free(const struct tc_unit *u)
{
    return u->assignments_count == 0 &&
           (u->state == TC_UNIT_STATE_AVAILABLE || u->state == TC_UNIT_STATE_UNKNOWN ||
            u->state == TC_UNIT_STATE_LEAVING);
}
