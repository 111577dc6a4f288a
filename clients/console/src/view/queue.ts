// SPDX-License-Identifier: Apache-2.0
// Left pane: what needs a person.
import { h, type Child, type VNode } from "../dom";
import { age, clock, countdown } from "../format";
import { t } from "../i18n";
import { openLine } from "../keys";
import { deedsOf } from "../deeds";
import { incidentName } from "../names";
import { currentQueue, type QueueLine } from "../queue";
import { store } from "../store";
import { canAct, ui } from "../ui";
import { action } from "./parts";

const MARKS = ["!!", "!", "·"];
const URGENCY = ["now", "soon", "later"] as const;

function lineActions(line: QueueLine): (VNode | null)[] {
  return deedsOf(line).map((deed, i) =>
    action(
      deed.command,
      deed.text,
      deed.run,
      deed.key ?? (line.key === ui.queueKey ? ["F", "V"][i] : ""),
      deed.command === "question.answer" && i === 0 ? "yes" : "",
    ),
  );
}

function lineTime(line: QueueLine): VNode {
  if (line.dueUs)
    return h("time", { class: `due ${line.urgency === 0 ? "is-now" : ""}` }, countdown(line.dueUs));
  return h("time", { title: clock(line.sinceUs) }, age(line.sinceUs));
}

function row(line: QueueLine): VNode {
  const isChosen = line.key === ui.queueKey;
  const isInHand = !!line.incident && line.incident === ui.incident;
  const buttons = lineActions(line).filter((button) => button !== null);
  const bar = line.kind === "question" && line.dueUs ? countBar(line.sinceUs, line.dueUs) : null;
  return h(
    "li",
    {
      key: line.key,
      id: `q-${line.key}`,
      role: "option",
      "aria-selected": isChosen ? "true" : "false",
      class: `line u-${URGENCY[line.urgency]} ${isChosen ? "is-chosen" : ""} ${isInHand ? "is-in-hand" : ""}`,
      on: { click: () => openLine(line) },
    },
    h("span", { class: "mark", title: t(`queue.${URGENCY[line.urgency]}`) }, MARKS[line.urgency]),
    h(
      "div",
      { class: "what" },
      h(
        "div",
        { class: "head" },
        h("span", { class: "kind" }, t(`queue.${line.kind}`)),
        h("span", { class: "number" }, line.incident ? incidentName(line.incident) : ""),
        lineTime(line),
      ),
      h("div", { class: "title" }, line.title),
      line.detail ? h("div", { class: "detail" }, line.detail) : "",
      bar,
      buttons.length && (isChosen || line.urgency < 2) ? h("div", { class: "acts" }, buttons) : "",
    ),
  );
}
export function countBar(fromUs: number, dueUs: number): VNode {
  const part = Math.min(1, Math.max(0, (dueUs - store.nowUs()) / Math.max(1, dueUs - fromUs)));
  return h("div", { class: "count" }, h("i", { style: `width:${(part * 100).toFixed(1)}%` }));
}

export function queuePane(): Child[] {
  const { lines, left } = currentQueue();
  const now = lines.filter((line) => line.urgency === 0).length;
  return [
    h(
      "h2",
      null,
      h("span", null, t("queue.title")),
      h(
        "span",
        { class: "count-all" },
        now ? h("b", { class: "now" }, `${now} ${t("queue.now")}`) : "",
        ` ${lines.length}`,
      ),
    ),
    h(
      "ul",
      {
        key: "lines",
        class: `lines ${canAct("alarm.acknowledge") ? "" : "no-acts"}`,
        role: "listbox",
        "aria-label": t("queue.title"),
      },
      lines.map(row),
      lines.length ? "" : h("li", { key: "empty", class: "empty" }, t("queue.empty")),
    ),
    left.length
      ? h(
          "div",
          { key: "left", class: "left-lines" },
          h("h4", null, t("queue.left")),
          left.map((gone) =>
            h(
              "div",
              { key: gone.line.key, class: "gone" },
              h("s", null, gone.line.title),
              h("small", null, t("queue.gone")),
            ),
          ),
        )
      : "",
  ];
}
/** Keeps the cursor in sight. */
export function showChosen(): void {
  if (ui.queueKey) document.getElementById(`q-${ui.queueKey}`)?.scrollIntoView({ block: "nearest" });
}
