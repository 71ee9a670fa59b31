/**
 * Lists to choose microphone, camera and speaker from; they follow what is plugged in. A list with
 * nothing in it is not shown: a visit by sound has none of cameras.
 */

import { h, set } from "./dom.js";
import { t } from "./strings.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */
/** @typedef {"microphone" | "camera" | "speaker"} Kind */

/** @type {Kind[]} */
const KINDS = ["microphone", "camera", "speaker"];

/** What the lists are called together. @param {LocalMedia} local */
export function pickerTitle(local) {
  return t(local.onlySound ? "device.titleSound" : "device.title");
}

export class DevicePicker {
  /** @type {{[kind in Kind]: HTMLSelectElement}} */ #selects;
  /** @type {(deviceId: string) => void} */ #chooseSpeaker;

  /**
   * @param {LocalMedia} local
   * @param {(deviceId: string) => void} chooseSpeaker
   * @param {AbortSignal} signal
   */
  constructor(local, chooseSpeaker, signal) {
    this.local = local;
    this.#chooseSpeaker = chooseSpeaker;
    const select = (/** @type {Kind} */ kind) => h("select", { onchange: () => this.#choose(kind) });
    this.#selects = {
      microphone: select("microphone"), camera: select("camera"), speaker: select("speaker"),
    };
    this.root = h("div", { class: "devices" }, ...KINDS.map((kind) =>
      h("label", { class: "field", hidden: true }, t(`device.${kind}`), this.#selects[kind])));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.update(), { signal });
    local.on("change", () => void this.update(), signal);
    void this.update();
  }

  async update() {
    const lists = await this.local.list();
    for (const kind of KINDS) this.#fill(kind, lists[kind]);
  }

  /** @param {Kind} kind @param {MediaDeviceInfo[]} devices */
  #fill(kind, devices) {
    const select = this.#selects[kind];
    const chosen = this.#current(kind);
    const canChoose = kind !== "speaker" || "setSinkId" in HTMLMediaElement.prototype;
    set(/** @type {HTMLElement} */ (select.parentElement), "hidden", !canChoose || devices.length === 0);
    select.replaceChildren(...devices.map((device, index) => h("option",
      { value: device.deviceId, selected: device.deviceId === chosen },
      device.label || t("device.unnamed", { kind: t(`device.${kind}`), number: index + 1 }))));
  }

  /** @param {Kind} kind */
  #current(kind) {
    if (kind === "speaker") return this.#selects.speaker.value;
    return this.local.tracks[kind]?.getSettings().deviceId ?? this.local.choices[`${kind}Id`];
  }

  /** @param {Kind} kind */
  #choose(kind) {
    const { value } = this.#selects[kind];
    if (kind === "speaker") this.#chooseSpeaker(value);
    else void this.local.choose(kind, value);
  }
}
