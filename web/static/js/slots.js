/**
 * Whose picture a receive slot shows: one person's picture never stands under another's name.
 *
 * The server gives a slot to a participant with a new epoch. The old picture is hidden first
 * (`hidden`), the server is told so (`ready`), it says from which RTP timestamp on the new picture
 * runs (`switched`), and only a frame that is not older brings the tile back (`live`).
 * The table below is the only place that changes the phase; late news of an older epoch change nothing.
 */

/** @typedef {"empty" | "hidden" | "ready" | "switched" | "live"} Phase */
/** @typedef {"assign" | "vacate" | "confirm" | "switch" | "show"} Step */

/** @type {{[phase in Phase]: {[step in Step]?: Phase}}} */
const TRANSITIONS = {
  empty: { assign: "hidden", vacate: "empty" },
  hidden: { assign: "hidden", vacate: "empty", confirm: "ready" },
  ready: { assign: "hidden", vacate: "empty", confirm: "ready", switch: "switched" },
  switched: { assign: "hidden", vacate: "empty", switch: "switched", show: "live" },
  live: { assign: "hidden", vacate: "empty" },
};

/**
 * True where timestamp `a` is older than `b` on a 32-bit clock that wraps (RFC 3550, section 5.1).
 * @param {number} a
 * @param {number} b
 */
export function isOlder(a, b) {
  return ((a - b) >>> 0) >= 0x80000000;
}

/** One receive slot, from the client's side. */
export class Slot {
  /** @type {Phase} */ phase = "empty";
  /** @type {string | null} */ participant = null;
  /** The server's count of assignments; -1 before the first. */
  epoch = -1;
  /** @type {number | null} RTP timestamp of the first picture; null where the server's word was missed */
  from = null;
  /** What the owner sends and this browser cannot play, "" where there is nothing. */
  codecMissing = "";

  /** @param {number} index @param {boolean} screen */
  constructor(index, screen) {
    this.index = index;
    this.screen = screen;
  }

  /**
   * Takes the server's word on who owns the slot; true where its picture has to be hidden now.
   * @param {import("./messages.js").SlotState} state
   */
  assign(state) {
    this.codecMissing = state.codec_missing ?? "";
    if (state.epoch === this.epoch && state.participant === this.participant) return false;
    this.epoch = state.epoch;
    this.participant = state.participant;
    this.from = null;
    return this.#step(state.participant === null ? "vacate" : "assign");
  }

  /** Forgets everything: the connection that carried the slot is gone. */
  reset() {
    this.epoch = -1;
    this.participant = null;
    this.from = null;
    this.#step("vacate");
  }

  /** The old picture is hidden. @param {number} epoch */
  confirm(epoch) {
    return epoch === this.epoch && this.#step("confirm");
  }

  /**
   * The new picture runs from this RTP timestamp on; null where only the fact is known.
   * @param {number} epoch
   * @param {number | null} from
   */
  switch(epoch, from) {
    if (epoch !== this.epoch || !this.#step("switch")) return false;
    this.from = from ?? this.from;
    return true;
  }

  /** A frame that belongs to the owner is on the screen. @param {number} epoch */
  show(epoch) {
    return epoch === this.epoch && this.#step("show");
  }

  /** @param {Step} step */
  #step(step) {
    const next = TRANSITIONS[this.phase][step];
    if (next === undefined) return false;
    this.phase = next;
    return true;
  }
}
