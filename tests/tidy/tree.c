/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/tidy/tidy.h"

#define PATH_BYTES 512

static const char *const walked[] = {"core",  "gis",     "dispatch", "scripts", "plans",
                                     "tests", "clients", "docs",     NULL};
static const char *const single[] = {"tocsin.c", "CMakeLists.txt", "README.md", NULL};
static const char *const skipped[] = {"node_modules", "dist", "build", NULL};

bool tidy_ends_with(struct tc_str s, const char *tail)
{
    size_t len = strlen(tail);
    return s.len >= len && memcmp(s.at + s.len - len, tail, len) == 0;
}

bool tidy_is_under(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

void tidy_say(struct tidy_tree *t, const struct tidy_file *f, size_t offset, const char *rule,
              const char *format, ...)
{
    TC_REQUIRE(t->finding_count < TIDY_FINDINGS_MAX);
    struct tidy_finding *finding = &t->findings[t->finding_count++];
    *finding = (struct tidy_finding){.path = f->path, .line = 1, .rule = rule};
    for (size_t i = 0; i < offset && i < f->raw.len; i++) {
        finding->line += f->raw.at[i] == '\n';
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

struct tc_str tidy_read(struct tidy_tree *t, const char *path)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &about) != 0) {
        if (file) {
            (void)fclose(file);
        }
        return (struct tc_str){0};
    }
    size_t size = (size_t)about.st_size;
    char *bytes = tc_arena_alloc(&t->arena, size + 1);
    size_t len = fread(bytes, 1, size, file);
    (void)fclose(file);
    return (struct tc_str){.at = bytes, .len = len};
}

static enum tidy_kind kind_of(struct tc_str name)
{
    static const struct {
        const char *tail;
        enum tidy_kind kind;
    } kinds[] = {{".c", TIDY_C},         {".h", TIDY_C},    {".def", TIDY_DEF},
                 {".lua", TIDY_LUA},     {".ts", TIDY_TS},  {"CMakeLists.txt", TIDY_CMAKE},
                 {".cmake", TIDY_CMAKE}, {".md", TIDY_PAGE}};
    for (size_t i = 0; i < TC_COUNT_OF(kinds); i++) {
        if (tidy_ends_with(name, kinds[i].tail)) {
            return kinds[i].kind;
        }
    }
    return TIDY_OTHER;
}

/** False when it cannot be read; a file that no rule looks at is fine. */
static bool take_file(struct tidy_tree *t, const char *path)
{
    struct tc_str name = tc_str_of(path);
    if (!tidy_ends_with(name, t->suffix)) {
        return true;
    }
    name.len -= strlen(t->suffix);
    enum tidy_kind kind = kind_of(name);
    if (kind == TIDY_OTHER) {
        return true;
    }
    char whole[PATH_BYTES];
    (void)tc_str_format(whole, sizeof whole, "%s/%s", t->root, path);
    struct tc_str raw = tidy_read(t, whole);
    if (!raw.at) {
        return false;
    }
    TC_REQUIRE(t->file_count < TIDY_FILES_MAX);
    struct tidy_file *f = &t->files[t->file_count++];
    *f = (struct tidy_file){
        .path = tc_arena_copy(&t->arena, name.at, name.len), .kind = kind, .raw = raw};
    tidy_strip(t, f);
    return true;
}

static bool is_skipped(const char *path, const char *name)
{
    for (size_t i = 0; skipped[i]; i++) {
        if (strcmp(name, skipped[i]) == 0) {
            return true;
        }
    }
    return name[0] == '.' || strcmp(path, "tests/tidy/cases") == 0;
}

static bool walk(struct tidy_tree *t, const char *folder)
{
    char whole[PATH_BYTES];
    (void)tc_str_format(whole, sizeof whole, "%s/%s", t->root, folder);
    DIR *d = opendir(whole);
    if (!d) {
        return errno == ENOENT;
    }
    bool is_read = true;
    const struct dirent *entry = NULL;
    while ((entry = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char path[PATH_BYTES];
        struct stat about;
        (void)tc_str_format(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)tc_str_format(whole, sizeof whole, "%s/%s", t->root, path);
        if (is_skipped(path, entry->d_name) || lstat(whole, &about) != 0) {
            continue;
        }
        if (S_ISDIR(about.st_mode)) {
            is_read = walk(t, path) && is_read;
        } else if (S_ISREG(about.st_mode)) {
            is_read = take_file(t, path) && is_read;
        }
    }
    (void)closedir(d);
    return is_read;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct tidy_file *)a)->path, ((const struct tidy_file *)b)->path);
}

bool tidy_tree_read(struct tidy_tree *t)
{
    bool is_read = true;
    for (size_t i = 0; walked[i]; i++) {
        is_read = walk(t, walked[i]) && is_read;
    }
    for (size_t i = 0; single[i]; i++) {
        char path[PATH_BYTES];
        (void)tc_str_format(path, sizeof path, "%s%s", single[i], t->suffix);
        (void)take_file(t, path); /* not every tree has each of them */
    }
    qsort(t->files, t->file_count, sizeof t->files[0], by_path);
    return is_read && t->file_count > 0;
}
