/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/script.h"

#include <lauxlib.h>
#include <lua.h>

#include "core/base/hash.h"
#include "scripts/convert.h"
#include "scripts/library.h"

#define ARGUMENTS_MAX ((size_t)16384)
#define HEADER_MAX    ((size_t)8192)

struct script {
    struct tc_sandbox *sandbox;
    lua_State *co; /* kept alive by the registry */
    char name[64];
};

struct loading {
    const char *name;
    struct tc_str source;
    struct tc_buf *header;
    lua_State *co;
};

void script__call_finish(struct script_call *c)
{
    tc_buf_finish(&c->arguments);
}

void script__clean(char *text)
{
    size_t len = strlen(text);
    for (size_t cut = 0; cut <= 3 && cut <= len; cut++) {
        if (tc_str_is_utf8((struct tc_str){.at = text, .len = len - cut})) {
            text[len - cut] = '\0';
            return;
        }
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)text[i] < 0x80 ? text[i] : '?';
    }
}

/** "file:3: …" where Lua knew the line, else "file: …". */
static void name_file(const char *name, char why[static TC_WHY_MAX])
{
    char text[TC_WHY_MAX];
    if (strncmp(why, name, strlen(name)) != 0) {
        memcpy(text, why, sizeof text);
        size_t len = tc_str_format(why, TC_WHY_MAX, "%s: ", name);
        (void)tc_str_put(why + len, TC_WHY_MAX - len, tc_str_of(text));
    }
    script__clean(why);
}

/** Text -> chunk -> plan{…} -> header; then the coroutine, not started. */
static int load_plan(lua_State *L)
{
    struct loading *l = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, l->source.at, l->source.len, l->name, "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, TC_LIBRARY_KEY);
    lua_getfield(L, -1, "accept");
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    tc_convert_write(L, -1, l->header);
    lua_pop(L, 1);
    lua_State *co = lua_newthread(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "run");
    lua_getfield(L, -1, "main");
    lua_xmove(L, co, 1);
    l->co = co;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the seventh is for the answer. */
tc_err script__load(const struct tc_sandbox_limits *limits, uint64_t seed, const char *name,
                    struct tc_str source, struct tc_buf *header, struct script **out,
                    char why[static TC_WHY_MAX])
{
    struct script *s = tc_alloc(sizeof *s);
    char chunk[80];
    why[0] = '\0';
    if (!s || tc_sandbox_create(limits, seed, &s->sandbox) != TC_OK) {
        tc_free(s);
        (void)tc_str_put(why, TC_WHY_MAX, TC_STR("out of memory"));
        return TC_ENOMEM;
    }
    (void)tc_str_format(chunk, sizeof chunk, "=%s", name);
    struct loading l = {.name = chunk, .source = source, .header = header};
    header->max = HEADER_MAX;
    tc_err err = tc_sandbox_call(s->sandbox, load_plan, &l, why);
    if (err != TC_OK) {
        name_file(name, why);
        script__destroy(s);
        return err;
    }
    s->co = l.co;
    (void)tc_str_put(s->name, sizeof s->name, tc_str_of(name));
    *out = s;
    return TC_OK;
}

void script__destroy(struct script *s)
{
    if (s) {
        tc_sandbox_destroy(s->sandbox);
        tc_free(s);
    }
}

struct answering {
    struct tc_str json;
    struct tc_arena arena;
};

static int push_answer(lua_State *L)
{
    struct answering *a = lua_touserdata(L, 1);
    tc_convert_read(L, a->json, &a->arena);
    return 1;
}

struct taking {
    lua_State *co;
    struct script_call *call;
};

/** The yielded name and arguments, off the coroutine's stack. */
static int take_call(lua_State *L)
{
    struct taking *t = lua_touserdata(L, 1);
    if (lua_gettop(t->co) < 2 || !lua_checkstack(L, 4)) {
        return luaL_error(L, "a plan waits only through ctx");
    }
    lua_settop(t->co, 2);
    lua_xmove(t->co, L, 2);
    size_t len = 0;
    const char *name = luaL_checklstring(L, 2, &len);
    (void)tc_str_put(t->call->name, sizeof t->call->name, (struct tc_str){.at = name, .len = len});
    tc_convert_write(L, 3, &t->call->arguments);
    return 0;
}

enum tc_sandbox_step script__step(struct script *s, struct tc_str answer, struct script_call *call,
                                  char why[static TC_WHY_MAX])
{
    struct answering a = {.json = answer};
    enum tc_sandbox_step step =
        tc_sandbox_resume(s->sandbox, s->co, answer.at ? push_answer : NULL, &a, why);
    tc_arena_finish(&a.arena);
    if (step == TC_STEP_FAILED) {
        name_file(s->name, why);
    }
    if (step != TC_STEP_YIELDED) {
        return step;
    }
    struct taking t = {.co = s->co, .call = call};
    call->arguments.max = ARGUMENTS_MAX;
    call->arguments.is_full = false;
    tc_buf_clear(&call->arguments);
    if (tc_sandbox_call(s->sandbox, take_call, &t, why) != TC_OK) {
        name_file(s->name, why);
        return TC_STEP_FAILED;
    }
    uint64_t name = tc_hash_str(0, tc_str_of(call->name));
    /* 53 bits: exact in every JSON reader */
    call->hash = tc_hash_str(name, tc_buf_str(&call->arguments)) >> 11;
    return TC_STEP_YIELDED;
}
