import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { EVERY_MS, keepFresh } from "../../web/static/js/freshness.js";

function aPage() {
  const page = { seen: true, shown: [], asked: 0, answers: [] };
  page.refresh = keepFresh({
    ask: () => {
      page.asked += 1;
      return page.answers.shift() ?? Promise.resolve(page.asked);
    },
    show: (news) => page.shown.push(news),
    isSeen: () => page.seen,
  });
  return page;
}

async function after(ms) {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

test("what is seen is asked for every 15 seconds, and what is hidden is not", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const page = aPage();
  await after(EVERY_MS);
  await after(EVERY_MS);
  assert.deepEqual(page.shown, [1, 2]);
  page.seen = false;
  await after(10 * EVERY_MS);
  assert.equal(page.asked, 2);
  page.seen = true;
  await page.refresh();
  assert.deepEqual(page.shown, [1, 2, 3]);
  mock.timers.reset();
});

test("a server that fails is said, one that is slow is not asked twice, and it goes on", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const page = aPage();
  page.answers = [Promise.reject(new Error("no network")), new Promise(() => {})];
  await after(EVERY_MS);
  assert.deepEqual(page.shown, [null]);
  await after(EVERY_MS);
  await after(EVERY_MS);
  assert.equal(page.asked, 2);
  mock.timers.reset();
});
