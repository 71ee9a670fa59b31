/** The shortcuts of the call: single letters, never while somebody types, and Escape, always. */

/**
 * Runs the action of a key (in lower case) until `signal` aborts.
 * @param {{[key: string]: () => void}} actions
 * @param {AbortSignal} signal
 */
export function listenForShortcuts(actions, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const target = /** @type {Element | null} */ (event.target);
    const typing = target?.closest("input, textarea, select, [contenteditable]");
    if (typing && event.key !== "Escape") return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    // A field that the action focuses must not receive the letter.
    event.preventDefault();
    action();
  }, { signal });
}
