import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { FRESH_MS, IceServers } from "../../web/static/js/ice-servers.js";
import { Peer } from "../../web/static/js/peer.js";
import { SignalingClient } from "../../web/static/js/protocol.js";
import {
  ALL_RIGHTS, FakePeerConnection, FakeSocket, FakeStream, pass, virtualTime, welcome,
} from "./fakes.mjs";

beforeEach(virtualTime);
afterEach(() => mock.timers.reset());

const server = (username) => ({ urls: ["turns:clinic:443?transport=tcp"], username, credential: "x" });
const first = [server("1000:alice")];
const second = [server("1200:alice")];

function opened() {
  const signaling = new SignalingClient({ url: "wss://clinic/signal", WebSocket: FakeSocket,
    random: () => 0.5 });
  const ends = new AbortController();
  const servers = new IceServers(signaling, ends.signal);
  signaling.open({ token: "token-of-alice" });
  FakeSocket.newest.opens();
  return { servers, ends };
}

const asked = () => FakeSocket.newest.sentOf("renew_ice").length;

test("whoever waits has no servers; they come with the admission", () => {
  const { servers } = opened();
  FakeSocket.newest.says(welcome({ state: "waiting", heartbeat_s: 3600 }));
  assert.deepEqual(servers.current, []);
  FakeSocket.newest.says({ type: "admitted", ice_servers: first });
  assert.deepEqual(servers.current, first);
});

test("credentials are asked for again before they end, and again", async () => {
  const { servers } = opened();
  FakeSocket.newest.says(welcome({ ice_servers: first, heartbeat_s: 3600 }));
  await pass(FRESH_MS - 1);
  assert.equal(asked(), 0);
  await pass(1);
  assert.equal(asked(), 1);
  FakeSocket.newest.says({ type: "ice_servers", ice_servers: second });
  assert.deepEqual(servers.current, second);
  await pass(FRESH_MS);
  assert.equal(asked(), 2);
});

test("nothing is asked for once the call is over", async () => {
  const { ends } = opened();
  FakeSocket.newest.says(welcome({ ice_servers: first, heartbeat_s: 3600 }));
  ends.abort();
  await pass(2 * FRESH_MS);
  assert.equal(asked(), 0);
});

test("an ICE restart uses the newest credentials, another offer leaves the path alone", async () => {
  let current = first;
  const rtc = { RTCPeerConnection: FakePeerConnection, MediaStream: FakeStream };
  const peer = new Peer(rtc, ALL_RIGHTS, { microphone: null, camera: null, screen: null }, 3,
    () => current);
  assert.deepEqual(FakePeerConnection.newest.configuration.iceServers, first);
  current = second;
  await peer.describe({ iceRestart: false });
  assert.deepEqual(FakePeerConnection.newest.configuration.iceServers, first);
  await peer.describe({ iceRestart: true });
  assert.deepEqual(FakePeerConnection.newest.configuration,
    { bundlePolicy: "max-bundle", iceServers: second });
});
