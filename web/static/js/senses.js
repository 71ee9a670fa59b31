/**
 * What this page gets of the others and gives of its own, since it was asked last: the numbers of an
 * `experience` message. A silent microphone is one that gives exact silence, which no room does; one
 * that has gone silent and come back by itself has a gate, so its silence says nothing from then on.
 */

/** @typedef {import("./messages.js").Experience} Experience */
/** @typedef {import("./messages.js").Received} Received */
/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {{[name: string]: any}} Stats */

/** Exact silence for so long is no pause between words. */
export const SILENT_MS = 2800;
/** Sensor noise in the dark stays below this mean luma, 0 to 255; a lens that is covered gives less. */
export const BLACK_LUMA = 12;
/** A new track warms up for this long. */
export const WARM_UP_MS = 1400;

/** Judges one microphone by how much energy it has given in all. */
export class Silence {
  /** @type {number | null} */ #energy = null;
  #changedMs = 0;
  #gated = false;

  /** @param {number} nowMs when the track began */
  constructor(nowMs) {
    this.#changedMs = nowMs;
  }

  /**
   * @param {number} energy grows with every sound
   * @param {number} nowMs
   */
  isSilent(energy, nowMs) {
    if (energy !== this.#energy) {
      const silentFromTheStart = this.#energy === null && energy === 0;
      this.#gated ||= this.#energy !== null && nowMs - this.#changedMs >= SILENT_MS;
      this.#energy = energy;
      if (!silentFromTheStart) this.#changedMs = nowMs;
    }
    return !this.#gated && nowMs - this.#changedMs >= SILENT_MS;
  }
}

/** Mean luma of RGBA pixels, 0 to 255 (ITU-R BT.601). @param {Uint8ClampedArray} rgba */
export function lumaOf(rgba) {
  let sum = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    sum += 0.299 * (rgba[at] ?? 0) + 0.587 * (rgba[at + 1] ?? 0) + 0.114 * (rgba[at + 2] ?? 0);
  }
  return sum / (rgba.length / 4);
}

/** What one slot received in all, from the reports of its receivers. @param {Iterable<Stats>} entries */
export function totalsOf(entries) {
  const totals = { sound: 0, samples: 0, concealed: 0, frames: 0, frozenS: 0, height: 0 };
  for (const one of entries) {
    if (one.type !== "inbound-rtp") continue;
    if (one.kind === "video") {
      totals.frames += one.framesDecoded ?? 0;
      totals.frozenS += one.totalFreezesDuration ?? 0;
      totals.height = one.frameHeight ?? totals.height;
    }
    if (one.kind !== "audio") continue;
    totals.sound += one.packetsReceived ?? 0;
    totals.samples += one.totalSamplesReceived ?? 0;
    totals.concealed += (one.concealedSamples ?? 0) - (one.silentConcealedSamples ?? 0);
  }
  return totals;
}

/** @typedef {ReturnType<typeof totalsOf>} Totals */

/**
 * @param {number} slot
 * @param {Totals} before
 * @param {Totals} now
 * @param {boolean} shown
 * @returns {Received}
 */
export function between(slot, before, now, shown) {
  const samples = now.samples - before.samples;
  const concealed = samples > 0 ? (now.concealed - before.concealed) / samples : 0;
  const least = (/** @type {number} */ count) => Math.max(0, count);
  return {
    slot,
    sound: least(now.sound - before.sound),
    concealed: Math.min(1, least(concealed)),
    frames: shown ? least(now.frames - before.frames) : null,
    freeze_ms: shown ? least(Math.round((now.frozenS - before.frozenS) * 1000)) : null,
    height: shown ? now.height : null,
  };
}

/** What each slot had received when it was looked at last. */
export class Marks {
  /** @type {Map<number, {receiver: object, totals: Totals}>} */ #marks = new Map();

  /**
   * Takes the newest totals and gives those before: null at the first look. Another receiver belongs to
   * a new connection and began with nothing: a fault that outlives the old one is not forgotten.
   * @param {number} slot @param {object} receiver @param {Totals} totals
   * @returns {Totals | null}
   */
  renew(slot, receiver, totals) {
    const before = this.#marks.get(slot);
    this.#marks.set(slot, { receiver, totals });
    if (!before) return null;
    return before.receiver === receiver ? before.totals : totalsOf([]);
  }
}

/** How loud a microphone has been in all, for browsers whose statistics do not say it. */
class Ear {
  #energy = 0;
  #samples = new Float32Array(2048);

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
    this.timer = setInterval(() => this.#listen(), 40);
  }

  /** Null while the browser lets nothing through. */
  get energy() {
    return this.context.state === "running" ? this.#energy : null;
  }

  close() {
    clearInterval(this.timer);
    void this.context.close();
  }

  #listen() {
    this.analyser.getFloatTimeDomainData(this.#samples);
    this.#energy += this.#samples.reduce((sum, x) => sum + x * x, 0);
  }
}

export class Senses {
  /** @type {MediaStreamTrack | null} */ #microphone = null;
  /** @type {Silence | null} */ #silence = null;
  /** @type {Ear | null} */ #ear = null;
  /** @type {MediaStreamTrack | null} */ #camera = null;
  #cameraSinceMs = 0;
  #blackTimes = 0;
  #marks = new Marks();
  #canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 12 });

  /** @param {MediaSession} session @param {HTMLElement} page the call on the screen */
  constructor(session, page) {
    this.session = session;
    this.page = page;
  }

  /** @param {number} nowMs @returns {Promise<Experience>} */
  async report(nowMs) {
    return {
      type: "experience",
      microphone: await this.#ownMicrophone(nowMs),
      camera: this.#ownCamera(nowMs),
      sound_blocked: this.#soundIsBlocked(),
      slots: await this.#received(),
    };
  }

  close() {
    this.#ear?.close();
  }

  /** @param {number} nowMs @returns {Promise<Experience["microphone"]>} */
  async #ownMicrophone(nowMs) {
    const { local } = this.session;
    const track = local.tracks.microphone;
    if (track !== this.#microphone || !local.sending.microphone) {
      this.#ear?.close();
      this.#ear = null;
      this.#microphone = local.sending.microphone ? track : null;
      this.#silence = track ? new Silence(nowMs) : null;
    }
    if (!track || !local.sending.microphone || local.held.microphone) return "off";
    const energy = await this.#energyOf(track);
    return energy !== null && this.#silence?.isSilent(energy, nowMs) ? "silent" : "ok";
  }

  /** @param {MediaStreamTrack} track */
  async #energyOf(track) {
    const sender = this.session.pc?.getSenders().find((one) => one.track === track);
    const stats = sender ? [...(await sender.getStats()).values()] : [];
    const source = stats.find(({ type }) => type === "media-source");
    if (typeof source?.totalAudioEnergy === "number") return source.totalAudioEnergy;
    this.#ear ??= typeof AudioContext === "function" ? new Ear(track) : null;
    return this.#ear?.energy ?? null;
  }

  /** @param {number} nowMs @returns {Experience["camera"]} */
  #ownCamera(nowMs) {
    const { local } = this.session;
    const { camera } = local.tracks;
    if (camera !== this.#camera) {
      this.#camera = camera;
      this.#cameraSinceMs = nowMs;
      this.#blackTimes = 0;
    }
    if (!camera || local.held.camera) return "off";
    if (document.hidden || nowMs - this.#cameraSinceMs < WARM_UP_MS) return "ok";
    this.#blackTimes = this.#ownPictureIsBlack() ? this.#blackTimes + 1 : 0;
    return this.#blackTimes > 1 ? "black" : "ok";
  }

  #ownPictureIsBlack() {
    const video = /** @type {HTMLVideoElement | null} */ (this.page.querySelector(".self-video"));
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!video || !context || video.readyState < 2 || video.paused) return false;
    const { width, height } = this.#canvas;
    context.drawImage(video, 0, 0, width, height);
    return lumaOf(context.getImageData(0, 0, width, height).data) < BLACK_LUMA;
  }

  #soundIsBlocked() {
    if (document.hidden) return false;
    const tiles = [...this.page.querySelectorAll(".tile:not([hidden]) audio")];
    return /** @type {HTMLAudioElement[]} */ (tiles).some((one) => one.srcObject && one.paused);
  }

  async #received() {
    const asked = this.session.slots.filter(({ participant }) => participant !== null);
    const all = await Promise.all(asked.map((slot) => this.#receivedBy(slot.index)));
    return all.flatMap((one) => one ?? []);
  }

  /** @param {number} index */
  async #receivedBy(index) {
    const slot = this.session.receiveSlot(index);
    if (!slot?.audio) return null;
    const { audio, video } = slot;
    const reports = await Promise.all([audio, video].map((one) => one.receiver.getStats()));
    const now = totalsOf(reports.flatMap((report) => [...report.values()]));
    const before = this.#marks.renew(index, audio.receiver, now);
    const tile = this.page.querySelector(`.tile[data-slot="${index}"]:not([hidden])`);
    const shown = !document.hidden && tile?.getAttribute("data-live") === "true";
    return before ? between(index, before, now, shown) : null;
  }
}
