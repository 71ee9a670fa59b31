/**
 * What a statistics report says of the path in use (W3C webrtc-stats). Chromium has a `transport`
 * entry that names the selected candidate pair and counts over all of them; Firefox marks the pair.
 */

/** @typedef {"udp" | "tcp" | "relay"} Way */
/** @typedef {{[name: string]: any}} Stats */

/** Bytes received by the connection so far, null before it has a path. @param {Iterable<Stats>} entries */
export function bytesOf(entries) {
  const all = [...entries];
  const transport = all.find(({ type }) => type === "transport");
  if (typeof transport?.bytesReceived === "number") return transport.bytesReceived;
  const pairs = all.filter(({ type, bytesReceived }) =>
    type === "candidate-pair" && typeof bytesReceived === "number");
  return pairs.length ? pairs.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0) : null;
}

/** What may be sent by the browser's own estimate; 0 where it does not say. @param {Iterable<Stats>} entries */
export function sendableOf(entries) {
  const rates = [...entries].map(({ availableOutgoingBitrate }) => availableOutgoingBitrate ?? 0);
  return Math.max(0, ...rates);
}

/**
 * How the path in use leaves this device, null before there is one.
 * @param {Iterable<Stats>} entries
 * @returns {Way | null}
 */
export function wayOf(entries) {
  const byId = new Map([...entries].map((one) => [one.id, one]));
  const all = [...byId.values()];
  const chosen = all.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  const pair = byId.get(chosen) ?? all.find(({ type, selected }) =>
    type === "candidate-pair" && selected === true);
  const local = byId.get(pair?.localCandidateId);
  if (!local) return null;
  if (local.candidateType === "relay") return "relay";
  return local.protocol === "tcp" ? "tcp" : "udp";
}
