/** What a moderator may ask of the server; a refusal is handed on to be said in words. */

import { RequestFailed } from "./protocol.js";

/** @typedef {import("./protocol.js").SignalingClient} SignalingClient */

export class Moderation {
  /**
   * @param {SignalingClient} signaling
   * @param {(failure: RequestFailed) => void} onRefused
   */
  constructor(signaling, onRefused) {
    this.signaling = signaling;
    this.onRefused = onRefused;
  }

  /** @param {string} participant */
  admit(participant) {
    void this.#ask({ type: "admit", participant });
  }

  /** @param {string} participant */
  deny(participant) {
    void this.#ask({ type: "deny", participant });
  }

  /** @param {string} participant */
  mute(participant) {
    void this.#ask({ type: "mute", participant, source: "microphone" });
  }

  /** @param {string} participant */
  remove(participant) {
    void this.#ask({ type: "remove", participant });
  }

  /** @param {boolean} locked */
  lock(locked) {
    void this.#ask({ type: "lock", locked });
  }

  end() {
    void this.#ask({ type: "end" });
  }

  /** @param {Parameters<SignalingClient["request"]>[0]} message */
  async #ask(message) {
    try {
      await this.signaling.request(message);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.onRefused(error);
    }
  }
}
