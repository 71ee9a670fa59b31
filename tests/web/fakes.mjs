/** Stand-ins for the browser: sockets, peer connections and tracks that a test drives by hand. */

import { mock } from "node:test";

export class FakeSocket {
  /** @type {FakeSocket[]} */ static all = [];
  sent = [];
  closed = false;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  static get newest() {
    return FakeSocket.all.at(-1);
  }

  /** The newest over which something was said. */
  static get inUse() {
    return FakeSocket.all.findLast(({ sent }) => sent.length > 0);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  // what the server does

  opens() {
    this.onopen?.();
  }

  says(message) {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  drops(code = 1006) {
    this.onclose?.({ code });
  }

  sentOf(type) {
    return this.sent.filter((message) => message.type === type);
  }
}

export const ALL_RIGHTS = { publish: true, subscribe: true, moderate: true, chat: true };

export function welcome(changes = {}) {
  return { type: "welcome", version: 1, participant: "alice", seat: "seat-of-alice-0001",
    state: "admitted", resumed: false, media: false, rights: ALL_RIGHTS, heartbeat_s: 5, seat_s: 90,
    ice_servers: [], ...changes };
}

export function person(id, changes = {}) {
  return { id, name: id, role: "patient", rights: ALL_RIGHTS, connected: true, media: true,
    microphone: true, camera: true, screen: false, activity: "active", ...changes };
}

export function room(changes = {}) {
  return { type: "room", revision: 1, locked: false, participants: [person("alice"), person("bob")],
    waiting: [], slots: [], ...changes };
}

export function slotState(slot, participant, epoch, changes = {}) {
  return { slot, participant, epoch, screen: false, live: false, codec_missing: "", ...changes };
}

export class FakeTrack {
  enabled = true;
  stopped = false;
  onended = null;

  constructor(kind) {
    this.kind = kind;
  }

  stop() {
    this.stopped = true;
  }

  getSettings() {
    return this.kind === "video" ? { height: 720 } : {};
  }
}

export class FakeStream {
  constructor(tracks) {
    this.tracks = tracks;
  }

  getTracks() {
    return this.tracks;
  }

  getAudioTracks() {
    return this.tracks.filter(({ kind }) => kind === "audio");
  }

  getVideoTracks() {
    return this.tracks.filter(({ kind }) => kind === "video");
  }
}

export class FakePeerConnection {
  /** @type {FakePeerConnection[]} */ static all = [];
  connectionState = "new";
  iceGatheringState = "new";
  bytes = 0;
  closed = false;
  offers = [];
  answers = [];
  localDescription = null;
  transceivers = [];
  dtls = { state: "new", onstatechange: null };

  constructor(configuration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }

  static get newest() {
    return FakePeerConnection.all.at(-1);
  }

  addTransceiver(trackOrKind, init) {
    const kind = typeof trackOrKind === "string" ? trackOrKind : trackOrKind.kind;
    const track = typeof trackOrKind === "string" ? null : trackOrKind;
    const sender = { track, transport: this.dtls,
      getParameters: () => ({ encodings: init?.sendEncodings ?? [{}] }),
      setParameters: async () => {},
      getStats: async () => this.stats(),
      replaceTrack: async (next) => void (sender.track = next) };
    const receiver = { track: new FakeTrack(kind), transport: this.dtls };
    const transceiver = { kind, init, sender, receiver, mid: null };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  async createOffer(options) {
    this.offers.push(options);
    return { type: "offer", sdp: `offer ${this.offers.length}` };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.transceivers.forEach((transceiver, index) => (transceiver.mid = String(index)));
  }

  async setRemoteDescription(description) {
    if (description.sdp === "bad") throw new Error("bad answer");
    this.answers.push(description.sdp);
  }

  getConfiguration() {
    return this.configuration;
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  close() {
    this.closed = true;
  }

  // what the network does

  becomes(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  gathers(candidate) {
    this.localDescription = { ...this.localDescription, sdp: candidate };
    this.iceGatheringState = "complete";
    this.onicegatheringstatechange?.();
  }

  hears(bytes) {
    this.bytes += bytes;
  }

  stats() {
    return new Map([["T", { id: "T", type: "transport", bytesReceived: this.bytes }]]);
  }

  dtlsCloses() {
    this.dtls.state = "closed";
    this.dtls.onstatechange?.();
  }
}

export function fakeDevices({ camera = true, microphone = true, problem = "NotAllowedError" } = {}) {
  const refuse = () => Promise.reject(Object.assign(new Error(problem), { name: problem }));
  return {
    asked: [],
    async getUserMedia(constraints) {
      this.asked.push(constraints);
      if ((constraints.audio && !microphone) || (constraints.video && !camera)) return refuse();
      return new FakeStream([
        ...(constraints.audio ? [new FakeTrack("audio")] : []),
        ...(constraints.video ? [new FakeTrack("video")] : []),
      ]);
    },
    async getDisplayMedia() {
      return new FakeStream([new FakeTrack("video")]);
    },
    async enumerateDevices() {
      return [];
    },
  };
}

/** Virtual time for a test; real promises still run. */
export function virtualTime() {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  mock.method(performance, "now", () => Date.now());
  FakeSocket.all = [];
  FakePeerConnection.all = [];
}

/** Lets every promise that can go on go on. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

export async function pass(ms) {
  mock.timers.tick(ms);
  await settle();
}
