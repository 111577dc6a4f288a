/* SPDX-License-Identifier: Apache-2.0 */
/* The example gateways against the real REP socket and the real driver: what they print is what
 * the driver answered. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "core/loop/nnsock.h"
#include "tests/unit/feed_probe.h"

struct stage {
    uv_loop_t loop;
    uv_process_t child;
    uv_pipe_t out;
    uv_timer_t guard;
    struct tc_nn_rep *rep;
    struct feed *feed;
    struct tc_buf printed;
    char space[4096];
    int64_t exit_code;
    bool is_refusing;
};

static void on_request(void *ctx, struct tc_str body, void *route)
{
    struct stage *s = ctx;
    tc_buf_clear(&s->feed->wire);
    feed_bytes(s->feed, body.at, body.len);
    feed_verdicts(s->feed, !s->is_refusing, "sensor_unknown");
    tc_nn_reply(s->rep, route, tc_buf_str(&s->feed->wire));
}

static void on_exit_code(uv_process_t *child, int64_t code, int signal)
{
    struct stage *s = child->data;
    s->exit_code = signal ? -signal : code;
    uv_close((uv_handle_t *)child, NULL);
    uv_close((uv_handle_t *)&s->guard, NULL);
    tc_nn_rep_close(s->rep);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    struct stage *s = handle->data;
    *buf = uv_buf_init(s->space, sizeof s->space);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct stage *s = stream->data;
    if (n > 0) {
        tc_buf_put(&s->printed, buf->base, (size_t)n);
    } else if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static void on_too_late(uv_timer_t *timer)
{
    struct stage *s = timer->data;
    (void)uv_process_kill(&s->child, 9);
}

/** Runs the example until it ends; false when it cannot be started. */
static bool play(struct stage *s, const char *url, char **argv)
{
    char why[TC_WHY_MAX] = "";
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {
        .file = argv[0], .args = argv, .stdio = stdio, .stdio_count = 3, .exit_cb = on_exit_code};
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(tc_nn_rep_open(&s->loop, url, on_request, s, &s->rep, why), TC_OK);
    (void)uv_pipe_init(&s->loop, &s->out, 0);
    (void)uv_timer_init(&s->loop, &s->guard);
    stdio[1].data.stream = (uv_stream_t *)&s->out;
    s->out.data = s->child.data = s->guard.data = s;
    bool is_started = uv_spawn(&s->loop, &s->child, &options) == 0;
    if (is_started) {
        (void)uv_timer_start(&s->guard, on_too_late, 20000, 0);
        (void)uv_read_start((uv_stream_t *)&s->out, on_room, on_output);
    } else {
        uv_close((uv_handle_t *)&s->child, NULL);
        uv_close((uv_handle_t *)&s->out, NULL);
        uv_close((uv_handle_t *)&s->guard, NULL);
        tc_nn_rep_close(s->rep);
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    return is_started;
}

static void check_example(char **argv, const char *url, bool is_refusing)
{
    struct stage s = {.is_refusing = is_refusing, .feed = feed_create("gateway", "")};
    if (!play(&s, url, argv)) {
        print_message("skipped: %s cannot be started\n", argv[0]);
        feed_destroy(s.feed);
        skip();
        return;
    }
    tc_buf_byte(&s.printed, '\0');
    assert_int_equal(s.exit_code, is_refusing ? 1 : 0);
    assert_non_null(strstr(feed_said(s.feed),
                           "READING from=gauge-1 factor=water_level value=350000 quality=valid "
                           "unit=m occurred="));
    assert_non_null(strstr((char *)s.printed.bytes, is_refusing ? "sensor_unknown" : "seq"));
    tc_buf_finish(&s.printed);
    feed_destroy(s.feed);
}

static void check_both(char *program, char *script, int seed)
{
    char ipc[64];
    char tcp[64];
    tc_str_format(ipc, sizeof ipc, "ipc:///tmp/tocsin-gateway-%d-%d", (int)getpid(), seed);
    tc_str_format(tcp, sizeof tcp, "tcp://127.0.0.1:%d", 20000 + ((int)getpid() + seed) % 20000);
    char *const urls[] = {ipc, tcp, ipc};
    for (size_t i = 0; i < TC_COUNT_OF(urls); i++) {
        char device[] = "gauge-1";
        char factor[] = "water_level";
        char value[] = "0.35";
        char unit[] = "m";
        char *argv[] = {program,
                        script ? script : urls[i],
                        script ? urls[i] : device,
                        script ? device : factor,
                        script ? factor : value,
                        script ? value : unit,
                        script ? unit : NULL,
                        NULL};
        check_example(argv, urls[i], i == 2);
    }
    (void)unlink(ipc + strlen("ipc://"));
}

static void python_speaks_to_the_real_socket(void **state)
{
    (void)state;
    char program[] = "python3";
    char script[] = "docs/examples/gateway.py";
    check_both(program, script, 0);
}

static void c_speaks_to_the_real_socket(void **state)
{
    (void)state;
    char program[] = GATEWAY_EXAMPLE;
    check_both(program, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_speaks_to_the_real_socket),
        cmocka_unit_test(c_speaks_to_the_real_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
