/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tests/integration/hub_fixture.h - a running hub with three users, and a console that keeps what
 * it is told. Include after tests/lib/tc_test.h.
 */
#pragma once

#include <jansson.h>

#include "clients/cli/ws_client.h"
#include "tests/integration/hub_world.h"

struct hub_fixture {
    struct hub_world world;
    char dir[64];
    char access_file[96];
    char journal_dir[96];
    char console_dir[96];
    char officer_cookie[128]; /* "Cookie: tocsin_session=…\r\n" */
    char observer_cookie[128];
    char key_header[128]; /* "Authorization: Bearer …\r\n" */
    char origin[64];      /* "Origin: http://127.0.0.1:PORT\r\n" */
    int port;
};

extern const char hub_officer_password[];

/** Files and users; once per program, since hashing takes its time. */
void hub_fixture_make_files(struct hub_fixture *f);
void hub_fixture_remove_files(struct hub_fixture *f);
void hub_fixture_start(struct hub_fixture *f, const struct tc_hub_intake *intakes, size_t count);
void hub_fixture_stop(struct hub_fixture *f);
/** POST /api/login; the cookie header goes to `cookie`. Returns the HTTP status. */
int hub_fixture_log_in(struct hub_fixture *f, const char *user, const char *password, char *cookie,
                       size_t size);

/** A console's picture, built from frames alone. */
struct hub_console {
    struct tc_ws ws;
    json_t *tables; /* {"unit": {"12": item}} */
    uint64_t epoch;
    uint64_t seq; /* chain position; 0 before ready */
    bool is_ready;
    unsigned snaps, deltas, resyncs, ticks, facts, gaps;
    struct tc_buf text;
    struct tc_buf all; /* every frame's text, when keeps_text */
    bool keeps_text;
    json_t *hello;
    json_t *result; /* the last one */
    json_t *fault;
    char tables_seen[256]; /* in order of the first snapshot, comma-separated */
};

/** Opens and sends resume. */
void hub_console_open(struct hub_console *c, struct hub_fixture *f, const char *cookie,
                      uint64_t epoch, uint64_t seq);
void hub_console_close(struct hub_console *c);
/** One frame, applied; its name in a static text, or NULL when none came in time. */
const char *hub_console_step(struct hub_console *c, int timeout_ms);
/** Until the chain reached `seq`. False after ten seconds. */
bool hub_console_reach(struct hub_console *c, uint64_t seq);
/** Until a result came; borrowed. */
json_t *hub_console_command(struct hub_console *c, const char *envelope);
json_t *hub_console_item(struct hub_console *c, const char *table, uint64_t id);
size_t hub_console_count(struct hub_console *c, const char *table);
