/**
 * Why a microphone, camera or screen could not be had, as one of our own codes (strings.js has the
 * words and the remedy for each).
 */

/** @typedef {"denied" | "missing" | "busy" | "insecure" | "cancelled" | "failed"} DeviceProblem */

/** @type {{[name: string]: DeviceProblem}} */
const PROBLEMS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/**
 * The code of a failed getUserMedia.
 * @param {unknown} error
 * @returns {DeviceProblem}
 */
export function problemOf(error) {
  return PROBLEMS[/** @type {Error} */ (error)?.name] ?? "failed";
}
