/* SPDX-License-Identifier: Apache-2.0 */
/* NOLINTNEXTLINE(readability-identifier-naming): glibc's name; ptrace's requests */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clients/cli/bench_int.h"
#include "core/base/thread.h"
#include "core/base/time.h"

#define SYNCS      400
#define SPIN_LOOPS 20000000u
#define END_MS     30000

void bench__sleep(int ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

void bench__machine(const char *dir, struct bench_machine *out)
{
    char path[128];
    uint8_t block[256] = {1};
    struct tc_buf took = {0};
    *out = (struct bench_machine){0};
    (void)tc_str_format(path, sizeof path, "%s/sync.tmp", dir);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 && posix_fallocate(fd, 0, (off_t)sizeof block * SYNCS) == 0) {
        for (int i = 0; i < SYNCS; i++) {
            int64_t from_us = tc_clock_monotonic_us();
            bool ok =
                pwrite(fd, block, sizeof block, (off_t)sizeof block * i) > 0 && fdatasync(fd) == 0;
            uint32_t us = (uint32_t)(tc_clock_monotonic_us() - from_us);
            if (ok) {
                tc_buf_put(&took, &us, sizeof us);
            }
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)remove(path);
    out->sync_p50_us = bench__share(&took, 0.5);
    out->sync_p99_us = bench__share(&took, 0.99);
    tc_buf_finish(&took);
    int64_t from_us = tc_clock_monotonic_us();
    volatile uint32_t x = 1;
    for (uint32_t i = 0; i < SPIN_LOOPS; i++) {
        x = x * 1664525u + 1013904223u;
    }
    out->spin_us = (uint32_t)(tc_clock_monotonic_us() - from_us);
}

static size_t read_small(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, to, size - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    to[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

void bench__cpu(struct bench_cpu *out)
{
    char text[512];
    *out = (struct bench_cpu){0};
    (void)read_small("/proc/stat", text, sizeof text);
    char *at = text + 3;
    for (int i = 0; i < 8; i++) {
        uint64_t n = strtoull(at, &at, 10);
        out->all_ticks += n;
        out->busy_ticks += i == 3 || i == 4 ? 0 : n; /* idle, waiting for the disk */
    }
}

uint64_t bench__process_ticks(pid_t pid)
{
    char path[64];
    char text[1024];
    (void)tc_str_format(path, sizeof path, "/proc/%d/stat", (int)pid);
    (void)read_small(path, text, sizeof text);
    char *at = strrchr(text, ')');
    if (!at) {
        return 0;
    }
    at += 4; /* ") S " */
    uint64_t ticks = 0;
    for (int field = 4; field <= 15; field++) {
        uint64_t n = strtoull(at, &at, 10);
        ticks += field >= 14 ? n : 0; /* utime, stime */
    }
    return ticks;
}

uint64_t bench__peak_kib(pid_t pid)
{
    char path[64];
    char text[4096];
    (void)tc_str_format(path, sizeof path, "/proc/%d/status", (int)pid);
    (void)read_small(path, text, sizeof text);
    const char *at = strstr(text, "VmHWM:");
    return at ? strtoull(at + 6, NULL, 10) : 0;
}

pid_t bench__spawn(const char *const argv[], const char *dir, const char *log, const char *preload,
                   int *out_fd)
{
    bool is_subject = !out_fd;
    int pair[2] = {-1, -1};
    if (out_fd && pipe(pair) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        int fd = chdir(dir) == 0 ? open(log, O_CREAT | O_APPEND | O_WRONLY, 0600) : -1;
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 ||
            dup2(out_fd ? pair[1] : fd, STDOUT_FILENO) < 0) {
            _exit(126);
        }
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): the child of a fork has one thread */
        if (preload && setenv("LD_PRELOAD", preload, 1) != 0) {
            _exit(126);
        }
        (void)setsid(); /* a scheduling group of its own, as a service has */
        if (is_subject) {
            tc_thread_nice(0); /* what is measured asks by itself */
        }
        for (int i = 3; i < 64; i++) {
            (void)close(i);
        }
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (out_fd) {
        (void)close(pair[1]);
        *out_fd = pair[0];
    }
    return pid;
}

int bench__end(pid_t pid)
{
    int status = 0;
    (void)kill(pid, SIGTERM);
    for (int i = 0; i < END_MS / 20; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        bench__sleep(20);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}

pid_t bench__hold(pid_t pid, const char *thread)
{
    char path[128];
    char name[64];
    pid_t found = 0;
    (void)tc_str_format(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    const struct dirent *entry = NULL;
    while (d && !found && (entry = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        (void)tc_str_format(path, sizeof path, "/proc/%d/task/%.20s/comm", (int)pid, entry->d_name);
        (void)read_small(path, name, sizeof name);
        name[strcspn(name, "\n")] = '\0';
        if (strcmp(name, thread) == 0) {
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    if (!found || ptrace(PTRACE_SEIZE, found, NULL, NULL) != 0) {
        return 0;
    }
    int status = 0;
    bool ok = ptrace(PTRACE_INTERRUPT, found, NULL, NULL) == 0 &&
              waitpid(found, &status, __WALL) == found;
    return ok ? found : 0;
}

void bench__let_go(pid_t thread)
{
    (void)ptrace(PTRACE_DETACH, thread, NULL, NULL);
}
