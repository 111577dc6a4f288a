/* SPDX-License-Identifier: Apache-2.0 */
/* `tocsin locate` and `tocsin district build`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/cli.h"
#include "gis/locate.h"
#include "gis/sample.h"

#define EXIT_USAGE 2

static int locate_usage(bool is_zh)
{
    (void)fputs(
        is_zh ? "用法: tocsin locate 经度 纬度 [--crs EPSG:4547|GCJ-02|BD-09] [--district 文件]\n"
                "  说明该点所在的单元网格、社区、街道和最近路口。\n"
                "  平面坐标按 东坐标 北坐标 的次序。\n"
              : "usage: tocsin locate LON LAT [--crs EPSG:4547|GCJ-02|BD-09] [--district FILE]\n"
                "  Says grid, community, sub-district and nearest crossing of a point.\n"
                "  Plane coordinates come as easting, northing.\n",
        stderr);
    return EXIT_USAGE;
}

static bool number(const char *text, double *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtod(text, &end);
    return errno == 0 && end != text && *end == '\0';
}

struct locate_options {
    struct tc_xy point;
    const char *crs;
    const char *district;
};

static bool read_locate(int argc, char **argv, struct locate_options *o)
{
    int numbers = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--crs") == 0 && i + 1 < argc) {
            o->crs = argv[++i];
        } else if (strcmp(argv[i], "--district") == 0 && i + 1 < argc) {
            o->district = argv[++i];
        } else if (numbers < 2 && number(argv[i], numbers ? &o->point.y : &o->point.x)) {
            numbers++;
        } else {
            return false;
        }
    }
    return numbers == 2;
}

static void print_place(const struct tc_gis *gis, struct tc_lonlat at, const struct tc_place *p,
                        bool is_zh)
{
    (void)printf("%s %.7f %.7f (WGS 84)\n", is_zh ? "坐标" : "point", at.lon_e7 / 1e7,
                 at.lat_e7 / 1e7);
    (void)printf("%s %s\n", is_zh ? "位置" : "place", is_zh ? p->text_zh : p->text_en);
    (void)printf("%s %s\n", is_zh ? "单元网格" : "unit grid", p->grid[0] ? p->grid : "-");
    (void)printf("%s %s %s\n", is_zh ? "社区" : "community", p->community,
                 is_zh ? p->community_zh : p->community_en);
    (void)printf("%s %s %s\n", is_zh ? "街道" : "sub-district", p->subdistrict,
                 is_zh ? p->subdistrict_zh : p->subdistrict_en);
    for (unsigned bit = 1; bit <= TC_PLACE_NO_ROAD; bit <<= 1) {
        if (p->doubt & bit) {
            (void)printf("! %s\n", tc_place_doubt_text((enum tc_place_doubt)bit, is_zh));
        }
    }
    if (tc_gis_is_sample(gis)) {
        (void)puts(is_zh ? "! 样例数据:街道边界和网格为虚构"
                         : "! sample data: borders and grids are invented");
    }
}

static int locate(const struct locate_options *o, bool is_zh)
{
    char why[TC_WHY_MAX] = "";
    struct tc_gis *gis = NULL;
    struct tc_locator *locator = NULL;
    struct tc_crs_table *table = NULL;
    struct tc_lonlat at = {0};
    tc_crs crs = TC_CRS_WGS84;
    tc_err err = tc_crs_table_create(NULL, 0, &table, why);
    err = err ? err : tc_crs_parse(table, tc_str_of(o->crs), &crs, why);
    err = err ? err : tc_crs_to_lonlat(table, crs, o->point, &at, why);
    err = err ? err : tc_gis_open(o->district, &gis, why);
    err = err ? err : tc_locator_create(gis, &locator, why);
    if (err == TC_OK) {
        struct tc_place place;
        tc_locate(locator, at, &place);
        print_place(gis, at, &place, is_zh);
    } else {
        (void)fprintf(stderr, "tocsin: %s\n", why);
    }
    tc_locator_destroy(locator);
    tc_gis_close(gis);
    tc_crs_table_destroy(table);
    return err == TC_OK ? 0 : 1;
}

int tc_cmd_locate(int argc, char **argv, bool is_zh)
{
    tc_cli_drop_lang(&argc, argv);
    struct locate_options o = {.crs = "WGS84", .district = "var/sample/district.gpkg"};
    return read_locate(argc, argv, &o) ? locate(&o, is_zh) : locate_usage(is_zh);
}

int tc_cmd_district(int argc, char **argv, bool is_zh)
{
    tc_cli_drop_lang(&argc, argv);
    if (argc != 4 || strcmp(argv[1], "build") != 0) {
        (void)fputs(is_zh ? "用法: tocsin district build 目录 文件.gpkg\n"
                          : "usage: tocsin district build DIR FILE.gpkg\n",
                    stderr);
        return EXIT_USAGE;
    }
    char why[TC_WHY_MAX] = "";
    if (tc_sample_build(argv[2], argv[3], why) != TC_OK) {
        (void)fprintf(stderr, "tocsin: %s\n", why);
        return 1;
    }
    (void)printf("%s %s\n", is_zh ? "已生成" : "built", argv[3]);
    return 0;
}
