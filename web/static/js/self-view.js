/** The own picture, mirrored as people know it from a mirror; never with sound. */

import { h, set, setText } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./strings.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

export class SelfView {
  /** @param {LocalMedia} local @param {string} label @param {AbortSignal} signal */
  constructor(local, label, signal) {
    this.local = local;
    this.video = h("video", { class: "self-video", playsinline: true, autoplay: true });
    this.video.muted = true;
    this.text = h("p", { class: "self-text" });
    this.micOff = h("span", { class: "mic-off", hidden: true }, icon("micOff"));
    this.root = h("figure", { class: "self-view", "data-self": "true", "aria-label": label },
      this.video, this.text, this.micOff);
    local.on("change", () => this.update(), signal);
    this.update();
  }

  /** Shows what is sent now. */
  update() {
    const { camera } = this.local.tracks;
    const shown = /** @type {MediaStream | null} */ (this.video.srcObject)?.getTracks()[0] ?? null;
    if (shown !== camera) this.video.srcObject = camera ? new MediaStream([camera]) : null;
    set(this.video, "hidden", camera === null);
    set(this.micOff, "hidden", this.local.sending.microphone);
    const starting = camera === null && this.local.choices.camera && !this.local.problems.camera;
    setText(this.text, camera ? "" : t(starting ? "prejoin.starting" : "prejoin.cameraOff"));
  }
}
