import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { MediaSession } from "../../web/static/js/call.js";
import { LocalMedia } from "../../web/static/js/local-media.js";
import { SignalingClient } from "../../web/static/js/protocol.js";
import { WayMemory } from "../../web/static/js/way-memory.js";
import {
  ALL_RIGHTS, FakePeerConnection, FakeSocket, FakeStream, fakeDevices, pass, person, room, settle,
  slotState, virtualTime, welcome,
} from "./fakes.mjs";

beforeEach(virtualTime);
afterEach(() => mock.timers.reset());

const HEARTBEAT_NEVER = { heartbeat_s: 3600 };

async function joined({ restartAtOnce = true, anywhere = null, ways = undefined, ...changes } = {}) {
  const local = new LocalMedia(fakeDevices());
  await local.start();
  const signaling = new SignalingClient({ url: "wss://clinic/signal", WebSocket: FakeSocket,
    random: () => 0.5 });
  const rtc = { RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream };
  const session = new MediaSession({ signaling, local, rtc, restartAtOnce, anywhere, ways,
    painted: () => Promise.resolve(), random: () => 0.5 });
  session.join({ token: "token-of-alice" });
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, ...changes }));
  return session;
}

async function says(message) {
  FakeSocket.inUse.says(message);
  await settle();
}

async function connected(options) {
  const session = await joined(options);
  await says({ type: "answer", id: 1, sdp: "answer 1" });
  FakePeerConnection.newest.becomes("connected");
  return session;
}

/** Something comes for two seconds, then nothing. */
async function silence() {
  for (let look = 0; look < 12; look += 1) {
    FakePeerConnection.newest.hears(100);
    await pass(200);
  }
  for (let look = 0; look < 4; look += 1) await pass(200);
}

const offers = () => FakeSocket.inUse.sentOf("offer");

test("one connection: microphone, camera in three layers, screen, then four slots", async () => {
  await joined();
  const pc = FakePeerConnection.newest;
  assert.deepEqual(pc.configuration, { bundlePolicy: "max-bundle", iceServers: [] });
  assert.deepEqual(pc.transceivers.map(({ kind, init }) => `${kind} ${init.direction}`), [
    "audio sendonly", "video sendonly", "video sendonly",
    "audio recvonly", "video recvonly", "audio recvonly", "video recvonly",
    "audio recvonly", "video recvonly", "video recvonly"]);
  const layers = pc.transceivers[1].init.sendEncodings;
  assert.deepEqual(layers.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
    [["q", 4], ["h", 2], ["f", 1]]);
  assert.equal(pc.transceivers[2].sender.track, null);
  const [offer] = offers();
  assert.deepEqual(offer, { type: "offer", id: 1, sdp: "offer 1",
    publish: { microphone: "0", camera: "1", screen: "2" },
    slots: [{ video: "4", audio: "3" }, { video: "6", audio: "5" }, { video: "8", audio: "7" },
      { video: "9", screen: true }] });
});

test("before admission there is no connection and no offer", async () => {
  const session = await joined({ state: "waiting" });
  assert.equal(session.state, "waiting");
  assert.equal(FakePeerConnection.all.length, 0);
  await says({ type: "admitted", ice_servers: [] });
  assert.equal(session.state, "call");
  assert.equal(offers().length, 1);
});

test("without the right to publish or to subscribe nothing of it is offered", async () => {
  await joined({ rights: { ...ALL_RIGHTS, publish: false } });
  assert.deepEqual(offers()[0].publish, {});
  await joined({ rights: { ...ALL_RIGHTS, subscribe: false } });
  assert.deepEqual(offers()[0].slots, []);
});

test("stale answers are ignored", async () => {
  await joined();
  await says({ type: "answer", id: 7, sdp: "stale" });
  assert.deepEqual(FakePeerConnection.newest.answers, []);
  await says({ type: "answer", id: 1, sdp: "answer 1" });
  await says({ type: "answer", id: 1, sdp: "again" });
  assert.deepEqual(FakePeerConnection.newest.answers, ["answer 1"]);
});

test("more people than pairs: one more offer, after the answer to the first", async () => {
  const session = await joined();
  const others = ["bob", "carol", "dave", "erin", "frank"].map((id) => person(id));
  await says(room({ participants: [person("alice"), ...others] }));
  assert.equal(offers().length, 1, "one offer is in flight");
  await says({ type: "answer", id: 1, sdp: "answer 1" });
  assert.equal(offers().length, 2);
  assert.equal(offers()[1].slots.length, 6);
  assert.deepEqual(session.slots.map(({ screen }) => screen),
    [false, false, false, true, false, false]);
});

test("people who only watch need no pair", async () => {
  await connected();
  const watchers = ["bob", "carol", "dave", "erin"].map((id) =>
    person(id, { rights: { ...ALL_RIGHTS, publish: false } }));
  await says(room({ participants: [person("alice"), ...watchers] }));
  assert.equal(offers().length, 1);
});

test("a slot is confirmed, switched and shown by its epoch", async () => {
  const session = await connected();
  await says(room({ slots: [slotState(0, "bob", 4)] }));
  assert.deepEqual(FakeSocket.newest.sentOf("slot_ready"),
    [{ type: "slot_ready", slot: 0, epoch: 4 }]);
  await says({ type: "slot_switched", slot: 0, epoch: 3, rtp_timestamp: 1 });
  assert.equal(session.slots[0].phase, "ready");
  await says({ type: "slot_switched", slot: 0, epoch: 4, rtp_timestamp: 9 });
  session.shown(0, 4);
  assert.equal(session.slots[0].phase, "live");
});

test("the server hears of sizes only for slots that it knows", async () => {
  const session = await joined();
  session.setView([{ slot: 0, width: 640, height: 360 }, { slot: 9, width: 1, height: 1 }]);
  assert.deepEqual(FakeSocket.newest.sentOf("view"), []);
  await says({ type: "answer", id: 1, sdp: "answer 1" });
  assert.deepEqual(FakeSocket.newest.sentOf("view"),
    [{ type: "view", slots: [{ slot: 0, width: 640, height: 360 }] }]);
});

for (const [what, happens] of [
  ["media_lost", () => says({ type: "media_lost" })],
  ["a closed DTLS transport", () => FakePeerConnection.newest.dtlsCloses()],
  ["failed", () => FakePeerConnection.newest.becomes("failed")],
]) {
  test(`${what} makes a new connection at once`, async () => {
    const session = await connected();
    await says(room({ slots: [slotState(0, "bob", 4)] }));
    const old = FakePeerConnection.newest;
    await happens();
    await pass(0);
    assert.notEqual(FakePeerConnection.newest, old);
    assert.ok(old.closed);
    assert.deepEqual(offers().map(({ id }) => id), [1, 2]);
    assert.equal(session.reconnecting, true);
    assert.equal(session.slots[0].phase, "empty");
    await says({ type: "answer", id: 2, sdp: "answer 2" });
    FakePeerConnection.newest.becomes("connected");
    assert.equal(session.reconnecting, false);
    assert.equal(session.slots[0].phase, "ready", "the newest snapshot fills the slots again");
  });
}

test("Chromium restarts ICE at once when disconnected, then again, then starts over", async () => {
  await connected();
  const pc = FakePeerConnection.newest;
  pc.becomes("disconnected");
  await pass(0);
  assert.deepEqual(pc.offers.map(({ iceRestart }) => iceRestart), [false, true]);
  await says({ type: "answer", id: 2, sdp: "answer 2" });
  await pass(3000);
  assert.equal(pc.offers.length, 3);
  await pass(5000);
  await pass(0);
  assert.notEqual(FakePeerConnection.newest, pc);
});

test("other browsers restart ICE only after a moment", async () => {
  await connected({ restartAtOnce: false });
  const pc = FakePeerConnection.newest;
  pc.becomes("disconnected");
  await pass(999);
  assert.equal(pc.offers.length, 1);
  await pass(1);
  assert.equal(pc.offers.length, 2);
  pc.becomes("connected");
  await says({ type: "answer", id: 2, sdp: "answer 2" });
  await pass(9000);
  assert.equal(FakePeerConnection.newest, pc);
});

test("a refused or impossible offer is made anew, ever more patiently", async () => {
  await joined();
  await says({ type: "error", code: "media_unavailable", message: "No.", offer: 1 });
  await pass(0);
  assert.equal(FakePeerConnection.all.length, 2);
  await says({ type: "answer", id: 2, sdp: "bad" });
  await pass(199);
  assert.equal(FakePeerConnection.all.length, 2);
  await pass(1);
  assert.equal(FakePeerConnection.all.length, 3);
});

test("a path that goes silent is left within a second, and with it the signalling", async () => {
  await connected();
  const pc = FakePeerConnection.newest;
  const old = FakeSocket.newest;
  await silence();
  assert.deepEqual(pc.offers.map(({ iceRestart }) => iceRestart), [false, true]);
  assert.equal(old.sentOf("ping").length, 1);
  FakeSocket.newest.opens();
  assert.ok(old.closed, "the ping is unanswered, and a second connection is there");
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.deepEqual(offers().map(({ sdp }) => sdp), ["offer 2"]);
  pc.hears(100);
  await pass(20_000);
  assert.equal(FakePeerConnection.newest, pc, "what flows again is not replaced");
});

test("where the browser knows no way out, a connection bound to no address takes over", async () => {
  const anywhere = { RTCPeerConnection: class extends FakePeerConnection {}, MediaStream: FakeStream };
  const session = await connected({ anywhere: () => anywhere });
  session.networkChanged();
  await silence();
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.ok(!(FakePeerConnection.newest instanceof anywhere.RTCPeerConnection));
  await pass(200);
  assert.ok(FakePeerConnection.newest instanceof anywhere.RTCPeerConnection);
});

test("nothing takes over while signalling is in doubt, or when media come again", async () => {
  const anywhere = () => ({ RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream });
  const session = await connected({ anywhere });
  const pc = FakePeerConnection.newest;
  session.networkChanged();
  await silence();
  await pass(200);
  assert.equal(FakePeerConnection.newest, pc);
  FakeSocket.newest.opens();
  pc.hears(100);
  await pass(200);
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  await pass(1000);
  assert.equal(FakePeerConnection.newest, pc);
});

test("media that come back just before the rescue are not thrown away", async () => {
  const anywhere = () => ({ RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream });
  const session = await connected({ anywhere });
  const pc = FakePeerConnection.newest;
  session.networkChanged();
  await silence();
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  await pass(199);
  pc.hears(100);
  await pass(1);
  assert.equal(FakePeerConnection.newest, pc);
});

test("where no network has changed a restart is given longer: the server's edge may be new", async () => {
  const anywhere = () => ({ RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream });
  await connected({ anywhere });
  const pc = FakePeerConnection.newest;
  await silence();
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  await pass(1499);
  assert.equal(FakePeerConnection.newest, pc);
  await pass(1);
  assert.notEqual(FakePeerConnection.newest, pc);
});

test("a first offer without an answer asks once whether signalling is still there", async () => {
  await joined();
  const socket = FakeSocket.newest;
  await pass(1499);
  assert.equal(socket.sentOf("ping").length, 0);
  await pass(1);
  assert.equal(socket.sentOf("ping").length, 1);
  await says({ type: "pong" });
  await pass(6000);
  assert.equal(socket.sentOf("ping").length, 1);
});

test("a first offer that was answered asks nothing", async () => {
  await connected();
  await pass(3000);
  assert.equal(FakeSocket.newest.sentOf("ping").length, 0);
});

test("an ICE restart is begun while signalling is down, and offered when it is back", async () => {
  const session = await connected();
  FakeSocket.newest.drops();
  session.networkChanged();
  await pass(0);
  const pc = FakePeerConnection.newest;
  assert.equal(pc.offers.length, 2);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.deepEqual(offers().map(({ id, sdp }) => [id, sdp]), [[1, "offer 2"]]);
});

test("a restart takes the place of one whose answer the dead path swallowed", async () => {
  await connected();
  const pc = FakePeerConnection.newest;
  pc.becomes("disconnected");
  await says({ type: "pong" });
  await pass(0);
  await pass(2500);
  assert.deepEqual(offers().map(({ id }) => id), [1, 2, 3]);
  await says({ type: "answer", id: 2, sdp: "answer 2" });
  await says({ type: "answer", id: 3, sdp: "answer 3" });
  assert.deepEqual(pc.answers, ["answer 1", "answer 3"]);
});

test("a new network is looked at on a healthy path too, without giving it up", async () => {
  const session = await connected();
  const pc = FakePeerConnection.newest;
  session.networkChanged();
  await pass(0);
  assert.equal(pc.offers.length, 2);
  await says({ type: "answer", id: 2, sdp: "answer 2" });
  FakeSocket.newest.says({ type: "pong" });
  await pass(20_000);
  assert.equal(FakePeerConnection.newest, pc);
  assert.equal(pc.offers.length, 2);
});

test("a restart for a new network is given a second, though the path falls silent", async () => {
  const session = await connected();
  const pc = FakePeerConnection.newest;
  pc.hears(100);
  await pass(200);
  session.networkChanged();
  for (let look = 0; look < 8; look += 1) await pass(100);
  assert.equal(pc.offers.length, 2);
  for (let look = 0; look < 6; look += 1) await pass(100);
  assert.equal(pc.offers.length, 3);
});

test("a restart that finds no address of this device is made again soon", async () => {
  await connected({ restartAtOnce: false });
  const pc = FakePeerConnection.newest;
  pc.becomes("disconnected");
  await pass(1000);
  pc.gathers("");
  await pass(700);
  assert.equal(pc.offers.length, 3);
  pc.gathers("a=candidate:1 1 udp 1 10.0.0.2 9 typ host");
  await pass(700);
  assert.equal(pc.offers.length, 3);
});

test("the server's word that it hears nothing starts the search for another path", async () => {
  await connected();
  const lost = { participant: "alice", uplink: "lost", downlink: "good", video: "full" };
  await says({ type: "quality", participants: [lost] });
  await pass(0);
  assert.equal(FakePeerConnection.newest.offers.length, 2);
});

test("an offer that nobody answers is not waited for", async () => {
  await joined();
  await pass(10_000);
  await pass(0);
  assert.equal(FakePeerConnection.all.length, 2);
});

test("signalling comes back to running media: no new offer, the state is said again", async () => {
  const session = await connected();
  await says(room({ slots: [slotState(0, "bob", 4)] }));
  FakeSocket.newest.drops();
  assert.equal(session.reconnecting, true);
  await pass(0);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.equal(session.reconnecting, false);
  assert.deepEqual(FakeSocket.newest.sent.map(({ type }) => type),
    ["hello", "media", "slot_ready"]);
});

test("signalling comes back and the media are gone: a new connection, numbered from 1", async () => {
  await connected();
  FakeSocket.newest.drops();
  await pass(0);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: false }));
  assert.equal(FakePeerConnection.all.length, 2);
  assert.deepEqual(offers().map(({ id }) => id), [1]);
});

test("an offer that was in flight is sent again over the new signalling", async () => {
  await joined();
  FakeSocket.newest.drops();
  await pass(0);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.deepEqual(offers().map(({ id, sdp }) => [id, sdp]), [[1, "offer 1"]]);
});

test("a connection that breaks while signalling is down is mended when it is back", async () => {
  await connected();
  FakeSocket.newest.drops();
  FakePeerConnection.newest.becomes("failed");
  await pass(0);
  assert.equal(FakePeerConnection.all.length, 1);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.equal(FakePeerConnection.all.length, 2);
});

test("mute keeps the device, camera off lets it go, and the server hears of both", async () => {
  const session = await connected();
  const { microphone, camera } = session.local.tracks;
  await session.local.setMicrophone(false);
  assert.equal(microphone.enabled, false);
  assert.equal(microphone.stopped, false);
  await session.local.setCamera(false);
  await settle();
  assert.equal(camera.stopped, true);
  assert.equal(FakePeerConnection.newest.transceivers[1].sender.track, null);
  assert.deepEqual(FakeSocket.newest.sentOf("media").at(-1),
    { type: "media", microphone: false, camera: false, screen: false });
  await session.local.setCamera(true);
  await settle();
  assert.equal(FakePeerConnection.newest.transceivers[1].sender.track,
    session.local.tracks.camera);
});

test("a screen share is a track, not an offer, and ends with the browser's button", async () => {
  const session = await connected();
  await session.local.shareScreen();
  await settle();
  const { sender } = FakePeerConnection.newest.transceivers[2];
  const track = session.local.tracks.screen;
  assert.equal(sender.track, track);
  assert.equal(track.contentHint, "detail");
  track.onended();
  await settle();
  assert.equal(sender.track, null);
  assert.equal(offers().length, 1);
});

test("a moderator's mute mutes here too", async () => {
  const session = await connected();
  await says({ type: "muted", source: "microphone" });
  assert.equal(session.local.sending.microphone, false);
});

test("the end closes everything once", async () => {
  const session = await connected();
  const reasons = [];
  session.on("over", (reason) => reasons.push(reason));
  FakeSocket.newest.drops(4410);
  await pass(30_000);
  assert.deepEqual(reasons, ["ended"]);
  assert.ok(FakePeerConnection.newest.closed);
  assert.equal(FakePeerConnection.all.length, 1);
});

test("leaving ends even where the server does not answer", async () => {
  const session = await connected();
  const reasons = [];
  session.on("over", (reason) => reasons.push(reason));
  const left = session.leave();
  assert.equal(FakeSocket.newest.sentOf("leave").length, 1);
  await pass(1500);
  await left;
  assert.deepEqual(reasons, ["left"]);
});

test("a chat message that the connection swallowed is sent again with its key", async () => {
  const session = await connected();
  void session.chat.say("Good morning");
  const [first] = FakeSocket.newest.sentOf("chat");
  FakeSocket.newest.drops();
  await settle();
  assert.equal(session.chat.unsent[0].state, "failed");
  await pass(0);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  const [second] = FakeSocket.newest.sentOf("chat");
  assert.equal(second.key, first.key);
  await says({ type: "done", request: second.request });
  assert.deepEqual(session.chat.unsent, []);
});

test("what keeps the person away is told, and told again over a new connection", async () => {
  const session = await connected();
  session.setActivity("active");
  session.setActivity("interrupted");
  assert.deepEqual(FakeSocket.newest.sentOf("activity"), [{ type: "activity", state: "interrupted" }]);
  FakeSocket.newest.drops();
  await pass(0);
  FakeSocket.newest.opens();
  await says(welcome({ ...HEARTBEAT_NEVER, resumed: true, media: true }));
  assert.deepEqual(FakeSocket.newest.sentOf("activity"), [{ type: "activity", state: "interrupted" }]);
});

test("the person's own try is made at once, on whatever rung the waits are", async () => {
  const session = await connected();
  for (let n = 0; n < 3; n += 1) {
    FakeSocket.newest.drops();
    await pass([0, 200, 0][n]);
  }
  const before = FakeSocket.all.length;
  session.tryNow();
  assert.equal(FakeSocket.all.length, before + 1);
});

test("a new connection that is due later is made at once when the person asks", async () => {
  const session = await connected();
  for (const id of [2, 3]) {
    await says({ type: "media_lost" });
    await pass(id === 2 ? 0 : 200);
    await says({ type: "answer", id, sdp: `answer ${id}` });
  }
  await says({ type: "media_lost" });
  const before = FakePeerConnection.newest;
  session.tryNow();
  await pass(0);
  assert.notEqual(FakePeerConnection.newest, before);
});

const RELAY = [{ urls: ["turns:clinic:443"], username: "u", credential: "c" }];

/** What a tab remembers, as sessionStorage keeps it. */
function memory(way) {
  const kept = new Map(way ? [["telemed-way", way]] : []);
  return { ways: new WayMemory({ getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) }), kept };
}

test("where only the relay got through, the next connection goes there alone, for four seconds", async () => {
  const { ways, kept } = memory("relay");
  await joined({ ways, ice_servers: RELAY });
  const first = FakePeerConnection.newest;
  assert.equal(first.configuration.iceTransportPolicy, "relay");
  await pass(4000);
  assert.ok(first.closed);
  assert.equal(FakePeerConnection.newest.configuration.iceTransportPolicy, undefined);
  assert.equal(kept.size, 0);
});

test("the way that media took is remembered, and forgotten in another network", async () => {
  const { ways, kept } = memory("");
  const session = await connected({ ways, ice_servers: RELAY });
  FakePeerConnection.newest.getStats = async () => new Map([
    ["P", { id: "P", type: "candidate-pair", selected: true, localCandidateId: "L" }],
    ["L", { id: "L", type: "local-candidate", candidateType: "relay", protocol: "udp" }]]);
  await pass(3000);
  assert.deepEqual([...kept], [["telemed-way", "relay"]]);
  session.networkChanged();
  assert.equal(kept.size, 0);
});

test("without relays nothing is held back", async () => {
  await joined({ ways: memory("relay").ways, ice_servers: [] });
  assert.equal(FakePeerConnection.newest.configuration.iceTransportPolicy, undefined);
});
