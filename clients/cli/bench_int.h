/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/cli/bench_int.h - what the bench's files share.
 *
 *   bench_cmd.c      the words, one round after the other, the table
 *   bench_round.c    one round
 *   bench_site.c     a directory with configuration, master data and a key
 *   bench_machine.c  child processes and what the machine itself can do
 *   bench_console.c  consoles: one proves, the others take what comes
 *   bench_memory.c   what each table costs
 */
#pragma once

#include <sys/types.h>

#include "clients/cli/ws_client.h"
#include "core/turn/model.h"

#define BENCH_CONSOLES_MAX 512

/* Machine */

struct bench_machine {
    uint32_t sync_p50_us; /* 256 bytes and fdatasync */
    uint32_t sync_p99_us;
    uint32_t spin_us; /* a fixed loop: what others take away shows here */
};
void bench__machine(const char *dir, struct bench_machine *out);

struct bench_cpu {
    uint64_t busy_ticks; /* of the machine */
    uint64_t all_ticks;
};
void bench__cpu(struct bench_cpu *out);
void bench__sleep(int ms);
uint64_t bench__process_ticks(pid_t pid);
/** Peak resident memory. */
uint64_t bench__peak_kib(pid_t pid);

/** Starts `argv[0]` in `dir`; output goes to `log`, or to `*out_fd` when that is given. */
pid_t bench__spawn(const char *const argv[], const char *dir, const char *log, const char *preload,
                   int *out_fd);
/** SIGTERM, then the exit code; -1 when it had to be killed. */
int bench__end(pid_t pid);
/** Stops one thread of a child of ours, by its name; the id or 0. */
pid_t bench__hold(pid_t pid, const char *thread);
void bench__let_go(pid_t thread);

/* Site */

struct bench_site {
    char dir[64];
    char key[80]; /* API key for the consoles, as a header line */
    int hub_port;
    int radio_port; /* first of `links` */
    int links;
    int units;
    int sensors;   /* beside the stations' */
    int incidents; /* opened by telephone */
    int stations;  /* HJ 212 */
    int station_port;
};
TC_MUST_USE tc_err bench__site_make(struct bench_site *s, char why[static TC_WHY_MAX]);
void bench__site_remove(const struct bench_site *s);

/* Consoles */

struct bench_unit {
    uint64_t id;
    int32_t lon_e7;
    int32_t lat_e7;
};

struct bench_consoles {
    struct tc_ws prover;
    struct tc_ws *others;
    int other_count;
    struct tc_buf frame;
    struct tc_arena scratch;
    struct tc_map units; /* id -> index + 1 */
    struct bench_unit *unit;
    size_t unit_count;
    size_t unit_room;
    struct tc_map alarms;
    size_t incident_count;
    uint64_t seq;
    uint64_t durable; /* as the last tick said */
    bool is_live;
    bool has_gap;
    bool is_lost; /* the connection ended */
    uint64_t resyncs;
    uint64_t deltas;
    uint64_t bytes;
    uint64_t other_bytes;
    int64_t changed_us; /* last delta, monotonic */
    int64_t acked_us;
    bool is_sampling;
    struct tc_buf position_us; /* uint32_t each */
    struct tc_buf alarm_us;
};
TC_MUST_USE tc_err bench__consoles_open(struct bench_consoles *c, int port, const char *headers,
                                        int count);
/** Takes what comes for `ms` at most. */
void bench__consoles_poll(struct bench_consoles *c, int ms);
void bench__consoles_close(struct bench_consoles *c);
/** Sorts; the value below which `share` of the samples lie. */
uint32_t bench__share(struct tc_buf *samples_us, double share);

/* Rounds */

#define BENCH_RATES_MAX 32

struct bench_plan {
    int rates[BENCH_RATES_MAX];
    int rate_count;
    int units;
    int seconds;
    int consoles;
    int rounds;
    int delay_ms;
    bool holds;
    bool keeps;
    bool is_zh;
    char program[512];
    char load[600];
    char shim[600];
};

struct bench_result {
    int rate;
    struct bench_machine machine;
    uint64_t offered, held;
    uint64_t durable; /* positions in the journal */
    double durable_per_s;
    uint64_t events;
    uint32_t p50_us, p99_us, p999_us, max_us;
    uint32_t alarm_p50_us, alarm_p99_us, alarm_max_us;
    uint64_t position_samples, alarm_samples;
    uint64_t ack_p50_us, ack_p99_us, ack_max_us, acks, data;
    double program_cores, foreign_share;
    uint64_t peak_kib, resyncs, console_bytes, deltas;
    int exit_code;
    bool is_gapless, is_same_end, was_held;
};

/** One start of the program, one load, one reading of the journal. */
TC_MUST_USE tc_err bench__round(const struct bench_plan *p, int rate, struct bench_result *out,
                                char why[static TC_WHY_MAX]);

/* Memory */

int bench__memory(const struct tc_section *const *sections, const char *program, bool is_zh);
/** A model of the journal's events. */
struct tc_model *bench__replay(const char *dir, const struct tc_section *const *sections,
                               char why[static TC_WHY_MAX]);
