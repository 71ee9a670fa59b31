/**
 * Why the server closes a signalling connection: the close codes of PROTOCOL.md with their reasons.
 * A final closing ends the visit for this client; after any other one it comes back by itself.
 */

/** @typedef {{reason: string, final: boolean}} Closing */

/** @type {{[code: number]: Closing}} */
export const CLOSINGS = {
  4000: { reason: "left", final: true },
  4400: { reason: "bad_message", final: true },
  4401: { reason: "token_invalid", final: true },
  4402: { reason: "token_expired", final: true },
  4403: { reason: "token_used", final: true },
  4404: { reason: "unknown_room", final: true },
  4405: { reason: "seat_gone", final: true },
  4406: { reason: "withdrawn", final: true },
  4408: { reason: "heartbeat", final: false },
  4409: { reason: "replaced", final: true },
  4410: { reason: "ended", final: true },
  4411: { reason: "removed", final: true },
  4412: { reason: "denied", final: true },
  4413: { reason: "too_large", final: true },
  4423: { reason: "locked", final: true },
  4429: { reason: "rate_limit", final: false },
  4500: { reason: "restarting", final: false },
  4503: { reason: "room_full", final: true },
};

/**
 * The meaning of a close code; what the table does not name is a lost connection.
 * @param {number} code
 * @returns {Closing}
 */
export function closingOf(code) {
  return CLOSINGS[code] ?? { reason: "connection_lost", final: false };
}
