/**
 * When to mend a media connection and when to make a new one. Browsers call a dead connection
 * `failed` only after 17 to 27 s, so nothing waits for that word: silence, `disconnected` and the
 * server's word that it hears nothing start a ladder of ICE restarts that ends in a new connection;
 * `closed` (the server said goodbye) and `failed` mean a new one at once; a connection that does not
 * come up is replaced too.
 */

import { waitMs } from "./ladder.js";

/** Chromium gathers new addresses at once; others have none yet at that moment (Firefox fails). */
export const RESTARTS_MS = { atOnce: [0, 2500, 5000], later: [1000, 3000, 5500] };
export const GIVE_UP_MS = 8000;
/** So long a restart is given to bring media back: another one would begin all of it again. */
export const UNDER_WAY_MS = 1000;
/** A restart that found no address of ours is made again after this. */
export const HOLLOW_MS = 700;
/** Checks, DTLS and a slow phone; then the connection attempt is hopeless. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection that lasted this long starts the ladder from the bottom again. */
const STABLE_MS = 10_000;

/** @typedef {ReturnType<typeof setTimeout>} Timer */
/** @typedef {"connecting" | "up" | "mending" | "due"} Stage `due`: a new connection is, after a pause */

export class Repair {
  #attempt = 0;
  /** @type {Stage} */ #stage = "connecting";
  /** @type {Timer[]} */ #timers = [];
  /** When the newest restart for a new network was begun. */
  #movedMs = -Infinity;
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
    this.#replan("connecting", [[CONNECT_TIMEOUT_MS, () => this.lost()]]);
  }

  /** @param {import("./peer.js").PeerEvents["state"]} state */
  heard(state) {
    if (state === "connected") this.#up();
    if (state === "disconnected") this.suspect();
    if (state === "failed" || state === "closed") this.lost();
  }

  /** Something says that the path is dead, while the browser may still call it connected. */
  suspect() {
    if (this.#stage !== "up") return;
    const earliestMs = performance.now() - this.#movedMs < UNDER_WAY_MS ? UNDER_WAY_MS : 0;
    /** @type {[number, () => void][]} */
    const restarts = this.#restarts.map((ms) => [Math.max(ms, earliestMs), this.#actions.restart]);
    this.#replan("mending", [...restarts, [GIVE_UP_MS, () => this.lost()]]);
  }

  /** Media comes again. */
  flows() {
    if (this.#stage === "mending") this.#up();
  }

  /** The device has other addresses than before: look for a path with them, whatever is planned. */
  networkChanged() {
    if (this.#stage === "up") this.#timers.push(setTimeout(() => this.#move(), this.#restarts[0]));
    if (this.#stage === "mending") {
      this.#stage = "up";
      this.#movedMs = -Infinity;
      this.suspect();
    }
  }

  /** A restart came to nothing because the browser found no address of ours. */
  hollow() {
    if (this.#stage === "mending") this.#timers.push(setTimeout(this.#actions.restart, HOLLOW_MS));
  }

  /** The connection is beyond repair: a new one, at once the first time, later if it keeps dying. */
  lost() {
    this.#replan("due", [[waitMs(this.#attempt++, this.#random()), this.#actions.rebuild]]);
  }

  /** The person wants no more waiting. */
  hurry() {
    if (this.#stage === "due") this.#replan("due", [[0, this.#actions.rebuild]]);
    else this.networkChanged();
  }

  stop() {
    this.#replan("connecting", []);
  }

  #move() {
    this.#movedMs = performance.now();
    this.#actions.restart();
  }

  #up() {
    this.#replan("up", [[STABLE_MS, () => (this.#attempt = 0)]]);
  }

  /** @param {Stage} stage @param {[number, () => void][]} plan */
  #replan(stage, plan) {
    this.#stage = stage;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = plan.map(([ms, action]) => setTimeout(action, ms));
  }
}
