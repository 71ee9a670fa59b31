/**
 * The media connection over time: one Peer after another, each with its negotiator, mended or
 * replaced as repair.js says. While signalling is down an ICE restart is begun all the same: browsers
 * then look for a path with the credentials of before, which the server still takes. The offer of it,
 * and a new connection that is due, wait until the caller says `resume`.
 */

import { Emitter } from "./emitter.js";
import { Negotiator } from "./negotiator.js";
import { watchPath } from "./path-watch.js";
import { Peer } from "./peer.js";
import { watchRedundancy } from "./redundancy.js";
import { Repair } from "./repair.js";
import { Rescue } from "./rescue.js";
import { watchThrift } from "./thrift.js";
import { RELAY_ALONE_MS, WayMemory } from "./way-memory.js";

/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./messages.js").Rights} Rights */
/** @typedef {{[source in Source]: MediaStreamTrack | null}} Tracks */

/**
 * @typedef {object} LinkParts
 * @property {import("./protocol.js").SignalingClient} signaling
 * @property {import("./peer.js").Rtc} rtc
 * @property {() => {rights: Rights, tracks: Tracks, pairs: number,
 *   iceServers: () => RTCIceServer[]}} wanted what a new Peer is made of
 * @property {(() => import("./peer.js").Rtc) | null} anywhere see any-address.js; null where the browser
 *   needs none
 * @property {WayMemory} ways
 * @property {boolean} restartAtOnce see repair.js
 * @property {() => number} random
 */

/**
 * @typedef {object} LinkEvents
 * @property {Peer} began a new connection: every slot has a new stream
 * @property {Peer} grown the same connection with more slots
 * @property {Peer} answered the server knows all slots now
 * @property {Peer} state the connection came up or went down
 * @property {Peer} silent the path seems to be dead; what else goes by it may be, too
 */

/**
 * The first offer of a connection is answered within a round trip and some milliseconds; without an
 * answer by then it is asked whether signalling is still there. Once: on a slow line it only takes long.
 */
const UNANSWERED_MS = 1500;
/** ICE has settled on the best of the ways that work by then. */
const SETTLED_MS = 3000;

/** @extends {Emitter<LinkEvents>} */
export class MediaLink extends Emitter {
  /** @type {Peer | null} */ peer = null;
  /** @type {LinkParts} */ #parts;
  /** @type {Negotiator | null} */ #negotiator = null;
  /** @type {Repair} */ #repair;
  #offers = 0;
  #due = false;
  #ended = false;
  #watching = new AbortController();
  #alert = () => {};
  /** @type {import("./peer.js").Rtc} */ #rtc;
  #silent = false;
  /** @type {Rescue} */ #rescue;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #wayTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #unansweredTimer;

  /** @param {LinkParts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
    this.#rtc = parts.rtc;
    const actions = { restart: () => this.restartIce(), rebuild: () => this.rebuild() };
    this.#repair = new Repair(actions, parts);
    const hopeless = () => this.#silent && parts.signaling.trusted;
    this.#rescue = new Rescue({ hopeless, act: () => this.#leaveAddresses() });
  }

  get connected() {
    return this.peer?.connected === true;
  }

  /** A new signalling connection: offers are numbered from 1 again. */
  renumber() {
    this.#offers = 0;
  }

  /** Signalling is back, for the same seat. @param {boolean} isUp the server still has the connection */
  resume(isUp) {
    if (this.peer === null || this.#due || !isUp) return this.rebuild();
    const resent = this.#negotiator?.resend();
    if (!resent && !this.connected) this.restartIce();
    this.#rescueSoon();
  }

  /** Makes a new connection and offers it. */
  rebuild() {
    this.#due = !this.#parts.signaling.connected;
    if (this.#due || this.#ended) return;
    this.#drop();
    const { rights, tracks, pairs, iceServers } = this.#parts.wanted();
    const peer = new Peer(this.#rtc, rights, tracks, pairs, iceServers);
    this.peer = peer;
    this.#negotiator = this.#negotiatorFor(peer);
    peer.on("state", (state) => this.#heard(peer, state));
    peer.on("hollow", () => this.#repair.hollow());
    this.#watching = new AbortController();
    this.#alert = watchPath(peer, (news) => this.#noticed(news), this.#watching.signal);
    const offer = () => void this.#negotiator?.want({ iceRestart: false });
    watchRedundancy(peer, offer, this.#watching.signal);
    watchThrift(peer, () => void this.#negotiator?.reapply(), this.#watching.signal);
    this.#repair.began();
    this.#chooseWay(peer);
    this.emit("began", peer);
    void this.#negotiator.want({ iceRestart: false });
    this.#unansweredTimer = setTimeout(() => this.emit("silent", peer), UNANSWERED_MS);
  }

  /** Looks for a new path under the same connection. */
  restartIce() {
    if (this.peer?.answered) void this.#negotiator?.want({ iceRestart: true });
  }

  /** The device moved to another network, or the page woke up where it may have. */
  networkChanged() {
    this.#alert();
    this.#rescue.moved();
    this.#parts.ways.forget();
    this.#repair.networkChanged();
  }

  /** The person asks for another try. */
  hurry() {
    this.#repair.hurry();
  }

  /** Somebody has reason to think that the path is dead. */
  suspect() {
    this.#repair.suspect();
    if (this.peer) this.emit("silent", this.peer);
  }

  /** Offers more slots where there are fewer than `pairs`. @param {number} pairs */
  grow(pairs) {
    if (this.peer === null || pairs <= this.peer.pairs) return;
    this.peer.grow(pairs);
    this.emit("grown", this.peer);
    void this.#negotiator?.want({ iceRestart: false });
  }

  /** @param {number} id @param {string} sdp */
  receiveAnswer(id, sdp) {
    void this.#negotiator?.receive(id, sdp);
  }

  /** @param {number} id */
  refused(id) {
    this.#negotiator?.refused(id);
  }

  /** The server says that the connection is gone. */
  lost() {
    this.#repair.lost();
  }

  close() {
    this.#ended = true;
    this.#repair.stop();
    this.#drop();
  }

  /** @param {Peer} peer */
  #negotiatorFor(peer) {
    return new Negotiator({
      peer,
      nextId: () => ++this.#offers,
      send: (offer) => this.#parts.signaling.send(offer),
      onAnswered: () => {
        clearTimeout(this.#unansweredTimer);
        this.emit("answered", peer);
      },
      onFailed: () => this.#repair.lost(),
    });
  }

  /** @param {Peer} peer @param {import("./peer.js").PeerEvents["state"]} state */
  #heard(peer, state) {
    this.#repair.heard(state);
    if (state === "connected") this.#noteWaySoon(peer);
    this.emit("state", peer);
    if (state === "disconnected") this.emit("silent", peer);
  }

  /** @param {"silent" | "flows"} news */
  #noticed(news) {
    this.#silent = news === "silent";
    if (!this.#silent) return this.#repair.flows();
    this.suspect();
    this.#rescueSoon();
  }

  /** A way that worked before is tried alone, for a while. @param {Peer} peer */
  #chooseWay(peer) {
    const configuration = peer.pc.getConfiguration();
    const iceTransportPolicy = this.#parts.ways.policy(configuration.iceServers ?? []);
    if (iceTransportPolicy === "all") return;
    peer.pc.setConfiguration({ ...configuration, iceTransportPolicy });
    this.#wayTimer = setTimeout(() => {
      if (peer.connected) return;
      this.#parts.ways.forget();
      this.rebuild();
    }, RELAY_ALONE_MS);
  }

  /** @param {Peer} peer */
  #noteWaySoon(peer) {
    clearTimeout(this.#wayTimer);
    this.#wayTimer = setTimeout(() =>
      void peer.way().then((way) => this.#parts.ways.note(way), () => {}), SETTLED_MS);
  }

  /** Where signalling works and media stay silent, the browser may not know of the network yet. */
  #rescueSoon() {
    this.#rescue.stop();
    if (!this.#silent || !this.peer || !this.#parts.anywhere) return;
    this.#rescue.begin(this.peer, this.#rtc === this.#parts.rtc);
  }

  #leaveAddresses() {
    const { anywhere, rtc } = this.#parts;
    if (anywhere && this.#rtc === rtc) this.#rtc = anywhere();
    this.rebuild();
  }

  #drop() {
    this.#watching.abort();
    this.#rescue.stop();
    clearTimeout(this.#wayTimer);
    clearTimeout(this.#unansweredTimer);
    this.#silent = false;
    this.#negotiator?.stop();
    this.peer?.close();
    this.#negotiator = null;
    this.peer = null;
  }
}
