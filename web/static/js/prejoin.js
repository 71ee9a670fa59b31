/** The screen before the call: own picture, microphone level, devices, and one large button. */

import { DevicePicker, pickerTitle } from "./device-picker.js";
import { h, set, setText } from "./dom.js";
import { watchLevel } from "./level.js";
import { MediaToggles } from "./media-toggles.js";
import { Problems } from "./problems.js";
import { SelfView } from "./self-view.js";
import { t } from "./strings.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

/**
 * @typedef {object} PrejoinParts
 * @property {LocalMedia} local
 * @property {string} name who joins, "" where it is not known
 * @property {() => void} onJoin
 * @property {(deviceId: string) => void} onSpeaker
 * @property {AbortSignal} signal
 */

export class Prejoin {
  /** @type {AbortController | null} */ #meterEnds = null;
  /** @type {MediaStreamTrack | null} */ #metered = null;

  /** @param {PrejoinParts} parts */
  constructor({ local, name, onJoin, onSpeaker, signal }) {
    this.local = local;
    this.signal = signal;
    const toggles = new MediaToggles(local, signal);
    const view = new SelfView(local, t("prejoin.preview"), signal);
    this.meter = h("meter", { class: "meter", min: 0, max: 1, value: 0,
      "aria-label": t("prejoin.level") });
    this.level = h("div", { class: "level" }, this.meter,
      h("span", { class: "hint" }, t("prejoin.levelHint")));
    this.permission = h("p", { class: "hint" }, t(local.onlySound ? "prejoin.permissionSound" : "prejoin.permission"));
    this.join = h("button", { class: "primary", type: "button", "data-action": "join",
      onclick: onJoin }, t("prejoin.join"));
    this.root = h("section", { class: "screen prejoin" },
      h("div", { class: "card" },
        h("h1", {}, t("prejoin.title")),
        name !== "" && h("p", { class: "lead" }, t("prejoin.as", { name })),
        local.onlySound ? h("p", { class: "lead" }, t("prejoin.onlySound")) : view.root,
        h("div", { class: "row toggles" }, toggles.microphone.root,
          !local.onlySound && toggles.camera.root),
        this.level,
        new Problems(local, signal).root,
        this.permission,
        this.join,
        h("details", { class: "more" }, h("summary", {}, pickerTitle(local)),
          new DevicePicker(local, onSpeaker, signal).root)));
    local.on("change", () => this.#follow(), signal);
    local.on("problem", () => this.#follow(), signal);
    signal.addEventListener("abort", () => this.#meterEnds?.abort());
    this.#follow();
  }

  /** The button was pressed; the answer is on its way. */
  showJoining() {
    set(this.join, "disabled", true);
    setText(this.join, t("prejoin.joining"));
  }

  #follow() {
    const { microphone, camera } = this.local.tracks;
    set(this.level, "hidden", microphone === null);
    const asked = microphone ?? camera ?? this.local.problems.microphone;
    set(this.permission, "hidden", Boolean(asked));
    if (microphone === this.#metered) return;
    this.#meterEnds?.abort();
    this.#metered = microphone;
    this.meter.value = 0;
    if (!microphone || this.signal.aborted) return;
    this.#meterEnds = new AbortController();
    watchLevel(microphone, (level) => (this.meter.value = level), this.#meterEnds.signal);
  }
}
