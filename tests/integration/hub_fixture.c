/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/hub_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/hub/access.h"
#include "core/base/time.h"
#include "tests/lib/tc_test.h"

const char hub_officer_password[] = "correct horse 站";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

void hub_fixture_make_files(struct hub_fixture *f)
{
    char why[TC_WHY_MAX] = "";
    char path[160];
    char key[TC_ACCESS_TOKEN_SIZE];
    struct tc_access *access = NULL;
    *f = (struct hub_fixture){0};
    (void)tc_str_put(f->dir, sizeof f->dir, TC_STR("/tmp/tocsin-hub-XXXXXX"));
    assert_non_null(mkdtemp(f->dir));
    (void)tc_str_format(f->access_file, sizeof f->access_file, "%s/access.db", f->dir);
    (void)tc_str_format(f->console_dir, sizeof f->console_dir, "%s/console", f->dir);
    assert_int_equal(mkdir(f->console_dir, 0700), 0);
    (void)tc_str_format(path, sizeof path, "%s/index.html", f->console_dir);
    write_file(path, "<!doctype html><p>console");
    (void)tc_str_format(path, sizeof path, "%s/app.js", f->console_dir);
    write_file(path, "export {};");
    (void)tc_str_format(path, sizeof path, "%s/secret.txt", f->dir);
    write_file(path, "outside of the console's folder");
    (void)tc_str_format(path, sizeof path, "%s/out.txt", f->console_dir);
    assert_int_equal(symlink("../secret.txt", path), 0);

    assert_int_equal(tc_access_open(f->access_file, &access, why), TC_OK);
    assert_int_equal(tc_access_user_add(access, TC_STR("张伟"), TC_ROLE_OFFICER,
                                        tc_str_of(hub_officer_password), why),
                     TC_OK);
    assert_int_equal(
        tc_access_user_add(access, TC_STR("guest"), TC_ROLE_OBSERVER, TC_STR("looking only"), why),
        TC_OK);
    assert_int_equal(tc_access_key_add(access, TC_STR("city"), TC_ROLE_GATEWAY, key, why), TC_OK);
    (void)tc_str_format(f->key_header, sizeof f->key_header, "Authorization: Bearer %s\r\n", key);
    tc_access_close(access);
}

void hub_fixture_remove_files(struct hub_fixture *f)
{
    static const char *const names[] = {
        "console/index.html", "console/app.js", "console/out.txt", "console",  "secret.txt",
        "access.db",          "access.db-wal",  "access.db-shm",   "cert.pem", "key.pem",
    };
    for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
        char path[160];
        (void)tc_str_format(path, sizeof path, "%s/%s", f->dir, names[i]);
        (void)remove(path);
    }
    (void)rmdir(f->dir);
}

int hub_fixture_log_in(struct hub_fixture *f, const char *user, const char *password, char *cookie,
                       size_t size)
{
    struct tc_http_response r;
    struct tc_buf body = {0};
    char value[256];
    tc_buf_format(&body, "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
    assert_true(tc_http_ask(f->port, "POST", "/api/login", f->origin, tc_buf_str(&body), &r));
    int status = r.status;
    if (status == 200) {
        assert_true(tc_http_header(&r, "set-cookie", value, sizeof value));
        (void)tc_str_format(cookie, size, "Cookie: %.*s\r\n", (int)strcspn(value, ";"), value);
    }
    tc_buf_finish(&body);
    tc_http_finish(&r);
    return status;
}

void hub_fixture_start(struct hub_fixture *f, const struct tc_hub_intake *intakes, size_t count)
{
    struct tc_hub_options options = {.address = "127.0.0.1",
                                     .console_dir = f->console_dir,
                                     .access_db = f->access_file,
                                     .site_zh = "福田区",
                                     .site_en = "Futian",
                                     .is_sample = true};
    char why[TC_WHY_MAX] = "";
    if (hub_world_start(&f->world, &options, intakes, count, why) != TC_OK) {
        fail_msg("%s", why);
    }
    f->port = tc_hub_port(f->world.hub);
    (void)tc_str_format(f->origin, sizeof f->origin, "Origin: http://127.0.0.1:%d\r\n", f->port);
    assert_int_equal(hub_fixture_log_in(f, "张伟", hub_officer_password, f->officer_cookie,
                                        sizeof f->officer_cookie),
                     200);
    assert_int_equal(hub_fixture_log_in(f, "guest", "looking only", f->observer_cookie,
                                        sizeof f->observer_cookie),
                     200);
}

void hub_fixture_stop(struct hub_fixture *f)
{
    hub_world_stop(&f->world);
}

/* Consoles */

void hub_console_open(struct hub_console *c, struct hub_fixture *f, const char *cookie,
                      uint64_t epoch, uint64_t seq)
{
    struct tc_buf b = {0};
    bool keeps_text = c->keeps_text;
    *c = (struct hub_console){.keeps_text = keeps_text};
    c->tables = json_object();
    c->seq = seq;
    tc_buf_format(&b, "%s%s", cookie, f->origin);
    tc_buf_byte(&b, '\0');
    assert_int_equal(tc_ws_open(&c->ws, f->port, "/ws", (const char *)b.bytes), 101);
    tc_buf_clear(&b);
    tc_buf_format(&b, "{\"t\":\"resume\",\"epoch\":%llu,\"seq\":%llu}", (unsigned long long)epoch,
                  (unsigned long long)seq);
    assert_true(tc_ws_send(&c->ws, tc_buf_str(&b)));
    tc_buf_finish(&b);
}

void hub_console_close(struct hub_console *c)
{
    tc_ws_close(&c->ws);
    json_decref(c->tables);
    json_decref(c->hello);
    json_decref(c->result);
    json_decref(c->fault);
    tc_buf_finish(&c->text);
    tc_buf_finish(&c->all);
}

static json_t *table_of(struct hub_console *c, const char *name)
{
    json_t *table = json_object_get(c->tables, name);
    if (!table) {
        table = json_object();
        (void)json_object_set_new(c->tables, name, table);
    }
    return table;
}

static void put_items(struct hub_console *c, const char *name, json_t *items)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(items, i, item)
    {
        char id[24];
        (void)tc_str_format(id, sizeof id, "%lld",
                            (long long)json_integer_value(json_object_get(item, "id")));
        (void)json_object_set(table_of(c, name), id, item);
    }
}

static void drop_items(struct hub_console *c, const char *name, json_t *ids)
{
    size_t i = 0;
    json_t *value = NULL;
    json_array_foreach(ids, i, value)
    {
        char id[24];
        (void)tc_str_format(id, sizeof id, "%lld", (long long)json_integer_value(value));
        (void)json_object_del(table_of(c, name), id);
    }
}

static uint64_t number(const json_t *frame, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(frame, key));
}

static void take_delta(struct hub_console *c, json_t *frame)
{
    const char *name = NULL;
    json_t *items = NULL;
    c->deltas++;
    c->gaps += number(frame, "from") != c->seq;
    c->seq = number(frame, "seq");
    json_object_foreach(json_object_get(frame, "set"), name, items)
    {
        put_items(c, name, items);
    }
    json_object_foreach(json_object_get(frame, "del"), name, items)
    {
        drop_items(c, name, items);
    }
    c->facts += (unsigned)json_array_size(json_object_get(frame, "log"));
}

static void take_snap(struct hub_console *c, json_t *frame)
{
    const char *name = json_string_value(json_object_get(frame, "table"));
    size_t len = strlen(c->tables_seen);
    if (c->snaps == 0 || !strstr(c->tables_seen, name)) {
        (void)tc_str_format(c->tables_seen + len, sizeof c->tables_seen - len, "%s,", name);
    }
    c->snaps++;
    put_items(c, name, json_object_get(frame, "items"));
}

static void keep(json_t **at, json_t *frame)
{
    json_decref(*at);
    *at = json_incref(frame);
}

const char *hub_console_step(struct hub_console *c, int timeout_ms)
{
    static const char *const known[] = {"hello", "snap",   "ready",  "delta",
                                        "tick",  "result", "resync", "fault"};
    if (tc_ws_receive(&c->ws, &c->text, timeout_ms) != 1) {
        return NULL;
    }
    if (c->keeps_text) {
        tc_buf_put_str(&c->all, tc_buf_str(&c->text));
    }
    json_error_t error;
    json_t *frame = json_loadb((const char *)c->text.bytes, c->text.len, 0, &error);
    if (!frame) {
        fail_msg("not JSON (%s): %.200s", error.text, (const char *)c->text.bytes);
    }
    const char *t = json_string_value(json_object_get(frame, "t"));
    const char *name = NULL;
    for (size_t i = 0; i < TC_COUNT_OF(known); i++) {
        name = t && strcmp(known[i], t) == 0 ? known[i] : name;
    }
    assert_non_null(name);
    if (strcmp(name, "hello") == 0) {
        c->epoch = number(frame, "epoch");
        keep(&c->hello, frame);
    } else if (strcmp(name, "snap") == 0) {
        take_snap(c, frame);
    } else if (strcmp(name, "ready") == 0) {
        c->seq = number(frame, "seq");
        c->is_ready = true;
    } else if (strcmp(name, "delta") == 0) {
        take_delta(c, frame);
    } else if (strcmp(name, "tick") == 0) {
        c->ticks++;
    } else if (strcmp(name, "result") == 0) {
        keep(&c->result, frame);
    } else if (strcmp(name, "resync") == 0) {
        c->resyncs++;
        c->is_ready = false;
        (void)json_object_clear(c->tables);
    } else {
        keep(&c->fault, frame);
    }
    json_decref(frame);
    return name;
}

bool hub_console_reach(struct hub_console *c, uint64_t seq)
{
    int64_t until_us = tc_clock_monotonic_us() + 10 * TC_SEC;
    bool is_resuming = c->snaps == 0 && c->seq != 0 && !c->is_ready;
    while (tc_clock_monotonic_us() < until_us) {
        if (c->seq >= seq && (c->is_ready || is_resuming)) {
            return true;
        }
        (void)hub_console_step(c, 200);
    }
    return false;
}

json_t *hub_console_command(struct hub_console *c, const char *envelope)
{
    json_decref(c->result);
    c->result = NULL;
    assert_true(tc_ws_send(&c->ws, tc_str_of(envelope)));
    for (int i = 0; i < 100 && !c->result; i++) {
        (void)hub_console_step(c, 200);
    }
    assert_non_null(c->result);
    return c->result;
}

json_t *hub_console_item(struct hub_console *c, const char *table, uint64_t id)
{
    char key[24];
    (void)tc_str_format(key, sizeof key, "%llu", (unsigned long long)id);
    return json_object_get(table_of(c, table), key);
}

size_t hub_console_count(struct hub_console *c, const char *table)
{
    return json_object_size(table_of(c, table));
}
