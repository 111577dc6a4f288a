/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/decode_cmd.h"

#include <stdio.h>

#include "core/base/json.h"
#include "core/ingest/driver.h"

enum { READ_BYTES = 64 * 1024, HEX_BYTES_MAX = 4 * 1024 * 1024 };

struct arguments {
    const char *driver, *file;
    struct tc_driver_options options;
    bool is_hex;
};

struct decoding {
    const struct tc_driver *driver;
    void *self;
    struct tc_arena arena;
    struct tc_driver_out out;
    struct tc_buf observations; /* of the frame at hand, as JSON */
    struct tc_buf why;          /* of the frame at hand */
    bool is_rejected, is_lenient;
    uint64_t frames, rejected;
};

static const char *const kind_names[] = {
    "none",     "link_up",   "link_down",    "position",    "heard",    "status",
    "text",     "emergency", "call_start",   "call_talker", "call_end", "sent",
    "delivery", "reading",   "device_alarm", "case",        "report",   "rejected"};

static void drop_bytes(void *ctx, const void *bytes, size_t len)
{
    (void)ctx;
    (void)bytes;
    (void)len;
}

static void pair_if(struct tc_buf *b, const char *key, struct tc_str value)
{
    if (value.len && tc_str_is_utf8(value)) {
        tc_jw_pair_str(b, key, value);
    }
}

static void keep(void *ctx, const struct tc_obs *obs)
{
    struct decoding *d = ctx;
    struct tc_buf *b = &d->observations;
    if (obs->kind == TC_OBS_REJECTED || obs->lenient.len) {
        struct tc_str why = obs->kind == TC_OBS_REJECTED ? obs->text : obs->lenient;
        d->is_rejected = d->is_rejected || obs->kind == TC_OBS_REJECTED;
        d->is_lenient = true;
        tc_buf_clear(&d->why);
        tc_buf_put_str(&d->why, why);
    }
    tc_jw_open(b, '{');
    tc_jw_pair_text(b, "kind", kind_names[obs->kind]);
    pair_if(b, "address", obs->address);
    pair_if(b, "group", obs->group);
    pair_if(b, "text", obs->text);
    if (obs->has_position) {
        tc_jw_pair_i64(b, "x_e7", obs->x_e7);
        tc_jw_pair_i64(b, "y_e7", obs->y_e7);
    }
    if (obs->factor.len) {
        pair_if(b, "factor", obs->factor);
        tc_jw_pair_i64(b, "value_e6", obs->value_e6);
        pair_if(b, "unit", obs->unit_text);
    }
    if (obs->detail.len && obs->detail.at[0] == '{') {
        tc_jw_key(b, "detail");
        tc_jw_raw(b, obs->detail);
    }
    tc_jw_close(b, '}');
}

static void begin_frame(struct decoding *d)
{
    tc_buf_clear(&d->observations);
    tc_buf_clear(&d->why);
    d->is_rejected = d->is_lenient = false;
    tc_jw_open(&d->observations, '[');
}

static void end_frame(struct decoding *d, tc_err err)
{
    struct tc_buf line = {0};
    bool is_rejected = err != TC_OK || d->is_rejected;
    tc_jw_close(&d->observations, ']');
    tc_jw_open(&line, '{');
    tc_jw_pair_u64(&line, "frame", ++d->frames);
    tc_jw_pair_text(&line, "verdict",
                    is_rejected     ? "reject"
                    : d->is_lenient ? "accept-lenient"
                                    : "accept");
    if (is_rejected || d->is_lenient) {
        tc_jw_pair_str(&line, "why",
                       d->why.len ? tc_buf_str(&d->why) : tc_str_of(tc_err_text(err)));
    }
    tc_jw_key(&line, "observations");
    tc_jw_raw(&line, tc_buf_str(&d->observations));
    tc_jw_close(&line, '}');
    (void)printf("%.*s\n", (int)line.len, (const char *)line.bytes);
    tc_buf_finish(&line);
    d->rejected += is_rejected;
    tc_arena_reset(&d->arena);
}

static void decode_frame(struct decoding *d, struct tc_str frame)
{
    begin_frame(d);
    end_frame(d, d->driver->decode(d->self, frame, 0, &d->out));
}

/* Frames at the front of `in`; at the end of the input what is left is no frame. */
static void decode_stream(struct decoding *d, struct tc_buf *in, bool is_end)
{
    size_t at = 0;
    while (at < in->len) {
        struct tc_framed f = d->driver->frame(in->bytes + at, in->len - at);
        bool is_stuck = f.err == TC_EAGAIN && in->len - at - f.skip > d->driver->frame_max;
        at += f.skip;
        if (f.err == TC_OK) {
            decode_frame(d, (struct tc_str){(const char *)in->bytes + at, f.total});
            at += f.total;
        } else if (is_stuck || (f.err != TC_EAGAIN && f.skip == 0)) {
            at++;
        } else if (f.err == TC_EAGAIN) {
            break;
        }
    }
    at = at > in->len ? in->len : at;
    if (is_end && at < in->len) {
        begin_frame(d);
        tc_buf_text(&d->why, "the input ends within a frame");
        end_frame(d, TC_EMALFORMED);
    }
    tc_buf_drop(in, is_end ? in->len : at);
}

/* Hex digits, blanks between them; TC_EMALFORMED for anything else. */
static tc_err from_hex(struct tc_str line, struct tc_buf *bytes)
{
    int high = -1;
    for (size_t i = 0; i < line.len; i++) {
        int digit = tc_hex_digit(line.at[i]);
        if (line.at[i] == ' ' || line.at[i] == '\t') {
            continue;
        }
        if (digit < 0) {
            return TC_EMALFORMED;
        }
        if (high >= 0) {
            tc_buf_byte(bytes, (uint8_t)(high << 4 | digit));
        }
        high = high < 0 ? digit : -1;
    }
    return high < 0 ? TC_OK : TC_EMALFORMED;
}

static void decode_hex_line(struct decoding *d, struct tc_str line)
{
    while (line.len && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' ')) {
        line.len--;
    }
    if (line.len == 0 || line.at[0] == '#') {
        return;
    }
    begin_frame(d);
    if (d->driver->decode_line) {
        end_frame(d, d->driver->decode_line(d->self, line, &d->out));
        return;
    }
    struct tc_buf bytes = {.max = HEX_BYTES_MAX};
    tc_err err = from_hex(line, &bytes);
    if (err) {
        tc_buf_text(&d->why, "not hexadecimal");
    } else {
        struct tc_framed f = d->driver->frame(bytes.bytes, bytes.len);
        err = f.err == TC_OK ? TC_OK : TC_EMALFORMED;
        if (err) {
            tc_buf_text(&d->why, "no whole frame");
        } else {
            struct tc_str frame = {(const char *)bytes.bytes + f.skip, f.total};
            err = d->driver->decode(d->self, frame, 0, &d->out);
        }
    }
    end_frame(d, err);
    tc_buf_finish(&bytes);
}

static void decode_hex(struct decoding *d, struct tc_buf *in, bool is_end)
{
    size_t from = 0;
    for (size_t at = 0; at < in->len; at++) {
        if (in->bytes[at] == '\n') {
            decode_hex_line(d, (struct tc_str){(const char *)in->bytes + from, at - from});
            from = at + 1;
        }
    }
    if (is_end && from < in->len) {
        decode_hex_line(d, (struct tc_str){(const char *)in->bytes + from, in->len - from});
        from = in->len;
    }
    tc_buf_drop(in, from);
}

static int usage(int code)
{
    FILE *to = code ? stderr : stdout;
    (void)fputs("用法：tocsin decode 驱动 [--hex] [--profile 厂商] [文件]\n"
                "usage: tocsin decode DRIVER [--hex] [--profile P] [FILE]\n"
                "驱动 drivers:",
                to);
    for (size_t i = 0; tc_drivers[i]; i++) {
        (void)fprintf(to, " %s", tc_drivers[i]->name);
    }
    (void)fputc('\n', to);
    return code;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    bool is_good = true;
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--hex") == 0) {
            a->is_hex = true;
        } else if (strcmp(argv[i], "--profile") == 0 && has_value) {
            a->options.profile = tc_str_of(argv[++i]);
        } else if (strcmp(argv[i], "--lang") == 0 && has_value) {
            i++; /* what is said here is said in both languages */
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            is_good = false;
        } else if (!a->driver) {
            a->driver = argv[i];
        } else if (!a->file) {
            a->file = argv[i];
        } else {
            is_good = false;
        }
    }
    return is_good && a->driver;
}

static bool run(struct decoding *d, const struct arguments *a, FILE *file)
{
    static char chunk[READ_BYTES];
    struct tc_buf in = {0};
    size_t n = 0;
    do {
        n = fread(chunk, 1, sizeof chunk, file);
        tc_buf_put(&in, chunk, n);
        if (a->is_hex) {
            decode_hex(d, &in, n == 0);
        } else {
            decode_stream(d, &in, n == 0);
        }
    } while (n > 0);
    tc_buf_finish(&in);
    return !ferror(file);
}

static int decode_file(const struct arguments *a, const struct tc_driver *driver, FILE *file)
{
    struct decoding d = {.driver = driver, .self = tc_alloc(driver->self_size)};
    if (!d.self) {
        return 1;
    }
    d.out = (struct tc_driver_out){
        .ctx = &d, .bytes = drop_bytes, .observe = keep, .arena = &d.arena, .wants_detail = true};
    driver->open(d.self, &a->options, 0, &d.out);
    bool is_read = run(&d, a, file);
    tc_arena_finish(&d.arena);
    tc_buf_finish(&d.observations);
    tc_buf_finish(&d.why);
    tc_free(d.self);
    if (!is_read) {
        (void)fputs("读取失败 reading failed\n", stderr);
    }
    return is_read && d.rejected == 0 ? 0 : 1;
}

int tc_decode_cmd(int argc, char **argv)
{
    struct arguments a = {0};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        return usage(0);
    }
    bool is_good = read_arguments(argc, argv, &a);
    const struct tc_driver *driver = is_good ? tc_driver_find(tc_str_of(a.driver)) : NULL;
    if (!driver) {
        if (is_good) {
            (void)fprintf(stderr, "没有这个驱动 no such driver: %s\n", a.driver);
        }
        return usage(2);
    }
    bool is_stdin = !a.file || strcmp(a.file, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(a.file, "rb");
    if (!file) {
        (void)fprintf(stderr, "打不开文件 cannot open: %s\n", a.file);
        return 2;
    }
    int code = decode_file(&a, driver, file);
    if (!is_stdin) {
        (void)fclose(file);
    }
    return code;
}
