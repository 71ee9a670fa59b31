import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { BLIND_WAIT_MS, FrameWatch, SCREEN_LAG_MS } from "../../web/static/js/reveal.js";
import { SlotBoard } from "../../web/static/js/slot-board.js";
import { isOlder, Slot } from "../../web/static/js/slots.js";
import { pass, settle, slotState, virtualTime } from "./fakes.mjs";

beforeEach(virtualTime);
afterEach(() => mock.timers.reset());

test("timestamps are compared on a clock that wraps", () => {
  assert.equal(isOlder(5, 6), true);
  assert.equal(isOlder(6, 6), false);
  assert.equal(isOlder(7, 6), false);
  assert.equal(isOlder(0xffff_fff0, 0x10), true);
  assert.equal(isOlder(0x10, 0xffff_fff0), false);
});

test("a slot shows its owner only after every step, in order", () => {
  const slot = new Slot(0, false);
  assert.equal(slot.assign(slotState(0, "bob", 1)), true);
  assert.equal(slot.show(1), false);
  assert.equal(slot.switch(1, 90), false);
  slot.confirm(1);
  slot.switch(1, 90);
  assert.equal(slot.from, 90);
  assert.equal(slot.show(1), true);
  assert.equal(slot.phase, "live");
});

test("late news of an earlier owner change nothing", () => {
  const slot = new Slot(0, false);
  slot.assign(slotState(0, "bob", 1));
  slot.confirm(1);
  slot.assign(slotState(0, "carol", 2));
  assert.equal(slot.confirm(1), false);
  assert.equal(slot.switch(1, 90), false);
  slot.confirm(2);
  slot.switch(2, 900);
  assert.equal(slot.show(1), false);
  assert.equal(slot.phase, "switched");
});

test("a worker that counts epochs from the start again is believed", () => {
  const slot = new Slot(0, false);
  slot.assign(slotState(0, "bob", 7));
  assert.equal(slot.assign(slotState(0, "carol", 1)), true);
  assert.equal(slot.participant, "carol");
});

function board() {
  const said = [];
  const paints = [];
  const made = new SlotBoard({
    painted: () => new Promise((resolve) => paints.push(resolve)),
    ready: ({ index, epoch }) => said.push([index, epoch]),
    changed: () => {},
  });
  made.restart([{ screen: false }, { screen: true }]);
  return { board: made, said, paints };
}

async function showBob(made) {
  made.board.apply([slotState(0, "bob", 1)]);
  await settle();
  made.board.switched(0, 1, 90);
  made.board.shown(0, 1);
}

test("an empty slot is ready at once", async () => {
  const made = board();
  made.board.apply([slotState(0, "bob", 1)]);
  await settle();
  assert.deepEqual(made.said, [[0, 1]]);
});

test("a shown picture must be off the screen before the server hears ready", async () => {
  const made = board();
  await showBob(made);
  assert.equal(made.board.slots[0].phase, "live");
  made.board.apply([slotState(0, "carol", 2)]);
  await settle();
  assert.deepEqual(made.said, [[0, 1]]);
  made.board.apply([slotState(0, "dave", 3)]);
  await settle();
  assert.deepEqual(made.said, [[0, 1]], "the second change waits for the same picture");
  made.paints[0]();
  await settle();
  assert.deepEqual(made.said, [[0, 1], [0, 3]]);
});

test("a snapshot that says live stands in for a switch that was missed", async () => {
  const made = board();
  made.board.apply([slotState(0, "bob", 1, { live: true })]);
  await settle();
  assert.deepEqual([made.board.slots[0].phase, made.board.slots[0].from], ["switched", null]);
});

test("an unanswered ready is repeated, a vacated slot is not", async () => {
  const made = board();
  made.board.apply([slotState(0, "bob", 1), slotState(1, null, 1)]);
  await settle();
  made.board.repeat();
  assert.deepEqual(made.said, [[0, 1], [0, 1]]);
});

class FakeVideo {
  callbacks = [];

  requestVideoFrameCallback(callback) {
    this.callbacks.push(callback);
  }

  presents(metadata) {
    this.callbacks.splice(0).forEach((callback) => callback(0, metadata));
  }
}

function watch({ video = new FakeVideo(), sources = () => [], from = 1000 }) {
  const seen = { count: 0 };
  const watching = new FrameWatch({ video, receiver: { getSynchronizationSources: sources }, from,
    onShown: () => (seen.count += 1) });
  return { video, seen, watching };
}

test("a frame on the screen that is new enough is shown, once", () => {
  const { video, seen } = watch({});
  video.presents({ rtpTimestamp: 999 });
  assert.equal(seen.count, 0);
  video.presents({ rtpTimestamp: 1000 });
  video.presents({ rtpTimestamp: 1001 });
  assert.equal(seen.count, 1);
});

test("a stopped watch shows nothing", () => {
  const { video, seen, watching } = watch({});
  watching.stop();
  video.presents({ rtpTimestamp: 2000 });
  assert.equal(seen.count, 0);
});

test("without frame metadata the receiver's timestamp decides, plus the way to the screen", async () => {
  let timestamp = 999;
  const { seen } = watch({ video: {}, sources: () => [{ rtpTimestamp: timestamp }] });
  await pass(90);
  timestamp = 1003;
  await pass(30);
  assert.equal(seen.count, 0);
  await pass(SCREEN_LAG_MS);
  assert.equal(seen.count, 1);
});

test("without any timestamp a fixed wait decides, once frames run", async () => {
  const { video, seen } = watch({});
  video.presents({});
  await pass(BLIND_WAIT_MS * 2);
  assert.equal(seen.count, 0, "no frame came after the switch");
  video.presents({});
  await pass(BLIND_WAIT_MS + 30);
  assert.equal(seen.count, 1);
});

test("where the switch itself was missed the fixed wait decides", async () => {
  const { seen } = watch({ from: null });
  await pass(BLIND_WAIT_MS - 1);
  assert.equal(seen.count, 0);
  await pass(1);
  assert.equal(seen.count, 1);
});
