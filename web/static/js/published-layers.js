/**
 * What a running sender encodes: the server says which simulcast layers are of use to anybody, the
 * camera says how far each is scaled down. Changes of one sender take their turns, because a browser
 * refuses parameters that another change has overtaken.
 */

/** @type {WeakMap<RTCRtpSender, Promise<void>>} */
const turns = new WeakMap();

/**
 * Changes a sender's parameters; `change` returns false where there is nothing to change.
 * @param {RTCRtpSender} sender
 * @param {(parameters: RTCRtpSendParameters) => boolean} change
 * @returns {Promise<void>}
 */
export function tune(sender, change) {
  const turn = (turns.get(sender) ?? Promise.resolve()).then(async () => {
    const parameters = sender.getParameters();
    if (parameters?.encodings && change(parameters)) await sender.setParameters(parameters);
  });
  turns.set(sender, turn.catch(() => {}));
  return turn;
}

/** Encodes only the layers of these rids. @param {RTCRtpSender} sender @param {string[]} rids */
export function encodeOnly(sender, rids) {
  return tune(sender, ({ encodings }) => {
    const changed = encodings.filter(({ rid, active }) => rid && active !== rids.includes(rid));
    changed.forEach((encoding) => { encoding.active = !encoding.active; });
    return changed.length > 0;
  });
}
