/**
 * Typed events on the platform's own EventTarget: `on` with an AbortSignal to undo it, `emit` with a
 * plain detail. The type parameter maps each event's name to its detail.
 */

/** @template {object} Events */
export class Emitter extends EventTarget {
  /**
   * Calls `handler` with the detail of each `type` event until `signal` aborts.
   * @template {keyof Events & string} K
   * @param {K} type
   * @param {(detail: Events[K]) => void} handler
   * @param {AbortSignal} [signal]
   */
  on(type, handler, signal) {
    const listener = (/** @type {Event} */ event) =>
      handler(/** @type {CustomEvent<Events[K]>} */ (event).detail);
    this.addEventListener(type, listener, signal ? { signal } : {});
  }

  /**
   * @template {keyof Events & string} K
   * @param {K} type
   * @param {Events[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
