/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/check.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "scripts/api.h"
#include "scripts/host.h"
#include "scripts/script.h"

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_MARK };

struct token {
    enum token_kind kind;
    struct tc_str text; /* a mark is one character */
    int line;
};

struct checking {
    struct token *tokens;
    size_t count;
    const char *file;
    struct tc_plan_remark *out;
    size_t room;
    size_t remarks;
    struct tc_str ctx; /* what the plan calls its ctx */
};

/* Tokens */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/** Length of a long bracket "[==[ … ]==]" at `i`, or 0. */
static size_t long_bracket(struct tc_str s, size_t i)
{
    size_t level = 0;
    size_t at = i + 1;
    while (at < s.len && s.at[at] == '=') {
        level++;
        at++;
    }
    if (at >= s.len || s.at[i] != '[' || s.at[at] != '[') {
        return 0;
    }
    for (at++; at + level + 1 < s.len; at++) {
        size_t n = 0;
        while (s.at[at] == ']' && n < level && s.at[at + 1 + n] == '=') {
            n++;
        }
        if (s.at[at] == ']' && n == level && s.at[at + 1 + level] == ']') {
            return at + level + 2 - i;
        }
    }
    return s.len - i;
}

static size_t comment(struct tc_str s, size_t i)
{
    if (i + 1 >= s.len || s.at[i] != '-' || s.at[i + 1] != '-') {
        return 0;
    }
    size_t block = i + 2 < s.len ? long_bracket(s, i + 2) : 0;
    if (block) {
        return block + 2;
    }
    size_t at = i;
    while (at < s.len && s.at[at] != '\n') {
        at++;
    }
    return at - i;
}

static size_t quoted(struct tc_str s, size_t i)
{
    size_t at = i + 1;
    while (at < s.len && s.at[at] != s.at[i] && s.at[at] != '\n') {
        at += s.at[at] == '\\' && at + 1 < s.len ? 2 : 1;
    }
    return (at < s.len ? at + 1 : s.len) - i;
}

static size_t token_at(struct tc_str s, size_t i, enum token_kind *kind)
{
    size_t len = 1;
    char c = s.at[i];
    *kind = TOKEN_MARK;
    if (c == '"' || c == '\'') {
        *kind = TOKEN_TEXT;
        return quoted(s, i);
    }
    if (c == '[' && (len = long_bracket(s, i)) > 0) {
        *kind = TOKEN_TEXT;
        return len;
    }
    if (!is_name_byte(c)) {
        return 1;
    }
    *kind = c >= '0' && c <= '9' ? TOKEN_NUMBER : TOKEN_NAME;
    for (len = 1; i + len < s.len && is_name_byte(s.at[i + len]); len++) {
    }
    return len;
}

static void tokenize(struct checking *c, struct tc_str s)
{
    int line = 1;
    for (size_t i = 0; i < s.len;) {
        enum token_kind kind = TOKEN_END;
        size_t len = comment(s, i);
        if (len == 0 && (s.at[i] == ' ' || s.at[i] == '\t' || s.at[i] == '\n' || s.at[i] == '\r')) {
            len = 1;
        } else if (len == 0) {
            len = token_at(s, i, &kind);
            c->tokens[c->count++] =
                (struct token){.kind = kind, .text = {.at = s.at + i, .len = len}, .line = line};
        }
        for (size_t k = 0; k < len; k++) {
            line += s.at[i + k] == '\n';
        }
        i += len;
    }
    c->tokens[c->count] = (struct token){.kind = TOKEN_END, .line = line};
}

static const struct token *peek(const struct checking *c, size_t i)
{
    return &c->tokens[i < c->count ? i : c->count];
}

static bool is_mark(const struct checking *c, size_t i, char mark)
{
    const struct token *t = peek(c, i);
    return t->kind == TOKEN_MARK && t->text.at[0] == mark;
}

static bool is_name(const struct checking *c, size_t i, const char *name)
{
    return peek(c, i)->kind == TOKEN_NAME && tc_str_is(peek(c, i)->text, name);
}

/* Remarks */

static struct tc_plan_remark *remark(struct checking *c, int line, bool is_error)
{
    static struct tc_plan_remark spare;
    struct tc_plan_remark *r = c->remarks < c->room ? &c->out[c->remarks++] : NULL;
    if (!r) {
        r = &spare; /* past the room nothing is kept */
    }
    *r = (struct tc_plan_remark){.line = line, .is_error = is_error};
    return r;
}

static void say(struct checking *c, int line, bool is_error, const char *zh, const char *en)
{
    struct tc_plan_remark *r = remark(c, line, is_error);
    (void)tc_str_put(r->zh, sizeof r->zh, tc_str_of(zh));
    (void)tc_str_put(r->en, sizeof r->en, tc_str_of(en));
}

/** Edits that turn one word into the other. */
static size_t distance(struct tc_str a, struct tc_str b)
{
    size_t row[49];
    if (a.len > 48 || b.len > 48) {
        return 49;
    }
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t best = corner + (a.at[i - 1] != b.at[k - 1]);
            corner = row[k];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
        }
    }
    return row[b.len];
}

static void check_word(struct checking *c, const char *group, const struct token *word)
{
    const char *nearest = NULL;
    size_t least = 4;
    for (const struct tc_api_entry *e = tc_api_entries; e->group; e++) {
        if (strcmp(e->group, group) != 0) {
            continue;
        }
        size_t d = distance(word->text, tc_str_of(e->name));
        if (d == 0) {
            return;
        }
        if (d < least) {
            least = d;
            nearest = e->name;
        }
    }
    struct tc_plan_remark *r = remark(c, word->line, true);
    int len = word->text.len > 40 ? 40 : (int)word->text.len;
    size_t zh = tc_str_format(r->zh, sizeof r->zh, "%s 没有 %.*s", group, len, word->text.at);
    size_t en = tc_str_format(r->en, sizeof r->en, "%s has no %.*s", group, len, word->text.at);
    if (nearest) {
        (void)tc_str_format(r->zh + zh, sizeof r->zh - zh, "，是否指 %s？", nearest);
        (void)tc_str_format(r->en + en, sizeof r->en - en, ", did you mean %s?", nearest);
    }
}

/* Calls with a table */

/** Token after the bracket that closes the one at `i`. */
static size_t past(const struct checking *c, size_t i)
{
    size_t depth = 0;
    for (; i < c->count; i++) {
        bool opens = is_mark(c, i, '{') || is_mark(c, i, '(') || is_mark(c, i, '[');
        bool closes = is_mark(c, i, '}') || is_mark(c, i, ')') || is_mark(c, i, ']');
        depth += opens;
        depth -= closes && depth > 0;
        if (closes && depth == 0) {
            return i + 1;
        }
    }
    return c->count;
}

/** The token of the key's value inside the table at `i`, or 0. */
static size_t value_of(const struct checking *c, size_t i, const char *key)
{
    size_t end = past(c, i);
    for (i++; i < end; i++) {
        if (is_mark(c, i, '{') || is_mark(c, i, '(')) {
            i = past(c, i) - 1;
        } else if (is_name(c, i, key) && is_mark(c, i + 1, '=') && !is_mark(c, i + 2, '=')) {
            return i + 2;
        }
    }
    return 0;
}

static void check_both(struct checking *c, size_t value)
{
    if (peek(c, value)->kind == TOKEN_TEXT) {
        say(c, peek(c, value)->line, false, "只有一种语言，请写成 {zh = \"…\", en = \"…\"}",
            "only one language: write {zh = \"…\", en = \"…\"}");
    } else if (is_mark(c, value, '{') && (!value_of(c, value, "zh") || !value_of(c, value, "en"))) {
        say(c, peek(c, value)->line, true, "缺 zh 或 en", "zh or en is missing");
    }
}

static void check_ask(struct checking *c, size_t i)
{
    i += is_mark(c, i, '(');
    if (!is_mark(c, i, '{')) {
        return;
    }
    static const struct {
        const char *key;
        const char *zh;
        const char *en;
    } wanted[] = {{"key", "ask 缺 key", "ask needs a key"},
                  {"text", "ask 缺 text", "ask needs a text"},
                  {"timeout", "ask 缺 timeout：无人答复时会一直等待", "ask needs a timeout"},
                  {"default", "ask 缺 default：超时后不知如何处理",
                   "ask needs a default for when time runs out"}};
    for (size_t k = 0; k < TC_COUNT_OF(wanted); k++) {
        if (!value_of(c, i, wanted[k].key)) {
            say(c, peek(c, i)->line, true, wanted[k].zh, wanted[k].en);
        }
    }
    size_t text = value_of(c, i, "text");
    if (text) {
        check_both(c, text);
    }
}

static void check_await(struct checking *c, size_t i)
{
    size_t end = past(c, i);
    for (size_t k = i; k < end; k++) {
        if (is_name(c, k, "after")) {
            return;
        }
    }
    if (is_mark(c, i, '(')) {
        say(c, peek(c, i)->line, false, "await 没有 after(…)，可能一直等待",
            "await without after(…) may wait for ever");
    }
}

static void check_call(struct checking *c, size_t i)
{
    const struct token *word = peek(c, i);
    check_word(c, "ctx", word);
    if (tc_str_is(word->text, "ask")) {
        check_ask(c, i + 1);
    } else if (tc_str_is(word->text, "await")) {
        check_await(c, i + 1);
    } else if (tc_str_is(word->text, "note") && is_mark(c, i + 1, '(') &&
               peek(c, i + 2)->kind == TOKEN_TEXT && is_mark(c, i + 3, ')')) {
        say(c, word->line, false, "note 只有中文，第二个参数写英文",
            "note has one language; the second argument is English");
    } else if (tc_str_is(word->text, "propose_response") && is_mark(c, i + 1, '(') &&
               is_mark(c, i + 3, ',')) {
        check_both(c, i + 4);
    }
}

/** run = function(NAME */
static void find_ctx(struct checking *c)
{
    c->ctx = TC_STR("ctx");
    for (size_t i = 0; i + 4 < c->count; i++) {
        if (is_name(c, i, "run") && is_mark(c, i + 1, '=') && is_name(c, i + 2, "function") &&
            is_mark(c, i + 3, '(') && peek(c, i + 4)->kind == TOKEN_NAME) {
            c->ctx = peek(c, i + 4)->text;
        }
    }
}

static void check_tokens(struct checking *c)
{
    find_ctx(c);
    for (size_t i = 0; i < c->count; i++) {
        bool is_field = i > 0 && (is_mark(c, i - 1, '.') || is_mark(c, i - 1, ':'));
        bool has_word = peek(c, i + 2)->kind == TOKEN_NAME && !is_field;
        bool is_ctx = peek(c, i)->kind == TOKEN_NAME &&
                      (tc_str_eq(peek(c, i)->text, c->ctx) || is_name(c, i, "ctx"));
        if (is_mark(c, i, '^')) {
            say(c, peek(c, i)->line, true, "不能用 ^（结果因机器而异），请用乘法",
                "^ is not available (it differs between machines): multiply");
        } else if (is_ctx && has_word && is_mark(c, i + 1, ':')) {
            check_call(c, i + 2);
        } else if (is_name(c, i, "on") && has_word && is_mark(c, i + 1, '.')) {
            check_word(c, "on", peek(c, i + 2));
        }
    }
}

/** "file:12: text" -> 12 and "text". */
static void add_load_error(struct checking *c, const char *why)
{
    size_t name = strlen(c->file);
    int line = 0;
    if (strncmp(why, c->file, name) == 0 && why[name] == ':') {
        char *end = NULL;
        long n = strtol(why + name + 1, &end, 10);
        line = *end == ':' && n > 0 && n < 100000 ? (int)n : 0;
        why = line ? end + 1 : why + name + 1;
        why += *why == ' ';
    }
    struct tc_plan_remark *r = remark(c, line, true);
    (void)tc_str_format(r->zh, sizeof r->zh, "预案读不进来：%s", why);
    (void)tc_str_format(r->en, sizeof r->en, "the plan cannot be read: %s", why);
    script__clean(r->zh);
    script__clean(r->en);
}

static int by_line(const void *a, const void *b)
{
    const struct tc_plan_remark *x = a;
    const struct tc_plan_remark *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

size_t tc_plan_check(struct tc_str source, const char *file, struct tc_plan_remark *out,
                     size_t room)
{
    struct tc_plan_header header;
    char why[TC_WHY_MAX];
    struct checking c = {.file = file, .out = out, .room = room};
    c.tokens = tc_alloc((source.len + 1) * sizeof *c.tokens);
    TC_REQUIRE(c.tokens != NULL);
    tokenize(&c, source);
    check_tokens(&c);
    if (tc_plan_read(source, file, &header, why) != TC_OK) {
        add_load_error(&c, why);
    }
    tc_free(c.tokens);
    qsort(out, c.remarks, sizeof *out, by_line);
    return c.remarks;
}
