-- SPDX-License-Identifier: Apache-2.0
-- What tests/mutants/run needs of list.lua: names, tests, and the change itself.
--   pick.lua LIST names --all | --part N | NAME…      pick.lua LIST tests | only | breaks NAME
--   pick.lua LIST apply NAME TREE                     pick.lua LIST restore NAME FROM TREE
--   pick.lua LIST sync FROM TREE
local PART = 4
local list = dofile(arg[1])
local by_name = {}
for _, m in ipairs(list) do
  for _, key in ipairs { "name", "breaks", "file", "old", "new", "tests" } do
    if type(m[key]) ~= "string" then error("mutant " .. tostring(m.name) .. " has no " .. key, 0) end
  end
  if by_name[m.name] then error("mutant " .. m.name .. " is there twice", 0) end
  by_name[m.name] = m
end

local function die(text)
  io.stderr:write(text, "\n")
  os.exit(1)
end

local function mutant(name)
  return by_name[name] or die("no mutant " .. tostring(name))
end

local function read(path)
  local f = io.open(path, "rb")
  local text = f and f:read("a")
  if f then f:close() end
  return text
end

local function write(path, text)
  local f = assert(io.open(path, "wb"))
  assert(f:write(text))
  f:close()
end

local function count(text, part)
  local n, at = 0, 1
  while true do
    local first, last = text:find(part, at, true)
    if not first then return n end
    n, at = n + 1, last + 1
  end
end

-- Files that belong to the tree: no builds, nothing that npm brought.
local function files_of(root)
  local p = assert(io.popen("cd '" .. root .. "' && find . -type f -not -path './build/*' -not -path './.git*'"
    .. " -not -path '*/node_modules/*' -not -path './var/*' -not -path '*/dist/*'"))
  local set = {}
  for line in p:lines() do set[line] = true end
  p:close()
  return set
end

local commands = {}

function commands.names(how, number)
  local first, last, step = 1, #list, 1
  if how == "--part" then
    local parts = (#list + PART - 1) // PART
    local n = math.tointeger(tonumber(number)) or die("--part needs a number")
    first = n % parts + 1
    step = parts -- neighbours of the list, which often need the same tests, go to different parts
  elseif how ~= "--all" then
    for i = 3, #arg do print(mutant(arg[i]).name) end
    return
  end
  for i = first, last, step do print(list[i].name) end
end

function commands.tests(name) print(mutant(name).tests) end

function commands.only(name) print(mutant(name).only or "*") end

function commands.breaks(name) print(mutant(name).breaks) end

function commands.apply(name, tree)
  local m = mutant(name)
  local path = tree .. "/" .. m.file
  local text = read(path) or ""
  if count(text, m.old) ~= 1 then die("mutant " .. name .. " is stale: " .. m.file) end
  local first, last = text:find(m.old, 1, true)
  write(path, text:sub(1, first - 1) .. m.new .. text:sub(last + 1))
end

function commands.restore(name, from, tree)
  local file = mutant(name).file
  local text = read(from .. "/" .. file)
  if text and read(tree .. "/" .. file) ~= text then write(tree .. "/" .. file, text) end
end

function commands.sync(from, tree)
  local wanted, there = files_of(from), files_of(tree)
  for file in pairs(wanted) do
    local text = read(from .. "/" .. file)
    if text and read(tree .. "/" .. file) ~= text then
      os.execute("mkdir -p '" .. tree .. "/" .. file:match("^(.*)/") .. "'")
      write(tree .. "/" .. file, text)
    end
  end
  for file in pairs(there) do
    if not wanted[file] then os.remove(tree .. "/" .. file) end
  end
end

local run = commands[arg[2]] or die("pick.lua: what?")
run(table.unpack(arg, 3))
