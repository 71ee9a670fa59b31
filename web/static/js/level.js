/**
 * How loud a microphone is now, 0 to 1, for a meter. Sound stays in the page; nothing is played.
 */

const TICK_MS = 80;
/** Speech at arm's length has about this root mean square; louder is full. */
const FULL_RMS = 0.18;

/**
 * Reports the level of a track until `signal` aborts. A browser without sound output may never
 * report anything.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} report
 * @param {AbortSignal} signal
 */
export function watchLevel(track, report, signal) {
  if (typeof AudioContext !== "function") return;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    report(Math.min(1, rootMeanSquare(samples) / FULL_RMS));
  }, TICK_MS);
  // A telephone call leaves the context `interrupted` (Safari); it does not go on by itself.
  document.addEventListener("visibilitychange", () => void context.resume().catch(() => {}), { signal });
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    void context.close();
  });
}

/** @param {Float32Array} samples */
function rootMeanSquare(samples) {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}
