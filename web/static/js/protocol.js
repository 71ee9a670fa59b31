/**
 * The signalling client: one WebSocket at a time, opened again and again until the visit is over.
 *
 * `open` says hello with a join token (first time) or a seat key (every time after). Each server
 * message becomes an event of its own type; `request` gives a promise that `done` fulfils and
 * `error` rejects. A lost connection is retried up the ladder without end; a final close code is
 * the only thing that stops it. The beat finds dead connections that no event reports. A connection
 * that is doubted has to answer a ping before a second one has opened, or the second takes its place.
 */

import { closingOf } from "./closings.js";
import { Emitter } from "./emitter.js";
import { waitMs } from "./ladder.js";
import { SERVER_FIELDS, SUBPROTOCOL, VERSION } from "./messages.js";

/** @typedef {import("./messages.js").ClientMessage} ClientMessage */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {import("./messages.js").Request} Request */
/** @typedef {import("./messages.js").Welcome} Welcome */
/** @typedef {import("./closings.js").Closing} Closing */
/** @typedef {typeof globalThis.WebSocket} SocketClass */

/** A connection attempt that has not opened by then is given up (a black hole answers nothing). */
const CONNECT_TIMEOUT_MS = 8000;
/** The first attempt after a loss may go by a network that is just vanishing. */
const FIRST_CONNECT_TIMEOUT_MS = 4000;
/** A request without an answer by then has failed. */
const REQUEST_TIMEOUT_MS = 15_000;
/** A doubted connection has so many of its usual round trips to answer a ping, within these bounds. */
const PROBE_ROUND_TRIPS = 4;
const PROBE_LEAST_MS = 600;
const PROBE_MOST_MS = 2500;
/** A connection that lasted this long starts the ladder from the bottom again. */
const STABLE_MS = 10_000;
/** After "too many requests" each wait is longer by this: a full bucket refills (PROTOCOL.md, Limits). */
const RATE_LIMITED_MS = 2000;

/** A request that the server refused, or that the connection did not survive. */
export class RequestFailed extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @template {ServerMessage} M
 * @typedef {{[T in M["type"]]: Extract<M, {type: T}>}} ByType
 */

/**
 * One event per server message, and: `lost` (the connection is gone, another try is planned),
 * `closed` (it is over; `reason` says why).
 * @typedef {ByType<ServerMessage> & {lost: Closing, closed: Closing}} SignalingEvents
 */

/**
 * @template T
 * @typedef {T extends unknown ? Omit<T, "request"> : never} Unnumbered
 */

/** @extends {Emitter<SignalingEvents>} */
export class SignalingClient extends Emitter {
  /** @type {string} */ #url;
  /** @type {SocketClass} */ #WebSocket;
  /** @type {() => number} */ #random;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {WebSocket | null} opens while the other is in doubt */ #spare = null;
  /** @type {string | null} */ #token = null;
  /** @type {string | null} */ #seat = null;
  /** @type {string | null} */ #seenChat = null;
  /** @type {Map<number, {resolve: () => void, reject: (why: RequestFailed) => void}>} */
  #pending = new Map();
  #requests = 0;
  #attempt = 0;
  #welcomed = false;
  #finished = true;
  #unansweredPings = 0;
  /** When something was asked of this connection, and how long its fastest answer took. */
  #askedMs = 0;
  #roundTripMs = Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #connectTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #stableTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #probeTimer;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #beatTimer;

  /**
   * @param {{url: string, WebSocket?: SocketClass, random?: () => number}} options
   */
  constructor({ url, WebSocket = globalThis.WebSocket, random = Math.random }) {
    super();
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#random = random;
  }

  /** True between welcome and the loss of the connection. */
  get connected() {
    return this.#welcomed;
  }

  /** True where nothing speaks against the connection. */
  get trusted() {
    return this.#welcomed && this.#unansweredPings === 0;
  }

  /**
   * Starts with a join token, or with the seat key of an earlier welcome.
   * @param {{token?: string | null, seat?: string | null}} credentials
   */
  open({ token = null, seat = null }) {
    this.#finished = false;
    this.#token = token;
    this.#seat = seat;
    this.#attempt = 0;
    this.#connect();
  }

  /** Stops without giving the seat up; no event follows. */
  close() {
    this.#finished = true;
    this.#dropSocket(1000);
    this.#stopTimers();
    this.#failPending();
  }

  /**
   * Sends a message if the connection is up; says whether it did.
   * @param {ClientMessage} message
   */
  send(message) {
    if (!this.#welcomed || this.#socket === null) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Sends a request and waits for its `done`. Rejects with RequestFailed.
   * @param {Unnumbered<Request>} message
   * @returns {Promise<void>}
   */
  request(message) {
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(request, "no_answer"), REQUEST_TIMEOUT_MS);
      this.#pending.set(request, {
        resolve: () => (clearTimeout(timer), resolve()),
        reject: (why) => (clearTimeout(timer), reject(why)),
      });
      const sent = this.send(/** @type {Request} */ ({ ...message, request }));
      if (!sent) this.#settle(request, "connection_lost");
    });
  }

  /** The network came back, the page woke up or media fell silent: try now, doubt what is open. */
  networkBack() {
    if (this.#finished) return;
    if (this.#welcomed) this.#doubt();
    else if (this.#retryTimer !== undefined) this.#connect();
  }

  /** The person wants no more waiting, or an attempt goes by a network that is gone: begin anew. */
  tryNow() {
    if (this.#finished) return;
    if (!this.#welcomed) return this.#connect();
    this.#doubt();
    this.#openSpare(); // the one of before may have left by the network that is gone
  }

  #connect() {
    this.#stopTimers();
    this.#dropSocket(1000);
    const socket = new this.#WebSocket(this.#url, [SUBPROTOCOL]);
    socket.onopen = () => this.#sayHello(socket);
    this.#use(socket);
  }

  /** @param {WebSocket} socket */
  #use(socket) {
    this.#socket = socket;
    const patience = this.#attempt <= 1 ? FIRST_CONNECT_TIMEOUT_MS : CONNECT_TIMEOUT_MS;
    this.#connectTimer = setTimeout(() => this.#lost(1006), patience);
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#lost(event.code);
  }

  /** @param {WebSocket} socket */
  #sayHello(socket) {
    /** @type {import("./messages.js").Hello} */
    const hello = { type: "hello", version: VERSION };
    if (this.#seat !== null) hello.seat = this.#seat;
    else hello.token = this.#token;
    if (this.#seenChat !== null) hello.seen_chat = this.#seenChat;
    this.#askedMs = performance.now();
    this.#roundTripMs = Infinity;
    socket.send(JSON.stringify(hello));
  }

  /** @param {unknown} data */
  #receive(data) {
    const message = parse(data);
    if (message === null) return;
    this.#heard(message.type);
    if (message.type === "welcome") this.#welcome(message);
    if (message.type === "chat_message") this.#seenChat = message.id;
    if (message.type === "done") this.#settle(message.request, null);
    if (message.type === "error" && typeof message.request === "number") {
      this.#settle(message.request, message.code, message.message);
    }
    this.emit(message.type, message);
  }

  /** @param {Welcome} message */
  #welcome(message) {
    clearTimeout(this.#connectTimer);
    this.#welcomed = true;
    this.#seat = message.seat;
    this.#stableTimer = setTimeout(() => (this.#attempt = 0), STABLE_MS);
    this.#beatTimer = setInterval(() => this.#beat(), message.heartbeat_s * 1000);
  }

  #beat() {
    // Counting unanswered pings, not seconds: timers of hidden pages run late, their answers do not.
    if (this.#unansweredPings >= 2) this.#lost(1006);
    else this.#ping();
  }

  #ping() {
    if (this.#unansweredPings === 0) this.#askedMs = performance.now();
    this.#unansweredPings += 1;
    this.send({ type: "ping" });
  }

  /** @param {ServerMessage["type"]} type */
  #heard(type) {
    if (type === "welcome" || (type === "pong" && this.#unansweredPings > 0)) {
      this.#roundTripMs = Math.min(this.#roundTripMs, performance.now() - this.#askedMs);
    }
    this.#unansweredPings = 0;
    clearTimeout(this.#probeTimer);
    this.#probeTimer = undefined;
    this.#dropSpare();
  }

  #doubt() {
    if (this.#probeTimer !== undefined) return;
    this.#ping();
    this.#openSpare();
    const usual = Math.max(PROBE_LEAST_MS, this.#roundTripMs * PROBE_ROUND_TRIPS);
    this.#probeTimer = setTimeout(() => this.#lost(1006), Math.min(usual, PROBE_MOST_MS));
  }

  #openSpare() {
    this.#dropSpare();
    const spare = new this.#WebSocket(this.#url, [SUBPROTOCOL]);
    this.#spare = spare;
    spare.onopen = () => this.#replaceBy(spare);
  }

  /** The spare needed more round trips than a ping, and the ping is still unanswered. @param {WebSocket} spare */
  #replaceBy(spare) {
    this.#spare = null;
    this.#stopTimers();
    this.#dropSocket(1000);
    this.#failPending();
    this.#use(spare);
    this.#sayHello(spare);
    this.emit("lost", closingOf(1006));
  }

  #dropSpare() {
    if (this.#spare === null) return;
    this.#spare.onopen = null;
    this.#spare.close(1000);
    this.#spare = null;
  }

  /** @param {number} code */
  #lost(code) {
    const closing = closingOf(code);
    this.#stopTimers();
    this.#dropSocket(1000);
    this.#failPending();
    if (closing.final) {
      this.#finished = true;
      this.emit("closed", closing);
      return;
    }
    const floor = closing.reason === "rate_limit" ? RATE_LIMITED_MS : 0;
    const wait = floor + waitMs(this.#attempt++, this.#random());
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    this.emit("lost", closing);
  }

  /** @param {number} code */
  #dropSocket(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    this.#unansweredPings = 0;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #stopTimers() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#stableTimer);
    clearTimeout(this.#probeTimer);
    clearInterval(this.#beatTimer);
    this.#dropSpare();
    this.#retryTimer = this.#probeTimer = undefined;
  }

  /**
   * @param {number} request
   * @param {string | null} code null where it was done
   * @param {string} [message]
   */
  #settle(request, code, message = "") {
    const waiting = this.#pending.get(request);
    this.#pending.delete(request);
    if (code === null) waiting?.resolve();
    else waiting?.reject(new RequestFailed(code, message));
  }

  #failPending() {
    for (const request of [...this.#pending.keys()]) this.#settle(request, "connection_lost");
  }
}

/**
 * A known server message, or null: a newer server may say more than this client understands.
 * @param {unknown} data
 * @returns {ServerMessage | null}
 */
function parse(data) {
  try {
    const message = JSON.parse(String(data));
    return Object.hasOwn(SERVER_FIELDS, message?.type) ? message : null;
  } catch {
    return null;
  }
}
