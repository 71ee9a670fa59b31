/**
 * One person (or their screen) in the call. The tile belongs to a receive slot and its stream; whose
 * name it bears comes from the server's snapshot, and the picture shows only in the slot's phase
 * `live`: until then the person's initials stand there.
 */

import { h, set, setText } from "./dom.js";
import { icon } from "./icons.js";
import { FrameWatch } from "./reveal.js";
import { t } from "./strings.js";

/** @typedef {import("./slots.js").Slot} Slot */
/** @typedef {import("./messages.js").Participant} Participant */

/** A picture whose shape differs more than this from its tile's is shown whole, not cropped. */
const CROP_LIMIT = 1.4;

export class Tile {
  /** @type {FrameWatch | null} */ #watch = null;

  /**
   * @param {Slot | null} slot null for a person without a slot
   * @param {MediaStream | null} stream
   */
  constructor(slot, stream) {
    this.slot = slot;
    this.stream = stream;
    this.video = h("video", { class: "picture", playsinline: true, autoplay: true });
    // Chromium holds the sound of a <video> back until its first frame; many people send none.
    this.audio = h("audio", { autoplay: true });
    this.video.muted = true;
    this.video.srcObject = stream;
    this.audio.srcObject = slot?.screen ? null : stream;
    this.video.addEventListener("resize", () => this.fit());
    this.initials = h("span", { class: "initials", "aria-hidden": "true" });
    this.name = h("span", { class: "name" });
    this.micOff = h("span", { class: "sign", hidden: true, role: "img",
      "aria-label": t("call.micOff") }, icon("micOff"));
    this.weak = h("span", { class: "sign", hidden: true, role: "img",
      "aria-label": t("quality.otherWeak") }, icon("weak"));
    this.note = h("p", { class: "tile-note" });
    this.root = h("article", { class: "tile", "data-slot": slot?.index, "data-live": "false",
      "data-screen": slot?.screen ?? false },
    this.initials, this.video, this.audio, this.note,
    h("footer", { class: "plate" }, this.micOff, this.name, this.weak));
  }

  /**
   * Bears this person's name and state.
   * @param {Participant} person
   * @param {boolean} speaks
   * @param {boolean} weak
   */
  update(person, speaks, weak) {
    const screen = this.slot?.screen ?? false;
    const name = screen ? t("call.screenOf", { name: person.name }) : person.name;
    setText(this.name, name);
    setText(this.initials, screen ? "" : initialsOf(person.name));
    setText(this.note, this.#noteOn(person));
    set(this.root, "data-participant", person.id);
    set(this.root, "data-speaks", speaks && !screen);
    set(this.root, "aria-label", name);
    set(this.micOff, "hidden", screen || person.microphone);
    set(this.weak, "hidden", !weak);
    this.#showPicture(this.slot?.phase === "live" && (screen ? person.screen : person.camera));
  }

  /**
   * Watches for the first frame of the slot's owner.
   * @param {RTCRtpReceiver} receiver
   * @param {(epoch: number) => void} shown
   */
  watch(receiver, shown) {
    this.#watch?.stop();
    this.#watch = null;
    if (this.slot?.phase !== "switched") return;
    const { epoch, from } = this.slot;
    const onShown = () => shown(epoch);
    this.#watch = new FrameWatch({ video: this.video, receiver, from, onShown });
  }

  /** Hides the picture at once. */
  blank() {
    this.#showPicture(false);
  }

  /** Shows the picture whole where cropping would hide much of it. */
  fit() {
    const { videoWidth, videoHeight } = this.video;
    const { clientWidth, clientHeight } = this.root;
    if (!videoWidth || !clientWidth) return;
    const ratio = (videoWidth / videoHeight) * (clientHeight / clientWidth);
    set(this.root, "data-whole", Math.max(ratio, 1 / ratio) > CROP_LIMIT);
  }

  /** Plays picture and sound; calls `onBlocked` where the browser holds the sound back. @param {() => void} onBlocked */
  play(onBlocked) {
    if (!this.stream) return;
    this.video.play().catch(() => {});
    this.audio.play().catch((/** @type {Error} */ error) => {
      if (error.name === "NotAllowedError") onBlocked();
    });
  }

  close() {
    this.#watch?.stop();
    this.video.srcObject = null;
    this.audio.srcObject = null;
    this.root.remove();
  }

  /** @param {boolean} visible */
  #showPicture(visible) {
    set(this.root, "data-live", String(visible));
  }

  /** @param {Participant} person */
  #noteOn(person) {
    if (!person.connected) return t("call.reconnecting");
    if (person.activity === "interrupted") return t("call.interrupted");
    if (person.activity === "background") return t("call.background");
    if (this.slot?.codecMissing) return t("call.codecMissing");
    return "";
  }
}

/** @param {string} name */
function initialsOf(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word) && !word.endsWith("."));
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return picked.map((word) => [...(word ?? "")][0] ?? "").join("").toLocaleUpperCase();
}
