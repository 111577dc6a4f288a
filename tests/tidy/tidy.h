/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/tidy/tidy.h - the house rules as a test: reads the source tree, changes nothing.
 *
 * A rule gets one file or the whole tree and calls tidy_say for each place that breaks it. Paths
 * are relative to the project's root. Everything lives until the program ends, in one arena.
 */
#pragma once

#include "core/base/mem.h"
#include "core/base/str.h"

#define TIDY_FILES_MAX    2000u
#define TIDY_FINDINGS_MAX 5000u
#define TIDY_COLUMNS_MAX  100u
#define TIDY_LINES_MAX    800u

enum tidy_kind {
    TIDY_OTHER, /* not read */
    TIDY_C,     /* .c and .h */
    TIDY_DEF,
    TIDY_LUA,
    TIDY_TS,
    TIDY_CMAKE,
    TIDY_PAGE, /* .md */
};

/** The three texts have the same length: an offset in one is an offset in all. */
struct tidy_file {
    const char *path;
    enum tidy_kind kind;
    struct tc_str raw;
    const char *code; /* comments, and in C also strings and characters, are blanks */
    const char *bare; /* C: preprocessor lines are blanks too */
};

struct tidy_finding {
    const char *path;
    size_t line;
    const char *rule; /* one word; tests/tidy/cases/expected.txt uses it */
    char text[200];
};

struct tidy_tree {
    struct tc_arena arena;
    const char *root;
    const char *suffix; /* cut from every name; ".case" for the bad examples */
    struct tidy_file files[TIDY_FILES_MAX];
    size_t file_count;
    struct tidy_finding findings[TIDY_FINDINGS_MAX];
    size_t finding_count;
};

/* tree.c */
/** Reads every file of the walked folders, in order of path. False: one cannot be read. */
bool tidy_tree_read(struct tidy_tree *t);
/** Whole file as text; {NULL, 0} when it cannot be read. */
struct tc_str tidy_read(struct tidy_tree *t, const char *path);
void tidy_say(struct tidy_tree *t, const struct tidy_file *f, size_t offset, const char *rule,
              const char *format, ...) TC_PRINTF(5, 6);
bool tidy_is_under(const char *path, const char *folder);
bool tidy_ends_with(struct tc_str s, const char *tail);

/* words.c */
bool tidy_is_word_byte(char c);
/** The next identifier at or after *at; false at the end. Moves *at behind it. */
bool tidy_next_word(const char *text, size_t *at, struct tc_str *out);
/** Fills `code` and `bare`. */
void tidy_strip(struct tidy_tree *t, struct tidy_file *f);

/* The rules */
void tidy_lines(struct tidy_tree *t, const struct tidy_file *f);
void tidy_page(struct tidy_tree *t, const struct tidy_file *f);
void tidy_calls(struct tidy_tree *t, const struct tidy_file *f);
void tidy_names(struct tidy_tree *t, const struct tidy_file *f);
void tidy_braces(struct tidy_tree *t, const struct tidy_file *f);
/** Every .c is named in a CMake file. */
void tidy_listed(struct tidy_tree *t);
/** Include arrows, from the rules in `layers`. False: the rules cannot be read. */
bool tidy_layers(struct tidy_tree *t, const char *layers);
