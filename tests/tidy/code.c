/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about C code: calls that are banned, names that are not ours, braces. */
#include "tests/tidy/tidy.h"

#define DEPTH_MAX 256

static const char *const banned[] = {"strcpy", "strcat", "sprintf", "vsprintf", "atoi",
                                     "atol",   "strtok", "alloca",  "gets",     "rand",
                                     "srand",  "time",   "assert"};
static const char *const heap[] = {"malloc", "calloc", "realloc", "free"};
static const char *const stand_ins[] = {"sim", "demo", "mock", "fake"};
static const char *const product[] = {"core", "gis", "dispatch", "scripts"};

static bool is_one_of(struct tc_str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tc_str_is(word, list[i])) {
            return true;
        }
    }
    return false;
}

static size_t skip_blanks(const char *text, size_t at)
{
    while (text[at] == ' ' || text[at] == '\n' || text[at] == '\t') {
        at++;
    }
    return at;
}

/** A member of a struct may have any name. */
static bool is_member(const char *text, const char *word)
{
    return word > text &&
           (word[-1] == '.' || (word[-1] == '>' && word > text + 1 && word[-2] == '-'));
}

void tidy_calls(struct tidy_tree *t, const struct tidy_file *f)
{
    struct tc_str word;
    size_t at = 0;
    bool is_test = tidy_is_under(f->path, "tests");
    bool owns_heap = is_test || tidy_is_under(f->path, "core/base");
    while (tidy_next_word(f->code, &at, &word)) {
        if (f->code[skip_blanks(f->code, at)] != '(' || is_member(f->code, word.at)) {
            continue;
        }
        size_t start = (size_t)(word.at - f->code);
        if (is_one_of(word, banned, TC_COUNT_OF(banned)) &&
            !(is_test && tidy_ends_with(word, "rand"))) {
            tidy_say(t, f, start, "call", "%.*s() is banned here.", (int)word.len, word.at);
        } else if (!owns_heap && is_one_of(word, heap, TC_COUNT_OF(heap))) {
            tidy_say(t, f, start, "heap",
                     "%.*s() belongs to core/base; use tc_alloc, tc_free, "
                     "an arena or a pool.",
                     (int)word.len, word.at);
        }
    }
}

static bool has_stand_in(struct tc_str word)
{
    size_t start = 0;
    for (size_t i = 0; i <= word.len; i++) {
        if (i < word.len && word.at[i] != '_') {
            continue;
        }
        char part[8] = "";
        for (size_t k = start; k < i && k - start < sizeof part - 1; k++) {
            part[k - start] = (char)(word.at[k] | 0x20); /* letters to small ones */
        }
        if (i - start < sizeof part &&
            is_one_of(tc_str_of(part), stand_ins, TC_COUNT_OF(stand_ins))) {
            return true;
        }
        start = i + 1;
    }
    return false;
}

void tidy_names(struct tidy_tree *t, const struct tidy_file *f)
{
    bool is_product = false;
    for (size_t i = 0; i < TC_COUNT_OF(product); i++) {
        is_product = is_product || tidy_is_under(f->path, product[i]);
    }
    if (!is_product || f->kind == TIDY_PAGE || f->kind == TIDY_CMAKE) {
        return;
    }
    struct tc_str word;
    size_t at = 0;
    while (tidy_next_word(f->path, &at, &word)) {
        if (has_stand_in(word)) {
            tidy_say(t, f, 0, "name", "The file is named after a stand-in.");
        }
    }
    at = 0;
    while (tidy_next_word(f->code, &at, &word)) {
        if (has_stand_in(word)) {
            tidy_say(t, f, (size_t)(word.at - f->code), "name",
                     "%.*s: the product knows no stand-ins.", (int)word.len, word.at);
        }
    }
}

/* Braces */

struct brace_scan {
    struct tidy_tree *tree;
    const struct tidy_file *file;
    size_t at;
    size_t depth;
    bool is_do[DEPTH_MAX]; /* this block is a do's */
    bool is_do_next;
    bool was_do; /* the last token closed a do's block */
};

static size_t behind_parens(const char *text, size_t at)
{
    size_t open = 0;
    at = skip_blanks(text, at);
    for (; text[at]; at++) {
        open += text[at] == '(';
        open -= text[at] == ')';
        if (open == 0) {
            return at + 1;
        }
    }
    return at;
}

static void want_brace(struct brace_scan *s, struct tc_str word, size_t behind)
{
    const char *text = s->file->bare;
    if (text[skip_blanks(text, behind)] != '{') {
        tidy_say(s->tree, s->file, (size_t)(word.at - text), "brace", "%.*s without braces.",
                 (int)word.len, word.at);
    }
}

static bool is_loop_macro(struct tc_str word)
{
    return tidy_ends_with(word, "_EACH") || tidy_ends_with(word, "_foreach");
}

static void take_word(struct brace_scan *s, struct tc_str word)
{
    const char *text = s->file->bare;
    bool closes_do = s->was_do && tc_str_is(word, "while");
    s->was_do = false;
    if (closes_do) {
        s->at = behind_parens(text, s->at);
    } else if (tc_str_is(word, "if") || tc_str_is(word, "for") || tc_str_is(word, "while") ||
               is_loop_macro(word)) {
        s->at = behind_parens(text, s->at);
        want_brace(s, word, s->at);
    } else if (tc_str_is(word, "do")) {
        want_brace(s, word, s->at);
        s->is_do_next = true;
    } else if (tc_str_is(word, "else")) {
        struct tc_str next;
        size_t at = skip_blanks(text, s->at);
        size_t behind = at;
        if (!tidy_next_word(text, &behind, &next) || next.at != text + at ||
            !tc_str_is(next, "if")) {
            want_brace(s, word, s->at);
        }
    }
}

static void take_mark(struct brace_scan *s, char mark)
{
    s->was_do = false;
    if (mark == '{') {
        s->is_do[s->depth++ % DEPTH_MAX] = s->is_do_next;
        s->is_do_next = false;
    } else if (mark == '}' && s->depth > 0) {
        s->was_do = s->is_do[--s->depth % DEPTH_MAX];
    }
    s->at++;
}

void tidy_braces(struct tidy_tree *t, const struct tidy_file *f)
{
    struct tc_str path = tc_str_of(f->path);
    if (tidy_is_under(f->path, "tests") || !(tidy_ends_with(path, ".c") || f->kind == TIDY_C)) {
        return;
    }
    struct brace_scan s = {.tree = t, .file = f};
    while (f->bare[s.at = skip_blanks(f->bare, s.at)]) {
        if (tidy_is_word_byte(f->bare[s.at])) {
            struct tc_str word;
            (void)tidy_next_word(f->bare, &s.at, &word);
            take_word(&s, word);
        } else {
            take_mark(&s, f->bare[s.at]);
        }
    }
}
