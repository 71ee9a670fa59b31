/**
 * The tiles: one per receive slot that has an owner, one without a picture for each person beyond
 * the slots. It tells the session how large each slot is shown and starts the sound.
 */

import { aloneWords } from "./alone-words.js";
import { h, set, setText } from "./dom.js";
import { t } from "./strings.js";
import { Tile } from "./tile.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./messages.js").Participant} Participant */
/** @typedef {import("./messages.js").ViewedSlot} ViewedSlot */
/** @typedef {import("./slots.js").Slot} Slot */

/** Sizes settle for this long before the server hears of them. */
const VIEW_DELAY_MS = 150;
/** What the server serves first when a downlink is narrow. */
const PRIORITY = { screen: 2, speaker: 1, other: 0 };

export class Stage {
  /** @type {Tile[]} */ #tiles = [];
  /** @type {Map<string, Tile>} */ #withoutSlot = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #viewTimer;
  #speakerId = "";
  /** @type {Participant[]} */ #others = [];
  /** Who left last. */ #left = "";

  /**
   * @param {MediaSession} session
   * @param {string} phone of the clinic, "" where it is not known
   * @param {(blocked: boolean) => void} onSoundBlocked
   * @param {AbortSignal} signal
   */
  constructor(session, phone, onSoundBlocked, signal) {
    this.session = session;
    this.phone = phone;
    this.onSoundBlocked = onSoundBlocked;
    this.aloneLead = h("p", { class: "lead", role: "status" });
    this.aloneHint = h("p", { class: "hint" });
    this.alone = h("div", { class: "alone" }, this.aloneLead, this.aloneHint);
    this.root = h("div", { class: "stage", role: "group", "aria-label": t("call.people") }, this.alone);
    this.sizes = new ResizeObserver(() => this.#viewSoon());
    session.on("slots", () => this.#rebuild(), signal);
    session.on("slot", (slot) => this.#slotChanged(slot), signal);
    for (const type of /** @type {const} */ (["room", "speakers", "quality"])) {
      session.on(type, () => this.#update(), signal);
    }
    document.addEventListener("visibilitychange", () => this.#view(), { signal });
    signal.addEventListener("abort", () => this.#close());
    this.#rebuild();
  }

  /** Starts every sound; to be called from a tap where the browser demands one. */
  playAll() {
    this.onSoundBlocked(false);
    for (const tile of this.#tiles) tile.play(() => this.onSoundBlocked(true));
  }

  /** @param {string} deviceId */
  useSpeaker(deviceId) {
    this.#speakerId = deviceId;
    for (const { audio } of this.#tiles) this.#sink(audio);
  }

  #rebuild() {
    const { slots } = this.session;
    this.#tiles.filter((tile, index) => tile.stream !== this.#streamOf(index)).forEach((tile) => this.#drop(tile));
    this.#tiles = slots.map((slot, index) => this.#tiles[index]?.slot === slot
      ? /** @type {Tile} */ (this.#tiles[index]) : this.#add(slot, this.#streamOf(index)));
    this.#update();
    this.playAll();
  }

  /** @param {number} index */
  #streamOf(index) {
    return this.session.receiveSlot(index)?.stream ?? null;
  }

  /** @param {Slot | null} slot @param {MediaStream | null} stream */
  #add(slot, stream) {
    const tile = new Tile(slot, stream);
    this.root.append(tile.root);
    this.sizes.observe(tile.root);
    this.#sink(tile.audio);
    return tile;
  }

  /** @param {Tile} tile */
  #drop(tile) {
    this.sizes.unobserve(tile.root);
    tile.close();
  }

  /** @param {Slot} slot */
  #slotChanged(slot) {
    const tile = this.#tiles[slot.index];
    const receiver = this.session.receiveSlot(slot.index)?.video.receiver;
    if (!tile || tile.slot !== slot || !receiver) return;
    if (slot.phase !== "live") tile.blank();
    tile.watch(receiver, (epoch) => this.session.shown(slot.index, epoch));
    this.#update();
  }

  #update() {
    const { room, me } = this.session;
    const others = room?.participants.filter(({ id }) => id !== me) ?? [];
    const shown = new Set();
    for (const tile of this.#tiles) {
      const owner = others.find(({ id }) => id === tile.slot?.participant);
      set(tile.root, "hidden", !owner);
      if (!owner) set(tile.root, "data-participant", null);
      else this.#updateTile(tile, owner);
      if (owner && !tile.slot?.screen) shown.add(owner.id);
    }
    this.#updateWithoutSlot(others.filter(({ id }) => !shown.has(id)));
    this.#sayWhoIsMissed(others);
    this.#arrange(others.length);
  }

  /** @param {Participant[]} others who is here now */
  #sayWhoIsMissed(others) {
    const gone = this.#others.find(({ id }) => others.every((one) => one.id !== id));
    if (gone) this.#left = gone.name;
    this.#others = others;
    const words = aloneWords({
      moderates: this.session.rights.moderate,
      waiting: this.session.room?.waiting.map(({ name }) => name) ?? [],
      left: this.#left,
      phone: this.phone,
    });
    setText(this.aloneLead, words.lead);
    setText(this.aloneHint, words.hint);
  }

  /** @param {Participant[]} people */
  #updateWithoutSlot(people) {
    const ids = new Set(people.map(({ id }) => id));
    for (const [id, tile] of this.#withoutSlot) {
      if (!ids.has(id)) this.#drop(tile), this.#withoutSlot.delete(id);
    }
    for (const person of people) {
      const tile = this.#withoutSlot.get(person.id) ?? this.#add(null, null);
      this.#withoutSlot.set(person.id, tile);
      this.#updateTile(tile, person);
    }
  }

  /** @param {Tile} tile @param {Participant} person */
  #updateTile(tile, person) {
    const quality = this.session.quality.find(({ participant }) => participant === person.id);
    const weak = quality?.uplink === "poor" || quality?.uplink === "lost";
    tile.update(person, this.session.speakers.includes(person.id), weak);
  }

  /** @param {number} others */
  #arrange(others) {
    const screens = this.#tiles.filter(({ slot, root }) => slot?.screen && !root.hidden).length;
    set(this.root, "data-count", Math.min(others, 8));
    set(this.root, "data-presenting", screens > 0);
    set(this.alone, "hidden", others > 0);
    this.#viewSoon();
  }

  #viewSoon() {
    for (const tile of this.#tiles) tile.fit();
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => this.#view(), VIEW_DELAY_MS);
  }

  #view() {
    this.session.setView(this.#tiles.map((tile) => this.#viewOf(tile)));
  }

  /** @param {Tile} tile @returns {ViewedSlot} */
  #viewOf({ slot, root }) {
    const index = slot?.index ?? 0;
    if (document.hidden || root.hidden) return { slot: index, width: 0, height: 0, priority: 0 };
    const pixels = (/** @type {number} */ css) => Math.min(16_384, Math.round(css * devicePixelRatio));
    const speaks = this.session.speakers[0] === slot?.participant;
    const priority = slot?.screen ? PRIORITY.screen : speaks ? PRIORITY.speaker : PRIORITY.other;
    return { slot: index, width: pixels(root.clientWidth), height: pixels(root.clientHeight), priority };
  }

  /** @param {HTMLAudioElement} audio */
  #sink(audio) {
    if (this.#speakerId && "setSinkId" in audio) void audio.setSinkId(this.#speakerId).catch(() => {});
  }

  #close() {
    clearTimeout(this.#viewTimer);
    this.sizes.disconnect();
    for (const tile of [...this.#tiles, ...this.#withoutSlot.values()]) tile.close();
  }
}
