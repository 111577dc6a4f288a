/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/ini.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t') {
        s++;
    }
    char *end = s + strlen(s);
    while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) {
        *--end = '\0';
    }
    return s;
}

static const char *keep(struct tc_ini *ini, const char *text)
{
    return tc_arena_copy(&ini->arena, text, strlen(text));
}

static void add(struct tc_ini *ini, const struct tc_ini_entry *entry)
{
    if (ini->count == ini->room) {
        ini->room = ini->room ? ini->room * 2 : 32;
        ini->entries = tc_realloc(ini->entries, ini->room * sizeof *ini->entries);
        TC_REQUIRE(ini->entries != NULL);
    }
    ini->entries[ini->count++] = *entry;
}

static const struct tc_ini_entry *find(const struct tc_ini *ini, const char *section,
                                       const char *name)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->entries[i].section, section) == 0 &&
            strcmp(ini->entries[i].name, name) == 0) {
            return &ini->entries[i];
        }
    }
    return NULL;
}

static const char *read_line(struct tc_ini *ini, char *text, int line, const char **section)
{
    char *s = trim(text);
    size_t len = strlen(s);
    if (len == 0 || s[0] == '#') {
        return NULL;
    }
    if (s[0] == '[') {
        if (s[len - 1] != ']') {
            return "a section must end with ]";
        }
        s[len - 1] = '\0';
        *section = keep(ini, trim(s + 1));
        return NULL;
    }
    char *equals = strchr(s, '=');
    if (!equals) {
        return "expected 'name = value'";
    }
    *equals = '\0';
    struct tc_ini_entry e = {.section = *section,
                             .name = keep(ini, trim(s)),
                             .value = keep(ini, trim(equals + 1)),
                             .line = line};
    if (!e.section) {
        return "a [section] must come first";
    }
    if (find(ini, e.section, e.name)) {
        return "this name is given twice in its section";
    }
    add(ini, &e);
    return NULL;
}

tc_err tc_ini_read(struct tc_ini *ini, const char *path, char why[static TC_WHY_MAX])
{
    *ini = (struct tc_ini){0};
    ini->path = keep(ini, path);
    FILE *file = fopen(path, "r");
    if (!file) {
        char text[128] = "";
        (void)strerror_r(errno, text, sizeof text);
        (void)tc_str_format(why, TC_WHY_MAX, "cannot open %s: %s", path, text);
        return TC_EIO;
    }
    char row[1024];
    const char *section = NULL;
    const char *wrong = NULL;
    int line = 0;
    while (!wrong && fgets(row, sizeof row, file)) {
        line++;
        wrong = strchr(row, '\n') || feof(file) ? read_line(ini, row, line, &section)
                                                : "line is longer than 1,000 bytes";
    }
    (void)fclose(file);
    if (wrong) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s:%d: %s", path, line, wrong);
        return TC_EMALFORMED;
    }
    return TC_OK;
}

void tc_ini_finish(struct tc_ini *ini)
{
    tc_arena_finish(&ini->arena);
    tc_free(ini->entries);
    *ini = (struct tc_ini){0};
}

const char *tc_ini_get(struct tc_ini *ini, const char *section, const char *name,
                       const char *fallback)
{
    for (size_t i = 0; i < ini->count; i++) {
        struct tc_ini_entry *e = &ini->entries[i];
        if (strcmp(e->section, section) == 0 && strcmp(e->name, name) == 0) {
            e->was_read = true;
            return e->value;
        }
    }
    return fallback;
}

const char *tc_ini_section(const struct tc_ini *ini, const char *prefix, size_t i)
{
    const char *last = "";
    size_t found = 0;
    for (size_t k = 0; k < ini->count; k++) {
        const char *section = ini->entries[k].section;
        if (strncmp(section, prefix, strlen(prefix)) != 0 || strcmp(section, last) == 0) {
            continue;
        }
        last = section;
        if (found++ == i) {
            return section;
        }
    }
    return NULL;
}

tc_err tc_ini_all_read(const struct tc_ini *ini, char why[static TC_WHY_MAX])
{
    for (size_t i = 0; i < ini->count; i++) {
        const struct tc_ini_entry *e = &ini->entries[i];
        if (!e->was_read) {
            (void)tc_str_format(why, TC_WHY_MAX, "%s:%d: [%s] knows no '%s'", ini->path, e->line,
                                e->section, e->name);
            return TC_EINVAL;
        }
    }
    return TC_OK;
}

const char *tc_ini_path(struct tc_ini *ini, const char *path)
{
    const char *slash = strrchr(ini->path, '/');
    if (path[0] == '/' || !slash) {
        return path;
    }
    size_t dir = (size_t)(slash - ini->path) + 1;
    char *joined = tc_arena_alloc(&ini->arena, dir + strlen(path) + 1);
    memcpy(joined, ini->path, dir);
    memcpy(joined + dir, path, strlen(path) + 1);
    return joined;
}
