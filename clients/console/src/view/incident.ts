// SPDX-License-Identifier: Apache-2.0
// Right pane: the incident in hand, from what was said to what came of the orders.
import * as actions from "../actions";
import { h, type Child, type Children, type VNode } from "../dom";
import { age, countdown, when } from "../format";
import { code, own, t } from "../i18n";
import { ENUMS, type IncidentItem } from "../model";
import { alarmName, incidentName, incidentTitle, placeOf, planName, typeName, waitWords } from "../names";
import { openCommand } from "../keys";
import { store } from "../store";
import { canAct, may, ui } from "../ui";
import { assignmentsPart, ordersPart } from "./orders";
import { notesPart, reportsPart } from "./reports";
import { recommendationPart } from "./recommendation";
import { action, chip, empty, link, section } from "./parts";
import { countBar } from "./queue";

function header(incident: IncidentItem): VNode {
  const state = incident.state ?? "open";
  const grade = incident.grade ?? "none";
  return h(
    "header",
    { key: "header", class: `incident-head g-${grade}` },
    h(
      "div",
      { class: "row1" },
      gradeBox(incident, grade),
      h("b", { class: "number" }, incident.number ?? `#${incident.id}`),
      h("span", { class: "type" }, typeName(incident.type)),
      chip(`state s-${state}`, code("incident_state", state)),
    ),
    h("h2", { class: "title" }, incidentTitle(incident)),
    h(
      "dl",
      null,
      h("dt", null, t("incident.place")),
      h("dd", null, placeOf(incident) || t("incident.place_unknown")),
      h("dt", null, t("incident.opened")),
      h("dd", null, `${when(incident.opened_us)} · ${age(incident.opened_us)}`),
      h("dt", null, t("incident.claimed")),
      h("dd", null, incident.claimed_by || t("incident.claimed_nobody")),
      h("dt", null, t("incident.response")),
      h("dd", null, responseText(incident)),
      incident.links?.length
        ? [
            h("dt", null, t("incident.links")),
            h(
              "dd",
              null,
              incident.links.map((id) => link(incidentName(id), () => ui.openIncident(id))),
            ),
          ]
        : "",
      incident.disposition
        ? [h("dt", null, t("incident.disposition")), h("dd", null, incident.disposition)]
        : "",
    ),
    mergeLines(incident),
    headActions(incident, state),
  );
}
/** The grade; for those who may, a list to correct it. */
function gradeBox(incident: IncidentItem, grade: string): VNode {
  const word = (item: string): string => (item === "none" ? "–" : item.toUpperCase());
  if (!may("incident.set_grade") || (incident.state ?? "open") !== "open")
    return h("span", { class: `grade g-${grade}` }, word(grade));
  return h(
    "select",
    {
      class: `grade g-${grade}`,
      "aria-label": t("incidents.grade"),
      title: code("grade", grade),
      value: grade,
      disabled: !canAct("incident.set_grade"),
      on: {
        change: (event) => {
          const field = event.target as HTMLSelectElement;
          actions.setGrade(incident.id, field.value);
          field.value = grade;
          field.blur();
        },
      },
    },
    ENUMS.grade.map((item) =>
      h("option", { value: item }, item === grade ? word(item) : code("grade", item)),
    ),
  );
}
function responseText(incident: IncidentItem): Children {
  const inForce = incident.response;
  const proposed = incident.response_proposed !== inForce ? incident.response_proposed : "";
  return [
    inForce ? h("b", null, inForce) : t("incident.response_none"),
    proposed
      ? h(
          "span",
          { class: "proposed", title: own(incident.response_why_zh, incident.response_why_en) },
          ` · ${t("incident.response_proposed", { level: proposed })}`,
          h("small", null, ` ${own(incident.response_why_zh, incident.response_why_en)}`),
        )
      : "",
    proposed
      ? action("response.start", t("act.start_response"), () => actions.startResponse(incident.id, proposed))
      : null,
    inForce
      ? action("response.start", t("act.end_response"), () => actions.startResponse(incident.id, ""))
      : null,
  ];
}
function mergeLines(incident: IncidentItem): Children {
  const into = incident.merged_into;
  const absorbed = store
    .all("incident")
    .filter((other) => other.merged_into === incident.id && other.state === "merged");
  return [
    into && incident.state === "merged"
      ? h(
          "p",
          { class: "merged" },
          link(t("incident.merged_into", { number: incidentName(into) }), () => ui.openIncident(into)),
          action("incident.unmerge", t("act.unmerge"), () => actions.unmerge(incident.id)),
        )
      : "",
    absorbed.map((other) =>
      h(
        "p",
        { key: `m${other.id}`, class: "merged" },
        link(t("incident.absorbed", { number: `${other.number ?? ""} ${incidentTitle(other)}` }), () =>
          ui.openIncident(other.id),
        ),
        action("incident.unmerge", t("act.unmerge"), () => actions.unmerge(other.id)),
      ),
    ),
  ];
}
function headActions(incident: IncidentItem, state: string): VNode {
  const isMine = incident.claimed_by === store.hello?.user;
  return h(
    "div",
    { class: "acts" },
    state === "open"
      ? [
          action(
            "incident.claim",
            t(isMine ? "act.release" : "act.claim"),
            () => actions.claim(incident.id),
            "C",
          ),
          action("incident.note", t("act.note"), () => actions.note(incident.id), "T"),
          action("incident.merge", t("act.merge"), () => openCommand("merge ")),
          action("road.close", t("act.road_close"), () => actions.closeRoad(incident.id, 300, "")),
          action("incident.close", t("act.close"), () => actions.close(incident.id), "X"),
        ]
      : action("incident.reopen", t("act.reopen"), () => actions.reopen(incident.id)),
  );
}

function clocksAndAlarms(incident: IncidentItem): Children {
  const clocks = store.all("clock").filter((item) => item.incident === incident.id);
  const alarms = store.all("alarm").filter((item) => item.incident === incident.id);
  const closures = store.all("closure").filter((item) => item.incident === incident.id);
  return [
    clocks.length
      ? h(
          "ul",
          { key: "clocks", class: "strip" },
          clocks.map((item) => {
            const isOver = item.ran_out || (item.due_us ?? 0) < store.nowUs();
            return h(
              "li",
              { key: item.id, class: isOver ? "over" : "" },
              code("clock", item.name),
              h("b", null, countdown(item.due_us ?? 0)),
              action("clock.stop", t("act.stop_clock"), () => actions.stopClock(item.id)),
            );
          }),
        )
      : "",
    closures.length
      ? h(
          "ul",
          { key: "closures", class: "strip" },
          closures.map((closure) =>
            h(
              "li",
              { key: closure.id },
              h(
                "span",
                null,
                `⊖ ${t("incident.closure", { n: closure.radius_m ?? 0 })} ${closure.why ?? ""}`,
              ),
              h("small", null, `${age(closure.closed_us)} · ${closure.by ?? ""}`),
              action("road.open", t("act.road_open"), () => actions.openRoad(closure.id)),
            ),
          ),
        )
      : "",
    alarms.length
      ? h(
          "ul",
          { key: "alarms", class: "strip" },
          alarms.map((alarm) => {
            const isRaised = alarm.state !== "cleared";
            return h(
              "li",
              { key: alarm.id, class: isRaised ? `alarm l-${alarm.level}` : "past" },
              h(
                "span",
                null,
                `${isRaised ? "▲ " : ""}${alarmName(alarm)} · ${code("alarm_level", alarm.level)}`,
              ),
              h("small", null, isRaised ? age(alarm.raised_us) : code("alarm_state", "cleared")),
              alarm.acknowledged_by
                ? h("small", null, `✓ ${alarm.acknowledged_by}`)
                : isRaised
                  ? action("alarm.acknowledge", t("act.ack"), () => actions.acknowledge(alarm.id), "A")
                  : null,
              isRaised && alarm.evidence ? h("small", { class: "wide" }, alarm.evidence) : "",
              isRaised ? action("alarm.clear", t("act.clear"), () => actions.clearAlarm(alarm.id)) : null,
            );
          }),
        )
      : "",
  ];
}

/** Live plans that do not run on it yet. */
function planStart(incident: IncidentItem): Children {
  if ((incident.state ?? "open") !== "open") return [];
  const running = new Set(
    store
      .all("run")
      .filter((run) => run.incident === incident.id && !run.is_ended)
      .map((run) => run.plan),
  );
  const live = store
    .all("plan")
    .filter((plan) => plan.is_live && !running.has(plan.plan))
    .slice(0, 3);
  return live.map((plan) =>
    action("run.start", `▸ ${planName(plan.plan)}`, () => actions.startPlan(plan.plan ?? "", incident.id)),
  );
}
function planPart(incident: IncidentItem): VNode {
  const runs = store.all("run").filter((run) => run.incident === incident.id);
  const questions = store.all("question").filter((question) => question.incident === incident.id);
  return section(
    "plan",
    t("incident.plan"),
    planStart(incident),
    runs.length || questions.length ? "" : empty(t("incident.no_plan")),
    runs.map((run) =>
      h(
        "div",
        { key: run.id, class: "run" },
        h(
          "div",
          { class: "row" },
          h("b", null, planName(run.plan)),
          h("small", null, `v${run.version ?? 0} · ${when(run.started_us)}`),
          run.is_ended
            ? chip(`run-${run.outcome ?? "finished"}`, code("run_outcome", run.outcome ?? "finished"))
            : action("run.stop", t("act.stop_run"), () => actions.stopRun(run.id)),
        ),
        run.is_ended
          ? run.why
            ? h("p", { class: "why" }, run.why)
            : ""
          : run.waits_for
            ? h("p", { class: "waits" }, t("incident.waits_for", { what: waitWords(run.waits_for) }))
            : "",
      ),
    ),
    questions
      .sort((a, b) => Number(!!a.answer) - Number(!!b.answer) || b.id - a.id)
      .slice(0, 6)
      .map((question) =>
        question.answer
          ? h(
              "div",
              { key: question.id, class: "question past" },
              own(question.text_zh, question.text_en),
              " ",
              h("b", null, code("answer", question.answer)),
              h("small", null, question.answered_by ? ` ${question.answered_by}` : ""),
            )
          : h(
              "div",
              { key: question.id, class: "question" },
              h("p", null, own(question.text_zh, question.text_en)),
              question.due_us ? countBar(question.asked_us ?? 0, question.due_us) : "",
              h(
                "div",
                { class: "row" },
                question.due_us ? h("b", { class: "due" }, countdown(question.due_us)) : "",
                h(
                  "small",
                  null,
                  t("queue.default", { answer: code("answer", question.default_answer) }),
                  ` · ${code("role", question.role)}`,
                ),
                h(
                  "span",
                  { class: "acts" },
                  action(
                    "question.answer",
                    t("act.yes"),
                    () => actions.answer(question.id, true),
                    "Y",
                    "yes",
                  ),
                  action("question.answer", t("act.no"), () => actions.answer(question.id, false), "N"),
                ),
              ),
            ),
      ),
  );
}

export function incidentPane(): Child[] {
  const incident = store.find("incident", ui.incident);
  if (!incident) return [h("div", { key: "none", class: "none" }, empty(t("incident.none")))];
  return [
    header(incident),
    h(
      "div",
      { key: `body${incident.id}`, class: "incident-body" },
      clocksAndAlarms(incident),
      planPart(incident),
      recommendationPart(incident),
      ordersPart(incident),
      assignmentsPart(incident),
      reportsPart(incident),
      notesPart(incident),
    ),
  ];
}
