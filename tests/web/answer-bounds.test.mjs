/** What the page writes into the server's answer. */

import assert from "node:assert/strict";
import test from "node:test";

import { withBounds } from "../../web/static/js/answer-bounds.js";

const ANSWER = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 109",
  "c=IN IP4 0.0.0.0",
  "a=mid:0",
  "a=rtpmap:109 opus/48000/2",
  "a=fmtp:109 minptime=10;useinbandfec=1",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "c=IN IP4 0.0.0.0",
  "a=mid:1",
  "a=rtpmap:96 VP8/90000",
  "a=simulcast:recv q;h;f",
  "m=audio 9 UDP/TLS/RTP/SAVPF 109",
  "c=IN IP4 0.0.0.0",
  "a=mid:2",
  "a=rtpmap:109 opus/48000/2",
  "a=fmtp:109 minptime=10;useinbandfec=1",
  "",
].join("\r\n");
const MIDS = { microphone: "0", camera: "1" };

test("the microphone's Opus is bounded, and what we receive is not", () => {
  const bounded = withBounds(ANSWER, MIDS, { soundBps: 20_000, pictureKbps: 0, rids: null });
  const lines = bounded.split("\r\n").filter((line) => line.startsWith("a=fmtp:109"));
  assert.deepEqual(lines, [
    "a=fmtp:109 minptime=10;useinbandfec=1;maxaveragebitrate=20000",
    "a=fmtp:109 minptime=10;useinbandfec=1",
  ]);
  assert.equal(bounded.includes("b=AS"), false);
});

test("a bound of the camera stands where the grammar of SDP wants it", () => {
  const bounded = withBounds(ANSWER, MIDS, { soundBps: 32_000, pictureKbps: 300, rids: null });
  assert.match(bounded, /m=video.*\r\nc=IN IP4 0\.0\.0\.0\r\nb=AS:300\r\nb=TIAS:300000\r\na=mid:1\r\n/);
  assert.equal(bounded.match(/b=AS/g)?.length, 1);
});

test("a bound that an answer has already is replaced", () => {
  const once = withBounds(ANSWER, MIDS, { soundBps: 20_000, pictureKbps: 0, rids: null });
  const twice = withBounds(once, MIDS, { soundBps: 32_000, pictureKbps: 0, rids: null });
  assert.equal(twice.match(/maxaveragebitrate/g)?.length, 1);
  assert.match(twice, /maxaveragebitrate=32000/);
});

test("who sends nothing gets the answer as it is", () => {
  const bounds = { soundBps: 20_000, pictureKbps: 300, rids: null };
  assert.equal(withBounds(ANSWER, { microphone: null, camera: null }, bounds), ANSWER);
});

test("layers that nobody has a use for stay paused", () => {
  const bounds = { soundBps: 32_000, pictureKbps: 0 };
  assert.match(withBounds(ANSWER, MIDS, { ...bounds, rids: ["q"] }), /a=simulcast:recv q;~h;~f\r\n/);
  assert.match(withBounds(ANSWER, MIDS, { ...bounds, rids: [] }), /a=simulcast:recv ~q;~h;~f\r\n/);
  assert.match(withBounds(ANSWER, MIDS, { ...bounds, rids: null }), /a=simulcast:recv q;h;f\r\n/);
});
