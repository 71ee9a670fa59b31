/**
 * How a shared screen is sent: a document has to be readable and hardly moves, so where bandwidth is
 * short frames go and pixels stay.
 */

import { tune } from "./published-layers.js";

export const SCREEN_LAYER = [{ maxBitrate: 1_500_000, maxFramerate: 8 }];

/** @param {RTCRtpSender} sender */
export function keepSharp(sender) {
  return tune(sender, (parameters) => {
    const wished = /** @type {RTCRtpSendParameters & {degradationPreference?: string}} */ (parameters);
    if (wished.degradationPreference === "maintain-resolution") return false;
    wished.degradationPreference = "maintain-resolution";
    return true;
  });
}
