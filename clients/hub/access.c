/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/access.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/hub/roles.h"
#include "core/base/mem.h"

#define SESSIONS_MAX 2000

struct tc_access {
    sqlite3 *db;
    char dummy[crypto_pwhash_STRBYTES]; /* verified when there is no such user: equal time */
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS users(name TEXT PRIMARY KEY, role TEXT NOT NULL,"
    " hash TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sessions(hash BLOB PRIMARY KEY, name TEXT NOT NULL,"
    " expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS keys(name TEXT PRIMARY KEY, role TEXT NOT NULL,"
    " hash BLOB NOT NULL, disabled INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;";

static tc_err prepare_file(const char *file, char why[static TC_WHY_MAX])
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "cannot open the access file %s", file);
        if (fd >= 0) {
            (void)close(fd);
        }
        return TC_EIO;
    }
    (void)close(fd);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "the access file %s may be read by others: chmod 600 it first", file);
        return TC_EDENIED;
    }
    return TC_OK;
}

tc_err tc_access_open(const char *file, struct tc_access **out, char why[static TC_WHY_MAX])
{
    if (sodium_init() < 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "libsodium cannot start");
        return TC_EIO;
    }
    tc_err err = prepare_file(file, why);
    if (err != TC_OK) {
        return err;
    }
    struct tc_access *a = tc_alloc(sizeof *a);
    if (!a) {
        return TC_ENOMEM;
    }
    mode_t mask = umask(077);
    int rc = sqlite3_open_v2(file, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(a->db, 2000);
        rc = sqlite3_exec(a->db, schema, NULL, NULL, NULL);
    }
    (void)umask(mask);
    if (rc != SQLITE_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "access file %s: %s", file, sqlite3_errmsg(a->db));
        tc_access_close(a);
        return TC_EIO;
    }
    if (crypto_pwhash_str(a->dummy, "nobody", 6, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        tc_access_close(a);
        return TC_ENOMEM;
    }
    *out = a;
    return TC_OK;
}

void tc_access_close(struct tc_access *a)
{
    if (a) {
        (void)sqlite3_close(a->db);
        tc_free(a);
    }
}

static sqlite3_stmt *prepare(struct tc_access *a, const char *sql)
{
    sqlite3_stmt *s = NULL;
    return sqlite3_prepare_v2(a->db, sql, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

static void bind_str(sqlite3_stmt *s, int at, struct tc_str text)
{
    (void)sqlite3_bind_text(s, at, text.at ? text.at : "", (int)text.len, SQLITE_TRANSIENT);
}

static void bind_hash(sqlite3_stmt *s, int at, const uint8_t *hash)
{
    (void)sqlite3_bind_blob(s, at, hash, (int)TC_ACCESS_HASH_SIZE, SQLITE_TRANSIENT);
}

/** Runs to the end and frees the statement. */
static tc_err finish(struct tc_access *a, sqlite3_stmt *s)
{
    if (!s) {
        return TC_EIO;
    }
    (void)sqlite3_step(s);
    int rc = sqlite3_finalize(s);
    if (rc == SQLITE_CONSTRAINT) {
        return TC_ECONFLICT;
    }
    if (rc != SQLITE_OK) {
        return TC_EIO;
    }
    return sqlite3_changes(a->db) > 0 ? TC_OK : TC_ENOTFOUND;
}

static struct tc_str column(sqlite3_stmt *s, int at)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    return (struct tc_str){.at = text, .len = (size_t)sqlite3_column_bytes(s, at)};
}

int64_t tc_access_version(struct tc_access *a)
{
    sqlite3_stmt *s = prepare(a, "PRAGMA data_version");
    int64_t version = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    (void)sqlite3_finalize(s);
    return version;
}

static bool read_entry(sqlite3_stmt *s, struct tc_access_entry *e)
{
    if (sqlite3_column_bytes(s, 0) != (int)TC_ACCESS_HASH_SIZE ||
        tc_hub_role_parse(column(s, 2), &e->role) != TC_OK) {
        return false;
    }
    memcpy(e->hash, sqlite3_column_blob(s, 0), TC_ACCESS_HASH_SIZE);
    (void)tc_str_put(e->name, sizeof e->name, column(s, 1));
    e->expires_us = sqlite3_column_int64(s, 3);
    e->is_key = e->expires_us == INT64_MAX;
    return true;
}

struct tc_access_view *tc_access_view(struct tc_access *a, int64_t now_us)
{
    sqlite3_stmt *s = prepare(
        a, "SELECT k.hash, k.name, k.role, 9223372036854775807 FROM keys k WHERE k.disabled = 0"
           " UNION ALL SELECT s.hash, s.name, u.role, s.expires FROM sessions s"
           " JOIN users u ON u.name = s.name WHERE u.disabled = 0 AND s.expires > ?");
    struct tc_access_view *v =
        tc_alloc(sizeof *v + (size_t)SESSIONS_MAX * sizeof(struct tc_access_entry));
    if (!s || !v) {
        (void)sqlite3_finalize(s);
        tc_free(v);
        return NULL;
    }
    (void)sqlite3_bind_int64(s, 1, now_us);
    int rc = sqlite3_step(s);
    for (; rc == SQLITE_ROW && v->count < SESSIONS_MAX; rc = sqlite3_step(s)) {
        if (read_entry(s, &v->entries[v->count])) {
            v->count++;
        }
    }
    (void)sqlite3_finalize(s);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        tc_free(v);
        return NULL;
    }
    return v;
}

void tc_access_hash(struct tc_str token, uint8_t hash[static TC_ACCESS_HASH_SIZE])
{
    (void)crypto_generichash(hash, TC_ACCESS_HASH_SIZE, (const unsigned char *)token.at, token.len,
                             NULL, 0);
}

void tc_access_random_token(char out[static TC_ACCESS_TOKEN_SIZE])
{
    uint8_t bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(out, TC_ACCESS_TOKEN_SIZE, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

static tc_err open_session(struct tc_access *a, struct tc_str name, int64_t now_us,
                           struct tc_access_entry *out, char token[static TC_ACCESS_TOKEN_SIZE])
{
    sqlite3_stmt *s = prepare(a, "DELETE FROM sessions WHERE expires <= ?1 OR hash IN (SELECT hash"
                                 " FROM sessions ORDER BY expires DESC LIMIT -1 OFFSET 1000)");
    if (s) {
        (void)sqlite3_bind_int64(s, 1, now_us);
    }
    (void)finish(a, s);
    tc_access_random_token(token);
    tc_access_hash(tc_str_of(token), out->hash);
    (void)tc_str_put(out->name, sizeof out->name, name);
    out->expires_us = now_us + TC_ACCESS_SESSION_US;
    s = prepare(a, "INSERT INTO sessions(hash, name, expires) VALUES(?, ?, ?)");
    if (!s) {
        return TC_EIO;
    }
    bind_hash(s, 1, out->hash);
    bind_str(s, 2, name);
    (void)sqlite3_bind_int64(s, 3, out->expires_us);
    return finish(a, s);
}

tc_err tc_access_log_in(struct tc_access *a, struct tc_str name, struct tc_str password,
                        int64_t now_us, struct tc_access_entry *out,
                        char token[static TC_ACCESS_TOKEN_SIZE])
{
    *out = (struct tc_access_entry){0};
    char hash[crypto_pwhash_STRBYTES];
    memcpy(hash, a->dummy, sizeof hash);
    bool is_known = false;
    sqlite3_stmt *s = prepare(a, "SELECT hash, role FROM users WHERE name = ? AND disabled = 0");
    if (!s) {
        return TC_EIO;
    }
    bind_str(s, 1, name);
    if (sqlite3_step(s) == SQLITE_ROW && column(s, 0).len < sizeof hash &&
        tc_hub_role_parse(column(s, 1), &out->role) == TC_OK) {
        memset(hash, 0, sizeof hash);
        (void)tc_str_put(hash, sizeof hash, column(s, 0));
        is_known = true;
    }
    (void)sqlite3_finalize(s);
    bool is_right =
        crypto_pwhash_str_verify(hash, password.at ? password.at : "", password.len) == 0;
    if (!is_right || !is_known) {
        return TC_EDENIED;
    }
    return open_session(a, name, now_us, out, token);
}

void tc_access_log_out(struct tc_access *a, const uint8_t hash[static TC_ACCESS_HASH_SIZE])
{
    sqlite3_stmt *s = prepare(a, "DELETE FROM sessions WHERE hash = ?");
    if (s) {
        bind_hash(s, 1, hash);
    }
    (void)finish(a, s);
}

void tc_access_touch(struct tc_access *a, const uint8_t hash[static TC_ACCESS_HASH_SIZE],
                     int64_t now_us)
{
    sqlite3_stmt *s = prepare(a, "UPDATE sessions SET expires = ? WHERE hash = ?");
    if (s) {
        (void)sqlite3_bind_int64(s, 1, now_us + TC_ACCESS_SESSION_US);
        bind_hash(s, 2, hash);
    }
    (void)finish(a, s);
}

static bool is_name(struct tc_str name)
{
    if (name.len == 0 || name.len > TC_ACCESS_NAME_MAX || !tc_str_is_utf8(name)) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if ((uint8_t)name.at[i] <= 0x20 || name.at[i] == ':' || name.at[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static tc_err make_hash(struct tc_str password, char hash[static crypto_pwhash_STRBYTES],
                        char why[static TC_WHY_MAX])
{
    if (password.len < TC_ACCESS_PASSWORD_MIN || password.len > TC_ACCESS_PASSWORD_MAX) {
        (void)tc_str_format(why, TC_WHY_MAX, "a password has %u to %u bytes",
                            TC_ACCESS_PASSWORD_MIN, TC_ACCESS_PASSWORD_MAX);
        return TC_EINVAL;
    }
    if (crypto_pwhash_str(hash, password.at, password.len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "not enough memory to hash the password");
        return TC_ENOMEM;
    }
    return TC_OK;
}

static tc_err explain(struct tc_access *a, tc_err err, struct tc_str name,
                      char why[static TC_WHY_MAX])
{
    if (err == TC_ECONFLICT) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.*s exists already", (int)name.len, name.at);
    } else if (err == TC_ENOTFOUND) {
        (void)tc_str_format(why, TC_WHY_MAX, "there is no %.*s", (int)name.len, name.at);
    } else if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "access file: %s", sqlite3_errmsg(a->db));
    }
    return err;
}

tc_err tc_access_user_add(struct tc_access *a, struct tc_str name, enum tc_role role,
                          struct tc_str password, char why[static TC_WHY_MAX])
{
    if (!is_name(name)) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "a name has 1 to %u bytes of UTF-8 without blanks or colons",
                            TC_ACCESS_NAME_MAX);
        return TC_EINVAL;
    }
    char hash[crypto_pwhash_STRBYTES];
    tc_err err = make_hash(password, hash, why);
    if (err != TC_OK) {
        return err;
    }
    sqlite3_stmt *s = prepare(a, "INSERT INTO users(name, role, hash) VALUES(?, ?, ?)");
    if (s) {
        bind_str(s, 1, name);
        bind_str(s, 2, tc_str_of(tc_hub_role_name(role)));
        bind_str(s, 3, tc_str_of(hash));
    }
    return explain(a, finish(a, s), name, why);
}

static void end_sessions(struct tc_access *a, struct tc_str name)
{
    sqlite3_stmt *s = prepare(a, "DELETE FROM sessions WHERE name = ?");
    if (s) {
        bind_str(s, 1, name);
    }
    (void)finish(a, s);
}

tc_err tc_access_user_set_password(struct tc_access *a, struct tc_str name, struct tc_str password,
                                   char why[static TC_WHY_MAX])
{
    char hash[crypto_pwhash_STRBYTES];
    tc_err err = make_hash(password, hash, why);
    if (err != TC_OK) {
        return err;
    }
    sqlite3_stmt *s = prepare(a, "UPDATE users SET hash = ?, disabled = 0 WHERE name = ?");
    if (s) {
        bind_str(s, 1, tc_str_of(hash));
        bind_str(s, 2, name);
    }
    err = finish(a, s);
    end_sessions(a, name);
    return explain(a, err, name, why);
}

tc_err tc_access_disable(struct tc_access *a, struct tc_str name, char why[static TC_WHY_MAX])
{
    sqlite3_stmt *s = prepare(a, "UPDATE users SET disabled = 1 WHERE name = ?");
    if (s) {
        bind_str(s, 1, name);
    }
    tc_err err = finish(a, s);
    if (err == TC_ENOTFOUND) {
        s = prepare(a, "UPDATE keys SET disabled = 1 WHERE name = ?");
        if (s) {
            bind_str(s, 1, name);
        }
        err = finish(a, s);
    }
    end_sessions(a, name);
    return explain(a, err, name, why);
}

tc_err tc_access_key_add(struct tc_access *a, struct tc_str name, enum tc_role role,
                         char key[static TC_ACCESS_TOKEN_SIZE], char why[static TC_WHY_MAX])
{
    if (!is_name(name)) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "a name has 1 to %u bytes of UTF-8 without blanks or colons",
                            TC_ACCESS_NAME_MAX);
        return TC_EINVAL;
    }
    uint8_t hash[TC_ACCESS_HASH_SIZE];
    tc_access_random_token(key);
    tc_access_hash(tc_str_of(key), hash);
    sqlite3_stmt *s = prepare(a, "INSERT INTO keys(name, role, hash) VALUES(?, ?, ?)");
    if (s) {
        bind_str(s, 1, name);
        bind_str(s, 2, tc_str_of(tc_hub_role_name(role)));
        bind_hash(s, 3, hash);
    }
    return explain(a, finish(a, s), name, why);
}

tc_err tc_access_list(struct tc_access *a, void *ctx,
                      void (*each)(void *ctx, const struct tc_access_user *user))
{
    sqlite3_stmt *s = prepare(a, "SELECT name, role, disabled, 0 AS k FROM users UNION ALL"
                                 " SELECT name, role, disabled, 1 FROM keys ORDER BY k, name");
    if (!s) {
        return TC_EIO;
    }
    while (sqlite3_step(s) == SQLITE_ROW) {
        struct tc_access_user user = {.is_disabled = sqlite3_column_int(s, 2) != 0,
                                      .is_key = sqlite3_column_int(s, 3) != 0};
        (void)tc_str_put(user.name, sizeof user.name, column(s, 0));
        if (tc_hub_role_parse(column(s, 1), &user.role) == TC_OK) {
            each(ctx, &user);
        }
    }
    return sqlite3_finalize(s) == SQLITE_OK ? TC_OK : TC_EIO;
}
