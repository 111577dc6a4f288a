-- SPDX-License-Identifier: Apache-2.0
-- 城区内涝：下穿通道积水超过警戒水位。Urban waterlogging: water in an underpass over the warning level.

local function call_signs(result)
  local signs = {}
  for _, line in ipairs(result.sent) do table.insert(signs, line.call_sign) end
  return table.concat(signs, " ")
end

-- 派排涝车；不足时告知值班员。Sends pumps; the duty officer is told what is missing.
local function send_pumps(ctx, count)
  local result = ctx:dispatch{need = {pump = count}}
  if #result.sent > 0 then
    local signs = call_signs(result)
    ctx:note("已派排涝车：" .. signs, "Pump trucks sent: " .. signs)
  end
  if not result.is_complete then
    local missing = result.missing.pump
    ctx:note("缺排涝车 " .. missing .. " 台，请协调社会力量",
      "Short of " .. missing .. " pump trucks; ask for outside help")
  end
  return result
end

local function finish(ctx)
  ctx:open_roads()
  ctx:stop_clock("waterlogging")
  ctx:note("积水已退，通道恢复通行，预案执行完毕",
    "The water has gone, the underpass is open again, the plan is done")
end

return plan {
  id = "waterlogging", title = {zh = "城区内涝", en = "Urban waterlogging"},
  starts = on.alarm{kind = "water_level", above = "warning"},
  run = function(ctx)
    local inc = ctx:incident()
    ctx:propose_response("IV", {zh = "下穿通道水位超过警戒值", en = "underpass level over warning"})
    ctx:close_roads{layer = "underpasses", within = 300}
    ctx:clock{name = "waterlogging", seconds = hours(2)}
    local ok, how = ctx:ask{key = "pumps", role = "duty_officer",
      text = {zh = "是否派出两台排涝车？", en = "Send two pump trucks?"},
      timeout = minutes(3), default = true}
    if how ~= "person" then
      ctx:note("三分钟内无人答复，按默认派出排涝车", "No answer in three minutes: pump trucks go by default")
    end
    if ok then
      send_pumps(ctx, 2)
    else
      ctx:note("值班员决定暂不派排涝车，继续监测水位",
        "The duty officer sends no pumps for now; the level is watched")
    end

    local e = ctx:await(on.alarm_cleared(inc), on.reading{above = "danger"}, after(minutes(20)))
    if e.which == "alarm_cleared" then
      finish(ctx)
      return
    end
    if e.which == "reading" then
      ctx:note("水位超过危险值", "The level is over danger")
      ctx:set_grade("III")
      ctx:propose_response("III", {zh = "下穿通道水位超过危险值", en = "underpass level over danger"})
    else
      ctx:note("二十分钟后水位仍未回落", "The level has not fallen after twenty minutes")
    end
    local more = ctx:ask{key = "more_pumps", role = "duty_officer",
      text = {zh = "是否再派两台排涝车？", en = "Send two more pump trucks?"},
      timeout = minutes(3), default = e.which == "reading"}
    if more then send_pumps(ctx, 2) end

    local last = ctx:await(on.alarm_cleared(inc), after(hours(6)))
    if last.which == "alarm_cleared" then
      finish(ctx)
    else
      ctx:note("六小时后积水未退，道路保持封闭，请人工处置",
        "Water after six hours: the road stays closed, people must decide")
    end
  end }
