/**
 * Peer connections whose sockets belong to no address. With the right to the camera Chromium binds each
 * socket of a connection to one address of the device, and hears of other addresses only 0.5 to 2 s
 * after a change of network (measured: on Linux 2.0 s). In a frame without that right it binds to the
 * wildcard, so the system's own routing sends by whatever network there is, at once. The frame shows
 * nothing and loads nothing; tracks go in and out of it as of any window of this origin.
 */

/** @typedef {import("./peer.js").Rtc} Rtc */

/**
 * What to make peer connections of, until `signal` aborts; the window itself where a frame has none.
 * @param {AbortSignal} signal
 * @returns {Rtc}
 */
export function anyAddressRtc(signal) {
  const frame = document.createElement("iframe");
  frame.allow = "camera 'none'; microphone 'none'";
  frame.hidden = true;
  document.body.append(frame);
  signal.addEventListener("abort", () => frame.remove());
  const inside = /** @type {(Window & Partial<Rtc>) | null} */ (frame.contentWindow);
  const { RTCPeerConnection } = inside ?? {};
  return RTCPeerConnection ? { RTCPeerConnection, MediaStream, RTCRtpSender } : window;
}
