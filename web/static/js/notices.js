/**
 * What the call has to say above the picture: the connection, held-back sound, who waits, quality,
 * what a moderator did. Each notice has one place and goes when its reason goes.
 */

import { h, set, setText } from "./dom.js";
import { icon } from "./icons.js";
import { problemText } from "./problems.js";
import { qualityHint } from "./quality-words.js";
import { Reconnecting } from "./reconnecting.js";
import { Recovery } from "./recovery.js";
import { refusal, t } from "./strings.js";
import { waitingRow } from "./waiting-row.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./moderation.js").Moderation} Moderation */

/** A passing remark can be read in this time. */
const REMARK_MS = 12_000;

export class Notices {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #remarkTimer;

  /**
   * @param {MediaSession} session
   * @param {Moderation} moderation
   * @param {{phone: string, onTap: () => void}} around `phone`: of the clinic, or ""
   * @param {AbortSignal} signal
   */
  constructor(session, moderation, { phone, onTap }, signal) {
    this.session = session;
    this.moderation = moderation;
    this.reconnecting = new Reconnecting(session, phone, signal).root;
    this.sound = h("button", { class: "tap-to-hear", type: "button", "data-action": "sound",
      hidden: true, onclick: onTap }, icon("sound"), h("b", {}, t("notice.tapToHear")),
    h("span", {}, t("notice.tapToHearHint")));
    this.recovery = new Recovery(session, onTap, signal).root;
    this.waiting = h("ul", { class: "rows notice waiting-list", hidden: true });
    this.quality = h("p", { class: "notice", role: "status", hidden: true });
    this.remark = h("p", { class: "notice", role: "status", hidden: true });
    this.sharing = h("div", { class: "notice row sharing", hidden: true }, t("notice.sharing"),
      h("button", { type: "button", class: "quiet", onclick: () => session.local.stopScreen() },
        t("control.stopShare")));
    this.news = h("p", { class: "visually-hidden", "aria-live": "polite" });
    this.root = h("div", { class: "notices" }, this.reconnecting, this.waiting, this.sharing,
      this.quality, this.remark, this.news);
    this.#listen(signal);
  }

  /** @param {boolean} blocked */
  setSoundBlocked(blocked) {
    set(this.sound, "hidden", !blocked);
  }

  /** The people panel shows who waits while it is open. @param {boolean} shownElsewhere */
  showWaiting(shownElsewhere) {
    const waiting = this.session.room?.waiting ?? [];
    const here = shownElsewhere ? [] : waiting;
    this.waiting.replaceChildren(...here.map((person) => waitingRow(person, this.moderation)));
    set(this.waiting, "hidden", here.length === 0);
  }

  /** Says something for a few seconds. @param {string} text */
  say(text) {
    setText(this.remark, text);
    set(this.remark, "hidden", false);
    clearTimeout(this.#remarkTimer);
    this.#remarkTimer = setTimeout(() => set(this.remark, "hidden", true), REMARK_MS);
  }

  /** Says something to those who listen to the page. @param {string} text */
  announce(text) {
    setText(this.news, text);
  }

  /** @param {{code: string, message: string}} failure */
  sayRefused({ code, message }) {
    this.say(t("notice.failed", { reason: refusal(code, message) }));
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { session } = this;
    session.on("quality", () => this.#showQuality(), signal);
    session.on("muted", (source) => this.say(t(`notice.muted.${source}`)), signal);
    session.on("refused", (failure) => this.sayRefused(failure), signal);
    session.local.on("change", () => this.#showSharing(), signal);
    session.local.on("problem", ({ source, problem }) =>
      this.say(source === "screen" ? t("problem.screen") : problemText(source, problem)), signal);
    signal.addEventListener("abort", () => clearTimeout(this.#remarkTimer));
  }

  #showQuality() {
    const { quality, me, room } = this.session;
    const hint = qualityHint(quality, me, room?.participants ?? []);
    setText(this.quality, hint);
    set(this.quality, "hidden", hint === "");
  }

  #showSharing() {
    set(this.sharing, "hidden", !this.session.local.sending.screen);
  }
}
