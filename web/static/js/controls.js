/** The bar of round buttons under the call. */

import { h } from "./dom.js";
import { MediaToggles } from "./media-toggles.js";
import { t } from "./strings.js";
import { Toggle } from "./toggle.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {{chat: () => void, people: () => void, devices: () => void, leave: () => void}} Actions */
/** @typedef {{chat: boolean, people: boolean, devices: boolean, unread: number}} Panels */

export class Controls {
  /** @type {Panels} */ #panels = { chat: false, people: false, devices: false, unread: 0 };

  /** @param {MediaSession} session @param {Actions} actions @param {AbortSignal} signal */
  constructor(session, actions, signal) {
    this.session = session;
    this.media = new MediaToggles(session.local, signal);
    this.screen = new Toggle("screen", () => this.#toggleScreen());
    this.chat = new Toggle("chat", actions.chat);
    this.people = new Toggle("people", actions.people);
    this.devices = new Toggle("devices", actions.devices);
    this.leave = new Toggle("leave", actions.leave);
    this.root = h("div", { class: "controls", role: "toolbar", "aria-label": t("call.toolbar") },
      ...this.#buttons().map(({ root }) => root));
    session.local.on("change", () => this.update(), signal);
    session.on("room", () => this.update(), signal);
    this.update();
  }

  /** @param {Panels} [panels] */
  update(panels = this.#panels) {
    this.#panels = panels;
    const sharing = this.session.local.sending.screen;
    const waiting = this.session.room?.waiting.length ?? 0;
    this.screen.update({ name: "screen", label: t(sharing ? "control.stopShare" : "control.share"),
      alert: sharing });
    this.chat.update({ name: "chat", label: t("control.chat"), key: "C", open: panels.chat,
      badge: panels.unread ? t("control.unread", { count: panels.unread }) : "" });
    this.people.update({ name: "people", label: t("control.people"), open: panels.people,
      badge: waiting ? t("control.waiting", { count: waiting }) : "" });
    this.devices.update({ name: "settings", label: t("control.devices"), open: panels.devices });
    this.leave.update({ name: "leave", label: t("control.leave") });
  }

  #buttons() {
    const { rights, local } = this.session;
    return [
      ...(rights.publish ? [this.media.microphone] : []),
      ...(rights.publish && !rights.only_sound ? [this.media.camera] : []),
      ...(rights.publish && local.canShareScreen ? [this.screen] : []),
      ...(rights.chat ? [this.chat] : []),
      this.people,
      ...(rights.publish ? [this.devices] : []),
      this.leave,
    ];
  }

  #toggleScreen() {
    const { local } = this.session;
    if (local.sending.screen) local.stopScreen();
    else void local.shareScreen();
  }
}
