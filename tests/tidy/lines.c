/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about a file's text: columns, blanks, length, licence line, marks, headings. */
#include "tests/tidy/tidy.h"

#define LICENCE "SPDX-License-Identifier: Apache-2.0"

/** Pages that people use who do not work on the code: in both languages. */
static const char *const user_pages[] = {"README.md", "docs/operations.md",
                                         "docs/operators-guide.md", "docs/planners-manual.md"};

static size_t columns(struct tc_str line)
{
    size_t count = 0;
    for (size_t i = 0; i < line.len; i++) {
        count += ((unsigned char)line.at[i] & 0xC0) != 0x80;
    }
    return count;
}

static bool has_column_limit(const struct tidy_file *f)
{
    return f->kind == TIDY_C && !tidy_is_under(f->path, "tests/golden");
}

static void check_line(struct tidy_tree *t, const struct tidy_file *f, size_t at, size_t len)
{
    struct tc_str line = {.at = f->raw.at + at, .len = len};
    size_t wide = columns(line);
    if (wide > TIDY_COLUMNS_MAX && has_column_limit(f)) {
        tidy_say(t, f, at, "columns", "The line has %zu columns, the limit is %u.", wide,
                 TIDY_COLUMNS_MAX);
    }
    if (len && memchr(line.at, '\t', len)) {
        tidy_say(t, f, at, "tab", "The line has a tab; indent with four spaces.");
    }
    if (len && (line.at[len - 1] == ' ' || line.at[len - 1] == '\r')) {
        tidy_say(t, f, at, "blank", "The line ends in blanks.");
    }
}

/** A mark left for later: with the number of an issue it may stay, two kinds never. */
static void check_marks(struct tidy_tree *t, const struct tidy_file *f)
{
    struct tc_str word;
    size_t at = 0;
    if (f->kind == TIDY_PAGE) {
        return;
    }
    while (tidy_next_word(f->raw.at, &at, &word)) {
        if (tc_str_is(word, "TO"
                            "DO")) {
            const char *next = f->raw.at + at;
            if (next[0] != '(' || next[1] != '#' || next[2] < '0' || next[2] > '9') {
                tidy_say(t, f, at, "todo",
                         "A mark for later needs an issue: TO"
                         "DO(#12).");
            }
        } else if (tc_str_is(word, "FIX"
                                   "ME") ||
                   tc_str_is(word, "X"
                                   "XX")) {
            tidy_say(t, f, at, "todo", "%.*s may not stay in the tree.", (int)word.len, word.at);
        }
    }
}

static void check_licence(struct tidy_tree *t, const struct tidy_file *f)
{
    const char *text = f->raw.at;
    if (f->kind == TIDY_CMAKE || f->kind == TIDY_PAGE) {
        return;
    }
    if (text[0] == '#' && text[1] == '!') {
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : "";
    }
    size_t len = strcspn(text, "\n");
    const char *found = strstr(text, LICENCE);
    if (!found || found > text + len) {
        tidy_say(t, f, 0, "spdx", "The first line must hold %s.", LICENCE);
    }
}

void tidy_lines(struct tidy_tree *t, const struct tidy_file *f)
{
    size_t lines = 0;
    for (size_t at = 0; at < f->raw.len; lines++) {
        size_t len = strcspn(f->raw.at + at, "\n");
        check_line(t, f, at, len);
        at += len + 1;
    }
    if (lines > TIDY_LINES_MAX && f->kind != TIDY_PAGE && f->kind != TIDY_DEF) {
        tidy_say(t, f, 0, "length", "The file has %zu lines, the limit is %u.", lines,
                 TIDY_LINES_MAX);
    }
    check_marks(t, f);
    check_licence(t, f);
}

static bool is_bilingual(struct tc_str heading)
{
    bool has_han = false;
    bool has_latin = false;
    for (size_t i = 0; i < heading.len; i++) {
        unsigned char c = (unsigned char)heading.at[i];
        has_han = has_han || (c >= 0xE4 && c <= 0xE9); /* U+4000 to U+9FFF */
        has_latin = has_latin || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    }
    return has_han && has_latin;
}

void tidy_page(struct tidy_tree *t, const struct tidy_file *f)
{
    bool is_for_users = false;
    for (size_t i = 0; i < TC_COUNT_OF(user_pages); i++) {
        is_for_users = is_for_users || strcmp(f->path, user_pages[i]) == 0;
    }
    if (!is_for_users) {
        return;
    }
    const char *text = f->raw.at;
    const char *found = strncmp(text, "# ", 2) == 0 ? text : strstr(text, "\n# ");
    if (!found) {
        tidy_say(t, f, 0, "heading", "The page has no heading.");
        return;
    }
    found += found[0] == '\n';
    if (!is_bilingual((struct tc_str){.at = found, .len = strcspn(found, "\n")})) {
        tidy_say(t, f, (size_t)(found - text), "heading",
                 "The first heading must stand there in Chinese and in English.");
    }
}
