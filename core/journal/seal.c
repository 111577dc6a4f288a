/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/journal_int.h"

const char *journal__os_text(int number, char out[static JOURNAL_OS_TEXT])
{
    if (strerror_r(number, out, JOURNAL_OS_TEXT) != 0) {
        (void)tc_str_format(out, JOURNAL_OS_TEXT, "error %d", number);
    }
    return out;
}

void journal__sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

bool journal__has_wal(const char *path)
{
    char wal[JOURNAL_PATH_MAX + 8];
    struct stat st;
    (void)tc_str_format(wal, sizeof wal, "%s-wal", path);
    return stat(wal, &st) == 0 && st.st_size > 0;
}

tc_err journal__put_meta(struct tc_stmt *s, const char *name, struct tc_str value,
                         char why[static TC_WHY_MAX])
{
    tc_stmt_bind_text(s, 1, tc_str_of(name));
    tc_stmt_bind_text(s, 2, value);
    return tc_stmt_run(s, why);
}

tc_err journal__put_meta_i64(struct tc_stmt *s, const char *name, int64_t value,
                             char why[static TC_WHY_MAX])
{
    char text[24];
    (void)tc_str_format(text, sizeof text, "%" PRId64, value);
    return journal__put_meta(s, name, tc_str_of(text), why);
}

tc_err journal__put_meta_hex(struct tc_stmt *s, const char *name, const uint8_t *bytes, size_t len,
                             char why[static TC_WHY_MAX])
{
    char text[2 * crypto_sign_BYTES + 1];
    journal__hex(bytes, len, text);
    return journal__put_meta(s, name, tc_str_of(text), why);
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
        err = tc_db_prepare(db, JOURNAL_PUT_META, &s, why);
    }
    if (err == TC_OK && count > 0) {
        err = journal__put_meta_hex(s, "checkpoint_hash", checkpoints, sizeof checkpoints, why);
    }
    if (err == TC_OK) {
        err = journal__put_meta_hex(s, "kinds_hash", kinds, sizeof kinds, why);
    }
    if (err == TC_OK) {
        err = journal__put_meta_i64(s, "last_seq", (int64_t)last_seq, why);
    }
    if (err == TC_OK) {
        err = journal__put_meta_hex(s, "last_hash", hash, JOURNAL_HASH_BYTES, why);
    }
    if (err == TC_OK) {
        err = journal__put_meta_hex(s, "public_key", public_key, sizeof public_key, why);
    }
    if (err == TC_OK) {
        err = hash_rows(db, signed_sql, 2, &count, meta);
    }
    if (err == TC_OK) {
        (void)crypto_sign_detached(signature, NULL, meta, sizeof meta, secret);
        err = journal__put_meta_hex(s, "signature", signature, sizeof signature, why);
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
    return err == TC_OK && !journal__has_wal(path) && chmod(path, 0444) == 0;
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
    char reason[JOURNAL_OS_TEXT];
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
                            journal__os_text(errno, reason));
        return TC_EIO;
    }
    journal__sync_dir(dir);
    return TC_OK;
}

tc_err journal__key_load(const char *dir, uint8_t secret[crypto_sign_SECRETKEYBYTES],
                         char why[static TC_WHY_MAX])
{
    char reason[JOURNAL_OS_TEXT];
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
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", path, journal__os_text(errno, reason));
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
