/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/convert.h"

#include <lauxlib.h>
#include <lua.h>

#include "core/base/json.h"
#include "scripts/sandbox.h"

struct writing {
    lua_State *L;
    struct tc_buf *out;
    int nodes;
};

static void write_value(struct writing *w, int index, int depth);

static void write_text(struct writing *w, int index)
{
    size_t len = 0;
    const char *text = lua_tolstring(w->L, index, &len);
    struct tc_str s = {.at = text, .len = len};
    if (!tc_str_is_utf8(s) || memchr(text, '\0', len)) {
        luaL_error(w->L, "a text given to the system must be UTF-8 without zero bytes");
    }
    tc_jw_str(w->out, s);
}

static void write_list(struct writing *w, int index, lua_Integer count, int depth)
{
    tc_jw_open(w->out, '[');
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(w->L, index, i);
        write_value(w, lua_gettop(w->L), depth + 1);
        lua_pop(w->L, 1);
    }
    tc_jw_close(w->out, ']');
}

static int compare(struct tc_str a, struct tc_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/** Keys in order; they stay alive, for the table holds them and is not changed meanwhile. */
static size_t collect_keys(struct writing *w, int index, struct tc_str *keys)
{
    lua_State *L = w->L;
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            luaL_error(L, "a table given to the system is a list or has texts as keys");
        }
        if (count == TC_CONVERT_KEYS_MAX) {
            luaL_error(L, "a table given to the system has more than %d keys",
                       (int)TC_CONVERT_KEYS_MAX);
        }
        struct tc_str key = {0};
        key.at = lua_tolstring(L, -1, &key.len);
        if (!tc_str_is_utf8(key) || memchr(key.at, '\0', key.len)) {
            luaL_error(L, "a key given to the system must be UTF-8 without zero bytes");
        }
        size_t at = count++;
        for (; at > 0 && compare(keys[at - 1], key) > 0; at--) {
            keys[at] = keys[at - 1];
        }
        keys[at] = key;
    }
    return count;
}

static void write_table(struct writing *w, int index, int depth)
{
    lua_State *L = w->L;
    if (depth >= TC_CONVERT_DEPTH_MAX) {
        luaL_error(L, "a table given to the system is nested deeper than %d", TC_CONVERT_DEPTH_MAX);
    }
    luaL_checkstack(L, 4, "nested too deeply");
    lua_Integer length = (lua_Integer)lua_rawlen(L, index);
    if (length > 0) {
        lua_Integer count = 0;
        lua_pushnil(L);
        while (lua_next(L, index)) {
            lua_pop(L, 1);
            if (!lua_isinteger(L, -1) || ++count > TC_CONVERT_NODES_MAX) {
                luaL_error(L, "a table given to the system is a list or has texts as keys");
            }
        }
        if (count != length) {
            luaL_error(L, "a list given to the system has a hole");
        }
        write_list(w, index, length, depth);
        return;
    }
    struct tc_str keys[TC_CONVERT_KEYS_MAX];
    size_t count = collect_keys(w, index, keys);
    tc_jw_open(w->out, '{');
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].at, keys[i].len);
        tc_jw_key(w->out, lua_tostring(L, -1));
        lua_rawget(L, index);
        write_value(w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    tc_jw_close(w->out, '}');
}

static void write_value(struct writing *w, int index, int depth)
{
    lua_State *L = w->L;
    int is_whole = 0;
    lua_Integer number = 0;
    if (++w->nodes > TC_CONVERT_NODES_MAX) {
        luaL_error(L, "more than %d values given to the system", TC_CONVERT_NODES_MAX);
    }
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: tc_jw_bool(w->out, lua_toboolean(L, index)); break;
    case LUA_TNUMBER:
        number = lua_tointegerx(L, index, &is_whole);
        if (!is_whole) {
            luaL_error(L, "numbers given to the system are whole");
        }
        tc_jw_i64(w->out, number);
        break;
    case LUA_TSTRING: write_text(w, index); break;
    case LUA_TTABLE: write_table(w, index, depth); break;
    default: luaL_error(L, "a %s cannot be given to the system", luaL_typename(L, index));
    }
}

void tc_convert_write(lua_State *L, int index, struct tc_buf *out)
{
    struct writing w = {.L = L, .out = out};
    int at = lua_absindex(L, index);
    write_value(&w, at, 0);
    tc_sandbox_charge(L, (uint64_t)w.nodes * 8);
    if (out->is_full) {
        luaL_error(L, "too much given to the system in one call");
    }
}

static void read_value(lua_State *L, struct tc_jr *r, struct tc_arena *a)
{
    luaL_checkstack(L, 4, "nested too deeply");
    switch (tc_jr_peek(r)) {
    case '{':
        (void)tc_jr_open(r, '{');
        lua_newtable(L);
        while (tc_jr_more(r, '}')) {
            struct tc_str key = tc_jr_key(r, a);
            lua_pushlstring(L, key.at ? key.at : "", key.len);
            read_value(L, r, a);
            lua_rawset(L, -3);
        }
        break;
    case '[':
        (void)tc_jr_open(r, '[');
        lua_newtable(L);
        for (lua_Integer i = 1; tc_jr_more(r, ']'); i++) {
            read_value(L, r, a);
            lua_rawseti(L, -2, i);
        }
        break;
    case '"': {
        struct tc_str s = tc_jr_str(r, a);
        lua_pushlstring(L, s.at ? s.at : "", s.len);
        break;
    }
    case 't':
    case 'f': lua_pushboolean(L, tc_jr_bool(r)); break;
    case 'n':
        tc_jr_null(r);
        lua_pushnil(L);
        break;
    default: lua_pushinteger(L, (lua_Integer)tc_jr_i64(r)); break;
    }
    if (r->bad) {
        luaL_error(L, "an answer could not be read");
    }
}

void tc_convert_read(lua_State *L, struct tc_str json, struct tc_arena *a)
{
    struct tc_jr r = tc_jr_init(json);
    read_value(L, &r, a);
}
