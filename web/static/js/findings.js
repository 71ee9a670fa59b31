/**
 * Says who cannot hear or see whom, and what to do: at the person who can mend it with a tap, at the
 * others in a plain sentence. Loaded once the call has begun.
 */

import { h, set, setText } from "./dom.js";
import { keyOr, t } from "./strings.js";

/** @typedef {import("./messages.js").Finding} Finding */
/** @typedef {"devices" | "sound"} Remedy */
/** @typedef {{text: string, remedy: Remedy | null}} Said */

/** @type {{[kind in Finding["kind"]]?: Remedy}} */
const REMEDIES = { microphone_silent: "devices", camera_black: "devices", speaker_blocked: "sound" };
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
  const other = /** @type {const} */ (`finding.${first.kind}.other`);
  const key = own ? /** @type {const} */ (`finding.${first.kind}.own`)
    : first.by === me ? keyOr(`finding.${first.kind}.by`, other) : other;
  const text = t(key, { name: names.get(first.participant) ?? "", by: names.get(first.by ?? "") ?? "" });
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
    setText(this.button, this.#remedy === "sound" ? t("notice.tapToHear")
      : this.#remedy === "devices" ? t("finding.devices") : "");
    set(this.button, "hidden", this.#remedy === null);
    set(this.root, "hidden", what === null);
  }
}
