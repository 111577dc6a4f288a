-- SPDX-License-Identifier: Apache-2.0
-- The words of plan tests. Runs after prelude.lua, with its `define` as argument; what a test file
-- says is collected as plain data, which scenario.c plays.
local define = ...
local scenarios = {}

local function step(what, fields)
  fields.step = what
  return fields
end
local function millionths(value, what)
  if type(value) ~= "number" then error(what .. " takes a number", 3) end
  return math.floor(value * 1000000 + 0.5)
end

define("at", function(time, s)
  if type(s) ~= "table" or not s.step then error("at(time, reading{…} or answer(…) …)", 2) end
  s.at = math.tointeger(time) or error("at takes whole seconds", 2)
  return s
end)
define("reading", function(o)
  local value_e6 = millionths(o.value, "reading: value")
  return step("reading", { device = o.device or "W1", value_e6 = value_e6 })
end)
define("answer", function(key, yes)
  return step("answer", { key = key, answer = (yes == true or yes == "yes") and "yes" or "no" })
end)
define("close_incident", function() return step("close", {}) end)
define("restart", function() return step("restart", {}) end)

local kinds = {
  "order", "question", "response", "closure", "opening", "note", "grade", "finish", "failure",
  "start",
}
local expect, never = {}, {}
for _, kind in ipairs(kinds) do
  expect[kind] = function(o)
    local e = { expect = kind }
    for k, v in pairs(o or {}) do e[k] = v end
    return e
  end
  never[kind] = function(o)
    local e = expect[kind](o)
    e.never = true
    return e
  end
end
expect.never = never
define("expect", expect)

define("scenario", function(name)
  return function(t)
    local given = t.given or {}
    local s = { name = name, plan = t.plan, steps = {}, expects = {}, units = {}, sensors = {} }
    if type(t.plan) ~= "string" then error("scenario needs plan = \"id\"", 2) end
    for capability, count in pairs(given.units or {}) do
      for i = 1, count do
        s.units[#s.units + 1] = {
          call_sign = capability .. "-" .. i, capability = capability, metres = 1000 * i,
          address = tostring(100001 + #s.units),
        }
      end
    end
    for _, o in ipairs(given.sensors or {}) do
      s.sensors[#s.sensors + 1] = {
        device = o.device or "W1", factor = o.factor or "Z", type = o.type or "waterlogging",
        warning_e6 = millionths(o.warning, "sensor: warning"),
        danger_e6 = millionths(o.danger or o.warning, "sensor: danger"),
      }
    end
    for _, item in ipairs(t) do
      if item.step and item.at then s.steps[#s.steps + 1] = item
      elseif item.expect then s.expects[#s.expects + 1] = item
      else error("scenario holds at(…) and expect.…", 2) end
    end
    table.sort(s.steps, function(a, b) return a.at < b.at end)
    scenarios[#scenarios + 1] = s
  end
end)
return { collected = function() return scenarios end }
