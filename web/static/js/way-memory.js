/**
 * By which way media last got through from this tab. Behind a firewall that lets nothing but TLS pass,
 * the next connection goes by the relay alone and loses no time on the rest; where that fails, or the
 * device is in another network, everything is tried again. Nothing but the one word is kept.
 */

/** @typedef {import("./path-stats.js").Way} Way */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

const KEY = "telemed-way";
/** TLS to the relay and an allocation take a second on a slow line; then the relay is no help. */
export const RELAY_ALONE_MS = 4000;

export class WayMemory {
  /** @type {Store | null} */ #store;

  /** @param {Store | null} store null: nothing is remembered */
  constructor(store) {
    this.#store = store;
  }

  /**
   * What a new connection may use.
   * @param {RTCIceServer[]} servers
   * @returns {RTCIceTransportPolicy}
   */
  policy(servers) {
    const relayed = this.#store?.getItem(KEY) === "relay";
    return relayed && servers.length > 0 ? "relay" : "all";
  }

  /** Media get through by this way. @param {Way | null} way */
  note(way) {
    if (way === "relay") this.#keep();
    else if (way !== null) this.forget();
  }

  forget() {
    this.#store?.removeItem(KEY);
  }

  #keep() {
    try {
      this.#store?.setItem(KEY, "relay");
    } catch {
      // Storage is full or switched off: the next connection tries everything.
    }
  }
}

/** The tab's own memory, where the browser lets the page have one. */
export function tabMemory() {
  try {
    return new WayMemory(sessionStorage);
  } catch {
    return new WayMemory(null);
  }
}
