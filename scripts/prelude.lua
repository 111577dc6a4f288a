-- SPDX-License-Identifier: Apache-2.0
-- The environment of plans and their language. Runs first in every sandbox, with the host's own
-- functions as argument; a plan cannot reach what is local here. Every call of ctx is one or more
-- primitive calls, each handed to the host by yielding its name and plain arguments.
local host = ...
local _G = _G
local yield, raw_next = coroutine.yield, next
local raw_setmetatable, raw_tostring = setmetatable, tostring
local type, error, select, ipairs = type, error, select, ipairs
local rawget, rawset, rawlen = rawget, rawset, rawlen
local unpack, concat, tointeger = table.unpack, table.concat, math.tointeger
local sub, format, find, charge = string.sub, host.format, host.find, host.charge

-- Only what is listed stays.
local function keep(t, names)
  local kept = {}
  for _, name in ipairs(names) do kept[name] = t[name] end
  local all = {}
  for k in raw_next, t do all[#all + 1] = k end
  for _, k in ipairs(all) do t[k] = kept[k] end
end
keep(string, { "len", "sub", "upper", "lower", "reverse", "byte", "char" })
keep(math, {
  "abs", "ceil", "floor", "max", "min", "fmod", "tointeger", "type", "ult", "huge", "pi",
  "maxinteger", "mininteger",
})
keep(table, { "pack" })
keep(_G, { "assert", "error", "ipairs", "select", "tonumber", "type", "string", "table", "math" })

pcall, setmetatable = host.pcall, host.setmetatable
math.random = host.random
string.find, string.rep, string.format = find, host.rep, format

function tostring(v)
  local t = type(v)
  if t == "number" or t == "string" or t == "boolean" or t == "nil" then return raw_tostring(v) end
  return t
end

function string.starts_with(s, prefix) return sub(s, 1, #prefix) == prefix end
function string.ends_with(s, suffix) return suffix == "" or sub(s, -#suffix) == suffix end
function string.split(s, separator)
  if separator == nil or separator == "" then error("split needs a separator", 2) end
  local parts, from = {}, 1
  while true do
    local first, last = find(s, separator, from)
    parts[#parts + 1] = sub(s, from, first and first - 1 or -1)
    if not first then return parts end
    from = last + 1
  end
end

-- Stable: equal items stay in order, so that every re-execution agrees.
local function merge_sort(t, less)
  local n = rawlen(t)
  local from, to, width = t, {}, 1
  while width < n do
    for low = 1, n, 2 * width do
      local middle, high = low + width, low + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if high > n + 1 then high = n + 1 end
      local i, j = low, middle
      for k = low, high - 1 do
        if i < middle and (j >= high or not less(from[j], from[i])) then
          to[k] = from[i]; i = i + 1
        else
          to[k] = from[j]; j = j + 1
        end
      end
    end
    from, to, width = to, from, 2 * width
  end
  if from ~= t then for i = 1, n do t[i] = from[i] end end
end
local function by_order(a, b) return a < b end
function table.sort(t, less) merge_sort(t, less or by_order) end

-- Numbers first, then texts by their bytes.
local function sorted_keys(t)
  local numbers, texts = {}, {}
  for k in raw_next, t do
    local kind = type(k)
    if kind == "number" then numbers[#numbers + 1] = k
    elseif kind == "string" then texts[#texts + 1] = k
    else error("pairs takes tables whose keys are numbers and texts", 3) end
  end
  merge_sort(numbers, by_order)
  merge_sort(texts, by_order)
  for _, k in ipairs(texts) do numbers[#numbers + 1] = k end
  return numbers
end
function pairs(t)
  if type(t) ~= "table" then error("pairs takes a table", 2) end
  local keys, i = sorted_keys(t), 0
  return function()
    while true do
      i = i + 1
      local k = keys[i]
      if k == nil then return nil end
      local v = rawget(t, k)
      if v ~= nil then return k, v end
    end
  end
end

function table.insert(t, at, value)
  local n = rawlen(t)
  if value == nil then t[n + 1] = at; return end
  if tointeger(at) == nil or at < 1 or at > n + 1 then error("insert: no such position", 2) end
  for i = n, at, -1 do t[i + 1] = t[i] end
  t[at] = value
end
function table.remove(t, at)
  local n = rawlen(t)
  at = at or n
  if n == 0 then return nil end
  if tointeger(at) == nil or at < 1 or at > n then error("remove: no such position", 2) end
  local value = t[at]
  for i = at, n - 1 do t[i] = t[i + 1] end
  t[n] = nil
  return value
end
function table.concat(t, separator)
  local parts = {}
  for i = 1, rawlen(t) do parts[i] = tostring(rawget(t, i)) end
  return concat(parts, separator or "")
end
function table.unpack(t)
  local n = rawlen(t)
  if n > 200 then error("unpack takes at most 200 items", 2) end
  return unpack(t, 1, n)
end

-- The language ---------------------------------------------------------------------------------

local function whole(value, what, level)
  local n = type(value) == "number" and tointeger(value) or nil
  if not n then error(what .. " must come to whole seconds", level + 1) end
  return n
end
function seconds(n) local s = whole(n, "seconds", 2); return s end
function minutes(n) local s = whole(n * 60, "minutes", 2); return s end
function hours(n) local s = whole(n * 3600, "hours", 2); return s end

local triggers = raw_setmetatable({}, { __mode = "k" })
local function trigger(word, o, names, level)
  local t = { on = word }
  if o ~= nil and type(o) ~= "table" then
    error("on." .. word .. " takes {name = value}", level + 1)
  end
  if o then
    for k, v in pairs(o) do
      local known = false
      for _, name in ipairs(names) do known = known or name == k end
      if not known then error(format("on.%s does not know '%s'", word, tostring(k)), level + 1) end
      t[k] = v
    end
  end
  triggers[t] = true
  return t
end
local levels = { notice = true, warning = true, danger = true }
local function with_level(word, o, names)
  local t = trigger(word, o, names, 3)
  if t.above ~= nil and not levels[t.above] then error("above is notice, warning or danger", 3) end
  return t
end
on = {
  alarm = function(o) local t = with_level("alarm", o, { "kind", "above" }); return t end,
  reading = function(o) local t = with_level("reading", o, { "kind", "above" }); return t end,
  alarm_cleared = function(incident)
    local t = trigger("alarm_cleared", nil, {}, 2)
    if type(incident) == "table" and incident.id then t.incident = incident.id end
    return t
  end,
  case = function(o) local t = trigger("case", o, { "service" }, 2); return t end,
  report = function(o) local t = trigger("report", o, { "type" }, 2); return t end,
  status = function(o) local t = trigger("status", o, { "code", "state" }, 2); return t end,
  manual = function() local t = trigger("manual", nil, {}, 2); return t end,
}
function after(n)
  local s = whole(n, "after", 2)
  if s < 1 then error("after takes at least one second", 2) end
  local t = trigger("after", nil, {}, 2)
  t.seconds = s
  return t
end

local function both(text, what, level)
  if type(text) == "string" then return text, text end
  if type(text) == "table" and type(text.zh) == "string" and type(text.en) == "string" then
    return text.zh, text.en
  end
  error(what .. ' takes a text or {zh = "…", en = "…"}', level + 1)
end
local function options(o, name, known, level)
  if type(o) ~= "table" then error(name .. " takes {name = value}", level + 1) end
  for k in pairs(o) do
    local found = false
    for _, n in ipairs(known) do found = found or n == k end
    if not found then error(format("%s does not know '%s'", name, tostring(k)), level + 1) end
  end
end

-- One primitive call. A mistake that the host finds is raised at the plan's own line.
local function call(name, arguments)
  local r = yield(name, arguments)
  if r.error then error(r.error, 3) end
  return r
end

local ctx = {}
function ctx:incident() local r = call("incident", {}); return r.incident end
function ctx:alarms() local r = call("alarms", {}); return r.alarms end
function ctx:assignments() local r = call("assignments", {}); return r.assignments end
function ctx:now() local r = call("now", {}); return r.seconds end
function ctx:units(o)
  o = o or {}
  options(o, "units", { "capability", "state", "kind" }, 2)
  local r = call("units", o)
  return r.units
end
function ctx:propose_response(level, why)
  local zh, en = both(why, "propose_response", 2)
  local r = call("propose_response", { level = tostring(level), zh = zh, en = en })
  return r.ok, r.why
end
function ctx:set_grade(grade)
  local r = call("set_grade", { grade = grade })
  return r.ok, r.why
end
function ctx:close_roads(o)
  options(o, "close_roads", { "layer", "feature", "within", "why" }, 2)
  if not o.feature and not o.within then
    error("close_roads needs feature or within (metres)", 2)
  end
  local r = call("close_roads", o)
  return r.ok, r.why
end
function ctx:open_roads()
  local closures, opened = call("closures", {}), 0
  for _, id in ipairs(closures.closures) do
    local r = call("open_road", { closure = id })
    if r.ok then opened = opened + 1 end
  end
  return opened
end
function ctx:ask(o)
  options(o, "ask", { "key", "role", "text", "timeout", "default" }, 2)
  if type(o.key) ~= "string" then error("ask needs a key", 2) end
  if o.timeout == nil then error("ask needs a timeout", 2) end
  if type(o.default) ~= "boolean" then error("ask needs default = true or false", 2) end
  local zh, en = both(o.text, "ask: text", 2)
  local seconds_given = whole(o.timeout, "timeout", 2)
  if seconds_given < 1 then error("ask: timeout is at least one second", 2) end
  local r = call("ask", {
    key = o.key, role = o.role or "duty_officer", zh = zh, en = en,
    timeout = seconds_given, default = o.default,
  })
  return r.answer, r.how
end

local function need_list(need, level)
  if type(need) ~= "table" then error("need takes {capability = count}", level + 1) end
  local list = {}
  for capability, count in pairs(need) do
    if type(capability) ~= "string" or not tointeger(count) or count < 1 then
      error("need takes {capability = count}", level + 1)
    end
    list[#list + 1] = { capability = capability, count = count }
  end
  if #list == 0 then error("need is empty", level + 1) end
  return list
end
-- Asks for a recommendation and sends what it proposes; once more when something changed meanwhile.
function ctx:dispatch(o)
  options(o, "dispatch", { "need", "text" }, 2)
  local need, sent, missing, why = need_list(o.need, 2), {}, {}, nil
  for _ = 1, 2 do
    local open, changed = {}, false
    for _, n in ipairs(need) do if n.count > 0 then open[#open + 1] = n end end
    if #open == 0 then break end
    local r = call("recommend", { need = open })
    for _, n in ipairs(open) do
      local ids = {}
      for _, line in ipairs(r.lines) do
        if line.capability == n.capability and #ids < n.count then ids[#ids + 1] = line.unit end
      end
      if #ids > 0 then
        local s = call("send", { units = ids, capability = n.capability, text = o.text or "" })
        if s.ok then
          n.count = n.count - #ids
          for _, line in ipairs(r.lines) do
            for _, id in ipairs(ids) do
              if line.unit == id and line.capability == n.capability then sent[#sent + 1] = line end
            end
          end
        else
          changed, why = true, s.why
        end
      end
    end
    if not changed then break end
  end
  for _, n in ipairs(need) do if n.count > 0 then missing[n.capability] = n.count end end
  return { sent = sent, missing = missing, is_complete = #sorted_keys(missing) == 0, why = why }
end
function ctx:send(o)
  options(o, "send", { "units", "capability", "text" }, 2)
  if type(o.units) ~= "table" or #o.units == 0 then error("send needs units", 2) end
  local ids = {}
  for i, u in ipairs(o.units) do ids[i] = type(u) == "table" and u.id or u end
  local r = call("send", { units = ids, capability = o.capability or "", text = o.text or "" })
  return r.ok, r.why
end
function ctx:tell(o)
  options(o, "tell", { "unit", "recipient", "role", "text" }, 2)
  local zh, en = both(o.text, "tell: text", 2)
  local unit = type(o.unit) == "table" and o.unit.id or o.unit
  local r = call("tell", { unit = unit, recipient = o.recipient, role = o.role, zh = zh, en = en })
  return r.ok, r.why
end
function ctx:note(zh, en)
  if type(zh) == "table" then zh, en = both(zh, "note", 2) end
  if type(zh) ~= "string" then error("note takes a text in Chinese and one in English", 2) end
  local r = call("note", { zh = zh, en = en or "" })
  return r.ok
end
function ctx:clock(o)
  options(o, "clock", { "name", "seconds" }, 2)
  local r = call("clock", { name = o.name, seconds = whole(o.seconds, "clock", 2) })
  return r.ok, r.why
end
function ctx:stop_clock(name) local r = call("stop_clock", { name = name }); return r.ok, r.why end
function ctx:await(...)
  local list = {}
  for i = 1, select("#", ...) do
    local t = select(i, ...)
    if not triggers[t] then error("await takes on.… and after(…)", 2) end
    if t.on == "manual" then error("on.manual starts plans, it cannot be awaited", 2) end
    list[i] = t
  end
  if #list == 0 then error("await needs something to wait for", 2) end
  local r = call("await", { triggers = list })
  return r
end

local accepted
function plan(p)
  if type(p) ~= "table" then error("plan takes a table", 2) end
  options(p, "plan", { "id", "title", "starts", "run" }, 2)
  if type(p.id) ~= "string" then error("plan needs an id", 2) end
  local title = type(p.title) == "table" and p.title or {}
  if type(title.zh) ~= "string" or type(title.en) ~= "string" then
    error('plan needs title = {zh = "…", en = "…"}', 2)
  end
  local starts = p.starts
  if type(starts) ~= "table" then error("plan needs starts = on.…", 2) end
  if triggers[starts] then starts = { starts } end
  if #starts == 0 then error("plan needs starts = on.…", 2) end
  for _, t in ipairs(starts) do
    if not triggers[t] or t.on == "after" or t.on == "alarm_cleared" then
      error("starts takes on.alarm, on.reading, on.case, on.report, on.status or on.manual", 2)
    end
  end
  if type(p.run) ~= "function" then error("plan needs run = function(ctx)", 2) end
  accepted = { id = p.id, title = { zh = title.zh, en = title.en }, starts = starts, run = p.run }
  return accepted
end

raw_setmetatable(_G, {
  __index = function(_, name) error("unknown name '" .. tostring(name) .. "'", 2) end,
  __newindex = function(_, name) error("'" .. tostring(name) .. "' needs the word local", 2) end,
})

return {
  ctx = ctx,
  -- The plan's header as plain data.
  accept = function(p)
    if p == nil or p ~= accepted then error("the file must end with: return plan { … }", 0) end
    return { id = p.id, zh = p.title.zh, en = p.title.en, starts = p.starts }
  end,
  main = function() accepted.run(ctx) end,
  define = function(name, value) rawset(_G, name, value) end, -- for test_prelude.lua
}
