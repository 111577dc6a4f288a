/* SPDX-License-Identifier: Apache-2.0 */
/** gis/sample_int.h - what the files that build the sample district share. */
#pragma once

#include "core/base/mem.h"
#include "core/base/pool.h"
#include "gis/gpkg.h"
#include "gis/layers.h"
#include "gis/store.h"

#define SAMPLE__COLUMNS_MAX 8

/** A text file of tab separated rows, the first of which names the columns. */
struct sample__table {
    const char *name; /* file name, for sentences */
    char *text;
    struct tc_str *cells; /* row_count * column_count */
    uint32_t column_count;
    uint32_t row_count;
};

TC_MUST_USE tc_err sample__read(struct tc_arena *a, const char *dir, const char *name,
                                const char *header, struct sample__table *out, char *why);
static inline struct tc_str sample__cell(const struct sample__table *t, uint32_t row, uint32_t col)
{
    return t->cells[(size_t)row * t->column_count + col];
}
/** Refuse a row in both languages. */
tc_err sample__refuse(const struct sample__table *t, uint32_t row, const char *en, const char *zh,
                      char *why);
/** Two cells of degrees. */
TC_MUST_USE tc_err sample__lonlat(const struct sample__table *t, uint32_t row, uint32_t col,
                                  struct tc_lonlat *out, char *why);
/** The next word of a blank separated list; false at its end. */
bool sample__next_word(struct tc_str *list, struct tc_str *word);

struct sample__build {
    struct tc_arena arena;
    struct gis__db *db;
    struct sample__table subdistricts;
    struct sample__table communities;
    struct sample__table crossings;
    struct sample__table roads;
    struct sample__table sites;
    struct gis__outline *borders; /* per subdistrict */
    struct tc_lonlat *corners;    /* per crossing */
    char *why;
};

/** Cuts the sub-districts into unit grids and writes layers grids and communities. */
TC_MUST_USE tc_err sample__write_grids(struct sample__build *b);

struct sample__row {
    enum tc_layer layer;
    struct tc_str id;
    struct tc_str name_zh;
    struct tc_str name_en;
    struct tc_str attributes;
    struct tc_shape shape;
};
TC_MUST_USE tc_err sample__write_row(struct sample__build *b, const struct sample__row *row);
