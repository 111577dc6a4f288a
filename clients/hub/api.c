/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/hub_int.h"

#define LOG_LIMIT_MAX     1000u
#define LOG_LIMIT_DEFAULT 200u
#define LOG_READ_MAX      20000u /* events looked at in the journal for one request */
#define ITEMS_MAX         1000u
#define LAG_US            (3 * TC_SEC)

static const char no_console_page[] =
    "<!doctype html><meta charset=\"utf-8\"><title>Tocsin</title><h1>控制台尚未构建 / The console "
    "is "
    "not built</h1><p>服务已在运行，但没有找到网页控制台的文件。请按 README "
    "构建后重新启动。</p><p>The "
    "service is running, but the web console's files were not found. Build it as the README says, "
    "then start again.</p><p><a href=\"/healthz\">/healthz</a></p>";

static struct tc_str param(const struct conn *c, const char *name)
{
    for (size_t i = 0; i < c->request.param_count; i++) {
        if (tc_str_is(c->request.params[i].name, name)) {
            return c->request.params[i].value;
        }
    }
    return (struct tc_str){0};
}

static uint64_t number(const struct conn *c, const char *name, uint64_t otherwise)
{
    struct tc_str s = param(c, name);
    int64_t value = 0;
    return s.len && tc_str_to_i64(s, &value) == TC_OK && value >= 0 ? (uint64_t)value : otherwise;
}

static enum tc_view view_of(const struct conn *c)
{
    return tc_hub_role_view(c->who.role);
}

/* Health */

static void write_sources(struct tc_hub *h, struct tc_buf *b)
{
    const struct tc_table *t = tc_model_table(h->follower, "source");
    tc_jw_key(b, "sources");
    tc_jw_open(b, '[');
    if (t) {
        TC_POOL_EACH(&t->pool, const void, item)
        {
            tc_record_write(b, t->record, item, TC_PLAIN_FIELDS);
        }
    }
    tc_jw_close(b, ']');
}

void hub__health_refresh(struct tc_hub *h, struct tc_buf *members)
{
    struct tc_buf mine = {0};
    struct tc_arena a = {0};
    bool has_sources = false;
    bool has_durable = false;
    bool has_backlog = false;
    tc_buf_byte(&mine, '{');
    if (h->ports.health) {
        h->ports.health(h->ports.ctx, &mine);
    }
    tc_buf_byte(&mine, '}');
    struct tc_jr r = tc_jr_init(tc_buf_str(&mine));
    h->stopped[0] = '\0';
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &a);
            has_sources = has_sources || tc_str_is(key, "sources");
            has_backlog = has_backlog || tc_str_is(key, "backlog");
            if (tc_str_is(key, "durable")) {
                h->durable_seq = tc_jr_u64(&r);
                has_durable = true;
            } else if (tc_str_is(key, "stopped")) {
                (void)tc_str_put(h->stopped, sizeof h->stopped, tc_jr_str(&r, &a));
            } else {
                (void)tc_jr_skip(&r);
            }
        }
    }
    bool is_fine = tc_jr_is_done(&r);
    if (is_fine && mine.len > 2) {
        tc_jw_raw(members,
                  (struct tc_str){.at = (const char *)mine.bytes + 1, .len = mine.len - 2});
    }
    if (!is_fine || !has_durable) {
        h->durable_seq = h->follower->seq;
        tc_jw_pair_u64(members, "durable", h->durable_seq);
    }
    if (!is_fine || !has_backlog) {
        tc_jw_pair_u64(members, "backlog", 0);
    }
    if (!is_fine || !has_sources) {
        write_sources(h, members);
    }
    if (h->durable_seq <= h->follower->seq) {
        h->caught_up_us = tc_clock_monotonic_us();
    }
    tc_buf_finish(&mine);
    tc_arena_finish(&a);
}

static void healthz(struct conn *c)
{
    struct tc_hub *h = c->hub;
    struct tc_buf b = {0};
    struct tc_buf members = {0};
    hub__health_refresh(h, &members);
    bool is_lagging = tc_clock_monotonic_us() - h->caught_up_us > LAG_US;
    bool is_fine = !h->stopped[0] && !h->fault[0] && !is_lagging;
    tc_jw_open(&b, '{');
    tc_jw_pair_bool(&b, "ok", is_fine);
    tc_jw_key(&b, "reasons");
    tc_jw_open(&b, '[');
    if (h->stopped[0]) {
        tc_jw_str(&b, TC_STR("journal_stopped"));
    }
    if (h->fault[0]) {
        tc_jw_str(&b, TC_STR("follower_differs"));
    }
    if (is_lagging) {
        tc_jw_str(&b, TC_STR("follower_behind"));
    }
    tc_jw_close(&b, ']');
    tc_jw_pair_u64(&b, "durable", h->durable_seq);
    tc_jw_pair_u64(&b, "applied", h->follower->seq);
    tc_jw_pair_i64(&b, "at", h->follower->at_us);
    tc_jw_pair_bool(&b, "is_exercise", h->world.is_exercise);
    tc_jw_close(&b, '}');
    tc_buf_finish(&members);
    hub__answer_buf(c, is_fine ? 200 : 503, &b);
}

static void metrics(struct conn *c)
{
    bool is_near = strncmp(c->address, "127.", 4) == 0 || strcmp(c->address, "::1") == 0;
    if (!is_near && !(c->is_known && c->who.is_key)) {
        hub__answer_refusal(c, 403, "not_allowed", "from this machine or with an API key");
        return;
    }
    struct tc_buf b = {0};
    tc_metric_write(&b);
    hub__answer(c, 200, "text/plain; version=0.0.4; charset=utf-8", tc_buf_str(&b));
    tc_buf_finish(&b);
}

/* Reading */

static void me(struct conn *c)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "user", c->who.name);
    tc_jw_pair_text(&b, "role", tc_hub_role_name(c->who.role));
    tc_jw_close(&b, '}');
    hub__answer_buf(c, 200, &b);
}

static void layer(struct conn *c, const char *name)
{
    struct tc_hub *h = c->hub;
    const struct tc_blob *blob =
        h->ports.layer ? h->ports.layer(h->ports.ctx, tc_str_of(name)) : NULL;
    if (!blob) {
        hub__answer_refusal(c, 404, "not_found", "there is no such layer");
        return;
    }
    hub__answer(c, 200, "application/geo+json",
                (struct tc_str){.at = (const char *)blob->bytes, .len = blob->len});
}

/** GET /api/state/TABLE?from=PLACE&limit=N: `next` is the place to go on from, 0 at the end. */
static void state(struct conn *c, const char *name)
{
    struct tc_hub *h = c->hub;
    const struct tc_table *t = tc_model_table(h->follower, name);
    if (!t || !t->is_viewed) {
        hub__answer_refusal(c, 404, "not_found", "there is no such table");
        return;
    }
    size_t place = (size_t)number(c, "from", 0);
    size_t limit = (size_t)number(c, "limit", ITEMS_MAX);
    limit = limit > ITEMS_MAX ? ITEMS_MAX : limit;
    enum tc_which which = view_of(c) == TC_VIEW_PERSONAL ? TC_ALL_FIELDS : TC_PLAIN_FIELDS;
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_u64(&b, "seq", h->follower->seq);
    tc_jw_pair_text(&b, "table", t->name);
    tc_jw_pair_u64(&b, "count", t->pool.count);
    tc_jw_key(&b, "items");
    tc_jw_open(&b, '[');
    for (; place < t->pool.top && limit > 0; place++) {
        const void *item = tc_pool_at(&t->pool, place);
        if (item) {
            tc_record_write(&b, t->record, item, which);
            limit--;
        }
    }
    tc_jw_close(&b, ']');
    tc_jw_pair_u64(&b, "next", place < t->pool.top ? place : 0);
    tc_jw_close(&b, '}');
    hub__answer_buf(c, 200, &b);
}

/* The log: what the ring has at once, older facts from the journal on a lane. */

struct log_job {
    struct tc_hub_job job;
    uint64_t conn;
    uint64_t before;
    uint64_t subject;
    size_t limit;
    enum tc_view view;
    struct tc_buf json;
};

static void write_log(struct tc_buf *to, struct tc_str facts, uint64_t next)
{
    tc_jw_open(to, '{');
    tc_jw_key(to, "log");
    tc_jw_raw(to, facts);
    tc_jw_pair_u64(to, "next_before", next);
    tc_jw_close(to, '}');
}

/** Events of (after, before) that were asked for, oldest first, into `texts`. */
static size_t read_span(struct log_job *j, struct tc_journal_reader *r, uint64_t after,
                        struct tc_buf *texts)
{
    char why[TC_WHY_MAX];
    struct tc_event e;
    size_t count = 0;
    if (tc_journal_reader_seek(r, after) != TC_OK) {
        return 0;
    }
    while (tc_journal_reader_next(r, &e, why) == TC_OK && e.seq < j->before) {
        bool is_wanted = tc_kinds[e.kind].class == TC_CLASS_FACT &&
                         (j->subject == 0 || tc_event_entity(&e) == j->subject);
        if (is_wanted) {
            struct tc_buf one = {0};
            tc_event_write(&one, &e, j->view == TC_VIEW_PERSONAL ? TC_ALL_FIELDS : TC_PLAIN_FIELDS);
            tc_buf_put_str(texts, tc_buf_str(&one));
            tc_buf_byte(texts, '\n');
            tc_buf_finish(&one);
            count++;
        }
    }
    return count;
}

/** The last `limit` lines of `texts`, newest first. Returns how many. */
static size_t put_newest_first(struct tc_buf *to, const struct tc_buf *texts, size_t limit)
{
    const char *base = (const char *)texts->bytes;
    size_t end = texts->len;
    size_t count = 0;
    while (end > 0 && count < limit) {
        size_t from = end - 1;
        while (from > 0 && base[from - 1] != '\n') {
            from--;
        }
        tc_jw_raw(to, (struct tc_str){.at = base + from, .len = end - 1 - from});
        end = from;
        count++;
    }
    return count;
}

/** Seq of the first line. */
static uint64_t oldest_of(const struct tc_buf *texts)
{
    struct tc_jr r = tc_jr_init(tc_buf_str(texts));
    struct tc_arena a = {0};
    uint64_t seq = 1;
    if (tc_jr_open(&r, '{') && tc_jr_more(&r, '}') && tc_str_is(tc_jr_key(&r, &a), "seq")) {
        seq = tc_jr_u64(&r);
    }
    tc_arena_finish(&a);
    return seq;
}

static void log_run(void *hub, struct tc_hub_job *job)
{
    struct tc_hub *h = hub;
    struct log_job *j = (struct log_job *)job;
    char why[TC_WHY_MAX];
    if (!h->reader && tc_journal_reader_open(h->journal_dir, &h->reader, why) != TC_OK) {
        return;
    }
    struct tc_buf facts = {0};
    uint64_t looked_at = 0;
    size_t left = j->limit;
    tc_jw_open(&facts, '[');
    for (uint64_t span = 1000; j->before > 1 && left > 0 && looked_at < LOG_READ_MAX; span *= 2) {
        struct tc_buf texts = {0};
        uint64_t after = j->before > span ? j->before - 1 - span : 0;
        size_t found = read_span(j, h->reader, after, &texts);
        if (found > left) {
            /* more than wanted: the client goes on from the oldest it was given */
            size_t skip = found - left;
            size_t at = 0;
            while (skip > 0 && at < texts.len) {
                skip -= texts.bytes[at++] == '\n';
            }
            tc_buf_drop(&texts, at);
            after = oldest_of(&texts) - 1;
        }
        left -= put_newest_first(&facts, &texts, left);
        looked_at += j->before - after;
        j->before = after + 1;
        tc_buf_finish(&texts);
    }
    tc_jw_close(&facts, ']');
    write_log(&j->json, tc_buf_str(&facts), j->before > 1 ? j->before : 0);
    tc_buf_finish(&facts);
}

static void log_done(void *hub, struct tc_hub_job *job)
{
    struct log_job *j = (struct log_job *)job;
    struct conn *c = hub__conn_find(hub, j->conn);
    if (c && j->json.len) {
        hub__answer(c, 200, "application/json", tc_buf_str(&j->json));
    } else if (c) {
        hub__answer_refusal(c, 503, "journal", "the journal cannot be read just now");
    }
    tc_buf_finish(&j->json);
    tc_free(j);
}

static bool ask_journal(struct conn *c, const struct log_job *wanted)
{
    struct tc_hub *h = c->hub;
    if (h->journal_dir[0] == '\0') {
        return false;
    }
    struct log_job *j = tc_alloc(sizeof *j);
    if (!j) {
        return false;
    }
    *j = *wanted;
    j->job.run = log_run;
    j->job.done = log_done;
    j->conn = c->id;
    if (tc_hub_lane_post(&h->reader_lane, &j->job) != TC_OK) {
        tc_free(j);
        hub__answer_refusal(c, 503, "busy", "come again");
    }
    return true;
}

static void log_page(struct conn *c)
{
    struct tc_hub *h = c->hub;
    struct log_job wanted = {.before = number(c, "before", 0),
                             .subject = number(c, "subject", 0),
                             .limit = (size_t)number(c, "limit", LOG_LIMIT_DEFAULT),
                             .view = view_of(c)};
    wanted.limit = wanted.limit > LOG_LIMIT_MAX ? LOG_LIMIT_MAX : wanted.limit;
    struct tc_buf facts = {0};
    uint64_t oldest_seq = 0;
    bool is_whole = hub__log_write(h, &facts, wanted.before, wanted.subject, wanted.limit,
                                   wanted.view, &oldest_seq);
    if (wanted.before == 0 || wanted.before > h->follower->seq) {
        wanted.before = h->follower->seq + 1;
    }
    if (is_whole || !ask_journal(c, &wanted)) {
        struct tc_buf b = {0};
        write_log(&b, tc_buf_str(&facts), is_whole ? oldest_seq : 0);
        hub__answer_buf(c, 200, &b);
    }
    tc_buf_finish(&facts);
}

/* Everything else: HTTP sources and the console's files */

static void intake(struct conn *c)
{
    const struct tc_hub_intake *in = c->intake;
    struct tc_hub_request *rq = &c->request;
    struct tc_hub_response rs = {0};
    struct tc_hub_submission sub = {0};
    rq->tail = tc_str_of(c->path + strlen(in->prefix));
    if (c->is_known && c->who.is_key) {
        rq->role = c->who.role;
        rq->who = tc_str_of(c->who.name);
    } else if (param(c, "api_key").len) {
        rq->role = hub__role_of_key(c->hub, param(c, "api_key"), &rq->who);
    }
    if (in->handle(in->ctx, rq, &rs, &sub) == TC_INTAKE_SUBMIT) {
        hub__observe(c, &sub);
    } else {
        hub__answer(c, rs.status ? rs.status : 200,
                    rs.content_type ? rs.content_type : "application/json", tc_buf_str(&rs.body));
    }
    tc_buf_finish(&rs.body);
}

static void console_file(struct conn *c)
{
    struct tc_hub *h = c->hub;
    const char *path = strcmp(c->path, "/") == 0 ? "/index.html" : c->path;
    const struct file *f = hub__file_find(h, path);
    if (!f && h->file_count == 0 && strcmp(path, "/index.html") == 0) {
        hub__answer(c, 200, "text/html; charset=utf-8", tc_str_of(no_console_page));
        return;
    }
    if (!f) {
        hub__answer_refusal(c, 404, "not_found", "nothing here");
        return;
    }
    (void)tc_str_put(c->answer.etag, sizeof c->answer.etag, tc_str_of(f->etag));
    if (tc_str_is(hub__if_none_match(c), f->etag)) {
        hub__answer(c, 304, f->type, (struct tc_str){0});
        return;
    }
    hub__answer(c, 200, f->type,
                (struct tc_str){.at = (const char *)f->body->bytes, .len = f->body->len});
}

/** Routes for people and keys that are known. */
static void known(struct conn *c)
{
    static const char state_prefix[] = "/api/state/";
    static const char layer_prefix[] = "/api/layers/";
    const char *path = c->path;
    bool is_post = c->request.is_post;
    if (!c->is_known) {
        hub__answer_refusal(c, 401, "nobody", "log in first");
    } else if (is_post && strcmp(path, "/api/commands") == 0) {
        hub__command(c, c->request.body);
    } else if (is_post && strcmp(path, "/api/logout") == 0) {
        hub__logout(c);
    } else if (is_post) {
        hub__answer_refusal(c, 404, "not_found", "nothing here");
    } else if (strcmp(path, "/api/me") == 0) {
        me(c);
    } else if (strcmp(path, "/api/log") == 0) {
        log_page(c);
    } else if (strncmp(path, state_prefix, sizeof state_prefix - 1) == 0) {
        state(c, path + sizeof state_prefix - 1);
    } else if (strncmp(path, layer_prefix, sizeof layer_prefix - 1) == 0) {
        layer(c, path + sizeof layer_prefix - 1);
    } else {
        hub__answer_refusal(c, 404, "not_found", "nothing here");
    }
}

void hub__api(struct conn *c)
{
    const char *path = c->path;
    bool is_post = c->request.is_post;
    if (c->intake) {
        intake(c);
    } else if (is_post && strcmp(path, "/api/login") == 0) {
        hub__login(c);
    } else if (!is_post && strcmp(path, "/healthz") == 0) {
        healthz(c);
    } else if (!is_post && strcmp(path, "/metrics") == 0) {
        metrics(c);
    } else if (is_post || strncmp(path, "/api/", 5) == 0) {
        known(c);
    } else {
        console_file(c);
    }
}
