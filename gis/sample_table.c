/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "gis/gis_int.h"
#include "gis/sample_int.h"

#define FILE_BYTES_MAX ((size_t)4 * 1024 * 1024)

static tc_err read_file(struct tc_arena *a, const char *dir, struct sample__table *t, size_t *len,
                        char *why)
{
    char path[512];
    tc_str_format(path, sizeof path, "%s/%s", dir, t->name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        gis__why(why, "Cannot read %s. 无法读取文件 %s。", path, t->name);
        return TC_ENOTFOUND;
    }
    struct tc_buf text = {.max = FILE_BYTES_MAX};
    uint8_t block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0) {
        tc_buf_put(&text, block, n);
    }
    bool is_bad = ferror(file) || text.is_full;
    fclose(file);
    tc_err err = TC_OK;
    if (is_bad || !tc_str_is_utf8(tc_buf_str(&text))) {
        gis__why(why, "%s is too long, unreadable or not UTF-8. 文件 %s 过长、损坏或不是 UTF-8。",
                 t->name, t->name);
        err = TC_EMALFORMED;
    } else {
        t->text = tc_arena_copy(a, text.bytes, text.len);
        *len = text.len;
    }
    tc_buf_finish(&text);
    return err;
}

/** Take what stands before `stop` off the front. */
static struct tc_str take_until(struct tc_str *text, char stop)
{
    const char *end = text->len ? memchr(text->at, stop, text->len) : NULL;
    size_t len = end ? (size_t)(end - text->at) : text->len;
    struct tc_str taken = {.at = text->at, .len = len};
    size_t step = end ? len + 1 : len;
    text->at += step;
    text->len -= step;
    return taken;
}

static tc_err split_row(struct sample__table *t, uint32_t row, struct tc_str line, char *why)
{
    for (uint32_t c = 0; c < t->column_count; c++) {
        if (c > 0 && line.at[-1] != '\t') {
            return sample__refuse(t, row, "a column is missing", "缺少列", why);
        }
        t->cells[(size_t)row * t->column_count + c] = take_until(&line, '\t');
    }
    return line.len ? sample__refuse(t, row, "there are too many columns", "列数过多", why) : TC_OK;
}

tc_err sample__read(struct tc_arena *a, const char *dir, const char *name, const char *header,
                    struct sample__table *out, char *why)
{
    *out = (struct sample__table){.name = name, .column_count = 1};
    size_t len = 0;
    tc_err err = read_file(a, dir, out, &len, why);
    if (err) {
        return err;
    }
    struct tc_str text = {.at = out->text, .len = len};
    if (!tc_str_is(take_until(&text, '\n'), header)) {
        gis__why(why, "%s: the first line must name the columns: %s. 首行应为列名。", name, header);
        return TC_EMALFORMED;
    }
    for (const char *p = header; *p; p++) {
        out->column_count += *p == '\t';
    }
    uint32_t room = 1;
    for (size_t i = 0; i < text.len; i++) {
        room += text.at[i] == '\n';
    }
    out->cells = tc_arena_alloc(a, (size_t)room * out->column_count * sizeof *out->cells);
    while (text.len) {
        struct tc_str line = take_until(&text, '\n');
        if (line.len == 0) {
            continue;
        }
        err = split_row(out, out->row_count, line, why);
        if (err) {
            return err;
        }
        out->row_count++;
    }
    return TC_OK;
}

tc_err sample__refuse(const struct sample__table *t, uint32_t row, const char *en, const char *zh,
                      char *why)
{
    gis__why(why, "%s line %u: %s. %s 第 %u 行：%s。", t->name, row + 2, en, t->name, row + 2, zh);
    return TC_EMALFORMED;
}

tc_err sample__lonlat(const struct sample__table *t, uint32_t row, uint32_t col,
                      struct tc_lonlat *out, char *why)
{
    int64_t lon = 0;
    int64_t lat = 0;
    if (tc_str_to_fixed(sample__cell(t, row, col), 7, &lon) ||
        tc_str_to_fixed(sample__cell(t, row, col + 1), 7, &lat) || lon < -1800000000 ||
        lon > 1800000000 || lat < -900000000 || lat > 900000000) {
        return sample__refuse(t, row, "longitude or latitude is no number of degrees", "经纬度无效",
                              why);
    }
    *out = (struct tc_lonlat){.lon_e7 = (int32_t)lon, .lat_e7 = (int32_t)lat};
    return TC_OK;
}

bool sample__next_word(struct tc_str *list, struct tc_str *word)
{
    do {
        if (list->len == 0) {
            return false;
        }
        *word = take_until(list, ' ');
    } while (word->len == 0);
    return true;
}
