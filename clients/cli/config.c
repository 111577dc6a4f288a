/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/config.h"

#include <string.h>

static bool yes(const char *value)
{
    return strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static const char *path_or_null(struct tc_config *c, const char *section, const char *name)
{
    const char *value = tc_ini_get(&c->ini, section, name, NULL);
    return value && value[0] ? tc_ini_path(&c->ini, value) : NULL;
}

static tc_err port_of(const char *text, int *out)
{
    int64_t n = 0;
    if (tc_str_to_i64(tc_str_of(text), &n) != TC_OK || n < 0 || n > 4000000) {
        return TC_EINVAL;
    }
    *out = (int)n;
    return TC_OK;
}

/** "127.0.0.1:7001" into host and port; both kept in the ini's arena. */
static tc_err host_and_port(struct tc_config *c, const char *value, struct tc_source_config *s,
                            char separator)
{
    const char *colon = strrchr(value, separator);
    if (!colon) {
        return TC_EINVAL;
    }
    s->host = tc_arena_copy(&c->ini.arena, value, (size_t)(colon - value));
    return port_of(colon + 1, &s->port);
}

static tc_err read_transport(struct tc_config *c, const char *section, struct tc_source_config *s)
{
    const char *value = NULL;
    if ((value = tc_ini_get(&c->ini, section, "connect", NULL)) != NULL) {
        s->transport = TC_TCP_CONNECT;
        return host_and_port(c, value, s, ':');
    }
    if ((value = tc_ini_get(&c->ini, section, "listen", NULL)) != NULL) {
        s->transport = TC_TCP_LISTEN;
        return host_and_port(c, value, s, ':');
    }
    if ((value = tc_ini_get(&c->ini, section, "serial", NULL)) != NULL) {
        s->transport = TC_SERIAL;
        return host_and_port(c, value, s, ' ');
    }
    if ((value = tc_ini_get(&c->ini, section, "nanomsg", NULL)) != NULL) {
        s->transport = TC_NANOMSG;
        s->host = value;
        return TC_OK;
    }
    s->transport = TC_NO_TRANSPORT;
    return strcmp(tc_ini_get(&c->ini, section, "http", ""), "yes") == 0 ? TC_OK : TC_EINVAL;
}

static tc_err read_source(struct tc_config *c, const char *section, char *why)
{
    if (c->source_count == TC_COUNT_OF(c->sources)) {
        (void)tc_str_format(why, TC_WHY_MAX, "more than %zu sources", TC_COUNT_OF(c->sources));
        return TC_EFULL;
    }
    struct tc_source_config *s = &c->sources[c->source_count++];
    const char *driver = tc_ini_get(&c->ini, section, "driver", "");
    s->name = section + strlen("source ");
    s->driver = tc_driver_find(tc_str_of(driver));
    if (!s->driver) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: [%s] there is no driver '%s'", c->ini.path,
                            section, driver);
        return TC_EINVAL;
    }
    s->options.profile = tc_str_of(tc_ini_get(&c->ini, section, "profile", ""));
    s->options.network = tc_str_of(tc_ini_get(&c->ini, section, "network", ""));
    s->options.param = tc_str_of(tc_ini_get(&c->ini, section, "options", ""));
    if (read_transport(c, section, s) != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX,
                            "%s: [%s] needs one of: connect = HOST:PORT, listen = ADDRESS:PORT, "
                            "serial = DEVICE BAUD, nanomsg = URL, http = yes",
                            c->ini.path, section);
        return TC_EINVAL;
    }
    return TC_OK;
}

static void read_hub(struct tc_config *c)
{
    struct tc_ini *ini = &c->ini;
    c->hub.address = tc_ini_get(ini, "hub", "address", "127.0.0.1");
    c->hub.tls_cert = path_or_null(c, "hub", "tls_cert");
    c->hub.tls_key = path_or_null(c, "hub", "tls_key");
    c->hub.console_dir = path_or_null(c, "hub", "console");
    c->hub.access_db = tc_ini_path(ini, tc_ini_get(ini, "hub", "access", "access.db"));
    c->hub.site_zh = tc_ini_get(ini, "site", "name_zh", "");
    c->hub.site_en = tc_ini_get(ini, "site", "name_en", "");
    c->hub.is_sample = yes(tc_ini_get(ini, "site", "sample", "no"));
}

tc_err tc_config_read(struct tc_config *c, const char *path, char why[static TC_WHY_MAX])
{
    *c = (struct tc_config){0};
    tc_err err = tc_ini_read(&c->ini, path, why);
    if (err != TC_OK) {
        return err;
    }
    read_hub(c);
    if (port_of(tc_ini_get(&c->ini, "hub", "port", "8080"), &c->hub.port) != TC_OK) {
        (void)tc_str_format(why, TC_WHY_MAX, "%s: [hub] port must be a number", path);
        return TC_EINVAL;
    }
    c->journal_dir = tc_ini_path(&c->ini, tc_ini_get(&c->ini, "journal", "dir", "journal"));
    c->hub.journal_dir = c->journal_dir;
    c->is_exercise = yes(tc_ini_get(&c->ini, "journal", "exercise", "no"));
    c->district = path_or_null(c, "site", "district");
    c->commands = path_or_null(c, "site", "commands");
    c->plans_dir = path_or_null(c, "plans", "dir");
    c->publish_url = tc_ini_get(&c->ini, "publish", "url", NULL);
    c->pages_url = tc_ini_get(&c->ini, "publish", "pages", NULL);
    c->publishes_telemetry = yes(tc_ini_get(&c->ini, "publish", "telemetry", "no"));
    const char *section = NULL;
    for (size_t i = 0; err == TC_OK && (section = tc_ini_section(&c->ini, "source ", i)); i++) {
        err = read_source(c, section, why);
    }
    return err != TC_OK ? err : tc_ini_all_read(&c->ini, why);
}

void tc_config_finish(struct tc_config *c)
{
    tc_ini_finish(&c->ini);
}
