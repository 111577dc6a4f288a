/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of known messages: what each line or payload says, by published values and by others'
 * decoders. The computed rows are kept here; the whole table is read from beside the project. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/ingest/tetra.h"
#include "tests/unit/tetra_probe.h"

enum { COLUMNS = 11 };

struct row {
    char *id, *category, *header, *hex, *bits, *expected, *trust;
};

/* The text of `key`'s value in a JSON object, quotes taken off. */
static bool find_value(const char *json, const char *key, char *out, size_t size)
{
    char quoted[64];
    tc_str_format(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(json, quoted);
    if (!at) {
        return false;
    }
    at += strlen(quoted);
    size_t n = 0;
    int depth = 0;
    bool is_text = *at == '"';
    for (at += is_text; *at && n + 1 < size; at++) {
        if (is_text ? *at == '"' : depth == 0 && (*at == ',' || *at == '}')) {
            break;
        }
        depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
        out[n++] = *at;
    }
    out[n] = '\0';
    return true;
}

static double tolerance(const char *key)
{
    if (strcmp(key, "lon") == 0 || strcmp(key, "lat") == 0) {
        return 1.1e-5;
    }
    return strcmp(key, "speed_kmh") == 0 ? 0.5 : 0.011;
}

/* "0 speech" means the number 0: words behind a number explain it. */
static bool same(const char *key, const char *want, const char *got)
{
    char *end = NULL;
    char *got_end = NULL;
    size_t len = strlen(got);
    bool is_front = len > 0 && len < strlen(want) && strncmp(want, got, len) == 0;
    if (strcmp(want, got) == 0 || (is_front && want[len] == ' ' && strcmp(key, "text") != 0)) {
        return true;
    }
    double a = strtod(want, &end);
    double b = strtod(got, &got_end);
    bool is_number = end != want && (*end == '\0' || *end == ' ') && *got_end == '\0';
    return is_number && got_end != got && fabs(a - b) <= tolerance(key);
}

static void check_fields(const struct row *row, const char *detail, int *checked)
{
    char fields[1024];
    char *save = NULL;
    tc_str_format(fields, sizeof fields, "%s", row->expected);
    for (char *f = fields; f && *f; f = save) {
        save = strstr(f, "; ");
        if (save) {
            *save = '\0';
            save += 2;
        }
        char *equals = strchr(f, '=');
        char got[256];
        if (!equals) {
            continue;
        }
        *equals = '\0';
        if (strchr(f, ' ') || strcmp(f, "called MCC") == 0 || strcmp(f, "rest") == 0) {
            continue; /* prose */
        }
        if (!find_value(detail, f, got, sizeof got)) {
            fail_msg("%s: no field %s in %s", row->id, f, detail);
        }
        if (!same(f, equals + 1, got)) {
            fail_msg("%s: %s is %s, expected %s", row->id, f, got, equals + 1);
        }
        (*checked)++;
    }
}

static bool is_status(const struct row *row)
{
    return strcmp(row->category, "status") == 0 || strstr(row->header, "+CTSDSR: 13");
}

/* The payload alone, as `tocsin decode --hex` reads it. */
static void check_payload(const struct row *row, int *checked)
{
    struct probe *p = probe_create("", "", true);
    char line[1200];
    tc_str_format(line, sizeof line, "%s%s %s", is_status(row) ? "status:" : "", row->hex,
                  row->bits);
    tc_err err = p->driver->decode_line(p->self, tc_str_of(line), &p->out);
    char detail[4096];
    tc_str_put(detail, sizeof detail, tc_buf_str(&p->detail));
    if (strcmp(row->category, "negative") == 0 || strcmp(row->trust, "D") == 0) {
        assert_int_equal(err, TC_EMALFORMED);
        assert_true(probe_has(p, "REJECTED"));
        (*checked)++;
    }
    if (strcmp(row->category, "negative") != 0) {
        assert_true(err == TC_OK || strcmp(row->trust, "D") == 0);
        check_fields(row, detail, checked);
    }
    probe_destroy(p);
}

/* Lines that tell of something outside; the others only steer the session. */
static bool must_speak(const struct row *row)
{
    static const char *const speaking[] = {
        "+CTSDSR:", "+CTICN:", "+CTCC:", "+CTXG:", "+CDTXC:", "+GPSPOS:"};
    for (size_t i = 0; i < TC_COUNT_OF(speaking); i++) {
        if (strstr(row->header, speaking[i])) {
            return true;
        }
    }
    return false;
}

/* Header and payload as the radio sends them, anonymised callers filled in. */
static void check_stream(const struct row *row, int *checked)
{
    struct probe *p = probe_create("", "", true);
    char line[512];
    const char *hidden = strstr(row->header, "<itsi>");
    tc_str_format(line, sizeof line, "%s", row->header);
    if (hidden) {
        tc_str_format(line, sizeof line, "%.*s262100108280651%s", (int)(hidden - row->header),
                      row->header, hidden + strlen("<itsi>"));
    }
    probe_line(p, "+CNUMF: 6,09011638300023401");
    probe_line(p, line);
    if (strcmp(row->category, "pei-line") != 0 && row->hex[0]) {
        probe_line(p, row->hex);
    }
    if (strcmp(row->category, "negative") == 0 || strcmp(row->trust, "D") == 0) {
        assert_true(probe_has(p, "REJECTED"));
        assert_int_equal(p->count, 1);
        (*checked)++;
    } else if (must_speak(row)) {
        char detail[4096];
        tc_str_put(detail, sizeof detail, tc_buf_str(&p->detail));
        assert_true(p->count > 0);
        assert_false(probe_has(p, "REJECTED"));
        bool is_prose = strncmp(row->id, "pl-20", 5) == 0;
        if (!is_prose) {
            check_fields(row, detail, checked);
        }
    }
    probe_destroy(p);
}

static bool read_row(char *line, struct row *row)
{
    char *column[COLUMNS] = {0};
    int n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; n < COLUMNS; n++) {
        column[n] = at;
        char *tab = strchr(at, '\t');
        if (!tab) {
            n++;
            break;
        }
        *tab = '\0';
        at = tab + 1;
    }
    if (n < 10) {
        return false;
    }
    *row =
        (struct row){column[0], column[1], column[2], column[3], column[4], column[5], column[9]};
    return true;
}

static void check_table(const char *path, int rows_least)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    int rows = 0;
    int checked = 0;
    if (!file) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    while (fgets(line, sizeof line, file)) {
        struct row row;
        if (!read_row(line, &row) || strcmp(row.id, "id") == 0) {
            continue;
        }
        rows++;
        if (row.hex[0]) {
            check_payload(&row, &checked);
        }
        if (row.header[0]) {
            check_stream(&row, &checked);
        }
    }
    fclose(file);
    print_message("%s: %d rows, %d facts\n", path, rows, checked);
    assert_true(rows >= rows_least);
    assert_true(checked > rows);
}

static void computed_rows_decode_as_stated(void **state)
{
    (void)state;
    check_table("tests/golden/tetra_pei/computed.tsv", 20);
}

static void shared_rows_decode_as_stated(void **state)
{
    (void)state;
    const char *shared = getenv("TOCSIN_SHARED");
    char path[512];
    tc_str_format(path, sizeof path, "%s/protocols/vectors/tetra.tsv",
                  shared ? shared : "../shared");
    FILE *file = fopen(path, "r");
    if (!file && !shared) { /* a worktree lies one deeper */
        tc_str_format(path, sizeof path, "../../shared/protocols/vectors/tetra.tsv");
    }
    if (file) {
        fclose(file);
    }
    check_table(path, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computed_rows_decode_as_stated),
        cmocka_unit_test(shared_rows_decode_as_stated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
