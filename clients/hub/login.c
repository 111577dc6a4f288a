/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "clients/hub/hub_int.h"

#define LANE_JOBS_MAX    64u
#define REFRESH_US       (2 * TC_SEC)
#define TOUCH_US         (10 * TC_MIN) /* how much of a session must be gone before it is renewed */
#define NAME_FAILURES    4u            /* before a name has to wait */
#define ADDRESS_FAILURES 10u
#define BACK_OFF_S_MAX   300
#define FORGET_US        (15 * TC_MIN)

enum access_what { ACCESS_LOG_IN, ACCESS_LOG_OUT, ACCESS_TOUCH, ACCESS_REFRESH };

struct access_job {
    struct tc_hub_job job;
    enum access_what what;
    int64_t now_us;
    uint64_t conn;
    char name[TC_ACCESS_NAME_MAX + 1];
    char password[TC_ACCESS_PASSWORD_MAX + 1];
    char address[64];
    uint8_t hash[TC_ACCESS_HASH_SIZE];
    char token[TC_ACCESS_TOKEN_SIZE];
    struct tc_access_entry entry;
    tc_err err;
    struct tc_access_view *view; /* what holds now; NULL: unchanged */
};

/* On the lane */

static void run(void *hub, struct tc_hub_job *job)
{
    struct tc_hub *h = hub;
    struct access_job *j = (struct access_job *)job;
    bool has_changed = j->what == ACCESS_LOG_OUT;
    switch (j->what) {
    case ACCESS_LOG_IN:
        j->err = tc_access_log_in(h->access, tc_str_of(j->name), tc_str_of(j->password), j->now_us,
                                  &j->entry, j->token);
        sodium_memzero(j->password, sizeof j->password);
        has_changed = j->err == TC_OK;
        break;
    case ACCESS_LOG_OUT: tc_access_log_out(h->access, j->hash); break;
    case ACCESS_TOUCH: tc_access_touch(h->access, j->hash, j->now_us); break;
    case ACCESS_REFRESH: break;
    }
    int64_t version = tc_access_version(h->access);
    if (has_changed || version != h->access_version) {
        h->access_version = version;
        j->view = tc_access_view(h->access, j->now_us);
    }
}

/* Back on the hub thread */

static struct limiter *limiter_of(struct tc_hub *h, const char *kind, const char *text)
{
    uint64_t key = 0;
    for (const char *p = kind; *p; p++) {
        key = key * 131 + (uint8_t)*p;
    }
    for (const char *p = text; *p; p++) {
        key = key * 131 + (uint8_t)*p;
    }
    struct limiter *oldest = &h->limiters[0];
    for (size_t i = 0; i < HUB_LIMITER_SIZE; i++) {
        struct limiter *l = &h->limiters[i];
        if (l->key == key) {
            return l;
        }
        if (l->last_us < oldest->last_us) {
            oldest = l;
        }
    }
    *oldest = (struct limiter){.key = key};
    return oldest;
}

static void count_failure(struct limiter *l, uint32_t free_failures, int64_t now_us)
{
    if (now_us - l->last_us > FORGET_US) {
        l->failures = 0;
    }
    l->last_us = now_us;
    l->failures++;
    if (l->failures >= free_failures) {
        uint32_t power = l->failures - free_failures;
        int64_t wait_s = power > 8 ? BACK_OFF_S_MAX : INT64_C(1) << power;
        l->until_us = now_us + (wait_s > BACK_OFF_S_MAX ? BACK_OFF_S_MAX : wait_s) * TC_SEC;
    }
}

static void write_me(struct tc_buf *b, const struct tc_access_entry *who)
{
    tc_jw_open(b, '{');
    tc_jw_pair_bool(b, "ok", true);
    tc_jw_pair_text(b, "user", who->name);
    tc_jw_pair_text(b, "role", tc_hub_role_name(who->role));
    tc_jw_close(b, '}');
}

static void record_session(struct tc_hub *h, const struct access_job *j)
{
    struct tc_buf b = {0};
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "user", j->entry.name);
    if (j->what == ACCESS_LOG_IN) {
        tc_jw_pair_text(&b, "role", tc_hub_role_name(j->entry.role));
        tc_jw_pair_text(&b, "address", j->address);
    } else {
        tc_jw_pair_text(&b, "why", "logged_out");
    }
    tc_jw_close(&b, '}');
    tc_buf_byte(&b, '\0');
    hub__command_own(h, j->what == ACCESS_LOG_IN ? TC_CMD_SESSION_OPEN : TC_CMD_SESSION_CLOSE,
                     tc_str_of(j->entry.name), (const char *)b.bytes);
    tc_buf_finish(&b);
}

static void logged_in(struct tc_hub *h, struct access_job *j)
{
    struct conn *c = hub__conn_find(h, j->conn);
    int64_t now_us = tc_clock_monotonic_us();
    struct limiter *by_name = limiter_of(h, "name", j->name);
    struct limiter *by_address = limiter_of(h, "address", j->address);
    if (j->err != TC_OK) {
        tc_metric_inc(&hub__m_logins_failed, 1);
        count_failure(by_name, NAME_FAILURES, now_us);
        count_failure(by_address, ADDRESS_FAILURES, now_us);
        if (c && j->err == TC_EDENIED) {
            hub__answer_refusal(c, 401, "wrong", "wrong name or password");
        } else if (c) {
            hub__answer_refusal(c, 503, "access", "the access file cannot be used");
        }
        return;
    }
    by_name->failures = 0;
    by_address->failures = 0;
    record_session(h, j);
    if (c) {
        (void)tc_str_format(c->answer.cookie, sizeof c->answer.cookie,
                            "tocsin_session=%s; Path=/; HttpOnly; SameSite=Strict%s", j->token,
                            h->tls_cert ? "; Secure" : "");
        struct tc_buf b = {0};
        write_me(&b, &j->entry);
        hub__answer_buf(c, 200, &b);
    }
}

static void done(void *hub, struct tc_hub_job *job)
{
    struct tc_hub *h = hub;
    struct access_job *j = (struct access_job *)job;
    if (j->view) {
        tc_free(h->view);
        h->view = j->view;
    }
    if (j->what == ACCESS_LOG_IN) {
        logged_in(h, j);
    }
    h->is_refreshing = h->is_refreshing && j->what != ACCESS_REFRESH;
    sodium_memzero(j, sizeof *j);
    tc_free(j);
}

static struct access_job *job_create(struct tc_hub *h, enum access_what what)
{
    (void)h;
    struct access_job *j = tc_alloc(sizeof *j);
    if (j) {
        j->job.run = run;
        j->job.done = done;
        j->what = what;
        j->now_us = hub__now_us();
    }
    return j;
}

static tc_err post(struct tc_hub *h, struct access_job *j)
{
    tc_err err = j ? tc_hub_lane_post(&h->access_lane, &j->job) : TC_ENOMEM;
    if (err != TC_OK && j) {
        sodium_memzero(j, sizeof *j);
        tc_free(j);
    }
    return err;
}

tc_err hub__access_start(struct tc_hub *h, char why[static TC_WHY_MAX])
{
    if (h->access_db[0] == '\0') {
        return TC_OK; /* nobody can log in */
    }
    tc_err err = tc_access_open(h->access_db, &h->access, why);
    if (err != TC_OK) {
        return err;
    }
    h->access_version = tc_access_version(h->access);
    h->view = tc_access_view(h->access, hub__now_us());
    h->access_lane.ctx = h;
    h->access_lane.count_max = LANE_JOBS_MAX;
    h->access_lane.on_done = hub__wake;
    h->access_lane.on_done_arg = h;
    return tc_hub_lane_start(&h->access_lane);
}

void hub__access_stop(struct tc_hub *h)
{
    tc_hub_lane_stop(&h->access_lane, h);
    tc_access_close(h->access);
    tc_free(h->view);
}

void hub__access_second(struct tc_hub *h)
{
    if (h->access && !h->is_refreshing) {
        h->is_refreshing = post(h, job_create(h, ACCESS_REFRESH)) == TC_OK;
    }
}

/* Who is this? */

static struct tc_access_entry *find_entry(struct tc_hub *h, const uint8_t *hash)
{
    struct tc_access_entry *found = NULL;
    for (size_t i = 0; h->view && i < h->view->count; i++) {
        struct tc_access_entry *e = &h->view->entries[i];
        if (sodium_memcmp(e->hash, hash, TC_ACCESS_HASH_SIZE) == 0) {
            found = e;
        }
    }
    return found && found->expires_us > hub__now_us() ? found : NULL;
}

bool hub__who_is_hash(struct tc_hub *h, const uint8_t *hash, struct tc_access_entry *out)
{
    const struct tc_access_entry *e = find_entry(h, hash);
    if (e) {
        *out = *e;
    }
    return e != NULL;
}

bool hub__who_is(struct tc_hub *h, struct tc_str token, struct tc_access_entry *out)
{
    uint8_t hash[TC_ACCESS_HASH_SIZE];
    tc_access_hash(token, hash);
    if (!hub__who_is_hash(h, hash, out)) {
        return false;
    }
    hub__who_used(h, out);
    return true;
}

void hub__who_used(struct tc_hub *h, const struct tc_access_entry *who)
{
    int64_t until_us = hub__now_us() + TC_ACCESS_SESSION_US;
    struct tc_access_entry *e = who->is_key ? NULL : find_entry(h, who->hash);
    if (!e || until_us - e->expires_us < TOUCH_US) {
        return;
    }
    struct access_job *j = job_create(h, ACCESS_TOUCH);
    if (j) {
        memcpy(j->hash, who->hash, sizeof j->hash);
    }
    if (post(h, j) == TC_OK) {
        e->expires_us = until_us;
    }
}

enum tc_role hub__role_of_key(void *hub, struct tc_str key, struct tc_str *who)
{
    struct tc_hub *h = hub;
    uint8_t hash[TC_ACCESS_HASH_SIZE];
    tc_access_hash(key, hash);
    const struct tc_access_entry *e = find_entry(h, hash);
    if (!e || !e->is_key) {
        return TC_ROLE_NONE;
    }
    *who = tc_str_of(e->name);
    return e->role;
}

/* Routes */

static bool read_login(struct conn *c, struct access_job *j)
{
    struct tc_jr r = tc_jr_init(c->request.body);
    bool fits = true;
    if (tc_jr_open(&r, '{')) {
        while (tc_jr_more(&r, '}')) {
            struct tc_str key = tc_jr_key(&r, &c->arena);
            if (tc_str_is(key, "user")) {
                fits = tc_str_put(j->name, sizeof j->name, tc_jr_str(&r, &c->arena)) && fits;
            } else if (tc_str_is(key, "password")) {
                fits =
                    tc_str_put(j->password, sizeof j->password, tc_jr_str(&r, &c->arena)) && fits;
            } else {
                r.bad = true;
            }
        }
    }
    return tc_jr_is_done(&r) && fits && j->name[0] && j->password[0];
}

static int seconds_to_wait(struct tc_hub *h, const struct conn *c, const char *name)
{
    int64_t now_us = tc_clock_monotonic_us();
    int64_t until_us = limiter_of(h, "name", name)->until_us;
    int64_t other_us = limiter_of(h, "address", c->address)->until_us;
    until_us = other_us > until_us ? other_us : until_us;
    return until_us > now_us ? (int)((until_us - now_us) / TC_SEC) + 1 : 0;
}

void hub__login(struct conn *c)
{
    struct tc_hub *h = c->hub;
    struct access_job *j = job_create(h, ACCESS_LOG_IN);
    if (!j || !read_login(c, j)) {
        hub__answer_refusal(c, j ? 400 : 503, "malformed",
                            "expected {\"user\":\"…\",\"password\":\"…\"}");
    } else if ((c->answer.retry_after_s = seconds_to_wait(h, c, j->name)) > 0) {
        tc_metric_inc(&hub__m_logins_limited, 1);
        hub__answer_refusal(c, 429, "wait", "too many wrong attempts; wait");
    } else {
        j->conn = c->id;
        (void)tc_str_put(j->address, sizeof j->address, tc_str_of(c->address));
        tc_err err = post(h, j);
        j = NULL;
        if (err != TC_OK) {
            hub__answer_refusal(c, 503, "busy", "too many log-ins at once; come again");
        }
    }
    if (j) {
        sodium_memzero(j, sizeof *j);
        tc_free(j);
    }
    if (c->in.len) {
        sodium_memzero(c->in.bytes, c->in.len);
    }
}

void hub__logout(struct conn *c)
{
    struct tc_hub *h = c->hub;
    struct tc_access_entry *e = find_entry(h, c->who.hash);
    struct access_job *j = job_create(h, ACCESS_LOG_OUT);
    if (!e || e->is_key || !j) {
        tc_free(j);
        hub__answer_refusal(c, 401, "nobody", "not logged in");
        return;
    }
    j->entry = *e;
    memcpy(j->hash, e->hash, sizeof j->hash);
    e->expires_us = 0;
    record_session(h, j);
    for (struct conn *other = h->conns; other; other = other->next) {
        if (other->is_console && memcmp(other->who.hash, j->hash, sizeof j->hash) == 0) {
            other->is_closing = true;
            hub__conn_writable(other);
        }
    }
    if (post(h, j) != TC_OK) {
        hub__answer_refusal(c, 503, "busy", "come again");
        return;
    }
    (void)tc_str_format(c->answer.cookie, sizeof c->answer.cookie,
                        "tocsin_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
                        h->tls_cert ? "; Secure" : "");
    hub__answer(c, 200, "application/json", TC_STR("{\"ok\":true}"));
}
