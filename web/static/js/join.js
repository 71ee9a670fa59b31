/**
 * The join page: `/join#<secret>`. The secret stays in the fragment, which no request carries. Opening
 * the page only asks what the link opens; the tap exchanges the secret by POST for a short-lived token
 * and goes on to a clean address. Within one tab the link, the seat key and the device choices survive
 * a reload, which then resumes the call without a click.
 */

import { confirmed } from "./confirm-dialog.js";
import { agreed } from "./consent-dialog.js";
import { JoinProblem, TelemedCall } from "./telemed-call.js";

/** @typedef {{token: string, name: string, role: string}} Ticket */
/**
 * @typedef {{name: string, clinic: string, phone: string, practitioner: string, in_use: boolean,
 *   only_sound: boolean}} Invitation
 * @typedef {{link: string, seat?: string, choices?: object, phone?: string,
 *   onlySound?: boolean}} Kept
 */

const KEPT = "telemed-visit";
/** Refusals that the date of birth or the clinic's code mends. */
const CONFIRMABLE = new Set(["confirm_needed", "not_confirmed"]);

/**
 * Asks the server about a link. Throws JoinProblem with the server's code.
 * @param {"open" | "exchange"} what
 * @param {{secret: string, birth_date?: string, confirmation?: string, agrees?: object[]}} body
 */
async function ask(what, body) {
  if (body.secret === "") throw new JoinProblem("link_missing", "");
  const response = await fetch(`/join/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (response === null) throw new JoinProblem("offline", "");
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const problem = new JoinProblem(answer.code ?? "problem", answer.detail ?? "");
  throw Object.assign(problem, { texts: answer.texts ?? [], phone: answer.phone ?? "" });
}

/**
 * The tap: takes the link's seat, after confirming where another browser has it, and after agreeing
 * to what the clinic asks.
 * @param {string} secret
 * @returns {Promise<Ticket>}
 */
async function enter(secret) {
  /** @type {{birth_date?: string, confirmation?: string, agrees?: object[]}} */
  let said = {};
  for (;;) {
    try {
      return await ask("exchange", { secret, ...said });
    } catch (error) {
      if (!(error instanceof JoinProblem)) throw error;
      said = await mended(error);
    }
  }
}

/**
 * What the person says to a refusal that they can mend; others are thrown.
 * @param {JoinProblem & {texts?: import("./consent-dialog.js").Text[]}} problem
 */
async function mended(problem) {
  if (problem.code === "consent_needed") return { agrees: await agreed(problem.texts ?? []) };
  if (!CONFIRMABLE.has(problem.code)) throw problem;
  return confirmed(problem.code === "not_confirmed" ? problem.message : "");
}

/**
 * What this tab knows of the link; without one in the address, of the last.
 * @param {string} link
 * @returns {Kept}
 */
function kept(link) {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    return value.link && (link === "" || value.link === link) ? value : { link };
  } catch {
    return { link };
  }
}

/** Whether a reload will find it. @param {Kept} value */
function keep(value) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(value));
    return true;
  } catch {
    return false; // Storage is switched off: a reload then asks to join again.
  }
}

/** After the tap the secret leaves the address, which people show and share. @param {Kept} memory */
function cleanAddress(memory) {
  if (keep(memory)) history.replaceState(null, "", location.pathname);
}

/** @param {TelemedCall} call @param {Kept} memory */
function remember(call, memory) {
  const change = (/** @type {Partial<Kept>} */ news) => keep(Object.assign(memory, news));
  call.addEventListener("telemed-seat", (event) =>
    change({ seat: /** @type {CustomEvent} */ (event).detail.seat }));
  call.addEventListener("telemed-choices", (event) =>
    change({ choices: /** @type {CustomEvent} */ (event).detail.choices }));
  for (const type of ["telemed-left", "telemed-error"]) {
    call.addEventListener(type, () => change({ seat: undefined }));
  }
}

/** @param {HTMLElement} place */
async function start(place) {
  const memory = kept(location.hash.slice(1));
  const secret = memory.link;
  const call = /** @type {TelemedCall} */ (document.createElement("telemed-call"));
  call.tokenSource = async () => {
    const { token } = await enter(secret);
    cleanAddress(memory);
    return token;
  };
  call.seat = memory.seat ?? null;
  call.choices = memory.choices ?? {};
  remember(call, memory);
  if (call.seat === null) await greet(call, memory);
  call.toggleAttribute("only-sound", memory.onlySound === true);
  if (memory.phone) call.setAttribute("phone", memory.phone);
  place.replaceChildren(call);
}

/** Finds out before the click whether the link works and whose it is. @param {TelemedCall} call @param {Kept} memory */
async function greet(call, memory) {
  try {
    /** @type {Invitation} */
    const { name, phone, only_sound } = await ask("open", { secret: memory.link });
    call.setAttribute("name", name);
    memory.phone = phone;
    memory.onlySound = only_sound;
  } catch (error) {
    if (!(error instanceof JoinProblem)) throw error;
    call.problem = error;
    memory.phone = /** @type {JoinProblem & {phone?: string}} */ (error).phone;
  }
}

const place = document.querySelector("main");
addEventListener("hashchange", () => location.reload());
if (place) void start(place);
