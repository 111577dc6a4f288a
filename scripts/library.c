/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/library.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "scripts/sandbox.h"

uint64_t tc_library_draw(uint64_t seed, uint64_t n)
{
    return tc_hash_mix(tc_hash_mix(UINT64_C(0x746F6373696E), seed), n);
}

/** Plain search: byte position of `needle`, or nothing. Both lengths are limited and charged. */
static int find(lua_State *L)
{
    size_t len = 0;
    size_t needle_len = 0;
    const char *text = luaL_checklstring(L, 1, &len);
    const char *needle = luaL_checklstring(L, 2, &needle_len);
    lua_Integer from = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, len <= TC_SANDBOX_TEXT_MAX, 1, "text is too long to search");
    luaL_argcheck(L, needle_len <= 1024, 2, "text to look for is too long");
    luaL_argcheck(L, from >= 1, 3, "positions start at 1");
    tc_sandbox_charge(L, 1 + len * (needle_len + 1) / 64);
    for (size_t i = (size_t)from - 1; i + needle_len <= len; i++) {
        if (memcmp(text + i, needle, needle_len) == 0) {
            lua_pushinteger(L, (lua_Integer)i + 1);
            lua_pushinteger(L, (lua_Integer)(i + needle_len));
            return 2;
        }
    }
    lua_pushnil(L);
    return 1;
}

static int rep(lua_State *L)
{
    size_t len = 0;
    const char *text = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    if (n <= 0 || len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    luaL_argcheck(L, (uint64_t)n <= SIZE_MAX / 2 / len, 2, "result is too long");
    size_t total = len * (size_t)n;
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, total);
    for (size_t i = 0; i < (size_t)n; i++) {
        memcpy(to + i * len, text, len);
    }
    luaL_pushresultsize(&b, total);
    return 1;
}

/** Width after the percent sign: "0" and up to two digits. */
static const char *read_width(const char *p, int *width, bool *has_zeros)
{
    *has_zeros = *p == '0';
    *width = 0;
    for (int i = 0; i < 2 && *p >= '0' && *p <= '9'; i++, p++) {
        *width = *width * 10 + (*p - '0');
    }
    return p;
}

static void add_number(lua_State *L, luaL_Buffer *b, int argument, int width, bool has_zeros)
{
    char text[120];
    lua_Integer value = luaL_checkinteger(L, argument);
    size_t len = has_zeros ? tc_str_format(text, sizeof text, "%0*lld", width, value)
                           : tc_str_format(text, sizeof text, "%*lld", width, value);
    luaL_addlstring(b, text, len);
}

static void add_text(lua_State *L, luaL_Buffer *b, int argument)
{
    int type = lua_type(L, argument);
    if (type == LUA_TBOOLEAN) {
        luaL_addstring(b, lua_toboolean(L, argument) ? "true" : "false");
        return;
    }
    luaL_argcheck(L, type == LUA_TSTRING || type == LUA_TNUMBER, argument,
                  "%s takes a text or a number");
    size_t len = 0;
    const char *text = lua_tolstring(L, argument, &len);
    luaL_addlstring(b, text, len);
}

/** %d (with a width), %s and %% only. */
static int format(lua_State *L)
{
    size_t len = 0;
    const char *p = luaL_checklstring(L, 1, &len);
    const char *end = p + len;
    int argument = 1;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    tc_sandbox_charge(L, len / 8);
    while (p < end) {
        if (*p != '%') {
            luaL_addchar(&b, *p++);
            continue;
        }
        int width = 0;
        bool has_zeros = false;
        p = read_width(p + 1, &width, &has_zeros);
        switch (*p++) {
        case '%': luaL_addchar(&b, '%'); break;
        case 'd': add_number(L, &b, ++argument, width, has_zeros); break;
        case 's': add_text(L, &b, ++argument); break;
        default: return luaL_error(L, "format knows only %%d, %%s and %%%%");
        }
    }
    luaL_pushresult(&b);
    return 1;
}

/**
 * setmetatable with a copy of the listed handlers: no finalizer (it would run with hooks off), no
 * weak tables (what they hold depends on the collector), no __len, nothing added afterwards.
 */
static int safe_setmetatable(lua_State *L)
{
    static const char *const events[] = {"__index", "__newindex", "__call", "__add",    "__sub",
                                         "__mul",   "__div",      "__mod",  "__idiv",   "__unm",
                                         "__eq",    "__lt",       "__le",   "__concat", "__close"};
    static const char *const refused[] = {"__gc", "__mode"};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (lua_istable(L, 2)) {
        for (size_t i = 0; i < TC_COUNT_OF(refused); i++) {
            lua_pushstring(L, refused[i]);
            if (lua_rawget(L, 2) != LUA_TNIL) {
                return luaL_error(L, "%s is not available to plans", refused[i]);
            }
            lua_pop(L, 1);
        }
        lua_createtable(L, 0, 4);
        for (size_t i = 0; i < TC_COUNT_OF(events); i++) {
            lua_pushstring(L, events[i]);
            lua_pushvalue(L, -1);
            lua_rawget(L, 2);
            lua_rawset(L, 3);
        }
        lua_replace(L, 2);
    }
    lua_setmetatable(L, 1);
    return 1;
}

static int charge(lua_State *L)
{
    tc_sandbox_charge(L, (uint64_t)luaL_checkinteger(L, 1));
    return 0;
}

/** getmetatable("") must lead nowhere. */
static void protect_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1)) {
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void tc_library_open(lua_State *L)
{
    static const luaL_Reg own[] = {{"find", find},     {"rep", rep},
                                   {"format", format}, {"setmetatable", safe_setmetatable},
                                   {"charge", charge}, {NULL, NULL}};
    luaL_newlib(L, own);
    lua_insert(L, 1);
    lua_setfield(L, 1, "random");
    lua_setfield(L, 1, "pcall");
    protect_strings(L);
    if (luaL_loadbufferx(L, tc_prelude_lua, tc_prelude_lua_len, "=prelude", "t") != LUA_OK) {
        lua_error(L);
    }
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, TC_LIBRARY_KEY);
}
