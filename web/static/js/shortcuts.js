/** Single-letter shortcuts of the call: m, v, c; never while somebody types. */

/**
 * Runs the action of a letter until `signal` aborts.
 * @param {{[letter: string]: () => void}} actions
 * @param {AbortSignal} signal
 */
export function listenForShortcuts(actions, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const target = /** @type {Element | null} */ (event.target);
    if (target?.closest("input, textarea, select, [contenteditable]")) return;
    actions[event.key.toLowerCase()]?.();
  }, { signal });
}
