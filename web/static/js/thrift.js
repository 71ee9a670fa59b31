/**
 * When to spend few bits: the server says that somebody who hears us has a narrow link, or our own is
 * one. Speech then takes 20 kbit/s in place of 32, and the smallest picture 60 in place of 80: with the
 * headers of both that fits into 150 kbit/s at 15 frames a second.
 */

import { LOWEST } from "./camera-layers.js";
import { tune } from "./published-layers.js";

const SOUND_BPS = 32_000;
const LOW_SOUND_BPS = 20_000;
const LOW_PICTURE = { ...LOWEST, maxBitrate: 60_000 };
/**
 * Of a browser that does not say what it may send: Firefox drops no frame to keep to its rate, and 24 a
 * second took 100 kbit/s (measured). Chromium does, and has layers of frames that the server may drop.
 */
const FEW_FRAMES = 15;
/** Of what our own link carries: begins below, ends above. */
const NARROW_BPS = 200_000;
const WIDE_BPS = 300_000;
/** The browser's estimate moves about ten times a second; the encoders need not follow each move. */
const LOOK_MS = 1000;

/** The decision, without clock or browser. */
export class ThriftMeter {
  #told = false;
  #narrow = false;

  get on() {
    return this.#told || this.#narrow;
  }

  /** What speech may take. */
  get soundBps() {
    return this.on ? LOW_SOUND_BPS : SOUND_BPS;
  }

  /** What the server says. @param {boolean} low */
  tell(low) {
    this.#told = low;
  }

  /** What may be sent; 0 where the browser does not say. @param {number} bps */
  note(bps) {
    if (bps > 0 && bps < NARROW_BPS) this.#narrow = true;
    if (bps > WIDE_BPS) this.#narrow = false;
  }
}

/** @param {RTCRtpSender} camera @param {boolean} low @param {boolean} dropsFrames the browser does */
export function sparePicture(camera, low, dropsFrames) {
  const slow = dropsFrames ? LOW_PICTURE : { ...LOW_PICTURE, maxFramerate: FEW_FRAMES };
  const wanted = low ? slow : LOWEST;
  return tune(camera, ({ encodings: [lowest] }) => {
    if (!lowest?.rid || lowest.maxBitrate === wanted.maxBitrate) return false;
    Object.assign(lowest, wanted);
    return true;
  });
}

/**
 * Looks at what our link carries until `signal` aborts.
 * @param {{sendableBps: () => Promise<number>,
 *   noteSendable: (bps: number, nowMs: number) => boolean}} peer `noteSendable` is true where the
 *   answer has to be taken once more
 * @param {() => void} reapply
 * @param {AbortSignal} signal
 */
export function watchThrift(peer, reapply, signal) {
  const look = async () => {
    const bps = await peer.sendableBps().catch(() => 0);
    if (!signal.aborted && peer.noteSendable(bps, performance.now())) reapply();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
