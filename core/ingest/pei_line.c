/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest/pei_line.h"

static const struct {
    const char *text;
    enum tc_pei_name name;
} names[] = {
    {"+CTSDSR:", TC_PEI_CTSDSR}, {"+CTICN:", TC_PEI_CTICN},     {"+CTCC:", TC_PEI_CTCC},
    {"+CTOCP:", TC_PEI_CTOCP},   {"+CTXG:", TC_PEI_CTXG},       {"+CDTXC:", TC_PEI_CDTXC},
    {"+CTCR:", TC_PEI_CTCR},     {"+CMGS:", TC_PEI_CMGS},       {"+CNUMF:", TC_PEI_CNUMF},
    {"+GPSPOS:", TC_PEI_GPSPOS}, {"+CME ERROR:", TC_PEI_ERROR}, {"+CMS ERROR:", TC_PEI_ERROR},
    {"+CTTCT:", TC_PEI_IGNORED}, {"+CTBCT:", TC_PEI_IGNORED},   {"+CTDGR:", TC_PEI_IGNORED},
    {"+CTXD:", TC_PEI_IGNORED},  {"+CTXI:", TC_PEI_IGNORED},    {"+CTXW:", TC_PEI_IGNORED},
    {"+CTXN:", TC_PEI_IGNORED},  {"+CTGS:", TC_PEI_IGNORED},    {"+CTOM:", TC_PEI_IGNORED},
    {"+CREG:", TC_PEI_IGNORED},  {"+ENCR:", TC_PEI_IGNORED},
};

static bool is_blank(uint8_t c)
{
    return c <= 0x20;
}

struct tc_framed tc_pei_frame(const uint8_t *bytes, size_t len)
{
    struct tc_framed f = {.err = TC_EAGAIN};
    while (f.skip < len && is_blank(bytes[f.skip])) {
        f.skip++;
    }
    for (size_t at = f.skip; at < len; at++) {
        if (bytes[at] != '\r' && bytes[at] != '\n') {
            continue;
        }
        f.total = at + 1 - f.skip;
        f.err = TC_OK;
        break;
    }
    size_t size = f.err ? len - f.skip : f.total - 1;
    if (size >= TC_PEI_LINE_MAX) {
        return (struct tc_framed){.err = TC_EMALFORMED,
                                  .skip = f.skip + (f.total ? f.total : size)};
    }
    if (f.err && f.skip >= TC_PEI_LINE_MAX) {
        f.err = TC_EMALFORMED; /* blanks only: nothing to wait for */
    }
    return f;
}

static struct tc_str trim(struct tc_str s)
{
    while (s.len && is_blank((uint8_t)s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_blank((uint8_t)s.at[s.len - 1])) {
        s.len--;
    }
    return s;
}

struct tc_str tc_pei_clean(struct tc_str frame, char *out)
{
    struct tc_str line = {.at = out};
    for (size_t i = 0; i < frame.len && line.len < TC_PEI_LINE_MAX; i++) {
        uint8_t c = (uint8_t)frame.at[i];
        if (c >= 0x20) {
            out[line.len++] = c < 0x7F ? (char)c : '?'; /* names in other alphabets */
        }
    }
    line = trim(line);
    while (line.len && line.at[0] == '>') {
        line.at++;
        line.len--;
        line = trim(line);
    }
    return line;
}

static bool starts(struct tc_str line, const char *text)
{
    size_t len = strlen(text);
    return line.len >= len && memcmp(line.at, text, len) == 0;
}

static struct tc_str from(struct tc_str s, size_t at)
{
    return (struct tc_str){s.at + at, s.len - at};
}

size_t tc_pei_first_len(struct tc_str line)
{
    for (size_t at = 1; at < line.len; at++) {
        if (line.at[at] != '+') {
            continue;
        }
        for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
            if (starts(from(line, at), names[i].text)) {
                return at;
            }
        }
    }
    return line.len;
}

static void split(struct tc_pei_line *line)
{
    struct tc_str rest = line->rest;
    while (rest.len && line->count < TC_PEI_FIELDS_MAX) {
        size_t end = 0;
        while (end < rest.len && rest.at[end] != ',') {
            end++;
        }
        struct tc_str field = trim((struct tc_str){rest.at, end});
        if (field.len >= 2 && field.at[0] == '"' && field.at[field.len - 1] == '"') {
            field = (struct tc_str){field.at + 1, field.len - 2};
        }
        line->field[line->count++] = field;
        bool is_last = end == rest.len;
        rest = from(rest, is_last ? end : end + 1);
        if (!is_last && rest.len == 0 && line->count < TC_PEI_FIELDS_MAX) {
            line->field[line->count++] = (struct tc_str){0}; /* "a," has two */
        }
    }
}

struct tc_pei_line tc_pei_parse(struct tc_str line)
{
    struct tc_pei_line p = {.name = TC_PEI_OTHER, .rest = line};
    if (tc_str_is(line, "OK")) {
        p.name = TC_PEI_OK;
    } else if (tc_str_is(line, "ERROR")) {
        p.name = TC_PEI_ERROR;
        p.rest = (struct tc_str){0};
    } else if (starts(line, "AT")) {
        p.name = TC_PEI_ECHO;
    }
    for (size_t i = 0; i < TC_COUNT_OF(names); i++) {
        if (starts(line, names[i].text)) {
            p.name = names[i].name;
            p.rest = trim(from(line, strlen(names[i].text)));
        }
    }
    split(&p);
    return p;
}

bool tc_pei_is_hex(struct tc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (tc_hex_digit(s.at[i]) < 0) {
            return false;
        }
    }
    return s.len > 0;
}

struct tc_str tc_pei_field(const struct tc_pei_line *line, size_t index)
{
    return index < line->count ? line->field[index] : (struct tc_str){0};
}

int64_t tc_pei_number(const struct tc_pei_line *line, size_t index, int64_t otherwise)
{
    int64_t value = 0;
    struct tc_str field = tc_pei_field(line, index);
    return field.len && tc_str_to_i64(field, &value) == TC_OK ? value : otherwise;
}

struct tc_str tc_pei_option(struct tc_str list, const char *name)
{
    size_t len = strlen(name);
    while (list.len) {
        list = trim(list);
        size_t end = 0;
        while (end < list.len && !is_blank((uint8_t)list.at[end])) {
            end++;
        }
        struct tc_str word = {list.at, end};
        if (starts(word, name) && word.len > len && word.at[len] == '=') {
            return from(word, len + 1);
        }
        list = from(list, end);
    }
    return (struct tc_str){0};
}

bool tc_pei_mentions(struct tc_str text, const char *word)
{
    size_t len = strlen(word);
    for (size_t at = 0; at + len <= text.len; at++) {
        size_t same = 0;
        while (same < len) {
            char c = text.at[at + same];
            c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
            if (c != word[same]) {
                break;
            }
            same++;
        }
        if (same == len) {
            return true;
        }
    }
    return false;
}
