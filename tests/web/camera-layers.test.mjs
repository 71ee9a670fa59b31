import assert from "node:assert/strict";
import { test } from "node:test";

import { cameraLayers, rescale } from "../../web/static/js/camera-layers.js";
import { rowsOf } from "../../web/static/js/camera-size.js";

/** @param {number} height */
const camera = (height) => /** @type {any} */ ({ getSettings: () => ({ height }) });
/** @param {any[]} encodings */
const scales = (encodings) => encodings.map((encoding) => encoding.scaleResolutionDownBy);

test("a large camera is sent in three sizes, a small one is not made smaller", () => {
  assert.deepEqual(scales(cameraLayers(camera(720))), [4, 2, 1]);
  assert.deepEqual(scales(cameraLayers(camera(480))), [2, 1, 1]);
  assert.deepEqual(scales(cameraLayers(camera(240))), [1, 1, 1]);
  assert.deepEqual(scales(cameraLayers(null)), [4, 2, 1]);
});

test("another camera fits the layers of the running sender to its size", async () => {
  const encodings = cameraLayers(null);
  /** @type {any} */ let given = null;
  const sender = /** @type {any} */ ({
    getParameters: () => ({ encodings }),
    setParameters: async (/** @type {any} */ parameters) => { given = parameters; },
  });
  await rescale(sender, camera(480));
  assert.deepEqual(scales(given.encodings), [2, 1, 1]);
});

test("a camera that does not tell its size is looked at", async () => {
  const silent = /** @type {any} */ ({ getSettings: () => ({}) });
  const video = /** @type {any} */ ({ videoHeight: 360, srcObject: {} });
  const rows = rowsOf(silent, () => video);
  await new Promise(setImmediate);
  video.onloadedmetadata();
  assert.equal(await rows, 360);
  assert.equal(video.srcObject, null, "nothing plays on");
  assert.equal(await rowsOf(camera(480), () => assert.fail("looked at")), 480);
});

test("a sender without layers is left alone", async () => {
  const sender = /** @type {any} */ ({ getParameters: () => ({ encodings: [{}] }) });
  await rescale(sender, camera(480));
});
