/**
 * How long to wait before the next try to come back: not at all at first, then up to a few seconds,
 * for as long as the visit is open. Full jitter (any wait up to the ceiling) keeps the clients of one
 * restarted server apart better than any other spread, for the least work (Brooker, "Exponential
 * Backoff and Jitter", AWS Architecture Blog, 2015).
 */

/** The ceiling of the first wait; it doubles with each try. */
export const FIRST_MS = 400;
/** No wait is longer: whoever is back in reach is back in the call within this time. */
export const LONGEST_MS = 5000;

/**
 * The wait before try `attempt` (from 0, which is made at once), in milliseconds.
 * @param {number} attempt
 * @param {number} random in 0..1
 */
export function waitMs(attempt, random) {
  if (attempt <= 0) return 0;
  return Math.round(random * Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1)));
}
