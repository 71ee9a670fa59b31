/**
 * What the call needs to know of the browser around it: when a change is on the screen, how this
 * engine mends a lost path, and how to keep a phone awake.
 */

/** Frames do not come in hidden pages; nothing is seen there either. */
const PAINT_TIMEOUT_MS = 100;

/** Resolves once what was changed before the call has reached the screen. @returns {Promise<void>} */
export function painted() {
  return new Promise((resolve) => {
    setTimeout(resolve, PAINT_TIMEOUT_MS);
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}

/** Chromium gathers new addresses the moment a path is lost; other engines need a moment. */
export function restartsAtOnce() {
  return navigator.userAgent.includes("Chrome/");
}

/** True where this browser can take part in a call at all. */
export function canCall() {
  return typeof RTCPeerConnection === "function" && typeof WebSocket === "function";
}

/** Keeps the screen on until `signal` aborts, where the browser can. @param {AbortSignal} signal */
export function stayAwake(signal) {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  const ask = async () => {
    if (document.hidden || !("wakeLock" in navigator)) return;
    lock = await navigator.wakeLock.request("screen").catch(() => null);
    if (signal.aborted) void lock?.release();
  };
  document.addEventListener("visibilitychange", () => void ask(), { signal });
  signal.addEventListener("abort", () => void lock?.release());
  void ask();
}
