/** Asks a moderator who leaves what becomes of the visit: others would wait for an end that never comes. */

import { h } from "./dom.js";
import { t } from "./strings.js";

/** @typedef {"end" | "leave" | "stay"} Leaving */

/**
 * The choice; closing the dialog, or the end of the call meanwhile, is "stay".
 * @param {AbortSignal} signal the call's own end
 * @returns {Promise<Leaving>}
 */
export function askHowToLeave(signal) {
  const dialog = h("dialog", { "aria-labelledby": "leave-title" },
    h("form", { method: "dialog", class: "asking" },
      h("h2", { id: "leave-title" }, t("leaving.title")),
      h("p", {}, t("leaving.text")),
      choice("end", t("leaving.end"), "danger"),
      choice("leave", t("leaving.leave"), ""),
      choice("stay", t("leaving.stay"), "")));
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "end" || dialog.returnValue === "leave"
        ? dialog.returnValue : "stay");
    });
    signal.addEventListener("abort", () => dialog.close("stay"), { once: true });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {Leaving} value @param {string} text @param {string} look */
function choice(value, text, look) {
  return h("button", { type: "submit", value, class: look, "data-action": `leave-${value}`,
    autofocus: value === "stay" }, text);
}
