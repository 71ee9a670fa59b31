/**
 * When to send each piece of sound twice, within later packets (RED, RFC 2198): where much of it is lost
 * between here and somebody's ears, and the network has room for it. The server's reports name the
 * larger of what is lost on the way to it and on the way to the worst receiver. Only browsers that
 * have RED are asked; a change costs an offer, so it does not come back soon.
 */

import { sendableOf } from "./path-stats.js";

/** Shares of packets: design figures, the same as the server's for its second copies. */
const BEGIN_LOSS = 0.05;
const END_LOSS = 0.03;
/** So long it must have been calm. */
const CALM_MS = 10_000;
/** Below this speech and the smallest picture leave no room for a copy. */
const MIN_BPS = 220_000;
/** Reports on sound come every second at most. */
const LOOK_MS = 2000;

/** @typedef {{loss: number, bps: number}} SoundPath loss from 0 to 1; bps is what may be sent */

/** The decision, without clock or browser. */
export class RedundancyMeter {
  #on = false;
  #calmSinceMs = 0;

  /** Whether to send redundantly from now on. @param {SoundPath} path @param {number} nowMs */
  note({ loss, bps }, nowMs) {
    if (loss >= END_LOSS) this.#calmSinceMs = nowMs;
    if (bps < MIN_BPS) this.#on = false;
    else if (loss > BEGIN_LOSS) this.#on = true;
    else if (nowMs - this.#calmSinceMs >= CALM_MS) this.#on = false;
    return this.#on;
  }
}

/**
 * Looks at what becomes of our sound until `signal` aborts.
 * @param {{soundPath: () => Promise<SoundPath | null>, preferRedundancy: (on: boolean) => boolean}} peer
 * @param {() => void} offer what was preferred has to be offered
 * @param {AbortSignal} signal
 */
export function watchRedundancy(peer, offer, signal) {
  const meter = new RedundancyMeter();
  const look = async () => {
    const path = await peer.soundPath().catch(() => null);
    if (path === null || signal.aborted) return;
    if (peer.preferRedundancy(meter.note(path, performance.now()))) offer();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/**
 * The codecs with RED first, or last; null where this browser has none.
 * @template {{mimeType: string}} C
 * @param {C[]} codecs
 * @param {boolean} first
 */
export function withRedundancy(codecs, first) {
  const isRed = (/** @type {C} */ { mimeType }) => mimeType.toLowerCase() === "audio/red";
  const red = codecs.filter(isRed);
  const rest = codecs.filter((codec) => !isRed(codec));
  if (red.length === 0) return null;
  return first ? [...red, ...rest] : [...rest, ...red];
}

/**
 * What the sender's statistics say of the way of its sound, null before a report came.
 * @param {Iterable<{[name: string]: any}>} entries
 * @returns {SoundPath | null}
 */
export function soundPathOf(entries) {
  const all = [...entries];
  const report = all.find(({ type }) => type === "remote-inbound-rtp");
  if (typeof report?.fractionLost !== "number") return null;
  return { loss: report.fractionLost, bps: sendableOf(all) };
}
