/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tc_test.h"

#define ARGS_MAX 64
#define ENV_MAX  256
#define PASSWORD "kuai-dian-lai-1"

static const char units[] = "clients/simulators/sample/twelve.tsv";

void sys_nap_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

int64_t sys_setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t value = otherwise;
    if (text && tc_str_to_i64(tc_str_of(text), &value) != TC_OK) {
        fail_msg("%s=%s is no number", name, text);
    }
    return value;
}

static void path_in(const struct sys *s, const char *name, char *to, size_t size)
{
    (void)tc_str_format(to, size, "%s/%s", s->dir, name);
}

/* Files */

static struct tc_buf read_file(const char *path, int64_t from)
{
    struct tc_buf b = {0};
    char piece[8192];
    FILE *file = fopen(path, "r");
    if (file && fseek(file, (long)from, SEEK_SET) == 0) {
        size_t n = 0;
        while ((n = fread(piece, 1, sizeof piece, file)) > 0) {
            tc_buf_put(&b, piece, n);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    tc_buf_byte(&b, '\0');
    b.len--;
    return b;
}

static void write_file(const struct sys *s, const char *name, struct tc_str text)
{
    char path[128];
    path_in(s, name, path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static void copy_file(const struct sys *s, const char *from, const char *name)
{
    struct tc_buf b = read_file(from, 0);
    assert_true(b.len > 0);
    write_file(s, name, tc_buf_str(&b));
    tc_buf_finish(&b);
}

/* Processes */

struct child {
    const char *dir;
    const char *const *argv;
    const char *const *env; /* more of it; may be NULL */
    const char *out;        /* appended to in `dir`, standard output too when out_fd < 0 */
    int in_fd;              /* -1: nothing */
    int out_fd;             /* -1: to the file */
    int64_t file_bytes_max;
};

extern char **environ;

/** exec takes them without const and changes nothing. */
static char *const *plain(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } u = {.in = list};
    return u.out;
}

/** The test's own environment behind what is added: the first of a name counts. */
static void fill_env(const struct child *c, const char **env)
{
    size_t count = 0;
    for (size_t i = 0; c->env && c->env[i] && count < ENV_MAX; i++) {
        env[count++] = c->env[i];
    }
    for (size_t i = 0; environ[i] && count < ENV_MAX; i++) {
        env[count++] = environ[i];
    }
    env[count] = NULL;
}

/** After fork: only calls that are safe there. */
static void become(const struct child *c, const char *const *env, pid_t parent)
{
    int log = -1;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || chdir(c->dir) != 0 ||
        (log = open(c->out, O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0) {
        _exit(126);
    }
    int in = c->in_fd >= 0 ? c->in_fd : open("/dev/null", O_RDONLY);
    (void)dup2(in, 0);
    (void)dup2(c->out_fd >= 0 ? c->out_fd : log, 1);
    (void)dup2(log, 2);
    for (int fd = 3; fd < 256; fd++) {
        (void)close(fd);
    }
    if (c->file_bytes_max) {
        struct rlimit limit = {.rlim_cur = (rlim_t)c->file_bytes_max,
                               .rlim_max = (rlim_t)c->file_bytes_max};
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        (void)signal(SIGXFSZ, SIG_IGN);
    }
    (void)execve(c->argv[0], plain(c->argv), plain(env));
    _exit(127);
}

static pid_t launch(const struct child *c)
{
    const char *env[ENV_MAX + 1];
    fill_env(c, env);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(c, env, parent);
    }
    assert_true(pid > 0);
    return pid;
}

static int status_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int sys_run(struct sys *s, const char *const *args, struct tc_buf *out)
{
    const char *argv[ARGS_MAX] = {TOCSIN};
    int pipe_fd[2];
    char piece[8192];
    for (size_t i = 0; args[i]; i++) {
        assert_true(i + 2 < ARGS_MAX);
        argv[i + 1] = args[i];
    }
    assert_int_equal(pipe(pipe_fd), 0);
    struct child c = {
        .dir = s->dir, .argv = argv, .out = "run.log", .in_fd = -1, .out_fd = pipe_fd[1]};
    pid_t pid = launch(&c);
    (void)close(pipe_fd[1]);
    ssize_t n = 0;
    while ((n = read(pipe_fd[0], piece, sizeof piece)) > 0) {
        if (out) {
            tc_buf_put(out, piece, (size_t)n);
        }
    }
    (void)close(pipe_fd[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (out) {
        tc_buf_byte(out, '\0');
        out->len--;
    }
    return status_code(status);
}

static void add_user(struct sys *s, const char *name, const char *role)
{
    const char *argv[] = {TOCSIN,     "user",      "add", name, "--role", role, "--password-stdin",
                          "--access", "access.db", NULL};
    int pipe_fd[2];
    int status = 0;
    assert_int_equal(pipe(pipe_fd), 0);
    struct child c = {
        .dir = s->dir, .argv = argv, .out = "run.log", .in_fd = pipe_fd[0], .out_fd = -1};
    pid_t pid = launch(&c);
    (void)close(pipe_fd[0]);
    assert_int_equal(write(pipe_fd[1], PASSWORD "\n", sizeof PASSWORD), sizeof PASSWORD);
    (void)close(pipe_fd[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status_code(status), 0);
}

/** Ports that were free a moment ago; kept bound together so that they differ. */
static void choose_ports(int *ports[], size_t count)
{
    int fds[8];
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof at;
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(fds[i], (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(getsockname(fds[i], (struct sockaddr *)&at, &len), 0);
        *ports[i] = ntohs(at.sin_port);
    }
    for (size_t i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

static void write_config(struct sys *s)
{
    struct tc_buf b = {0};
    tc_buf_format(&b,
                  "[site]\nname_zh = 试验区\nname_en = Test district\nsample = yes\n"
                  "district = district.gpkg\ncommands = commands.jsonl\n\n"
                  "[journal]\ndir = journal\n\n[plans]\ndir = %s\n\n"
                  "[hub]\naddress = 127.0.0.1\nport = %d\naccess = access.db\n"
                  "console = " PROJECT "/clients/console/dist\n\n"
                  "[source radio-1]\ndriver = tetra_pei\nconnect = 127.0.0.1:%d\n\n"
                  "[source gauges]\ndriver = gateway\nnanomsg = ipc://gateway.ipc\n\n"
                  "[source water-quality]\ndriver = hj212\nlisten = 127.0.0.1:%d\n\n"
                  "[source open311]\ndriver = open311\nhttp = yes\n\n"
                  "[publish]\nurl = ipc://publish.ipc\npages = ipc://pages.ipc\n"
                  "telemetry = yes\n",
                  s->plans_dir ? s->plans_dir : PROJECT "/plans", s->hub_port, s->pei_port,
                  s->hj212_port);
    write_file(s, "tocsin.conf", tc_buf_str(&b));
    tc_buf_finish(&b);
}

void sys_open(struct sys *s)
{
    int *ports[] = {&s->hub_port, &s->pei_port, &s->control_port, &s->hj212_port};
    const char *const district[] = {"district", "build", PROJECT "/gis/sample", "district.gpkg",
                                    NULL};
    (void)tc_str_format(s->dir, sizeof s->dir, "/tmp/tocsin-test-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)tc_str_format(s->gateway_url, sizeof s->gateway_url, "ipc://%s/gateway.ipc", s->dir);
    choose_ports(ports, TC_COUNT_OF(ports));
    write_config(s);
    copy_file(s, PROJECT "/clients/simulators/sample/commands.jsonl", "commands.jsonl");
    /* libwebsockets keeps some of its own at the end; leaks of ours still fail a clean stop */
    write_file(s, "lsan.txt", TC_STR("leak:libwebsockets\n"));
    assert_int_equal(sys_run(s, district, NULL), 0);
    add_user(s, "chen", "officer");
    add_user(s, "lin", "supervisor");
}

static void remove_dir(const char *dir)
{
    const char *argv[] = {"/bin/rm", "-rf", dir, NULL};
    struct child c = {.dir = "/tmp", .argv = argv, .out = "/dev/null", .in_fd = -1, .out_fd = -1};
    (void)waitpid(launch(&c), NULL, 0);
}

void sys_close(struct sys *s, bool failed)
{
    if (s->tocsin > 0) {
        sys_kill(s);
    }
    for (size_t i = 0; i < SYS_OTHERS_MAX; i++) {
        if (s->others[i] > 0) {
            (void)kill(s->others[i], SIGKILL);
            (void)waitpid(s->others[i], NULL, 0);
            s->others[i] = 0;
        }
    }
    if (failed || getenv("TOCSIN_KEEP")) {
        print_message("the system's files are kept in %s\n", s->dir);
    } else if (s->dir[0]) {
        remove_dir(s->dir);
    }
}

/* The program */

void sys_spawn(struct sys *s)
{
    static const char *const argv[] = {TOCSIN, "run", "--config", "tocsin.conf", NULL};
    const char *env[SYS_ENV_MAX + 2] = {"LSAN_OPTIONS=suppressions=lsan.txt:print_suppressions=0"};
    char path[128];
    assert_int_equal(s->tocsin, 0);
    for (size_t i = 0; i < SYS_ENV_MAX && s->env[i]; i++) {
        env[i + 1] = s->env[i];
    }
    path_in(s, "tocsin.log", path, sizeof path);
    struct tc_buf before = read_file(path, 0);
    s->log_from = (int64_t)before.len;
    tc_buf_finish(&before);
    struct child c = {.dir = s->dir,
                      .argv = argv,
                      .env = env,
                      .out = "tocsin.log",
                      .in_fd = -1,
                      .out_fd = -1,
                      .file_bytes_max = s->file_bytes_max};
    s->tocsin = launch(&c);
}

struct tc_buf sys_log(const struct sys *s)
{
    char path[128];
    path_in(s, "tocsin.log", path, sizeof path);
    return read_file(path, s->log_from);
}

static bool has_ended(struct sys *s, int *code)
{
    int status = 0;
    if (waitpid(s->tocsin, &status, WNOHANG) != s->tocsin) {
        return false;
    }
    s->tocsin = 0;
    *code = status_code(status);
    return true;
}

bool sys_wait_up(struct sys *s)
{
    int64_t until_us = tc_clock_monotonic_us() + 20 * TC_SEC;
    int code = 0;
    while (tc_clock_monotonic_us() < until_us) {
        struct tc_buf log = sys_log(s);
        bool is_up = strstr((const char *)log.bytes, "tocsin: http://") != NULL;
        tc_buf_finish(&log);
        if (is_up) {
            return true;
        }
        if (has_ended(s, &code)) {
            return false;
        }
        sys_nap_ms(10);
    }
    return false;
}

static void fail_with_log(struct sys *s, const char *what)
{
    struct tc_buf log = sys_log(s);
    const char *text = (const char *)log.bytes;
    print_message("--- tocsin.log\n%s\n---\n", log.len > 6000 ? text + log.len - 6000 : text);
    tc_buf_finish(&log);
    fail_msg("%s", what);
}

void sys_start(struct sys *s)
{
    sys_spawn(s);
    if (!sys_wait_up(s)) {
        fail_with_log(s, "tocsin does not come up");
    }
}

void sys_kill(struct sys *s)
{
    assert_true(s->tocsin > 0);
    (void)kill(s->tocsin, SIGKILL);
    (void)waitpid(s->tocsin, NULL, 0);
    s->tocsin = 0;
}

int sys_wait_end(struct sys *s, int timeout_ms)
{
    int64_t until_us = tc_clock_monotonic_us() + timeout_ms * TC_MS;
    int code = 0;
    do {
        if (has_ended(s, &code)) {
            return code;
        }
        sys_nap_ms(10);
    } while (tc_clock_monotonic_us() < until_us);
    return SYS_RUNS;
}

int sys_stop(struct sys *s)
{
    assert_true(s->tocsin > 0);
    (void)kill(s->tocsin, SIGTERM);
    int code = sys_wait_end(s, 20000);
    if (code != 0) {
        struct tc_buf log = sys_log(s);
        print_message("tocsin ended with %d\n%s\n", code, (const char *)log.bytes);
        tc_buf_finish(&log);
    }
    return code;
}

void sys_require_alive(struct sys *s)
{
    int code = 0;
    if (s->tocsin <= 0 || has_ended(s, &code)) {
        print_message("tocsin ended with %d\n", code);
        fail_with_log(s, "tocsin must live");
    }
}

/* Simulators */

pid_t sys_simulator(struct sys *s, const char *const *argv)
{
    struct child c = {.dir = s->dir, .argv = argv, .out = "sim.log", .in_fd = -1, .out_fd = -1};
    for (size_t i = 0; i < SYS_OTHERS_MAX; i++) {
        if (s->others[i] == 0) {
            s->others[i] = launch(&c);
            return s->others[i];
        }
    }
    fail_msg("too many simulators");
    return -1;
}

void sys_wait_simulator(struct sys *s, pid_t pid)
{
    (void)waitpid(pid, NULL, 0);
    for (size_t i = 0; i < SYS_OTHERS_MAX; i++) {
        s->others[i] = s->others[i] == pid ? 0 : s->others[i];
    }
}

pid_t sys_radios(struct sys *s, const char *lip_s)
{
    char listen_at[32];
    char control_at[32];
    char units_at[256];
    (void)tc_str_format(listen_at, sizeof listen_at, "127.0.0.1:%d", s->pei_port);
    (void)tc_str_format(control_at, sizeof control_at, "127.0.0.1:%d", s->control_port);
    (void)tc_str_format(units_at, sizeof units_at, "%s/%s", PROJECT, units);
    const char *const argv[] = {SIM_PEI,
                                "--listen",
                                listen_at,
                                "--control",
                                control_at,
                                "--air-log",
                                "air.jsonl",
                                "--roads",
                                PROJECT "/gis/sample",
                                "--units",
                                units_at,
                                "--lip-interval",
                                lip_s,
                                "--seed",
                                "1",
                                "--report-delay",
                                "0.05:0.2",
                                "--read-delay",
                                "0.1:0.3",
                                "--accept-delay",
                                "0.1:0.3",
                                "--latency",
                                "0:0.01",
                                "--cmgs-delay",
                                "0.02:0.08",
                                "--speed-factor",
                                "50",
                                NULL};
    return sys_simulator(s, argv);
}

bool sys_control(struct sys *s, const char *line)
{
    char got[512];
    size_t len = 0;
    int fd = tc_tcp_connect(s->control_port);
    bool is_fine = fd >= 0 && tc_tcp_send(fd, line, strlen(line)) && tc_tcp_send(fd, "\n", 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (is_fine && len < sizeof got - 1 && poll(&p, 1, 3000) == 1) {
        ssize_t n = recv(fd, got + len, sizeof got - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        if (n <= 0 || memchr(got, '\n', len)) {
            break;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_fine && len >= 2 && memcmp(got, "ok", 2) == 0;
}
