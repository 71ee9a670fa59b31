import assert from "node:assert/strict";
import { test } from "node:test";

import { rescale } from "../../web/static/js/camera-layers.js";
import { encodeOnly } from "../../web/static/js/published-layers.js";
import { keepSharp } from "../../web/static/js/screen-profile.js";

/** A sender that refuses parameters which another change has overtaken, as browsers do. */
function running(rids = ["q", "h", "f"]) {
  let version = 0;
  /** @type {any} */ let current = { encodings: rids.map((rid) => ({ rid, active: true })) };
  const sender = {
    changes: 0,
    get now() { return current; },
    getParameters: () => ({ ...structuredClone(current), transactionId: ++version }),
    setParameters: async (/** @type {any} */ given) => {
      if (given.transactionId !== version) throw new Error("InvalidModificationError");
      sender.changes += 1;
      await null;
      current = given;
    },
  };
  return /** @type {any} */ (sender);
}
/** @param {any} sender */
const active = (sender) => sender.now.encodings.map((/** @type {any} */ one) => one.active);

test("only the layers that somebody has a use for are encoded, and come back", async () => {
  const sender = running();
  await encodeOnly(sender, ["q"]);
  assert.deepEqual(active(sender), [true, false, false]);
  await encodeOnly(sender, ["q", "h", "f"]);
  assert.deepEqual(active(sender), [true, true, true]);
});

test("what is so already is not set again", async () => {
  const sender = running();
  await encodeOnly(sender, ["q", "h", "f"]);
  assert.equal(sender.changes, 0);
});

test("a sender without layers is left alone", async () => {
  const sender = running([""]);
  await encodeOnly(sender, ["q"]);
  assert.equal(sender.changes, 0);
});

test("changes of one sender take their turns, and one that fails stops no other", async () => {
  const sender = running();
  const camera = /** @type {any} */ ({ getSettings: () => ({ height: 480 }) });
  await Promise.all([rescale(sender, camera), encodeOnly(sender, ["q", "h"])]);
  assert.deepEqual(active(sender), [true, true, false]);
  assert.equal(sender.now.encodings[0].scaleResolutionDownBy, 2);
  const broken = running();
  const set = broken.setParameters;
  broken.setParameters = async () => { throw new Error("busy"); };
  await assert.rejects(encodeOnly(broken, ["q"]));
  broken.setParameters = set;
  await encodeOnly(broken, ["q"]);
  assert.deepEqual(active(broken), [true, false, false]);
});

test("a shared screen keeps its resolution", async () => {
  const sender = running([""]);
  await keepSharp(sender);
  assert.equal(sender.now.degradationPreference, "maintain-resolution");
  await keepSharp(sender);
  assert.equal(sender.changes, 1);
});
