/**
 * Looks for more bandwidth after our own link was narrow. Chromium's estimate grows by 8 % a second,
 * which takes half a minute from the smallest picture to the whole one; but it probes at once, with a
 * few packets, whenever the bound of what it may send is raised above its estimate (libwebrtc
 * ProbeController, measured: 0.1 to 1 Mbit/s within a second). So a bound is set and raised every few
 * seconds until there is enough.
 */

const NARROW_BPS = 200_000;
/** The whole picture, the smaller ones and speech. */
const ENOUGH_BPS = 1_700_000;
/** Times the estimate: a probe that finds it is followed by larger ones. */
const REACH = 2.5;
/** Three tries in the ten seconds within which the picture should be back. */
const INTERVAL_MS = 3000;

/** The decision, without clock or browser. */
export class Headroom {
  #kbps = 0;
  #raisedMs = -Infinity;

  /**
   * The bound in kbit/s from now on, 0 for none.
   * @param {number} bps what may be sent; 0 where the browser does not say
   * @param {number} nowMs
   */
  note(bps, nowMs) {
    if (bps >= ENOUGH_BPS) this.#kbps = 0;
    const looking = bps > 0 && (this.#kbps > 0 || bps < NARROW_BPS);
    if (!looking || bps >= ENOUGH_BPS || nowMs - this.#raisedMs < INTERVAL_MS) return this.#kbps;
    this.#raisedMs = nowMs;
    this.#kbps = raised(this.#kbps, Math.round(bps * REACH / 1000));
    return this.#kbps;
  }
}

/** A little more where that is enough for a probe; far too much is taken back first. @param {number} before @param {number} wanted */
function raised(before, wanted) {
  return wanted > before || before > 2 * wanted ? wanted : before + 1;
}
