// SPDX-License-Identifier: Apache-2.0
// What was said about the incident in hand, and what was noted.
import * as actions from "../actions";
import { h, type VNode } from "../dom";
import { when } from "../format";
import { code, own, t } from "../i18n";
import type { IncidentItem } from "../model";
import { codes, placeOf, typeName } from "../names";
import { store } from "../store";
import { may } from "../ui";
import { action, chip, empty, section } from "./parts";

export function reportsPart(incident: IncidentItem): VNode {
  const reports = store
    .all("report")
    .filter(
      (report) => report.incident === incident.id || (!report.incident && report.proposed === incident.id),
    )
    .sort((a, b) => b.id - a.id);
  return section(
    "reports",
    t("incident.reports"),
    String(reports.length),
    reports.length ? "" : empty(t("incident.no_reports")),
    reports.slice(0, 40).map((report) => {
      const isJoined = report.incident === incident.id;
      return h(
        "article",
        { key: report.id, class: isJoined ? "report" : "report proposed" },
        h(
          "div",
          { class: "row" },
          chip("channel", code("report_channel", report.channel)),
          h("time", null, when(report.received_us)),
          h("small", null, typeName(report.type)),
          isJoined ? "" : chip("maybe", t("reports.proposed", { score: report.score ?? 0 })),
          h(
            "span",
            { class: "acts" },
            isJoined
              ? reports.length > 1
                ? action("report.leave", t("act.leave"), () => actions.leave(report.id, incident.id))
                : null
              : [
                  action("report.join", t("act.join"), () => actions.join(report.id, incident.id), "J"),
                  action("incident.open", t("act.open"), () => actions.openFrom(report.id), "O"),
                ],
          ),
        ),
        h("p", { class: "said" }, report.text ?? ""),
        h(
          "small",
          { class: "from" },
          [
            placeOf(report),
            report.reasons?.length ? codes("reason", report.reasons) : "",
            [report.caller_name, report.caller_phone].filter(Boolean).join(" "),
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      );
    }),
  );
}

export function notesPart(incident: IncidentItem): VNode {
  const notes = store.log
    .filter((fact) => fact.kind === "incident.noted" && fact.subject === incident.id)
    .slice(-20)
    .reverse();
  return section(
    "notes",
    t("incident.notes"),
    may("incident.note") ? action("incident.note", t("act.note"), () => actions.note(incident.id), "T") : "",
    notes.length ? "" : empty(t("incident.no_notes")),
    notes.map((fact) =>
      h(
        "p",
        { key: fact.seq, class: "note" },
        h("time", null, when(fact.at)),
        h("b", null, String(fact.body?.["by"] ?? "")),
        " ",
        own(fact.body?.["text"] as string, fact.body?.["text_en"] as string),
      ),
    ),
  );
}
