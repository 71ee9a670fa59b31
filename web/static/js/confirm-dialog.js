/** Asks whoever opens a link on a second device to confirm that it is theirs. */

import { h } from "./dom.js";
import { JoinProblem } from "./telemed-call.js";
import { t } from "./strings.js";

/**
 * The date of birth or the code that the clinic told. Throws JoinProblem if the person gives up.
 * @param {string} message why the last try did not do, "" at the first
 * @returns {Promise<{birth_date?: string, confirmation?: string}>}
 */
export function confirmed(message) {
  const date = h("input", { id: "confirm-date", type: "date", autocomplete: "bday" });
  const code = h("input", { id: "confirm-code", type: "text", inputmode: "numeric",
    autocomplete: "one-time-code", maxlength: 20 });
  const form = h("form", { method: "dialog", class: "asking" },
    h("h2", { id: "confirm-title" }, t("confirm.title")),
    h("p", {}, t("confirm.text")),
    message !== "" && h("p", { class: "problem", role: "alert" }, message),
    h("label", { for: "confirm-date" }, t("confirm.date")), date,
    h("label", { for: "confirm-code" }, t("confirm.code")), code,
    h("div", { class: "row" },
      h("button", { class: "primary", type: "submit", value: "send" }, t("confirm.send")),
      h("button", { type: "submit", value: "", formnovalidate: true }, t("confirm.cancel"))));
  const dialog = h("dialog", { "aria-labelledby": "confirm-title" }, form);
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "send") return reject(new JoinProblem("confirm_needed", ""));
      resolve({
        ...(date.value !== "" && { birth_date: date.value }),
        ...(code.value.trim() !== "" && { confirmation: code.value.trim() }),
      });
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
