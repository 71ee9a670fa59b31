import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { waitMs } from "../../web/static/js/ladder.js";
import { RequestFailed, SignalingClient } from "../../web/static/js/protocol.js";
import { FakeSocket, pass, virtualTime, welcome } from "./fakes.mjs";

beforeEach(virtualTime);
afterEach(() => mock.timers.reset());

const MIDDLE = 0.5; // no jitter

function client() {
  return new SignalingClient({ url: "wss://clinic/signal", WebSocket: FakeSocket,
    random: () => MIDDLE });
}

function greeted(changes = {}) {
  const signaling = client();
  signaling.open({ token: "token-of-alice" });
  FakeSocket.newest.opens();
  FakeSocket.newest.says(welcome(changes));
  return signaling;
}

test("the first hello carries the token, later ones the seat and the newest chat", async () => {
  const signaling = client();
  signaling.open({ token: "token-of-alice" });
  const first = FakeSocket.newest;
  assert.deepEqual(first.protocols, ["telemed.v1"]);
  first.opens();
  assert.deepEqual(first.sent, [{ type: "hello", version: 1, token: "token-of-alice" }]);
  first.says(welcome());
  first.says({ type: "chat_message", id: "0007", participant: "bob", name: "Bob", text: "Hi", at: 1 });
  first.drops();
  await pass(0);
  FakeSocket.newest.opens();
  assert.deepEqual(FakeSocket.newest.sent,
    [{ type: "hello", version: 1, seat: "seat-of-alice-0001", seen_chat: "0007" }]);
});

test("a lost connection is tried again up the ladder, without end", async () => {
  greeted();
  FakeSocket.newest.drops();
  await pass(0);
  for (const wait of [200, 400, 800, 1600, 2500, 2500, 2500]) {
    const before = FakeSocket.all.length;
    FakeSocket.newest.drops();
    await pass(wait - 1);
    assert.equal(FakeSocket.all.length, before);
    await pass(1);
    assert.equal(FakeSocket.all.length, before + 1);
  }
});

test("any wait up to a ceiling that doubles, and never more than five seconds", () => {
  assert.equal(waitMs(0, 0.9), 0);
  assert.equal(waitMs(1, 0), 0);
  assert.equal(waitMs(1, 1), 400);
  assert.equal(waitMs(2, 1), 800);
  assert.equal(waitMs(99, 1), 5000);
});

test("the ladder starts anew only after a connection that lasted", async () => {
  greeted();
  for (const wait of [0, 200]) {
    FakeSocket.newest.drops();
    await pass(wait);
    FakeSocket.newest.opens();
    FakeSocket.newest.says(welcome());
  }
  FakeSocket.newest.drops();
  const before = FakeSocket.all.length;
  await pass(399);
  assert.equal(FakeSocket.all.length, before);
  await pass(1);
  FakeSocket.newest.opens();
  FakeSocket.newest.says(welcome({ heartbeat_s: 60 }));
  await pass(10_000);
  FakeSocket.newest.drops();
  await pass(0);
  assert.equal(FakeSocket.all.length, before + 2);
});

test("a network that comes back is tried at once", async () => {
  const signaling = greeted();
  for (let n = 0; n < 4; n += 1) {
    FakeSocket.newest.drops();
    await pass([0, 200, 400, 0][n]);
  }
  const before = FakeSocket.all.length;
  signaling.networkBack();
  assert.equal(FakeSocket.all.length, before + 1);
});

test("a connection attempt into a black hole is given up", async () => {
  client().open({ token: "token-of-alice" });
  const first = FakeSocket.newest;
  await pass(4000);
  await pass(0);
  assert.ok(first.closed);
  assert.notEqual(FakeSocket.newest, first);
});

test("an attempt that goes by a vanished network is begun anew, a good one is left alone", async () => {
  const signaling = client();
  signaling.open({ token: "token-of-alice" });
  signaling.networkBack();
  assert.equal(FakeSocket.all.length, 1);
  signaling.tryNow();
  assert.equal(FakeSocket.all.length, 2);
  assert.ok(FakeSocket.all[0].closed);
});

for (const [code, reason] of [[4410, "ended"], [4411, "removed"], [4412, "denied"],
  [4403, "token_used"], [4409, "replaced"]]) {
  test(`close code ${code} is the end: ${reason}`, async () => {
    const signaling = greeted();
    const closings = [];
    signaling.on("closed", (closing) => closings.push(closing.reason));
    FakeSocket.newest.drops(code);
    await pass(60_000);
    assert.deepEqual(closings, [reason]);
    assert.equal(FakeSocket.all.length, 1);
  });
}

test("too many requests make the next try wait", async () => {
  greeted();
  FakeSocket.newest.drops(4429);
  await pass(1999);
  assert.equal(FakeSocket.all.length, 1);
  await pass(1);
  assert.equal(FakeSocket.all.length, 2);
});

test("each beat is a ping, and two without an answer mean a dead connection", async () => {
  greeted();
  const socket = FakeSocket.newest;
  await pass(5000);
  socket.says({ type: "pong" });
  await pass(5000);
  await pass(5000);
  assert.equal(socket.sentOf("ping").length, 3);
  assert.equal(socket.closed, false);
  await pass(5000);
  assert.equal(socket.closed, true);
});

test("after a network change an open connection has to prove that it lives", async () => {
  const signaling = greeted();
  const socket = FakeSocket.newest;
  signaling.networkBack();
  await pass(300);
  signaling.networkBack();
  assert.equal(socket.sentOf("ping").length, 1, "doubted once");
  await pass(299);
  assert.equal(socket.closed, false);
  await pass(1);
  assert.equal(socket.closed, true);
  await pass(0);
  assert.equal(FakeSocket.all.length, 3, "and the next attempt is made at once");
});

test("a doubted connection that answers is kept, and the second one goes unused", async () => {
  const signaling = greeted({ heartbeat_s: 60 });
  const socket = FakeSocket.newest;
  signaling.networkBack();
  assert.equal(signaling.trusted, false);
  socket.says({ type: "pong" });
  const spare = FakeSocket.newest;
  spare.opens();
  await pass(5000);
  assert.deepEqual([socket.closed, spare.closed, spare.sent], [false, true, []]);
  assert.equal(signaling.trusted, true);
});

test("a second connection that opens before the first has answered takes its place", async () => {
  const signaling = greeted();
  const socket = FakeSocket.newest;
  const lost = [];
  signaling.on("lost", ({ reason }) => lost.push(reason));
  signaling.networkBack();
  FakeSocket.newest.opens();
  assert.ok(socket.closed);
  assert.deepEqual(FakeSocket.newest.sent,
    [{ type: "hello", version: 1, seat: "seat-of-alice-0001" }]);
  assert.deepEqual(lost, ["connection_lost"]);
  FakeSocket.newest.says(welcome());
  assert.equal(signaling.connected, true);
});

test("done fulfils a request and error rejects it with its code", async () => {
  const signaling = greeted();
  const socket = FakeSocket.newest;
  const admitted = signaling.request({ type: "admit", participant: "alice" });
  const locked = signaling.request({ type: "lock", locked: true });
  assert.deepEqual(socket.sentOf("admit"), [{ type: "admit", participant: "alice", request: 1 }]);
  socket.says({ type: "done", request: 1 });
  socket.says({ type: "error", code: "not_allowed", message: "No.", request: 2 });
  await admitted;
  await assert.rejects(locked, (error) =>
    error instanceof RequestFailed && error.code === "not_allowed" && error.message === "No.");
});

test("a request that the connection does not survive fails, and so does one without an answer",
  async () => {
    const signaling = greeted({ heartbeat_s: 60 });
    const lost = signaling.request({ type: "end" });
    FakeSocket.newest.drops();
    await assert.rejects(lost, { code: "connection_lost" });
    await assert.rejects(signaling.request({ type: "end" }), { code: "connection_lost" });
    await pass(0);
    FakeSocket.newest.opens();
    FakeSocket.newest.says(welcome({ heartbeat_s: 60 }));
    const unanswered = signaling.request({ type: "end" });
    await pass(15_000);
    await assert.rejects(unanswered, { code: "no_answer" });
  });

test("what a newer server says, and garbage, change nothing", () => {
  const signaling = greeted();
  FakeSocket.newest.says({ type: "horoscope" });
  FakeSocket.newest.says({ type: "toString" });
  FakeSocket.newest.says("not json");
  FakeSocket.newest.says("null");
  assert.equal(signaling.connected, true);
});

test("nothing is sent before welcome, and nothing after close", () => {
  const signaling = client();
  signaling.open({ token: "token-of-alice" });
  FakeSocket.newest.opens();
  assert.equal(signaling.send({ type: "ping" }), false);
  FakeSocket.newest.says(welcome());
  assert.equal(signaling.send({ type: "ping" }), true);
  signaling.close();
  assert.equal(signaling.send({ type: "ping" }), false);
});
