/**
 * When to give up hope for an ICE restart of a silent path, and make a connection whose sockets belong
 * to no address (any-address.js). Nothing is thrown away that has come back since the last look.
 */

import { ALERT_MS } from "./path-watch.js";

/** @typedef {{pathBytes: () => Promise<number | null>}} Path */

/**
 * An ICE restart over addresses that the browser knows has brought media back by then; signalling, which
 * asks the system for a route, is back as well.
 */
export const RESCUE_MS = 200;
/**
 * Where no network has changed the server may have (its edge began anew: TCP, TLS and checks take their
 * time), and sockets of no address find a new network by themselves: then that is the last resort.
 */
export const RESCUE_LAST_MS = 1500;

export class Rescue {
  #movedMs = -Infinity;
  /** @type {{hopeless: () => boolean, act: () => void}} */ #link;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {{hopeless: () => boolean, act: () => void}} link `hopeless`: silent, and signalling works */
  constructor(link) {
    this.#link = link;
  }

  /** The device's network changed. */
  moved() {
    this.#movedMs = performance.now();
  }

  /** The path is silent. @param {Path} path @param {boolean} bound its sockets belong to addresses */
  begin(path, bound) {
    this.stop();
    const moved = performance.now() - this.#movedMs < ALERT_MS;
    const before = path.pathBytes();
    const waitMs = moved && bound ? RESCUE_MS : RESCUE_LAST_MS;
    const timer = setTimeout(async () => {
      const grew = await Promise.all([before, path.pathBytes()])
        .then(([then, now]) => then !== null && now !== null && now !== then, () => false);
      if (!grew && this.#timer === timer && this.#link.hopeless()) this.#link.act();
    }, waitMs);
    this.#timer = timer;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
