/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/index.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/pool.h"
#include "gis/gis_int.h"

#define CELL_E7   23000 /* about 250 m */
#define RINGS_MAX 40    /* beyond, looking at every point is quicker */
#define NO_SLOT   UINT32_MAX

/** A degree of latitude is nowhere shorter. */
#define LEAST_M_PER_LAT_E7 0.011057

struct slot {
    uint64_t id; /* 0: free */
    struct tc_lonlat at;
    uint32_t next; /* in the same cell, or among the free */
    uint32_t previous;
};

struct tc_index {
    uint32_t count_max;
    uint32_t count;
    uint32_t top;  /* slots ever used */
    uint32_t free; /* first free slot below top */
    struct slot *slots;
    struct tc_map by_id; /* id -> slot */
    struct tc_map cells; /* cell -> first slot */
};

static int32_t cell_number(int32_t e7)
{
    return e7 >= 0 ? e7 / CELL_E7 : -1 - (-1 - e7) / CELL_E7;
}

static uint64_t cell_key(int32_t x, int32_t y)
{
    return (UINT64_C(1) << 63) | (uint64_t)(uint32_t)(x + 100000) << 32 | (uint32_t)(y + 100000);
}

static uint64_t cell_at(struct tc_lonlat p)
{
    return cell_key(cell_number(p.lon_e7), cell_number(p.lat_e7));
}

tc_err tc_index_create(uint32_t count_max, struct tc_index **out)
{
    *out = NULL;
    struct tc_index *x = tc_alloc(sizeof *x);
    if (!x) {
        return TC_ENOMEM;
    }
    x->slots = tc_alloc(count_max * sizeof *x->slots);
    if (!x->slots) {
        tc_free(x);
        return TC_ENOMEM;
    }
    x->count_max = count_max;
    x->free = NO_SLOT;
    *out = x;
    return TC_OK;
}

void tc_index_destroy(struct tc_index *x)
{
    if (!x) {
        return;
    }
    tc_map_finish(&x->by_id);
    tc_map_finish(&x->cells);
    tc_free(x->slots);
    tc_free(x);
}

static uint32_t first_in(const struct tc_index *x, uint64_t cell)
{
    uint64_t slot = NO_SLOT;
    (void)tc_map_get(&x->cells, cell, &slot);
    return (uint32_t)slot;
}

static void link_slot(struct tc_index *x, uint32_t i)
{
    struct slot *s = &x->slots[i];
    uint64_t cell = cell_at(s->at);
    s->previous = NO_SLOT;
    s->next = first_in(x, cell);
    if (s->next != NO_SLOT) {
        x->slots[s->next].previous = i;
    }
    tc_map_put(&x->cells, cell, i);
}

static void unlink_slot(struct tc_index *x, uint32_t i)
{
    struct slot *s = &x->slots[i];
    if (s->next != NO_SLOT) {
        x->slots[s->next].previous = s->previous;
    }
    if (s->previous != NO_SLOT) {
        x->slots[s->previous].next = s->next;
    } else if (s->next != NO_SLOT) {
        tc_map_put(&x->cells, cell_at(s->at), s->next);
    } else {
        tc_map_remove(&x->cells, cell_at(s->at));
    }
}

tc_err tc_index_set(struct tc_index *x, uint64_t id, struct tc_lonlat at)
{
    TC_REQUIRE(id != 0);
    uint64_t known;
    uint32_t i;
    if (tc_map_get(&x->by_id, id, &known)) {
        i = (uint32_t)known;
        if (cell_at(x->slots[i].at) == cell_at(at)) {
            x->slots[i].at = at;
            return TC_OK;
        }
        unlink_slot(x, i);
    } else {
        if (x->count == x->count_max) {
            return TC_EFULL;
        }
        i = x->free != NO_SLOT ? x->free : x->top++;
        x->free = x->free != NO_SLOT ? x->slots[i].next : NO_SLOT;
        x->slots[i].id = id;
        x->count++;
        tc_map_put(&x->by_id, id, i);
    }
    x->slots[i].at = at;
    link_slot(x, i);
    return TC_OK;
}

void tc_index_remove(struct tc_index *x, uint64_t id)
{
    uint64_t slot;
    if (id == 0 || !tc_map_get(&x->by_id, id, &slot)) {
        return;
    }
    uint32_t i = (uint32_t)slot;
    unlink_slot(x, i);
    tc_map_remove(&x->by_id, id);
    x->slots[i] = (struct slot){.next = x->free};
    x->free = i;
    x->count--;
}

bool tc_index_get(const struct tc_index *x, uint64_t id, struct tc_lonlat *at)
{
    uint64_t slot;
    if (id == 0 || !tc_map_get(&x->by_id, id, &slot)) {
        return false;
    }
    *at = x->slots[slot].at;
    return true;
}

uint32_t tc_index_count(const struct tc_index *x)
{
    return x->count;
}

/** The best hits so far. The first `max` are taken as they come and sorted when it is full. */
struct hits {
    struct tc_index_hit *list;
    size_t max;
    size_t count; /* kept */
    size_t found; /* all that qualified */
};

static int compare_hits(const void *a, const void *b)
{
    const struct tc_index_hit *x = a;
    const struct tc_index_hit *y = b;
    if (x->distance_m < y->distance_m || x->distance_m > y->distance_m) {
        return x->distance_m < y->distance_m ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

static void sort_hits(struct hits *h)
{
    if (h->count > 1) {
        qsort(h->list, h->count, sizeof *h->list, compare_hits);
    }
}

static void keep(struct hits *h, struct tc_index_hit hit)
{
    h->found++;
    if (h->count < h->max) {
        h->list[h->count++] = hit;
        if (h->count == h->max) {
            sort_hits(h);
        }
        return;
    }
    size_t i = h->count;
    if (i == 0 || compare_hits(&hit, &h->list[i - 1]) >= 0) {
        return;
    }
    for (i--; i > 0 && compare_hits(&hit, &h->list[i - 1]) < 0; i--) {
        h->list[i] = h->list[i - 1];
    }
    h->list[i] = hit;
}

/** The distance beyond which nothing more is wanted. */
static double reach_m(const struct hits *h, double radius_m)
{
    if (h->count == h->max && h->count > 0) {
        return fmin(radius_m, h->list[h->count - 1].distance_m);
    }
    return radius_m;
}

struct look {
    const struct tc_index *index;
    struct tc_lonlat from;
    double radius_m;
    struct hits hits;
    size_t seen;
};

static void look_at_slot(struct look *l, uint32_t i)
{
    const struct slot *s = &l->index->slots[i];
    double distance_m = tc_distance_m(l->from, s->at);
    l->seen++;
    if (distance_m <= l->radius_m) {
        keep(&l->hits, (struct tc_index_hit){.id = s->id, .at = s->at, .distance_m = distance_m});
    }
}

static void look_at_cell(struct look *l, int32_t x, int32_t y)
{
    for (uint32_t i = first_in(l->index, cell_key(x, y)); i != NO_SLOT;
         i = l->index->slots[i].next) {
        look_at_slot(l, i);
    }
}

static void look_at_ring(struct look *l, int32_t r)
{
    int32_t x = cell_number(l->from.lon_e7);
    int32_t y = cell_number(l->from.lat_e7);
    if (r == 0) {
        look_at_cell(l, x, y);
        return;
    }
    for (int32_t d = -r; d <= r; d++) {
        look_at_cell(l, x + d, y - r);
        look_at_cell(l, x + d, y + r);
    }
    for (int32_t d = -r + 1; d < r; d++) {
        look_at_cell(l, x - r, y + d);
        look_at_cell(l, x + r, y + d);
    }
}

static void look_at_all(struct look *l)
{
    l->hits.count = 0;
    l->hits.found = 0;
    for (uint32_t i = 0; i < l->index->top; i++) {
        if (l->index->slots[i].id) {
            look_at_slot(l, i);
        }
    }
}

/** No cell within RINGS_MAX rings of the point is narrower. */
static double least_cell_m(struct tc_lonlat from)
{
    double farthest = fabs((double)from.lat_e7) + (double)(RINGS_MAX + 1) * CELL_E7;
    double lon = gis__scale_at(fmin(farthest, 899e6)).m_per_lon_e7;
    return fmin(lon, LEAST_M_PER_LAT_E7) * CELL_E7 * 0.999;
}

static size_t look_around(struct look *l)
{
    double cell_m = least_cell_m(l->from);
    int32_t r = 0;
    /* what is not yet seen before ring r is at least r - 1 cells away */
    while (l->seen < l->index->count &&
           (r == 0 || (r - 1) * cell_m <= reach_m(&l->hits, l->radius_m))) {
        if (r > RINGS_MAX) {
            look_at_all(l);
            break;
        }
        look_at_ring(l, r);
        r++;
    }
    sort_hits(&l->hits);
    return l->hits.count;
}

size_t tc_index_nearest(const struct tc_index *x, struct tc_lonlat from, size_t k,
                        struct tc_index_hit *out)
{
    struct look l = {
        .index = x, .from = from, .radius_m = HUGE_VAL, .hits = {.list = out, .max = k}};
    return k ? look_around(&l) : 0;
}

size_t tc_index_within(const struct tc_index *x, struct tc_lonlat from, double radius_m,
                       struct tc_index_hit *out, size_t max)
{
    struct look l = {
        .index = x, .from = from, .radius_m = radius_m, .hits = {.list = out, .max = max}};
    return max ? look_around(&l) : 0;
}

static void keep_if_inside(const struct tc_index *x, uint32_t i, const struct tc_shape *polygon,
                           struct hits *hits)
{
    const struct slot *s = &x->slots[i];
    if (s->id && gis__point_in_shape(polygon, s->at)) {
        keep(hits, (struct tc_index_hit){.id = s->id, .at = s->at});
    }
}

struct cells {
    int32_t x0;
    int32_t y0;
    int64_t nx;
    int64_t ny;
};

/** The cells that a polygon's box touches. */
static struct cells cells_under(const struct tc_shape *polygon)
{
    struct tc_lonlat low = polygon->points[0];
    struct tc_lonlat high = low;
    for (uint32_t i = 1; i < polygon->point_count; i++) {
        struct tc_lonlat p = polygon->points[i];
        low.lon_e7 = p.lon_e7 < low.lon_e7 ? p.lon_e7 : low.lon_e7;
        low.lat_e7 = p.lat_e7 < low.lat_e7 ? p.lat_e7 : low.lat_e7;
        high.lon_e7 = p.lon_e7 > high.lon_e7 ? p.lon_e7 : high.lon_e7;
        high.lat_e7 = p.lat_e7 > high.lat_e7 ? p.lat_e7 : high.lat_e7;
    }
    struct cells c = {.x0 = cell_number(low.lon_e7), .y0 = cell_number(low.lat_e7)};
    c.nx = (int64_t)cell_number(high.lon_e7) - c.x0 + 1;
    c.ny = (int64_t)cell_number(high.lat_e7) - c.y0 + 1;
    return c;
}

size_t tc_index_inside(const struct tc_index *x, const struct tc_shape *polygon,
                       struct tc_index_hit *out, size_t max)
{
    struct hits hits = {.list = out, .max = max};
    struct cells c = cells_under(polygon);
    if (c.nx * c.ny > x->top) { /* looking at every point is quicker */
        for (uint32_t i = 0; i < x->top; i++) {
            keep_if_inside(x, i, polygon, &hits);
        }
        sort_hits(&hits);
        return hits.found;
    }
    for (int64_t k = 0; k < c.nx * c.ny; k++) {
        uint64_t cell = cell_key(c.x0 + (int32_t)(k % c.nx), c.y0 + (int32_t)(k / c.nx));
        for (uint32_t i = first_in(x, cell); i != NO_SLOT; i = x->slots[i].next) {
            keep_if_inside(x, i, polygon, &hits);
        }
    }
    sort_hits(&hits);
    return hits.found;
}
