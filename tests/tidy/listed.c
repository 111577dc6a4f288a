/* SPDX-License-Identifier: Apache-2.0 */
/* Every .c file is named in a CMake file; a name may hold one variable of a foreach. */
#include "tests/tidy/tidy.h"

#define PATH_BYTES 512

static bool is_separator(char c)
{
    return c == ' ' || c == '\n' || c == '(' || c == ')' || c == '"' || c == ';' || c == '\0';
}

static bool next_token(const char *text, size_t *at, struct tc_str *out)
{
    size_t i = *at;
    while (text[i] && is_separator(text[i])) {
        i++;
    }
    size_t start = i;
    while (!is_separator(text[i])) {
        i++;
    }
    *at = i;
    *out = (struct tc_str){.at = text + start, .len = i - start};
    return i > start;
}

static bool has_token(const struct tidy_file *cmake, struct tc_str wanted)
{
    struct tc_str token;
    size_t at = 0;
    while (next_token(cmake->raw.at, &at, &token)) {
        if (tc_str_eq(token, wanted)) {
            return true;
        }
    }
    return false;
}

/** "a/../b" to "b"; the CMake file's folder in front unless the token starts at the root. */
static void whole_path(const struct tidy_file *cmake, struct tc_str token, char *out, size_t size)
{
    static const char *const roots[] = {"${PROJECT_SOURCE_DIR}/", "${src}/"};
    static const char *const heres[] = {"${CMAKE_CURRENT_SOURCE_DIR}/",
                                        "${CMAKE_CURRENT_LIST_DIR}/"};
    const char *slash = strrchr(cmake->path, '/');
    int folder_len = slash ? (int)(slash - cmake->path) + 1 : 0;
    for (size_t i = 0; i < TC_COUNT_OF(roots); i++) {
        size_t len = strlen(roots[i]);
        if (token.len > len && memcmp(token.at, roots[i], len) == 0) {
            token = (struct tc_str){.at = token.at + len, .len = token.len - len};
            folder_len = 0;
        }
        len = strlen(heres[i]);
        if (token.len > len && memcmp(token.at, heres[i], len) == 0) {
            token = (struct tc_str){.at = token.at + len, .len = token.len - len};
        }
    }
    (void)tc_str_format(out, size, "%.*s%.*s", folder_len, cmake->path, (int)token.len, token.at);
    char *up = NULL;
    while ((up = strstr(out, "/../")) != NULL) {
        char *from = up;
        while (from > out && from[-1] != '/') {
            from--;
        }
        memmove(from, up + 4, strlen(up + 4) + 1);
    }
}

/** "unit/test_${x}.c" names unit/test_a.c when the CMake file also holds the word a. */
static bool names(const struct tidy_file *cmake, const char *pattern, const char *path)
{
    const char *open = strstr(pattern, "${");
    const char *close = open ? strchr(open, '}') : NULL;
    if (!close) {
        return strcmp(pattern, path) == 0;
    }
    struct tc_str whole = tc_str_of(path);
    size_t head = (size_t)(open - pattern);
    size_t tail = strlen(close + 1);
    if (whole.len <= head + tail || memcmp(path, pattern, head) != 0 ||
        !tidy_ends_with(whole, close + 1)) {
        return false;
    }
    return has_token(cmake, (struct tc_str){.at = path + head, .len = whole.len - head - tail});
}

static bool is_named_in(const struct tidy_file *cmake, const char *path)
{
    struct tc_str token;
    size_t at = 0;
    while (next_token(cmake->raw.at, &at, &token)) {
        char pattern[PATH_BYTES];
        if (!tidy_ends_with(token, ".c")) {
            continue;
        }
        whole_path(cmake, token, pattern, sizeof pattern);
        if (names(cmake, pattern, path)) {
            return true;
        }
    }
    return false;
}

void tidy_listed(struct tidy_tree *t)
{
    for (size_t i = 0; i < t->file_count; i++) {
        const struct tidy_file *f = &t->files[i];
        bool is_named = !tidy_ends_with(tc_str_of(f->path), ".c");
        for (size_t k = 0; k < t->file_count && !is_named; k++) {
            is_named = t->files[k].kind == TIDY_CMAKE && is_named_in(&t->files[k], f->path);
        }
        if (!is_named) {
            tidy_say(t, f, 0, "unlisted", "No CMakeLists.txt or .cmake file names it.");
        }
    }
}
