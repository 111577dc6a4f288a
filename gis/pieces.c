/* SPDX-License-Identifier: Apache-2.0 */
#include "gis/pieces.h"

#include <math.h>

#include "core/base/mem.h"
#include "gis/gis_int.h"

#define CELL_M    100.0
#define CELLS_MAX 4000000.0

struct cell {
    int64_t x;
    int64_t y;
};

struct gis__pieces {
    struct gis__piece *pieces;
    uint32_t count;
    struct tc_lonlat low;
    double cell_lon_e7;
    double cell_lat_e7;
    double cell_m; /* no cell is narrower */
    int64_t nx;
    int64_t ny;
    uint32_t *starts; /* nx * ny + 1 */
    uint32_t *items;
};

static struct cell cell_of(const struct gis__pieces *p, struct tc_lonlat at)
{
    double x = ((double)at.lon_e7 - p->low.lon_e7) / p->cell_lon_e7;
    double y = ((double)at.lat_e7 - p->low.lat_e7) / p->cell_lat_e7;
    return (struct cell){.x = (int64_t)floor(x), .y = (int64_t)floor(y)};
}

static void lay_out(struct gis__pieces *p)
{
    struct tc_lonlat low = p->count ? p->pieces[0].a : (struct tc_lonlat){0};
    struct tc_lonlat high = low;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct tc_lonlat ends[2] = {p->pieces[i].a, p->pieces[i].b};
        for (unsigned k = 0; k < 2; k++) {
            low.lon_e7 = ends[k].lon_e7 < low.lon_e7 ? ends[k].lon_e7 : low.lon_e7;
            low.lat_e7 = ends[k].lat_e7 < low.lat_e7 ? ends[k].lat_e7 : low.lat_e7;
            high.lon_e7 = ends[k].lon_e7 > high.lon_e7 ? ends[k].lon_e7 : high.lon_e7;
            high.lat_e7 = ends[k].lat_e7 > high.lat_e7 ? ends[k].lat_e7 : high.lat_e7;
        }
    }
    double farthest_lat = fmax(fabs((double)low.lat_e7), fabs((double)high.lat_e7));
    struct gis__scale s = gis__scale_at(fmin(farthest_lat, 89e7));
    double width = (double)high.lon_e7 - low.lon_e7 + 1;
    double height = (double)high.lat_e7 - low.lat_e7 + 1;
    p->low = low;
    p->cell_m = CELL_M;
    while (width * s.m_per_lon_e7 / p->cell_m * (height * s.m_per_lat_e7 / p->cell_m) > CELLS_MAX) {
        p->cell_m *= 2;
    }
    p->cell_lon_e7 = p->cell_m / s.m_per_lon_e7;
    p->cell_lat_e7 = p->cell_m / s.m_per_lat_e7;
    p->cell_m *=
        0.98; /* the scale south of `farthest_lat` and of the asking point differ a little */
    p->nx = (int64_t)(width / p->cell_lon_e7) + 1;
    p->ny = (int64_t)(height / p->cell_lat_e7) + 1;
}

/** Count the cells that a piece's box touches, or write the piece into them. */
static void spread(struct gis__pieces *p, uint32_t piece, bool write)
{
    struct cell a = cell_of(p, p->pieces[piece].a);
    struct cell b = cell_of(p, p->pieces[piece].b);
    for (int64_t y = a.y < b.y ? a.y : b.y; y <= (a.y < b.y ? b.y : a.y); y++) {
        for (int64_t x = a.x < b.x ? a.x : b.x; x <= (a.x < b.x ? b.x : a.x); x++) {
            uint32_t *place = &p->starts[y * p->nx + x];
            if (write) {
                p->items[--*place] = piece;
            } else {
                ++*place;
            }
        }
    }
}

tc_err gis__pieces_create(struct gis__piece *pieces, uint32_t count, struct gis__pieces **out)
{
    *out = NULL;
    struct gis__pieces *p = tc_alloc(sizeof *p);
    if (!p) {
        tc_free(pieces);
        return TC_ENOMEM;
    }
    p->pieces = pieces;
    p->count = count;
    lay_out(p);
    size_t cells = (size_t)(p->nx * p->ny);
    p->starts = tc_alloc((cells + 1) * sizeof *p->starts);
    if (!p->starts) {
        gis__pieces_destroy(p);
        return TC_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        spread(p, i, false);
    }
    for (size_t i = 1; i <= cells; i++) {
        p->starts[i] += p->starts[i - 1];
    }
    p->items = tc_alloc(p->starts[cells] * sizeof *p->items);
    if (!p->items) {
        gis__pieces_destroy(p);
        return TC_ENOMEM;
    }
    for (uint32_t i = count; i-- > 0;) { /* backwards: each cell lists its pieces in order */
        spread(p, i, true);
    }
    *out = p;
    return TC_OK;
}

void gis__pieces_destroy(struct gis__pieces *p)
{
    if (!p) {
        return;
    }
    tc_free(p->pieces);
    tc_free(p->starts);
    tc_free(p->items);
    tc_free(p);
}

/** Square of the metres from a point to a piece, in the flat picture around the point. */
static double square_to(const struct gis__piece *piece, struct tc_lonlat from,
                        const struct gis__scale *m)
{
    double ax = ((double)piece->a.lon_e7 - from.lon_e7) * m->m_per_lon_e7;
    double ay = ((double)piece->a.lat_e7 - from.lat_e7) * m->m_per_lat_e7;
    double bx = ((double)piece->b.lon_e7 - piece->a.lon_e7) * m->m_per_lon_e7;
    double by = ((double)piece->b.lat_e7 - piece->a.lat_e7) * m->m_per_lat_e7;
    double length = bx * bx + by * by;
    double t = length > 0 ? -(ax * bx + ay * by) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double x = ax + t * bx;
    double y = ay + t * by;
    return x * x + y * y;
}

struct search {
    const struct gis__pieces *pieces;
    struct tc_lonlat from;
    struct gis__scale scale; /* at `from` */
    uint32_t best;           /* UINT32_MAX: none */
    double best_square;
};

static void look_into(struct search *s, int64_t x, int64_t y)
{
    const struct gis__pieces *p = s->pieces;
    if (x < 0 || y < 0 || x >= p->nx || y >= p->ny) {
        return;
    }
    size_t cell = (size_t)(y * p->nx + x);
    for (uint32_t i = p->starts[cell]; i < p->starts[cell + 1]; i++) {
        uint32_t k = p->items[i];
        double square = square_to(&p->pieces[k], s->from, &s->scale);
        if (square < s->best_square || (square <= s->best_square && k < s->best)) {
            s->best_square = square;
            s->best = k;
        }
    }
}

/** The cells exactly `r` away from the middle one. */
static void look_at_ring(struct search *s, struct cell middle, int64_t r)
{
    if (r == 0) {
        look_into(s, middle.x, middle.y);
        return;
    }
    for (int64_t d = -r; d <= r; d++) {
        look_into(s, middle.x + d, middle.y - r);
        look_into(s, middle.x + d, middle.y + r);
    }
    for (int64_t d = -r + 1; d < r; d++) {
        look_into(s, middle.x - r, middle.y + d);
        look_into(s, middle.x + r, middle.y + d);
    }
}

const struct gis__piece *gis__pieces_nearest(const struct gis__pieces *p, struct tc_lonlat from,
                                             double within_m, double *distance_m)
{
    struct search s = {.pieces = p,
                       .from = from,
                       .scale = gis__scale_at(from.lat_e7),
                       .best = UINT32_MAX,
                       .best_square = within_m * within_m};
    struct cell middle = cell_of(p, from);
    for (int64_t r = 0;; r++) {
        double seen_m = (double)(r - 1) * p->cell_m; /* nothing nearer is left before ring r */
        if (r > 0 && seen_m * seen_m > s.best_square) {
            break;
        }
        look_at_ring(&s, middle, r);
    }
    *distance_m = sqrt(s.best_square);
    return s.best == UINT32_MAX ? NULL : &p->pieces[s.best];
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

void gis__pieces_within(const struct gis__pieces *p, struct tc_lonlat from, double radius_m,
                        void (*visit)(void *self, const struct gis__piece *piece), void *self)
{
    struct gis__scale s = gis__scale_at(from.lat_e7);
    int64_t rx = (int64_t)(radius_m * 1.01 / s.m_per_lon_e7 / p->cell_lon_e7) + 1;
    int64_t ry = (int64_t)(radius_m * 1.01 / s.m_per_lat_e7 / p->cell_lat_e7) + 1;
    struct cell middle = cell_of(p, from);
    int64_t x0 = clamp(middle.x - rx, 0, p->nx);
    int64_t x1 = clamp(middle.x + rx + 1, 0, p->nx);
    int64_t y0 = clamp(middle.y - ry, 0, p->ny);
    int64_t y1 = clamp(middle.y + ry + 1, 0, p->ny);
    for (int64_t y = y0; y < y1 && x0 < x1; y++) {
        /* cells of one row lie side by side */
        uint32_t end = p->starts[y * p->nx + x1];
        for (uint32_t i = p->starts[y * p->nx + x0]; i < end; i++) {
            const struct gis__piece *piece = &p->pieces[p->items[i]];
            if (square_to(piece, from, &s) <= radius_m * radius_m) {
                visit(self, piece);
            }
        }
    }
}
