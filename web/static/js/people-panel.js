/** Who is here, and for moderators who waits, with what they may do about it. */

import { confirmButton } from "./confirm-button.js";
import { h, set } from "./dom.js";
import { icon } from "./icons.js";
import { keyOr, t } from "./strings.js";
import { waitingRow } from "./waiting-row.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./messages.js").Participant} Participant */
/** @typedef {import("./moderation.js").Moderation} Moderation */

export class PeoplePanel {
  /**
   * @param {MediaSession} session
   * @param {Moderation} moderation
   * @param {() => void} onClose
   * @param {AbortSignal} signal
   */
  constructor(session, moderation, onClose, signal) {
    this.session = session;
    this.moderation = moderation;
    this.body = h("div", { class: "people" });
    this.root = h("aside", { class: "panel", "aria-label": t("people.title"), hidden: true },
      h("header", { class: "panel-head" }, h("h2", {}, t("people.title")),
        h("button", { type: "button", class: "quiet square", "aria-label": t("panel.close"),
          onclick: onClose }, icon("close"))),
      this.body);
    session.on("room", () => this.#render(), signal);
  }

  get open() {
    return !this.root.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    set(this.root, "hidden", !open);
    this.#render();
    if (open) this.root.querySelector("button")?.focus({ preventScroll: true });
  }

  /** The rows exist only while the panel is open, so that each action is on the page once. */
  #render() {
    const { room, rights } = this.session;
    // A row that asks "are you sure?" stays; the next snapshot comes soon enough.
    if (this.open && this.body.querySelector("[data-action$='-confirm']")) return;
    if (!this.open || !room) return this.body.replaceChildren();
    const { waiting, participants } = room;
    this.body.replaceChildren(
      ...(waiting.length ? [h("h3", {}, t("people.waiting"))] : []),
      h("ul", { class: "rows" }, ...waiting.map((person) => waitingRow(person, this.moderation))),
      h("h3", {}, t("people.here")),
      h("ul", { class: "rows" }, ...participants.map((person) => this.#row(person))),
      ...(rights.moderate ? [this.#roomActions(room.locked)] : []));
  }

  /** @param {Participant} person */
  #row(person) {
    const me = person.id === this.session.me;
    const role = t(keyOr(`role.${person.role}`, "role.guest"));
    const detail = person.connected ? role : t("people.away");
    return h("li", { class: "row person" },
      h("div", { class: "who" }, h("b", {}, person.name), me && ` (${t("call.you")})`,
        h("p", { class: "hint" }, detail)),
      !person.microphone && h("span", { role: "img", "aria-label": t("call.micOff") }, icon("micOff")),
      !me && this.session.rights.moderate && this.#actions(person));
  }

  /** @param {Participant} person */
  #actions(person) {
    const { id, name } = person;
    return h("div", { class: "row actions" },
      person.microphone && h("button", { type: "button", class: "quiet", "data-action": "mute",
        "aria-label": t("people.muteName", { name }), onclick: () => this.moderation.mute(id) },
      t("people.mute")),
      confirmButton({ action: "remove", label: t("people.remove"), name: t("people.removeName", { name }),
        question: t("people.removeQuestion", { name }), onConfirm: () => this.moderation.remove(id) }));
  }

  /** @param {boolean} locked */
  #roomActions(locked) {
    return h("div", { class: "room-actions" },
      locked && h("p", { class: "hint" }, t("people.locked")),
      h("button", { type: "button", class: "quiet", "data-action": "lock", "aria-pressed": String(locked),
        onclick: () => this.moderation.lock(!locked) },
      icon("lock"), t(locked ? "people.unlock" : "people.lock")),
      confirmButton({ action: "end", label: t("people.end"), question: t("people.endQuestion"),
        onConfirm: () => this.moderation.end() }));
  }
}
