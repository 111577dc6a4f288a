/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/lib/system.h - the real program and the real simulators, in a fresh directory with ports of
 * their own. What tests compare comes from outside: answers they were given, the simulators'
 * witness files, and `tocsin journal`.
 *
 * Every child dies with the test. Functions fail the test unless their comment says otherwise.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "clients/cli/ws_client.h"
#include "core/base/buf.h"
#include "core/base/time.h"

#define SYS_OTHERS_MAX 8
#define SYS_ENV_MAX    8

struct sys {
    char dir[64];
    int hub_port;
    int pei_port;
    int control_port;
    int hj212_port;
    pid_t tocsin; /* 0: not running */
    pid_t others[SYS_OTHERS_MAX];
    char cookie[128]; /* header line of the officer chen */
    char gateway_url[96];
    const char *env[SYS_ENV_MAX]; /* "NAME=value" for tocsin alone, NULL at the end */
    int64_t file_bytes_max;       /* RLIMIT_FSIZE for tocsin, 0: none */
    const char *plans_dir;        /* set before sys_open; NULL: the project's */
    int64_t log_from;             /* length of tocsin.log when it was started last */
};

/** Directory, ports, configuration, sample district, users; starts nothing. `s` zeroed but for
 * `plans_dir`. */
void sys_open(struct sys *s);
/** Ends every child and removes the directory (kept when `failed`). */
void sys_close(struct sys *s, bool failed);

/** Starts tocsin without waiting. */
void sys_spawn(struct sys *s);
/** Until it serves; false when it ended or 20 s passed. */
bool sys_wait_up(struct sys *s);
/** sys_spawn and sys_wait_up. */
void sys_start(struct sys *s);
/** SIGKILL and reap. */
void sys_kill(struct sys *s);
/** SIGTERM, reap; the exit code, or -signal. */
int sys_stop(struct sys *s);
#define SYS_RUNS (-1000)
/** Waits for its end; exit code, -signal, or SYS_RUNS when it still runs after `timeout_ms`. */
int sys_wait_end(struct sys *s, int timeout_ms);
/** Fails the test with the log's tail when tocsin is no more. */
void sys_require_alive(struct sys *s);
/** tocsin.log since the last start, NUL-terminated; tc_buf_finish it. */
struct tc_buf sys_log(const struct sys *s);

/** A simulator; `argv` from the program's path on, NULL at the end. Its output goes to sim.log. */
pid_t sys_simulator(struct sys *s, const char *const *argv);
void sys_wait_simulator(struct sys *s, pid_t pid);
/** The radio gateway with quick radios; LIP every `lip_s` seconds ("0": none). */
pid_t sys_radios(struct sys *s, const char *lip_s);
/** One line on the radios' control channel; false when nobody answers ok. */
bool sys_control(struct sys *s, const char *line);

/** Logs chen in and keeps the cookie. Waits up to 10 s for an answer. */
void sys_log_in(struct sys *s);
/** POST /api/commands; NULL without an answer. The caller decrefs. */
json_t *sys_command(struct sys *s, const char *id, const char *name, const char *body);
/** Items of a table, an array; NULL without an answer. */
json_t *sys_table(struct sys *s, const char *table);
/** The id of a table's item whose text field has this value, 0: none. */
uint64_t sys_find(struct sys *s, const char *table, const char *field, const char *value);

/** Runs `tocsin ARGS…` and gives its standard output; returns the exit code. */
int sys_run(struct sys *s, const char *const *args, struct tc_buf *out);
/** `tocsin journal show --json` from `from` on. */
json_t *sys_journal(struct sys *s, uint64_t from);
/** verify is whole, replay gives one digest twice, with and without the newest checkpoint. */
void sys_require_whole(struct sys *s);
/** Lines of a witness file, an array. A cut last line is left out. */
json_t *sys_lines(struct sys *s, const char *file);

/* Gateway requests from the test itself. */
struct sys_gateway {
    int nn;
    const char *url;
    unsigned silences; /* requests in a row without an answer */
};
void sys_gateway_open(struct sys_gateway *g, const struct sys *s);
void sys_gateway_close(struct sys_gateway *g);
/** One request, one try; NULL without an answer in time. */
json_t *sys_gateway_ask(struct sys_gateway *g, const char *request, int timeout_ms);
/** A reading, sent again until it is answered; the seq, or 0 when refused. Fails after 30 s. */
uint64_t sys_reading(struct sys_gateway *g, const char *id, const char *device, int64_t value_e6);

const char *sys_text(const json_t *object, const char *key); /* never NULL */
int64_t sys_number(const json_t *object, const char *key);
/** body.KEY of an event. */
const char *sys_body_text(const json_t *event, const char *key);
int64_t sys_body_number(const json_t *event, const char *key);
bool sys_is_kind(const json_t *event, const char *kind);
void sys_nap_ms(int ms);
/** Environment number, or `otherwise`. */
int64_t sys_setting(const char *name, int64_t otherwise);
