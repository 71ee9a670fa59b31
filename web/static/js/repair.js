/**
 * When to mend a media connection and when to make a new one. Browsers call a dead connection
 * `failed` only after 17 to 27 s, so nothing waits for that word: `disconnected` starts a ladder of
 * ICE restarts that ends in a new connection; `closed` (the server said goodbye) and `failed` mean
 * a new one at once; a connection that does not come up is replaced too.
 */

import { waitMs } from "./ladder.js";

/** Chromium gathers new addresses at once; others have none yet at that moment (Firefox fails). */
export const RESTARTS_MS = { atOnce: [0, 3000], later: [2000, 5000] };
export const GIVE_UP_MS = 8000;
/** Checks, DTLS and a slow phone; then the connection attempt is hopeless. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection that lasted this long starts the ladder from the bottom again. */
const STABLE_MS = 10_000;

/** @typedef {ReturnType<typeof setTimeout>} Timer */

export class Repair {
  #attempt = 0;
  /** @type {Timer[]} */ #timers = [];
  /** @type {{restart: () => void, rebuild: () => void}} */ #actions;
  /** @type {number[]} */ #restarts;
  /** @type {() => number} */ #random;

  /**
   * @param {{restart: () => void, rebuild: () => void}} actions
   * @param {{restartAtOnce: boolean, random: () => number}} options
   */
  constructor(actions, { restartAtOnce, random }) {
    this.#actions = actions;
    this.#restarts = restartAtOnce ? RESTARTS_MS.atOnce : RESTARTS_MS.later;
    this.#random = random;
  }

  /** A new connection was begun. */
  began() {
    this.#replan([[CONNECT_TIMEOUT_MS, () => this.lost()]]);
  }

  /** @param {import("./peer.js").PeerEvents["state"]} state */
  heard(state) {
    if (state === "connected") this.#replan([[STABLE_MS, () => (this.#attempt = 0)]]);
    if (state === "disconnected") this.#mend();
    if (state === "failed" || state === "closed") this.lost();
  }

  /** The connection is beyond repair: a new one, at once the first time, later if it keeps dying. */
  lost() {
    this.#replan([[waitMs(this.#attempt++, this.#random()), this.#actions.rebuild]]);
  }

  stop() {
    this.#replan([]);
  }

  #mend() {
    /** @type {[number, () => void][]} */
    const restarts = this.#restarts.map((ms) => [ms, this.#actions.restart]);
    this.#replan([...restarts, [GIVE_UP_MS, () => this.lost()]]);
  }

  /** @param {[number, () => void][]} plan */
  #replan(plan) {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = plan.map(([ms, action]) => setTimeout(action, ms));
  }
}
