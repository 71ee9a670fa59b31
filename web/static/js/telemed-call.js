/**
 * `<telemed-call>`: a whole video visit in one element.
 *
 * In: attributes `name` (who joins), `phone` (of the clinic, for whoever is left alone or cannot come in), `only-sound` (no
 * camera is used) and `signaling` (address of the WebSocket), properties `token`, `seat` (resumes a call without a click), `choices`, `problem` (known before the first screen) and
 * `tokenSource` (a function that fetches a fresh token). Out: the events of `CallEvents`, cancelable;
 * cancelling `telemed-left` or `telemed-error` keeps the built-in last screen away. `data-state` says
 * where the person is: prejoin, waiting, call, reconnecting, left or error. For tests: `session`
 * (read only), and the attributes `data-participant`, `data-slot`, `data-live`, `data-self` and
 * `data-action` inside.
 */

import { anyAddressRtc } from "./any-address.js";
import { CallScreen } from "./call-screen.js";
import { MediaSession } from "./call.js";
import { LONGEST_MS } from "./ladder.js";
import { askHowToLeave } from "./leave-dialog.js";
import { LocalMedia } from "./local-media.js";
import { watchNetwork } from "./network-events.js";
import { Prejoin } from "./prejoin.js";
import { SignalingClient } from "./protocol.js";
import { connectingScreen, endScreen, waitingScreen } from "./quiet-screens.js";
import { canCall, painted, restartsAtOnce, stayAwake } from "./surroundings.js";
import { tabMemory } from "./way-memory.js";

/** @typedef {import("./local-media.js").Choices} Choices */
/** @typedef {import("./call.js").State} SessionState */

/**
 * @typedef {object} CallEvents
 * @property {{participant: string}} telemed-joined
 * @property {Record<string, never>} telemed-waiting
 * @property {{reason: string}} telemed-left the visit is over for this person
 * @property {{code: string, message: string}} telemed-error the visit cannot go on
 * @property {import("./messages.js").ChatMessage} telemed-chat a chat message is stored
 * @property {{seat: string}} telemed-seat secret; resumes this seat after a reload
 * @property {{choices: Choices}} telemed-choices what the person switched on, and with which devices
 */

/** A failed token source: a code that the table of words knows, and a sentence. */
export class JoinProblem extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Reasons that a fresh token mends, without a word to the person. */
const MENDED_BY_TOKEN = new Set(["token_expired", "token_used", "seat_gone"]);
/** Reasons that are no errors. */
const ORDERLY = new Set(["left", "ended", "removed", "denied", "replaced", "withdrawn"]);

export class TelemedCall extends HTMLElement {
  /** @type {string | null} */ token = null;
  /** @type {string | null} */ seat = null;
  /** @type {Partial<Choices>} */ choices = {};
  /** @type {(() => Promise<string>) | null} */ tokenSource = null;
  /** @type {JoinProblem | null} */ problem = null;
  /** @type {MediaSession | null} */ #session = null;
  #ends = new AbortController();
  #screenEnds = new AbortController();
  #shown = "";
  #mended = false;
  #speakerId = "";
  local = new LocalMedia(navigator.mediaDevices);

  /** The running media session, for tests and statistics; null before joining. */
  get session() {
    return this.#session;
  }

  connectedCallback() {
    this.#ends = new AbortController();
    const { signal } = this.#ends;
    if (!canCall()) return this.fail("unsupported", "");
    if (this.problem) return this.fail(this.problem.code, this.problem.message);
    this.local.choices = { ...this.local.choices, ...this.choices };
    this.local.on("change", () => this.#tell("telemed-choices", { choices: this.local.choices }), signal);
    watchNetwork({
      changed: () => this.#session?.networkChanged(),
      woke: () => this.#session?.woke(),
    }, signal);
    if (this.hasAttribute("only-sound")) this.local.limitToSound();
    void this.local.start();
    if (this.seat === null) return this.#showPrejoin();
    this.dataset.state = "reconnecting";
    this.#start({ seat: this.seat });
  }

  disconnectedCallback() {
    this.#ends.abort();
    this.#screenEnds.abort();
    this.#dropSession();
    this.local.stop();
    this.replaceChildren();
    this.#shown = "";
  }

  /** Shows that the visit cannot be entered. @param {string} code @param {string} message */
  fail(code, message) {
    this.#dropSession();
    this.local.stop();
    const shown = this.#tell("telemed-error", { code, message });
    if (shown) this.#showEnd("error", code, message);
  }

  #showPrejoin() {
    this.dataset.state = "prejoin";
    const prejoin = new Prejoin({
      local: this.local,
      name: this.getAttribute("name") ?? "",
      onJoin: () => (prejoin.showJoining(), void this.#join()),
      onSpeaker: (deviceId) => (this.#speakerId = deviceId),
      signal: this.#newScreen("prejoin"),
    });
    this.replaceChildren(prejoin.root);
  }

  async #join() {
    const { signal } = this.#ends;
    try {
      const token = this.token ?? (await this.tokenSource?.()) ?? null;
      this.token = null;
      if (!signal.aborted) this.#start({ token });
    } catch (error) {
      if (!(error instanceof JoinProblem)) throw error;
      if (signal.aborted) return;
      if (this.#mended && error.code === "offline") return this.#joinLater();
      this.fail(error.code, error.message);
    }
  }

  /** The visit was open, so a server that is out of reach is no reason to give up. */
  #joinLater() {
    this.#newScreen("connecting");
    this.replaceChildren(connectingScreen());
    const timer = setTimeout(() => void this.#join(), LONGEST_MS);
    this.#ends.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** @param {{token?: string | null, seat?: string | null}} credentials */
  #start(credentials) {
    this.#dropSession();
    if (this.#shown !== "prejoin") this.#shown = "";
    const session = new MediaSession({
      signaling: new SignalingClient({ url: this.#signalingUrl() }),
      local: this.local,
      rtc: window,
      anywhere: restartsAtOnce() ? () => anyAddressRtc(this.#ends.signal) : null,
      ways: tabMemory(),
      restartAtOnce: restartsAtOnce(),
      painted,
    });
    this.#session = session;
    const { signal } = this.#ends;
    session.on("state", (state) => this.#follow(session, state), signal);
    session.on("over", (reason) => this.#over(session, reason), signal);
    session.on("seat", (seat) => this.#tell("telemed-seat", { seat }), signal);
    session.chat.on("change", (message) => message && this.#tell("telemed-chat", message), signal);
    session.join(credentials);
  }

  #signalingUrl() {
    const url = new URL(this.getAttribute("signaling") ?? "/signal", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  }

  /** @param {MediaSession} session @param {SessionState} state */
  #follow(session, state) {
    if (session !== this.#session || state === "over") return;
    if (state === "call") this.dataset.state = session.reconnecting ? "reconnecting" : "call";
    if (state === "waiting") this.dataset.state = "waiting";
    if (state !== this.#shown) this.#showSession(session, state);
  }

  /** @param {MediaSession} session @param {SessionState} state */
  #showSession(session, state) {
    if (state === "connecting" && this.#shown === "") {
      this.#newScreen(state);
      this.replaceChildren(connectingScreen());
    }
    if (state === "waiting") this.#showWaiting(session);
    if (state === "call") this.#showCall(session);
  }

  /** @param {MediaSession} session */
  #showWaiting(session) {
    const signal = this.#newScreen("waiting");
    this.#mended = false;
    this.replaceChildren(waitingScreen(session, this.getAttribute("phone") ?? "", signal));
    stayAwake(signal);
    this.#focusHeading();
    this.#tell("telemed-waiting", {});
  }

  /** @param {MediaSession} session */
  #showCall(session) {
    const signal = this.#newScreen("call");
    this.#mended = false;
    const phone = this.getAttribute("phone") ?? "";
    const leave = () => void this.#leave(session, screen, signal);
    const screen = new CallScreen(session, { phone, leave }, signal);
    screen.stage.useSpeaker(this.#speakerId);
    this.replaceChildren(screen.root);
    stayAwake(signal);
    this.#tell("telemed-joined", { participant: session.me });
  }

  /**
   * Who moderates says first what becomes of the others.
   * @param {MediaSession} session @param {CallScreen} screen @param {AbortSignal} signal
   */
  async #leave(session, screen, signal) {
    const how = session.rights.moderate ? await askHowToLeave(signal) : "leave";
    if (how === "end") screen.moderation.end();
    if (how === "leave") await session.leave();
  }

  /** @param {MediaSession} session @param {string} reason */
  #over(session, reason) {
    if (session !== this.#session) return;
    if (MENDED_BY_TOKEN.has(reason) && this.tokenSource && !this.#mended) {
      this.#mended = true;
      this.token = null;
      return void this.#join();
    }
    if (!ORDERLY.has(reason)) return this.fail(reason, "");
    this.#dropSession();
    this.local.stop();
    if (this.#tell("telemed-left", { reason })) this.#showEnd("left", reason, "");
  }

  /** @param {"left" | "error"} state @param {string} reason @param {string} message */
  #showEnd(state, reason, message) {
    this.dataset.state = state;
    this.#newScreen("end");
    const phone = this.getAttribute("phone") ?? "";
    const onRejoin = this.tokenSource ? () => this.#rejoin() : null;
    this.replaceChildren(endScreen({ reason, message, phone, onRejoin }));
    this.#focusHeading();
  }

  #rejoin() {
    this.token = null;
    this.#mended = false;
    void this.local.start();
    this.#showPrejoin();
  }

  #dropSession() {
    this.#session?.close();
    this.#session = null;
  }

  /** Ends what the screen before listened to. @param {string} name */
  #newScreen(name) {
    this.#screenEnds.abort();
    this.#screenEnds = new AbortController();
    this.#shown = name;
    return this.#screenEnds.signal;
  }

  #focusHeading() {
    this.querySelector("h1")?.focus({ preventScroll: true });
  }

  /**
   * Dispatches an event; false where somebody cancelled it.
   * @template {keyof CallEvents} K
   * @param {K} type
   * @param {CallEvents[K]} detail
   */
  #tell(type, detail) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, cancelable: true }));
  }
}

customElements.define("telemed-call", TelemedCall);
