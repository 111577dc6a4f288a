/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/journal/journal_int.h"

#define NAME_HEAD   "journal.cache-"
#define FOUND_MAX   16u
#define BYTES_MAX   ((size_t)2 * 1024 * 1024 * 1024)
#define HEADER_SIZE 256u /* one line, padded with blanks, so that the body's place is known */

static void path_of(const char *dir, uint64_t seq, char out[static JOURNAL_PATH_MAX])
{
    (void)tc_str_format(out, JOURNAL_PATH_MAX, "%s/" NAME_HEAD "%020" PRIu64, dir, seq);
}

/** Hash of the commit that `seq` is in. */
static tc_err commit_hash(const char *dir, uint64_t seq, uint8_t out[JOURNAL_HASH_BYTES],
                          char why[static TC_WHY_MAX])
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t others = 0;
    struct journal_meta meta = {0};
    tc_err err = journal__segment_range(dir, &first, &last, &others, why);
    for (uint32_t number = last; err == TC_OK && number >= first && number > 0; number--) {
        struct tc_db *db = NULL;
        struct tc_stmt *s = NULL;
        err = journal__segment_open(dir, number, &db, &meta, why);
        if (err == TC_ENOTFOUND || (err == TC_OK && meta.first_seq > seq)) {
            tc_db_close(db);
            err = TC_OK;
            continue;
        }
        if (err == TC_OK) {
            err = tc_db_prepare(
                db, "SELECT hash FROM commits WHERE last_seq >= ? ORDER BY last_seq LIMIT 1", &s,
                why);
        }
        if (err == TC_OK) {
            tc_stmt_bind_i64(s, 1, (int64_t)seq);
            err = tc_stmt_step(s, why);
        }
        struct tc_str hash = err == TC_OK ? tc_stmt_text(s, 0) : (struct tc_str){0};
        if (hash.len == JOURNAL_HASH_BYTES) {
            memcpy(out, hash.at, JOURNAL_HASH_BYTES);
        } else if (err == TC_OK) {
            err = TC_EMALFORMED;
        }
        tc_stmt_finish(s);
        tc_db_close(db);
        return err;
    }
    return err == TC_OK ? TC_ENOTFOUND : err;
}

static void hash_body(const char *header, struct tc_str body, uint8_t out[JOURNAL_HASH_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, JOURNAL_HASH_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)header, strlen(header));
    (void)crypto_generichash_update(&state, (const uint8_t *)(body.at ? body.at : ""), body.len);
    (void)crypto_generichash_final(&state, out, JOURNAL_HASH_BYTES);
}

/** The header line without its own hash. */
static void header_text(char out[static HEADER_SIZE], uint64_t seq, uint64_t digest,
                        const uint8_t *commit)
{
    char hex[2 * JOURNAL_HASH_BYTES + 1];
    journal__hex(commit, JOURNAL_HASH_BYTES, hex);
    (void)tc_str_format(out, HEADER_SIZE, "tocsin-cache 1 %u %020" PRIu64 " %016" PRIx64 " %s",
                        TC_MODEL_VERSION, seq, digest, hex);
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static size_t find_all(const char *dir, uint64_t seqs[static FOUND_MAX])
{
    size_t count = 0;
    DIR *d = opendir(dir);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    for (struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
        int64_t seq = 0;
        size_t n = sizeof NAME_HEAD - 1;
        if (strncmp(entry->d_name, NAME_HEAD, n) != 0 || strlen(entry->d_name) != n + 20 ||
            tc_str_to_i64(tc_str_of(entry->d_name + n), &seq) != TC_OK) {
            continue;
        }
        size_t at = count < FOUND_MAX ? count++ : FOUND_MAX - 1;
        while (at > 0 && seqs[at - 1] < (uint64_t)seq) { /* newest first */
            seqs[at] = seqs[at - 1];
            at--;
        }
        seqs[at] = (uint64_t)seq;
    }
    if (d) {
        (void)closedir(d);
    }
    return count;
}

/** Under another name first, so that a torn file never bears a snapshot's name. */
static tc_err write_file(const char *dir, const char *path, const char *head, struct tc_str body,
                         char why[static TC_WHY_MAX])
{
    char text[JOURNAL_OS_TEXT];
    char temporary[JOURNAL_PATH_MAX];
    (void)tc_str_format(temporary, sizeof temporary, "%s/journal.cache.new", dir);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool is_written = fd >= 0 && write_all(fd, head, HEADER_SIZE) &&
                      write_all(fd, body.at, body.len) && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!is_written || rename(temporary, path) != 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "%.160s: %s", temporary,
                            journal__os_text(errno, text));
        (void)unlink(temporary);
        return TC_EIO;
    }
    return TC_OK;
}

static void drop_old(const char *dir)
{
    char path[JOURNAL_PATH_MAX];
    uint64_t seqs[FOUND_MAX];
    size_t count = find_all(dir, seqs);
    for (size_t i = TC_JOURNAL_SNAPSHOTS_KEPT; i < count; i++) {
        path_of(dir, seqs[i], path);
        (void)unlink(path);
    }
}

tc_err tc_journal_snapshot_write(const char *dir, uint64_t seq, uint64_t digest, struct tc_str body,
                                 char why[static TC_WHY_MAX])
{
    char path[JOURNAL_PATH_MAX];
    char header[HEADER_SIZE + 1];
    char padded[HEADER_SIZE + 1];
    char hex[2 * JOURNAL_HASH_BYTES + 1];
    uint8_t hash[JOURNAL_HASH_BYTES];
    why[0] = '\0';
    tc_err err = commit_hash(dir, seq, hash, why);
    if (err != TC_OK) {
        return err;
    }
    header_text(header, seq, digest, hash);
    hash_body(header, body, hash);
    journal__hex(hash, sizeof hash, hex);
    size_t n = tc_str_format(padded, sizeof padded, "%s %s", header, hex);
    memset(padded + n, ' ', HEADER_SIZE - n);
    padded[HEADER_SIZE - 1] = '\n';
    path_of(dir, seq, path);
    err = write_file(dir, path, padded, body, why);
    if (err == TC_OK) {
        drop_old(dir);
    }
    return err;
}

static bool read_file(const char *path, struct tc_buf *b)
{
    struct stat st;
    bool is_read = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    tc_buf_clear(b);
    b->max = BYTES_MAX;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)HEADER_SIZE &&
        tc_buf_reserve(b, (size_t)st.st_size)) {
        ssize_t n = 0;
        while (b->len < (size_t)st.st_size &&
               (n = read(fd, b->bytes + b->len, (size_t)st.st_size - b->len)) > 0) {
            b->len += (size_t)n;
        }
        is_read = b->len == (size_t)st.st_size;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_read;
}

/** NULL when the snapshot may be used, else what is wrong with it. */
static const char *check(const char *dir, uint64_t seq, struct tc_journal_snapshot *s)
{
    char why[TC_WHY_MAX] = "";
    char path[JOURNAL_PATH_MAX];
    char header[HEADER_SIZE + 1];
    char hex[2 * JOURNAL_HASH_BYTES + 1];
    uint8_t hash[JOURNAL_HASH_BYTES];
    uint8_t digest[8];
    path_of(dir, seq, path);
    if (!read_file(path, &s->body)) {
        return "cannot be read";
    }
    if (commit_hash(dir, seq, hash, why) != TC_OK) {
        return "is ahead of the journal";
    }
    header_text(header, seq, 0, hash);
    size_t len = strlen(header);
    size_t digest_at = len - 2 * JOURNAL_HASH_BYTES - 1 - 16;
    struct tc_str text = {.at = (const char *)s->body.bytes + digest_at, .len = 16};
    if (!journal__from_hex(text, digest, sizeof digest)) {
        return "is damaged";
    }
    s->digest = 0;
    for (size_t i = 0; i < sizeof digest; i++) {
        s->digest = s->digest << 8 | digest[i];
    }
    header_text(header, seq, s->digest, hash);
    if (memcmp(s->body.bytes, header, len) != 0) {
        return "belongs to another history or model";
    }
    struct tc_str body = {.at = (const char *)s->body.bytes + HEADER_SIZE,
                          .len = s->body.len - HEADER_SIZE};
    hash_body(header, body, hash);
    journal__hex(hash, sizeof hash, hex);
    return memcmp(s->body.bytes + len + 1, hex, sizeof hex - 1) == 0 ? NULL : "is damaged";
}

tc_err tc_journal_snapshot_read(const char *dir, uint64_t seq_max, struct tc_journal_snapshot *out)
{
    uint64_t seqs[FOUND_MAX];
    *out = (struct tc_journal_snapshot){0};
    if (sodium_init() < 0) {
        return TC_EIO;
    }
    size_t count = find_all(dir, seqs);
    for (size_t i = 0; i < count; i++) {
        if (seqs[i] > seq_max) {
            continue;
        }
        const char *fault = check(dir, seqs[i], out);
        if (!fault) {
            out->seq = seqs[i];
            tc_buf_drop(&out->body, HEADER_SIZE);
            return TC_OK;
        }
        TC_LOG_W("journal", "the cached snapshot of seq %" PRIu64 " %s; it is passed over", seqs[i],
                 fault);
    }
    tc_buf_finish(&out->body);
    return TC_ENOTFOUND;
}
