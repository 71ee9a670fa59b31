/** A button for what cannot be taken back: the first press asks, the second one does it. */

import { h } from "./dom.js";
import { t } from "./strings.js";

/**
 * @param {{action: string, label: string, name?: string, question: string, onConfirm: () => void}} parts
 */
export function confirmButton({ action, label, name = label, question, onConfirm }) {
  const root = h("div", { class: "confirm" });
  const ask = h("button", { type: "button", class: "quiet danger", "data-action": action,
    "aria-label": name, onclick: () => open() }, label);
  const yes = h("button", { type: "button", class: "danger solid", "data-action": `${action}-confirm`,
    onclick: onConfirm }, label);
  const no = h("button", { type: "button", class: "quiet", onclick: () => close() }, t("people.cancel"));
  const open = () => {
    root.replaceChildren(h("p", { role: "status" }, question), yes, no);
    no.focus();
  };
  const close = () => {
    root.replaceChildren(ask);
    ask.focus();
  };
  root.append(ask);
  return root;
}
