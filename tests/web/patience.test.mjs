import assert from "node:assert/strict";
import { test } from "node:test";

import { CALM_MS, LOSSY_TARGET_MS, Patience } from "../../web/static/js/patience.js";

const GOOD = /** @type {const} */ ({ uplink: "good", downlink: "good", video: "full" });

/** A slot whose receivers know a jitter buffer target, as browsers do. */
function makeSlot() {
  const receiver = () => ({ receiver: { jitterBufferTarget: /** @type {number | null} */ (null) } });
  return /** @type {any} */ ({ audio: receiver(), video: receiver() });
}

/** @param {any} slot */
const targets = (slot) => [slot.audio.receiver, slot.video.receiver].map((r) => r.jitterBufferTarget);

test("a clean way leaves the waiting to the browser", () => {
  const patience = new Patience();
  const slot = makeSlot();
  patience.note([{ participant: "bob", ...GOOD }], "alice", 0);
  patience.apply(slot, "bob", 0);
  assert.deepEqual(targets(slot), [null, null]);
});

test("a speaker's lossy way up makes sound and picture of that slot wait alike", () => {
  const patience = new Patience();
  const [bobs, carols] = [makeSlot(), makeSlot()];
  patience.note([{ participant: "bob", ...GOOD, uplink: "fair" }], "alice", 0);
  patience.apply(bobs, "bob", 0);
  patience.apply(carols, "carol", 0);
  assert.deepEqual(targets(bobs), [LOSSY_TARGET_MS, LOSSY_TARGET_MS]);
  assert.deepEqual(targets(carols), [null, null]);
});

test("an own lossy way down makes every slot wait, until it has been calm for a while", () => {
  const patience = new Patience();
  const slot = makeSlot();
  patience.note([{ participant: "alice", ...GOOD, downlink: "poor" }], "alice", 0);
  patience.apply(slot, "bob", CALM_MS - 1);
  assert.deepEqual(targets(slot), [LOSSY_TARGET_MS, LOSSY_TARGET_MS]);
  patience.apply(slot, "bob", CALM_MS);
  assert.deepEqual(targets(slot), [null, null]);
});

test("a browser without the setting is left alone, and a screen has no sound", () => {
  const patience = new Patience();
  const slot = /** @type {any} */ ({ audio: null, video: { receiver: {} } });
  patience.note([{ participant: "bob", ...GOOD, uplink: "poor" }], "alice", 0);
  patience.apply(slot, "bob", 0);
  assert.deepEqual(slot.video.receiver, {});
});
