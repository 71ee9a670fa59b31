/**
 * The wire messages of call control, as `signaling/PROTOCOL.md` describes them: one typedef per
 * message, and the same as data (`CLIENT_FIELDS`, `SERVER_FIELDS`, `PART_FIELDS`), whose
 * names the compiler checks against the typedefs and a test against the server's own definition.
 */

export const VERSION = 1;
export const SUBPROTOCOL = "telemed.v1";

/** @typedef {"microphone" | "camera" | "screen"} Source */
/** @typedef {"active" | "background" | "interrupted"} Activity */
/** @typedef {"good" | "fair" | "poor" | "lost"} Grade */
/** @typedef {{publish: boolean, subscribe: boolean, moderate: boolean, chat: boolean,
 *   only_sound: boolean}} Rights */

/** @typedef {{video?: string | null, audio?: string | null, screen?: boolean}} OfferSlot */
/** @typedef {{slot: number, width: number, height: number, priority?: number}} ViewedSlot */
/** @typedef {{id: string, name: string, role: string, rights: Rights, connected: boolean,
 *   media: boolean, microphone: boolean, camera: boolean, screen: boolean,
 *   activity: Activity}} Participant */
/** @typedef {{id: string, name: string, role: string, since: number, connected: boolean}} WaitingPerson */
/** @typedef {{slot: number, participant: string | null, epoch: number, screen: boolean,
 *   live: boolean, codec_missing?: string}} SlotState */
/** @typedef {{participant: string, uplink: Grade, downlink: Grade,
 *   video: "full" | "reduced" | "off"}} QualityOf */
/** @typedef {{urls: string[], username: string, credential: string}} IceServer */

// client → server

/** @typedef {{type: "hello", version: number, token?: string | null, seat?: string | null,
 *   seen_chat?: string | null}} Hello */
/** @typedef {{type: "offer", id: number, sdp: string, publish: {[source in Source]?: string},
 *   slots: OfferSlot[]}} Offer */
/** @typedef {{type: "view", slots: ViewedSlot[]}} View */
/** @typedef {{type: "slot_ready", slot: number, epoch: number}} SlotReady */
/** @typedef {{type: "media", microphone: boolean, camera: boolean, screen: boolean}} Media */
/** @typedef {{type: "activity", state: Activity}} Active */
/** @typedef {{slot: number, sound: number | null, concealed: number, frames: number | null,
 *   freeze_ms: number | null, height: number | null}} Received */
/** @typedef {{type: "experience", microphone: "ok" | "silent" | "off", camera: "ok" | "black" | "off",
 *   sound_blocked: boolean, slots: Received[]}} Experience */
/** @typedef {{type: "renew_ice"}} RenewIce */
/** @typedef {{type: "ping"}} Ping */
/** @typedef {{type: "chat", request: number, key: string, text: string}} Chat */
/** @typedef {{type: "admit", request: number, participant: string}} Admit */
/** @typedef {{type: "deny", request: number, participant: string}} Deny */
/** @typedef {{type: "mute", request: number, participant: string, source: Source}} Mute */
/** @typedef {{type: "remove", request: number, participant: string}} Remove */
/** @typedef {{type: "lock", request: number, locked: boolean}} Lock */
/** @typedef {{type: "end", request: number}} End */
/** @typedef {{type: "leave", request: number}} Leave */
/** @typedef {Chat | Admit | Deny | Mute | Remove | Lock | End | Leave} Request */
/** @typedef {Hello | Offer | View | SlotReady | Media | Active | Experience | RenewIce | Ping
 *   | Request} ClientMessage */

// server → client

/** @typedef {{type: "welcome", version: number, participant: string, seat: string,
 *   state: "waiting" | "admitted", resumed: boolean, media: boolean, rights: Rights,
 *   heartbeat_s: number, seat_s: number, ice_servers: IceServer[]}} Welcome */
/** @typedef {{type: "admitted", ice_servers: IceServer[]}} Admitted */
/** @typedef {{type: "ice_servers", ice_servers: IceServer[]}} IceServers */
/** @typedef {{type: "room", revision: number, locked: boolean, participants: Participant[],
 *   waiting: WaitingPerson[], slots: SlotState[]}} Room */
/** @typedef {{type: "answer", id: number, sdp: string}} Answer */
/** @typedef {{type: "slot_switched", slot: number, epoch: number, rtp_timestamp: number}} SlotSwitched */
/** @typedef {{type: "speakers", participants: string[]}} Speakers */
/** @typedef {{type: "quality", participants: QualityOf[]}} Quality */
/** @typedef {{kind: "microphone_silent" | "camera_black" | "speaker_blocked" | "not_heard_by"
 *   | "not_seen_by", participant: string, by: string | null}} Finding */
/** @typedef {{type: "findings", findings: Finding[]}} Findings */
/** @typedef {{type: "chat_message", id: string, participant: string, name: string, text: string,
 *   at: number}} ChatMessage */
/** @typedef {{type: "muted", source: Source}} Muted */
/** @typedef {{type: "layers", source: Source, rids: string[]}} Layers */
/** @typedef {{type: "media_lost"}} MediaLost */
/** @typedef {{type: "done", request: number}} Done */
/** @typedef {{type: "error", code: string, message: string, request?: number | null,
 *   offer?: number | null}} ErrorMessage */
/** @typedef {{type: "pong"}} Pong */
/** @typedef {Welcome | Admitted | IceServers | Room | Answer | SlotSwitched | Speakers | Quality
 *   | Findings | ChatMessage | Muted | Layers | MediaLost | Done | ErrorMessage | Pong} ServerMessage */

/**
 * @template {{type: string}} Message
 * @typedef {{[T in Message["type"]]: (keyof Omit<Extract<Message, {type: T}>, "type">)[]}} FieldTable
 */

/** @type {FieldTable<ClientMessage>} */
export const CLIENT_FIELDS = {
  hello: ["version", "token", "seat", "seen_chat"],
  offer: ["id", "sdp", "publish", "slots"],
  view: ["slots"],
  slot_ready: ["slot", "epoch"],
  media: ["microphone", "camera", "screen"],
  activity: ["state"],
  experience: ["microphone", "camera", "sound_blocked", "slots"],
  renew_ice: [],
  ping: [],
  chat: ["request", "key", "text"],
  admit: ["request", "participant"],
  deny: ["request", "participant"],
  mute: ["request", "participant", "source"],
  remove: ["request", "participant"],
  lock: ["request", "locked"],
  end: ["request"],
  leave: ["request"],
};

/** @type {FieldTable<ServerMessage>} */
export const SERVER_FIELDS = {
  welcome: ["version", "participant", "seat", "state", "resumed", "media", "rights",
    "heartbeat_s", "seat_s", "ice_servers"],
  admitted: ["ice_servers"],
  ice_servers: ["ice_servers"],
  room: ["revision", "locked", "participants", "waiting", "slots"],
  answer: ["id", "sdp"],
  slot_switched: ["slot", "epoch", "rtp_timestamp"],
  speakers: ["participants"],
  quality: ["participants"],
  findings: ["findings"],
  chat_message: ["id", "participant", "name", "text", "at"],
  muted: ["source"],
  layers: ["source", "rids"],
  media_lost: [],
  done: ["request"],
  error: ["code", "message", "request", "offer"],
  pong: [],
};

/** The structures inside messages, by the server's name for them. */
export const PART_FIELDS = {
  OfferSlot: /** @type {(keyof OfferSlot)[]} */ (["video", "audio", "screen"]),
  ViewedSlot: /** @type {(keyof ViewedSlot)[]} */ (["slot", "width", "height", "priority"]),
  Participant: /** @type {(keyof Participant)[]} */ (["id", "name", "role", "rights", "connected",
    "media", "microphone", "camera", "screen", "activity"]),
  WaitingPerson: /** @type {(keyof WaitingPerson)[]} */ (["id", "name", "role", "since",
    "connected"]),
  SlotState: /** @type {(keyof SlotState)[]} */ (["slot", "participant", "epoch", "screen", "live",
    "codec_missing"]),
  Received: /** @type {(keyof Received)[]} */ (["slot", "sound", "concealed", "frames",
    "freeze_ms", "height"]),
  Finding: /** @type {(keyof Finding)[]} */ (["kind", "participant", "by"]),
  QualityOf: /** @type {(keyof QualityOf)[]} */ (["participant", "uplink", "downlink", "video"]),
  IceServer: /** @type {(keyof IceServer)[]} */ (["urls", "username", "credential"]),
  Rights: /** @type {(keyof Rights)[]} */ (["publish", "subscribe", "moderate", "chat",
    "only_sound"]),
};
