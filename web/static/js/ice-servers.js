/**
 * The TURN servers that a connection may use. Their credentials are good for 300 s: they are asked
 * for again while the call goes on, so that a new path can be made at any moment.
 */

/** @typedef {import("./messages.js").IceServer} IceServer */

/** Leaves 100 s to make a path with them, from a network that has just come back, too. */
export const FRESH_MS = 200_000;

export class IceServers {
  /** @type {IceServer[]} */ current = [];
  /** @type {import("./protocol.js").SignalingClient} */ #signaling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #renewal;

  /**
   * Listens from now on; whoever makes connections must listen later.
   * @param {import("./protocol.js").SignalingClient} signaling
   * @param {AbortSignal} signal
   */
  constructor(signaling, signal) {
    this.#signaling = signaling;
    for (const type of /** @type {const} */ (["welcome", "admitted", "ice_servers"])) {
      signaling.on(type, (message) => this.#take(message.ice_servers), signal);
    }
    signal.addEventListener("abort", () => clearTimeout(this.#renewal));
  }

  /** @param {IceServer[]} servers */
  #take(servers) {
    this.current = servers;
    clearTimeout(this.#renewal);
    if (servers.length === 0) return;
    this.#renewal = setTimeout(() => this.#signaling.send({ type: "renew_ice" }), FRESH_MS);
  }
}
