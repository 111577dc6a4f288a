/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of known packets: verdict and fields of each. The computed rows are kept here; the whole
 * table, with packets of real stations, is read from beside the project. */
#include <stdlib.h>

#include "core/ingest/hj212.h"
#include "tests/unit/feed_probe.h"

struct row {
    char *id, *kind, *expect, *packet, *decoded;
};

struct tally {
    int rows, fields, streams, rejects, profiles, lenient, sums;
};

/** \r \n \xNN to bytes, in place; returns the length. */
static size_t unescape(char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; at++) {
        if (*at == '\\' && (at[1] == 'r' || at[1] == 'n')) {
            text[n++] = *++at == 'r' ? '\r' : '\n';
        } else if (*at == '\\' && at[1] == 'x' && at[2] && at[3]) {
            text[n++] = (char)(tc_hex_digit(at[2]) << 4 | tc_hex_digit(at[3]));
            at += 3;
        } else {
            text[n++] = *at;
        }
    }
    return n;
}

static void check_fields(const struct row *row, struct feed *f, struct tally *t)
{
    char *save = NULL;
    struct tc_arena arena = {0};
    for (char *at = row->decoded; at && *at; at = save) {
        save = strstr(at, " | ");
        if (save) {
            *save = '\0';
            save += 3;
        }
        char *equals = strchr(at, '=');
        char *prose = strstr(at, " (");
        if (prose) {
            *prose = '\0';
        }
        if (!equals || strncmp(at, "...", 3) == 0) {
            continue;
        }
        *equals = '\0';
        bool is_secret =
            strcmp(at, "pw") == 0 || strcmp(at, "cp.PW") == 0 || strcmp(at, "cp.NewPW") == 0;
        const char *want = is_secret ? "******" : equals + 1;
        struct tc_str got = {0};
        if (!feed_member(tc_buf_str(&f->detail), at, &got, &arena)) {
            fail_msg("%s: no field %s in %.*s", row->id, at, (int)f->detail.len,
                     (char *)f->detail.bytes);
        }
        /* A factor sent twice has two values; the last one counts. */
        bool is_repeated = strstr(save ? save : "", at) == save && save;
        if (!tc_str_is(got, want) && !is_repeated) {
            fail_msg("%s: %s is %.*s, expected %s", row->id, at, (int)got.len, got.at, want);
        }
        t->fields++;
    }
    tc_arena_finish(&arena);
}

static void feed_row(struct feed *f, const struct row *row, size_t len)
{
    feed_bytes(f, row->packet, len);
    feed_bytes(f, "\r\n", 2);
}

static void check_profile(const struct row *row, const char *profile, size_t len, struct tally *t)
{
    struct feed *strict = feed_create("hj212", "");
    feed_row(strict, row, len);
    assert_int_equal(strict->frames, 0);
    assert_int_equal(strict->rejected, 1);
    assert_non_null(strstr(feed_said(strict), profile)); /* says what would fit */
    feed_destroy(strict);
    struct feed *f = feed_create("hj212", profile);
    feed_row(f, row, len);
    assert_int_equal(f->frames, 1);
    check_fields(row, f, t);
    feed_destroy(f);
    t->profiles++;
}

static void check_verdict(const struct row *row, size_t len, struct tally *t)
{
    struct feed *f = feed_create("hj212", "");
    bool is_stream = strncmp(row->expect, "stream:", 7) == 0;
    if (is_stream) {
        feed_bytes(f, row->packet, len);
        assert_int_equal(f->frames, strtol(row->expect + 7, NULL, 10));
        t->streams++;
    } else if (strcmp(row->expect, "reject-crc") == 0) {
        feed_row(f, row, len);
        assert_int_equal(f->frames, 0);
        assert_int_equal(f->taken, 0);
        assert_non_null(strstr(feed_said(f), "text=crc"));
        feed_verdicts(f, true, "");
        assert_int_equal(f->wire.len, 0);
        t->rejects++;
    } else {
        bool is_lenient = strcmp(row->expect, "accept-lenient") == 0;
        feed_row(f, row, len);
        if (f->frames != 1) {
            fail_msg("%s: %s", row->id, feed_said(f));
        }
        if (is_lenient != (f->lenient.len > 0)) {
            fail_msg("%s: expected %s, overlooked '%.*s'", row->id, row->expect,
                     (int)f->lenient.len, (char *)f->lenient.bytes);
        }
        t->lenient += is_lenient;
        check_fields(row, f, t);
    }
    feed_destroy(f);
}

static void check_row(const struct row *row, struct tally *t)
{
    size_t len = unescape(row->packet);
    t->rows++;
    if (strcmp(row->expect, "crc") == 0) {
        uint16_t crc = tc_hj212_crc((struct tc_str){row->packet, len});
        assert_int_equal(crc, strtoul(row->decoded + 4, NULL, 16));
        t->sums++;
    } else if (strncmp(row->expect, "accept-profile:", 15) == 0) {
        check_profile(row, row->expect + 15, len, t);
    } else {
        check_verdict(row, len, t);
    }
}

static bool cut(char *line, struct row *row)
{
    char **const fields[] = {&row->id, &row->kind, &row->expect, &row->packet, &row->decoded};
    char *at = line;
    for (size_t i = 0; i < TC_COUNT_OF(fields); i++) {
        *fields[i] = at;
        char *tab = strchr(at, '\t');
        if (!tab) {
            return i + 1 == TC_COUNT_OF(fields);
        }
        *tab = '\0';
        at = tab + 1;
    }
    return true;
}

static struct tally check_table(const char *path)
{
    struct tally t = {0};
    struct tc_buf text = {0};
    assert_true(feed_read(path, &text));
    tc_buf_byte(&text, '\0');
    char *save = NULL;
    for (char *line = (char *)text.bytes; line && *line; line = save) {
        struct row row;
        save = strchr(line, '\n');
        if (save) {
            *save++ = '\0';
        }
        if (line[0] != '#' && cut(line, &row)) {
            check_row(&row, &t);
        }
    }
    tc_buf_finish(&text);
    print_message("%s: %d rows, %d fields\n", path, t.rows, t.fields);
    return t;
}

static void computed_packets(void **state)
{
    (void)state;
    struct tally t = check_table("tests/golden/hj212/computed.tsv");
    assert_true(t.rows >= 22 && t.streams == 3 && t.sums == 3 && t.profiles == 3);
}

static void shared_packets(void **state)
{
    (void)state;
    const char *path = feed_shared("hj212.tsv");
    if (!path) {
        skip();
        return;
    }
    struct tally t = check_table(path);
    assert_true(t.rows >= 110 && t.profiles >= 14 && t.rejects >= 4 && t.lenient >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computed_packets),
        cmocka_unit_test(shared_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
