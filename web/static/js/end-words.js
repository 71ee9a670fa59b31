/** What is said on the last screen: what happened, what to do now, and whom to call. */

import { keyOr, t } from "./strings.js";

/** Reasons of which the server knows more: a time, what is to be done first. */
const SERVERS = new Set(["link_early", "intake_needed", "agreement_needed"]);
/** Reasons after which nobody needs the clinic. */
const WELL = new Set(["left", "ended", "replaced"]);

/**
 * A title, and a sentence that says something else: ours, or the server's where we have none.
 * @param {{reason: string, message: string, phone: string}} ending
 * @returns {{title: string, text: string}}
 */
export function endWords({ reason, message, phone }) {
  const title = keyOr(`end.${reason}`, "end.problem");
  const isKnown = (title !== "end.problem" && !SERVERS.has(reason)) || message === "";
  const text = isKnown ? t(keyOr(`${title}.text`, title)) : message;
  const isCallable = phone !== "" && !WELL.has(reason) && !text.includes(phone);
  return { title: t(title), text: isCallable ? `${text} ${t("end.call", { phone })}` : text };
}
