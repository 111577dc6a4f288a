/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/sandbox.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "core/base/mem.h"
#include "core/base/time.h"
#include "scripts/library.h"

#define HOOK_STEP         1000
#define MEMORY_DEFAULT    ((size_t)8 * 1024 * 1024)
#define BUDGET_DEFAULT    ((uint64_t)2500000)
#define BYTES_PER_CHARGE  ((size_t)64)
#define CHARGED_BYTES_MIN ((size_t)512)

struct tc_sandbox {
    lua_State *lua;
    lua_State *running; /* the thread that plan code runs on now, or NULL */
    struct tc_sandbox_limits limits;
    size_t used_bytes;
    bool is_fenced; /* plan code runs: the ceiling holds */
    bool is_spent;  /* budget gone: sticky until the next entry */
    bool is_out;    /* memory gone: sticky */
    uint64_t left;
    int64_t deadline_us;
    uint64_t seed;
    uint64_t drawn;
};

struct tc_sandbox *tc_sandbox_of(lua_State *L)
{
    return *(struct tc_sandbox **)lua_getextraspace(L); /* Lua copies it into every coroutine */
}

lua_State *tc_sandbox_lua(struct tc_sandbox *sb)
{
    return sb->lua;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    struct tc_sandbox *sb = tc_sandbox_of(L);
    if (!sb->is_spent && sb->left > HOOK_STEP && tc_clock_monotonic_us() < sb->deadline_us) {
        sb->left -= HOOK_STEP;
        return;
    }
    sb->is_spent = true;
    sb->left = 0;
    /* From now on every instruction raises again: nothing in the plan can carry on. */
    lua_sethook(L, hook, LUA_MASKCOUNT | LUA_MASKLINE, 1);
    lua_getinfo(L, "Sl", ar);
    lua_pushfstring(L, "%s:%d: instruction budget spent", ar->short_src, ar->currentline);
    lua_error(L);
}

static void charge(struct tc_sandbox *sb, uint64_t n)
{
    sb->left = sb->left > n ? sb->left - n : 0;
    if (sb->left == 0 && sb->running) {
        lua_sethook(sb->running, hook, LUA_MASKCOUNT, 1); /* the next instruction ends it */
    }
}

void tc_sandbox_charge(lua_State *L, uint64_t n)
{
    struct tc_sandbox *sb = tc_sandbox_of(L);
    charge(sb, n);
    if (sb->left == 0 && sb->is_fenced) {
        sb->is_spent = true;
        luaL_error(L, "instruction budget spent");
    }
}

static void *allocate(void *ud, void *old, size_t old_size, size_t new_size)
{
    struct tc_sandbox *sb = ud;
    size_t had = old ? old_size : 0; /* without old, old_size is a type tag */
    if (new_size == 0) {
        tc_free(old);
        sb->used_bytes -= had;
        return NULL;
    }
    if (sb->is_fenced && new_size > had) {
        if (new_size > TC_SANDBOX_BLOCK_MAX ||
            sb->used_bytes + (new_size - had) > sb->limits.memory_bytes_max) {
            return NULL;
        }
        if (new_size >= CHARGED_BYTES_MIN) {
            charge(sb, new_size / BYTES_PER_CHARGE);
        }
    }
    void *p = tc_realloc(old, new_size);
    if (p) {
        sb->used_bytes = sb->used_bytes - had + new_size;
    }
    return p;
}

static int after_pcall(lua_State *L, int status, lua_KContext unused)
{
    (void)unused;
    struct tc_sandbox *sb = tc_sandbox_of(L);
    if (status == LUA_OK || status == LUA_YIELD) {
        return lua_gettop(L);
    }
    sb->is_out = sb->is_out || status == LUA_ERRMEM;
    if (sb->is_out || sb->is_spent) {
        return lua_error(L); /* a kill is not the plan's to catch */
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int safe_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, after_pcall);
    return after_pcall(L, status, 0);
}

/** [0, 1) without an argument, else an integer of 1..m or m..n; the same for every re-execution. */
static int safe_random(lua_State *L)
{
    struct tc_sandbox *sb = tc_sandbox_of(L);
    uint64_t x = tc_library_draw(sb->seed, ++sb->drawn);
    if (lua_gettop(L) == 0) {
        lua_pushnumber(L, (lua_Number)(x >> 11) * 0x1p-53);
        return 1;
    }
    lua_Integer low = lua_gettop(L) > 1 ? luaL_checkinteger(L, 1) : 1;
    lua_Integer high = luaL_checkinteger(L, lua_gettop(L) > 1 ? 2 : 1);
    luaL_argcheck(L, low <= high, 1, "interval is empty");
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    lua_pushinteger(L, (lua_Integer)((uint64_t)low + (span ? x % span : x)));
    return 1;
}

/* Runs unfenced under pcall: any call here may raise on memory. */
static int open_all(lua_State *L)
{
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_COLIBNAME, luaopen_coroutine, 1);
    lua_settop(L, 0);
    lua_pushcfunction(L, safe_pcall);
    lua_pushcfunction(L, safe_random);
    tc_library_open(L); /* takes both; leaves a whitelisted environment as globals */
    return 0;
}

tc_err tc_sandbox_create(const struct tc_sandbox_limits *limits, uint64_t seed,
                         struct tc_sandbox **out)
{
    struct tc_sandbox *sb = tc_alloc(sizeof *sb);
    if (!sb) {
        return TC_ENOMEM;
    }
    sb->limits = *limits;
    sb->limits.memory_bytes_max =
        limits->memory_bytes_max ? limits->memory_bytes_max : MEMORY_DEFAULT;
    sb->limits.instructions_max =
        limits->instructions_max ? limits->instructions_max : BUDGET_DEFAULT;
    sb->seed = seed;
    sb->lua = lua_newstate(allocate, sb);
    if (!sb->lua) {
        tc_free(sb);
        return TC_ENOMEM;
    }
    *(struct tc_sandbox **)lua_getextraspace(sb->lua) = sb;
    lua_pushcfunction(sb->lua, open_all);
    int status = lua_pcall(sb->lua, 0, 0, 0);
    TC_REQUIRE(status == LUA_OK || status == LUA_ERRMEM); /* anything else is our own mistake */
    if (status != LUA_OK) {
        tc_sandbox_destroy(sb);
        return TC_ENOMEM;
    }
    *out = sb;
    return TC_OK;
}

void tc_sandbox_destroy(struct tc_sandbox *sb)
{
    if (!sb) {
        return;
    }
    sb->is_fenced = false; /* closing must not fail */
    lua_close(sb->lua);
    tc_free(sb);
}

static void enter(struct tc_sandbox *sb, lua_State *co)
{
    sb->running = co;
    sb->is_fenced = true;
    sb->is_spent = false;
    sb->is_out = false;
    sb->left = sb->limits.instructions_max;
    sb->deadline_us = tc_clock_monotonic_us() + TC_SANDBOX_WALL_US;
    lua_sethook(co, hook, LUA_MASKCOUNT, HOOK_STEP);
}

static void leave(struct tc_sandbox *sb)
{
    lua_sethook(sb->running, NULL, 0, 0);
    sb->running = NULL;
    sb->is_fenced = false;
}

/** The error value on top of L, in words; a kill whose status pcall or __close blurred included. */
static tc_err explain(struct tc_sandbox *sb, lua_State *L, int status, char *why)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    if (status == LUA_ERRMEM || sb->is_out) {
        (void)tc_str_format(why, TC_WHY_MAX, "memory limit of %zu KiB reached",
                            sb->limits.memory_bytes_max / 1024);
        return TC_ENOMEM;
    }
    (void)tc_str_put(why, TC_WHY_MAX,
                     tc_str_of(text ? text : "the plan raised a value that is not a text"));
    return sb->is_spent ? TC_ETIMEOUT : TC_EINVAL;
}

tc_err tc_sandbox_call(struct tc_sandbox *sb, int (*fn)(lua_State *L), void *argument,
                       char why[static TC_WHY_MAX])
{
    lua_State *L = sb->lua;
    TC_REQUIRE(!sb->running);
    why[0] = '\0';
    enter(sb, L);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, argument);
    int status = lua_pcall(L, 1, 0, 0);
    leave(sb);
    tc_err err = TC_OK;
    if (status != LUA_OK || sb->is_spent || sb->is_out) {
        err = explain(sb, L, status, why);
    }
    lua_settop(L, 0);
    return err;
}

enum tc_sandbox_step tc_sandbox_resume(struct tc_sandbox *sb, lua_State *co,
                                       int (*push)(lua_State *L), void *argument,
                                       char why[static TC_WHY_MAX])
{
    lua_State *L = sb->lua;
    TC_REQUIRE(!sb->running);
    why[0] = '\0';
    if (push) {
        enter(sb, L);
        lua_pushcfunction(L, push);
        lua_pushlightuserdata(L, argument);
        int status = lua_pcall(L, 1, 1, 0);
        leave(sb);
        if (status != LUA_OK || !lua_checkstack(co, 4)) {
            (void)explain(sb, L, status, why);
            lua_settop(L, 0);
            return TC_STEP_FAILED;
        }
        lua_xmove(L, co, 1);
    }
    enter(sb, co);
    int count = 0;
    int status = lua_resume(co, L, push ? 1 : 0, &count);
    leave(sb);
    bool is_killed = sb->is_spent || sb->is_out;
    if (!is_killed && (status == LUA_OK || status == LUA_YIELD)) {
        return status == LUA_OK ? TC_STEP_FINISHED : TC_STEP_YIELDED;
    }
    (void)explain(sb, co, status, why);
    return TC_STEP_FAILED;
}

struct chunk {
    const char *name;
    struct tc_str source;
};

static int run_chunk(lua_State *L)
{
    const struct chunk *c = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, c->source.at, c->source.len, c->name, "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 0);
    return 0;
}

tc_err tc_sandbox_run(struct tc_sandbox *sb, const char *name, struct tc_str source,
                      char why[static TC_WHY_MAX])
{
    struct chunk c = {.name = name, .source = source};
    return tc_sandbox_call(sb, run_chunk, &c, why);
}
