/**
 * All receive slots of one connection, and the talk with the server about them: hide the old
 * picture, wait until it is off the screen, say `slot_ready`, hear `slot_switched`, show.
 */

import { Slot } from "./slots.js";

/** @typedef {import("./messages.js").SlotState} SlotState */

/**
 * @typedef {object} BoardParts
 * @property {() => Promise<void>} painted resolves once what was hidden is off the screen
 * @property {(slot: Slot) => void} ready tells the server that the slot's old picture is hidden
 * @property {(slot: Slot) => void} changed the owner or the phase changed
 */

export class SlotBoard {
  /** @type {Slot[]} */ slots = [];
  /** @type {BoardParts} */ #parts;
  /** Old pictures on their way off the screen. @type {Map<Slot, Promise<void>>} */ #hiding = new Map();

  /** @param {BoardParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** A new connection with these slots. @param {{screen: boolean}[]} layout */
  restart(layout) {
    this.#hiding.clear();
    this.slots = [];
    this.extend(layout);
  }

  /** The connection has grown to these slots. @param {{screen: boolean}[]} layout */
  extend(layout) {
    const added = layout.slice(this.slots.length);
    this.slots = [...this.slots, ...added.map(({ screen }, index) =>
      new Slot(this.slots.length + index, screen))];
  }

  /** Takes the server's snapshot. @param {SlotState[]} states */
  apply(states) {
    for (const state of states) {
      const slot = this.slots[state.slot];
      if (slot) void this.#apply(slot, state);
    }
  }

  /** @param {number} index @param {number} epoch @param {number | null} from */
  switched(index, epoch, from) {
    const slot = this.slots[index];
    if (slot?.switch(epoch, from)) this.#parts.changed(slot);
  }

  /** A frame of the owner is on the screen. @param {number} index @param {number} epoch */
  shown(index, epoch) {
    const slot = this.slots[index];
    if (slot?.show(epoch)) this.#parts.changed(slot);
  }

  /** Says again what the server may have missed. */
  repeat() {
    for (const slot of this.slots) if (slot.phase === "ready") this.#parts.ready(slot);
  }

  /** @param {Slot} slot @param {SlotState} state */
  async #apply(slot, state) {
    const before = { phase: slot.phase, participant: slot.participant };
    const hide = slot.assign(state);
    if (before.phase === "live" && slot.phase !== "live") this.#hiding.set(slot, this.#parts.painted());
    if (slot.phase !== before.phase || slot.participant !== before.participant) this.#parts.changed(slot);
    if (hide) await this.#confirm(slot, state.epoch);
    if (state.live && slot.phase === "ready") this.switched(slot.index, state.epoch, null);
  }

  /** @param {Slot} slot @param {number} epoch */
  async #confirm(slot, epoch) {
    await this.#hiding.get(slot);
    if (slot.confirm(epoch)) this.#parts.ready(slot);
  }
}
