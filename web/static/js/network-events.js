/**
 * What the browser says of the device's network and of the page's sleep. `changed`: there may be other
 * addresses than before. `woke`: timers and sockets may have stood still.
 */

/**
 * Listens until `signal` aborts.
 * @param {{changed: () => void, woke: () => void}} on
 * @param {AbortSignal} signal
 */
export function watchNetwork({ changed, woke }, signal) {
  addEventListener("online", changed, { signal });
  // Chromium and Android only; it fires on the way from mobile data to Wi-Fi, where `online` does not.
  const connection = /** @type {{connection?: EventTarget}} */ (navigator).connection;
  connection?.addEventListener("change", () => navigator.onLine && changed(), { signal });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) woke();
  }, { signal });
  // A page that the browser had frozen comes back with dead sockets and no other event.
  addEventListener("pageshow", (event) => {
    if (event.persisted) changed();
  }, { signal });
}
