/** The chat beside the call: history, own messages on their way, and a way to send again. */

import { h, set } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./strings.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./messages.js").ChatMessage} ChatMessage */
/** @typedef {import("./chat-log.js").Unsent} Unsent */

/** The server's limit of one message, in characters. */
const LONGEST_TEXT = 4000;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class ChatPanel {
  /** Messages of others that came while the panel was closed. */
  unread = 0;

  /**
   * @param {MediaSession} session
   * @param {() => void} onChange
   * @param {() => void} onClose
   * @param {AbortSignal} signal
   */
  constructor(session, onChange, onClose, signal) {
    this.session = session;
    this.onChange = onChange;
    this.list = h("ol", { class: "messages" });
    // The list is drawn anew each time, so it does not speak; notices.js says what came in.
    this.log = h("div", { class: "log", role: "log", "aria-live": "off",
      "aria-label": t("chat.title"), tabindex: 0 }, this.list);
    this.input = h("textarea", { rows: 2, maxlength: LONGEST_TEXT, placeholder: t("chat.write"),
      "aria-label": t("chat.write"), enterkeyhint: "send", onkeydown: this.#keydown });
    this.root = h("aside", { class: "panel chat", "aria-label": t("chat.title"), hidden: true },
      h("header", { class: "panel-head" }, h("h2", {}, t("chat.title")),
        h("button", { type: "button", class: "quiet square", "aria-label": t("panel.close"),
          onclick: onClose }, icon("close"))),
      this.log,
      h("form", { class: "composer", onsubmit: this.#submit }, this.input,
        h("button", { class: "primary square", "aria-label": t("chat.send") }, icon("send"))),
      h("p", { class: "hint" }, t("chat.kept")));
    session.chat.on("change", (message) => this.#changed(message), signal);
    this.#render();
  }

  get open() {
    return !this.root.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    set(this.root, "hidden", !open);
    if (!open) return;
    this.unread = 0;
    this.#toEnd();
    this.input.focus({ preventScroll: true });
  }

  /** @param {ChatMessage | null} message */
  #changed(message) {
    if (message && !this.open && message.participant !== this.session.me) this.unread += 1;
    this.#render();
    this.onChange();
  }

  #render() {
    const { messages, unsent } = this.session.chat;
    const rows = [...messages.map((m) => this.#row(m)), ...unsent.map((m) => this.#unsentRow(m))];
    const empty = h("li", { class: "hint" }, t("chat.empty"));
    this.list.replaceChildren(...(rows.length ? rows : [empty]));
    this.#toEnd();
  }

  /** @param {ChatMessage} message */
  #row({ participant, name, text, at }) {
    const own = participant === this.session.me;
    const time = new Date(at * 1000);
    return h("li", { class: own ? "message own" : "message" },
      h("p", { class: "message-head" }, h("b", {}, own ? t("call.you") : name),
        h("time", { datetime: time.toISOString() }, CLOCK.format(time))),
      h("p", { class: "message-text", dir: "auto" }, text));
  }

  /** @param {Unsent} entry */
  #unsentRow({ text, state }) {
    const failed = state === "failed";
    return h("li", { class: "message own unsent", "data-failed": failed },
      h("p", { class: "message-text", dir: "auto" }, text),
      h("p", { class: "message-head" }, t(failed ? "chat.failed" : "chat.sending"),
        failed && h("button", { type: "button", class: "quiet", "data-action": "retry",
          onclick: () => void this.session.chat.retry() }, t("chat.retry"))));
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === "") return;
    this.input.value = "";
    void this.session.chat.say(text);
  };

  #keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.input.form?.requestSubmit();
  };
}
