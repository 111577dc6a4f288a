// SPDX-License-Identifier: Apache-2.0
// What can be done with a line of the queue at once; F does the first of the chosen line, V the second.
import * as actions from "./actions";
import { t } from "./i18n";
import type { QueueLine } from "./queue";
import { store } from "./store";

export interface Deed {
  command: string;
  text: string;
  run: () => void;
  /** A key of its own. */
  key?: string;
}

export function deedsOf(line: QueueLine): Deed[] {
  const id = line.id;
  switch (line.kind) {
    case "alarm":
      return [
        { command: "alarm.acknowledge", text: t("act.ack"), run: () => actions.acknowledge(id), key: "A" },
      ];
    case "question":
      return [
        { command: "question.answer", text: t("act.yes"), run: () => actions.answer(id, true), key: "Y" },
        { command: "question.answer", text: t("act.no"), run: () => actions.answer(id, false), key: "N" },
      ];
    case "report":
      return [{ command: "incident.open", text: t("act.open"), run: () => actions.openFrom(id), key: "O" }];
    case "proposal":
      return [
        { command: "report.join", text: t("act.join"), run: () => actions.join(id, line.incident), key: "J" },
        { command: "incident.open", text: t("act.open"), run: () => actions.openFrom(id), key: "O" },
      ];
    case "order":
      return [
        { command: "order.resend", text: t("act.resend"), run: () => actions.resend(id) },
        { command: "order.record", text: t("act.voice"), run: () => actions.acceptByVoice(id) },
      ];
    case "clock":
      return [{ command: "clock.stop", text: t("act.stop_clock"), run: () => actions.stopClock(id) }];
    case "response": {
      const level = store.find("incident", id)?.response_proposed ?? "";
      return [
        {
          command: "response.start",
          text: t("act.start_response"),
          run: () => actions.startResponse(id, level),
        },
      ];
    }
    case "incident":
      return [{ command: "incident.claim", text: t("act.claim"), run: () => actions.claim(id) }];
    default:
      return [];
  }
}
