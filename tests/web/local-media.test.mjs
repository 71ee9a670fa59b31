import assert from "node:assert/strict";
import { test } from "node:test";

import { LocalMedia } from "../../web/static/js/local-media.js";
import { fakeDevices } from "./fakes.mjs";

async function started(devices, choices = {}) {
  const local = new LocalMedia(devices);
  local.choices = { ...local.choices, ...choices };
  await local.start();
  return local;
}

test("microphone and camera are asked for in one question", async () => {
  const devices = fakeDevices();
  const local = await started(devices);
  assert.equal(devices.asked.length, 1);
  assert.deepEqual(local.sending, { microphone: true, camera: true, screen: false });
});

test("without a camera the person joins with sound, and is told", async () => {
  const local = await started(fakeDevices({ camera: false, problem: "NotFoundError" }));
  assert.deepEqual(local.sending, { microphone: true, camera: false, screen: false });
  assert.deepEqual(local.problems, { camera: "missing" });
});

test("with every permission denied the person can still join", async () => {
  const local = await started(fakeDevices({ camera: false, microphone: false }));
  assert.deepEqual(local.sending, { microphone: false, camera: false, screen: false });
  assert.deepEqual(local.problems, { microphone: "denied", camera: "denied" });
});

test("on an insecure page both problems say so", async () => {
  const local = await started(undefined);
  assert.deepEqual(local.problems, { microphone: "insecure", camera: "insecure" });
});

test("what was switched off before stays off and asks for nothing", async () => {
  const devices = fakeDevices();
  const local = await started(devices, { camera: false, microphone: false });
  assert.deepEqual(local.sending, { microphone: false, camera: false, screen: false });
  assert.deepEqual(devices.asked.map(({ video }) => video), [undefined]);
});

test("another camera replaces the first, whose light goes out", async () => {
  const devices = fakeDevices();
  const local = await started(devices);
  const first = local.tracks.camera;
  await local.choose("camera", "camera-2");
  assert.equal(first.stopped, true);
  assert.deepEqual(devices.asked.at(-1).video.deviceId, { ideal: "camera-2" });
  assert.notEqual(local.tracks.camera, first);
});

test("a device that is pulled out is missed, in words", async () => {
  const local = await started(fakeDevices());
  const problems = [];
  local.on("problem", (problem) => problems.push(problem));
  local.tracks.microphone.onended();
  assert.deepEqual(problems, [{ source: "microphone", problem: "missing" }]);
  assert.equal(local.sending.microphone, false);
});

test("a problem that was mended is forgotten", async () => {
  const devices = fakeDevices({ camera: false, problem: "NotReadableError" });
  const local = await started(devices);
  assert.deepEqual(local.problems, { camera: "busy" });
  devices.getUserMedia = fakeDevices().getUserMedia.bind(devices);
  await local.setCamera(true);
  assert.deepEqual(local.problems, {});
});

test("a camera that comes after everything was stopped is let go", async () => {
  const devices = fakeDevices();
  const local = new LocalMedia(devices);
  const streams = [];
  const get = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => (streams.push(await get(wanted)), streams[0]);
  const starting = local.start();
  local.stop();
  await starting;
  assert.deepEqual(streams[0].getTracks().map(({ stopped }) => stopped), [true, true]);
  assert.deepEqual(local.sending, { microphone: false, camera: false, screen: false });
});

test("a camera that was switched off while the browser asked stays dark", async () => {
  const local = new LocalMedia(fakeDevices());
  const starting = local.start();
  await local.setCamera(false);
  await starting;
  assert.deepEqual(local.sending, { microphone: true, camera: false, screen: false });
});

test("what the system takes away and gives back is said, and nothing is asked for anew", async () => {
  const devices = fakeDevices();
  const local = await started(devices);
  const said = [];
  local.on("held", (held) => said.push(held.microphone));
  local.tracks.microphone.onmute();
  local.tracks.microphone.onunmute();
  assert.deepEqual(said, [true, false]);
  assert.equal(devices.asked.length, 1);
});

test("a microphone that a phone call has ended is no missing one, and comes back by a tap", async () => {
  const local = await started(fakeDevices());
  const before = local.tracks.microphone;
  before.onmute();
  before.onended();
  assert.deepEqual(local.problems, {});
  assert.deepEqual(local.held, { microphone: true, camera: false });
  await local.resume();
  assert.notEqual(local.tracks.microphone, before);
  assert.deepEqual([local.sending.microphone, local.held.microphone], [true, false]);
});

test("a camera that is switched off while a phone call has it stays off", async () => {
  const local = await started(fakeDevices());
  local.tracks.camera.onmute();
  await local.setCamera(false);
  await local.resume();
  assert.deepEqual([local.sending.camera, local.held.camera], [false, false]);
});

test("in a visit by sound no camera is asked for, whatever is pressed, and no screen is offered", async () => {
  const devices = fakeDevices();
  const local = new LocalMedia(devices);
  local.limitToSound();
  await local.start();
  await local.setCamera(true);
  assert.deepEqual(local.sending, { microphone: true, camera: false, screen: false });
  assert.deepEqual(devices.asked.map(({ video }) => video), [undefined]);
  assert.equal(local.canShareScreen, false);
});

test("a camera that was on goes out once the visit turns out to be by sound", async () => {
  const local = await started(fakeDevices());
  const { camera } = local.tracks;
  local.limitToSound();
  assert.equal(camera.stopped, true);
  assert.equal(local.tracks.camera, null);
});

test("a visit by sound has no cameras to choose from", async () => {
  const listed = ["audioinput", "videoinput"].map((kind) => ({ kind, deviceId: kind }));
  const local = new LocalMedia({ ...fakeDevices(), enumerateDevices: async () => listed });
  assert.equal((await local.list()).camera.length, 1);
  local.limitToSound();
  const { microphone, camera } = await local.list();
  assert.deepEqual([microphone.length, camera.length], [1, 0]);
});
