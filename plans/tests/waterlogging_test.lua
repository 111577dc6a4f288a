-- SPDX-License-Identifier: Apache-2.0
-- 城区内涝预案的测试情景。Scenarios for the waterlogging plan.
local sensors = { { device = "W1", warning = 0.27, danger = 0.50 } }
local two_pumps = { pump = 2, patrol = 1 }

scenario "值班员同意，水位回落 / the officer says yes, the water falls" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.10}),
  at(60, reading{value = 0.30}),
  at(90, answer("pumps", "yes")),
  at(minutes(15), reading{value = 0.05}),
  expect.response{level = "IV", within = 60},
  expect.closure{count = 1, within = 60},
  expect.order{capability = "pump", count = 2, within = 90},
  expect.never.order{capability = "patrol"},
  expect.opening{count = 1, after = minutes(15)},
  expect.note{text = "恢复通行"},
  expect.note{text = "open again"},
  expect.finish{count = 1, within = minutes(15)},
  expect.never.failure{},
}

scenario "值班员不同意 / the officer says no" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, answer("pumps", "no")),
  at(minutes(10), reading{value = 0.05}),
  expect.never.order{},
  expect.note{text = "sends no pumps"},
  expect.opening{count = 1},
  expect.finish{count = 1},
}

scenario "无人答复，按默认派出 / nobody answers, the default holds" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(minutes(10), reading{value = 0.05}),
  expect.never.order{within = minutes(3) - 1},
  expect.order{capability = "pump", count = 2, within = minutes(3)},
  expect.note{text = "No answer in three minutes"},
  expect.finish{count = 1},
}

scenario "答复前水位已回落 / the water falls before anybody answers" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(60, reading{value = 0.05}),
  at(90, answer("pumps", "no")),
  expect.never.order{},
  expect.opening{count = 1, within = 90},
  expect.finish{count = 1, within = 90},
}

scenario "升到危险水位，再派两台 / the level rises to danger, two more go" {
  plan = "waterlogging", given = { units = { pump = 5 }, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, answer("pumps", "yes")),
  at(minutes(5), reading{value = 0.60}),
  at(minutes(40), reading{value = 0.05}),
  expect.order{capability = "pump", count = 2, within = minutes(7)},
  expect.grade{grade = "iii", within = minutes(5)},
  expect.response{level = "III", count = 1},
  expect.question{key = "more_pumps", count = 1},
  expect.order{capability = "pump", count = 4, within = minutes(8)},
  expect.opening{count = 1},
  expect.finish{count = 1},
}

scenario "没有空闲排涝车 / no pump is free" {
  plan = "waterlogging", given = { units = { patrol = 2 }, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, answer("pumps", "yes")),
  at(minutes(10), reading{value = 0.05}),
  expect.never.order{},
  expect.note{text = "缺排涝车 2 台"},
  expect.note{text = "Short of 2 pump trucks"},
  expect.finish{count = 1},
}

scenario "只有一台排涝车 / one pump only" {
  plan = "waterlogging", given = { units = { pump = 1 }, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, answer("pumps", "yes")),
  at(minutes(10), reading{value = 0.05}),
  expect.order{capability = "pump", count = 1},
  expect.note{text = "Short of 1 pump trucks"},
  expect.finish{count = 1},
}

scenario "水一直不退 / the water stays" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, answer("pumps", "yes")),
  at(minutes(21), answer("more_pumps", "no")),
  expect.note{text = "not fallen after twenty minutes"},
  expect.never.opening{},
  expect.note{text = "道路保持封闭"},
  expect.finish{count = 1, after = hours(6)},
}

scenario "提问期间系统重启 / a restart while the question is open" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, restart()),
  at(60, restart()),
  at(90, answer("pumps", "yes")),
  at(100, restart()),
  at(minutes(10), reading{value = 0.05}),
  expect.response{count = 1},
  expect.closure{count = 1},
  expect.order{capability = "pump", count = 2},
  expect.opening{count = 1},
  expect.finish{count = 1},
}

scenario "值班员办结事件 / the officer closes the incident" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.30}),
  at(30, close_incident()),
  expect.never.order{},
  expect.never.finish{},
  expect.never.failure{},
}

scenario "未到警戒水位 / below warning nothing happens" {
  plan = "waterlogging", given = { units = two_pumps, sensors = sensors },
  at(0, reading{value = 0.10}),
  at(60, reading{value = 0.26}),
  expect.never.start{},
  expect.never.closure{},
}
