/**
 * How long to wait before the next try to come back: short at first, then every few seconds for as
 * long as the visit is open. Jitter keeps many clients of one restarted server apart.
 */

/** Seconds before try 0, 1, 2 …; the last one repeats. */
export const STEPS_S = [0, 0.3, 1.2, 2.7, 4.8, 7];
/** Each wait is stretched or shortened by up to this share. */
export const JITTER = 0.2;

/**
 * The wait before try `attempt` (from 0), in milliseconds.
 * @param {number} attempt
 * @param {number} random in 0..1
 */
export function waitMs(attempt, random) {
  const step = STEPS_S[Math.min(attempt, STEPS_S.length - 1)] ?? 0;
  return Math.round(step * 1000 * (1 - JITTER + 2 * JITTER * random));
}
