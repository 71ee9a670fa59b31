/**
 * Offers and answers of one connection: the client always offers, one offer is in flight, its
 * number tells its answer from stale ones. What is wanted meanwhile waits for the answer; only an ICE
 * restart takes the place of the offer in flight, because that one may have left by the dead path.
 */

/** @typedef {import("./peer.js").Peer} Peer */
/** @typedef {import("./messages.js").Offer} Offer */

/** The server answers within milliseconds; an offer without an answer by then is lost. */
const ANSWER_TIMEOUT_MS = 8000;
/** What only changes a connection that works is no reason to give it up while signalling is slow. */
const CHANGE_TIMEOUT_MS = 30_000;

/**
 * @typedef {object} Wiring
 * @property {Peer} peer
 * @property {() => number} nextId counts up within one signalling connection
 * @property {(offer: Offer) => void} send may lose the offer; `resend` mends that
 * @property {() => void} onAnswered
 * @property {() => void} onFailed the connection cannot be negotiated; a new one is needed
 */

export class Negotiator {
  /** @type {Wiring} */ #wiring;
  /** @type {number | null} */ #inFlight = null;
  #describing = false;
  #answered = false;
  #stopped = false;
  /** @type {{iceRestart: boolean} | null} */ #wanted = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.#wiring = wiring;
  }

  /** Asks for an offer, now or after the one in flight. @param {{iceRestart: boolean}} options */
  async want({ iceRestart }) {
    this.#wanted = { iceRestart: iceRestart || this.#wanted?.iceRestart === true };
    if (!this.#describing && (this.#inFlight === null || this.#supersedes())) await this.#offer();
  }

  /** Sends the unanswered offer again, over a new signalling connection; false where there is none. */
  resend() {
    if (this.#inFlight === null) return false;
    this.#send(this.#wiring.peer.described());
    return true;
  }

  /** Takes the newest answer once more, as the page sees it now; one under way is taken so anyway. */
  async reapply() {
    if (this.#stopped || !this.#answered || this.#describing || this.#inFlight !== null) return;
    this.#describing = true;
    await this.#wiring.peer.reaccept().catch(() => {});
    this.#describing = false;
    if (!this.#stopped && this.#wanted) await this.#offer();
  }

  /** @param {number} id @param {string} sdp */
  async receive(id, sdp) {
    if (this.#stopped || id !== this.#inFlight) return;
    this.#settle();
    try {
      await this.#wiring.peer.accept(sdp);
    } catch {
      return this.#fail();
    }
    if (this.#stopped) return;
    this.#answered = true;
    this.#wiring.onAnswered();
    if (this.#wanted) await this.#offer();
  }

  /** The server did not take this offer. @param {number} id */
  refused(id) {
    if (id === this.#inFlight) this.#fail();
  }

  stop() {
    this.#stopped = true;
    this.#settle();
  }

  async #offer() {
    const { iceRestart } = this.#wanted ?? { iceRestart: false };
    this.#wanted = null;
    this.#describing = true;
    try {
      const description = await this.#wiring.peer.describe({ iceRestart });
      const patience = this.#answered && !iceRestart ? CHANGE_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
      if (!this.#stopped) this.#send(description, patience);
    } catch {
      this.#fail();
    } finally {
      this.#describing = false;
    }
    if (!this.#stopped && this.#supersedes()) await this.#offer();
  }

  /** Whether what is wanted takes the place of the offer in flight. */
  #supersedes() {
    return this.#answered && this.#wanted?.iceRestart === true;
  }

  /** @param {import("./peer.js").Description} description @param {number} patienceMs */
  #send(description, patienceMs = ANSWER_TIMEOUT_MS) {
    const id = this.#wiring.nextId();
    this.#inFlight = id;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), patienceMs);
    this.#wiring.send({ type: "offer", id, ...description });
  }

  #settle() {
    this.#inFlight = null;
    clearTimeout(this.#timer);
  }

  #fail() {
    if (this.#stopped) return;
    this.stop();
    this.#wiring.onFailed();
  }
}
