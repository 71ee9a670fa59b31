/** The calm screens: connecting, the waiting room, and what is said when the call is over. */

import { h } from "./dom.js";
import { endWords } from "./end-words.js";
import { MediaToggles } from "./media-toggles.js";
import { Problems } from "./problems.js";
import { Reconnecting } from "./reconnecting.js";
import { SelfView } from "./self-view.js";
import { t } from "./strings.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */

/** Reasons after which the same link can bring the person back. */
const COMES_BACK = new Set(["left", "replaced", "locked", "room_full", "denied", "token_expired",
  "token_used", "seat_gone", "offline", "problem", "too_many_requests", "bad_message", "too_large"]);

/** Between the button and the server's welcome. */
export function connectingScreen() {
  return h("section", { class: "screen", role: "status" },
    h("div", { class: "card calm" },
      h("div", { class: "breath", "aria-hidden": "true" }),
      h("h1", {}, t("connecting.title")),
      h("p", { class: "lead" }, t("connecting.text"))));
}

/**
 * The waiting room: nobody's name, a picture of oneself, and the promise that it goes on by itself.
 * @param {MediaSession} session
 * @param {string} phone of the clinic, or ""
 * @param {AbortSignal} signal
 */
export function waitingScreen(session, phone, signal) {
  const { local } = session;
  const interrupted = new Reconnecting(session, phone, signal).root;
  const leave = () => void session.leave();
  const toggles = new MediaToggles(local, signal);
  return h("section", { class: "screen waiting" },
    h("div", { class: "card calm" },
      h("div", { class: "breath", "aria-hidden": "true" }),
      h("h1", { tabindex: -1 }, t("waiting.title")),
      h("p", { class: "lead", role: "status" }, t("waiting.text")),
      interrupted,
      !local.onlySound && new SelfView(local, t("waiting.preview"), signal).root,
      new Problems(local, signal).root,
      h("div", { class: "row toggles" }, toggles.microphone.root,
        !local.onlySound && toggles.camera.root),
      h("button", { type: "button", class: "quiet", "data-action": "leave", onclick: leave },
        t("waiting.leave"))));
}

/**
 * The end, whatever it was, with what to do now.
 * @param {{reason: string, message: string, phone: string, onRejoin: (() => void) | null}} ending
 */
export function endScreen({ reason, message, phone, onRejoin }) {
  const { title, text } = endWords({ reason, message, phone });
  const emblem = new URL("../img/icon.svg", import.meta.url).href;
  const again = onRejoin !== null && COMES_BACK.has(reason);
  return h("section", { class: "screen ending", "data-reason": reason },
    h("div", { class: "card calm", role: "status" },
      h("img", { src: emblem, alt: "", width: 56, height: 56 }),
      h("h1", { tabindex: -1 }, title),
      h("p", { class: "lead" }, text),
      again && h("button", { class: "primary", type: "button", "data-action": "rejoin",
        onclick: onRejoin ?? undefined }, t(reason === "replaced" ? "end.useHere" : "end.rejoin"))));
}
