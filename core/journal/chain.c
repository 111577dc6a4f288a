/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "core/journal/journal_int.h"

void journal__link_begin(struct journal_link *l)
{
    (void)crypto_generichash_init(&l->facts, NULL, 0, JOURNAL_HASH_BYTES);
    (void)crypto_generichash_init(&l->telemetry, NULL, 0, JOURNAL_HASH_BYTES);
    (void)crypto_generichash_init(&l->personal, NULL, 0, JOURNAL_HASH_BYTES);
    l->fact_count = 0;
    l->telemetry_count = 0;
    l->personal_count = 0;
}

static void add_line(crypto_generichash_state *state, const char *head, size_t head_len,
                     struct tc_str body)
{
    (void)crypto_generichash_update(state, (const uint8_t *)head, head_len);
    if (body.len > 0) {
        (void)crypto_generichash_update(state, (const uint8_t *)body.at, body.len);
    }
    (void)crypto_generichash_update(state, (const uint8_t *)"\n", 1);
}

/** Decimal digits and the bar after them; a third of a commit's time is spent here. */
static size_t put_number(char *to, int64_t value)
{
    char digits[24];
    size_t n = 0;
    size_t len = 0;
    uint64_t left = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) {
        to[len++] = '-';
    }
    while (n > 0) {
        to[len++] = digits[--n];
    }
    to[len++] = '|';
    return len;
}

static size_t put_numbers(char *to, const int64_t *values, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += put_number(to + len, values[i]);
    }
    return len;
}

void journal__link_add(struct journal_link *l, const struct journal_row *row)
{
    char head[8 * 24];
    if (row->count > 0) {
        const int64_t values[] = {(int64_t)row->seq, (int64_t)row->count, row->at_us,
                                  (int64_t)row->kind};
        add_line(&l->telemetry, head, put_numbers(head, values, TC_COUNT_OF(values)), row->body);
        l->telemetry_count++;
        return;
    }
    const int64_t values[] = {(int64_t)row->seq,   row->at_us,           row->occurred_us,
                              (int64_t)row->kind,  (int64_t)row->source, (int64_t)row->subject,
                              (int64_t)row->cause, (int64_t)row->key};
    add_line(&l->facts, head, put_numbers(head, values, TC_COUNT_OF(values)), row->body);
    l->fact_count++;
    if (row->personal.len > 0) {
        add_line(&l->personal, head, put_number(head, (int64_t)row->seq), row->personal);
        l->personal_count++;
    }
}

void journal__link_end(struct journal_link *l, struct journal_commit *c)
{
    c->has_facts = l->fact_count > 0;
    c->has_telemetry = l->telemetry_count > 0;
    c->has_personal = l->personal_count > 0;
    (void)crypto_generichash_final(&l->facts, c->facts, JOURNAL_HASH_BYTES);
    (void)crypto_generichash_final(&l->telemetry, c->telemetry, JOURNAL_HASH_BYTES);
    (void)crypto_generichash_final(&l->personal, c->personal, JOURNAL_HASH_BYTES);
}

void journal__hex(const uint8_t *bytes, size_t len, char *out)
{
    (void)sodium_bin2hex(out, 2 * len + 1, bytes, len);
}

bool journal__from_hex(struct tc_str text, uint8_t *out, size_t len)
{
    size_t got = 0;
    return text.len == 2 * len &&
           sodium_hex2bin(out, len, text.at, text.len, NULL, &got, NULL) == 0 && got == len;
}

void journal__hash_of(struct tc_str text, uint8_t out[JOURNAL_HASH_BYTES])
{
    (void)crypto_generichash(out, JOURNAL_HASH_BYTES, (const uint8_t *)(text.at ? text.at : ""),
                             text.len, NULL, 0);
}

void journal__commit_hash(const struct journal_commit *c, const uint8_t prev[JOURNAL_HASH_BYTES],
                          uint8_t out[JOURNAL_HASH_BYTES])
{
    char hex[4][2 * JOURNAL_HASH_BYTES + 1] = {"", "", "", ""};
    journal__hex(prev, JOURNAL_HASH_BYTES, hex[0]);
    if (c->has_facts) {
        journal__hex(c->facts, JOURNAL_HASH_BYTES, hex[1]);
    }
    if (c->has_telemetry) {
        journal__hex(c->telemetry, JOURNAL_HASH_BYTES, hex[2]);
    }
    if (c->has_personal) {
        journal__hex(c->personal, JOURNAL_HASH_BYTES, hex[3]);
    }
    char line[512];
    size_t n =
        tc_str_format(line, sizeof line, "%s|%" PRIu64 "|%" PRIu64 "|%" PRId64 "|%s|%s|%s|%s\n",
                      hex[0], c->last_seq, c->first_seq, c->at_us, hex[1], hex[2], hex[3],
                      c->has_digest ? c->digest : "");
    journal__hash_of((struct tc_str){.at = line, .len = n}, out);
}

void journal__first_hash(const struct tc_world *w, uint8_t out[JOURNAL_HASH_BYTES])
{
    char line[256];
    size_t n = tc_str_format(line, sizeof line, "%s|%d|%s|%" PRIu64 "|%" PRIu32 "\n", w->uuid,
                             w->is_exercise ? 1 : 0, w->parent, w->at_seq, w->epoch);
    journal__hash_of((struct tc_str){.at = line, .len = n}, out);
}

static bool take_hash(struct tc_stmt *s, int column, uint8_t out[JOURNAL_HASH_BYTES], bool *has)
{
    struct tc_str blob = tc_stmt_text(s, column);
    *has = !tc_stmt_is_null(s, column);
    if (*has && blob.len == JOURNAL_HASH_BYTES) {
        memcpy(out, blob.at, JOURNAL_HASH_BYTES);
    }
    return !*has || blob.len == JOURNAL_HASH_BYTES;
}

tc_err journal__take_commit(struct tc_stmt *s, struct journal_commit *c,
                            char why[static TC_WHY_MAX])
{
    bool has_hash = false;
    *c = (struct journal_commit){
        .last_seq = (uint64_t)tc_stmt_i64(s, 0),
        .first_seq = (uint64_t)tc_stmt_i64(s, 1),
        .at_us = tc_stmt_i64(s, 2),
        .has_digest = !tc_stmt_is_null(s, 7),
    };
    bool is_whole = take_hash(s, 3, c->facts, &c->has_facts) &&
                    take_hash(s, 4, c->telemetry, &c->has_telemetry) &&
                    take_hash(s, 5, c->personal, &c->has_personal) &&
                    take_hash(s, 6, c->hash, &has_hash) && has_hash &&
                    tc_str_put(c->digest, sizeof c->digest, tc_stmt_text(s, 7));
    if (!is_whole) {
        (void)tc_str_format(why, TC_WHY_MAX, "seq %" PRIu64 ": the commit row is not well formed",
                            c->last_seq);
        return TC_EMALFORMED;
    }
    return TC_OK;
}
