/** The microphone and camera buttons, the same before the call and in it. */

import { t } from "./strings.js";
import { Toggle } from "./toggle.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

export class MediaToggles {
  /** @param {LocalMedia} local @param {AbortSignal} signal */
  constructor(local, signal) {
    this.local = local;
    this.microphone = new Toggle("microphone", () => this.toggleMicrophone());
    this.camera = new Toggle("camera", () => this.toggleCamera());
    local.on("change", () => this.update(), signal);
    this.update();
  }

  toggleMicrophone() {
    void this.local.setMicrophone(!this.local.sending.microphone);
  }

  toggleCamera() {
    void this.local.setCamera(!this.local.sending.camera);
  }

  update() {
    const { microphone, camera } = this.local.sending;
    this.microphone.update({
      name: microphone ? "mic" : "micOff",
      label: t(microphone ? "control.mute" : "control.unmute"),
      key: "M",
      alert: !microphone,
    });
    this.camera.update({
      name: camera ? "camera" : "cameraOff",
      label: t(camera ? "control.cameraOff" : "control.cameraOn"),
      key: "V",
      alert: !camera,
    });
  }
}
