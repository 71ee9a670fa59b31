/**
 * A phone that rings or shows something else takes microphone, camera and sound away from the page. The
 * others are told so; most of it comes back by itself, and what does not is one tap away, because
 * browsers give devices and sound back only to a tap.
 */

import { h, set } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./strings.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./messages.js").Activity} Activity */

/** Devices that a phone gives back by itself are back by then. */
export const BY_ITSELF_MS = 1500;

/**
 * What the others should know. A hidden page on a computer still hears and speaks, so it is active.
 * @param {{hidden: boolean, handheld: boolean, microphoneHeld: boolean}} page
 * @returns {Activity}
 */
export function activityOf({ hidden, handheld, microphoneHeld }) {
  if (microphoneHeld) return "interrupted";
  return hidden && handheld ? "background" : "active";
}

export class Recovery {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {MediaSession} session @param {() => void} playAll @param {AbortSignal} signal */
  constructor(session, playAll, signal) {
    this.session = session;
    this.root = h("button", { class: "tap-to-hear", type: "button", "data-action": "continue",
      hidden: true, onclick: () => void this.#tapped(playAll) }, icon("sound"),
    h("b", {}, t("notice.tapToContinue")), h("span", {}, t("notice.tapToContinueHint")));
    session.local.on("held", () => this.#changed(), signal);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) playAll(); // the system may have paused what was playing
      this.#changed();
    }, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
    this.#changed();
  }

  #changed() {
    const { held } = this.session.local;
    const handheld = matchMedia("(hover: none) and (pointer: coarse)").matches;
    this.session.setActivity(activityOf({ hidden: document.hidden, handheld,
      microphoneHeld: held.microphone }));
    clearTimeout(this.#timer);
    const needed = (held.microphone || held.camera) && !document.hidden;
    if (needed) this.#timer = setTimeout(() => set(this.root, "hidden", false), BY_ITSELF_MS);
    else set(this.root, "hidden", true);
  }

  /** @param {() => void} playAll */
  async #tapped(playAll) {
    set(this.root, "hidden", true);
    playAll();
    await this.session.local.resume();
    this.#changed();
  }
}
