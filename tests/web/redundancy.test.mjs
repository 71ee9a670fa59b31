/** When sound is sent redundantly, and how browsers are asked to. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  RedundancyMeter,
  soundPathOf,
  withRedundancy,
} from "../../web/static/js/redundancy.js";

const WIDE = 500_000;

test("sound goes twice where more than a twentieth is lost, until it has been calm for a while", () => {
  const meter = new RedundancyMeter();
  assert.equal(meter.note({ loss: 0.04, bps: WIDE }, 0), false);
  assert.equal(meter.note({ loss: 0.2, bps: WIDE }, 2000), true);
  assert.equal(meter.note({ loss: 0.01, bps: WIDE }, 11_000), true);
  assert.equal(meter.note({ loss: 0.01, bps: WIDE }, 12_000), false);
});

test("a narrow link never gets it, whatever is lost", () => {
  const meter = new RedundancyMeter();
  assert.equal(meter.note({ loss: 0.2, bps: 100_000 }, 0), false);
  assert.equal(meter.note({ loss: 0.2, bps: WIDE }, 2000), true);
  assert.equal(meter.note({ loss: 0.2, bps: 100_000 }, 4000), false);
});

test("RED is put first or last, and left alone where the browser has none", () => {
  const opus = { mimeType: "audio/opus" };
  const red = { mimeType: "audio/red" };
  assert.deepEqual(withRedundancy([opus, red], true), [red, opus]);
  assert.deepEqual(withRedundancy([red, opus], false), [opus, red]);
  assert.equal(withRedundancy([opus], true), null);
});

test("the newest report tells the loss, the path in use what may be sent", () => {
  const entries = [
    { type: "candidate-pair", availableOutgoingBitrate: 300_000 },
    { type: "candidate-pair" },
    { type: "remote-inbound-rtp", fractionLost: 0.25 },
  ];
  assert.deepEqual(soundPathOf(entries), { loss: 0.25, bps: 300_000 });
  assert.equal(soundPathOf(entries.slice(0, 2)), null);
});
