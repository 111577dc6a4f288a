/* SPDX-License-Identifier: Apache-2.0 */
/* Who may include whom; the rules are read from layers.txt. */
#include "tests/tidy/tidy.h"

#define RULES_MAX 128

/** One line: "folder NAME may A B C", "header NAME in A B C" or "system A B C". */
struct rule {
    struct tc_str verb, name, rest;
};

struct rules {
    struct rule items[RULES_MAX];
    size_t count;
};

/** Cuts the next word, separated by blanks, from the front of *s. */
static struct tc_str cut_word(struct tc_str *s)
{
    while (s->len && s->at[0] == ' ') {
        s->at++;
        s->len--;
    }
    struct tc_str word = {.at = s->at};
    while (s->len && s->at[0] != ' ') {
        s->at++;
        s->len--;
        word.len++;
    }
    return word;
}

static bool take_rule(struct rules *rules, struct tc_str line)
{
    struct rule r = {.verb = cut_word(&line)};
    if (r.verb.len == 0 || r.verb.at[0] == '#') {
        return true;
    }
    if (!tc_str_is(r.verb, "system")) {
        r.name = cut_word(&line);
        struct tc_str between = cut_word(&line);
        if (!tc_str_is(between, tc_str_is(r.verb, "folder") ? "may" : "in")) {
            return false;
        }
    }
    r.rest = line;
    TC_REQUIRE(rules->count < RULES_MAX);
    rules->items[rules->count++] = r;
    return true;
}

static bool read_rules(struct tidy_tree *t, const char *path, struct rules *rules)
{
    struct tc_str text = tidy_read(t, path);
    bool is_read = text.at != NULL;
    for (size_t at = 0; is_read && at < text.len;) {
        size_t len = strcspn(text.at + at, "\n");
        is_read = take_rule(rules, (struct tc_str){.at = text.at + at, .len = len});
        at += len + 1;
    }
    return is_read && rules->count > 0;
}

/** `path` is `place`, or lies in the folder `place`. */
static bool is_in(struct tc_str path, struct tc_str place)
{
    return path.len >= place.len && memcmp(path.at, place.at, place.len) == 0 &&
           (path.len == place.len || path.at[place.len] == '/');
}

static bool is_listed(struct tc_str path, struct tc_str places)
{
    for (struct tc_str p = cut_word(&places); p.len; p = cut_word(&places)) {
        if (tc_str_is(p, "*") || is_in(path, p)) {
            return true;
        }
    }
    return false;
}

/** The rule for the longest folder around the file. */
static const struct rule *folder_rule(const struct rules *rules, struct tc_str path)
{
    const struct rule *best = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *r = &rules->items[i];
        if (tc_str_is(r->verb, "folder") && is_in(path, r->name) &&
            (!best || r->name.len > best->name.len)) {
            best = r;
        }
    }
    return best;
}

static bool is_pattern_of(struct tc_str pattern, struct tc_str header)
{
    bool is_folder = pattern.len && pattern.at[pattern.len - 1] == '/';
    return is_folder ? header.len > pattern.len && memcmp(header.at, pattern.at, pattern.len) == 0
                     : tc_str_eq(header, pattern);
}

static void check_foreign(struct tidy_tree *t, const struct tidy_file *f, const struct rules *rules,
                          struct tc_str header)
{
    size_t at = (size_t)(header.at - f->raw.at);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *r = &rules->items[i];
        if (tc_str_is(r->verb, "system") && is_listed(header, r->rest)) {
            return;
        }
        if (tc_str_is(r->verb, "header") && is_pattern_of(r->name, header)) {
            if (!is_listed(tc_str_of(f->path), r->rest)) {
                tidy_say(t, f, at, "foreign", "<%.*s> belongs to%.*s.", (int)header.len, header.at,
                         (int)r->rest.len, r->rest.at);
            }
            return;
        }
    }
    tidy_say(t, f, at, "foreign", "<%.*s> is not in tests/tidy/layers.txt: a new dependency?",
             (int)header.len, header.at);
}

static void check_own(struct tidy_tree *t, const struct tidy_file *f, const struct rules *rules,
                      struct tc_str header)
{
    size_t at = (size_t)(header.at - f->raw.at);
    const struct rule *own = folder_rule(rules, tc_str_of(f->path));
    const struct rule *other = folder_rule(rules, header);
    if (!own) {
        tidy_say(t, f, at, "arrow", "The folder is not in tests/tidy/layers.txt.");
    } else if (!other) {
        tidy_say(t, f, at, "arrow", "\"%.*s\": write the whole path from the project's root.",
                 (int)header.len, header.at);
    } else if (own != other && !is_listed(header, own->rest)) {
        tidy_say(t, f, at, "arrow", "%.*s may not include %.*s, only%.*s.", (int)own->name.len,
                 own->name.at, (int)header.len, header.at, (int)own->rest.len, own->rest.at);
    }
}

static void check_file(struct tidy_tree *t, const struct tidy_file *f, const struct rules *rules)
{
    struct tc_str word;
    size_t at = 0;
    while (tidy_next_word(f->code, &at, &word)) {
        const char *before = word.at;
        while (before > f->code && before[-1] == ' ') {
            before--;
        }
        if (!tc_str_is(word, "include") || before == f->code || before[-1] != '#') {
            continue;
        }
        struct tc_str header = {.at = f->raw.at + at}; /* strings are blank in `code` */
        header.at += strspn(header.at, " ");
        char close = header.at[0] == '<' ? '>' : '"';
        if (header.at[0] != '<' && header.at[0] != '"') {
            continue;
        }
        header.at++;
        const char *end = strchr(header.at, close);
        header.len = end ? (size_t)(end - header.at) : 0;
        if (close == '>') {
            check_foreign(t, f, rules, header);
        } else {
            check_own(t, f, rules, header);
        }
    }
}

bool tidy_layers(struct tidy_tree *t, const char *layers)
{
    struct rules rules = {0};
    if (!read_rules(t, layers, &rules)) {
        return false;
    }
    for (size_t i = 0; i < t->file_count; i++) {
        if (t->files[i].kind == TIDY_C) {
            check_file(t, &t->files[i], &rules);
        }
    }
    return true;
}
