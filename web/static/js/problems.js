/** What stands in the way of the microphone or camera, in words, with a way to try again. */

import { h } from "./dom.js";
import { keyOr, t } from "./strings.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */
/** @typedef {"microphone" | "camera"} Device */

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
    const { problems } = this.local;
    const devices = /** @type {Device[]} */ (Object.keys(problems));
    this.root.replaceChildren(...devices.map((device) => this.#row(device)));
  }

  /** @param {Device} device */
  #row(device) {
    const code = `problem.${device}.${this.local.problems[device]}`;
    return h("div", { class: "problem" },
      h("p", {}, t(keyOr(code, `problem.${device}.failed`))),
      h("button", { type: "button", class: "quiet", onclick: () => this.#retry(device) },
        t("problem.retry")));
  }

  /** @param {Device} device */
  #retry(device) {
    if (device === "microphone") void this.local.setMicrophone(true);
    else void this.local.setCamera(true);
  }
}
