/**
 * How long a slot waits for repair before it shows a picture. On a clean way the browser decides; on
 * a lossy one a packet that is sent again comes a frame or two late, and without this it would come
 * in vain: Chromium drops a late picture that no other depends on (measured at 3 % + 5 % loss and 15
 * frames a second: 1.3 % of the pictures). Sound waits as long, so that lips and voice stay together.
 */

/** @typedef {import("./messages.js").QualityOf} QualityOf */
/** @typedef {import("./peer.js").ReceiveSlot} ReceiveSlot */

/** A frame at 15 a second until the loss is seen, on each way, and two repairs that are lost again. */
export const LOSSY_TARGET_MS = 240;
/** A way that was lossy stays so for a while: the target must not move with every report. */
export const CALM_MS = 10_000;

export class Patience {
  /** When each participant's way up and down was last lossy. @type {Map<string, number>} */
  #lossyUp = new Map();
  #lossyDown = -Infinity;

  /** @param {QualityOf[]} quality @param {string} me @param {number} nowMs */
  note(quality, me, nowMs) {
    for (const { participant, uplink, downlink } of quality) {
      if (uplink !== "good") this.#lossyUp.set(participant, nowMs);
      if (participant === me && downlink !== "good") this.#lossyDown = nowMs;
    }
  }

  /**
   * @param {ReceiveSlot} slot
   * @param {string | null} participant who is in it
   * @param {number} nowMs
   */
  apply(slot, participant, nowMs) {
    const lossyAt = Math.max(this.#lossyDown, this.#lossyUp.get(participant ?? "") ?? -Infinity);
    const target = nowMs - lossyAt < CALM_MS ? LOSSY_TARGET_MS : null;
    for (const transceiver of [slot.audio, slot.video]) {
      const receiver = transceiver?.receiver;
      if (receiver && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = target;
    }
  }
}
