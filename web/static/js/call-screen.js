/** The call itself: stage, own picture, notices, controls and at most one open panel. */

import { ChatPanel } from "./chat-panel.js";
import { Controls } from "./controls.js";
import { DevicePicker, pickerTitle } from "./device-picker.js";
import { h, set } from "./dom.js";
import { icon } from "./icons.js";
import { Moderation } from "./moderation.js";
import { Notices } from "./notices.js";
import { PeoplePanel } from "./people-panel.js";
import { SelfView } from "./self-view.js";
import { listenForShortcuts } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { t } from "./strings.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {"chat" | "people" | "devices"} PanelName */
/** @typedef {{phone: string, leave: () => void}} Surroundings `phone`: of the clinic, or "" */

export class CallScreen {
  /** @type {Map<string, string>} names of those who were here, to tell who came and went */
  #here = new Map();

  /** @param {MediaSession} session @param {Surroundings} around @param {AbortSignal} signal */
  constructor(session, { phone, leave }, signal) {
    this.session = session;
    const close = () => this.#toggle(null);
    this.moderation = new Moderation(session.signaling,
      (failure) => this.notices.sayRefused(failure));
    const onTap = () => this.stage.playAll();
    this.notices = new Notices(session, this.moderation, { phone, onTap }, signal);
    this.stage = new Stage(session, phone, (blocked) => this.notices.setSoundBlocked(blocked),
      signal);
    this.chat = new ChatPanel(session, () => this.#showPanels(), close, signal);
    this.people = new PeoplePanel(session, this.moderation, close, signal);
    this.devices = this.#devicesPanel(close, signal);
    this.self = new SelfView(session.local, t("call.self"), signal);
    this.controls = new Controls(session, {
      chat: () => this.#toggle("chat"),
      people: () => this.#toggle("people"),
      devices: () => this.#toggle("devices"),
      leave,
    }, signal);
    this.root = this.#layout();
    this.#listen(signal);
    void this.#shareExperience(signal);
  }

  /**
   * Not needed to begin a call, so it is loaded afterwards; without it the call goes on.
   * @param {AbortSignal} signal
   */
  async #shareExperience(signal) {
    const loaded = await import("./experience.js").catch(() => null);
    if (loaded === null) return;
    const around = { page: this.root, notices: this.notices.root,
      playAll: () => this.stage.playAll(), openDevices: () => this.devices.hidden && this.#toggle("devices") };
    loaded.shareExperience(this.session, around, signal);
  }

  #layout() {
    set(this.self.root, "data-participant", this.session.me);
    const { publish, only_sound: onlySound } = this.session.rights;
    set(this.self.root, "hidden", !publish || onlySound);
    return h("section", { class: "call" },
      h("h1", { class: "visually-hidden" }, t("call.title")),
      h("div", { class: "view" }, this.stage.root, this.self.root, this.notices.sound,
        this.notices.recovery, this.notices.root),
      this.chat.root, this.people.root, this.devices, this.controls.root);
  }

  /** @param {() => void} close @param {AbortSignal} signal */
  #devicesPanel(close, signal) {
    const title = pickerTitle(this.session.local);
    const picker = new DevicePicker(this.session.local, (id) => this.stage.useSpeaker(id), signal);
    return h("aside", { class: "panel", "aria-label": title, hidden: true },
      h("header", { class: "panel-head" }, h("h2", {}, title),
        h("button", { type: "button", class: "quiet square", "aria-label": t("panel.close"),
          onclick: close }, icon("close"))),
      picker.root);
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.session.on("room", () => this.#roomChanged(), signal);
    this.session.chat.on("change", (message) => {
      if (message && message.participant !== this.session.me) {
        this.notices.announce(t("chat.from", { name: message.name, text: message.text }));
      }
    }, signal);
    const { rights } = this.session;
    listenForShortcuts({
      ...(rights.publish && {
        m: () => this.controls.media.toggleMicrophone(),
        v: () => this.controls.media.toggleCamera(),
      }),
      ...(rights.chat && { c: () => this.#toggle("chat") }),
      escape: () => this.#toggle(null),
    }, signal);
  }

  #roomChanged() {
    this.notices.showWaiting(this.people.open);
    const people = this.session.room?.participants ?? [];
    const now = new Map(people.map(({ id, name }) => [id, name]));
    const first = this.#here.size === 0;
    for (const [id, name] of now) {
      if (!first && !this.#here.has(id)) this.notices.announce(t("call.joined", { name }));
    }
    for (const [id, name] of this.#here) {
      if (!now.has(id)) this.notices.announce(t("call.left", { name }));
    }
    this.#here = now;
  }

  /**
   * Opens this panel, or closes it where it is open; the others close.
   * @param {PanelName | null} name
   */
  #toggle(name) {
    const chat = name === "chat" && !this.chat.open;
    const people = name === "people" && !this.people.open;
    const devices = name === "devices" && this.devices.hidden;
    this.#returnFocus();
    this.chat.setOpen(chat);
    this.people.setOpen(people);
    set(this.devices, "hidden", !devices);
    if (devices) this.devices.querySelector("button")?.focus({ preventScroll: true });
    set(this.root, "data-panel", chat || people || devices);
    this.notices.showWaiting(people);
    this.#showPanels();
  }

  /** A panel that closes hands the focus back to the button that opened it. */
  #returnFocus() {
    const { controls } = this;
    const inside = (/** @type {HTMLElement} */ panel) => panel.contains(document.activeElement);
    if (inside(this.chat.root)) controls.chat.root.focus();
    if (inside(this.people.root)) controls.people.root.focus();
    if (inside(this.devices)) controls.devices.root.focus();
  }

  #showPanels() {
    this.controls.update({
      chat: this.chat.open,
      people: this.people.open,
      devices: !this.devices.hidden,
      unread: this.chat.unread,
    });
  }
}
