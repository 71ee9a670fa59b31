/**
 * What a person reads while the connection is interrupted, rung by rung: first that nothing needs to be
 * done, then what may help, then whom to call. Nothing here ends the tries; they go on.
 */

import { h, set, setText } from "./dom.js";
import { t } from "./strings.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */

/** Most interruptions are over by then; until then a button would only worry. */
export const LONG_MS = 6000;
/** Whoever is away for so long may have to do without the visit. */
export const CALL_MS = 40_000;
const TICK_MS = 1000;

/**
 * @param {{sinceMs: number, online: boolean, phone: string}} now `phone`: of the clinic, or ""
 * @returns {{text: string, mayTry: boolean}}
 */
export function reconnectingWords({ sinceMs, online, phone }) {
  if (!online) return { text: t("notice.offline"), mayTry: true };
  if (sinceMs < LONG_MS) return { text: t("notice.reconnecting"), mayTry: false };
  if (sinceMs < CALL_MS || !phone) return { text: t("notice.reconnectingLong"), mayTry: true };
  return { text: t("notice.reconnectingPhone", { phone }), mayTry: true };
}

export class Reconnecting {
  #since = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {MediaSession} session @param {string} phone @param {AbortSignal} signal */
  constructor(session, phone, signal) {
    this.session = session;
    this.phone = phone;
    this.text = h("span", { role: "alert" });
    this.again = h("button", { type: "button", class: "quiet", "data-action": "try-now", hidden: true,
      onclick: () => session.tryNow() }, t("notice.tryNow"));
    this.root = h("div", { class: "notice warn row reconnecting", hidden: true }, this.text, this.again);
    session.on("state", () => this.#update(), signal);
    for (const type of ["online", "offline"]) {
      addEventListener(type, () => this.#update(), { signal });
    }
    signal.addEventListener("abort", () => clearInterval(this.#timer));
    this.#update();
  }

  #update() {
    const away = this.session.reconnecting;
    set(this.root, "hidden", !away);
    if (!away) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      setText(this.text, "");
      return;
    }
    if (this.#timer === undefined) {
      this.#since = performance.now();
      this.#timer = setInterval(() => this.#show(), TICK_MS);
    }
    this.#show();
  }

  #show() {
    const { text, mayTry } = reconnectingWords({ sinceMs: performance.now() - this.#since,
      online: navigator.onLine, phone: this.phone });
    setText(this.text, text);
    set(this.again, "hidden", !mayTry);
  }
}
