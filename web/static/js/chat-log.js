/**
 * The chat as this person sees it: stored messages in the server's order, then the own ones that
 * are still on their way. A message keeps its key until the server has it on disk, so sending it
 * again after a lost connection cannot double it.
 */

import { Emitter } from "./emitter.js";
import { RequestFailed } from "./protocol.js";

/** @typedef {import("./messages.js").ChatMessage} ChatMessage */
/** @typedef {{key: string, text: string, state: "sending" | "failed"}} Unsent */

/**
 * @typedef {object} ChatEvents
 * @property {ChatMessage | null} change a message came; null where only the own ones changed
 */

/** @extends {Emitter<ChatEvents>} */
export class ChatLog extends Emitter {
  /** @type {ChatMessage[]} */ messages = [];
  /** @type {Unsent[]} */ unsent = [];
  /** @type {(key: string, text: string) => Promise<void>} */ #send;
  /** @type {() => string} */ #newKey;

  /**
   * @param {(key: string, text: string) => Promise<void>} send
   * @param {() => string} newKey
   */
  constructor(send, newKey = () => crypto.randomUUID()) {
    super();
    this.#send = send;
    this.#newKey = newKey;
  }

  /** @param {ChatMessage} message */
  receive(message) {
    if (this.messages.some(({ id }) => id === message.id)) return;
    this.messages = [...this.messages, message].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.emit("change", message);
  }

  /** @param {string} text */
  say(text) {
    return this.#deliver({ key: this.#newKey(), text, state: "sending" });
  }

  /** Sends everything again that has not arrived. */
  async retry() {
    await Promise.all(this.unsent.map((entry) => this.#deliver(entry)));
  }

  /** @param {Unsent} entry */
  async #deliver(entry) {
    this.#put({ ...entry, state: "sending" });
    try {
      await this.#send(entry.key, entry.text);
      this.#drop(entry.key);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.#put({ ...entry, state: "failed" });
    }
  }

  /** @param {Unsent} entry */
  #put(entry) {
    const known = this.unsent.some(({ key }) => key === entry.key);
    this.unsent = known
      ? this.unsent.map((other) => (other.key === entry.key ? entry : other))
      : [...this.unsent, entry];
    this.emit("change", null);
  }

  /** @param {string} key */
  #drop(key) {
    this.unsent = this.unsent.filter((entry) => entry.key !== key);
    this.emit("change", null);
  }
}
