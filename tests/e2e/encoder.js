// A WHIP client in a page of another origin: a picture of one colour, trickle ICE, bearer token.
window.encoder = {
  async publish(endpoint, token, colour) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    canvas.width = 320;
    canvas.height = 240;
    let count = 0;
    setInterval(() => {
      context.fillStyle = colour;
      context.fillRect(0, 0, 320, 240);
      context.fillStyle = count++ % 2 ? "black" : "white";
      context.fillRect(0, 0, 8, 8);
    }, 60);
    this.headers = { Authorization: `Bearer ${token}` };
    this.pc = new RTCPeerConnection();
    this.pc.addTransceiver(canvas.captureStream().getVideoTracks()[0], { direction: "sendonly" });
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const made = await this.ask("POST", endpoint, "application/sdp", this.pc.localDescription.sdp);
    this.session = new URL(made.headers.get("Location"), endpoint).href;
    this.tag = made.headers.get("ETag");
    this.answer = await made.text();
    await this.pc.setRemoteDescription({ type: "answer", sdp: this.answer });
    return made.status;
  },

  // RFC 9725 section 4.3.3
  async restartIce() {
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart: true }));
    const [ufrag] = this.pc.localDescription.sdp.match(/^a=ice-ufrag:.*$/m);
    const [password] = this.pc.localDescription.sdp.match(/^a=ice-pwd:.*$/m);
    const fragment = `${ufrag.trim()}\r\n${password.trim()}\r\na=end-of-candidates\r\n`;
    const made = await this.ask("PATCH", this.session, "application/trickle-ice-sdpfrag", fragment, "*");
    const ours = await made.text();
    const put = (text, line) => text.replace(new RegExp(`^${line}:.*$`, "gm"), ours.match(new RegExp(`^${line}:.*$`, "m"))[0].trim());
    this.answer = put(put(this.answer, "a=ice-ufrag"), "a=ice-pwd").replace(/\r?\n/g, "\r\n");
    await this.pc.setRemoteDescription({ type: "answer", sdp: this.answer });
    return [made.status, made.headers.get("ETag") !== this.tag];
  },

  // Whether the pair that carries the media is one of the newest credentials.
  async isOnNewCredentials() {
    const [, ufrag] = this.pc.localDescription.sdp.match(/^a=ice-ufrag:(.*)$/m);
    const stats = await this.pc.getStats();
    const used = [...stats.values()].filter((one) => one.type === "candidate-pair" && one.nominated);
    return used.some((pair) => stats.get(pair.localCandidateId)?.usernameFragment === ufrag.trim());
  },

  async end() {
    return (await fetch(this.session, { method: "DELETE", headers: this.headers })).status;
  },

  ask(method, url, type, body, match) {
    const headers = { ...this.headers, "Content-Type": type, ...(match && { "If-Match": match }) };
    return fetch(url, { method, headers, body });
  },
};
