/* SPDX-License-Identifier: Apache-2.0 */
/* The gauge, the stations and the citizens as programs, each against a small other side. */
#include <arpa/inet.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "tests/lib/tc_test.h"

static char log_path[64];

static int make_path(void **state)
{
    (void)state;
    (void)tc_str_format(log_path, sizeof log_path, "/tmp/sim_field_%d.log", (int)getpid());
    (void)unlink(log_path);
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    (void)unlink(log_path);
    return 0;
}

static int listen_somewhere(char address[32])
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)tc_str_format(address, 32, "127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

static pid_t run(const char *const argv[])
{
    char *words[32] = {0}; /* execv leaves them alone, but its type does not say so */
    size_t count = 0;
    while (argv[count] && count < 31) {
        count++;
    }
    memcpy(words, argv, count * sizeof words[0]);
    pid_t program = fork();
    if (program == 0) {
        (void)execv(words[0], words);
        _exit(127);
    }
    assert_true(program > 0);
    return program;
}

static void end(pid_t program, int signal_number)
{
    int status = 0;
    if (signal_number) {
        assert_int_equal(kill(program, signal_number), 0);
    }
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/** Read until `mark` was seen; returns the length. */
static size_t read_until(int fd, const char *mark, char *to, size_t size)
{
    size_t len = 0;
    to[0] = '\0';
    while (!strstr(to, mark)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 10000), 1);
        ssize_t n = read(fd, to + len, size - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
        to[len] = '\0';
    }
    return len;
}

static bool log_has(const char *one, const char *two)
{
    char line[4096];
    bool found = false;
    for (int i = 0; i < 100 && !found; i++) {
        FILE *file = fopen(log_path, "r");
        while (file && fgets(line, sizeof line, file)) {
            found = found || (strstr(line, one) && strstr(line, two));
        }
        if (file) {
            (void)fclose(file);
        }
        (void)poll(NULL, 0, found ? 0 : 50);
    }
    return found;
}

static void a_gauge_sends_again_under_the_same_id(void **state)
{
    (void)state;
    char url[64];
    (void)tc_str_format(url, sizeof url, "ipc:///tmp/sim_field_%d.ipc", (int)getpid());
    int nn = nn_socket(AF_SP, NN_REP);
    int wait_ms = 10000;
    assert_int_equal(nn_setsockopt(nn, NN_SOL_SOCKET, NN_RCVTIMEO, &wait_ms, sizeof wait_ms), 0);
    assert_true(nn_bind(nn, url) >= 0);
    pid_t program =
        run((const char *[]){SIM_GAUGE, "--url", url, "--interval", "60", "--timeout", "0.3",
                             "--profile", "0:0.35", "--ack-log", log_path, NULL});
    char first[1024];
    char again[1024];
    int first_len = nn_recv(nn, first, sizeof first, 0);
    assert_true(first_len > 0); /* and no answer */
    int again_len = nn_recv(nn, again, sizeof again, 0);
    assert_int_equal(first_len, again_len);
    assert_memory_equal(first, again, (size_t)first_len);
    again[again_len] = '\0';
    assert_non_null(strstr(again, "\"value_e6\":350000"));
    char answer[256];
    const char *id = strstr(again, "\"id\":\"") + 6;
    int id_len = (int)strcspn(id, "\"");
    size_t len =
        tc_str_format(answer, sizeof answer,
                      "{\"id\":\"%.*s\",\"ok\":true,\"results\":[{\"seq\":123}]}", id_len, id);
    assert_int_equal(nn_send(nn, answer, len, 0), (int)len);
    assert_true(log_has("\"event\":\"acked\"", "\"stored\":1"));
    end(program, SIGTERM);
    (void)nn_close(nn);
    (void)unlink(url + 6);
}

#define MN "440304A8900016F000169DC0"

/** The checksum bit by bit from its description, for the answers of this test. */
static unsigned checksum(const char *text)
{
    unsigned r = 0xFFFF;
    for (const char *p = text; *p; p++) {
        r = (r >> 8) ^ (unsigned char)*p;
        for (int i = 0; i < 8; i++) {
            r = r & 1 ? (r >> 1) ^ 0xA001 : r >> 1;
        }
    }
    return r;
}

static void a_station_resends_then_dials_again_and_loses_nothing(void **state)
{
    (void)state;
    char address[32];
    char first[2048];
    char again[2048];
    int listener = listen_somewhere(address);
    pid_t program =
        run((const char *[]){SIM_HJ212, "--connect", address, "--mn", MN, "--interval", "30",
                             "--timeout", "0.3", "--resends", "1", "--split", "1", "--exceed",
                             "0:99:w01018:512", "--ack-log", log_path, NULL});
    int fd = accept(listener, NULL, NULL);
    (void)read_until(fd, "\r\n", first, sizeof first);
    assert_memory_equal(first, "##", 2);
    assert_non_null(strstr(first, ";ST=21;CN=2011;PW=123456;MN=" MN ";Flag=5;CP=&&DataTime="));
    assert_non_null(strstr(first, "w01018-Rtd=512.00,w01018-Flag=N"));
    while (read(fd, again, sizeof again) > 0) {
        /* it resends once, then takes the line down */
    }
    (void)close(fd);
    fd = accept(listener, NULL, NULL);
    (void)read_until(fd, "\r\n", again, sizeof again);
    assert_string_equal(first, again); /* the same number and bytes */
    char segment[256];
    char answer[300];
    const char *qn = again + 6 + 3;
    (void)tc_str_format(segment, sizeof segment,
                        "QN=%.17s;ST=91;CN=9014;PW=123456;MN=" MN ";Flag=4;CP=&&&&", qn);
    size_t len = tc_str_format(answer, sizeof answer, "##%04zu%s%04X\r\n", strlen(segment), segment,
                               checksum(segment));
    assert_int_equal(write(fd, answer, len), (ssize_t)len);
    assert_true(log_has("\"event\":\"acked\"", "\"sends\":3"));
    end(program, SIGTERM);
    (void)close(fd);
    (void)close(listener);
}

static void a_citizen_posts_a_form_and_tells_the_answer(void **state)
{
    (void)state;
    char address[32];
    char url[80];
    char got[4096];
    int listener = listen_somewhere(address);
    (void)tc_str_format(url, sizeof url, "http://%s/open311/v2", address);
    pid_t program =
        run((const char *[]){SIM_CITIZEN, "--url", url, "--api-key", "k+1", "--answer-log",
                             log_path, "--report", "0|06010|114.0578|22.5431|积水 a&b", NULL});
    int fd = accept(listener, NULL, NULL);
    (void)read_until(fd, "phone=13800000000", got, sizeof got);
    assert_memory_equal(got, "POST /open311/v2/requests.json HTTP/1.1\r\n", 41);
    assert_non_null(strstr(got, "Content-Type: application/x-www-form-urlencoded"));
    assert_non_null(strstr(got, "\r\n\r\napi_key=k%2B1&service_code=06010&lat=22.5431&long=114.0578"
                                "&description=%E7%A7%AF%E6%B0%B4%20a%26b&"));
    const char *answer = "HTTP/1.1 201 Created\r\ncontent-length: 62\r\n\r\n"
                         "[{\"service_request_id\":\"20261121-0042\",\"service_notice\":\"ok\"}]\n";
    assert_int_equal(write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
    end(program, 0); /* ends by itself, though the line is kept */
    assert_true(log_has("\"http\":201", "\"service_request_id\":\"20261121-0042\""));
    (void)close(fd);
    (void)close(listener);
}

int main(void)
{
#define WITH_LOG(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)
    const struct CMUnitTest tests[] = {
        WITH_LOG(a_gauge_sends_again_under_the_same_id),
        WITH_LOG(a_station_resends_then_dials_again_and_loses_nothing),
        WITH_LOG(a_citizen_posts_a_form_and_tells_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
