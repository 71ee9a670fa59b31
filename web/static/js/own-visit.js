/**
 * The call of somebody who is signed in: the visit's id stands in the page, and at the tap the session's
 * cookie gets a token for it. Opening the page takes no seat, so a prefetch takes none.
 */

import { JoinProblem, TelemedCall } from "./telemed-call.js";

/** The clinic hears that somebody left when we do; its page is opened once it knows, or after these. */
const PATIENCE_MS = [100, 200, 400, 800];

/** @typedef {{call_token: string, name: string, participant_id: string}} Seat */
/** @typedef {{id: string, presence: "away" | "waiting" | "in_call"}} SeenSeat */

/**
 * A token for the visit. Throws JoinProblem with the server's code.
 * @param {string} visit
 * @returns {Promise<Seat>}
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

/**
 * Whether the clinic still takes us for being in the call.
 * @param {string} visit @param {string} seat
 */
async function isThere(visit, seat) {
  const headers = { "X-Background": "1" };
  const response = await fetch(`/api/v1/visits/${visit}`, { headers }).catch(() => null);
  if (!response?.ok) return false;
  /** @type {{participants: SeenSeat[]}} */
  const { participants } = await response.json();
  return participants.some(({ id, presence }) => id === seat && presence !== "away");
}

/** @param {string} visit @param {string} seat */
async function showVisit(visit, seat) {
  for (const wait of PATIENCE_MS) {
    if (!await isThere(visit, seat)) break;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  location.assign(`/visits/${visit}`);
}

/** @param {HTMLElement} place @param {string} visit */
function start(place, visit) {
  const call = /** @type {TelemedCall} */ (document.createElement("telemed-call"));
  call.setAttribute("phone", place.dataset.phone ?? "");
  call.toggleAttribute("only-sound", place.dataset.modality === "audio");
  call.setAttribute("name", place.dataset.name ?? "");
  let seat = "";
  call.tokenSource = async () => {
    const { participant_id, call_token } = await takeSeat(visit);
    seat = participant_id;
    return call_token;
  };
  call.addEventListener("telemed-left", () => void showVisit(visit, seat));
  place.replaceChildren(call);
}

const place = document.querySelector("main");
if (place?.dataset.visit) start(place, place.dataset.visit);
