/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <proj.h>

#include "core/base/mem.h"
#include "gis/coord.h"
#include "gis/gis_int.h"

enum crs_kind { KIND_DEGREES, KIND_GCJ, KIND_BD, KIND_PLANE, KIND_SITE };

struct system {
    const char *name;
    enum crs_kind kind;
    struct tc_xy least; /* what a plane system's numbers can be, in or near China */
    struct tc_xy most;
};

#define ZONE_3_DEG(prefix)    \
    {(prefix) + 1e5, 1.5e6},  \
    {                         \
        (prefix) + 9e5, 6.2e6 \
    }

static const struct system systems[] = {
    {"EPSG:4326", KIND_DEGREES, {0, 0}, {0, 0}},
    {"EPSG:4490", KIND_DEGREES, {0, 0}, {0, 0}},
    {"GCJ-02", KIND_GCJ, {0, 0}, {0, 0}},
    {"BD-09", KIND_BD, {0, 0}, {0, 0}},
    {"EPSG:4547", KIND_PLANE, ZONE_3_DEG(0)},
    {"EPSG:4526", KIND_PLANE, ZONE_3_DEG(38e6)},
    {"EPSG:4497", KIND_PLANE, ZONE_3_DEG(19e6)},
    {"EPSG:4498", KIND_PLANE, ZONE_3_DEG(20e6)},
    {"EPSG:32649", KIND_PLANE, ZONE_3_DEG(0)},
    {"EPSG:32650", KIND_PLANE, ZONE_3_DEG(0)},
    {"EPSG:3857", KIND_PLANE, {-20037509, -20037509}, {20037509, 20037509}},
    {"EPSG:2326", KIND_PLANE, {7e5, 7e5}, {9.5e5, 9.5e5}},
};

static const struct {
    const char *plain; /* upper case, without '-', '_' and blanks */
    uint8_t system;
} aliases[] = {
    {"WGS84", 0}, {"CGCS2000", 1}, {"GCJ02", 2}, {"BD09", 3}, {"BD09LL", 3},
};

/** Systems whose datum PROJ would silently take for WGS 84, or pick a wrong shift for. */
static const struct {
    const char *name;
    const char *zh;
    const char *en;
} refused[] = {
    {"EPSG:4610", "西安 1980", "Xi'an 1980"},   {"EPSG:2383", "西安 1980", "Xi'an 1980"},
    {"EPSG:2362", "西安 1980", "Xi'an 1980"},   {"EPSG:4214", "北京 1954", "Beijing 1954"},
    {"EPSG:2435", "北京 1954", "Beijing 1954"}, {"EPSG:2414", "北京 1954", "Beijing 1954"},
    {"EPSG:4555", "新北京 54", "New Beijing"},  {"EPSG:4795", "新北京 54", "New Beijing"},
    {"XIAN80", "西安 1980", "Xi'an 1980"},      {"XIAN1980", "西安 1980", "Xi'an 1980"},
    {"BEIJING54", "北京 1954", "Beijing 1954"}, {"BEIJING1954", "北京 1954", "Beijing 1954"},
};

#define SYSTEM_COUNT TC_COUNT_OF(systems)
#define NAME_MAX     40

struct entry {
    char name[NAME_MAX];
    char plain[NAME_MAX];
    enum crs_kind kind;
    const struct system *system; /* NULL for a site's own */
    PJ *to_degrees;              /* x first on both sides; NULL when no PROJ is needed */
};

struct tc_crs_table {
    PJ_CONTEXT *context;
    size_t count;
    struct entry entries[SYSTEM_COUNT + TC_CRS_SITES_MAX];
};

static char upper(char c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (c >= 'a' && c <= 'z') {
        c = letters[c - 'a'];
    }
    return c;
}

/** Upper case, without what people vary. False when it does not fit. */
static bool plain_name(struct tc_str name, char out[NAME_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '-' || c == '_' || c == ' ') {
            continue;
        }
        if (len + 1 >= NAME_MAX) {
            return false;
        }
        out[len++] = upper(c);
    }
    out[len] = '\0';
    return len > 0;
}

static tc_err add_entry(struct tc_crs_table *t, const char *name, const struct system *system,
                        PJ *raw, char *why)
{
    struct entry *e = &t->entries[t->count];
    if (!tc_str_put(e->name, sizeof e->name, tc_str_of(name)) ||
        !plain_name(tc_str_of(name), e->plain)) {
        proj_destroy(raw);
        gis__why(why, "Name of a coordinate system is empty or too long. 坐标系名称为空或过长。");
        return TC_EINVAL;
    }
    e->system = system;
    e->kind = system ? system->kind : KIND_SITE;
    e->to_degrees = raw;
    t->count++;
    return TC_OK;
}

static tc_err add_system(struct tc_crs_table *t, const struct system *s, char *why)
{
    if (s->kind != KIND_PLANE) {
        return add_entry(t, s->name, s, NULL, why);
    }
    PJ *raw = proj_create_crs_to_crs(t->context, s->name, "EPSG:4326", NULL);
    PJ *normal = raw ? proj_normalize_for_visualization(t->context, raw) : NULL;
    proj_destroy(raw);
    if (!normal) {
        gis__why(why, "PROJ cannot make %s (is proj.db there?). PROJ 无法建立 %s。", s->name,
                 s->name);
        return TC_EUNSUPPORTED;
    }
    return add_entry(t, s->name, s, normal, why);
}

static tc_err add_site(struct tc_crs_table *t, const struct tc_crs_site *site, char *why)
{
    PJ *pipeline = proj_create(t->context, site->pipeline);
    if (!pipeline) {
        gis__why(why,
                 "Coordinate system %s: PROJ refuses its pipeline. 坐标系 %s 的 PROJ 转换串无效。",
                 site->name, site->name);
        return TC_EINVAL;
    }
    return add_entry(t, site->name, NULL, pipeline, why);
}

/** A known point must come out where cs2cs put it, to the centimetre, in both directions. */
static tc_err check_known_point(const struct tc_crs_table *t, char *why)
{
    const struct tc_xy plane = {.x = 505554.6391, .y = 2494040.7595};
    const struct tc_lonlat place = {.lon_e7 = 1140540000, .lat_e7 = 225440000};
    struct tc_lonlat there;
    struct tc_xy back;
    tc_crs crs;
    tc_err err = tc_crs_parse(t, TC_STR("EPSG:4547"), &crs, why);
    if (!err) {
        err = tc_crs_to_lonlat(t, crs, plane, &there, why);
    }
    if (!err) {
        err = tc_crs_from_lonlat(t, crs, place, &back, why);
    }
    if (err) {
        return err;
    }
    if (tc_distance_m(place, there) > 0.02 || fabs(back.x - plane.x) > 0.02 ||
        fabs(back.y - plane.y) > 0.02) {
        gis__why(why, "PROJ puts the known point of EPSG:4547 elsewhere: wrong axes or a broken "
                      "proj.db. PROJ 自检点偏移，请检查 proj.db。");
        return TC_EUNSUPPORTED;
    }
    return TC_OK;
}

tc_err tc_crs_table_create(const struct tc_crs_site *sites, size_t site_count,
                           struct tc_crs_table **out, char why[TC_WHY_MAX])
{
    *out = NULL;
    if (site_count > TC_CRS_SITES_MAX) {
        gis__why(why, "More than %d coordinate systems of the site's own. 自定义坐标系超过 %d 个。",
                 TC_CRS_SITES_MAX, TC_CRS_SITES_MAX);
        return TC_EFULL;
    }
    gis__why(why, "Out of memory. 内存不足。");
    struct tc_crs_table *t = tc_alloc(sizeof *t);
    if (!t) {
        return TC_ENOMEM;
    }
    tc_err err = TC_OK;
    t->context = proj_context_create();
    if (!t->context) {
        err = TC_ENOMEM;
        goto out;
    }
    proj_log_level(t->context, PJ_LOG_NONE);
    for (size_t i = 0; i < SYSTEM_COUNT && !err; i++) {
        err = add_system(t, &systems[i], why);
    }
    for (size_t i = 0; i < site_count && !err; i++) {
        err = add_site(t, &sites[i], why);
    }
    if (!err) {
        err = check_known_point(t, why);
    }
out:
    if (err) {
        tc_crs_table_destroy(t);
        return err;
    }
    *out = t;
    return TC_OK;
}

void tc_crs_table_destroy(struct tc_crs_table *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        proj_destroy(t->entries[i].to_degrees);
    }
    if (t->context) {
        proj_context_destroy(t->context);
    }
    tc_free(t);
}

tc_err tc_crs_parse(const struct tc_crs_table *t, struct tc_str name, tc_crs *out,
                    char why[TC_WHY_MAX])
{
    char plain[NAME_MAX];
    *out = TC_CRS_WGS84;
    if (!plain_name(name, plain)) {
        gis__why(why, "No coordinate system is named. 未给出坐标系名称。");
        return TC_EINVAL;
    }
    for (size_t i = t->count; i-- > 0;) { /* a site's own definition goes first */
        if (strcmp(t->entries[i].plain, plain) == 0) {
            out->v = (uint8_t)i;
            return TC_OK;
        }
    }
    for (size_t i = 0; i < TC_COUNT_OF(aliases); i++) {
        if (strcmp(aliases[i].plain, plain) == 0) {
            out->v = aliases[i].system;
            return TC_OK;
        }
    }
    for (size_t i = 0; i < TC_COUNT_OF(refused); i++) {
        if (strcmp(refused[i].name, plain) == 0) {
            gis__why(
                why,
                "%s (%s) has no public shift to WGS 84: guessing is tens of metres wrong; give "
                "the site's PROJ pipeline. %s坐标须由本地提供 PROJ 转换参数。",
                plain, refused[i].en, refused[i].zh);
            return TC_EUNSUPPORTED;
        }
    }
    gis__why(why, "Coordinate system %s is not known here; give a PROJ pipeline. 未知坐标系 %s。",
             plain, plain);
    return TC_EUNSUPPORTED;
}

const char *tc_crs_name(const struct tc_crs_table *t, tc_crs crs)
{
    TC_REQUIRE(crs.v < t->count);
    return t->entries[crs.v].name;
}

static tc_err check_degrees(struct tc_xy p, const char *name, char *why)
{
    if (fabs(p.x) <= 180 && fabs(p.y) <= 90) {
        return TC_OK;
    }
    if (fabs(p.x) <= 90 && fabs(p.y) <= 180) {
        gis__why(why,
                 "%s: %.6f %.6f looks like latitude first; longitude comes first. "
                 "疑似纬度在前，应先经度后纬度。",
                 name, p.x, p.y);
    } else {
        gis__why(why,
                 "%s: %.3f %.3f are no degrees; metres of another system? "
                 "数值不是经纬度，疑似平面坐标。",
                 name, p.x, p.y);
    }
    return TC_EINVAL;
}

static tc_err check_plane(const struct system *s, struct tc_xy p, char *why)
{
    if (p.x >= s->least.x && p.x <= s->most.x && p.y >= s->least.y && p.y <= s->most.y) {
        return TC_OK;
    }
    bool is_4547 = strcmp(s->name, "EPSG:4547") == 0;
    bool is_4526 = strcmp(s->name, "EPSG:4526") == 0;
    if (is_4547 && (p.x >= 1e7 || p.y >= 1e7)) {
        gis__why(why,
                 "EPSG:4547: easting %.0f carries a zone number; is the system EPSG:4526? "
                 "东坐标带有带号，坐标系可能是 EPSG:4526。",
                 p.x >= 1e7 ? p.x : p.y);
    } else if (is_4526 && p.x < 1e6 && p.x > 1e5) {
        gis__why(why,
                 "EPSG:4526: easting %.0f lacks zone number 38; is the system EPSG:4547? "
                 "东坐标缺少带号，坐标系可能是 EPSG:4547。",
                 p.x);
    } else if (p.y >= s->least.x && p.y <= s->most.x && p.x >= s->least.y && p.x <= s->most.y) {
        gis__why(why,
                 "%s: %.1f %.1f looks like northing first; easting comes first. "
                 "疑似北坐标在前，应先东后北。",
                 s->name, p.x, p.y);
    } else {
        gis__why(why, "%s: %.1f %.1f lies outside what this system covers. 坐标超出 %s 的范围。",
                 s->name, p.x, p.y, s->name);
    }
    return TC_EINVAL;
}

static tc_err to_e7(const char *name, struct tc_xy degrees, struct tc_lonlat *out, char *why)
{
    tc_err err = check_degrees(degrees, name, why);
    if (!err) {
        out->lon_e7 = (int32_t)lround(degrees.x * 1e7);
        out->lat_e7 = (int32_t)lround(degrees.y * 1e7);
    }
    return err;
}

/** HUGE_VAL is how PROJ says no. */
static tc_err check_answer(const struct entry *e, struct tc_xy p, char *why)
{
    if (isfinite(p.x) && isfinite(p.y)) {
        return TC_OK;
    }
    gis__why(why, "%s: PROJ has no answer for this point. PROJ 无法转换该点（%s）。", e->name,
             e->name);
    return TC_EINVAL;
}

/** A PJ keeps its last error in itself; the table is its owner's alone, so const is kept outside.
 */
static struct tc_xy transform(const struct entry *e, PJ_DIRECTION direction, struct tc_xy from)
{
    PJ_COORD there = proj_trans(e->to_degrees, direction, proj_coord(from.x, from.y, 0, 0));
    if (proj_errno(e->to_degrees) != 0) {
        proj_errno_reset(e->to_degrees);
    }
    return (struct tc_xy){.x = there.xy.x, .y = there.xy.y};
}

tc_err tc_crs_to_lonlat(const struct tc_crs_table *t, tc_crs crs, struct tc_xy from,
                        struct tc_lonlat *out, char why[TC_WHY_MAX])
{
    TC_REQUIRE(crs.v < t->count);
    const struct entry *e = &t->entries[crs.v];
    *out = (struct tc_lonlat){0};
    if (!isfinite(from.x) || !isfinite(from.y)) {
        gis__why(why, "%s: a coordinate is not a number. 坐标不是有效数字。", e->name);
        return TC_EINVAL;
    }
    tc_err err = TC_OK;
    if (e->kind == KIND_PLANE) {
        err = check_plane(e->system, from, why);
    } else if (e->kind != KIND_SITE) {
        err = check_degrees(from, e->name, why);
    }
    if (err) {
        return err;
    }
    struct tc_xy degrees = from;
    if (e->to_degrees) {
        degrees = transform(e, PJ_FWD, from);
        err = check_answer(e, degrees, why);
    } else if (e->kind == KIND_GCJ) {
        degrees = tc_wgs_from_gcj(from);
    } else if (e->kind == KIND_BD) {
        degrees = tc_wgs_from_gcj(tc_gcj_from_bd(from));
    }
    return err ? err : to_e7(e->name, degrees, out, why);
}

tc_err tc_crs_from_lonlat(const struct tc_crs_table *t, tc_crs crs, struct tc_lonlat from,
                          struct tc_xy *out, char why[TC_WHY_MAX])
{
    TC_REQUIRE(crs.v < t->count);
    const struct entry *e = &t->entries[crs.v];
    struct tc_xy degrees = {.x = from.lon_e7 * 1e-7, .y = from.lat_e7 * 1e-7};
    *out = degrees;
    tc_err err = check_degrees(degrees, "WGS 84", why);
    if (err) {
        return err;
    }
    if (e->kind == KIND_GCJ) {
        *out = tc_gcj_from_wgs(degrees);
    } else if (e->kind == KIND_BD) {
        *out = tc_bd_from_gcj(tc_gcj_from_wgs(degrees));
    } else if (e->to_degrees) {
        *out = transform(e, PJ_INV, degrees);
        err = check_answer(e, *out, why);
        if (!err && e->system) {
            err = check_plane(e->system, *out, why);
        }
    }
    return err;
}
