/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/hub_int.h - what the hub's files share. Everything here belongs to the hub thread
 * unless it says otherwise.
 *
 *   hub.c      thread, loop, inbox, timers        follow.c   follower, log ring, replies
 *   fan.c      deltas, their ring, snapshots      console.c  the WebSocket side of a connection
 *   http.c     libwebsockets callback, requests   answer.c   HTTP answers  api.c      routes
 *   command.c  envelopes and who waits            login.c    sessions      files.c    console's
 * files
 */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "clients/hub/access.h"
#include "clients/hub/hub.h"
#include "clients/hub/lane.h"
#include "clients/hub/roles.h"
#include "core/base/log.h"
#include "core/base/metric.h"
#include "core/base/time.h"

struct lws;
struct lws_context;
struct lws_vhost;
struct lws_protocols;

#define HUB_CONNECTIONS_MAX   1024u
#define HUB_FACTS_MAX         20000u /* in the log ring */
#define HUB_DELTAS_MAX        2048u  /* in the resume ring */
#define HUB_DELTA_BYTES_MAX   ((size_t)32 * 1024 * 1024)
#define HUB_LAG_DELTAS_MAX    256u /* a console further behind gets a snapshot */
#define HUB_LAG_BYTES_MAX     ((size_t)8 * 1024 * 1024)
#define HUB_CHUNK_BYTES_MAX   ((size_t)60 * 1024) /* of a snapshot frame */
#define HUB_PENDING_LOG_BYTES ((size_t)256 * 1024)
#define HUB_OUT_MAX           64u   /* answers that wait for one console */
#define HUB_WAITING_MAX       4096u /* commands that wait for their batch */
#define HUB_ANSWER_S_MAX      30    /* for one answer, or one piece of it */
#define HUB_WAIT_US           (15 * TC_SEC)
#define HUB_TICK_MS           50u
#define HUB_TICK_MS_MAX       500u
#define HUB_TICK_BYTES        (24u * 1024) /* of the last delta, for each ms until the next */
#define HUB_DRAIN_US          4000         /* of batches, before the sockets get their turn */
#define HUB_FRAME_ROOM        32u          /* in front of a blob, for the frame header */
#define HUB_LIMITER_SIZE      256u
#define HUB_FILES_MAX         512u
#define HUB_TABLES_MAX        64u

struct delta {
    uint64_t from;
    uint64_t seq;
    struct tc_blob *frames[TC_VIEW_COUNT];
};

struct fact {
    uint64_t seq;
    uint64_t entity;
    struct tc_blob *json[TC_VIEW_COUNT];
};

/** One snapshot for every console of a view that asks within a short time; encoded as it is read.
 */
struct snapshot {
    uint32_t users;
    enum tc_view view;
    uint64_t seq;   /* state is at least that of this seq; later changes are in the deltas */
    uint64_t delta; /* the first delta after it */
    int64_t made_us;
    struct tc_blob **frames;
    size_t count;
    size_t room;
    size_t table; /* where encoding goes on */
    size_t place;
    bool is_whole;
};

struct fan {
    struct tc_table *tables[HUB_TABLES_MAX]; /* viewed ones, urgent first */
    size_t table_count;
    struct delta deltas[HUB_DELTAS_MAX]; /* at absolute index % max */
    uint64_t head;                       /* next to be written */
    uint64_t tail;                       /* oldest kept */
    size_t bytes;
    uint64_t flushed_seq;
    size_t flushed_bytes;             /* of the last delta, one view */
    struct tc_buf log[TC_VIEW_COUNT]; /* facts since the last delta, comma-separated */
    bool log_differs;                 /* the views' logs are not the same text */
    struct snapshot *recent[TC_VIEW_COUNT];
    uint64_t *ids; /* scratch: sorted changed ids */
    size_t id_room;
};

/** An HTTP answer on its way. */
struct answer {
    bool is_ready;
    bool has_headers_sent;
    int status;
    const char *type;
    struct tc_blob *body;
    size_t at;
    char cookie[192];
    char etag[40];
    int retry_after_s;
};

enum console_state { CONSOLE_NEW, CONSOLE_SNAPSHOT, CONSOLE_LIVE };

struct console {
    enum console_state state;
    struct snapshot *snapshot;
    size_t snapshot_at;
    uint64_t delta; /* next delta to send, absolute index */
    struct tc_blob *out[HUB_OUT_MAX];
    uint32_t out_head;
    uint32_t out_count;
    bool is_tick_due;
    int64_t checked_us; /* session looked up */
};

struct conn {
    struct tc_hub *hub;
    struct lws *wsi;
    struct conn *next, *prev;
    uint64_t id; /* never used twice: how jobs and waiting commands name it */
    bool is_console;
    bool is_closing;
    bool is_body_done; /* told once; bytes behind the body end the connection */
    bool is_known;     /* who is filled */
    struct tc_access_entry who;
    char address[64];
    uint32_t waiting_count;
    struct tc_buf in;
    size_t in_max;
    struct tc_arena arena; /* of the request */
    struct tc_hub_request request;
    char path[256];
    const struct tc_hub_intake *intake;
    bool is_head;
    struct answer answer;
    struct console console;
};

/** A command or observation whose verdict somebody waits for. */
struct waiting {
    uint32_t generation;
    bool is_used;
    uint64_t conn; /* id */
    char command_id[65];
    int64_t until_us;
    const struct tc_hub_intake *intake; /* or NULL */
    void *memory;
    uint32_t next_free;
};

struct limiter {
    uint64_t key;
    uint32_t failures;
    int64_t until_us;
    int64_t last_us;
};

struct file {
    char path[128]; /* "/index.html" */
    const char *type;
    char etag[40];
    struct tc_blob *body;
};

struct tc_hub {
    /* set before the thread starts, constant afterwards */
    char address[64];
    int port;
    char *tls_cert, *tls_key;
    char site_zh[128], site_en[128];
    char access_db[256], journal_dir[256];
    bool is_sample;
    struct tc_hub_ports ports;
    struct tc_world world;
    struct tc_model *follower;

    /* between threads */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tc_batch *inbox_first, *inbox_last;
    size_t inbox_count;
    size_t inbox_bytes;
    bool is_stopping;
    bool is_up;   /* the loop serves */
    bool is_down; /* it could not */
    char why[TC_WHY_MAX];
    _Atomic uint64_t applied_seq;

    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t tick;   /* one shot, while a delta is pending */
    uv_timer_t second; /* every second */
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct tc_batch *todo; /* taken from the inbox, not yet applied */
    bool is_tick_armed;
    bool is_urgent; /* the pending delta skips the tick */

    struct fan fan;
    struct fact *facts; /* ring at absolute index % max */
    uint64_t fact_head;
    struct conn *conns;
    size_t conn_count;
    struct tc_map conn_by_id;
    uint64_t next_conn;
    struct waiting *waiting;
    uint32_t waiting_free; /* 1-based, 0 none */
    size_t waiting_count;
    struct tc_blob *tick_frame;
    char fault[TC_WHY_MAX]; /* the follower differs from the live model */

    struct tc_hub_lane access_lane;
    struct tc_hub_lane reader_lane;
    struct tc_access *access; /* the access lane's */
    struct tc_journal_reader *reader;
    struct tc_access_view *view;
    int64_t access_version; /* access lane's */
    bool is_refreshing;
    struct limiter limiters[HUB_LIMITER_SIZE];

    struct file *files;
    size_t file_count;

    uint64_t durable_seq; /* from ports.health, each second */
    int64_t caught_up_us; /* monotonic: applied was not behind durable */
    char stopped[TC_WHY_MAX];
};

/* hub.c */
void hub__wake(void *hub);
int64_t hub__now_us(void);
void hub__arm_tick(struct tc_hub *h);

/* follow.c */
void hub__follow_init(struct tc_hub *h);
void hub__follow_finish(struct tc_hub *h);
/** Applies what waits, for at most HUB_DRAIN_US. True when more is left. */
bool hub__follow(struct tc_hub *h);
/** Facts before `before` (0: newest), newest first, into a JSON array. False: the ring ends sooner.
 */
bool hub__log_write(struct tc_hub *h, struct tc_buf *b, uint64_t before, uint64_t subject,
                    size_t limit, enum tc_view view, uint64_t *oldest_seq);

/* fan.c */
void hub__fan_init(struct tc_hub *h);
void hub__fan_finish(struct tc_hub *h);
void hub__fan_log(struct tc_hub *h, const struct fact *f);
/** Makes the delta of all that changed since the last one and wakes the consoles. */
void hub__fan_flush(struct tc_hub *h);
/** A shared snapshot as of now; one more user. */
struct snapshot *hub__snapshot_take(struct tc_hub *h, enum tc_view view);
void hub__snapshot_drop(struct tc_hub *h, struct snapshot *s);
/** Frame `i`, NULL past the end. Borrowed. */
struct tc_blob *hub__snapshot_frame(struct tc_hub *h, struct snapshot *s, size_t i);
/** Index of the delta that begins at `seq`; false when it is no longer (or never was) kept. */
bool hub__fan_find(const struct tc_hub *h, uint64_t seq, uint64_t *index);
/** Bytes between `index` and the head. */
bool hub__fan_is_too_far(const struct tc_hub *h, uint64_t index, enum tc_view view);
/** JSON text with room for a frame header in front. */
void hub__frame_begin(struct tc_buf *b);
struct tc_blob *hub__frame_end(struct tc_buf *b);
struct tc_str hub__frame_text(const struct tc_blob *b);

/* console.c */
void hub__console_open(struct conn *c);
void hub__console_close(struct conn *c);
/** A whole text frame in c->in. False: close. */
bool hub__console_receive(struct conn *c);
/** Writes what is due. False: close. */
bool hub__console_writable(struct conn *c);
/** `frame` is taken; NULL is fine. */
void hub__console_send(struct conn *c, struct tc_blob *frame);
void hub__consoles_tick(struct tc_hub *h);
void hub__consoles_changed(struct tc_hub *h);
void hub__consoles_fault(struct tc_hub *h, const char *what, uint64_t seq, const char *detail);

/* http.c */
const struct lws_protocols *hub__protocols(void);
/** The library turns on our loop: the start-up check. */
void hub__is_serving(struct tc_hub *h);
void hub__conn_writable(struct conn *c);
struct conn *hub__conn_find(struct tc_hub *h, uint64_t id);
/** The request's If-None-Match; in its arena. */
struct tc_str hub__if_none_match(struct conn *c);
/** Forgets the request and its answer. */
void hub__reset_request(struct conn *c);

/* answer.c */
/** The connection can take more of its answer. Non-zero: close. */
int hub__answer_writable(struct conn *c);
/** Answers; `body` is copied. */
void hub__answer(struct conn *c, int status, const char *type, struct tc_str body);
void hub__answer_buf(struct conn *c, int status, struct tc_buf *json);
/** {"ok":false,"why":…,"detail":…} */
void hub__answer_refusal(struct conn *c, int status, const char *why, const char *detail);

/* api.c */
void hub__api(struct conn *c);
void hub__health_refresh(struct tc_hub *h, struct tc_buf *members);
enum tc_role hub__role_of_key(void *hub, struct tc_str key, struct tc_str *who);

/* login.c */
tc_err hub__access_start(struct tc_hub *h, char why[static TC_WHY_MAX]);
void hub__access_stop(struct tc_hub *h);
void hub__access_second(struct tc_hub *h);
void hub__login(struct conn *c);
void hub__logout(struct conn *c);
/** By token or key; false when nobody. Counts as use of the session. */
bool hub__who_is(struct tc_hub *h, struct tc_str token, struct tc_access_entry *out);
bool hub__who_is_hash(struct tc_hub *h, const uint8_t *hash, struct tc_access_entry *out);
/** Slides the session's end; rarely reaches the disk. */
void hub__who_used(struct tc_hub *h, const struct tc_access_entry *who);

/* command.c */
void hub__waiting_init(struct tc_hub *h);
/** An envelope from WebSocket or HTTP; answers by itself. */
void hub__command(struct conn *c, struct tc_str text);
void hub__observe(struct conn *c, const struct tc_hub_submission *sub);
/** A command of the hub's own, e.g. session.open; nobody waits. */
void hub__command_own(struct tc_hub *h, enum tc_command_name name, struct tc_str who,
                      const char *body_json);
void hub__replied(struct tc_hub *h, const struct tc_reply *r);
void hub__waiting_tick(struct tc_hub *h);
void hub__waiting_forget(struct conn *c);

/* files.c */
tc_err hub__files_load(struct tc_hub *h, const char *dir, char why[static TC_WHY_MAX]);
void hub__files_finish(struct tc_hub *h);
const struct file *hub__file_find(const struct tc_hub *h, const char *path);

/* metrics.c */
extern struct tc_metric hub__m_connections, hub__m_refused, hub__m_consoles, hub__m_resync,
    hub__m_frames, hub__m_bytes, hub__m_deltas, hub__m_inbox, hub__m_inbox_full, hub__m_digest,
    hub__m_commands, hub__m_commands_full, hub__m_too_large, hub__m_logins_failed,
    hub__m_logins_limited, hub__m_origin, hub__m_applied, hub__m_timeouts, hub__m_bad_frames,
    hub__m_snapshots;
void hub__metrics_add(void);
