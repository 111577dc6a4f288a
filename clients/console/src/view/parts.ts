// SPDX-License-Identifier: Apache-2.0
// Small things that every pane uses.
import { h, type Children, type VNode } from "../dom";
import { canAct, may } from "../ui";

/** A button that shows its key. Absent when the role may not, dead when the data is stale. */
export function action(command: string, text: string, run: () => void, key = "", kind = ""): VNode | null {
  return may(command)
    ? h(
        "button",
        { class: `act ${kind}`, type: "button", disabled: !canAct(command), on: { click: stopThen(run) } },
        h("span", null, text),
        key && h("kbd", null, key),
      )
    : null;
}
export function stopThen(run: () => void): (event: Event) => void {
  return (event) => {
    event.stopPropagation();
    run();
  };
}
export function link(text: string, run: () => void): VNode {
  return h("button", { class: "link", type: "button", on: { click: stopThen(run) } }, text);
}
export function section(name: string, title: string, aside: Children[number], ...children: Children): VNode {
  return h(
    "section",
    { key: name, class: `part part-${name}`, "aria-label": title },
    h("h3", null, h("span", null, title), h("span", { class: "aside" }, aside)),
    children,
  );
}
export function empty(text: string): VNode {
  return h("p", { class: "empty" }, text);
}
export function chip(kind: string, text: string): VNode {
  return h("span", { class: `chip ${kind}` }, text);
}
