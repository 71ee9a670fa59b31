/**
 * One RTCPeerConnection to the server: what it sends, in a fixed order (microphone, camera, screen),
 * and the receive slots behind it. People come and go and screens are shared without a new offer;
 * only more slots need one. A connection is never repaired beyond an ICE restart: a new one is made.
 */

import { withBounds } from "./answer-bounds.js";
import { cameraLayers, rescale } from "./camera-layers.js";
import { statedRows } from "./camera-size.js";
import { Emitter } from "./emitter.js";
import { Headroom } from "./headroom.js";
import { encodeOnly } from "./published-layers.js";
import { keepSharp, SCREEN_LAYER } from "./screen-profile.js";
import { bytesOf, sendableOf, wayOf } from "./path-stats.js";
import { soundPathOf, withRedundancy } from "./redundancy.js";
import { sparePicture, ThriftMeter } from "./thrift.js";

/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./messages.js").OfferSlot} OfferSlot */
/** @typedef {{RTCPeerConnection: typeof RTCPeerConnection, MediaStream: typeof MediaStream,
 *   RTCRtpSender: typeof RTCRtpSender}} Rtc */
/** @typedef {{audio: RTCRtpTransceiver | null, video: RTCRtpTransceiver, screen: boolean,
 *   stream: MediaStream}} ReceiveSlot */
/** @typedef {{sdp: string, publish: {[source in Source]?: string}, slots: OfferSlot[]}} Description */

/** Pairs of the first offer: enough for a visit with an interpreter and a relative. */
export const FIRST_PAIRS = 3;
/** The server knows 32 slots; one of them shows the screen. */
export const MOST_PAIRS = 31;

/**
 * @typedef {object} PeerEvents
 * @property {"connecting" | "connected" | "disconnected" | "failed" | "closed"} state `closed` also
 *   when the server ended the DTLS connection, long before ICE notices
 * @property {null} hollow the browser gathered, and found no address of this device
 */

/** @extends {Emitter<PeerEvents>} */
export class Peer extends Emitter {
  /** @type {ReceiveSlot[]} */ slots = [];
  /** @type {{[source in Source]?: RTCRtpTransceiver}} */ #senders = {};
  /** @type {Rtc} */ #rtc;
  /** @type {() => RTCIceServer[]} */ #iceServers;
  /** @type {RTCDtlsTransport | null} */ #dtls = null;
  #closed = false;
  #redundant = false;
  #thrift = new ThriftMeter();
  #headroom = new Headroom();
  #answer = "";
  /** @type {import("./answer-bounds.js").Bounds} */
  #bounds = { soundBps: this.#thrift.soundBps, pictureKbps: 0, rids: null };

  /**
   * @param {Rtc} rtc
   * @param {{publish: boolean, subscribe: boolean}} rights
   * @param {{[source in Source]: MediaStreamTrack | null}} tracks
   * @param {number} pairs
   * @param {() => RTCIceServer[]} iceServers with credentials that are good now
   */
  constructor(rtc, rights, tracks, pairs, iceServers) {
    super();
    this.#rtc = rtc;
    this.#iceServers = iceServers;
    this.pc = new rtc.RTCPeerConnection({
      bundlePolicy: "max-bundle",
      iceServers: iceServers(),
    });
    this.pc.onconnectionstatechange = () => this.#report(this.pc.connectionState);
    this.pc.oniceconnectionstatechange = () => this.#iceChanged();
    this.pc.onicegatheringstatechange = () => this.#gathered();
    if (rights.publish) this.#addSenders(tracks);
    if (rights.subscribe) this.#addSlots(pairs);
  }

  get connected() {
    return this.pc.connectionState === "connected" && this.#dtls?.state !== "closed";
  }

  /** Whether an offer of this connection has been answered. */
  get answered() {
    return this.#dtls !== null;
  }

  get pairs() {
    return this.slots.filter((slot) => !slot.screen).length;
  }

  /**
   * Sends this track from now on, or nothing; needs no offer.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async setTrack(source, track) {
    const sender = this.#senders[source]?.sender;
    if (!sender || sender.track === track || this.#closed) return;
    if (source === "camera" && track) await this.#fit(track);
    if (source === "screen" && track) await keepSharp(sender).catch(() => {});
    await sender.replaceTrack(track);
  }

  /** Encodes only what somebody has a use for. @param {Source} source @param {string[]} rids */
  setLayers(source, rids) {
    if (source === "microphone") return this.#thrift.tell(rids.includes("low"));
    if (source === "camera") this.#bounds = { ...this.#bounds, rids };
    const sender = this.#senders[source]?.sender;
    if (sender && !this.#closed) void encodeOnly(sender, rids).catch(() => {});
  }

  /** Adds receive slots until there are `pairs` of them; the next offer carries them. @param {number} pairs */
  grow(pairs) {
    while (this.pairs < Math.min(pairs, MOST_PAIRS)) this.#addPair();
  }

  /**
   * Makes an offer; the candidates are not waited for, because the server never uses them.
   * @param {{iceRestart: boolean}} options
   * @returns {Promise<Description>}
   */
  async describe({ iceRestart }) {
    if (iceRestart) this.#renewServers();
    const offer = await this.pc.createOffer({ iceRestart });
    await this.pc.setLocalDescription(offer);
    return this.described();
  }

  /** The offer that is still without an answer, to be sent once more. @returns {Description} */
  described() {
    return {
      sdp: this.pc.localDescription?.sdp ?? "",
      publish: this.#publishMids(),
      slots: this.slots.map(slotMids),
    };
  }

  /** @param {string} sdp */
  async accept(sdp) {
    this.#answer = sdp;
    const { microphone = null, camera = null } = this.#publishMids();
    const bounded = withBounds(sdp, { microphone, camera }, this.#bounds);
    await this.pc.setRemoteDescription({ type: "answer", sdp: bounded });
    if (!this.#closed) this.#watchDtls();
  }

  /** Takes the newest answer again with the bounds of now; the server need not know. */
  async reaccept() {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    await this.accept(this.#answer);
  }

  /** Bytes that came by the path in use, whatever they were; null where the browser cannot tell. */
  async pathBytes() {
    if (this.#closed || !this.connected) return null;
    const { microphone } = this.#senders; // its report is a tenth of the whole connection's
    const stats = await (microphone?.sender.getStats() ?? this.pc.getStats());
    return bytesOf(stats.values());
  }

  /** How the path in use leaves this device. */
  async way() {
    return this.#closed ? null : wayOf((await this.pc.getStats()).values());
  }

  /** What becomes of the sound that is sent; null where nothing is known. */
  async soundPath() {
    const { microphone } = this.#senders;
    if (this.#closed || !this.connected || !microphone) return null;
    return soundPathOf((await microphone.sender.getStats()).values());
  }

  /** What may be sent, in bit/s; 0 where nothing is known. */
  async sendableBps() {
    const { microphone } = this.#senders;
    if (this.#closed || !this.connected || !microphone) return 0;
    return sendableOf((await microphone.sender.getStats()).values());
  }

  /**
   * Spends few bits, or as many as usual; true where the answer has to be taken again for it.
   * @param {number} bps what may be sent @param {number} nowMs
   */
  noteSendable(bps, nowMs) {
    const { camera } = this.#senders;
    if (this.#closed || !camera || !this.#answer) return false;
    this.#thrift.note(bps);
    void sparePicture(camera.sender, this.#thrift.on, bps > 0).catch(() => {});
    const before = this.#bounds;
    const { soundBps } = this.#thrift;
    const pictureKbps = before.rids?.length === 0 ? before.pictureKbps
      : this.#headroom.note(bps, nowMs);
    this.#bounds = { ...before, soundBps, pictureKbps };
    return before.soundBps !== soundBps || before.pictureKbps !== pictureKbps;
  }

  /**
   * Prefers redundant sound or plain sound; true where that has to be offered.
   * @param {boolean} on
   */
  preferRedundancy(on) {
    const { microphone } = this.#senders;
    if (this.#closed || !microphone || on === this.#redundant) return false;
    const { codecs } = this.#rtc.RTCRtpSender.getCapabilities("audio") ?? { codecs: [] };
    const preferred = withRedundancy(codecs, on);
    if (preferred === null) return false;
    microphone.setCodecPreferences(preferred);
    this.#redundant = on;
    return true;
  }

  close() {
    this.#closed = true;
    this.pc.onconnectionstatechange = null;
    this.pc.oniceconnectionstatechange = this.pc.onicegatheringstatechange = null;
    if (this.#dtls) this.#dtls.onstatechange = null;
    this.pc.close();
  }

  /** @param {{[source in Source]: MediaStreamTrack | null}} tracks */
  #addSenders(tracks) {
    this.#senders = {
      microphone: this.#addSender(tracks.microphone ?? "audio"),
      camera: this.#addSender(tracks.camera ?? "video", cameraLayers(tracks.camera)),
      screen: this.#addSender(tracks.screen ?? "video", SCREEN_LAYER),
    };
    if (tracks.camera && !statedRows(tracks.camera)) void this.#fit(tracks.camera);
  }

  /** Camera and layers; a camera that has to be looked at is not waited for. @param {MediaStreamTrack} camera */
  async #fit(camera) {
    const sender = this.#senders.camera?.sender;
    const fitted = sender && rescale(sender, camera);
    if (statedRows(camera)) await fitted;
    else fitted?.catch(() => {});
  }

  /**
   * @param {MediaStreamTrack | string} trackOrKind
   * @param {RTCRtpEncodingParameters[]} [sendEncodings]
   */
  #addSender(trackOrKind, sendEncodings) {
    const init = sendEncodings ? { sendEncodings } : {};
    return this.pc.addTransceiver(trackOrKind, { direction: "sendonly", ...init });
  }

  /** @param {number} pairs */
  #addSlots(pairs) {
    for (let pair = 0; pair < FIRST_PAIRS; pair += 1) this.#addPair();
    const video = this.pc.addTransceiver("video", { direction: "recvonly" });
    this.#addSlot({ audio: null, video, screen: true });
    this.grow(pairs);
  }

  #addPair() {
    const audio = this.pc.addTransceiver("audio", { direction: "recvonly" });
    const video = this.pc.addTransceiver("video", { direction: "recvonly" });
    this.#addSlot({ audio, video, screen: false });
  }

  /** @param {Omit<ReceiveSlot, "stream">} slot */
  #addSlot(slot) {
    const tracks = [slot.audio, slot.video].flatMap((m) => (m ? [m.receiver.track] : []));
    this.slots.push({ ...slot, stream: new this.#rtc.MediaStream(tracks) });
  }

  /** Only for a restart: a changed configuration makes Chromium restart ICE by itself. */
  #renewServers() {
    this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers: this.#iceServers() });
  }

  #publishMids() {
    /** @type {{[source in Source]?: string}} */
    const mids = {};
    for (const source of /** @type {Source[]} */ (Object.keys(this.#senders))) {
      const mid = this.#senders[source]?.mid;
      if (mid) mids[source] = mid;
    }
    return mids;
  }

  #watchDtls() {
    const transceiver = this.pc.getTransceivers()[0];
    const dtls = transceiver?.sender.transport ?? transceiver?.receiver.transport ?? null;
    if (dtls === null || dtls === this.#dtls) return;
    this.#dtls = dtls;
    dtls.onstatechange = () => {
      if (dtls.state === "closed" || dtls.state === "failed") this.#report("closed");
    };
  }

  /** ICE may see a loss that the state of the whole connection shows later. */
  #iceChanged() {
    const state = this.pc.iceConnectionState;
    if (state === "disconnected" || state === "failed") this.#report(state);
  }

  #gathered() {
    const sdp = this.pc.localDescription?.sdp ?? "";
    if (this.pc.iceGatheringState === "complete" && !sdp.includes("a=candidate:")) {
      this.emit("hollow", null);
    }
  }

  /** @param {RTCPeerConnectionState} state */
  #report(state) {
    if (state !== "new") this.emit("state", state);
  }
}

/** @param {ReceiveSlot} slot @returns {OfferSlot} */
function slotMids({ audio, video, screen }) {
  return screen ? { video: video.mid, screen } : { video: video.mid, audio: audio?.mid ?? null };
}
