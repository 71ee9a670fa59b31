/**
 * The call of somebody who is signed in: the visit's id stands in the page, and the session's cookie
 * gets a token for it. Whoever reloads comes back with a fresh one.
 */

import { JoinProblem, TelemedCall } from "./telemed-call.js";

/**
 * A token for the visit. Throws JoinProblem with the server's code.
 * @param {string} visit
 * @returns {Promise<{call_token: string, name: string}>}
 */
async function takeSeat(visit) {
  const response = await fetch(`/api/v1/visits/${visit}/enter`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  }).catch(() => null);
  if (response === null) throw new JoinProblem("offline", "");
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new JoinProblem(body.code ?? "problem", body.detail ?? "");
  return body;
}

/** @param {HTMLElement} place @param {string} visit */
async function start(place, visit) {
  const call = /** @type {TelemedCall} */ (document.createElement("telemed-call"));
  call.setAttribute("phone", place.dataset.phone ?? "");
  call.tokenSource = async () => (await takeSeat(visit)).call_token;
  call.addEventListener("telemed-left", () => location.assign(`/visits/${visit}`));
  try {
    call.setAttribute("name", (await takeSeat(visit)).name);
  } catch (error) {
    if (!(error instanceof JoinProblem)) throw error;
    call.problem = error;
  }
  place.replaceChildren(call);
}

const place = document.querySelector("main");
if (place?.dataset.visit) void start(place, place.dataset.visit);
