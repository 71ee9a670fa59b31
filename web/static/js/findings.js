/**
 * Says who cannot hear or see whom, and what to do: at the person who can mend it with a tap, at the
 * others in a plain sentence. Loaded once the call has begun, with its own words.
 */

import { h, set, setText } from "./dom.js";

/** @typedef {import("./messages.js").Finding} Finding */
/** @typedef {"devices" | "sound"} Remedy */
/** @typedef {{text: string, remedy: Remedy | null}} Said */

const WORDS = {
  microphone_silent: {
    own: "Your microphone gives no sound, so nobody hears you. Is it switched off at the headset or the cable? Otherwise choose another one.",
    other: "{name} cannot be heard: the microphone gives no sound. We have told {name} how to mend it.",
  },
  camera_black: {
    own: "Your camera shows only black. Is it covered, or the room dark? Otherwise choose another one.",
    other: "{name} cannot be seen: the camera shows only black. We have told {name} how to mend it.",
  },
  speaker_blocked: {
    own: "Your browser holds the sound back. Tap to hear the others.",
    other: "{name} cannot hear you yet: a tap is needed there. We have told {name} how to mend it.",
  },
  not_heard_by: {
    own: "{by} cannot hear you: your sound does not arrive there. The chat works.",
    by: "You cannot hear {name}: the sound does not arrive here. The chat works.",
    other: "{by} cannot hear {name}: the sound does not arrive there.",
  },
  not_seen_by: {
    own: "{by} cannot see you: your picture does not arrive there. The sound goes on.",
    by: "You cannot see {name}: the picture does not arrive here. The sound goes on.",
    other: "{by} cannot see {name}: the picture does not arrive there.",
  },
};
/** @type {{[kind in Finding["kind"]]?: Remedy}} */
const REMEDIES = { microphone_silent: "devices", camera_black: "devices", speaker_blocked: "sound" };
const BUTTONS = { devices: "Choose another device", sound: "Tap to hear" };
/** What cannot wait comes first: being heard, then being seen. */
const ORDER = ["microphone_silent", "speaker_blocked", "not_heard_by", "camera_black", "not_seen_by"];

/**
 * The one finding that this person should read now, in words; null where there is nothing.
 * @param {Finding[]} findings
 * @param {string} me
 * @param {Map<string, string>} names by participant
 * @returns {Said | null}
 */
export function said(findings, me, names) {
  const rank = (/** @type {Finding} */ one) =>
    ORDER.indexOf(one.kind) + (one.participant === me || one.by === me ? 0 : ORDER.length);
  const known = findings.filter(({ participant, by }) =>
    names.has(participant) && (by === null || names.has(by)));
  const [first] = known.sort((a, b) => rank(a) - rank(b));
  if (!first) return null;
  const own = first.participant === me;
  /** @type {{own: string, other: string, by?: string}} */
  const words = WORDS[first.kind];
  const sentence = own ? words.own : first.by === me && words.by ? words.by : words.other;
  const text = sentence.replace(/\{(name|by)\}/g, (_place, which) =>
    names.get(which === "name" ? first.participant : (first.by ?? "")) ?? "");
  return { text, remedy: own ? (REMEDIES[first.kind] ?? null) : null };
}

/** The notice. */
export class FindingsView {
  /** @type {Remedy | null} */ #remedy = null;

  /** @param {{[remedy in Remedy]: () => void}} actions */
  constructor(actions) {
    this.text = h("span", { role: "status" });
    this.button = h("button", { type: "button", class: "quiet", "data-action": "mend",
      hidden: true, onclick: () => this.#remedy && actions[this.#remedy]() });
    this.root = h("div", { class: "notice row", "data-findings": true, hidden: true },
      this.text, this.button);
  }

  /** @param {Said | null} what */
  show(what) {
    this.#remedy = what?.remedy ?? null;
    setText(this.text, what?.text ?? "");
    setText(this.button, this.#remedy ? BUTTONS[this.#remedy] : "");
    set(this.button, "hidden", this.#remedy === null);
    set(this.root, "hidden", what === null);
  }
}
