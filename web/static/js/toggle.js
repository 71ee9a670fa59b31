/** The round buttons of a call: an icon over its words, pressed or not. */

import { h, set, setText } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("./icons.js").IconName} IconName */

/**
 * @typedef {object} Look
 * @property {IconName} name
 * @property {string} label the words under the icon
 * @property {string} [key] keyboard shortcut, for the hint
 * @property {boolean} [alert] something is off that others may expect to be on
 * @property {boolean} [open] the panel that it opens is open
 * @property {string} [badge]
 */

export class Toggle {
  /** @param {string} action @param {() => void} press */
  constructor(action, press) {
    this.drawing = h("span", { class: "toggle-icon" });
    this.label = h("span", { class: "toggle-label" });
    this.badge = h("span", { class: "badge", hidden: true });
    this.root = h("button", { class: "toggle", type: "button", "data-action": action, onclick: press },
      this.drawing, this.label, this.badge);
  }

  /** @param {Look} look */
  update({ name, label, key, alert = false, open, badge = "" }) {
    if (this.root.dataset.icon !== name) this.drawing.replaceChildren(icon(name));
    this.root.dataset.icon = name;
    setText(this.label, label);
    setText(this.badge, badge);
    set(this.badge, "hidden", badge === "");
    set(this.root, "data-alert", alert);
    set(this.root, "title", key ? `${label} (${key})` : label);
    set(this.root, "aria-keyshortcuts", key?.toLowerCase());
    set(this.root, "aria-expanded", open === undefined ? null : String(open));
  }
}
