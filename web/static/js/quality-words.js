/** The quality of the call in words: one hint at a time, the most serious first. */

import { t } from "./strings.js";

/** @typedef {import("./messages.js").QualityOf} QualityOf */
/** @typedef {import("./messages.js").Participant} Participant */

/**
 * What this person should know now; "" while all is well.
 * @param {QualityOf[]} quality
 * @param {string} me own participant id
 * @param {Participant[]} participants
 */
export function qualityHint(quality, me, participants) {
  const own = quality.find(({ participant }) => participant === me);
  if (own?.uplink === "lost") return t("quality.uplinkLost");
  if (own?.video === "off") return t("quality.videoOff");
  if (own?.uplink === "poor") return t("quality.uplink");
  if (own?.downlink === "poor" || own?.downlink === "lost") return t("quality.downlink");
  if (own?.video === "reduced") return t("quality.videoReduced");
  return cannotHear(quality, me, participants);
}

/**
 * @param {QualityOf[]} quality
 * @param {string} me
 * @param {Participant[]} participants
 */
function cannotHear(quality, me, participants) {
  const deaf = quality.find(({ participant, downlink }) => participant !== me && downlink === "lost");
  const name = participants.find(({ id }) => id === deaf?.participant)?.name;
  return name === undefined ? "" : t("quality.otherCannotHear", { name });
}
