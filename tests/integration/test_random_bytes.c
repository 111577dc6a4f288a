/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes on everything that listens, and from a radio that talks nonsense, under sanitizers:
 * the program lives, and honest clients are still served afterwards. TOCSIN_RANDOM_S seconds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/system.h"
#include "tests/lib/tc_test.h"

#define PIECE_MAX 4096

static struct sys sys;
static atomic_bool is_over;
static bool has_passed;
static _Atomic uint64_t bytes_sent;
static _Atomic uint64_t connections;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/** Bytes of any kind, and now and then the beginning of something that is understood. */
static size_t make_piece(uint64_t *chance, const char *const *starts, size_t start_count,
                         uint8_t *to)
{
    size_t len = 0;
    if (start_count && next_random(chance) % 4 != 0) {
        const char *start = starts[next_random(chance) % start_count];
        len = strlen(start);
        memcpy(to, start, len);
    }
    size_t more = next_random(chance) % (next_random(chance) % 8 ? 200 : PIECE_MAX - 200);
    bool is_text = next_random(chance) % 2;
    for (size_t i = 0; i < more; i++) {
        uint8_t byte = (uint8_t)next_random(chance);
        to[len++] = is_text ? (uint8_t)(32 + byte % 95) : byte;
    }
    if (is_text && next_random(chance) % 2) {
        to[len++] = '\r';
        to[len++] = '\n';
    }
    return len;
}

static void pour(int fd, uint64_t *chance, const char *const *starts, size_t start_count)
{
    uint8_t piece[PIECE_MAX + 2048];
    size_t pieces = 1 + next_random(chance) % 20;
    atomic_fetch_add(&connections, 1);
    for (size_t i = 0; i < pieces && !atomic_load(&is_over); i++) {
        size_t len = make_piece(chance, starts, start_count, piece);
        if (!tc_tcp_send(fd, piece, len)) {
            return;
        }
        atomic_fetch_add(&bytes_sent, len);
        (void)recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (next_random(chance) % 3 == 0) {
            sys_nap_ms(1);
        }
    }
}

static void *pour_into_hub(void *arg)
{
    static const char *const starts[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /api/state/unit HTTP/1.1\r\nHost: a\r\nCookie: tocsin_session=",
        "POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{\"user\":\"",
        "POST /api/commands HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /api/log?before=18446744073709551616&limit=-1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT ",
        "\x16\x03\x01\x02",
    };
    uint64_t chance = *(const uint64_t *)arg;
    while (!atomic_load(&is_over)) {
        int fd = tc_tcp_connect(sys.hub_port);
        if (fd >= 0) {
            pour(fd, &chance, starts, TC_COUNT_OF(starts));
            (void)close(fd);
        }
    }
    return NULL;
}

/** Somebody who is logged in and writes random frames. */
static void *pour_into_websocket(void *arg)
{
    static const char *const starts[] = {"{\"t\":\"command\",\"id\":\"x\",\"name\":\"",
                                         "{\"t\":\"resume\",\"epoch\":1,\"seq\":",
                                         "{\"t\":\"ack\",\"seq\":", "[[[[[[[[[[[[[[[[[[[[[["};
    uint64_t chance = *(const uint64_t *)arg;
    char headers[256];
    (void)tc_str_format(headers, sizeof headers, "%sOrigin: http://127.0.0.1:%d\r\n", sys.cookie,
                        sys.hub_port);
    while (!atomic_load(&is_over)) {
        struct tc_ws w;
        uint8_t piece[PIECE_MAX + 2048];
        struct tc_buf answer = {0};
        if (tc_ws_open(&w, sys.hub_port, "/ws", headers) == 101) {
            atomic_fetch_add(&connections, 1);
            int got = 0;
            for (int i = 0; i < 20 && got >= 0 && !atomic_load(&is_over); i++) {
                size_t len = make_piece(&chance, starts, TC_COUNT_OF(starts), piece);
                struct tc_str text = {.at = (const char *)piece, .len = len};
                got = tc_ws_send(&w, text) ? tc_ws_receive(&w, &answer, 1) : -1;
                atomic_fetch_add(&bytes_sent, len);
            }
            tc_ws_close(&w);
        } else {
            sys_nap_ms(5);
        }
        tc_buf_finish(&answer);
    }
    return NULL;
}

/** The bytes of nanomsg's own protocol, wrong. */
static void *pour_into_socket_file(void *arg)
{
    uint64_t chance = *(const uint64_t *)arg;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)tc_str_format(to.sun_path, sizeof to.sun_path, "%s/gateway.ipc", sys.dir);
    while (!atomic_load(&is_over)) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0) {
            pour(fd, &chance, NULL, 0);
        }
        (void)close(fd);
    }
    return NULL;
}

/** Well-formed messages with random requests in them. */
static void *pour_into_gateway(void *arg)
{
    static const char *const starts[] = {
        "{\"id\":\"a\",\"observations\":[{\"kind\":\"reading\",\"device\":\"",
        "{\"id\":\"b\",\"observations\":[{\"kind\":\"position\",\"lon\":1e999,\"lat\":",
        "{\"id\":\"", "[[[[[[[[[[[[[[[[[[[["};
    uint64_t chance = *(const uint64_t *)arg;
    struct sys_gateway g;
    sys_gateway_open(&g, &sys);
    while (!atomic_load(&is_over)) {
        uint8_t piece[PIECE_MAX + 2048];
        size_t len = make_piece(&chance, starts, TC_COUNT_OF(starts), piece);
        piece[len] = '\0';
        json_decref(sys_gateway_ask(&g, (const char *)piece, 50));
        atomic_fetch_add(&bytes_sent, len);
    }
    sys_gateway_close(&g);
    return NULL;
}

static int listen_as_radio(void)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sys.pei_port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/** A radio that answers nearly anything. */
static void *nonsense_radio(void *arg)
{
    static const char *const starts[] = {"\r\nOK\r\n",
                                         "\r\nOK\r\n",
                                         "\r\nERROR\r\n",
                                         "\r\n+CME ERROR: ",
                                         "\r\n+CTSDSR: 12,10101,0,",
                                         "\r\n+CTSDSR: 13,10101,0,2001,0,16\r\n8003\r\n",
                                         "\r\n+CTSDSR: 12,10101,0,2001,0,99999\r\n",
                                         "\r\n+CMGS: ",
                                         "\r\n+CTICN: 1,0,0,5,",
                                         "+GMI: ",
                                         "\r\n+CTSDSR: 12,4600100100010101,1,2001,0,88\r\n0A"};
    uint64_t chance = *(const uint64_t *)arg;
    int listener = listen_as_radio();
    while (!atomic_load(&is_over) && listener >= 0) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        int fd = poll(&p, 1, 100) == 1 ? accept(listener, NULL, NULL) : -1;
        if (fd >= 0) {
            for (int i = 0; i < 30; i++) {
                pour(fd, &chance, starts, TC_COUNT_OF(starts));
            }
            (void)close(fd);
        }
    }
    if (listener >= 0) {
        (void)close(listener);
    }
    return NULL;
}

static void check_good_clients(void)
{
    struct sys_gateway g;
    sys_require_alive(&sys);
    sys_log_in(&sys);
    json_t *answer = sys_command(&sys, "good-1", "incident.open",
                                 "{\"type\":\"fire\",\"title\":\"after the rain of bytes\","
                                 "\"lon_e7\":1140550000,\"lat_e7\":225420000}");
    assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    assert_true(sys_find(&sys, "incident", "title", "after the rain of bytes") > 0);
    sys_gateway_open(&g, &sys);
    assert_true(sys_reading(&g, "good-2", "GA-05", 1234) > 0);
    sys_gateway_close(&g);
}

static bool heard_on_air(const char *what)
{
    json_t *lines = sys_lines(&sys, "air.jsonl");
    json_t *line = NULL;
    size_t i = 0;
    bool is_heard = false;
    json_array_foreach(lines, i, line)
    {
        is_heard = is_heard || (strcmp(sys_text(line, "outcome"), "on_air") == 0 &&
                                strstr(sys_text(line, "text"), what));
    }
    json_decref(lines);
    return is_heard;
}

/** The real radio comes to the same port; an order must reach the air. */
static void check_radio(void)
{
    char body[160];
    (void)sys_radios(&sys, "1");
    (void)tc_str_format(body, sizeof body,
                        "{\"recipient_kind\":\"unit\",\"recipient\":%llu,\"channel\":\"sds\","
                        "\"text\":\"hear me\"}",
                        (unsigned long long)sys_find(&sys, "unit", "address", "10301"));
    json_t *answer = sys_command(&sys, "good-3", "order.send", body);
    assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    int64_t until_us = tc_clock_monotonic_us() + 45 * TC_SEC; /* redialling slows down to 30 s */
    while (!heard_on_air("hear me")) {
        assert_true(tc_clock_monotonic_us() < until_us);
        sys_nap_ms(200);
    }
}

static void test_random_bytes(void **state)
{
    static void *(*const pourers[])(void *) = {pour_into_hub,         pour_into_hub,
                                               pour_into_websocket,   nonsense_radio,
                                               pour_into_socket_file, pour_into_gateway};
    pthread_t threads[TC_COUNT_OF(pourers)];
    uint64_t seeds[TC_COUNT_OF(pourers)];
    int64_t seconds = sys_setting("TOCSIN_RANDOM_S", 5);
    uint64_t seed = (uint64_t)sys_setting("TOCSIN_SEED", tc_clock_utc_us() % 1000000);
    (void)state;
    print_message("seed %llu, %lld s\n", (unsigned long long)seed, (long long)seconds);
    for (size_t i = 0; i < TC_COUNT_OF(pourers); i++) {
        seeds[i] = (seed + i + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
        assert_int_equal(pthread_create(&threads[i], NULL, pourers[i], &seeds[i]), 0);
    }
    int64_t until_us = tc_clock_monotonic_us() + seconds * TC_SEC;
    while (tc_clock_monotonic_us() < until_us) {
        sys_require_alive(&sys);
        sys_nap_ms(100);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < TC_COUNT_OF(pourers); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    print_message("%llu bytes over %llu connections\n",
                  (unsigned long long)atomic_load(&bytes_sent),
                  (unsigned long long)atomic_load(&connections));
    check_good_clients();
    check_radio();
    assert_int_equal(sys_stop(&sys), 0);
    sys_require_whole(&sys);
    has_passed = true;
}

static int set_up(void **state)
{
    (void)state;
    sys_open(&sys);
    sys_start(&sys);
    sys_log_in(&sys);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&is_over, true);
    sys_close(&sys, !has_passed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_bytes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
