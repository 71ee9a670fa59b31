/**
 * The join page: `/join#<secret>`. The secret stays in the fragment, which no request carries; it is
 * exchanged by POST for a short-lived token, so a reload works. Within one tab the seat key and the
 * device choices survive a reload, which then resumes the call without a click.
 */

import { JoinProblem, TelemedCall } from "./telemed-call.js";

/** @typedef {{token: string, name: string, role: string}} Ticket */
/** @typedef {{link: string, seat?: string, choices?: object}} Kept */

const KEPT = "telemed-visit";
/** Tokens live for about a minute; an older one is fetched anew at the click. */
const TOKEN_FRESH_MS = 30_000;

/**
 * Exchanges the secret for a token. Throws JoinProblem with the server's code.
 * @param {string} secret
 * @returns {Promise<Ticket>}
 */
async function exchange(secret) {
  if (secret === "") throw new JoinProblem("link_missing", "");
  const response = await fetch("/join/exchange", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret }),
  }).catch(() => null);
  if (response === null) throw new JoinProblem("offline", "");
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new JoinProblem(body.code ?? "problem", body.detail ?? "");
  return body;
}

/** @param {string} link @returns {Kept} */
function kept(link) {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    return value.link === link ? value : { link };
  } catch {
    return { link };
  }
}

/** @param {Kept} value */
function keep(value) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(value));
  } catch {
    // Storage is switched off: a reload then asks to join again.
  }
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
  const secret = location.hash.slice(1);
  const memory = kept(secret);
  const call = /** @type {TelemedCall} */ (document.createElement("telemed-call"));
  call.tokenSource = async () => (await exchange(secret)).token;
  call.seat = memory.seat ?? null;
  call.choices = memory.choices ?? {};
  remember(call, memory);
  if (call.seat === null) await greet(call, secret);
  place.replaceChildren(call);
}

/** Finds out before the click whether the link works and whose it is. @param {TelemedCall} call @param {string} secret */
async function greet(call, secret) {
  try {
    const { name, token } = await exchange(secret);
    call.setAttribute("name", name);
    call.token = token;
    setTimeout(() => (call.token = null), TOKEN_FRESH_MS);
  } catch (error) {
    if (!(error instanceof JoinProblem)) throw error;
    call.problem = error;
  }
}

const place = document.querySelector("main");
addEventListener("hashchange", () => location.reload());
if (place) void start(place);
