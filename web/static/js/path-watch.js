/**
 * Whether anything still comes by the path of a media connection. Browsers say `disconnected` 4 to 8 s
 * after a path died; but the server answers each 50 to 100 ms of what we send with a report, so a
 * silence of less than a second tells. Only a path that has been steady can go silent: who sends
 * nothing, and so hears little, is never suspected.
 */

/** Twelve reports are missing by then; a change of path has 1.5 s for everything. */
export const SILENT_MS = 600;
/** After the device changed its network, so little says enough. */
export const ALERT_SILENT_MS = 250;
/** A change of network shows within this time. */
export const ALERT_MS = 4000;
/** A path that brought something in each look for so long is steady. */
export const STEADY_MS = 1500;
/** Looks cost a call into the browser's network thread; while alert, every one is made. */
export const LOOK_MS = 200;
export const ALERT_LOOK_MS = 100;
/** Two looks further apart than this say nothing: the page slept. */
const SLEPT_MS = 1500;

/** The decision, without clock or browser. */
export class SilenceMeter {
  #bytes = -1;
  #lookedMs = -Infinity;
  #grewMs = 0;
  #steadySinceMs = 0;
  #silent = false;
  #alertUntilMs = -Infinity;

  /** The device has another network: a path is doubted sooner, and however short it has been steady. */
  alert(/** @type {number} */ nowMs) {
    this.#alertUntilMs = nowMs + ALERT_MS;
  }

  /** @param {number} nowMs */
  isAlert(nowMs) {
    return nowMs < this.#alertUntilMs;
  }

  /**
   * Takes in how much has come so far; says whether the path fell silent or came back just now.
   * @param {number} bytes received by this path since it exists
   * @param {number} nowMs
   * @returns {"silent" | "flows" | ""}
   */
  note(bytes, nowMs) {
    const slept = nowMs - this.#lookedMs > SLEPT_MS;
    this.#lookedMs = nowMs;
    if (bytes !== this.#bytes) return this.#grew(bytes, nowMs, slept);
    if (slept) this.#grewMs = this.#steadySinceMs = nowMs;
    const alert = this.isAlert(nowMs);
    const steady = alert || this.#grewMs - this.#steadySinceMs >= STEADY_MS;
    const long = nowMs - this.#grewMs >= (alert ? ALERT_SILENT_MS : SILENT_MS);
    if (this.#silent || !steady || !long) return "";
    this.#silent = true;
    return "silent";
  }

  /** @param {number} bytes @param {number} nowMs @param {boolean} slept @returns {"flows" | ""} */
  #grew(bytes, nowMs, slept) {
    const gap = nowMs - this.#grewMs >= SILENT_MS;
    if (slept || gap || this.#silent) this.#steadySinceMs = nowMs;
    const was = this.#silent;
    this.#bytes = bytes;
    this.#grewMs = nowMs;
    this.#silent = false;
    return was ? "flows" : "";
  }
}

/**
 * Looks at a connection until `signal` aborts. Call what it returns when the device's network changed.
 * @param {{pathBytes: () => Promise<number | null>}} peer
 * @param {(news: "silent" | "flows") => void} tell
 * @param {AbortSignal} signal
 */
export function watchPath(peer, tell, signal) {
  const meter = new SilenceMeter();
  let looking = false;
  let turn = 0;
  const look = async () => {
    turn += 1;
    const due = meter.isAlert(performance.now()) || turn % (LOOK_MS / ALERT_LOOK_MS) === 0;
    if (looking || !due) return;
    looking = true;
    const bytes = await peer.pathBytes().catch(() => null);
    looking = false;
    if (bytes === null || signal.aborted) return;
    const news = meter.note(bytes, performance.now());
    if (news) tell(news);
  };
  const timer = setInterval(() => void look(), ALERT_LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return () => meter.alert(performance.now());
}
