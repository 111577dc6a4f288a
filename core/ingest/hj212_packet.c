/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a segment, tolerant where devices are known to sin. */
#include "core/base/json.h"
#include "core/ingest/hj212.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct tc_str trimmed(struct tc_str s, bool *had_blanks)
{
    while (s.len && is_blank(s.at[0])) {
        s = (struct tc_str){s.at + 1, s.len - 1};
        *had_blanks = true;
    }
    while (s.len && is_blank(s.at[s.len - 1])) {
        s.len--;
        *had_blanks = true;
    }
    return s;
}

void tc_hj212_overlook(struct tc_hj212_packet *p, const char *what)
{
    size_t len = strlen(p->lenient);
    if (strstr(p->lenient, what) == NULL && len + strlen(what) + 2 < sizeof p->lenient) {
        (void)tc_str_format(p->lenient + len, sizeof p->lenient - len, "%s%s", len ? ", " : "",
                            what);
    }
}

/** Up to the next ; or , of `rest`; false at its end. Tells which separator ended it. */
static bool take_part(struct tc_str *rest, struct tc_str *part, char *separator)
{
    if (rest->len == 0) {
        return false;
    }
    size_t n = 0;
    while (n < rest->len && rest->at[n] != ';' && rest->at[n] != ',') {
        n++;
    }
    *part = (struct tc_str){rest->at, n};
    *separator = n < rest->len ? rest->at[n] : '\0';
    size_t step = n < rest->len ? n + 1 : n;
    *rest = (struct tc_str){rest->at + step, rest->len - step};
    return true;
}

static struct tc_hj212_item item_of(struct tc_hj212_packet *p, struct tc_str part)
{
    bool had_blanks = false;
    struct tc_hj212_item item = {0};
    const char *equals = part.len ? memchr(part.at, '=', part.len) : NULL;
    size_t n = equals ? (size_t)(equals - part.at) : part.len;
    item.key = trimmed((struct tc_str){part.at, n}, &had_blanks);
    if (equals) {
        item.value = trimmed((struct tc_str){equals + 1, part.len - n - 1}, &had_blanks);
    } else if (item.key.len) {
        tc_hj212_overlook(p, "item without =");
    }
    if (had_blanks) {
        tc_hj212_overlook(p, "stray blanks");
    }
    return item;
}

static void set_flag(struct tc_hj212_packet *p, struct tc_str text)
{
    int64_t value = 0;
    p->flag_text = text;
    if (tc_str_to_i64(text, &value) != TC_OK || value < 0 || value > 255) {
        tc_hj212_overlook(p, "Flag is no number of 0..255");
        return;
    }
    p->has_flag = true;
    p->flag = (uint32_t)value;
}

static void read_head(struct tc_hj212_packet *p, struct tc_str head)
{
    const struct {
        const char *name;
        struct tc_str *field;
    } fields[] = {{"QN", &p->qn}, {"ST", &p->st},     {"CN", &p->cn},  {"PW", &p->pw},
                  {"MN", &p->mn}, {"PNUM", &p->pnum}, {"PNO", &p->pno}};
    struct tc_str part = {0};
    char separator = ';';
    while (take_part(&head, &part, &separator)) {
        struct tc_hj212_item item = item_of(p, part);
        if (separator == ',') {
            tc_hj212_overlook(p, ", for ;");
        }
        for (size_t i = 0; i < TC_COUNT_OF(fields); i++) {
            if (tc_str_is(item.key, fields[i].name)) {
                *fields[i].field = item.value;
            }
        }
        if (tc_str_is(item.key, "Flag")) {
            set_flag(p, item.value);
        }
    }
    if (separator != ';') {
        tc_hj212_overlook(p, "no ; before CP");
    }
}

static tc_err read_items(struct tc_hj212_packet *p, struct tc_str area, struct tc_arena *arena)
{
    p->items = tc_arena_alloc(arena, TC_HJ212_ITEMS_MAX * sizeof *p->items);
    struct tc_str part = {0};
    char separator = ';';
    while (take_part(&area, &part, &separator)) {
        struct tc_hj212_item item = item_of(p, part);
        if (item.key.len == 0) {
            continue; /* ";" just before "&&" */
        }
        if (p->item_count == TC_HJ212_ITEMS_MAX) {
            return TC_EFULL;
        }
        p->items[p->item_count++] = item;
    }
    return TC_OK;
}

/** Some serializers put Flag behind the data area; nothing else belongs there. */
static void read_tail(struct tc_hj212_packet *p, struct tc_str tail)
{
    struct tc_str part = {0};
    char separator = ';';
    while (take_part(&tail, &part, &separator)) {
        struct tc_hj212_item item = item_of(p, part);
        if (tc_str_is(item.key, "Flag") && !p->has_flag) {
            set_flag(p, item.value);
        } else if (item.key.len) {
            tc_hj212_overlook(p, "text behind the data area");
        }
    }
}

static bool is_name(struct tc_str s, size_t len_max)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '"' || s.at[i] == '\\') {
            return false;
        }
    }
    return s.len <= len_max;
}

static bool is_digits(struct tc_str s, size_t len)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9') {
            return false;
        }
    }
    return s.len == len;
}

/** HJ 212-2017 6.3: what must be there to answer and to know whose it is. */
static const char *wrong_head(struct tc_hj212_packet *p)
{
    if (!is_digits(p->cn, 4)) {
        return "CN is not four digits";
    }
    if (p->mn.len == 0 || !is_name(p->mn, TC_HJ212_MN_MAX)) {
        return "MN is missing, too long or not printable";
    }
    if (!is_name(p->qn, TC_HJ212_QN_MAX) || !is_name(p->pw, TC_HJ212_PASSWORD_MAX) ||
        !is_name(p->st, 8)) {
        return "QN, PW or ST is too long or not printable";
    }
    if (p->qn.len && !is_digits(p->qn, 17)) {
        tc_hj212_overlook(p, "QN is not 17 digits");
    }
    if (!p->has_flag && p->flag_text.len == 0 && (p->pnum.len || p->pno.len)) {
        tc_hj212_overlook(p, "PNUM without Flag");
    }
    return NULL;
}

/** Where "CP=&&" begins; `len` when it is not there. */
static size_t find_area(struct tc_str s)
{
    for (size_t i = 0; i + 5 <= s.len; i++) {
        if (memcmp(s.at + i, "CP=&&", 5) == 0) {
            return i;
        }
    }
    return s.len;
}

tc_err tc_hj212_parse(struct tc_str segment, struct tc_arena *arena, struct tc_hj212_packet *p,
                      const char **why)
{
    *p = (struct tc_hj212_packet){0};
    size_t cp = find_area(segment);
    size_t end = segment.len;
    while (end >= cp + 7 && memcmp(segment.at + end - 2, "&&", 2) != 0) {
        end--;
    }
    if (cp == segment.len || end < cp + 7) {
        *why = "no data area CP=&&...&&";
        return TC_EMALFORMED;
    }
    read_head(p, (struct tc_str){segment.at, cp});
    struct tc_str area = {segment.at + cp + 5, end - 2 - (cp + 5)};
    if (read_items(p, area, arena) != TC_OK) {
        *why = "more than 512 items";
        return TC_EMALFORMED;
    }
    read_tail(p, (struct tc_str){segment.at + end, segment.len - end});
    struct tc_str inner = tc_hj212_value(p, "Flag");
    if (!p->has_flag && inner.len) {
        tc_hj212_overlook(p, "Flag in the data area");
        set_flag(p, inner);
    }
    *why = wrong_head(p);
    return *why ? TC_EMALFORMED : TC_OK;
}

unsigned tc_hj212_edition(const struct tc_hj212_packet *p)
{
    if (!p->has_flag) {
        return 0;
    }
    uint32_t version = p->flag >> TC_HJ212_VERSION_SHIFT;
    return version == 0 ? 2005 : version == 1 ? 2017 : 2025;
}

struct tc_str tc_hj212_value(const struct tc_hj212_packet *p, const char *key)
{
    for (size_t i = p->item_count; i > 0; i--) {
        if (tc_str_is(p->items[i - 1].key, key)) {
            return p->items[i - 1].value;
        }
    }
    return (struct tc_str){0};
}

/* What may be shown and kept */

static bool is_secret(struct tc_str key)
{
    return tc_str_is(key, "PW") || tc_str_is(key, "NewPW") || tc_str_is(key, "NewSK");
}

/** As it is when it is UTF-8; otherwise every byte beyond ASCII becomes a question mark. */
static struct tc_str readable(struct tc_str s, struct tc_arena *arena)
{
    if (tc_str_is_utf8(s)) {
        return s;
    }
    char *copy = tc_arena_copy(arena, s.at, s.len);
    for (size_t i = 0; i < s.len; i++) {
        copy[i] = (uint8_t)copy[i] < 0x80 ? copy[i] : '?';
    }
    return (struct tc_str){copy, s.len};
}

static void pair_if(struct tc_buf *b, const char *key, struct tc_str value, struct tc_arena *a)
{
    if (value.len) {
        tc_jw_pair_str(b, key, readable(value, a));
    }
}

struct tc_str tc_hj212_detail(const struct tc_hj212_packet *p, struct tc_arena *arena)
{
    struct tc_buf b = {0};
    char key[64];
    tc_jw_open(&b, '{');
    pair_if(&b, "qn", p->qn, arena);
    pair_if(&b, "st", p->st, arena);
    pair_if(&b, "cn", p->cn, arena);
    pair_if(&b, "pw", p->pw.len ? TC_STR("******") : p->pw, arena);
    pair_if(&b, "mn", p->mn, arena);
    if (p->has_flag) {
        tc_jw_pair_u64(&b, "flag", p->flag);
        tc_jw_pair_u64(&b, "ver", tc_hj212_edition(p));
        tc_jw_pair_u64(&b, "D", p->flag >> 1 & 1);
        tc_jw_pair_u64(&b, "A", p->flag & 1);
    }
    pair_if(&b, "pnum", p->pnum, arena);
    pair_if(&b, "pno", p->pno, arena);
    tc_jw_pair_u64(&b, "n_items", p->item_count);
    for (size_t i = 0; i < p->item_count; i++) {
        struct tc_str name = readable(p->items[i].key, arena);
        (void)tc_str_put(key, sizeof key, TC_STR("cp."));
        (void)tc_str_put(key + 3, sizeof key - 3, name);
        struct tc_str value = readable(p->items[i].value, arena);
        tc_jw_pair_str(&b, key, is_secret(p->items[i].key) ? TC_STR("******") : value);
    }
    tc_jw_close(&b, '}');
    struct tc_str text = {tc_arena_copy(arena, b.bytes, b.len), b.len};
    tc_buf_finish(&b);
    return text;
}

static bool is_at(struct tc_str s, size_t at, const char *word)
{
    size_t len = strlen(word);
    return at + len <= s.len && memcmp(s.at + at, word, len) == 0;
}

/** Bytes of a secret's name and = that begin at `at`; 0 for none. */
static size_t secret_at(struct tc_str s, size_t at)
{
    return is_at(s, at, "PW=") || is_at(s, at, "SK=") ? 3 : 0;
}

struct tc_str tc_hj212_evidence(struct tc_str frame, struct tc_arena *arena)
{
    char *copy = tc_arena_copy(arena, frame.at, frame.len);
    bool is_in_secret = false;
    for (size_t i = 0; i < frame.len; i++) {
        char c = frame.at[i];
        is_in_secret = is_in_secret && c != ';' && c != ',' && c != '&';
        if (is_in_secret) {
            copy[i] = '*';
        } else if ((uint8_t)c < ' ' || c == 0x7F) {
            copy[i] = '.';
        }
        is_in_secret = is_in_secret || (i >= 2 && secret_at(frame, i - 2) != 0);
    }
    return readable((struct tc_str){copy, frame.len}, arena);
}
