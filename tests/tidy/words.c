/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tidy/tidy.h"

bool tidy_is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool tidy_next_word(const char *text, size_t *at, struct tc_str *out)
{
    size_t i = *at;
    while (text[i] && !tidy_is_word_byte(text[i])) {
        i++;
    }
    size_t start = i;
    while (tidy_is_word_byte(text[i])) {
        i++;
    }
    *at = i;
    *out = (struct tc_str){.at = text + start, .len = i - start};
    return i > start;
}

static void blank(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (text[i] != '\n') {
            text[i] = ' ';
        }
    }
}

/** Behind the closing mark of a string or character that starts at `i`, or at the line's end. */
static size_t behind_quote(const char *text, size_t i)
{
    char mark = text[i++];
    while (text[i] && text[i] != mark && text[i] != '\n') {
        i += text[i] == '\\' && text[i + 1] ? 2 : 1;
    }
    return text[i] == mark ? i + 1 : i;
}

static size_t behind_line(const char *text, size_t i)
{
    while (text[i] && text[i] != '\n') {
        i += text[i] == '\\' && text[i + 1] ? 2 : 1; /* a backslash goes on in the next line */
    }
    return i;
}

static size_t behind_text(const char *text, size_t i, const char *end)
{
    const char *found = strstr(text + i, end);
    return found ? (size_t)(found - text) + strlen(end) : strlen(text);
}

static void strip_c(char *text)
{
    size_t i = 0;
    while (text[i]) {
        size_t start = i;
        if (text[i] == '/' && text[i + 1] == '/') {
            i = behind_line(text, i);
        } else if (text[i] == '/' && text[i + 1] == '*') {
            i = behind_text(text, i + 2, "*/");
        } else if (text[i] == '"' || text[i] == '\'') {
            i = behind_quote(text, i);
        } else {
            i++;
            continue;
        }
        blank(text, start, i);
    }
}

/** Comments only: what a .def file or a script names stands in its strings. */
static void strip_lua(char *text)
{
    size_t i = 0;
    while (text[i]) {
        size_t start = i;
        if (strncmp(text + i, "--[[", 4) == 0) {
            i = behind_text(text, i + 4, "]]");
            blank(text, start, i);
        } else if (text[i] == '-' && text[i + 1] == '-') {
            while (text[i] && text[i] != '\n') {
                i++;
            }
            blank(text, start, i);
        } else {
            i = text[i] == '"' || text[i] == '\'' ? behind_quote(text, i) : i + 1;
        }
    }
}

static void strip_directives(char *text)
{
    bool is_at_start = true;
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '#' && is_at_start) {
            size_t start = i;
            i = behind_line(text, i);
            blank(text, start, i);
            if (!text[i]) {
                return;
            }
        }
        is_at_start = text[i] == '\n' || (is_at_start && text[i] == ' ');
    }
}

void tidy_strip(struct tidy_tree *t, struct tidy_file *f)
{
    char *code = tc_arena_copy(&t->arena, f->raw.at, f->raw.len);
    f->raw.len = strlen(code); /* a NUL byte ends it */
    bool is_c = f->kind == TIDY_C || f->kind == TIDY_TS ||
                (f->kind == TIDY_DEF && strncmp(code, "/*", 2) == 0);
    if (is_c) {
        strip_c(code);
    } else if (f->kind == TIDY_LUA || f->kind == TIDY_DEF) {
        strip_lua(code);
    }
    char *bare = tc_arena_copy(&t->arena, code, f->raw.len);
    if (f->kind == TIDY_C) {
        strip_directives(bare);
    }
    f->code = code;
    f->bare = bare;
}
