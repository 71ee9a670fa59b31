/** How an uplink that was narrow is found to be wide again. */

import assert from "node:assert/strict";
import test from "node:test";

import { Headroom } from "../../web/static/js/headroom.js";

test("a link that never was narrow gets no bound", () => {
  const headroom = new Headroom();
  assert.equal(headroom.note(500_000, 0), 0);
  assert.equal(headroom.note(0, 5000), 0);
});

test("while a link is narrow the bound is raised every three seconds, though the estimate stays", () => {
  const headroom = new Headroom();
  const first = headroom.note(120_000, 0);
  assert.equal(first, 300);
  assert.equal(headroom.note(120_000, 1000), first);
  assert.equal(headroom.note(120_000, 3000), first + 1);
  assert.equal(headroom.note(110_000, 6000), first + 2);
});

test("the bound follows an estimate that grows, until there is enough", () => {
  const headroom = new Headroom();
  headroom.note(120_000, 0);
  assert.equal(headroom.note(600_000, 3000), 1500);
  assert.equal(headroom.note(1_800_000, 4000), 0);
  assert.equal(headroom.note(1_800_000, 9000), 0);
});

test("a bound that has become far too high for a probe is lowered first", () => {
  const headroom = new Headroom();
  headroom.note(190_000, 0);
  headroom.note(600_000, 3000);
  assert.equal(headroom.note(120_000, 6000), 300);
  assert.equal(headroom.note(120_000, 9000), 301);
});
