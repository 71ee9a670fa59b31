import assert from "node:assert/strict";
import { test } from "node:test";

import { bytesOf, wayOf } from "../../web/static/js/path-stats.js";
import { ALERT_SILENT_MS, LOOK_MS, SILENT_MS, STEADY_MS, SilenceMeter } from "../../web/static/js/path-watch.js";

/** Looks at a path that grows by these bytes from one look to the next. */
function looks(growths, everyMs = LOOK_MS) {
  const meter = new SilenceMeter();
  let bytes = 0;
  return growths.map((growth, index) => meter.note((bytes += growth), 1000 + index * everyMs));
}

const times = (count, growth) => Array.from({ length: count }, () => growth);
const STEADY = times(STEADY_MS / LOOK_MS + 2, 300);

test("a steady path is silent after 600 ms without a byte, and that is said once", () => {
  const news = looks([...STEADY, ...times(20, 0)]);
  assert.equal(news.indexOf("silent"), STEADY.length - 1 + SILENT_MS / LOOK_MS);
  assert.equal(news.filter((said) => said === "silent").length, 1);
});

test("what comes again is said, and must be steady before it can go silent again", () => {
  const news = looks([...STEADY, ...times(5, 0), 300, ...times(10, 0), ...STEADY, ...times(5, 0)]);
  assert.deepEqual(news.filter((said) => said), ["silent", "flows", "silent"]);
});

test("after a change of network a quarter of a second of silence says enough", () => {
  const meter = new SilenceMeter();
  meter.note(1, 1000);
  meter.alert(1010);
  assert.equal(meter.note(1, 1100), "");
  assert.equal(meter.note(1, 1000 + ALERT_SILENT_MS), "silent");
});

test("whoever hears little is never suspected", () => {
  const rare = Array.from({ length: 100 }, (_, index) => (index % 5 === 0 ? 90 : 0));
  assert.deepEqual(looks(rare).filter((said) => said), []);
});

test("a page whose timers slept suspects nobody", () => {
  const meter = new SilenceMeter();
  STEADY.forEach((_, index) => meter.note(index, index * LOOK_MS));
  const asleep = STEADY.length * LOOK_MS + 30_000;
  assert.equal(meter.note(STEADY.length - 1, asleep), "");
  assert.equal(meter.note(STEADY.length - 1, asleep + LOOK_MS), "");
});

const CHROMIUM = [
  { id: "T", type: "transport", bytesReceived: 900, selectedCandidatePairId: "P2" },
  { id: "P1", type: "candidate-pair", bytesReceived: 1, localCandidateId: "L1" },
  { id: "P2", type: "candidate-pair", bytesReceived: 2, localCandidateId: "L2" },
  { id: "L1", type: "local-candidate", candidateType: "host", protocol: "udp" },
  { id: "L2", type: "local-candidate", candidateType: "host", protocol: "tcp" },
];
const FIREFOX = [
  { id: "P1", type: "candidate-pair", bytesReceived: 10, localCandidateId: "L1" },
  { id: "P2", type: "candidate-pair", bytesReceived: 20, localCandidateId: "L2", selected: true },
  { id: "L1", type: "local-candidate", candidateType: "host", protocol: "udp" },
  { id: "L2", type: "local-candidate", candidateType: "relay", protocol: "udp" },
];

test("bytes and way of the path are read from the reports of both browsers", () => {
  assert.equal(bytesOf(CHROMIUM), 900);
  assert.equal(bytesOf(FIREFOX), 30);
  assert.equal(bytesOf([{ id: "O", type: "outbound-rtp" }]), null);
  assert.equal(wayOf(CHROMIUM), "tcp");
  assert.equal(wayOf(FIREFOX), "relay");
  assert.equal(wayOf([]), null);
});
