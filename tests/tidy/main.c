/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy ROOT LAYERS            the tree keeps the house rules, or each break is printed
 * tidy ROOT LAYERS EXPECTED   ROOT holds bad examples (*.case): exactly what is expected is found
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/tidy/tidy.h"

static struct tidy_tree the_tree; /* too big for a stack */

static int by_place(const void *a, const void *b)
{
    const struct tidy_finding *x = a;
    const struct tidy_finding *y = b;
    int order = strcmp(x->path, y->path);
    if (order == 0) {
        order = x->line < y->line ? -1 : x->line > y->line;
    }
    return order ? order : strcmp(x->rule, y->rule);
}

static bool check(struct tidy_tree *t, const char *layers)
{
    for (size_t i = 0; i < t->file_count; i++) {
        const struct tidy_file *f = &t->files[i];
        if (f->kind == TIDY_PAGE) {
            tidy_page(t, f);
        } else {
            tidy_lines(t, f);
            tidy_names(t, f);
        }
        if (f->kind == TIDY_C) {
            tidy_calls(t, f);
            tidy_braces(t, f);
        }
    }
    tidy_listed(t);
    bool is_read = tidy_layers(t, layers);
    qsort(t->findings, t->finding_count, sizeof t->findings[0], by_place);
    return is_read;
}

static int report(const struct tidy_tree *t)
{
    for (size_t i = 0; i < t->finding_count; i++) {
        const struct tidy_finding *f = &t->findings[i];
        (void)printf("%s:%zu: %s [%s]\n", f->path, f->line, f->text, f->rule);
    }
    (void)printf("%zu files read, %zu findings\n", t->file_count, t->finding_count);
    return t->finding_count ? 1 : 0;
}

/** Both lists are in the same order: walk them side by side. */
static int compare(struct tidy_tree *t, const char *expected)
{
    struct tc_str text = tidy_read(t, expected);
    size_t at = 0;
    size_t found = 0;
    size_t wrong = 0;
    while (text.at && (at < text.len || found < t->finding_count)) {
        char line[320] = "";
        size_t len = strcspn(text.at + at, "\n");
        if (found < t->finding_count) {
            const struct tidy_finding *f = &t->findings[found];
            (void)tc_str_format(line, sizeof line, "%s:%zu %s", f->path, f->line, f->rule);
        }
        int order = strlen(line) == len ? strncmp(line, text.at + at, len) : 1;
        if (order == 0) {
            found++;
            at += len + 1;
            continue;
        }
        (void)printf("expected %.*s, found %s\n", (int)len, text.at + at, line);
        wrong++;
        break;
    }
    (void)printf("%zu bad examples found as expected\n", found);
    return wrong || !text.at || found == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct tidy_tree *t = &the_tree;
    if (argc < 3 || argc > 4) {
        (void)fprintf(stderr, "usage: tidy ROOT LAYERS [EXPECTED]\n");
        return 2;
    }
    t->root = argv[1];
    t->suffix = argc == 4 ? ".case" : "";
    int status = 2;
    if (!tidy_tree_read(t)) {
        (void)fprintf(stderr, "tidy: %s cannot be read whole\n", t->root);
    } else if (!check(t, argv[2])) {
        (void)fprintf(stderr, "tidy: %s cannot be read\n", argv[2]);
    } else {
        status = argc == 4 ? compare(t, argv[3]) : report(t);
    }
    tc_arena_finish(&t->arena);
    return status;
}
