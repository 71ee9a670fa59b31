/** Shows what the clinic asks people to agree to before their visit. */

import { h } from "./dom.js";
import { JoinProblem } from "./telemed-call.js";
import { t } from "./strings.js";

/** @typedef {{text_id: string, sha256: string, text: string}} Text */

/**
 * The agreement to exactly these texts. Throws JoinProblem if the person does not agree.
 * @param {Text[]} texts
 * @returns {Promise<{text_id: string, sha256: string}[]>}
 */
export function agreed(texts) {
  const form = h("form", { method: "dialog", class: "asking" },
    h("h2", { id: "consent-title" }, t("consent.title")),
    h("div", { class: "consent-texts", tabindex: 0 }, ...texts.map(({ text }) => h("p", {}, text))),
    h("div", { class: "row" },
      h("button", { class: "primary", type: "submit", value: "agree" }, t("consent.agree")),
      h("button", { type: "submit", value: "" }, t("consent.cancel"))));
  const dialog = h("dialog", { "aria-labelledby": "consent-title" }, form);
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "agree") return reject(new JoinProblem("consent_needed", ""));
      resolve(texts.map(({ text_id, sha256 }) => ({ text_id, sha256 })));
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
