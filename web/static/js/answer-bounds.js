/**
 * Bounds of what is sent, written into the server's answer before the browser takes it: they are this
 * page's own affair and need no word from the server. Firefox limits sound only by them; Chromium looks
 * for more bandwidth at once only when the bound of a picture was raised (measured: both).
 */

/** @typedef {{soundBps: number, pictureKbps: number}} Bounds pictureKbps 0: none */

/**
 * The answer with bounds for what the sections of these mids send.
 * @param {string} sdp
 * @param {{microphone: string | null, camera: string | null}} mids
 * @param {Bounds} bounds
 */
export function withBounds(sdp, { microphone, camera }, { soundBps, pictureKbps }) {
  const sections = sdp.split(/(?=^m=)/m).map((section) => {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1] ?? null;
    if (mid === null) return section;
    if (mid === microphone) return boundSound(section, soundBps);
    return mid === camera && pictureKbps ? boundPicture(section, pictureKbps) : section;
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

/** RFC 8866 5.8; it stands right after the section's `c=`. @param {string} section @param {number} kbps */
function boundPicture(section, kbps) {
  return section.replace(/^(c=.*?)(\r?\n)/m, `$1$2b=AS:${kbps}$2`);
}
