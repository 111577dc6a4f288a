/* SPDX-License-Identifier: Apache-2.0 */
/* What the load program says it sent must be what came. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/simulators/load.h"
#include "core/base/time.h"
#include "tests/lib/tc_test.h"

static void the_pace_is_even_and_forgets_pauses(void **state)
{
    (void)state;
    struct sim_pace p = {.per_second = 1000};
    uint64_t total = 0;
    int64_t now_us = 1;
    for (int i = 0; i < 200; i++, now_us += 5000) {
        total += sim__pace_take(&p, now_us);
    }
    assert_in_range(total, 994, 996); /* 199 steps of 5 ms */
    now_us += 10 * TC_SEC;
    assert_in_range(sim__pace_take(&p, now_us), 100, 101); /* no more than a tenth of a second */
}

static uint16_t two_free_ports(void)
{
    for (;;) {
        int fds[2];
        bool ok = true;
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof at;
        fds[0] = socket(AF_INET, SOCK_STREAM, 0);
        fds[1] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(fds[0], (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(getsockname(fds[0], (struct sockaddr *)&at, &len), 0);
        uint16_t port = ntohs(at.sin_port);
        at.sin_port = htons((uint16_t)(port + 1));
        ok = port < 65535 && bind(fds[1], (struct sockaddr *)&at, sizeof at) == 0;
        (void)close(fds[0]);
        (void)close(fds[1]);
        if (ok) {
            return port;
        }
    }
}

static int dial(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            return fd;
        }
        (void)close(fd);
        (void)poll(NULL, 0, 50);
    }
    fail_msg("nobody listens on %u", port);
    return -1;
}

static unsigned count_of(const struct tc_buf *b, const char *what)
{
    unsigned count = 0;
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= b->len; i++) {
        count += memcmp(b->bytes + i, what, len) == 0;
    }
    return count;
}

/** Reads both links until they end. */
static void read_all(int links[2], struct tc_buf *all)
{
    uint8_t chunk[65536];
    int open_count = 2;
    while (open_count > 0) {
        struct pollfd p[2] = {{.fd = links[0], .events = POLLIN},
                              {.fd = links[1], .events = POLLIN}};
        assert_true(poll(p, 2, 10000) > 0);
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].revents ? read(links[i], chunk, sizeof chunk) : 0;
            if (n > 0) {
                tc_buf_put(all, chunk, (size_t)n);
            } else if (p[i].revents) {
                (void)close(links[i]);
                links[i] = -1;
                open_count--;
            }
        }
    }
}

static void what_is_counted_arrives(void **state)
{
    (void)state;
    char address[32];
    char said[1024];
    char want[64];
    int out[2];
    int status = 0;
    uint16_t port = two_free_ports();
    (void)tc_str_format(address, sizeof address, "127.0.0.1:%u", port);
    assert_int_equal(pipe(out), 0);
    pid_t program = fork();
    if (program == 0) {
        (void)dup2(out[1], 1);
        (void)execl(SIM_LOAD, SIM_LOAD, "--listen", address, "--links", "2", "--units", "40",
                    "--rate", "400", "--status-rate", "20", "--seconds", "1", "--settle", "0.1",
                    (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    int links[2] = {dial(port), dial((uint16_t)(port + 1))};
    struct tc_buf all = {0};
    read_all(links, &all);
    ssize_t n = read(out[0], said, sizeof said - 1);
    assert_true(n > 0);
    said[n] = '\0';
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    unsigned positions = count_of(&all, "\r\n+CTSDSR: 12,1000");
    unsigned statuses = count_of(&all, "\r\n+CTSDSR: 13,1000");
    assert_in_range(positions, 300, 401);
    assert_in_range(statuses, 15, 21);
    (void)tc_str_format(want, sizeof want, "\"positions\":%u,\"statuses\":%u,\"held\":0", positions,
                        statuses);
    assert_non_null(strstr(said, want));
    assert_true(count_of(&all, "\r\n+CTSDSR: 12,100040,") > 0); /* the last of forty */
    assert_int_equal(count_of(&all, "\r\n+CTSDSR: 12,100041,"), 0);
    (void)close(out[0]);
    tc_buf_finish(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pace_is_even_and_forgets_pauses),
        cmocka_unit_test(what_is_counted_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
