/** When few bits are spent, and on what. */

import assert from "node:assert/strict";
import test from "node:test";

import { cameraLayers } from "../../web/static/js/camera-layers.js";
import { sparePicture, ThriftMeter } from "../../web/static/js/thrift.js";

/** @param {any[]} encodings */
function sender(encodings) {
  const running = { encodings, changes: 0 };
  const parameters = () => ({ encodings: structuredClone(running.encodings) });
  return /** @type {any} */ ({
    running,
    getParameters: parameters,
    setParameters: async (/** @type {any} */ given) => {
      running.encodings = given.encodings;
      running.changes += 1;
    },
  });
}

test("few bits are spent while our own link is narrow or the server says so", () => {
  const meter = new ThriftMeter();
  meter.note(500_000);
  assert.equal(meter.on, false);
  meter.note(150_000);
  assert.equal(meter.on, true);
  meter.note(250_000);
  assert.equal(meter.on, true, "not back and forth around one figure");
  meter.note(400_000);
  assert.equal(meter.on, false);
  meter.tell(true);
  assert.equal(meter.on, true);
  meter.tell(false);
  assert.equal(meter.on, false);
});

test("a browser that does not say what it may send is not taken for a narrow one", () => {
  const meter = new ThriftMeter();
  meter.note(0);
  assert.equal(meter.on, false);
});

test("speech takes less while few bits are spent", () => {
  const meter = new ThriftMeter();
  const usual = meter.soundBps;
  meter.tell(true);
  assert.equal(meter.soundBps, 20_000);
  meter.tell(false);
  assert.equal(meter.soundBps, usual);
});

test("only the smallest picture becomes cheaper, and as it was again", async () => {
  const camera = sender(cameraLayers(null));
  const rates = () => camera.running.encodings.map((/** @type {any} */ one) => one.maxBitrate);
  const before = rates();
  await sparePicture(camera, true, true);
  assert.deepEqual(rates(), [60_000, ...before.slice(1)]);
  assert.equal(camera.running.encodings[0].maxFramerate, 30, "the server thins it out");
  await sparePicture(camera, false, true);
  assert.deepEqual(rates(), before);
});

test("a browser that drops no frames to keep to its rate films fewer", async () => {
  const camera = sender(cameraLayers(null));
  await sparePicture(camera, true, false);
  assert.equal(camera.running.encodings[0].maxFramerate, 15);
  await sparePicture(camera, false, false);
  assert.equal(camera.running.encodings[0].maxFramerate, 30);
});
