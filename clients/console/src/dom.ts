// SPDX-License-Identifier: Apache-2.0
// A small view helper: h() describes elements, patch() makes the page match. Text only ever becomes
// text nodes, so nothing that a report says can become markup.

export interface VNode {
  tag: string;
  key: string | number | undefined;
  props: Props;
  children: Child[];
}
export type Child = VNode | string;
export type Children = (VNode | string | number | null | undefined | false | Children)[];
export interface Props {
  key?: string | number;
  class?: string;
  /** Listeners by event name. */
  on?: Record<string, (event: Event) => void>;
  [attribute: string]: unknown;
}

type Owned = HTMLElement & { vnode?: VNode };

export function h(tag: string, props: Props | null, ...children: Children): VNode {
  const flat: Child[] = [];
  flatten(children, flat);
  return { tag, key: props?.key, props: props ?? {}, children: flat };
}

function flatten(children: Children, out: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) flatten(child, out);
    else out.push(typeof child === "number" ? String(child) : child);
  }
}

/** Makes the children of `parent` what `children` says, keeping elements that fit. */
export function patch(parent: Element, children: Child[]): void {
  const keyed = new Map<string | number, Owned>();
  for (const node of parent.childNodes) {
    const key = (node as Owned).vnode?.key;
    if (key !== undefined) keyed.set(key, node as Owned);
  }
  let at: ChildNode | null = parent.firstChild;
  for (const child of children) {
    const found = match(child, at, keyed);
    if (found) {
      if (found === at) at = at.nextSibling;
      else parent.insertBefore(found, at);
      if (typeof child === "string") {
        if (found.nodeValue !== child) found.nodeValue = child;
      } else update(found as Owned, child);
    } else parent.insertBefore(create(child), at);
  }
  while (at) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

function match(child: Child, at: ChildNode | null, keyed: Map<string | number, Owned>): ChildNode | null {
  if (typeof child === "string") return at?.nodeType === Node.TEXT_NODE ? at : null;
  if (child.key !== undefined) {
    const node = keyed.get(child.key);
    return node?.vnode?.tag === child.tag ? node : null;
  }
  const vnode = (at as Owned | null)?.vnode;
  return vnode && vnode.tag === child.tag && vnode.key === undefined ? at : null;
}

function create(child: Child): ChildNode {
  if (typeof child === "string") return document.createTextNode(child);
  const element = document.createElement(child.tag) as Owned;
  update(element, child);
  if (child.props["autofocus"]) queueMicrotask(() => element.focus());
  return element;
}

function update(element: Owned, next: VNode): void {
  const old = element.vnode?.props ?? {};
  for (const name in old) {
    if (!(name in next.props)) set(element, name, old[name], undefined);
  }
  for (const name in next.props) {
    if (old[name] !== next.props[name]) set(element, name, old[name], next.props[name]);
  }
  element.vnode = next;
  if (!next.props["foreign"]) patch(element, next.children);
  // A list can only take its value once it has its options.
  if (next.tag === "select" && document.activeElement !== element)
    set(element, "value", undefined, next.props["value"]);
}

function set(element: Owned, name: string, old: unknown, value: unknown): void {
  if (name === "key" || name === "foreign" || name === "autofocus") return;
  if (name === "on") {
    listen(element, (old ?? {}) as Listeners, (value ?? {}) as Listeners);
  } else if (name === "style") {
    // Set by hand: a page policy without inline styles still allows it.
    element.style.cssText = String(value ?? "");
  } else if (name === "value" && element.tagName !== "OPTION") {
    const field = element as unknown as HTMLInputElement;
    if (field.value !== value) field.value = String(value ?? "");
  } else if (value === undefined || value === null || value === false) {
    element.removeAttribute(name);
    if (name === "disabled") (element as HTMLButtonElement).disabled = false;
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

type Listeners = Record<string, (event: Event) => void>;

function listen(element: Owned, old: Listeners, next: Listeners): void {
  for (const name in old) {
    if (!(name in next)) element.removeEventListener(name, relay);
  }
  for (const name in next) {
    if (!(name in old)) element.addEventListener(name, relay);
  }
}

/** One listener for all: looks up what the element's newest description says. */
function relay(this: HTMLElement, event: Event): void {
  const on = (this as Owned).vnode?.props.on as Listeners | undefined;
  on?.[event.type]?.(event);
}
