/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/simulators/roads.h"

#include <math.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/pool.h"

#define M_PER_DEG     111195.0 /* on a sphere of 6371 km */
#define RAD_PER_DEG   0.017453292519943295
#define FILE_MAX      ((size_t)64 * 1024 * 1024)
#define NO_CROSSING   UINT32_MAX
#define SPEED_DEFAULT 40

/** A street between two crossings while the tables are read. */
struct street {
    uint32_t from;
    uint32_t to;
    float speed_kmh;
};

struct reading {
    struct sim_roads *r;
    struct tc_map by_id; /* hash of the id -> index + 1 */
    struct tc_buf streets;
    struct tc_buf places;
};

double sim__distance_m(struct sim_place a, struct sim_place b)
{
    double middle = ((double)a.lat_e7 + (double)b.lat_e7) / 2e7 * RAD_PER_DEG;
    double dx = ((double)b.lon_e7 - (double)a.lon_e7) / 1e7 * M_PER_DEG * cos(middle);
    double dy = ((double)b.lat_e7 - (double)a.lat_e7) / 1e7 * M_PER_DEG;
    return hypot(dx, dy);
}

double sim__bearing_deg(struct sim_place a, struct sim_place b)
{
    double middle = ((double)a.lat_e7 + (double)b.lat_e7) / 2e7 * RAD_PER_DEG;
    double dx = ((double)b.lon_e7 - (double)a.lon_e7) * cos(middle);
    double dy = (double)b.lat_e7 - (double)a.lat_e7;
    double deg = atan2(dx, dy) / RAD_PER_DEG;
    return deg < 0 ? deg + 360 : deg;
}

static void add_place(struct reading *g, struct sim_place p)
{
    tc_buf_put(&g->places, &p, sizeof p);
    g->r->crossing_count++;
}

static void add_street(struct reading *g, uint32_t from, uint32_t to, float speed_kmh)
{
    struct street s = {.from = from, .to = to, .speed_kmh = speed_kmh};
    tc_buf_put(&g->streets, &s, sizeof s);
    g->r->edge_count++;
}

/** Streets every 500 m or so around the civic centre of Futian. */
static void add_grid(struct reading *g)
{
    enum { COLUMNS = 14, ROWS = 10 };
    for (int32_t i = 0; i < COLUMNS * ROWS; i++) {
        add_place(g, (struct sim_place){.lon_e7 = 1140200000 + i % COLUMNS * 50000,
                                        .lat_e7 = 225200000 + i / COLUMNS * 45000});
    }
    for (uint32_t i = 0; i < COLUMNS * ROWS; i++) {
        float speed = i / COLUMNS % 3 == 1 ? 60 : SPEED_DEFAULT;
        if (i % COLUMNS + 1 < COLUMNS) {
            add_street(g, i, i + 1, speed);
            add_street(g, i + 1, i, speed);
        }
        if (i + COLUMNS < COLUMNS * ROWS) {
            add_street(g, i, i + COLUMNS, SPEED_DEFAULT);
            add_street(g, i + COLUMNS, i, SPEED_DEFAULT);
        }
    }
}

static bool read_file(const char *folder, const char *name, struct tc_buf *out)
{
    char path[1024];
    (void)tc_str_format(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    out->max = FILE_MAX;
    char chunk[8192];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        tc_buf_put(out, chunk, n);
    }
    bool ok = ferror(file) == 0 && !out->is_full;
    (void)fclose(file);
    return ok;
}

static struct tc_str next_line(struct tc_str *text)
{
    struct tc_str line = sim__word(text, '\n');
    if (line.len && line.at[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static uint64_t key_of(struct tc_str id)
{
    return tc_hash_str(1, id) | 1;
}

static bool take_crossing(struct reading *g, struct tc_str line)
{
    struct tc_str id = sim__word(&line, '\t');
    int64_t lon = 0;
    int64_t lat = 0;
    if (tc_str_to_fixed(sim__word(&line, '\t'), 7, &lon) != TC_OK ||
        tc_str_to_fixed(sim__word(&line, '\t'), 7, &lat) != TC_OK || lon < -1800000000 ||
        lon > 1800000000 || lat < -900000000 || lat > 900000000 ||
        g->r->crossing_count == SIM_ROADS_CROSSINGS_MAX) {
        return false;
    }
    tc_map_put(&g->by_id, key_of(id), g->r->crossing_count + 1);
    add_place(g, (struct sim_place){.lon_e7 = (int32_t)lon, .lat_e7 = (int32_t)lat});
    return true;
}

static bool is_yes(struct tc_str s)
{
    return tc_str_is(s, "1") || tc_str_is(s, "yes") || tc_str_is(s, "true");
}

static bool take_road(struct reading *g, struct tc_str line)
{
    for (int i = 0; i < 3; i++) {
        (void)sim__word(&line, '\t');
    }
    int64_t speed = 0;
    if (tc_str_to_fixed(sim__word(&line, '\t'), 0, &speed) != TC_OK || speed <= 0) {
        speed = SPEED_DEFAULT;
    }
    (void)sim__word(&line, '\t');
    bool is_oneway = is_yes(sim__word(&line, '\t'));
    uint32_t before = NO_CROSSING;
    while (line.len) {
        size_t n = 0;
        while (n < line.len && line.at[n] != ',' && line.at[n] != ' ' && line.at[n] != '\t') {
            n++;
        }
        uint64_t found = 0;
        bool is_known = tc_map_get(&g->by_id, key_of((struct tc_str){line.at, n}), &found);
        if (n && !is_known) {
            return false;
        }
        if (n && before != NO_CROSSING) {
            add_street(g, before, (uint32_t)found - 1, (float)speed);
            if (!is_oneway) {
                add_street(g, (uint32_t)found - 1, before, (float)speed);
            }
        }
        before = n ? (uint32_t)found - 1 : before;
        size_t used = n < line.len ? n + 1 : n;
        line.at += used;
        line.len -= used;
    }
    return true;
}

typedef bool (*take_fn)(struct reading *g, struct tc_str line);

static tc_err take_file(struct reading *g, const char *folder, const char *name, take_fn take_line,
                        char why[TC_WHY_MAX])
{
    struct tc_buf text = {0};
    tc_err err = TC_OK;
    if (!read_file(folder, name, &text)) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s/%s cannot be read", folder, name);
        err = TC_EIO;
    }
    struct tc_str rest = tc_buf_str(&text);
    (void)next_line(&rest);
    for (unsigned number = 2; err == TC_OK && rest.len; number++) {
        struct tc_str line = next_line(&rest);
        if (line.len && line.at[0] != '#' && !take_line(g, line)) {
            (void)tc_str_format(why, TC_WHY_MAX, "%s/%s line %u is wrong", folder, name, number);
            err = TC_EMALFORMED;
        }
    }
    tc_buf_finish(&text);
    return err;
}

/** Sort the streets by the crossing they leave: a counting sort into rows. */
static tc_err build(struct reading *g)
{
    struct sim_roads *r = g->r;
    r->crossings = tc_alloc(sizeof *r->crossings * (r->crossing_count + 1));
    r->first_edge = tc_alloc(sizeof *r->first_edge * (r->crossing_count + 2));
    r->edges = tc_alloc(sizeof *r->edges * (r->edge_count + 1));
    if (!r->crossings || !r->first_edge || !r->edges || g->streets.is_full || g->places.is_full) {
        return TC_ENOMEM;
    }
    memcpy(r->crossings, g->places.bytes, g->places.len);
    for (uint32_t i = 0; i < r->edge_count; i++) {
        struct street s;
        memcpy(&s, g->streets.bytes + i * sizeof s, sizeof s);
        r->first_edge[s.from + 2]++;
    }
    for (uint32_t i = 2; i <= r->crossing_count; i++) {
        r->first_edge[i] += r->first_edge[i - 1];
    }
    for (uint32_t i = 0; i < r->edge_count; i++) {
        struct street s;
        memcpy(&s, g->streets.bytes + i * sizeof s, sizeof s);
        r->edges[r->first_edge[s.from + 1]++] = (struct sim_edge){
            .to = s.to,
            .length_m = (float)sim__distance_m(r->crossings[s.from], r->crossings[s.to]),
            .speed_kmh = s.speed_kmh};
    }
    return TC_OK;
}

tc_err sim__roads_load(struct sim_roads *r, const char *folder, char why[TC_WHY_MAX])
{
    *r = (struct sim_roads){0};
    struct reading g = {.r = r};
    tc_err err = TC_OK;
    if (folder) {
        err = take_file(&g, folder, "crossings.tsv", take_crossing, why);
        if (err == TC_OK) {
            err = take_file(&g, folder, "roads.tsv", take_road, why);
        }
    } else {
        add_grid(&g);
    }
    if (err == TC_OK && r->crossing_count == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s holds no crossing", folder);
        err = TC_ENOTFOUND;
    }
    if (err == TC_OK) {
        err = build(&g);
    }
    tc_map_finish(&g.by_id);
    tc_buf_finish(&g.streets);
    tc_buf_finish(&g.places);
    if (err != TC_OK) {
        sim__roads_finish(r);
    }
    return err;
}

void sim__roads_finish(struct sim_roads *r)
{
    tc_free(r->crossings);
    tc_free(r->first_edge);
    tc_free(r->edges);
    *r = (struct sim_roads){0};
}

uint32_t sim__roads_nearest(const struct sim_roads *r, struct sim_place p)
{
    uint32_t best = 0;
    double best_m = sim__distance_m(r->crossings[0], p);
    for (uint32_t i = 1; i < r->crossing_count; i++) {
        double m = sim__distance_m(r->crossings[i], p);
        if (m < best_m) {
            best_m = m;
            best = i;
        }
    }
    return best;
}

float sim__roads_speed_kmh(const struct sim_roads *r, uint32_t from, uint32_t to)
{
    for (uint32_t e = r->first_edge[from]; e < r->first_edge[from + 1]; e++) {
        if (r->edges[e].to == to) {
            return r->edges[e].speed_kmh;
        }
    }
    return SPEED_DEFAULT;
}

uint32_t sim__roads_wander(const struct sim_roads *r, uint32_t at, uint32_t before,
                           struct sim_chance *chance)
{
    uint32_t first = r->first_edge[at];
    uint32_t count = r->first_edge[at + 1] - first;
    if (count == 0) {
        return at;
    }
    uint32_t pick = (uint32_t)sim__chance_below(chance, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to = r->edges[first + (pick + i) % count].to;
        if (to != before && to != at) {
            return to;
        }
    }
    return r->edges[first + pick].to;
}

/** A binary heap of crossings by seconds; a crossing may be in it more than once. */
struct heap {
    struct heap_item {
        float seconds;
        uint32_t crossing;
    } * items;
    uint32_t count;
};

static void heap_push(struct heap *h, struct heap_item item)
{
    uint32_t i = h->count++;
    for (; i > 0 && h->items[(i - 1) / 2].seconds > item.seconds; i = (i - 1) / 2) {
        h->items[i] = h->items[(i - 1) / 2];
    }
    h->items[i] = item;
}

static struct heap_item heap_pop(struct heap *h)
{
    struct heap_item top = h->items[0];
    struct heap_item last = h->items[--h->count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < h->count && h->items[child + 1].seconds < h->items[child].seconds) {
            child++;
        }
        if (child >= h->count || h->items[child].seconds >= last.seconds) {
            break;
        }
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = last;
    return top;
}

struct search {
    float *seconds;
    uint32_t *before;
    struct heap heap;
};

static void search_from(const struct sim_roads *r, struct search *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < r->crossing_count; i++) {
        s->seconds[i] = INFINITY;
        s->before[i] = NO_CROSSING;
    }
    s->seconds[from] = 0;
    heap_push(&s->heap, (struct heap_item){.seconds = 0, .crossing = from});
    while (s->heap.count) {
        struct heap_item item = heap_pop(&s->heap);
        if (item.crossing == to) {
            return;
        }
        if (item.seconds > s->seconds[item.crossing]) {
            continue;
        }
        uint32_t end = r->first_edge[item.crossing + 1];
        for (uint32_t e = r->first_edge[item.crossing]; e < end; e++) {
            const struct sim_edge *edge = &r->edges[e];
            float seconds = item.seconds + edge->length_m / (edge->speed_kmh / 3.6F);
            if (seconds < s->seconds[edge->to]) {
                s->seconds[edge->to] = seconds;
                s->before[edge->to] = item.crossing;
                heap_push(&s->heap, (struct heap_item){.seconds = seconds, .crossing = edge->to});
            }
        }
    }
}

size_t sim__roads_route(const struct sim_roads *r, uint32_t from, uint32_t to,
                        uint32_t route[static SIM_ROUTE_MAX])
{
    struct search s = {.seconds = tc_alloc(sizeof(float) * r->crossing_count),
                       .before = tc_alloc(sizeof(uint32_t) * r->crossing_count),
                       .heap.items = tc_alloc(sizeof(struct heap_item) * (r->edge_count + 1))};
    TC_REQUIRE(s.seconds && s.before && s.heap.items);
    search_from(r, &s, from, to);
    size_t count = 0;
    if (s.before[to] != NO_CROSSING) {
        for (uint32_t at = to; at != from; at = s.before[at]) {
            count++;
        }
        size_t i = count;
        for (uint32_t at = to; at != from; at = s.before[at]) {
            if (--i < SIM_ROUTE_MAX) {
                route[i] = at;
            }
        }
    }
    tc_free(s.seconds);
    tc_free(s.before);
    tc_free(s.heap.items);
    return count < SIM_ROUTE_MAX ? count : SIM_ROUTE_MAX;
}
