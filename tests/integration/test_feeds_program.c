/* SPDX-License-Identifier: Apache-2.0 */
/* The real program: a station over TCP and a citizen over HTTP are answered once it is on disk; cut
 * off and started again, it knows both when they repeat themselves. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "tests/lib/tc_test.h"

#define PATIENCE_MS 15000

static pid_t running; /* ended also when the test fails */

struct program {
    char dir[64];
    char key[64];
    int hub_port;
    int station_port;
    pid_t pid;
    FILE *said;
};

/** The sources open a moment after the hub says where it is. */
static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < PATIENCE_MS / 50; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            return fd;
        }
        (void)close(fd);
        (void)poll(NULL, 0, 50);
    }
    fail_msg("nobody listens on port %d", port);
    return -1;
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/** Sends, then reads until `until` was seen or the peer closed. */
static const char *talk(int fd, const char *text, const char *until)
{
    static char got[16384];
    size_t len = 0;
    got[0] = '\0';
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    while (len + 1 < sizeof got && !(until && strstr(got, until))) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n =
            poll(&p, 1, PATIENCE_MS) == 1 ? recv(fd, got + len, sizeof got - 1 - len, 0) : 0;
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        got[len] = '\0';
    }
    return got;
}

static void write_file(const struct program *p, const char *name, const char *text)
{
    char path[128];
    tc_str_format(path, sizeof path, "%s/%s", p->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/** Runs the program with its folder as the current one; what it says can be read. */
static void spawn(struct program *p, const char *command)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        if (chdir(p->dir) == 0 && dup2(ends[1], 1) == 1) {
            (void)close(ends[0]);
            (void)close(ends[1]);
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(127);
    }
    running = p->pid;
    (void)close(ends[1]);
    p->said = fdopen(ends[0], "r");
    assert_non_null(p->said);
}

static void end(struct program *p, int signal)
{
    int status = 0;
    if (signal) {
        (void)kill(p->pid, signal);
    }
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    running = 0;
    (void)fclose(p->said);
    assert_true(signal == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static void make_key(struct program *p)
{
    char line[256];
    spawn(p, "exec " TOCSIN " user key add app --role gateway --access access.db");
    while (fgets(line, sizeof line, p->said)) {
        char word[64];
        for (const char *at = line; sscanf(at, " %63s", word) == 1;) {
            at = strstr(at, word) + strlen(word);
            if (strlen(word) == 43) {
                (void)tc_str_put(p->key, sizeof p->key, tc_str_of(word));
            }
        }
    }
    end(p, 0);
    assert_int_equal(strlen(p->key), 43);
}

static void start(struct program *p)
{
    char line[256] = "";
    spawn(p, "exec " TOCSIN " run --config tocsin.conf");
    p->hub_port = 0;
    while (p->hub_port == 0 && fgets(line, sizeof line, p->said)) {
        if (strncmp(line, "tocsin: http://127.0.0.1:", 25) == 0) {
            p->hub_port = (int)strtol(line + 25, NULL, 10);
        }
    }
    assert_true(p->hub_port > 0);
}

static void prepare(struct program *p)
{
    char conf[600];
    (void)tc_str_put(p->dir, sizeof p->dir, TC_STR("/tmp/tocsin-feeds-XXXXXX"));
    assert_non_null(mkdtemp(p->dir));
    p->station_port = free_port();
    tc_str_format(conf, sizeof conf,
                  "[site]\ncommands = commands.jsonl\n[journal]\ndir = journal\n"
                  "[hub]\nport = 0\naccess = access.db\n"
                  "[source river]\ndriver = hj212\nlisten = 127.0.0.1:%d\n"
                  "[source open311]\ndriver = open311\nhttp = yes\n",
                  p->station_port);
    write_file(p, "tocsin.conf", conf);
    write_file(p, "commands.jsonl",
               "{\"who\":\"setup\",\"role\":\"supervisor\",\"name\":\"service.set\",\"body\":"
               "{\"code\":\"01003\",\"name_zh\":\"雨水井盖异常\",\"name_en\":\"Drain cover\"}}\n"
               "{\"who\":\"setup\",\"role\":\"supervisor\",\"name\":\"sensor.register\",\"body\":"
               "{\"source\":\"river\",\"device\":\"440304A8900016F000169DC0\",\"factor\":"
               "\"w01018\",\"unit_text\":\"mg/L\",\"name_zh\":\"河\",\"name_en\":\"River\","
               "\"lon_e7\":1140571000,\"lat_e7\":225430000}}\n");
    make_key(p);
}

static const char *station_says(const struct program *p)
{
    static const char body[] = "QN=20261121083000001;ST=21;CN=2011;PW=123456;"
                               "MN=440304A8900016F000169DC0;Flag=5;CP=&&DataTime=20261121083000;"
                               "w01018-Rtd=15.5,w01018-Flag=N&&";
    char frame[256];
    int fd = connect_to(p->station_port);
    unsigned sum = 0xFFFF;
    for (size_t i = 0; i < sizeof body - 1; i++) {
        sum = (sum >> 8) ^ (unsigned char)body[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? (sum >> 1) ^ 0xA001 : sum >> 1;
        }
    }
    tc_str_format(frame, sizeof frame, "##%04zu%s%04X\r\n", sizeof body - 1, body, sum);
    const char *answer = talk(fd, frame, "\r\n");
    (void)close(fd);
    return answer;
}

static const char *citizen_says(const struct program *p)
{
    char body[300];
    char request[700];
    int fd = connect_to(p->hub_port);
    size_t n = tc_str_format(body, sizeof body,
                             "api_key=%s&service_code=01003&lat=22.543&long=114.0571&"
                             "description=%%E7%%BC%%BA&device_id=phone-1",
                             p->key);
    tc_str_format(
        request, sizeof request,
        "POST /open311/v2/requests.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
        p->hub_port, n, body);
    const char *answer = talk(fd, request, "}]");
    (void)close(fd);
    return answer;
}

static int stop_what_runs(void **state)
{
    (void)state;
    return running > 0 ? kill(running, SIGKILL) : 0;
}

/** The master data of a new journal are recorded after the hub is up. */
static void wait_for_service(const struct program *p)
{
    char request[160];
    tc_str_format(request, sizeof request,
                  "GET /open311/v2/services.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
                  p->hub_port);
    for (int i = 0; i < PATIENCE_MS / 50; i++) {
        int fd = connect_to(p->hub_port);
        bool is_there = strstr(talk(fd, request, "]"), "01003") != NULL;
        (void)close(fd);
        if (is_there) {
            return;
        }
        (void)poll(NULL, 0, 50);
    }
    fail_msg("the service never appeared");
}

static void known_again_after_a_crash(void **state)
{
    (void)state;
    struct program p = {0};
    char number[64];
    prepare(&p);
    start(&p);
    assert_non_null(strstr(station_says(&p), "##0087QN=20261121083000001;ST=91;CN=9014;PW=123456;"
                                             "MN=440304A8900016F000169DC0;Flag=4;CP=&&&&A501"));
    wait_for_service(&p);
    const char *answer = citizen_says(&p);
    assert_non_null(strstr(answer, "HTTP/1.1 201"));
    const char *id = strstr(answer, "\"service_request_id\":\"C");
    assert_non_null(id);
    (void)tc_str_put(number, 38, tc_str_of(id)); /* the member, to its closing quote */
    end(&p, SIGKILL);
    start(&p);
    assert_non_null(strstr(station_says(&p), "CN=9014"));
    answer = citizen_says(&p);
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, number));
    end(&p, SIGTERM);
    char command[128];
    tc_str_format(command, sizeof command, "exec rm -r %s", p.dir);
    spawn(&p, command);
    end(&p, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(known_again_after_a_crash, stop_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
