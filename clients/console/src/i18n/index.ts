// SPDX-License-Identifier: Apache-2.0
// Texts by key. A code without a text is shown as it is, so that nothing is hidden.
import { ui } from "../ui";
import { en } from "./en";
import { zh } from "./zh";

export type Values = Record<string, string | number>;

export function t(key: string, values?: Values): string {
  const text = (ui.lang === "zh" ? zh : en)[key];
  if (text === undefined) return key;
  return values ? fill(text, values) : text;
}
/** Text of a code; the code itself, made readable, when there is none. */
export function code(group: string, value: string | undefined): string {
  if (!value) return "";
  return (ui.lang === "zh" ? zh : en)[`${group}.${value}`] ?? value.replaceAll("_", " ");
}
/** The text in the user's language, or the other one. */
export function own(textZh: string | undefined, textEn: string | undefined): string {
  return (ui.lang === "zh" ? textZh || textEn : textEn || textZh) ?? "";
}
/** {name} is a value; [...] is left out when a value inside is empty. */
export function fill(text: string, values: Values): string {
  const value = (name: string): string => String(values[name] ?? "");
  return text.replace(/\[([^\]]*)\]|\{(\w+)\}/g, (_, part: string | undefined, name: string) => {
    if (part === undefined) return value(name);
    const names = [...part.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    if (names.some((inner) => value(inner) === "")) return "";
    return part.replace(/\{(\w+)\}/g, (_whole, inner: string) => value(inner));
  });
}
