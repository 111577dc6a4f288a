/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the system: HTTP, the gateway, and the record. */
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define GIVE_UP_US (30 * TC_SEC)
/* A nanomsg socket whose first connection dies in its handshake does not always try again. */
#define SILENCES_MAX 8

const char *sys_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t sys_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_real(value) ? (int64_t)json_real_value(value) : json_integer_value(value);
}

const char *sys_body_text(const json_t *event, const char *key)
{
    return sys_text(json_object_get(event, "body"), key);
}

int64_t sys_body_number(const json_t *event, const char *key)
{
    return sys_number(json_object_get(event, "body"), key);
}

bool sys_is_kind(const json_t *event, const char *kind)
{
    return strcmp(sys_text(event, "kind"), kind) == 0;
}

/* HTTP */

void sys_log_in(struct sys *s)
{
    struct tc_http_response r;
    char value[128] = "";
    int64_t until_us = tc_clock_monotonic_us() + 10 * TC_SEC;
    do {
        bool is_answered =
            tc_http_ask(s->hub_port, "POST", "/api/login", NULL,
                        TC_STR("{\"user\":\"chen\",\"password\":\"kuai-dian-lai-1\"}"), &r);
        if (is_answered && r.status == 200) {
            (void)tc_http_header(&r, "set-cookie", value, sizeof value);
        }
        tc_http_finish(&r);
        if (value[0]) {
            value[strcspn(value, ";")] = '\0';
            (void)tc_str_format(s->cookie, sizeof s->cookie, "Cookie: %s\r\n", value);
            return;
        }
        sys_nap_ms(100);
    } while (tc_clock_monotonic_us() < until_us);
    fail_msg("nobody can log in");
}

static json_t *ask(struct sys *s, const char *method, const char *path, struct tc_str body)
{
    struct tc_http_response r;
    char headers[256];
    (void)tc_str_format(headers, sizeof headers, "%sOrigin: http://127.0.0.1:%d\r\n", s->cookie,
                        s->hub_port);
    json_t *answer = NULL;
    if (tc_http_ask(s->hub_port, method, path, headers, body, &r)) {
        answer = json_loadb((const char *)r.body.bytes, r.body.len, 0, NULL);
    }
    tc_http_finish(&r);
    return answer;
}

json_t *sys_command(struct sys *s, const char *id, const char *name, const char *body)
{
    struct tc_buf b = {0};
    tc_buf_format(&b, "{\"t\":\"command\",\"id\":\"%s\",\"name\":\"%s\",\"body\":%s}", id, name,
                  body);
    json_t *answer = ask(s, "POST", "/api/commands", tc_buf_str(&b));
    tc_buf_finish(&b);
    return answer;
}

json_t *sys_table(struct sys *s, const char *table)
{
    char path[64];
    (void)tc_str_format(path, sizeof path, "/api/state/%s", table);
    json_t *answer = ask(s, "GET", path, (struct tc_str){0});
    json_t *items = json_incref(json_object_get(answer, "items"));
    json_decref(answer);
    return items;
}

uint64_t sys_find(struct sys *s, const char *table, const char *field, const char *value)
{
    json_t *items = sys_table(s, table);
    json_t *item = NULL;
    size_t i = 0;
    uint64_t id = 0;
    json_array_foreach(items, i, item)
    {
        if (strcmp(sys_text(item, field), value) == 0) {
            id = (uint64_t)sys_number(item, "id");
        }
    }
    json_decref(items);
    return id;
}

/* The gateway */

/** A request that nanomsg still holds when its socket is closed is lost to it; not to us. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libnanomsg\n";
}

static void open_request_socket(struct sys_gateway *g)
{
    int never_ms = 24 * 3600 * 1000;
    int again_ms = 50;
    g->silences = 0;
    g->nn = nn_socket(AF_SP, NN_REQ);
    assert_true(g->nn >= 0);
    assert_int_equal(nn_setsockopt(g->nn, NN_REQ, NN_REQ_RESEND_IVL, &never_ms, sizeof never_ms),
                     0);
    assert_int_equal(
        nn_setsockopt(g->nn, NN_SOL_SOCKET, NN_RECONNECT_IVL, &again_ms, sizeof again_ms), 0);
    assert_true(nn_connect(g->nn, g->url) >= 0);
}

void sys_gateway_open(struct sys_gateway *g, const struct sys *s)
{
    *g = (struct sys_gateway){.url = s->gateway_url};
    open_request_socket(g);
}

void sys_gateway_close(struct sys_gateway *g)
{
    (void)nn_close(g->nn);
}

json_t *sys_gateway_ask(struct sys_gateway *g, const char *request, int timeout_ms)
{
    int wait_ms = timeout_ms > 0 ? timeout_ms : 1;
    void *bytes = NULL;
    if (g->silences >= SILENCES_MAX) {
        (void)nn_close(g->nn);
        open_request_socket(g);
    }
    (void)nn_setsockopt(g->nn, NN_SOL_SOCKET, NN_SNDTIMEO, &wait_ms, sizeof wait_ms);
    (void)nn_setsockopt(g->nn, NN_SOL_SOCKET, NN_RCVTIMEO, &wait_ms, sizeof wait_ms);
    int n =
        nn_send(g->nn, request, strlen(request), 0) < 0 ? -1 : nn_recv(g->nn, &bytes, NN_MSG, 0);
    if (n < 0) {
        g->silences++;
        return NULL;
    }
    g->silences = 0;
    json_t *answer = json_loadb(bytes, (size_t)n, 0, NULL);
    (void)nn_freemsg(bytes);
    return answer;
}

uint64_t sys_reading(struct sys_gateway *g, const char *id, const char *device, int64_t value_e6)
{
    struct tc_buf b = {0};
    char occurred[TC_TIME_TEXT_SIZE];
    int64_t until_us = tc_clock_monotonic_us() + GIVE_UP_US;
    json_t *answer = NULL;
    tc_time_utc_text(tc_clock_utc_us(), occurred);
    tc_buf_format(&b,
                  "{\"id\":\"%s\",\"observations\":[{\"kind\":\"reading\",\"device\":\"%s\","
                  "\"factor\":\"water_level\",\"value_e6\":%lld,\"occurred\":\"%s\"}]}",
                  id, device, (long long)value_e6, occurred);
    tc_buf_byte(&b, '\0');
    while (!answer && tc_clock_monotonic_us() < until_us) {
        answer = sys_gateway_ask(g, (const char *)b.bytes, 1000);
    }
    tc_buf_finish(&b);
    assert_non_null(answer);
    assert_string_equal(sys_text(answer, "id"), id);
    uint64_t seq =
        (uint64_t)sys_number(json_array_get(json_object_get(answer, "results"), 0), "seq");
    json_decref(answer);
    return seq;
}

/* The record */

/** Numbers past 2^63 (hashes) make all of that line's numbers reals, exact to 2^53. */
static json_t *load(const char *text, size_t len)
{
    json_t *one = json_loadb(text, len, 0, NULL);
    return one ? one : json_loadb(text, len, JSON_DECODE_INT_AS_REAL, NULL);
}

static json_t *lines_of(char *text)
{
    json_t *all = json_array();
    for (char *end = NULL; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        json_t *one = load(text, (size_t)(end - text));
        if (one) {
            assert_int_equal(json_array_append_new(all, one), 0);
        } else {
            print_message("not JSON: %.*s\n", (int)(end - text), text);
        }
    }
    return all;
}

json_t *sys_journal(struct sys *s, uint64_t from)
{
    char first[32];
    struct tc_buf out = {.max = (size_t)1024 * 1024 * 1024};
    (void)tc_str_format(first, sizeof first, "%llu", (unsigned long long)from);
    const char *const args[] = {"journal", "show", "journal", "--json", "--from", first, NULL};
    assert_int_equal(sys_run(s, args, &out), 0);
    json_t *all = lines_of((char *)out.bytes);
    tc_buf_finish(&out);
    return all;
}

json_t *sys_lines(struct sys *s, const char *file)
{
    char path[128];
    char piece[8192];
    size_t n = 0;
    struct tc_buf b = {.max = (size_t)1024 * 1024 * 1024};
    (void)tc_str_format(path, sizeof path, "%s/%s", s->dir, file);
    FILE *in = fopen(path, "r");
    while (in && (n = fread(piece, 1, sizeof piece, in)) > 0) {
        tc_buf_put(&b, piece, n);
    }
    if (in) {
        (void)fclose(in);
    }
    tc_buf_byte(&b, '\0');
    json_t *all = lines_of((char *)b.bytes);
    tc_buf_finish(&b);
    return all;
}

void sys_require_whole(struct sys *s)
{
    const char *const verify[] = {"journal", "verify", "journal", NULL};
    const char *const replay[] = {"journal", "replay", "journal", NULL};
    const char *const full[] = {"journal", "replay", "journal", "--full", NULL};
    struct tc_buf one = {0};
    struct tc_buf two = {0};
    struct tc_buf three = {0};
    assert_int_equal(sys_run(s, verify, NULL), 0);
    assert_int_equal(sys_run(s, replay, &one), 0);
    assert_int_equal(sys_run(s, replay, &two), 0);
    assert_int_equal(sys_run(s, full, &three), 0);
    assert_non_null(strstr((const char *)one.bytes, "digest "));
    assert_string_equal((const char *)one.bytes, (const char *)two.bytes);
    assert_string_equal((const char *)one.bytes, (const char *)three.bytes);
    print_message("journal: %s", (const char *)one.bytes);
    tc_buf_finish(&one);
    tc_buf_finish(&two);
    tc_buf_finish(&three);
}
