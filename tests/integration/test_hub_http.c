/* SPDX-License-Identifier: Apache-2.0 */
/* The hub over loopback: who may come in, what HTTP answers, what it refuses. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "clients/cli/user_cmd.h"
#include "clients/hub/access.h"
#include "core/base/time.h"
#include "tests/integration/hub_fixture.h"
#include "tests/lib/tc_test.h"

static struct hub_fixture fx;

static int setup_files(void **state)
{
    (void)state;
    hub_fixture_make_files(&fx);
    return 0;
}

static int teardown_files(void **state)
{
    (void)state;
    hub_fixture_remove_files(&fx);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    hub_fixture_start(&fx, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hub_fixture_stop(&fx);
    return 0;
}

static char *lines(const char *a, const char *b)
{
    static char text[512];
    (void)tc_str_format(text, sizeof text, "%s%s", a, b);
    return text;
}

static int ask(const char *method, const char *path, const char *headers, const char *body,
               struct tc_buf *answer)
{
    struct tc_http_response r;
    assert_true(tc_http_ask(fx.port, method, path, headers, tc_str_of(body), &r));
    int status = r.status;
    if (answer) {
        tc_buf_clear(answer);
        tc_buf_put(answer, r.body.bytes, r.body.len + 1);
    }
    tc_http_finish(&r);
    return status;
}

static bool holds(const struct tc_buf *b, const char *text)
{
    return strstr((const char *)b->bytes, text) != NULL;
}

static void test_log_in_and_out(void **state)
{
    (void)state;
    struct tc_http_response r;
    struct tc_buf b = {0};
    char cookie[256];
    assert_int_equal(ask("GET", "/api/me", NULL, "", NULL), 401);
    assert_int_equal(ask("POST", "/api/login", fx.origin,
                         "{\"user\":\"guest\",\"password\":\"not it at all\"}", &b),
                     401);
    assert_true(holds(&b, "wrong name or password"));
    assert_int_equal(ask("POST", "/api/login", fx.origin,
                         "{\"user\":\"nobody\",\"password\":\"not it at all\"}", NULL),
                     401);
    assert_int_equal(ask("POST", "/api/login", fx.origin, "{\"user\":\"guest\"}", NULL), 400);
    assert_int_equal(ask("POST", "/api/login", fx.origin, "{\"usr\":\"guest\"}", NULL), 400);

    struct tc_str body = TC_STR("{\"user\":\"guest\",\"password\":\"looking only\"}");
    assert_true(tc_http_ask(fx.port, "POST", "/api/login", fx.origin, body, &r));
    assert_int_equal(r.status, 200);
    assert_true(tc_http_header(&r, "set-cookie", cookie, sizeof cookie));
    assert_non_null(strstr(cookie, "HttpOnly"));
    assert_non_null(strstr(cookie, "SameSite=Strict"));
    assert_null(strstr(cookie, "Secure")); /* no TLS here */
    assert_true(holds(&r.body, "\"role\":\"observer\""));
    tc_http_finish(&r);

    char header[160];
    (void)tc_str_format(header, sizeof header, "Cookie: a=b; %.*s\r\n", (int)strcspn(cookie, ";"),
                        cookie);
    assert_int_equal(ask("GET", "/api/me", header, "", &b), 200);
    assert_true(holds(&b, "{\"user\":\"guest\",\"role\":\"observer\"}"));
    assert_int_equal(ask("POST", "/api/logout", lines(header, fx.origin), "", NULL), 200);
    assert_int_equal(ask("GET", "/api/me", header, "", NULL), 401);
    assert_int_equal(ask("GET", "/api/me", fx.observer_cookie, "", NULL), 200); /* another one */
    tc_buf_finish(&b);
}

static void test_log_in_is_recorded(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    hub_world_settle(&fx.world);
    assert_int_equal(ask("GET", "/api/log?limit=10", fx.officer_cookie, "", &b), 200);
    assert_true(holds(&b, "\"kind\":\"user.logged_in\""));
    assert_true(holds(&b, "\"address\":\"127.0.0.1\""));
    assert_false(holds(&b, "looking only"));
    tc_buf_finish(&b);
}

static void test_guessing_is_slowed_down(void **state)
{
    (void)state;
    int status = 0;
    int tries = 0;
    for (; tries < 12 && status != 429; tries++) {
        status = ask("POST", "/api/login", fx.origin,
                     "{\"user\":\"mallory\",\"password\":\"guess guess\"}", NULL);
    }
    assert_int_equal(status, 429);
    assert_in_range(tries, 3, 8);
    struct tc_http_response r;
    char wait[16];
    assert_true(tc_http_ask(fx.port, "POST", "/api/login", fx.origin,
                            TC_STR("{\"user\":\"mallory\",\"password\":\"guess guess\"}"), &r));
    assert_true(tc_http_header(&r, "retry-after", wait, sizeof wait));
    tc_http_finish(&r);
    /* others may still come in */
    char cookie[128];
    assert_int_equal(hub_fixture_log_in(&fx, "guest", "looking only", cookie, sizeof cookie), 200);
}

static void test_other_sites_are_refused(void **state)
{
    (void)state;
    struct tc_ws ws;
    static const char foreign[] = "Origin: http://evil.example\r\n";
    assert_int_equal(ask("POST", "/api/commands", lines(fx.officer_cookie, foreign), "{}", NULL),
                     403);
    assert_int_equal(ask("POST", "/api/commands", fx.officer_cookie, "{}", NULL), 403);
    assert_int_equal(ask("POST", "/api/login", foreign,
                         "{\"user\":\"guest\",\"password\":\"looking only\"}", NULL),
                     403);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/ws", lines(fx.officer_cookie, foreign)), 403);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/ws", fx.officer_cookie), 403);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/ws", fx.origin), 401);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/wss", lines(fx.officer_cookie, fx.origin)), 404);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/ws", lines(fx.officer_cookie, fx.origin)), 101);
    tc_ws_close(&ws);
    assert_int_equal(tc_ws_open(&ws, fx.port, "/ws", fx.key_header), 101); /* a machine */
    tc_ws_close(&ws);
}

static void test_files_and_headers(void **state)
{
    (void)state;
    struct tc_http_response r;
    char value[256];
    assert_true(tc_http_ask(fx.port, "GET", "/", NULL, TC_STR(""), &r));
    assert_int_equal(r.status, 200);
    assert_true(holds(&r.body, "<p>console"));
    assert_true(tc_http_header(&r, "content-type", value, sizeof value));
    assert_string_equal(value, "text/html; charset=utf-8");
    assert_true(tc_http_header(&r, "content-security-policy", value, sizeof value));
    assert_non_null(strstr(value, "default-src 'self'"));
    assert_non_null(strstr(value, "frame-ancestors 'none'"));
    assert_true(tc_http_header(&r, "x-content-type-options", value, sizeof value));
    assert_string_equal(value, "nosniff");
    assert_true(tc_http_header(&r, "etag", value, sizeof value));
    tc_http_finish(&r);
    char again[300];
    (void)tc_str_format(again, sizeof again, "If-None-Match: %s\r\n", value);
    assert_int_equal(ask("GET", "/index.html", again, "", NULL), 304);
    assert_int_equal(ask("HEAD", "/app.js", NULL, "", NULL), 200);
    assert_int_equal(ask("GET", "/out.txt", NULL, "", NULL), 404); /* a link out of the folder */
    static const char *const sneaky[] = {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                                         "/console/../../secret.txt", "//etc/passwd"};
    for (size_t i = 0; i < TC_COUNT_OF(sneaky); i++) {
        struct tc_buf b = {0};
        int status = ask("GET", sneaky[i], NULL, "", &b);
        assert_true(status == 403 || status == 404);
        assert_false(holds(&b, "outside"));
        tc_buf_finish(&b);
    }
    assert_int_equal(ask("DELETE", "/", NULL, "", NULL), 405);
}

static void test_reading(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    for (int i = 0; i < 5; i++) {
        hub_world_do(&fx.world, DEED_UNIT, 0, 100 + i);
    }
    hub_world_settle(&fx.world);
    assert_int_equal(ask("GET", "/api/state/unit", NULL, "", NULL), 401);
    assert_int_equal(ask("GET", "/api/state/unit", fx.observer_cookie, "", &b), 200);
    assert_true(holds(&b, "\"count\":5"));
    assert_true(holds(&b, "\"call_sign\":\"F104\""));
    assert_int_equal(ask("GET", "/api/state/unit?from=3&limit=1", fx.observer_cookie, "", &b), 200);
    assert_true(holds(&b, "F103"));
    assert_false(holds(&b, "F104"));
    assert_true(holds(&b, "\"next\":4"));
    assert_int_equal(ask("GET", "/api/state/command_result", fx.officer_cookie, "", NULL), 404);
    assert_int_equal(ask("GET", "/api/layers/roads", fx.officer_cookie, "", &b), 200);
    assert_true(holds(&b, "FeatureCollection"));
    assert_int_equal(ask("GET", "/api/layers/none", fx.officer_cookie, "", NULL), 404);
    assert_int_equal(ask("GET", "/api/log?limit=2", fx.officer_cookie, "", &b), 200);
    const char *newest = strstr((const char *)b.bytes, "F104");
    const char *older = strstr((const char *)b.bytes, "F103");
    assert_true(newest && older && newest < older);
    assert_false(holds(&b, "F102"));
    assert_int_equal(ask("GET", "/metrics", NULL, "", &b), 200);
    assert_true(holds(&b, "tocsin_hub_connections"));
    tc_buf_finish(&b);
}

static void test_health(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    assert_int_equal(ask("GET", "/healthz", NULL, "", &b), 200);
    assert_true(holds(&b, "\"reasons\":[]"));
    (void)tc_str_put(fx.world.stopped, sizeof fx.world.stopped, TC_STR("disk full"));
    assert_int_equal(ask("GET", "/healthz", NULL, "", &b), 503);
    assert_true(holds(&b, "journal_stopped"));
    tc_buf_finish(&b);
}

static void test_commands_over_http(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    struct tc_buf first = {0};
    const char *report = "{\"id\":\"r-1\",\"name\":\"report.create\",\"seen\":1,"
                         "\"body\":{\"text\":\"水浸\"}}";
    char *officer = lines(fx.officer_cookie, fx.origin);
    assert_int_equal(ask("POST", "/api/commands", officer, report, &first), 200);
    assert_true(holds(&first, "\"ok\":true"));
    /* the same id again: the same answer, not a second report */
    assert_int_equal(ask("POST", "/api/commands", officer, report, &b), 200);
    assert_string_equal((const char *)b.bytes, (const char *)first.bytes);
    assert_int_equal(ask("GET", "/api/state/report", fx.officer_cookie, "", &b), 200);
    assert_true(holds(&b, "\"count\":1"));

    officer = lines(fx.officer_cookie, fx.origin);
    assert_int_equal(ask("POST", "/api/commands", officer,
                         "{\"id\":\"a-1\",\"name\":\"alarm.acknowledge\",\"body\":{\"alarm\":9}}",
                         &b),
                     409);
    assert_true(holds(&b, "alarm_not_found"));
    assert_int_equal(ask("POST", "/api/commands", officer,
                         "{\"id\":\"a-2\",\"name\":\"alarm.acknowledge\",\"body\":{\"alrm\":9}}",
                         &b),
                     400);
    assert_true(holds(&b, "alarm.acknowledge.alrm: no such field"));
    assert_int_equal(ask("POST", "/api/commands", officer, "{\"id\":\"x\",\"name\":\"fly\"}", &b),
                     400);
    assert_true(holds(&b, "unknown_command"));
    assert_int_equal(ask("POST", "/api/commands", officer, "{\"name\":\"report.create\"}", &b),
                     400);
    assert_true(holds(&b, "envelope.id"));
    assert_int_equal(ask("POST", "/api/commands", officer,
                         "{\"id\":\"s\",\"name\":\"session.open\",\"body\":{\"user\":\"x\"}}", &b),
                     403);
    assert_int_equal(ask("POST", "/api/commands", lines(fx.observer_cookie, fx.origin), report, &b),
                     403);
    assert_true(holds(&b, "role_not_allowed"));
    tc_buf_finish(&b);
    tc_buf_finish(&first);
}

/** Two requests on one connection; each `wants` must come back within a second or two. */
static bool answers_within(int fd, const char *wants)
{
    char text[4096];
    size_t n = 0;
    struct timeval patience = {.tv_sec = 2};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (n + 1 < sizeof text) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        text[n] = '\0';
        if (strstr(text, wants)) {
            return true;
        }
    }
    return false;
}

static void test_bytes_behind_a_body(void **state)
{
    (void)state;
    static const char more[] = "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
                               "and what nobody announced, again and again and again";
    for (int i = 0; i < 20; i++) { /* one such connection once held the whole hub */
        int fd = tc_tcp_connect(fx.port);
        assert_true(tc_tcp_send(fd, more, sizeof more - 1));
        if (i % 2) {
            (void)close(fd);
        }
        assert_int_equal(ask("GET", "/healthz", NULL, "", NULL), 200);
        if (i % 2 == 0) {
            (void)close(fd);
        }
    }
    static const char post[] = "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    int fd = tc_tcp_connect(fx.port);
    for (int i = 0; i < 3; i++) { /* in turn on one connection: each is answered */
        assert_true(tc_tcp_send(fd, post, sizeof post - 1));
        assert_true(answers_within(fd, "HTTP/1.1 4"));
        (void)poll(NULL, 0, 50); /* the rest of the answer */
        char rest[4096];
        (void)recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    }
    (void)close(fd);
}

static void test_limits(void **state)
{
    (void)state;
    struct tc_buf big = {0};
    char *officer = lines(fx.officer_cookie, fx.origin);
    tc_buf_text(&big, "{\"id\":\"b\",\"name\":\"report.create\",\"body\":{\"text\":\"");
    while (big.len < 70000) {
        tc_buf_text(&big, "0123456789");
    }
    tc_buf_text(&big, "\"}}");
    tc_buf_byte(&big, '\0');
    assert_int_equal(ask("POST", "/api/commands", officer, (const char *)big.bytes, NULL), 413);
    /* a gateway may send that much; then the field's own limit speaks */
    struct tc_buf b = {0};
    assert_int_equal(ask("POST", "/api/commands", fx.key_header, (const char *)big.bytes, &b), 403);
    fx.world.count_max = 0;
    assert_int_equal(ask("POST", "/api/commands", officer,
                         "{\"id\":\"f\",\"name\":\"report.create\",\"body\":{}}", &b),
                     503);
    assert_true(holds(&b, "come again"));
    tc_buf_finish(&b);
    tc_buf_finish(&big);
}

static void test_disabled_user_is_put_out(void **state)
{
    (void)state;
    char cookie[128];
    char why[TC_WHY_MAX] = "";
    struct tc_access *access = NULL;
    assert_int_equal(tc_access_open(fx.access_file, &access, why), TC_OK);
    assert_int_equal(
        tc_access_user_add(access, TC_STR("brief"), TC_ROLE_OBSERVER, TC_STR("for a moment"), why),
        TC_OK);
    assert_int_equal(hub_fixture_log_in(&fx, "brief", "for a moment", cookie, sizeof cookie), 200);
    assert_int_equal(ask("GET", "/api/me", cookie, "", NULL), 200);
    assert_int_equal(tc_access_disable(access, TC_STR("brief"), why), TC_OK);
    tc_access_close(access);
    int status = 200;
    for (int i = 0; i < 40 && status == 200; i++) {
        struct timespec pause = {.tv_nsec = 100000000};
        (void)nanosleep(&pause, NULL);
        status = ask("GET", "/api/me", cookie, "", NULL);
    }
    assert_int_equal(status, 401);
    assert_int_equal(hub_fixture_log_in(&fx, "brief", "for a moment", cookie, sizeof cookie), 401);
}

/* HTTP sources */

static enum tc_intake_next handle(void *ctx, const struct tc_hub_request *rq,
                                  struct tc_hub_response *rs, struct tc_hub_submission *sub)
{
    assert_ptr_equal(ctx, &fx);
    if (!rq->is_post) {
        tc_buf_format(&rs->body, "tail=%.*s code=%.*s role=%d seq=%llu", (int)rq->tail.len,
                      rq->tail.at, (int)rq->params[0].value.len, rq->params[0].value.at,
                      (int)rq->role, (unsigned long long)rq->follower->seq);
        rs->content_type = "text/plain";
        return TC_INTAKE_ANSWER;
    }
    sub->obs = tc_obs_init(TC_OBS_CASE);
    sub->obs.text = rq->body;
    sub->source = TC_STR("open311");
    sub->memory = tc_arena_copy(rq->arena, "xml", 3);
    return TC_INTAKE_SUBMIT;
}

static void reply(void *ctx, void *memory, const struct tc_reply *r,
                  const struct tc_model *follower, struct tc_hub_response *rs)
{
    (void)ctx;
    rs->status = r ? 201 : 503;
    tc_buf_format(&rs->body, "%s seq=%llu known=%d", (const char *)memory,
                  r ? (unsigned long long)r->seq : 0,
                  r && tc_table_find(tc_model_table(follower, "report"), r->seq) != NULL);
}

static const struct tc_hub_intake intakes[] = {
    {.prefix = "/open311/v2/", .ctx = &fx, .handle = handle, .reply = reply}};

static int setup_intake(void **state)
{
    (void)state;
    hub_fixture_start(&fx, intakes, 1);
    return 0;
}

static void test_http_source(void **state)
{
    (void)state;
    struct tc_buf b = {0};
    assert_int_equal(ask("GET", "/open311/v2/services.json?code=a%20b%26c", fx.key_header, "", &b),
                     200);
    assert_true(holds(&b, "tail=services.json code=a b&c role=7 "));
    assert_int_equal(ask("POST", "/open311/v2/requests.xml", NULL, "积水", &b), 201);
    assert_true(holds(&b, "xml seq="));
    assert_true(holds(&b, "known=1"));
    fx.world.count_max = 0;
    assert_int_equal(ask("POST", "/open311/v2/requests.xml", NULL, "积水", &b), 503);
    tc_buf_finish(&b);
}

/* Without a running hub */

static void refuse(const struct tc_hub_options *options, const char *sentence)
{
    struct hub_world world;
    char why[TC_WHY_MAX] = "";
    assert_int_not_equal(hub_world_start(&world, options, NULL, 0, why), TC_OK);
    if (!strstr(why, sentence)) {
        fail_msg("said: %s", why);
    }
}

static void test_refuses_to_listen_in_the_clear(void **state)
{
    (void)state;
    struct tc_hub_options o = {.address = "0.0.0.0"};
    refuse(&o, "TLS certificate and key, or listen on 127.0.0.1");
    o.address = "::";
    refuse(&o, "TLS certificate and key");
    o.address = "192.0.2.7";
    refuse(&o, "TLS certificate and key");
    o.address = "127.0.0.1";
    o.tls_cert = "/nowhere/cert.pem";
    refuse(&o, "both a certificate and its key");
    o.tls_key = "/nowhere/key.pem";
    refuse(&o, "TLS certificate");
}

static void test_refuses_an_open_access_file(void **state)
{
    (void)state;
    struct tc_hub_options o = {.address = "127.0.0.1", .access_db = fx.access_file};
    assert_int_equal(chmod(fx.access_file, 0644), 0);
    refuse(&o, "chmod 600");
    assert_int_equal(chmod(fx.access_file, 0600), 0);
}

static void test_listens_only_where_told(void **state)
{
    (void)state;
    int fd = tc_tcp_connect_to("127.0.0.1", fx.port);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(tc_tcp_connect_to("127.0.0.2", fx.port), -1); /* also this machine */
}

static void test_port_taken(void **state)
{
    (void)state;
    struct tc_hub_options o = {.address = "127.0.0.1", .port = fx.port};
    refuse(&o, "cannot listen on 127.0.0.1");
}

static void test_says_when_console_is_missing(void **state)
{
    (void)state;
    struct hub_world world;
    struct tc_hub_options o = {.address = "localhost", .console_dir = "/nowhere"};
    char why[TC_WHY_MAX] = "";
    struct tc_http_response r;
    assert_int_equal(hub_world_start(&world, &o, NULL, 0, why), TC_OK);
    assert_true(tc_http_ask(tc_hub_port(world.hub), "GET", "/", NULL, TC_STR(""), &r));
    assert_int_equal(r.status, 200);
    assert_true(holds(&r.body, "控制台尚未构建"));
    tc_http_finish(&r);
    hub_world_stop(&world);
}

static void test_tls(void **state)
{
    (void)state;
    struct tc_buf command = {0};
    char cert[128];
    char key[128];
    (void)tc_str_format(cert, sizeof cert, "%s/cert.pem", fx.dir);
    (void)tc_str_format(key, sizeof key, "%s/key.pem", fx.dir);
    tc_buf_format(
        &command,
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout %s "
        "-out %s 2>/dev/null",
        key, cert);
    tc_buf_byte(&command, '\0');
    if (system((const char *)command.bytes) != 0) {
        print_message("skipped: openssl is not installed\n");
        tc_buf_finish(&command);
        skip();
    }
    struct hub_world world;
    struct tc_hub_options o = {
        .address = "0.0.0.0", .tls_cert = cert, .tls_key = key, .console_dir = fx.console_dir};
    char why[TC_WHY_MAX] = "";
    assert_int_equal(hub_world_start(&world, &o, NULL, 0, why), TC_OK);
    tc_buf_clear(&command);
    tc_buf_format(
        &command,
        "printf 'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' | "
        "timeout 10 openssl s_client -quiet -connect 127.0.0.1:%d 2>/dev/null; "
        "sleep 0",
        tc_hub_port(world.hub));
    tc_buf_byte(&command, '\0');
    char text[2048] = "";
    FILE *pipe = NULL;
    for (int i = 0; i < 3 && !strstr(text, "reasons"); i++) {
        pipe = popen((const char *)command.bytes, "r");
        assert_non_null(pipe);
        size_t n = fread(text, 1, sizeof text - 1, pipe);
        text[n] = '\0';
        (void)pclose(pipe);
    }
    assert_non_null(strstr(text, "HTTP/1.1 200"));
    assert_non_null(strstr(text, "\"reasons\":[]"));
    /* plain text at the TLS port gets nothing and harms nobody */
    struct tc_http_response r;
    assert_false(tc_http_ask(tc_hub_port(world.hub), "GET", "/healthz", NULL, TC_STR(""), &r));
    tc_http_finish(&r);
    hub_world_stop(&world);
    tc_buf_finish(&command);
}

static int user(const char *a, const char *b, const char *c, const char *d)
{
    const char *args[] = {"user", a, b, c, d, "--access", fx.access_file, NULL};
    char *argv[8];
    int argc = 0;
    for (size_t i = 0; i < 7; i++) {
        if (args[i]) {
            argv[argc++] = strdup(args[i]);
        }
    }
    int status = tc_cmd_user(argc, argv);
    for (int i = 0; i < argc; i++) {
        free(argv[i]); /* strdup's */
    }
    return status;
}

static void test_user_command(void **state)
{
    (void)state;
    assert_int_equal(user("add", "李娜", "--role", "supervisor"), 0);
    assert_int_equal(user("add", "李娜", "--role", "supervisor"), 1); /* twice */
    assert_int_equal(user("add", "x", "--role", "system"), 2);
    assert_int_equal(user("add", "x", NULL, NULL), 2);
    assert_int_equal(user("disable", "李娜", NULL, NULL), 0);
    assert_int_equal(user("disable", "nobody", NULL, NULL), 1);
    assert_int_equal(user("list", NULL, NULL, NULL), 0);
    assert_int_equal(user("--help", NULL, NULL, NULL), 0);
    assert_int_equal(user("fly", NULL, NULL, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_in_and_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_in_is_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guessing_is_slowed_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_sites_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_and_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_health, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commands_over_http, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_behind_a_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disabled_user_is_put_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_source, setup_intake, teardown),
        cmocka_unit_test_setup_teardown(test_listens_only_where_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_taken, setup, teardown),
        cmocka_unit_test(test_refuses_to_listen_in_the_clear),
        cmocka_unit_test(test_refuses_an_open_access_file),
        cmocka_unit_test(test_says_when_console_is_missing),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_user_command),
    };
    return cmocka_run_group_tests(tests, setup_files, teardown_files);
}
