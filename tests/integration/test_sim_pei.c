/* SPDX-License-Identifier: Apache-2.0 */
/* The radio gateway as a program, driven by raw sockets as a dispatch system would. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "core/base/time.h"
#include "tests/lib/tc_test.h"

#define HEARD_MAX 65536

struct lab {
    pid_t program;
    uint16_t port;
    uint16_t second_port; /* another radio on the same air */
    uint16_t control_port;
    int link;
    int control;
    char air_log[64];
    char heard[HEARD_MAX]; /* what the link said since the last expectation */
    size_t heard_len;
};

static struct lab lab;

static uint16_t free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static void nap_ms(int ms)
{
    (void)poll(NULL, 0, ms);
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
        nap_ms(50);
    }
    fail_msg("nobody listens on %u", port);
    return -1;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/** Wait until the link has said `text`; what came up to its end is consumed. */
static void expect(const char *text)
{
    int64_t end_us = tc_clock_monotonic_us() + 10 * TC_SEC;
    for (;;) {
        lab.heard[lab.heard_len] = '\0';
        char *found = strstr(lab.heard, text);
        if (found) {
            size_t used = (size_t)(found - lab.heard) + strlen(text);
            lab.heard_len -= used;
            memmove(lab.heard, lab.heard + used, lab.heard_len);
            return;
        }
        struct pollfd p = {.fd = lab.link, .events = POLLIN};
        if (tc_clock_monotonic_us() > end_us || poll(&p, 1, 1000) < 0) {
            fail_msg("waited for \"%s\", heard \"%s\"", text, lab.heard);
        }
        if (p.revents) {
            ssize_t n = read(lab.link, lab.heard + lab.heard_len, HEARD_MAX - 1 - lab.heard_len);
            assert_true(n > 0);
            lab.heard_len += (size_t)n;
        }
    }
}

static void ask(const char *command, const char *answer)
{
    say(lab.link, command);
    say(lab.link, "\r\n");
    expect(answer);
}

static void order(const char *line, const char *answer)
{
    char got[512];
    say(lab.control, line);
    say(lab.control, "\n");
    ssize_t n = read(lab.control, got, sizeof got - 1);
    assert_true(n > 0);
    got[n] = '\0';
    assert_true(strncmp(got, answer, strlen(answer)) == 0);
}

/** The witness has a line with both texts. */
static bool air_log_has(const char *one, const char *two)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen(lab.air_log, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        found = found || (strstr(line, one) && strstr(line, two));
    }
    (void)fclose(file);
    return found;
}

static int set_up(void **state)
{
    (void)state;
    char listen_at[32];
    char control_at[32];
    char second_at[32];
    lab = (struct lab){.port = free_port()};
    lab.control_port = free_port();
    lab.second_port = free_port();
    (void)tc_str_format(lab.air_log, sizeof lab.air_log, "/tmp/sim_pei_%d.log", (int)getpid());
    (void)tc_str_format(listen_at, sizeof listen_at, "127.0.0.1:%u", lab.port);
    (void)tc_str_format(control_at, sizeof control_at, "127.0.0.1:%u", lab.control_port);
    (void)tc_str_format(second_at, sizeof second_at, "127.0.0.1:%u", lab.second_port);
    (void)unlink(lab.air_log);
    lab.program = fork();
    if (lab.program == 0) {
        (void)execl(SIM_PEI, SIM_PEI, "--listen", listen_at, "--listen", second_at, "--control",
                    control_at, "--count", "3", "--first-issi", "10001", "--lip-interval", "0",
                    "--air-log", lab.air_log, "--read-delay", "0.1", "--accept-delay", "0.1",
                    "--report-delay", "0.05", "--cmgs-delay", "0.05", "--speed-factor", "2000",
                    "--chatter", "0.5", (char *)NULL);
        _exit(127);
    }
    lab.link = dial(lab.port);
    lab.control = dial(lab.control_port);
    return lab.program > 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    int status = 0;
    (void)close(lab.link);
    (void)close(lab.control);
    (void)kill(lab.program, SIGTERM);
    assert_int_equal(waitpid(lab.program, &status, 0), lab.program);
    (void)unlink(lab.air_log);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1; /* clean, no leak */
}

static void initialise(void)
{
    ask("ATZ", "\r\nOK\r\n");
    ask("ATE0", "\r\nOK\r\n");
    ask("AT+CMEE=1", "\r\nOK\r\n");
    ask("AT+CTSP=2,0,0", "\r\nOK\r\n");
    ask("AT+CTSP=2,2,20", "\r\nOK\r\n");
    ask("AT+CTSP=1,3,10", "\r\nOK\r\n");
    ask("AT+CTSP=1,3,130", "\r\nOK\r\n");
}

static void it_answers_the_initialisation(void **state)
{
    (void)state;
    initialise();
    ask("AT+CTSP=1,3,130", "\r\n+CME ERROR: 38\r\n");
    ask("AT+GMI?", "\r\n+GMI: FUTIAN RADIO LAB\r\n");
    expect("\r\nOK\r\n");
    ask("AT+CPIN?", "\r\n+CPIN: MT PIN-UNLOCKED\r\n");
    expect("\r\nOK\r\n");
    ask("AT+CNUMF?", "\r\n+CNUMF: 6,4600100100002001\r\n"); /* 460 | 01001 | 00002001 */
    expect("\r\nOK\r\n");
    ask("AT+CTGS?", "\r\n+CTGS: 1,3001\r\n");
    expect("\r\nOK\r\n");
    ask("AT+CREG=2", "\r\nOK\r\n");
    expect("\r\n+CREG: 1,");
    ask("AT+NONSENSE", "\r\n+CME ERROR: 4\r\n");
    ask("AT", "\r\nOK\r\n");
}

/* 指令#7@114.0405,22.5425 with both reports, short ones allowed, ref 0x11. */
#define ORDER                  \
    "820C111A63074EE400230037" \
    "0040003100310034002E0030003400300035002C00320032002E0035003400320035"

static void an_order_is_witnessed_reported_and_obeyed(void **state)
{
    (void)state;
    initialise();
    ask("AT+CTSDS=12,0", "\r\nOK\r\n");
    say(lab.link, "AT+CMGS=10002,368\r\n" ORDER "\x1A");
    expect("\r\n+CMGS: 0\r\n");
    assert_true(air_log_has("\"outcome\":\"on_air\"", "指令#7@114.0405,22.5425"));
    expect("\r\nOK\r\n");
    expect("\r\n+CMGS: 0,4,1\r\n");
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n7E11\r\n"); /* received */
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n7F11\r\n"); /* consumed */
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8003\r\n"); /* accepted */
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8004\r\n"); /* on the way */
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8005\r\n"); /* on scene */
    expect("\r\n+CTSDSR: 12,10002,0,2001,0,84\r\n0A");       /* with its place */
    expect("10\r\n");                                        /* reason 16: at destination */
    order("where 10002", "ok issi=10002 name=U10002 lon_e7=1140405000 lat_e7=225425000");
    order("clear 10002", "ok");
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8002\r\n");
}

static void an_emergency_shows_three_signs(void **state)
{
    (void)state;
    initialise();
    order("emergency 10001", "ok");
    expect("\r\n+CTSDSR: 13,10001,0,2001,0,16\r\n0000\r\n");
    expect("\r\n+CTSDSR: 12,10001,0,2001,0,84\r\n0A");
    expect("02\r\n");
    expect("\r\n+CTICN: 1,0,0,0,10001,0,1,0,1,1,0,3001,15\r\n");
    expect("\r\n+CTXG: 1,3,0,0,0,10001\r\n");
}

static void failures_come_when_asked_for(void **state)
{
    (void)state;
    initialise();
    ask("AT+CMGS=10002,368\r\n" ORDER "\x1A", "\r\n+CME ERROR: 3\r\n"); /* no AT+CTSDS yet */
    ask("AT+CTSDS=12,0", "\r\nOK\r\n");
    order("fail-next-cmgs 1 cme 42", "ok");
    say(lab.link, "AT+CMGS=10003,368\r\n" ORDER "\x1A");
    expect("\r\n+CME ERROR: 42\r\n");
    assert_true(air_log_has("\"outcome\":\"refused\"", "\"to\":10003"));
    assert_false(air_log_has("\"outcome\":\"on_air\"", "\"to\":10003"));
    order("fail-next-cmgs 1 5", "ok");
    say(lab.link, "AT+CMGS=10003,368\r\n" ORDER "\x1A");
    expect("\r\n+CMGS: 0,5,1\r\n");
    say(lab.link, "AT+CMGS=10003,376\r\n" ORDER "\x1A");
    expect("\r\n+CME ERROR: 32\r\n"); /* two digits are missing */
    order("silent 10001", "ok");
    order("status 10001 0x8001", "ok");
    order("status 10003 0x8007", "ok");
    expect("\r\n+CTSDSR: 13,10003,0,2001,0,16\r\n8007\r\n");
    assert_false(air_log_has("\"from\":10001", "0x8001"));
}

static void the_link_dies_inside_a_line_and_comes_back(void **state)
{
    (void)state;
    initialise();
    order("cut-line", "ok");
    order("text 10001 收到", "ok");
    char rest[256];
    ssize_t n = 0;
    size_t len = 0;
    while ((n = read(lab.link, rest + len, sizeof rest - 1 - len)) > 0) {
        len += (size_t)n;
    }
    rest[len] = '\0';
    assert_non_null(strstr(rest, "+CTSDSR: 12,10001"));
    assert_null(strstr(rest, "65365230\r\n"));
    (void)close(lab.link);
    lab.link = dial(lab.port);
    lab.heard_len = 0;
    order("text 10001 收到", "ok"); /* registrations outlive the connection */
    expect("\r\n+CTSDSR: 12,10001,0,2001,0,64\r\n8204021A65365230\r\n");
    order("drop-link 0.3", "ok");
    assert_true(read(lab.link, rest, sizeof rest) <= 0);
    (void)close(lab.link);
    lab.link = dial(lab.port);
    ask("AT", "\r\nOK\r\n");
}

static void a_second_radio_shares_the_air(void **state)
{
    (void)state;
    int first = lab.link;
    initialise();
    lab.link = dial(lab.second_port);
    lab.heard_len = 0;
    initialise();
    ask("AT+CTSDS=12,0", "\r\nOK\r\n");
    say(lab.link, "AT+CMGS=10002,368\r\n" ORDER "\x1A");
    expect("\r\n+CMGS: 0,4,1\r\n");
    expect("\r\n+CTSDSR: 13,10002,0,2002,0,16\r\n7E11\r\n"); /* to the one who asked */
    expect("\r\n+CTSDSR: 13,10002,0,2002,0,16\r\n7F11\r\n");
    int second = lab.link;
    lab.link = first;
    lab.heard_len = 0;
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8003\r\n"); /* statuses go to the first */
    expect("\r\n+CTSDSR: 13,10002,0,2001,0,16\r\n8005\r\n");
    order("call 10001 3001 3", "ok"); /* the group is heard by both */
    expect("\r\n+CTICN: 1,0,0,0,10001,0,1,0,1,1,0,3001,3\r\n");
    lab.link = second;
    lab.heard_len = 0;
    expect("\r\n+CTICN: 1,0,0,0,10001,0,1,0,1,1,0,3001,3\r\n");
    (void)close(lab.link);
    lab.link = first;
    assert_true(air_log_has("\"from\":2002", "\"outcome\":\"on_air\""));
}

static void it_also_serves_a_terminal(void **state)
{
    (void)state;
    char name[64];
    char got[256] = "";
    size_t len = 0;
    int status = 0;
    (void)tc_str_format(name, sizeof name, "/tmp/sim_pei_%d.tty", (int)getpid());
    pid_t program = fork();
    if (program == 0) {
        (void)freopen("/dev/null", "w", stdout);
        (void)execl(SIM_PEI, SIM_PEI, "--pty", name, "--lip-interval", "0", (char *)NULL);
        _exit(127);
    }
    int terminal = -1;
    for (int i = 0; i < 200 && terminal < 0; i++) {
        nap_ms(50);
        terminal = open(name, O_RDWR | O_NOCTTY);
    }
    assert_true(terminal >= 0);
    say(terminal, "AT+CTOM?\r\n");
    while (!strstr(got, "OK\r\n")) {
        struct pollfd p = {.fd = terminal, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 10000), 1);
        ssize_t n = read(terminal, got + len, sizeof got - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_string_equal(got, "AT+CTOM?\r\r\n+CTOM: 0\r\n\r\nOK\r\n"); /* echo is on at first */
    (void)close(terminal);
    (void)kill(program, SIGTERM);
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)unlink(name);
}

int main(void)
{
#define WITH_LAB(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LAB(it_answers_the_initialisation),
        WITH_LAB(an_order_is_witnessed_reported_and_obeyed),
        WITH_LAB(an_emergency_shows_three_signs),
        WITH_LAB(failures_come_when_asked_for),
        WITH_LAB(the_link_dies_inside_a_line_and_comes_back),
        WITH_LAB(a_second_radio_shares_the_air),
        cmocka_unit_test(it_also_serves_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
