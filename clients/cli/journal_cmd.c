/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/journal_cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/journal_int.h"
#include "core/base/time.h"

static const char help_en[] =
    "tocsin journal - look at the record\n"
    "\n"
    "  tocsin journal show DIR     print events, one a line, local time\n"
    "      --from SEQ --to SEQ     only this span\n"
    "      --kind KIND             only this kind, e.g. alarm.raised\n"
    "      --subject ID            only what is about this entity, and what made it\n"
    "      --json                  JSON, for programs\n"
    "      --personal              with personal fields (names, telephone numbers)\n"
    "  tocsin journal verify DIR   recompute every hash and signature\n"
    "  tocsin journal export DIR   JSON lines and a last line with hashes\n"
    "      --from SEQ --to SEQ --personal\n"
    "      --out FILE              into a file instead of standard output\n"
    "  tocsin journal replay DIR   build the state again and compare recorded digests\n"
    "      --to SEQ                stop after this event\n"
    "      --full                  from the first event, not from the newest checkpoint\n"
    "\n"
    "  --lang zh|en                language of messages (default: from LANG)\n"
    "\n"
    "DIR is the journal's directory. Nothing here changes it; the system may keep running.\n"
    "Exit status: 0 all is well, 1 damaged or not readable, 2 the command was not understood.\n";

static const char help_zh[] =
    "tocsin journal - 查看日志\n"
    "\n"
    "  tocsin journal show 目录    逐行列出事实，本地时间\n"
    "      --from 序号 --to 序号   只看这一段\n"
    "      --kind 种类             只看这一种，例如 alarm.raised\n"
    "      --subject 编号          只看与该对象有关的，以及产生它的那一条\n"
    "      --json                  输出 JSON，供程序读取\n"
    "      --personal              包括个人信息（姓名、电话）\n"
    "  tocsin journal verify 目录  重新计算全部哈希并核对签名\n"
    "  tocsin journal export 目录  导出 JSON 行，末行为哈希\n"
    "      --from 序号 --to 序号 --personal\n"
    "      --out 文件              写入文件，而不是标准输出\n"
    "  tocsin journal replay 目录  重建态势，并与记录的摘要核对\n"
    "      --to 序号               到这一条为止\n"
    "      --full                  从第一条开始，不用最新的检查点\n"
    "\n"
    "  --lang zh|en                消息的语言（默认取自 LANG）\n"
    "\n"
    "目录是日志所在目录。这些命令不改动日志，系统可以继续运行。\n"
    "退出码：0 正常，1 损坏或无法读取，2 命令有误。\n";

/* What verify may find; the place (segment and seq) stands before it in the sentence. */
static const struct {
    const char *en;
    const char *zh;
} findings[] = {
    {"a fact of this commit was changed", "该次提交中有事实被改动、增加或删除"},
    {"telemetry of this commit was changed", "该次提交中的遥测被改动或部分删除"},
    {"personal fields of this commit", "该次提交中的个人信息被改动或部分删除"},
    {"events of this commit are missing", "该次提交中有事实缺失或重复"},
    {"the chain breaks here", "哈希链在此断开：提交记录被改动或顺序不对"},
    {"the chain breaks between", "相邻两个分段的哈希链不相接"},
    {"the commit row", "提交记录的格式不对"},
    {"a commit is missing", "缺少一次提交"},
    {"the time runs backwards", "时间倒流"},
    {"the row says that it is empty", "遥测行自称为空"},
    {"not in canonical form", "内容不是规范格式"},
    {"cannot be read", "内容无法读取"},
    {"stands in the wrong table", "内容放错了表"},
    {"no commit covers", "存在不属于任何提交的行"},
    {"the file is missing", "分段文件缺失"},
    {"another segment under this name", "文件名与分段编号不符"},
    {"names were changed", "日志的身份信息被改动"},
    {"belongs to another world", "分段属于另一个日志"},
    {"does not begin where", "分段与前一分段不相接"},
    {"was never sealed", "后面还有分段，此分段却未封存"},
    {"after the sealed end", "封存之后又有改动，或封存之前有缺失"},
    {"the signature does not fit", "签名不符"},
    {"differs from what was signed", "内容与签名时不同"},
};

static const char *in_chinese(const char *why)
{
    for (size_t i = 0; i < TC_COUNT_OF(findings); i++) {
        if (strstr(why, findings[i].en)) {
            return findings[i].zh;
        }
    }
    return "内容无法识别";
}

int journal__complain(const struct journal_args *a, tc_err err, const char *why)
{
    const char *text = why[0] ? why : tc_err_text(err);
    if (err == TC_EMALFORMED) {
        if (a->is_zh) {
            (void)fprintf(stderr, "日志损坏：%s\n", in_chinese(text));
        }
        (void)fprintf(stderr,
                      a->is_zh ? "位置：%s\n请勿改动这些文件，复制一份并联系管理员。\n"
                               : "The journal is DAMAGED: %s\n"
                                 "Change nothing, copy the files, and call the administrator.\n",
                      text);
    } else if (err == TC_ECONFLICT) {
        (void)fprintf(stderr,
                      a->is_zh ? "重放结果与记录不一致：%s\n请保留日志并联系开发人员。\n"
                               : "Replay DIFFERS from the record: %s\n"
                                 "Keep the journal and call the developers.\n",
                      text);
    } else if (err == TC_ENOTFOUND) {
        (void)fprintf(stderr, a->is_zh ? "找不到：%s\n" : "Not found: %s\n", text);
    } else {
        (void)fprintf(stderr, a->is_zh ? "无法读取日志：%s\n" : "The journal cannot be read: %s\n",
                      text);
    }
    return JOURNAL_DAMAGED;
}

/** After a failed write to a file or pipe. */
static int complain_os(const struct journal_args *a)
{
    char text[96] = "";
    (void)strerror_r(errno, text, sizeof text);
    (void)fprintf(stderr, a->is_zh ? "%s 写入失败：%s\n" : "%s: writing failed: %s\n",
                  a->out ? a->out : "-", text);
    return JOURNAL_DAMAGED;
}

/* show */

static bool is_wanted(const struct journal_args *a, const struct tc_event *e)
{
    return (a->kind == TC_EV_NONE || e->kind == a->kind) &&
           (!a->has_subject || tc_event_entity(e) == a->subject);
}

static void write_line(const struct journal_args *a, const struct tc_event *e, struct tc_buf *line)
{
    enum tc_which which = a->with_personal ? TC_ALL_FIELDS : TC_PLAIN_FIELDS;
    tc_buf_clear(line);
    if (a->is_json) {
        tc_event_write(line, e, which);
    } else {
        char time_text[TC_TIME_TEXT_SIZE];
        struct tc_buf body = {0};
        tc_time_local_text(e->at_us, time_text);
        tc_record_write(&body, tc_kinds[e->kind].record, e->body, which);
        tc_buf_format(line, "%s  %8" PRIu64 "  %-24s ", time_text, e->seq, tc_kind_name(e->kind));
        if (e->subject) {
            tc_buf_format(line, "#%" PRIu64 " ", e->subject);
        }
        if (e->source) {
            tc_buf_format(line, "<%" PRIu64 " ", e->source);
        }
        tc_buf_put_str(line, tc_buf_str(&body));
        tc_buf_finish(&body);
    }
    tc_buf_byte(line, '\n');
}

struct lines {
    FILE *to;
    crypto_generichash_state hash; /* of every byte written */
    uint64_t count;
    uint64_t first_seq;
    uint64_t last_seq;
};

/** Every wanted event of the span. */
static int write_lines(const struct journal_args *a, struct tc_journal_reader *r, struct lines *l)
{
    char why[TC_WHY_MAX] = "";
    struct tc_event e;
    struct tc_buf line = {0};
    tc_err err = tc_journal_reader_seek(r, a->from > 0 ? a->from - 1 : 0);
    bool is_written = true;
    while (err == TC_OK && is_written) {
        err = tc_journal_reader_next(r, &e, why);
        if (err != TC_OK || e.seq > a->to) {
            break;
        }
        if (is_wanted(a, &e)) {
            write_line(a, &e, &line);
            (void)crypto_generichash_update(&l->hash, line.bytes, line.len);
            is_written = fwrite(line.bytes, 1, line.len, l->to) == line.len;
            l->first_seq = l->count++ == 0 ? e.seq : l->first_seq;
            l->last_seq = e.seq;
        }
    }
    tc_buf_finish(&line);
    if (!is_written) {
        return complain_os(a);
    }
    return err == TC_OK || err == TC_ENOTFOUND ? JOURNAL_DONE : journal__complain(a, err, why);
}

static int show(const struct journal_args *a)
{
    char why[TC_WHY_MAX] = "";
    struct tc_journal_reader *r = NULL;
    struct lines l = {.to = stdout};
    tc_err err = tc_journal_reader_open(a->dir, &r, why);
    if (err != TC_OK) {
        return journal__complain(a, err, why);
    }
    (void)crypto_generichash_init(&l.hash, NULL, 0, 32);
    int status = write_lines(a, r, &l);
    tc_journal_reader_close(r);
    if (status == JOURNAL_DONE && l.count == 0) {
        (void)fprintf(stderr, a->is_zh ? "没有符合条件的事实\n" : "No event fits.\n");
    }
    return status;
}

/* verify */

static void print_verdict(const struct journal_args *a, const struct tc_journal_verdict *v)
{
    char hash[65];
    char key[65];
    (void)sodium_bin2hex(hash, sizeof hash, v->hash, sizeof v->hash);
    (void)sodium_bin2hex(key, sizeof key, v->public_key, sizeof v->public_key);
    (void)printf(a->is_zh ? "日志完好\n分段 %" PRIu64 "（已封存并签名 %" PRIu64 "）\n"
                            "提交 %" PRIu64 "\n序号 %" PRIu64 " 至 %" PRIu64 "\n"
                            "事实 %" PRIu64 "，遥测 %" PRIu64 "，已清除部分的提交 %" PRIu64 "\n"
                            "末尾哈希 %s\n"
                          : "The journal is whole.\nsegments %" PRIu64
                            " (sealed and signed: %" PRIu64 ")\n"
                            "commits %" PRIu64 "\nseq %" PRIu64 " to %" PRIu64 "\n"
                            "facts %" PRIu64 ", telemetry %" PRIu64
                            ", commits with purged parts %" PRIu64 "\n"
                            "last hash %s\n",
                 v->segments, v->sealed, v->commits, v->first_seq, v->last_seq, v->facts,
                 v->telemetry, v->purged, hash);
    if (v->sealed > 0) {
        (void)printf(a->is_zh ? "签名公钥 %s\n" : "signing key %s\n", key);
    }
}

static int verify(const struct journal_args *a)
{
    char why[TC_WHY_MAX] = "";
    struct tc_journal_verdict v;
    tc_err err = tc_journal_verify(a->dir, &v, why);
    if (err != TC_OK) {
        (void)fprintf(
            stderr, a->is_zh ? "至第 %" PRIu64 " 条为止完好。\n" : "Whole up to seq %" PRIu64 ".\n",
            v.last_seq);
        return journal__complain(a, err, why);
    }
    print_verdict(a, &v);
    return JOURNAL_DONE;
}

/* export */

static int write_trailer(const struct journal_args *a, struct tc_journal_reader *r,
                         const struct tc_journal_verdict *v, struct lines *l)
{
    char why[TC_WHY_MAX] = "";
    char hex[65];
    uint8_t hash[32];
    struct tc_world world;
    struct tc_buf b = {0};
    tc_err err = tc_journal_reader_world(r, &world, why);
    if (err != TC_OK) {
        return journal__complain(a, err, why);
    }
    (void)crypto_generichash_final(&l->hash, hash, sizeof hash);
    tc_jw_open(&b, '{');
    tc_jw_key(&b, "export");
    tc_jw_open(&b, '{');
    tc_jw_pair_text(&b, "world", world.uuid);
    tc_jw_pair_bool(&b, "is_exercise", world.is_exercise);
    tc_jw_pair_u64(&b, "events", l->count);
    tc_jw_pair_u64(&b, "first_seq", l->first_seq);
    tc_jw_pair_u64(&b, "last_seq", l->last_seq);
    tc_jw_pair_bool(&b, "has_personal", a->with_personal);
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    tc_jw_pair_text(&b, "lines_blake2b_256", hex);
    tc_jw_pair_u64(&b, "journal_seq", v->last_seq);
    (void)sodium_bin2hex(hex, sizeof hex, v->hash, sizeof v->hash);
    tc_jw_pair_text(&b, "journal_hash", hex);
    tc_jw_close(&b, '}');
    tc_jw_close(&b, '}');
    tc_buf_byte(&b, '\n');
    bool is_written = fwrite(b.bytes, 1, b.len, l->to) == b.len && fflush(l->to) == 0;
    tc_buf_finish(&b);
    return is_written ? JOURNAL_DONE : complain_os(a);
}

static int export_all(const struct journal_args *a)
{
    char why[TC_WHY_MAX] = "";
    struct tc_journal_verdict v;
    struct tc_journal_reader *r = NULL;
    struct lines l = {.to = stdout};
    int status = JOURNAL_DONE;
    tc_err err = tc_journal_verify(a->dir, &v, why); /* nothing damaged is handed out */
    if (err == TC_OK) {
        err = tc_journal_reader_open(a->dir, &r, why);
    }
    if (err != TC_OK) {
        return journal__complain(a, err, why);
    }
    l.to = a->out ? fopen(a->out, "wx") : stdout;
    if (!l.to) {
        status = complain_os(a);
        tc_journal_reader_close(r);
        return status;
    }
    struct journal_args lines = *a;
    lines.is_json = true;
    lines.to = a->to < v.last_seq ? a->to : v.last_seq;
    (void)crypto_generichash_init(&l.hash, NULL, 0, 32);
    status = write_lines(&lines, r, &l);
    if (status == JOURNAL_DONE) {
        status = write_trailer(a, r, &v, &l);
    }
    tc_journal_reader_close(r);
    if (a->out && fclose(l.to) != 0 && status == JOURNAL_DONE) {
        status = complain_os(a);
    }
    return status;
}

/* The command line */

static bool starts_zh(const char *text)
{
    return text && strncmp(text, "zh", 2) == 0;
}

static bool wants_zh(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--lang") == 0) {
            return starts_zh(argv[i + 1]);
        }
    }
    /* NOLINTBEGIN(concurrency-mt-unsafe): one thread, before any other */
    const char *all = getenv("LC_ALL");
    return starts_zh(all && all[0] ? all : getenv("LANG"));
    /* NOLINTEND(concurrency-mt-unsafe) */
}

static int usage(bool is_zh, const char *word)
{
    (void)fprintf(stderr,
                  is_zh ? "不明白“%s”。用 tocsin journal --help 查看用法。\n"
                        : "\"%s\" is not understood. See tocsin journal --help.\n",
                  word);
    return JOURNAL_USAGE;
}

static bool take_seq(const char *text, uint64_t *out)
{
    int64_t value = 0;
    bool is_number = tc_str_to_i64(tc_str_of(text), &value) == TC_OK && value >= 0;
    *out = is_number ? (uint64_t)value : *out;
    return is_number;
}

/** An option with a value; false when it is none or the value is wrong. */
static bool take_value(struct journal_args *a, const char *name, const char *value)
{
    if (strcmp(name, "--from") == 0) {
        return take_seq(value, &a->from);
    }
    if (strcmp(name, "--to") == 0) {
        return take_seq(value, &a->to);
    }
    if (strcmp(name, "--subject") == 0) {
        a->has_subject = true;
        return take_seq(value, &a->subject);
    }
    if (strcmp(name, "--kind") == 0) {
        return tc_kind_parse(tc_str_of(value), &a->kind) == TC_OK;
    }
    if (strcmp(name, "--out") == 0) {
        a->out = value;
        return true;
    }
    return strcmp(name, "--lang") == 0 && (strcmp(value, "zh") == 0 || strcmp(value, "en") == 0);
}

static bool take_flag(struct journal_args *a, const char *name)
{
    const struct {
        const char *name;
        bool *to;
    } flags[] = {
        {"--json", &a->is_json},
        {"--personal", &a->with_personal},
        {"--full", &a->is_full},
    };
    for (size_t i = 0; i < TC_COUNT_OF(flags); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].to = true;
            return true;
        }
    }
    return false;
}

/** The word that was not understood, or NULL. */
static const char *take_args(struct journal_args *a, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (a->dir) {
                return argv[i];
            }
            a->dir = argv[i];
        } else if (!take_flag(a, argv[i])) {
            if (i + 1 == argc || !take_value(a, argv[i], argv[i + 1])) {
                return i + 1 == argc ? argv[i] : argv[i + 1];
            }
            i++;
        }
    }
    return a->dir ? NULL : "";
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int tc_cmd_journal(int argc, char **argv, const struct tc_section *const *sections)
{
    struct journal_args a = {.is_zh = wants_zh(argc, argv), .to = UINT64_MAX};
    if (argc < 2 || asks_for_help(argc, argv)) {
        (void)fputs(a.is_zh ? help_zh : help_en, argc < 2 ? stderr : stdout);
        return argc < 2 ? JOURNAL_USAGE : JOURNAL_DONE;
    }
    const char *wrong = take_args(&a, argc, argv);
    if (wrong && wrong[0] == '\0') {
        (void)fprintf(stderr,
                      a.is_zh ? "缺少日志目录。\n" : "The journal's directory is missing.\n");
        return JOURNAL_USAGE;
    }
    if (wrong) {
        return usage(a.is_zh, wrong);
    }
    if (sodium_init() < 0) {
        return journal__complain(&a, TC_EIO, "");
    }
    if (strcmp(argv[1], "show") == 0) {
        return show(&a);
    }
    if (strcmp(argv[1], "verify") == 0) {
        return verify(&a);
    }
    if (strcmp(argv[1], "export") == 0) {
        return export_all(&a);
    }
    if (strcmp(argv[1], "replay") == 0) {
        return journal__replay(&a, sections);
    }
    return usage(a.is_zh, argv[1]);
}
