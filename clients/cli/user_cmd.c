/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/user_cmd.h"

#include <stdio.h>

#include "clients/hub/access.h"
#include "clients/hub/roles.h"

static const char help[] =
    "用法 / Usage:\n"
    "  tocsin user add NAME --role ROLE [--password-stdin] --access FILE\n"
    "  tocsin user passwd NAME [--password-stdin] --access FILE\n"
    "  tocsin user disable NAME --access FILE\n"
    "  tocsin user list --access FILE\n"
    "  tocsin user key add NAME --role ROLE --access FILE\n"
    "\n"
    "  --access FILE      账户文件 (权限 0600, 不存在时新建)\n"
    "                     the access file (mode 0600, made when it is not there)\n"
    "  --role ROLE        officer 值班员, supervisor 值班长, duty_leader 带班领导, planner "
    "预案编制员,\n"
    "                     coordinator 导调员, observer 观察员, gateway 网关\n"
    "  --password-stdin   从标准输入读取口令; 否则随机生成并只显示一次\n"
    "                     read the password from standard input; otherwise one is made and shown\n"
    "                     once\n"
    "\n"
    "停用或修改口令后, 该用户的会话在几秒内失效; key 用于机器接口, 只显示一次.\n"
    "After disable or passwd the user's sessions end within seconds; a key is for machines and is\n"
    "shown once.\n";

struct arguments {
    const char *verb;
    const char *name;
    const char *role;
    const char *access;
    bool is_key;
    bool from_stdin;
    bool wants_help;
};

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        bool has_next = i + 1 < argc;
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            a->wants_help = true;
        } else if (strcmp(arg, "--password-stdin") == 0) {
            a->from_stdin = true;
        } else if (strcmp(arg, "--role") == 0 && has_next) {
            a->role = argv[++i];
        } else if (strcmp(arg, "--access") == 0 && has_next) {
            a->access = argv[++i];
        } else if (arg[0] == '-') {
            return false;
        } else if (!a->verb && !a->is_key && strcmp(arg, "key") == 0) {
            a->is_key = true;
        } else if (!a->verb) {
            a->verb = arg;
        } else if (!a->name) {
            a->name = arg;
        } else {
            return false;
        }
    }
    return a->verb != NULL;
}

/** The given password, or a random one that is printed after it was stored. */
static bool take_password(const struct arguments *a, char *password, size_t size)
{
    if (!a->from_stdin) {
        char token[TC_ACCESS_TOKEN_SIZE];
        tc_access_random_token(token);
        (void)tc_str_put(password, size, (struct tc_str){.at = token, .len = 20});
        return true;
    }
    if (!fgets(password, (int)size, stdin)) {
        return false;
    }
    password[strcspn(password, "\r\n")] = '\0';
    return true;
}

static int finish(tc_err err, const char *why)
{
    if (err == TC_OK) {
        return 0;
    }
    (void)fprintf(stderr, "tocsin user: %s\n", why[0] ? why : tc_err_text(err));
    return 1;
}

static bool take_role(const struct arguments *a, enum tc_role *role)
{
    if (a->role && tc_hub_role_parse(tc_str_of(a->role), role) == TC_OK) {
        return true;
    }
    (void)fprintf(stderr,
                  "tocsin user: 需要 --role; 没有这个角色 / --role is needed, or there is no "
                  "such role (see --help)\n");
    return false;
}

static int set_password(struct tc_access *access, const struct arguments *a)
{
    char password[TC_ACCESS_PASSWORD_MAX + 3] = "";
    char why[TC_WHY_MAX] = "";
    enum tc_role role = TC_ROLE_NONE;
    bool is_new = strcmp(a->verb, "add") == 0;
    if (is_new && !take_role(a, &role)) {
        return 2;
    }
    if (!take_password(a, password, sizeof password)) {
        return finish(TC_EINVAL, "no password on standard input");
    }
    struct tc_str name = tc_str_of(a->name);
    struct tc_str secret = tc_str_of(password);
    tc_err err = is_new ? tc_access_user_add(access, name, role, secret, why)
                        : tc_access_user_set_password(access, name, secret, why);
    if (err == TC_OK && !a->from_stdin) {
        (void)printf("口令 (只显示一次) / password (shown once): %s\n", password);
    }
    return finish(err, why);
}

static int add_key(struct tc_access *access, const struct arguments *a)
{
    char key[TC_ACCESS_TOKEN_SIZE] = "";
    char why[TC_WHY_MAX] = "";
    enum tc_role role = TC_ROLE_NONE;
    if (!take_role(a, &role)) {
        return 2;
    }
    tc_err err = tc_access_key_add(access, tc_str_of(a->name), role, key, why);
    if (err == TC_OK) {
        (void)printf("密钥 (只显示一次) / key (shown once): %s\n", key);
    }
    return finish(err, why);
}

static void print_user(void *ctx, const struct tc_access_user *user)
{
    (void)ctx;
    (void)printf("%-24s %-12s %-5s %s\n", user->name, tc_hub_role_name(user->role),
                 user->is_key ? "key" : "user", user->is_disabled ? "停用 disabled" : "");
}

static int usage(void)
{
    (void)fputs(help, stderr);
    return 2;
}

static int run(struct tc_access *access, const struct arguments *a)
{
    char why[TC_WHY_MAX] = "";
    if (strcmp(a->verb, "list") == 0 && !a->is_key) {
        return finish(tc_access_list(access, NULL, print_user), why);
    }
    if (!a->name) {
        return usage();
    }
    if (strcmp(a->verb, "disable") == 0) {
        tc_err err = tc_access_disable(access, tc_str_of(a->name), why);
        return finish(err, why);
    }
    if (strcmp(a->verb, "add") == 0 && a->is_key) {
        return add_key(access, a);
    }
    if ((strcmp(a->verb, "add") == 0 || strcmp(a->verb, "passwd") == 0) && !a->is_key) {
        return set_password(access, a);
    }
    return usage();
}

int tc_cmd_user(int argc, char **argv)
{
    struct arguments a = {0};
    char why[TC_WHY_MAX] = "";
    struct tc_access *access = NULL;
    bool is_clear = read_arguments(argc, argv, &a);
    if (a.wants_help) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (!is_clear || !a.access) {
        return usage();
    }
    tc_err err = tc_access_open(a.access, &access, why);
    if (err != TC_OK) {
        return finish(err, why);
    }
    int status = run(access, &a);
    tc_access_close(access);
    return status;
}
