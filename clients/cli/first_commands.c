/* SPDX-License-Identifier: Apache-2.0 */
/* Commands from files: a new journal's master data, and the plans as drafts. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/config.h"
#include "core/base/log.h"
#include "scripts/host.h"

#define LINE_MAX_BYTES ((size_t)256 * 1024)
#define PLANS_MAX      64
#define PORTION        512 /* commands that may wait to be decided at once */

/**
 * Ingest thread once the engine runs, before that the thread that starts it. Commands are read and
 * handed over in portions: the next one when all of the last were decided.
 */
struct tc_first_commands {
    FILE *file;
    char *row;
    int line; /* read last */
    size_t waiting;
    bool is_stopped;
    tc_submit_fn submit;
    void *ctx;
};

struct owned {
    struct tc_arena arena;
    struct tc_first_commands *from; /* or NULL */
    struct tc_command command;
    struct tc_ingest_request request;
};

static void feed(struct tc_first_commands *f);

static void release(void *owner)
{
    struct owned *o = owner;
    struct tc_first_commands *f = o->from;
    tc_arena_finish(&o->arena);
    tc_free(o);
    if (f && --f->waiting == 0) {
        feed(f);
    }
}

static struct owned *owned_create(void)
{
    struct owned *o = tc_alloc(sizeof *o);
    TC_REQUIRE(o != NULL);
    o->request = (struct tc_ingest_request){.command = &o->command, .owner = o, .release = release};
    return o;
}

static tc_err hand_over(struct owned *o, tc_submit_fn submit, void *ctx, char *why)
{
    tc_err err = submit(ctx, &o->request);
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "too many commands at once");
        release(o);
    }
    return err;
}

static tc_err read_command(struct owned *o, struct tc_str line, char *why)
{
    struct tc_jr r = tc_jr_init(line);
    struct tc_str body = TC_STR("{}");
    struct tc_str name = {0};
    int role = TC_ROLE_SUPERVISOR;
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &o->arena);
            if (tc_str_is(key, "who")) {
                o->command.who = tc_jr_str(&r, &o->arena);
            } else if (tc_str_is(key, "name")) {
                name = tc_jr_str(&r, &o->arena);
            } else if (tc_str_is(key, "role")) {
                struct tc_str word = tc_jr_str(&r, &o->arena);
                r.bad = r.bad || tc_enum_value(&tc_enum_role, word, &role) != TC_OK;
            } else if (tc_str_is(key, "body")) {
                body = tc_jr_skip(&r);
            } else {
                r.bad = true;
            }
        }
    }
    if (!tc_jr_is_done(&r) || tc_command_parse(name, &o->command.name) != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "expected {\"who\":…,\"role\":…,\"name\":COMMAND,\"body\":{…}}");
        return TC_EMALFORMED;
    }
    o->command.role = (enum tc_role)role;
    const struct tc_record *record = tc_commands[o->command.name].record;
    void *item = tc_arena_alloc(&o->arena, record->size);
    o->command.body = item;
    return tc_record_read(body, record, item, &o->arena, why);
}

/** The command of a line; NULL with TC_OK for an empty one or a remark. */
static tc_err read_line(const char *text, int line, struct owned **out, char *why)
{
    struct tc_str s = tc_str_of(text);
    *out = NULL;
    while (s.len && (text[s.len - 1] == '\n' || text[s.len - 1] == '\r')) {
        s.len--;
    }
    if (s.len == 0 || s.at[0] == '#') {
        return TC_OK;
    }
    struct owned *o = owned_create();
    s.at = tc_arena_copy(&o->arena, text, s.len);
    char id[32];
    (void)tc_str_format(id, sizeof id, TC_FIRST_COMMAND_ID "%d", line);
    o->command.id = tc_str_of(tc_arena_copy(&o->arena, id, strlen(id)));
    tc_err err = read_command(o, s, why);
    if (err != TC_OK) {
        release(o);
        return err;
    }
    *out = o;
    return TC_OK;
}

static void feed(struct tc_first_commands *f)
{
    char why[TC_WHY_MAX] = "";
    tc_err err = TC_OK;
    f->waiting++; /* what is decided meanwhile must not call us again */
    while (err == TC_OK && !f->is_stopped && f->waiting <= PORTION &&
           fgets(f->row, (int)LINE_MAX_BYTES, f->file)) {
        struct owned *o = NULL;
        err = read_line(f->row, ++f->line, &o, why);
        if (o) {
            f->waiting++;
            o->from = f;
            err = f->submit(f->ctx, &o->request);
        }
        if (err != TC_OK) {
            f->waiting -= o != NULL;
            TC_LOG_E("start", "first commands end at line %d: %s", f->line,
                     why[0] ? why : tc_err_text(err));
            f->is_stopped = true;
            if (o) {
                o->from = NULL;
                release(o);
            }
        }
    }
    f->waiting--;
}

/** Every line, before any takes effect. */
static tc_err check_lines(struct tc_first_commands *f, const char *path, char *why)
{
    char what[TC_WHY_MAX] = "";
    int line = 0;
    tc_err err = TC_OK;
    while (err == TC_OK && fgets(f->row, (int)LINE_MAX_BYTES, f->file)) {
        struct owned *o = NULL;
        err = read_line(f->row, ++line, &o, what);
        if (o) {
            release(o);
        }
    }
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s:%d: %.180s", path, line, what);
    }
    rewind(f->file);
    return err;
}

tc_err tc_first_commands_start(const char *path, int after_line, tc_submit_fn submit, void *ctx,
                               struct tc_first_commands **out, char why[static TC_WHY_MAX])
{
    struct tc_first_commands *f = tc_alloc(sizeof *f);
    TC_REQUIRE(f != NULL);
    *f = (struct tc_first_commands){.submit = submit, .ctx = ctx};
    f->row = tc_alloc(LINE_MAX_BYTES);
    TC_REQUIRE(f->row != NULL);
    f->file = fopen(path, "r");
    tc_err err = f->file ? check_lines(f, path, why) : TC_EIO;
    if (err != TC_OK) {
        if (!f->file) {
            (void)tc_str_format(why, TC_WHY_MAX, "cannot open %s", path);
        }
        tc_first_commands_finish(f);
        return err;
    }
    while (f->line < after_line && fgets(f->row, (int)LINE_MAX_BYTES, f->file)) {
        f->line++;
    }
    feed(f);
    *out = f;
    return TC_OK;
}

void tc_first_commands_stop(struct tc_first_commands *f)
{
    if (f) {
        f->is_stopped = true;
    }
}

void tc_first_commands_finish(struct tc_first_commands *f)
{
    if (f) {
        if (f->file) {
            (void)fclose(f->file);
        }
        tc_free(f->row);
        tc_free(f);
    }
}

static tc_err read_file(const char *path, struct tc_buf *out)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        return TC_EIO;
    }
    char part[4096];
    size_t n = 0;
    while ((n = fread(part, 1, sizeof part, file)) > 0) {
        tc_buf_put(out, part, n);
    }
    (void)fclose(file);
    return out->is_full ? TC_EFULL : TC_OK;
}

static tc_err submit_plan(const char *path, bool (*is_known)(void *, const char *, const char *),
                          tc_submit_fn submit, void *ctx, char *why)
{
    struct tc_buf source = {.max = 65536};
    struct tc_plan_header header;
    tc_err err = read_file(path, &source);
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: cannot be read, or longer than 64 KiB", path);
    } else {
        err = tc_plan_read(tc_buf_str(&source), path, &header, why);
    }
    if (err != TC_OK || is_known(ctx, header.id, header.hash)) {
        tc_buf_finish(&source);
        return err;
    }
    struct owned *o = owned_create();
    struct tc_cmd_plan_draft *b = tc_arena_alloc(&o->arena, sizeof *b);
    struct tc_arena *a = &o->arena;
    b->plan = tc_str_of(tc_arena_copy(a, header.id, strlen(header.id)));
    b->hash = tc_str_of(tc_arena_copy(a, header.hash, strlen(header.hash)));
    b->title_zh = tc_str_of(tc_arena_copy(a, header.title_zh, strlen(header.title_zh)));
    b->title_en = tc_str_of(tc_arena_copy(a, header.title_en, strlen(header.title_en)));
    b->source =
        (struct tc_str){.at = tc_arena_copy(a, source.bytes, source.len), .len = source.len};
    char id[64];
    (void)tc_str_format(id, sizeof id, "draft:%.40s", header.hash);
    o->command = (struct tc_command){.name = TC_CMD_PLAN_DRAFT,
                                     .id = tc_str_of(tc_arena_copy(a, id, strlen(id))),
                                     .who = TC_STR("files"),
                                     .role = TC_ROLE_PLANNER,
                                     .body = b};
    tc_buf_finish(&source);
    return hand_over(o, submit, ctx, why);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

tc_err tc_config_submit_plans(const char *dir, bool (*is_known)(void *, const char *, const char *),
                              tc_submit_fn submit, void *ctx, char why[static TC_WHY_MAX])
{
    struct tc_arena arena = {0};
    char *names[PLANS_MAX];
    size_t count = 0;
    DIR *d = opendir(dir);
    if (!d) {
        (void)tc_str_format(why, TC_WHY_MAX, "cannot open the plans' folder %s", dir);
        return TC_EIO;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe): before threads */
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0 && count < PLANS_MAX) {
            names[count++] = tc_arena_copy(&arena, entry->d_name, len);
        }
    }
    (void)closedir(d);
    qsort(names, count, sizeof *names, by_name);
    tc_err err = TC_OK;
    for (size_t i = 0; i < count && err == TC_OK; i++) {
        char path[1024];
        (void)tc_str_format(path, sizeof path, "%s/%s", dir, names[i]);
        err = submit_plan(path, is_known, submit, ctx, why);
    }
    tc_arena_finish(&arena);
    return err;
}
