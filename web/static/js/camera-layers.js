/**
 * The simulcast layers of a camera, lowest first. Browsers drop the last ones when the picture is
 * small (Chromium sends two of a 640×480 camera and one of a 320×240 one; measured), so a small
 * camera is scaled down less: its best layer is then always its whole picture. Half the frames of the
 * lowest layer and the sound fit into 150 kbit/s.
 */

import { rowsOf, statedRows } from "./camera-size.js";
import { tune } from "./published-layers.js";

export const LOWEST = { maxBitrate: 80_000, maxFramerate: 30 };
const LAYERS = [
  { rid: "q", ...LOWEST },
  { rid: "h", maxBitrate: 400_000, maxFramerate: 30 },
  { rid: "f", maxBitrate: 1_200_000, maxFramerate: 30 },
];
/** From how many rows on, by how much each layer is scaled down. */
const LARGE = { rows: 540, by: [4, 2, 1] };
const SCALES = [LARGE, { rows: 360, by: [2, 1, 1] }, { rows: 0, by: [1, 1, 1] }];

/** @param {number} rows 0: not known, as good as many */
function scalesFor(rows) {
  return (SCALES.find((scale) => (rows || LARGE.rows) >= scale.rows) ?? LARGE).by;
}

/**
 * Where the camera does not tell its size, `rescale` is to follow.
 * @param {MediaStreamTrack | null} camera one that is not there yet is taken for a large one
 * @returns {RTCRtpEncodingParameters[]}
 */
export function cameraLayers(camera) {
  const by = scalesFor(statedRows(camera));
  return LAYERS.map((layer, index) => ({ ...layer, scaleResolutionDownBy: by[index] }));
}

/** Fits the layers of a running sender to a camera. @param {RTCRtpSender} sender @param {MediaStreamTrack} camera */
export async function rescale(sender, camera) {
  const by = scalesFor(await rowsOf(camera));
  return tune(sender, ({ encodings }) => {
    const fits = encodings.every((one, index) => one.scaleResolutionDownBy === by[index]);
    if (encodings.length !== by.length || fits) return false;
    encodings.forEach((encoding, index) => { encoding.scaleResolutionDownBy = by[index]; });
    return true;
  });
}
