import assert from "node:assert/strict";
import test from "node:test";

import { between, lumaOf, Marks, Silence, SILENT_MS, totalsOf } from "../../web/static/js/senses.js";

test("a pause between words is no silent microphone", () => {
  const silence = new Silence(0);
  assert.equal(silence.isSilent(1, 1000), false);
  assert.equal(silence.isSilent(1, 1000 + SILENT_MS - 1), false);
});

test("room noise is never silence, however faint", () => {
  const silence = new Silence(0);
  for (let second = 1; second < 60; second += 1) {
    assert.equal(silence.isSilent(second * 1e-9, second * 1000), false);
  }
});

test("exact silence is named in time, from the start or later", () => {
  assert.equal(new Silence(0).isSilent(0, SILENT_MS), true);
  assert.equal(new Silence(0).isSilent(7, SILENT_MS), false, "something was heard before");
  const silence = new Silence(0);
  silence.isSilent(5, 10_000);
  assert.equal(silence.isSilent(5, 10_000 + SILENT_MS), true);
});

test("a microphone with a gate is believed after it opened by itself", () => {
  const silence = new Silence(0);
  silence.isSilent(1, 0);
  assert.equal(silence.isSilent(1, 5000), true);
  assert.equal(silence.isSilent(2, 6000), false);
  assert.equal(silence.isSilent(2, 60_000), false);
});

test("black is dark, grey is not", () => {
  assert.equal(lumaOf(new Uint8ClampedArray([0, 0, 0, 255, 0, 0, 0, 255])), 0);
  assert.ok(Math.abs(lumaOf(new Uint8ClampedArray([80, 80, 80, 255])) - 80) < 1e-6);
});

test("what came is the difference of two reports", () => {
  const report = (packets, samples, concealed, frames, frozenS) => totalsOf([
    { type: "inbound-rtp", kind: "audio", packetsReceived: packets,
      totalSamplesReceived: samples, concealedSamples: concealed },
    { type: "inbound-rtp", kind: "video", framesDecoded: frames, totalFreezesDuration: frozenS,
      frameHeight: 360 },
    { type: "codec", kind: "audio" },
  ]);
  const before = report(100, 1000, 0, 50, 1.5);
  const now = report(150, 2000, 500, 80, 1.75);
  assert.deepEqual(between(2, before, now, true),
    { slot: 2, sound: 50, concealed: 0.5, frames: 30, freeze_ms: 250, height: 360 });
  assert.equal(between(2, before, now, false).frames, null);
  assert.equal(between(2, now, before, true).sound, 0, "counters that begin anew");
});

test("a slot of a new connection began with nothing, one that is looked at first tells nothing", () => {
  const marks = new Marks();
  const [old, fresh] = [{}, {}];
  const totals = { ...totalsOf([]), sound: 100 };
  assert.equal(marks.renew(0, old, totals), null);
  assert.equal(marks.renew(0, old, { ...totals, sound: 150 }), totals);
  assert.deepEqual(marks.renew(0, fresh, totalsOf([])), totalsOf([]));
  assert.equal(marks.renew(1, fresh, totals), null, "another slot");
});
