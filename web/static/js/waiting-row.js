/** One person in the waiting room, as a moderator sees them: name, Admit, Deny. */

import { h } from "./dom.js";
import { t } from "./strings.js";

/**
 * @param {import("./messages.js").WaitingPerson} person
 * @param {import("./moderation.js").Moderation} moderation
 */
export function waitingRow({ id, name, connected }, moderation) {
  return h("li", { class: "row person waiting-person", "data-waiting": id },
    h("div", { class: "who" }, h("b", {}, t("people.isWaiting", { name })),
      !connected && h("p", { class: "hint" }, t("people.away"))),
    h("div", { class: "row actions" },
      h("button", { type: "button", class: "quiet", "data-action": "deny",
        "aria-label": t("people.denyName", { name }), onclick: () => moderation.deny(id) },
      t("people.deny")),
      h("button", { type: "button", class: "primary", "data-action": "admit",
        "aria-label": t("people.admitName", { name }), onclick: () => moderation.admit(id) },
      t("people.admit"))));
}
