/**
 * What this person sends: microphone, camera, screen. Each source has a track or null; a change of
 * any is a `change` event. Muting the microphone keeps the device (it must come back at once);
 * switching the camera off stops the track, so that its light goes out. The system may take a device
 * away for a while, as a phone does for a call (`mute` of the track); what it then gives back by itself
 * goes on, and `resume` asks again for the rest.
 */

import { problemOf } from "./device-problems.js";
import { Emitter } from "./emitter.js";

/** @typedef {import("./messages.js").Source} Source */
/** @typedef {import("./device-problems.js").DeviceProblem} DeviceProblem */
/** @typedef {{microphone: boolean, camera: boolean, microphoneId: string, cameraId: string}} Choices */

/** @typedef {{microphone: boolean, camera: boolean}} Held */

/** Echo cancellation and its siblings are what a consultation needs; music is not sent here. */
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** 1280×720 is the smallest picture of which browsers make three simulcast layers. */
const PICTURE = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 24, max: 30 },
};
const SCREEN = { frameRate: { ideal: 10, max: 15 } };

/**
 * @typedef {object} LocalEvents
 * @property {Source} change a track came, went or was muted
 * @property {{source: Source, problem: DeviceProblem}} problem a device could not be had, or was lost
 * @property {Held} held the system took a device away, or gave it back
 */

/** @extends {Emitter<LocalEvents>} */
export class LocalMedia extends Emitter {
  /** @type {MediaDevices | undefined} undefined on an insecure page */ #devices;
  /** @type {{[source in Source]: MediaStreamTrack | null}} */
  tracks = { microphone: null, camera: null, screen: null };
  /** @type {{microphone?: DeviceProblem, camera?: DeviceProblem}} what stands in the way now */
  problems = {};
  /** @type {Choices} */
  choices = { microphone: true, camera: true, microphoneId: "", cameraId: "" };
  /** @type {Held} what was switched on and is in the system's hands now */
  held = { microphone: false, camera: false };
  onlySound = false;
  /** Counts stops: what was asked for before one is let go when it comes. */
  #era = 0;

  /** @param {MediaDevices | undefined} devices */
  constructor(devices) {
    super();
    this.#devices = devices;
  }

  /** Neither camera nor screen is used from now on: the visit is held by sound. */
  limitToSound() {
    this.onlySound = true;
    this.choices = { ...this.choices, camera: false };
    this.#release("camera");
    this.#release("screen");
  }

  /** What is really sent now. */
  get sending() {
    const { microphone, camera, screen } = this.tracks;
    return {
      microphone: microphone !== null && microphone.enabled,
      camera: camera !== null,
      screen: screen !== null,
    };
  }

  get canShareScreen() {
    return !this.onlySound && typeof this.#devices?.getDisplayMedia === "function";
  }

  /** Asks for what was chosen, in one question where possible; takes what it can get. */
  async start() {
    const { camera } = this.choices;
    const together = camera && (await this.#acquireBoth());
    if (!together) {
      await this.#acquire("microphone");
      if (camera) await this.#acquire("camera");
    }
    this.#applyMute();
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    this.choices = { ...this.choices, microphone: on };
    if (on && this.tracks.microphone === null) await this.#acquire("microphone");
    this.#applyMute();
  }

  /** @param {boolean} on */
  async setCamera(on) {
    if (this.onlySound) return;
    this.choices = { ...this.choices, camera: on };
    if (!on) this.#release("camera");
    else if (this.tracks.camera === null) await this.#acquire("camera");
  }

  /**
   * Takes another microphone or camera; the call goes on with the new one.
   * @param {"microphone" | "camera"} source
   * @param {string} deviceId
   */
  async choose(source, deviceId) {
    this.choices = { ...this.choices, [`${source}Id`]: deviceId };
    if (source === "camera" && !this.choices.camera) return;
    // Some phones cannot open two cameras at once: the old one goes first.
    this.#release(source);
    await this.#acquire(source);
    this.#applyMute();
  }

  /** Shares a screen that the person picks; false where they changed their mind. */
  async shareScreen() {
    const era = this.#era;
    try {
      const stream = await this.#devices?.getDisplayMedia({ video: SCREEN, audio: false });
      const track = this.#keep(stream, era)?.getVideoTracks()[0] ?? null;
      if (track) track.contentHint = "detail";
      this.#take("screen", track);
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== "denied") this.emit("problem", { source: "screen", problem });
    }
    return this.tracks.screen !== null;
  }

  /** Asks again for what the system took away; to be called from a tap, as phones demand. */
  async resume() {
    const { held } = this;
    if (held.microphone) await this.#acquire("microphone");
    if (held.camera) await this.#acquire("camera");
    this.#applyMute();
  }

  stopScreen() {
    this.#release("screen");
  }

  /** Lets go of every device. */
  stop() {
    this.#era += 1;
    for (const source of /** @type {Source[]} */ (Object.keys(this.tracks))) this.#release(source);
  }

  /** The devices that can be chosen and will be used, by kind; names are empty before permission. */
  async list() {
    const all = (await this.#devices?.enumerateDevices()) ?? [];
    const of = (/** @type {MediaDeviceKind} */ kind) =>
      all.filter((device) => device.kind === kind && device.deviceId !== "");
    const camera = this.onlySound ? [] : of("videoinput");
    return { microphone: of("audioinput"), camera, speaker: of("audiooutput") };
  }

  async #acquireBoth() {
    try {
      const stream = await this.#ask({ audio: this.#voice(), video: this.#picture() });
      this.#take("microphone", stream?.getAudioTracks()[0] ?? null);
      this.#take("camera", stream?.getVideoTracks()[0] ?? null);
      return true;
    } catch {
      return false;
    }
  }

  /** @param {"microphone" | "camera"} source */
  async #acquire(source) {
    try {
      const wanted = source === "microphone" ? { audio: this.#voice() } : { video: this.#picture() };
      const stream = await this.#ask(wanted);
      this.#take(source, stream?.getTracks()[0] ?? null);
    } catch (error) {
      const problem = this.#devices ? problemOf(error) : "insecure";
      this.problems = { ...this.problems, [source]: problem };
      this.emit("problem", { source, problem });
    }
  }

  /** @param {MediaStreamConstraints} constraints */
  async #ask(constraints) {
    if (!this.#devices) throw new TypeError("mediaDevices");
    const era = this.#era;
    return this.#keep(await this.#devices.getUserMedia(constraints), era);
  }

  /**
   * The stream, or null where everything was stopped since it was asked for.
   * @param {MediaStream | undefined} stream
   * @param {number} era
   */
  #keep(stream, era) {
    if (stream && era === this.#era) return stream;
    for (const track of stream?.getTracks() ?? []) track.stop();
    return null;
  }

  #voice() {
    return { ...VOICE, ...preferred(this.choices.microphoneId) };
  }

  #picture() {
    return { ...PICTURE, ...preferred(this.choices.cameraId) };
  }

  /** @param {Source} source @param {MediaStreamTrack | null} track */
  #take(source, track) {
    this.tracks[source]?.stop();
    // The camera may have been switched off while the browser was still asking.
    const wanted = source !== "camera" || this.choices.camera ? track : null;
    if (wanted === null) track?.stop();
    this.tracks = { ...this.tracks, [source]: wanted };
    if (source !== "screen") delete this.problems[source];
    if (wanted) this.#follow(source, wanted);
    this.#hold(source, wanted?.muted === true);
    this.emit("change", source);
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  #follow(source, track) {
    track.onended = () => this.#ended(source, track);
    track.onmute = () => this.#hold(source, true);
    track.onunmute = () => this.#hold(source, false);
  }

  /** @param {Source} source @param {boolean} held */
  #hold(source, held) {
    if (source === "screen" || this.held[source] === held) return;
    this.held = { ...this.held, [source]: held };
    this.emit("held", this.held);
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  #ended(source, track) {
    if (this.tracks[source] !== track) return;
    const taken = source !== "screen" && this.held[source];
    this.#release(source);
    if (taken) return this.#hold(source, true); // the phone call lasted, and will not give it back
    // A screen share ends by the browser's own stop button: nothing is wrong then.
    if (source === "screen") return;
    this.problems = { ...this.problems, [source]: "missing" };
    this.emit("problem", { source, problem: "missing" });
  }

  /** @param {Source} source */
  #release(source) {
    const track = this.tracks[source];
    this.#hold(source, false);
    if (track === null) return;
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
    this.tracks = { ...this.tracks, [source]: null };
    this.emit("change", source);
  }

  #applyMute() {
    const track = this.tracks.microphone;
    if (track) track.enabled = this.choices.microphone;
    this.emit("change", "microphone");
  }
}

/**
 * A wish, not a demand: a device that is gone must not leave the person without any.
 * @param {string} deviceId
 */
function preferred(deviceId) {
  return deviceId === "" ? {} : { deviceId: { ideal: deviceId } };
}
