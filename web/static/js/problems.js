/** What stands in the way of the microphone or camera, in words, with a way to try again. */

import { h } from "./dom.js";
import { keyOr, t } from "./strings.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */
/** @typedef {import("./device-problems.js").DeviceProblem} DeviceProblem */
/** @typedef {"microphone" | "camera"} Device */

/**
 * The words for a device that could not be had.
 * @param {Device | "both"} device
 * @param {DeviceProblem} problem
 */
export function problemText(device, problem) {
  return t(keyOr(`problem.${device}.${problem}`, `problem.${device}.failed`));
}

export class Problems {
  /** @param {LocalMedia} local @param {AbortSignal} signal */
  constructor(local, signal) {
    this.local = local;
    this.root = h("div", { class: "problems", role: "status" });
    local.on("problem", () => this.update(), signal);
    local.on("change", () => this.update(), signal);
    this.update();
  }

  update() {
    const { microphone, camera } = this.local.problems;
    if (microphone && microphone === camera) {
      return this.root.replaceChildren(this.#row("both", microphone));
    }
    this.root.replaceChildren(
      ...(microphone ? [this.#row("microphone", microphone)] : []),
      ...(camera ? [this.#row("camera", camera)] : []),
    );
  }

  /** @param {Device | "both"} device @param {DeviceProblem} problem */
  #row(device, problem) {
    return h("div", { class: "problem" },
      h("p", {}, problemText(device, problem)),
      h("button", { type: "button", class: "quiet", onclick: () => void this.#retry(device) },
        t("problem.retry")));
  }

  /** @param {Device | "both"} device */
  async #retry(device) {
    if (device !== "camera") await this.local.setMicrophone(true);
    if (device !== "microphone") await this.local.setCamera(true);
  }
}
