/**
 * Waits until a video really shows a frame that is not older than a given RTP timestamp.
 *
 * Best: `requestVideoFrameCallback`, whose metadata tell the RTP timestamp of the frame on the
 * screen. Else: `getSynchronizationSources()`, whose timestamp is that of the frame handed to the
 * track last, plus the time that the screen needs. Where neither tells a timestamp that advances,
 * or the server's word was missed, a fixed wait stands in, longer than a jitter buffer runs on.
 */

import { isOlder } from "./slots.js";

/** The jitter buffer of a healthy call holds less; nothing of the old owner is left after it. */
export const BLIND_WAIT_MS = 500;
/** Two frames at 60 Hz: from the track to the screen. */
export const SCREEN_LAG_MS = 34;
const POLL_MS = 30;

/**
 * @typedef {object} Watched
 * @property {{requestVideoFrameCallback?: HTMLVideoElement["requestVideoFrameCallback"]}} video
 * @property {{getSynchronizationSources?: () => {rtpTimestamp?: number}[]}} receiver
 * @property {number | null} from RTP timestamp; null where it is unknown
 * @property {() => void} onShown called once, unless stopped before
 */

/** One wait for one picture. */
export class FrameWatch {
  /** @type {Watched} */ #watched;
  #done = false;
  #presented = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #poll;

  /** @param {Watched} watched */
  constructor(watched) {
    this.#watched = watched;
    if (watched.from === null) this.#showAfter(BLIND_WAIT_MS);
    else if (watched.video.requestVideoFrameCallback) this.#watchPresented();
    else this.#watchReceived();
  }

  stop() {
    this.#done = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
  }

  #watchPresented() {
    this.#watched.video.requestVideoFrameCallback?.((_now, { rtpTimestamp }) => {
      if (this.#done) return;
      this.#presented += 1;
      if (this.#isNew(rtpTimestamp)) return this.#show();
      if (rtpTimestamp === undefined && this.#poll === undefined) this.#watchReceived();
      this.#watchPresented();
    });
  }

  #watchReceived() {
    const before = this.#received();
    const since = this.#presented;
    let polls = 0;
    this.#poll = setInterval(() => {
      const timestamp = this.#received();
      if (this.#isNew(timestamp)) return this.#showAfter(SCREEN_LAG_MS);
      const running = this.#presented > since || !this.#watched.video.requestVideoFrameCallback;
      const blind = timestamp === before && running;
      polls = blind ? polls + 1 : 0;
      if (polls * POLL_MS >= BLIND_WAIT_MS) this.#show();
    }, POLL_MS);
  }

  #received() {
    return this.#watched.receiver.getSynchronizationSources?.()[0]?.rtpTimestamp;
  }

  /** @param {number | undefined} timestamp */
  #isNew(timestamp) {
    return timestamp !== undefined && !isOlder(timestamp, this.#watched.from ?? timestamp);
  }

  /** @param {number} ms */
  #showAfter(ms) {
    clearInterval(this.#poll);
    this.#timer = setTimeout(() => this.#show(), ms);
  }

  #show() {
    if (this.#done) return;
    this.stop();
    this.#watched.onShown();
  }
}
