/**
 * The media session: signalling, local media and one connection to the server, joined into a call.
 * It knows no page: a caller shows what its events say and tells it what is on the screen.
 *
 *   idle → connecting → waiting → call → over      (a resume goes from connecting to call at once)
 *
 * `reconnecting` is true while signalling or media that had been up is down; both come back by
 * themselves. After each new media connection the receive slots start empty, and the server's
 * newest snapshot fills them again.
 */

import { ChatLog } from "./chat-log.js";
import { Emitter } from "./emitter.js";
import { IceServers } from "./ice-servers.js";
import { MediaLink } from "./media-link.js";
import { Patience } from "./patience.js";
import { FIRST_PAIRS } from "./peer.js";
import { SlotBoard } from "./slot-board.js";
import { WayMemory } from "./way-memory.js";

/** @typedef {import("./messages.js").Room} Room */
/** @typedef {import("./messages.js").Rights} Rights */
/** @typedef {import("./slots.js").Slot} Slot */
/** @typedef {import("./messages.js").Welcome} Welcome */
/** @typedef {import("./messages.js").ViewedSlot} ViewedSlot */
/** @typedef {import("./messages.js").QualityOf} QualityOf */
/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./messages.js").Activity} Activity */
/** @typedef {"idle" | "connecting" | "waiting" | "call" | "over"} State */

/** The server closes the connection once a seat is given up; a dead network must not hold anyone. */
const LEAVE_TIMEOUT_MS = 1500;

/**
 * @typedef {object} SessionEvents
 * @property {State} state also when `reconnecting` changed
 * @property {string} seat the key that resumes this seat
 * @property {Room} room
 * @property {Slot[]} slots a new connection: every slot has a new stream
 * @property {Slot} slot the owner or the phase of one slot changed
 * @property {string[]} speakers
 * @property {QualityOf[]} quality
 * @property {Source} muted a moderator muted this source
 * @property {{code: string, message: string}} refused a refusal that no request waits for
 * @property {string} over why it is over: a reason of closings.js
 */

/**
 * @typedef {object} Parts
 * @property {import("./protocol.js").SignalingClient} signaling
 * @property {import("./local-media.js").LocalMedia} local
 * @property {import("./peer.js").Rtc} rtc
 * @property {boolean} restartAtOnce see repair.js
 * @property {(() => import("./peer.js").Rtc) | null} [anywhere] see media-link.js
 * @property {WayMemory} [ways]
 * @property {() => Promise<void>} painted resolves once what was hidden is off the screen
 * @property {() => number} [random]
 */

/** @extends {Emitter<SessionEvents>} */
export class MediaSession extends Emitter {
  /** @type {State} */ state = "idle";
  /** @type {Room | null} */ room = null;
  /** Own participant id, "" before welcome. */
  me = "";
  /** @type {Rights} */
  rights = { publish: false, subscribe: false, moderate: false, chat: false, only_sound: false };
  /** @type {string[]} */ speakers = [];
  /** @type {QualityOf[]} */ quality = [];
  /** @type {SlotBoard} */ #board;
  /** @type {MediaLink} */ #link;
  /** @type {ViewedSlot[]} */ #view = [];
  #patience = new Patience();
  /** The server knows only the slots that it has answered. */
  #answeredSlots = 0;
  #mediaWasUp = false;
  /** @type {Activity} */ #activity = "active";
  #ends = new AbortController();

  /** @param {Parts} parts */
  constructor({ signaling, local, rtc, restartAtOnce, anywhere = null, painted,
    ways = new WayMemory(null), random = Math.random }) {
    super();
    this.signaling = signaling;
    this.local = local;
    this.#board = new SlotBoard({
      painted,
      ready: ({ index, epoch }) => signaling.send({ type: "slot_ready", slot: index, epoch }),
      changed: (slot) => this.emit("slot", slot),
    });
    this.chat = new ChatLog((key, text) => signaling.request({ type: "chat", key, text }));
    const servers = new IceServers(signaling, this.#ends.signal);
    const iceServers = () => servers.current;
    const wanted = () =>
      ({ rights: this.rights, tracks: local.tracks, pairs: this.#pairsWanted(), iceServers });
    this.#link = new MediaLink({ signaling, rtc, wanted, ways, restartAtOnce, anywhere,
      random });
    this.#listen();
    this.#follow();
  }

  /** The running RTCPeerConnection, for tests and statistics; null before admission. */
  get pc() {
    return this.#link.peer?.pc ?? null;
  }

  get slots() {
    return this.#board.slots;
  }

  get reconnecting() {
    if (this.state !== "call" && this.state !== "waiting") return false;
    return !this.signaling.connected || (this.#mediaWasUp && !this.#link.connected);
  }

  /** The stream and receiver of a slot. @param {number} index */
  receiveSlot(index) {
    return this.#link.peer?.slots[index] ?? null;
  }

  /** @param {{token?: string | null, seat?: string | null}} credentials */
  join(credentials) {
    this.#to("connecting");
    this.signaling.open(credentials);
  }

  /** Gives the seat up and ends, even where the server cannot be told. */
  async leave() {
    const timeout = new Promise((resolve) => setTimeout(resolve, LEAVE_TIMEOUT_MS));
    await Promise.race([this.signaling.request({ type: "leave" }).catch(() => {}), timeout]);
    this.#over("left");
  }

  /** Ends without giving the seat up; the local media stay with their owner. */
  close() {
    this.#ends.abort();
    this.#link.close();
    this.signaling.close();
  }

  /** The page says what it shows. @param {ViewedSlot[]} view */
  setView(view) {
    this.#view = view;
    this.#sendView();
  }

  /** The page says whether the person can take part. @param {Activity} state */
  setActivity(state) {
    if (state === this.#activity) return;
    this.#activity = state;
    if (this.state === "call") this.#sendActivity();
  }

  /** The page says that a slot shows a frame of its owner. @param {number} index @param {number} epoch */
  shown(index, epoch) {
    this.#board.shown(index, epoch);
  }

  /** The device is back in a network, or in another one. */
  networkChanged() {
    this.signaling.tryNow();
    this.#link.networkChanged();
  }

  /** The person asks for another try. */
  tryNow() {
    this.signaling.tryNow();
    if (this.#mediaWasUp && !this.#link.connected) this.#link.hurry();
  }

  /** The page woke up: what looks open may be dead. */
  woke() {
    this.signaling.networkBack();
    if (this.reconnecting) this.#link.networkChanged();
  }

  #listen() {
    const { signaling, local } = this;
    const { signal } = this.#ends;
    signaling.on("welcome", (message) => this.#welcome(message), signal);
    signaling.on("admitted", () => this.#enter(), signal);
    signaling.on("room", (room) => this.#applyRoom(room), signal);
    signaling.on("answer", ({ id, sdp }) => this.#link.receiveAnswer(id, sdp), signal);
    signaling.on("slot_switched", ({ slot, epoch, rtp_timestamp }) =>
      this.#board.switched(slot, epoch, rtp_timestamp), signal);
    signaling.on("speakers", ({ participants }) => this.#note("speakers", participants), signal);
    signaling.on("quality", ({ participants }) => this.#measured(participants), signal);
    signaling.on("chat_message", (message) => this.chat.receive(message), signal);
    signaling.on("muted", ({ source }) => void this.#muted(source), signal);
    signaling.on("layers", ({ source, rids }) => this.#link.peer?.setLayers(source, rids), signal);
    signaling.on("media_lost", () => this.#link.lost(), signal);
    signaling.on("error", (message) => this.#refused(message), signal);
    signaling.on("lost", () => this.#to(this.state), signal);
    signaling.on("closed", ({ reason }) => this.#over(reason), signal);
    local.on("change", (source) => void this.#localChanged(source), signal);
  }

  /** @param {Welcome} message */
  #welcome(message) {
    this.me = message.participant;
    this.rights = message.rights;
    if (this.rights.only_sound) this.local.limitToSound();
    this.#link.renumber();
    this.emit("seat", message.seat);
    if (message.state === "waiting") this.#to("waiting");
    else this.#resume(message.media);
    void this.chat.retry();
  }

  /** @param {boolean} mediaIsUp the server still carries the connection of before */
  #resume(mediaIsUp) {
    this.#to("call");
    this.#sendMedia();
    this.#repeatActivity();
    this.#sendView();
    this.#board.repeat();
    this.#link.resume(mediaIsUp);
  }

  #enter() {
    this.#to("call");
    this.#sendMedia();
    this.#repeatActivity();
    this.#link.rebuild();
  }

  #follow() {
    this.#link.on("began", ({ slots }) => {
      this.#answeredSlots = 0;
      this.#board.restart(slots);
      this.emit("slots", this.slots);
    });
    this.#link.on("grown", ({ slots }) => {
      this.#board.extend(slots);
      this.emit("slots", this.slots);
    });
    this.#link.on("answered", () => this.#answered());
    this.#link.on("state", ({ connected }) => {
      this.#mediaWasUp ||= connected;
      this.#to(this.state);
    });
    this.#link.on("silent", () => this.signaling.networkBack());
  }

  #answered() {
    this.#answeredSlots = this.slots.length;
    this.#sendView();
    if (this.room) this.#applyRoom(this.room);
  }

  #pairsWanted() {
    const others = this.room?.participants.filter(
      ({ id, rights }) => id !== this.me && rights.publish,
    );
    return Math.max(FIRST_PAIRS, others?.length ?? 0);
  }

  /** @param {Room} room */
  #applyRoom(room) {
    this.room = room;
    if (this.rights.subscribe) this.#link.grow(this.#pairsWanted());
    this.emit("room", room);
    this.#board.apply(room.slots);
  }

  /** @param {Source} source */
  async #muted(source) {
    if (source === "microphone") await this.local.setMicrophone(false);
    if (source === "camera") await this.local.setCamera(false);
    if (source === "screen") this.local.stopScreen();
    this.emit("muted", source);
  }

  /** @param {import("./messages.js").ErrorMessage} message */
  #refused({ code, message, request, offer }) {
    if (typeof request === "number") return;
    if (typeof offer === "number") this.#link.refused(offer);
    this.emit("refused", { code, message });
  }

  /** @param {Source} source */
  async #localChanged(source) {
    this.#sendMedia();
    await this.#link.peer?.setTrack(source, this.local.tracks[source]);
  }

  #sendMedia() {
    if (this.state === "call") this.signaling.send({ type: "media", ...this.local.sending });
  }

  #sendActivity() {
    if (this.rights.publish) this.signaling.send({ type: "activity", state: this.#activity });
  }

  /** Each signalling connection begins as active. */
  #repeatActivity() {
    if (this.#activity !== "active") this.#sendActivity();
  }

  #sendView() {
    const slots = this.#view.filter(({ slot }) => slot < this.#answeredSlots);
    if (slots.length) this.signaling.send({ type: "view", slots });
  }

  /**
   * @template {"speakers" | "quality"} K
   * @param {K} what
   * @param {SessionEvents[K]} value
   */
  #note(what, value) {
    /** @type {SessionEvents} */ (/** @type {unknown} */ (this))[what] = value;
    this.emit(what, value);
  }

  /** @param {QualityOf[]} participants */
  #measured(participants) {
    this.#note("quality", participants);
    const own = participants.find(({ participant }) => participant === this.me);
    if (own?.uplink === "lost") this.#link.suspect();
    this.#patience.note(participants, this.me, performance.now());
    for (const slot of this.slots) {
      const received = this.receiveSlot(slot.index);
      if (received) this.#patience.apply(received, slot.participant, performance.now());
    }
  }

  /** @param {string} reason */
  #over(reason) {
    if (this.state === "over") return;
    this.#to("over");
    this.close();
    this.emit("over", reason);
  }

  /** @param {State} state */
  #to(state) {
    this.state = state;
    this.emit("state", state);
  }
}
