/**
 * Tells the server what this page hears and sees, and shows what the server finds. Loaded once the
 * call has begun.
 */

import { FindingsView, said } from "./findings.js";
import { Senses } from "./senses.js";

/** @typedef {import("./call.js").MediaSession} MediaSession */
/** @typedef {import("./messages.js").Finding} Finding */

/** Three reports make a finding: within 3.6 s, and within 5 where a new connection comes between. */
const REPORT_MS = 1200;

/**
 * @param {MediaSession} session
 * @param {{page: HTMLElement, notices: HTMLElement, playAll: () => void, openDevices: () => void}} around
 * @param {AbortSignal} signal
 */
export function shareExperience(session, { page, notices, playAll, openDevices }, signal) {
  if (signal.aborted) return;
  const senses = new Senses(session, page);
  const view = new FindingsView({ devices: openDevices, sound: playAll });
  /** @type {Finding[]} */
  let findings = [];
  let busy = false;
  const show = () => {
    const people = session.room?.participants ?? [];
    const names = new Map(people.map(({ id, name }) => [id, name]));
    view.show(session.reconnecting ? null : said([...findings], session.me, names));
  };
  const report = async () => {
    const { rights } = session;
    if (busy || session.state !== "call" || !session.pc) return;
    if (!rights.publish && !rights.subscribe) return;
    busy = true;
    try {
      const experience = await senses.report(performance.now());
      if (!signal.aborted && session.pc?.connectionState === "connected") {
        session.signaling.send(experience);
      }
    } finally {
      busy = false;
    }
  };
  notices.prepend(view.root);
  session.signaling.on("findings", (message) => {
    findings = message.findings;
    show();
  }, signal);
  session.signaling.on("welcome", () => (findings = []), signal);
  session.on("room", show, signal);
  session.on("state", show, signal);
  const timer = setInterval(() => void report(), REPORT_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    senses.close();
  });
}
