/**
 * Bounds of what is sent, written into the server's answer before the browser takes it: they are this
 * page's own affair and need no word from the server. Firefox limits sound only by them; Chromium looks
 * for more bandwidth at once only when the bound of a picture was raised (measured: both).
 */

/**
 * @typedef {object} Bounds
 * @property {number} soundBps
 * @property {number} pictureKbps 0: none
 * @property {string[] | null} rids the camera's layers that are encoded; null: all
 */

/**
 * The answer with bounds for what the sections of these mids send.
 * @param {string} sdp
 * @param {{microphone: string | null, camera: string | null}} mids
 * @param {Bounds} bounds
 */
export function withBounds(sdp, { microphone, camera }, { soundBps, pictureKbps, rids }) {
  const sections = sdp.split(/(?=^m=)/m).map((section) => {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1] ?? null;
    if (mid === null) return section;
    if (mid === microphone) return boundSound(section, soundBps);
    return mid === camera ? pausing(boundPicture(section, pictureKbps), rids) : section;
  });
  return sections.join("");
}

/** RFC 7587 6.1: what the sender's Opus may take. @param {string} section @param {number} bps */
function boundSound(section, bps) {
  const type = /^a=rtpmap:(\d+) opus\//mi.exec(section)?.[1];
  if (!type) return section;
  const format = new RegExp(`^(a=fmtp:${type} .*?);?(?:maxaveragebitrate=\\d+)?(\\r?)$`, "m");
  return section.replace(format, `$1;maxaveragebitrate=${bps}$2`);
}

/** RFC 8866 5.8 and RFC 3890, for Chromium and for Firefox, after the section's `c=`. @param {string} section @param {number} kbps */
function boundPicture(section, kbps) {
  return kbps === 0 ? section : section.replace(/^(c=.*?)(\r?\n)/m, `$1$2b=AS:${kbps}$2b=TIAS:${kbps * 1000}$2`);
}

/**
 * RFC 8853 5.1: `~` before what is paused. An answer without it makes Chromium encode every layer again.
 * @param {string} section @param {string[] | null} rids
 */
function pausing(section, rids) {
  if (rids === null) return section;
  return section.replace(/^(a=simulcast:recv )(\S+)/m, (_, start, layers) =>
    start + layers.split(";").map((/** @type {string} */ rid) =>
      rids.includes(rid) ? rid : `~${rid}`).join(";"));
}
