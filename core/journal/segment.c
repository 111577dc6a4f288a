/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/journal_int.h"

#define NUMBER_DIGITS 6
#define NUMBER_MAX    999999u

static const char *const schema =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE kinds(kind INTEGER PRIMARY KEY, name TEXT NOT NULL, class TEXT NOT NULL,"
    " columns TEXT);"
    "CREATE TABLE facts(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, occurred INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, source INTEGER NOT NULL, subject INTEGER NOT NULL,"
    " cause INTEGER NOT NULL, key INTEGER NOT NULL, body TEXT NOT NULL);"
    "CREATE TABLE telemetry(seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, body TEXT NOT NULL);"
    "CREATE TABLE personal(seq INTEGER PRIMARY KEY, body TEXT NOT NULL);"
    "CREATE TABLE commits(last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
    " at INTEGER NOT NULL, facts_hash BLOB, telemetry_hash BLOB, personal_hash BLOB,"
    " hash BLOB NOT NULL, digest TEXT);"
    "CREATE TABLE checkpoint(seq INTEGER PRIMARY KEY, digest TEXT NOT NULL,"
    " model_version INTEGER NOT NULL, body TEXT NOT NULL);";

void journal__segment_path(const char *dir, uint32_t number, char out[static JOURNAL_PATH_MAX])
{
    (void)tc_str_format(out, JOURNAL_PATH_MAX, "%s/segment-%06" PRIu32 ".tocsin", dir, number);
}

static uint32_t number_of(const char *name)
{
    static const char head[] = "segment-";
    size_t n = sizeof head - 1;
    if (strncmp(name, head, n) != 0 || strlen(name) != n + NUMBER_DIGITS + strlen(".tocsin") ||
        strcmp(name + n + NUMBER_DIGITS, ".tocsin") != 0) {
        return 0;
    }
    int64_t number = 0;
    tc_err err = tc_str_to_i64((struct tc_str){.at = name + n, .len = NUMBER_DIGITS}, &number);
    return err == TC_OK && number > 0 && number <= NUMBER_MAX ? (uint32_t)number : 0;
}

tc_err journal__segment_range(const char *dir, uint32_t *first, uint32_t *last, uint32_t *others,
                              char why[static TC_WHY_MAX])
{
    *first = 0;
    *last = 0;
    *others = 0;
    DIR *d = opendir(dir);
    if (!d) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", dir, strerror(errno));
        return errno == ENOENT ? TC_ENOTFOUND : TC_EIO;
    }
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        uint32_t number = number_of(entry->d_name);
        if (number == 0) {
            *others += entry->d_name[0] != '.' && strncmp(entry->d_name, "journal.", 8) != 0 &&
                       strcmp(entry->d_name, "lost+found") != 0;
            continue;
        }
        *first = *first == 0 || number < *first ? number : *first;
        *last = number > *last ? number : *last;
    }
    (void)closedir(d);
    return TC_OK;
}

bool journal__segment_exists(const char *dir, uint32_t number)
{
    char path[JOURNAL_PATH_MAX];
    struct stat st;
    journal__segment_path(dir, number, path);
    return stat(path, &st) == 0;
}

bool journal__segment_is_frozen(const char *dir, uint32_t number)
{
    char path[JOURNAL_PATH_MAX];
    struct stat st;
    journal__segment_path(dir, number, path);
    return stat(path, &st) == 0 && (st.st_mode & 0222) == 0;
}

/* Meta */

static tc_err put_meta(struct tc_stmt *s, const char *name, struct tc_str value,
                       char why[static TC_WHY_MAX])
{
    tc_stmt_bind_text(s, 1, tc_str_of(name));
    tc_stmt_bind_text(s, 2, value);
    return tc_stmt_run(s, why);
}

static tc_err put_meta_i64(struct tc_stmt *s, const char *name, int64_t value,
                           char why[static TC_WHY_MAX])
{
    char text[24];
    (void)tc_str_format(text, sizeof text, "%" PRId64, value);
    return put_meta(s, name, tc_str_of(text), why);
}

static tc_err put_meta_hex(struct tc_stmt *s, const char *name, const uint8_t *bytes, size_t len,
                           char why[static TC_WHY_MAX])
{
    char text[2 * crypto_sign_BYTES + 1];
    journal__hex(bytes, len, text);
    return put_meta(s, name, tc_str_of(text), why);
}

static const char put_meta_sql[] = "INSERT INTO meta(name, value) VALUES(?, ?)";

static tc_err write_meta(struct tc_db *db, const struct journal_meta *m,
                         char why[static TC_WHY_MAX])
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"schema_version", JOURNAL_SCHEMA_VERSION},
        {"model_version", TC_MODEL_VERSION},
        {"segment", m->number},
        {"is_exercise", m->world.is_exercise},
        {"at_seq", (int64_t)m->world.at_seq},
        {"epoch", m->world.epoch},
        {"first_seq", (int64_t)m->first_seq},
        {"made_at", m->made_us},
    };
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(db, put_meta_sql, &s, why);
    for (size_t i = 0; err == TC_OK && i < TC_COUNT_OF(numbers); i++) {
        err = put_meta_i64(s, numbers[i].name, numbers[i].value, why);
    }
    if (err == TC_OK) {
        err = put_meta(s, "world", tc_str_of(m->world.uuid), why);
    }
    if (err == TC_OK) {
        err = put_meta(s, "parent", tc_str_of(m->world.parent), why);
    }
    if (err == TC_OK) {
        err = put_meta_hex(s, "prev_hash", m->prev, sizeof m->prev, why);
    }
    tc_stmt_finish(s);
    return err;
}

static tc_err write_kinds(struct tc_db *db, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    struct tc_buf columns = {0};
    tc_err err = tc_db_prepare(
        db, "INSERT INTO kinds(kind, name, class, columns) VALUES(?, ?, ?, ?)", &s, why);
    for (int kind = 1; err == TC_OK && kind < TC_EV_LIMIT; kind++) {
        if (!tc_kinds[kind].name) {
            continue;
        }
        bool is_telemetry = journal__is_telemetry((enum tc_kind)kind);
        tc_stmt_bind_i64(s, 1, kind);
        tc_stmt_bind_text(s, 2, tc_str_of(tc_kinds[kind].name));
        tc_stmt_bind_text(s, 3, is_telemetry ? TC_STR("telemetry") : TC_STR("fact"));
        tc_stmt_bind_null(s, 4);
        if (is_telemetry) {
            tc_buf_clear(&columns);
            journal__write_column_names(&columns, (enum tc_kind)kind);
            tc_stmt_bind_text(s, 4, tc_buf_str(&columns));
        }
        err = tc_stmt_run(s, why);
    }
    tc_stmt_finish(s);
    tc_buf_finish(&columns);
    return err;
}

static void sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

tc_err journal__segment_create(const char *dir, const struct journal_meta *meta, struct tc_db **out,
                               char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    struct tc_db *db = NULL;
    journal__segment_path(dir, meta->number, path);
    tc_err err = tc_db_open(path, TC_DB_CREATE, &db, why);
    if (err == TC_OK) {
        err = tc_db_use_wal(db, why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, "BEGIN IMMEDIATE", why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, schema, why);
    }
    if (err == TC_OK) {
        err = write_meta(db, meta, why);
    }
    if (err == TC_OK) {
        err = write_kinds(db, why);
    }
    if (err == TC_OK) {
        err = tc_db_exec(db, "COMMIT", why);
    }
    if (err != TC_OK) {
        tc_db_close(db);
        return err;
    }
    sync_dir(dir);
    *out = db;
    return TC_OK;
}

static bool take_meta(struct journal_meta *m, struct tc_str name, struct tc_str value)
{
    const struct {
        const char *name;
        uint8_t *bytes;
        size_t len;
    } blobs[] = {
        {"prev_hash", m->prev, sizeof m->prev},
        {"last_hash", m->hash, sizeof m->hash},
        {"public_key", m->public_key, sizeof m->public_key},
        {"signature", m->signature, sizeof m->signature},
    };
    for (size_t i = 0; i < TC_COUNT_OF(blobs); i++) {
        if (tc_str_is(name, blobs[i].name)) {
            m->is_sealed = m->is_sealed || tc_str_is(name, "signature");
            return journal__from_hex(value, blobs[i].bytes, blobs[i].len);
        }
    }
    if (tc_str_is(name, "world")) {
        return tc_str_put(m->world.uuid, sizeof m->world.uuid, value);
    }
    if (tc_str_is(name, "parent")) {
        return tc_str_put(m->world.parent, sizeof m->world.parent, value);
    }
    int64_t n = 0;
    if (tc_str_to_i64(value, &n) != TC_OK) {
        return !tc_str_is(name, "first_seq") && !tc_str_is(name, "schema_version");
    }
    if (tc_str_is(name, "segment")) {
        m->number = (uint32_t)n;
    } else if (tc_str_is(name, "schema_version")) {
        m->schema_version = (uint32_t)n;
    } else if (tc_str_is(name, "model_version")) {
        m->model_version = (uint32_t)n;
    } else if (tc_str_is(name, "is_exercise")) {
        m->world.is_exercise = n != 0;
    } else if (tc_str_is(name, "at_seq")) {
        m->world.at_seq = (uint64_t)n;
    } else if (tc_str_is(name, "epoch")) {
        m->world.epoch = (uint32_t)n;
    } else if (tc_str_is(name, "first_seq")) {
        m->first_seq = (uint64_t)n;
    } else if (tc_str_is(name, "made_at")) {
        m->made_us = n;
    } else if (tc_str_is(name, "last_seq")) {
        m->last_seq = (uint64_t)n;
    }
    return true;
}

static tc_err has_tables(struct tc_db *db, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err =
        tc_db_prepare(db, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'", &s, why);
    if (err == TC_OK) {
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK && tc_stmt_i64(s, 0) == 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "the file holds no journal");
        err = TC_ENOTFOUND;
    }
    tc_stmt_finish(s);
    return err;
}

tc_err journal__meta_read(struct tc_db *db, struct journal_meta *meta, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    *meta = (struct journal_meta){0};
    tc_err err = has_tables(db, why);
    if (err == TC_OK) {
        err = tc_db_prepare(db, "SELECT name, value FROM meta", &s, why);
    }
    while (err == TC_OK && (err = tc_stmt_step(s, why)) == TC_OK) {
        if (!take_meta(meta, tc_stmt_text(s, 0), tc_stmt_text(s, 1))) {
            (void)tc_str_format(why, TC_WHY_MAX, "meta: a value is not well formed");
            tc_stmt_finish(s);
            return TC_EMALFORMED;
        }
    }
    bool was_read = s != NULL && err == TC_ENOTFOUND;
    tc_stmt_finish(s);
    if (!was_read) {
        return err;
    }
    if (meta->schema_version > JOURNAL_SCHEMA_VERSION) {
        (void)tc_str_format(why, TC_WHY_MAX, "written by a newer program (layout %" PRIu32 ")",
                            meta->schema_version);
        return TC_EUNSUPPORTED;
    }
    if (meta->first_seq == 0 || meta->schema_version == 0 || meta->world.uuid[0] == '\0') {
        (void)tc_str_format(why, TC_WHY_MAX, "meta: world, layout or first seq is missing");
        return TC_EMALFORMED;
    }
    return TC_OK;
}

static bool has_wal(const char *path)
{
    char wal[JOURNAL_PATH_MAX + 8];
    struct stat st;
    (void)tc_str_format(wal, sizeof wal, "%s-wal", path);
    return stat(wal, &st) == 0 && st.st_size > 0;
}

tc_err journal__segment_open(const char *dir, uint32_t number, struct tc_db **out,
                             struct journal_meta *meta, char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    char detail[TC_WHY_MAX] = "";
    *out = NULL;
    journal__segment_path(dir, number, path);
    bool is_frozen = journal__segment_is_frozen(dir, number) && !has_wal(path);
    tc_err err = tc_db_open(path, is_frozen ? TC_DB_FROZEN : TC_DB_READ, out, detail);
    if (err == TC_OK) {
        err = journal__meta_read(*out, meta, detail);
    }
    if ((err == TC_EIO || err == TC_EDENIED) && !is_frozen && !has_wal(path)) {
        /* A copy on a medium that takes no helper files. */
        tc_db_close(*out);
        err = tc_db_open(path, TC_DB_FROZEN, out, detail);
        if (err == TC_OK) {
            err = journal__meta_read(*out, meta, detail);
        }
    }
    if (err != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "segment-%06" PRIu32 ".tocsin: %.200s", number,
                            detail);
        tc_db_close(*out);
        *out = NULL;
    }
    return err;
}

tc_err journal__last_commit(struct tc_db *db, struct journal_commit *c, char why[static TC_WHY_MAX])
{
    struct tc_stmt *s = NULL;
    tc_err err = tc_db_prepare(
        db, "SELECT " JOURNAL_COMMIT_COLUMNS " FROM commits ORDER BY last_seq DESC LIMIT 1", &s,
        why);
    if (err == TC_OK) {
        err = tc_stmt_step(s, why);
    }
    if (err == TC_OK) {
        err = journal__take_commit(s, c, why);
    }
    tc_stmt_finish(s);
    return err;
}

/* Seal and signature */

/** Hash of the statement's rows as "value|value\n" lines; `count` rows were seen. */
static tc_err hash_rows(struct tc_db *db, const char *sql, int columns, uint64_t *count,
                        uint8_t out[JOURNAL_HASH_BYTES])
{
    char why[TC_WHY_MAX];
    struct tc_stmt *s = NULL;
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, JOURNAL_HASH_BYTES);
    *count = 0;
    tc_err err = tc_db_prepare(db, sql, &s, why);
    while (err == TC_OK && (err = tc_stmt_step(s, why)) == TC_OK) {
        for (int i = 0; i < columns; i++) {
            struct tc_str text = tc_stmt_text(s, i);
            (void)crypto_generichash_update(&state, (const uint8_t *)(text.at ? text.at : ""),
                                            text.len);
            (void)crypto_generichash_update(&state, (const uint8_t *)(i + 1 < columns ? "|" : "\n"),
                                            1);
        }
        ++*count;
    }
    tc_stmt_finish(s);
    (void)crypto_generichash_final(&state, out, JOURNAL_HASH_BYTES);
    return err == TC_ENOTFOUND ? TC_OK : err;
}

static const char signed_sql[] =
    "SELECT name, value FROM meta WHERE name <> 'signature' ORDER BY name";
static const char kinds_sql[] =
    "SELECT CAST(kind AS TEXT), name, class, columns FROM kinds ORDER BY kind";
static const char checkpoint_sql[] =
    "SELECT CAST(seq AS TEXT), digest, CAST(model_version AS TEXT), body FROM checkpoint"
    " ORDER BY seq";

static tc_err write_seal(struct tc_db *db, uint64_t last_seq, const uint8_t *hash,
                         const uint8_t *secret, char why[static TC_WHY_MAX])
{
    uint8_t kinds[JOURNAL_HASH_BYTES];
    uint8_t checkpoints[JOURNAL_HASH_BYTES];
    uint8_t meta[JOURNAL_HASH_BYTES];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
    uint64_t count = 0;
    struct tc_stmt *s = NULL;
    (void)crypto_sign_ed25519_sk_to_pk(public_key, secret);
    tc_err err = hash_rows(db, kinds_sql, 4, &count, kinds);
    if (err == TC_OK) {
        err = hash_rows(db, checkpoint_sql, 4, &count, checkpoints);
    }
    if (err == TC_OK) {
        err = tc_db_prepare(db, put_meta_sql, &s, why);
    }
    if (err == TC_OK && count > 0) {
        err = put_meta_hex(s, "checkpoint_hash", checkpoints, sizeof checkpoints, why);
    }
    if (err == TC_OK) {
        err = put_meta_hex(s, "kinds_hash", kinds, sizeof kinds, why);
    }
    if (err == TC_OK) {
        err = put_meta_i64(s, "last_seq", (int64_t)last_seq, why);
    }
    if (err == TC_OK) {
        err = put_meta_hex(s, "last_hash", hash, JOURNAL_HASH_BYTES, why);
    }
    if (err == TC_OK) {
        err = put_meta_hex(s, "public_key", public_key, sizeof public_key, why);
    }
    if (err == TC_OK) {
        err = hash_rows(db, signed_sql, 2, &count, meta);
    }
    if (err == TC_OK) {
        (void)crypto_sign_detached(signature, NULL, meta, sizeof meta, secret);
        err = put_meta_hex(s, "signature", signature, sizeof signature, why);
    }
    tc_stmt_finish(s);
    return err;
}

tc_err journal__segment_seal(struct tc_db *db, uint64_t last_seq,
                             const uint8_t hash[JOURNAL_HASH_BYTES],
                             const uint8_t secret[crypto_sign_SECRETKEYBYTES],
                             char why[static TC_WHY_MAX])
{
    tc_err err = tc_db_exec(db, "BEGIN IMMEDIATE", why);
    if (err == TC_OK) {
        err = write_seal(db, last_seq, hash, secret, why);
    }
    return err == TC_OK ? tc_db_exec(db, "COMMIT", why) : err;
}

bool journal__segment_freeze(const char *dir, uint32_t number)
{
    char why[TC_WHY_MAX];
    char path[JOURNAL_PATH_MAX];
    struct tc_db *db = NULL;
    if (journal__segment_is_frozen(dir, number) || !journal__segment_exists(dir, number)) {
        return true;
    }
    journal__segment_path(dir, number, path);
    tc_err err = tc_db_open(path, TC_DB_WRITE, &db, why);
    if (err == TC_OK) {
        err = tc_db_exec(db, "PRAGMA busy_timeout=0; PRAGMA journal_mode=DELETE;", why);
    }
    tc_db_close(db);
    return err == TC_OK && !has_wal(path) && chmod(path, 0444) == 0;
}

static tc_err check_hash(struct tc_db *db, const char *name, const char *sql, bool may_be_purged,
                         char why[static TC_WHY_MAX])
{
    uint8_t got[JOURNAL_HASH_BYTES];
    char hex[2 * JOURNAL_HASH_BYTES + 1];
    uint64_t count = 0;
    struct tc_stmt *s = NULL;
    tc_err err = hash_rows(db, sql, 4, &count, got);
    if (err == TC_OK) {
        err = tc_db_prepare(db, "SELECT value FROM meta WHERE name = ?", &s, why);
    }
    if (err == TC_OK) {
        journal__hex(got, sizeof got, hex);
        tc_stmt_bind_text(s, 1, tc_str_of(name));
        tc_err found = tc_stmt_step(s, why);
        bool is_same = found == TC_OK ? tc_str_is(tc_stmt_text(s, 0), hex) : count == 0;
        if (!is_same && !(may_be_purged && count == 0)) {
            (void)tc_str_format(why, TC_WHY_MAX, "%s differs from what was signed", name);
            err = TC_EMALFORMED;
        }
    }
    tc_stmt_finish(s);
    return err;
}

tc_err journal__segment_check(struct tc_db *db, const struct journal_meta *meta,
                              char why[static TC_WHY_MAX])
{
    uint8_t hash[JOURNAL_HASH_BYTES];
    uint64_t count = 0;
    tc_err err = hash_rows(db, signed_sql, 2, &count, hash);
    if (err == TC_OK &&
        crypto_sign_verify_detached(meta->signature, hash, sizeof hash, meta->public_key) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "the signature does not fit the meta table");
        return TC_EMALFORMED;
    }
    if (err == TC_OK) {
        err = check_hash(db, "kinds_hash", kinds_sql, false, why);
    }
    return err == TC_OK ? check_hash(db, "checkpoint_hash", checkpoint_sql, true, why) : err;
}

/* The key */

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

static tc_err make_key(const char *dir, const char *path, uint8_t *seed,
                       char why[static TC_WHY_MAX])
{
    char temporary[JOURNAL_PATH_MAX + 8];
    char text[2 * crypto_sign_SEEDBYTES + 2];
    (void)tc_str_format(temporary, sizeof temporary, "%s.new", path);
    randombytes_buf(seed, crypto_sign_SEEDBYTES);
    journal__hex(seed, crypto_sign_SEEDBYTES, text);
    text[sizeof text - 2] = '\n';
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write_all(fd, text, sizeof text - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    sodium_memzero(text, sizeof text);
    if (!is_written || rename(temporary, path) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: the key cannot be written: %s", path,
                            strerror(errno));
        return TC_EIO;
    }
    sync_dir(dir);
    return TC_OK;
}

tc_err journal__key_load(const char *dir, uint8_t secret[crypto_sign_SECRETKEYBYTES],
                         char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    char text[2 * crypto_sign_SEEDBYTES];
    uint8_t seed[crypto_sign_SEEDBYTES];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    (void)tc_str_format(path, sizeof path, "%s/journal.key", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    tc_err err = TC_OK;
    if (fd < 0 && errno == ENOENT) {
        err = make_key(dir, path, seed, why);
    } else if (fd < 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", path, strerror(errno));
        err = TC_EDENIED;
    } else {
        ssize_t n = read(fd, text, sizeof text);
        (void)close(fd);
        struct tc_str hex = {.at = text, .len = n > 0 ? (size_t)n : 0};
        if (!journal__from_hex(hex, seed, sizeof seed)) {
            (void)tc_str_format(why, TC_WHY_MAX,
                                "%.160s: not a key; restore it from the backup, or move it away "
                                "and a new one is made",
                                path);
            err = TC_EMALFORMED;
        }
    }
    if (err == TC_OK) {
        (void)crypto_sign_seed_keypair(public_key, secret, seed);
    }
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return err;
}
