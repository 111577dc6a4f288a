// SPDX-License-Identifier: Apache-2.0
// Top bar: where, what time, how fresh, who. And the banners nobody can overlook.
import { connection } from "../connection";
import { h, type Child, type VNode } from "../dom";
import { age, clock, date } from "../format";
import { code, own, t } from "../i18n";
import { isBlocked, isMuted, muteLeft, toggleMute } from "../sound";
import { store } from "../store";
import { may, ui } from "../ui";

function sourceChip(source: ReturnType<typeof store.sourceList>[number]): VNode {
  const state = !source.is_up ? "down" : source.is_silent ? "silent" : "up";
  const since = source.is_up ? source.heard_us : source.since_us;
  const mark = { up: "●", silent: "◐", down: "✕" }[state];
  return h(
    "span",
    {
      key: source.id,
      class: `feed feed-${state}`,
      title: `${source.name ?? ""} ${t(`top.source_${state}`)} ${age(since)} ${code("why", source.why)}`,
    },
    h("i", { "aria-hidden": "true" }, mark),
    source.name ?? `#${source.id}`,
    state === "up"
      ? h("small", null, age(since))
      : h("small", null, `${t(`top.source_${state}`)} ${age(since)}`),
  );
}

export function topBar(onLogout: () => void): Child[] {
  const hello = store.hello;
  const nowUs = store.nowUs();
  const isStale = store.isStale();
  const bad = store.sourceList().filter((source) => !source.is_up || source.is_silent);
  const good = store.sourceList().filter((source) => source.is_up && !source.is_silent);
  const button = (text: string, title: string, run: () => void, key: string, kind = ""): VNode =>
    h(
      "button",
      { class: `tool ${kind}`, type: "button", title, on: { click: run } },
      text,
      h("kbd", null, key),
    );
  return [
    h(
      "div",
      { class: "brand" },
      h("b", null, own(hello?.site?.zh, hello?.site?.en) || "Tocsin"),
      h("span", null, t("app.name")),
    ),
    hello?.is_sample ? h("span", { class: "sample" }, t("app.sample")) : "",
    h("time", { class: "clock" }, h("b", null, clock(nowUs)), h("span", null, date(nowUs))),
    h(
      "div",
      { class: `fresh ${isStale ? "is-stale" : ""}` },
      h(
        "span",
        { class: `link-state link-${connection.state}` },
        h("i", { "aria-hidden": "true" }, connection.state === "open" && !isStale ? "●" : "○"),
        t(
          connection.state === "open" && isStale && store.isReady
            ? "top.link_silent"
            : `top.link_${connection.state}`,
        ),
      ),
      h("span", { class: "seq" }, t("top.seq", { seq: store.seq })),
      h("span", null, t("top.age", { n: (store.staleMs() / 1000).toFixed(0) })),
      store.backlog > 0
        ? h("span", { class: store.backlog > 1000 ? "warn" : "" }, t("top.backlog", { n: store.backlog }))
        : "",
    ),
    h("div", { class: "feeds", "aria-label": t("top.sources") }, bad.map(sourceChip), good.map(sourceChip)),
    h(
      "div",
      { class: "tools" },
      may("report.create")
        ? button(
            t("top.call"),
            t("help.intake"),
            () => {
              ui.isIntakeOpen = true;
              ui.touch();
            },
            "R",
          )
        : "",
      button(
        isMuted()
          ? t("top.sound_muted", { n: muteLeft() })
          : t(isBlocked() ? "top.sound_blocked" : "top.sound_on"),
        t("top.sound_title"),
        toggleMute,
        "⇧M",
        isMuted() || isBlocked() ? "warn" : "",
      ),
      button(
        t("top.lang"),
        t("top.lang_title"),
        () => ui.setLang(ui.lang === "zh" ? "en" : "zh"),
        "⇧L",
        "lang",
      ),
      button(
        ui.theme === "day" ? t("top.theme_night") : t("top.theme_day"),
        t("top.theme_title"),
        () => ui.setTheme(ui.theme === "day" ? "night" : "day"),
        "⇧D",
      ),
      button(
        t("top.help"),
        t("help.title"),
        () => {
          ui.isHelpOpen = true;
          ui.touch();
        },
        "?",
      ),
    ),
    h(
      "div",
      { class: "who" },
      h("b", null, hello?.user ?? ""),
      h("span", null, code("role", hello?.role)),
      h("button", { class: "tool", type: "button", on: { click: onLogout } }, t("top.logout")),
    ),
  ];
}

export function banners(): Child[] {
  const list: Child[] = [];
  if (store.hello?.world.is_exercise)
    list.push(h("div", { key: "exercise", class: "banner exercise" }, t("app.exercise")));
  if (store.hello && store.isStale()) {
    const text = store.isReady ? t("app.stale", { n: Math.floor(store.staleMs() / 1000) }) : t("app.loading");
    list.push(
      h("div", { key: "stale", class: `banner ${store.isReady ? "stale" : "loading"}`, role: "alert" }, text),
    );
  }
  if (store.trouble) {
    const text = t(`app.${store.trouble}`, { seq: store.troubleSeq });
    list.push(h("div", { key: "trouble", class: "banner stale", role: "alert" }, text));
  }
  if (store.isOutdated) list.push(h("div", { key: "outdated", class: "banner outdated" }, t("app.outdated")));
  return list;
}
