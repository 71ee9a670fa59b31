/** What somebody reads who is alone in the call: whom to expect, who has left, what to do. */

import { t } from "./strings.js";

/** @typedef {{lead: string, hint: string}} Words */

/**
 * @param {object} here
 * @param {boolean} here.moderates lets people in
 * @param {string[]} here.waiting names of those in the waiting room, as moderators see it
 * @param {string} here.left name of who left last while this page was open, "" for nobody
 * @param {string} here.phone of the clinic, "" where it is not known
 * @returns {Words}
 */
export function aloneWords({ moderates, waiting, left, phone }) {
  if (moderates) return hostWords(waiting, left);
  const help = phone ? ` ${t("alone.phone", { phone })}` : "";
  if (left) return { lead: t("alone.left", { name: left }), hint: t("alone.leftHint") + help };
  return { lead: t("call.alone"), hint: t("call.aloneHint") + help };
}

/** @param {string[]} waiting @param {string} left @returns {Words} */
function hostWords([first, ...more], left) {
  if (first !== undefined) {
    const lead = more.length
      ? t("alone.waitingMany", { count: more.length + 1 }) : t("people.isWaiting", { name: first });
    return { lead, hint: t("alone.waitingHint") };
  }
  if (left) return { lead: t("alone.left", { name: left }), hint: t("alone.hostLeftHint") };
  return { lead: t("alone.host"), hint: t("alone.hostHint") };
}
