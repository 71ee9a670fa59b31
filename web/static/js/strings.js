/**
 * Every word that the call page shows or says, in one table. `{name}` marks a place to fill in.
 * The sentences are for people who are old, ill or in a hurry: short, calm, and always with what
 * to do next.
 */

const STRINGS = {
  "prejoin.title": "Ready to join?",
  "prejoin.as": "You join as {name}",
  "prejoin.join": "Join now",
  "prejoin.joining": "Joining…",
  "prejoin.preview": "Your picture, as others will see you",
  "prejoin.cameraOff": "Your camera is off",
  "prejoin.starting": "Starting your camera…",
  "prejoin.level": "Microphone level",
  "prejoin.levelHint": "Say something: the bar should move",
  "prejoin.permission": "If your browser asks, please allow the camera and the microphone.",
  "prejoin.permissionSound": "If your browser asks, please allow the microphone.",
  "prejoin.onlySound": "This visit is by sound only. No camera is used, and nobody sees you.",

  "device.microphone": "Microphone",
  "device.camera": "Camera",
  "device.speaker": "Speaker",
  "device.unnamed": "{kind} {number}",
  "device.choose": "Devices",
  "device.title": "Microphone, camera and speaker",
  "device.titleSound": "Microphone and speaker",

  "problem.microphone.denied": "Your browser does not let this page use the microphone. Others cannot hear you. Press the lock or settings sign beside the address, allow the microphone, then try again.",
  "problem.microphone.missing": "No microphone was found. Others cannot hear you. Connect one, then try again.",
  "problem.microphone.busy": "Another program is using your microphone. Close it, then try again.",
  "problem.microphone.insecure": "This page needs a secure address (https) to use the microphone. Please open the link exactly as you received it.",
  "problem.microphone.failed": "Your microphone did not start. Unplug it and plug it in again, or restart the browser.",
  "problem.camera.denied": "Your browser does not let this page use the camera. Others cannot see you, but they can hear you. Press the lock or settings sign beside the address, allow the camera, then try again.",
  "problem.camera.missing": "No camera was found. You can still talk and listen. Connect one to be seen.",
  "problem.camera.busy": "Another program is using your camera. Close it, then try again.",
  "problem.camera.insecure": "This page needs a secure address (https) to use the camera. Please open the link exactly as you received it.",
  "problem.camera.failed": "Your camera did not start. You can still talk and listen.",
  "problem.both.denied": "Your browser does not let this page use the camera and the microphone. Others cannot see or hear you. Press the lock or settings sign beside the address, allow both, then try again.",
  "problem.both.missing": "No camera and no microphone were found. You can watch and listen. Connect them to be seen and heard.",
  "problem.both.busy": "Another program is using your camera and microphone. Close it, then try again.",
  "problem.both.insecure": "This page needs a secure address (https) to use the camera and the microphone. Please open the link exactly as you received it.",
  "problem.both.failed": "Your camera and microphone did not start. Please restart the browser, then open the link again.",
  "problem.screen": "Your screen could not be shared. Please try again, or check whether your system allows it.",
  "problem.retry": "Try again",

  "waiting.title": "You are in the waiting room",
  "waiting.text": "The clinic knows that you are here and will let you in. Please keep this page open.",
  "waiting.preview": "Your picture",
  "waiting.leave": "Leave the waiting room",

  "connecting.title": "Connecting…",
  "connecting.text": "This takes a moment.",

  "call.title": "Video visit",
  "call.alone": "No one else is here now",
  "call.aloneHint": "Please stay: the others appear here when they join.",
  "alone.left": "{name} has left the call",
  "alone.leftHint": "Stay here if they will return.",
  "alone.phone": "If you need the clinic, call {phone}.",
  "alone.host": "Nobody is waiting yet",
  "alone.hostHint": "The patient opens the link, tests camera and microphone, and presses Join. You then see the name here and let them in.",
  "alone.hostLeftHint": "They can come back with the same link; you let them in again.",
  "alone.waitingMany": "{count} people are waiting",
  "alone.waitingHint": "They see a waiting page with their own picture, and come in when you press Admit.",
  "call.people": "People in the call",
  "call.you": "You",
  "call.self": "Your own picture",
  "call.screenOf": "Screen of {name}",
  "call.joined": "{name} joined",
  "call.left": "{name} left",
  "call.micOff": "Microphone off",
  "call.reconnecting": "Reconnecting…",
  "call.interrupted": "Interrupted, perhaps by a phone call",
  "call.background": "Has another app or page open",
  "call.codecMissing": "This browser cannot show this video",
  "call.toolbar": "Call controls",

  "control.mute": "Mute",
  "control.unmute": "Unmute",
  "control.cameraOff": "Stop camera",
  "control.cameraOn": "Start camera",
  "control.share": "Share",
  "control.stopShare": "Stop sharing",
  "control.chat": "Chat",
  "control.people": "People",
  "control.devices": "Devices",
  "control.leave": "Leave",
  "leaving.title": "Leave the call?",
  "leaving.text": "If only you leave, the others stay in the call and read that you have left.",
  "leaving.end": "End the visit for everyone",
  "leaving.leave": "Leave, the visit goes on",
  "leaving.stay": "Stay",
  "control.unread": "{count} new",
  "control.waiting": "{count} waiting",

  "chat.title": "Chat",
  "chat.empty": "No messages yet",
  "chat.write": "Write a message",
  "chat.send": "Send",
  "chat.sending": "Sending…",
  "chat.failed": "Not sent",
  "chat.retry": "Try again",
  "chat.from": "{name} wrote: {text}",
  "chat.kept": "Messages are kept with this visit.",
  "panel.close": "Close",

  "people.title": "People",
  "people.waiting": "Waiting",
  "people.here": "In the call",
  "people.isWaiting": "{name} is waiting",
  "people.away": "connection lost, coming back",
  "people.admit": "Admit",
  "people.admitName": "Admit {name}",
  "people.deny": "Deny",
  "people.denyName": "Deny {name}",
  "people.mute": "Mute",
  "people.muteName": "Mute {name}",
  "people.remove": "Remove",
  "people.removeName": "Remove {name} from the call",
  "people.lock": "Lock the room",
  "people.unlock": "Unlock the room",
  "people.locked": "The room is locked: no one new can come in.",
  "people.end": "End for everyone",
  "people.endQuestion": "End this visit for everyone?",
  "people.removeQuestion": "Remove {name} from this visit?",
  "people.cancel": "Cancel",
  "role.provider": "Clinician",
  "role.patient": "Patient",
  "role.guest": "Guest",
  "role.device": "Device",

  "notice.reconnecting": "Your connection is interrupted. We are bringing you back; you need not do anything.",
  "notice.reconnectingLong": "We are still trying to bring you back. If you can, go closer to your Wi-Fi, or switch to mobile data.",
  "notice.reconnectingPhone": "We keep trying for as long as this page is open. If you need the clinic now, call {phone}.",
  "notice.offline": "Your device has no internet connection. Switch on Wi-Fi or mobile data; the visit then goes on by itself.",
  "notice.tapToContinue": "Tap to continue",
  "notice.tapToContinueHint": "Your device took the microphone or the camera away, perhaps for a phone call.",
  "notice.tryNow": "Try again now",
  "notice.tapToHear": "Tap to hear",
  "notice.tapToHearHint": "Your browser holds the sound back until you tap.",
  "notice.muted.microphone": "A moderator muted your microphone. Press Unmute to speak.",
  "notice.muted.camera": "A moderator stopped your camera. Press Start camera to be seen.",
  "notice.muted.screen": "A moderator stopped your screen share.",
  "notice.sharing": "You are sharing your screen",
  "notice.failed": "That did not work: {reason}",

  "finding.microphone_silent.own": "Your microphone gives no sound, so nobody hears you. Is it switched off at the headset or the cable? Otherwise choose another one.",
  "finding.microphone_silent.other": "{name} cannot be heard: the microphone gives no sound. We have told {name} how to mend it.",
  "finding.camera_black.own": "Your camera shows only black. Is it covered, or the room dark? Otherwise choose another one.",
  "finding.camera_black.other": "{name} cannot be seen: the camera shows only black. We have told {name} how to mend it.",
  "finding.speaker_blocked.own": "Your browser holds the sound back. Tap to hear the others.",
  "finding.speaker_blocked.other": "{name} cannot hear you yet: a tap is needed there. We have told {name} how to mend it.",
  "finding.not_heard_by.own": "{by} cannot hear you: your sound does not arrive there. The chat works.",
  "finding.not_heard_by.by": "You cannot hear {name}: the sound does not arrive here. The chat works.",
  "finding.not_heard_by.other": "{by} cannot hear {name}: the sound does not arrive there.",
  "finding.not_seen_by.own": "{by} cannot see you: your picture does not arrive there. The sound goes on.",
  "finding.not_seen_by.by": "You cannot see {name}: the picture does not arrive here. The sound goes on.",
  "finding.not_seen_by.other": "{by} cannot see {name}: the picture does not arrive there.",
  "finding.devices": "Choose another device",

  "quality.uplink": "Your connection is weak: others may not hear or see you well.",
  "quality.uplinkLost": "Others may not hear you at the moment.",
  "quality.downlink": "Your connection is weak: sound and picture may stop now and then.",
  "quality.videoReduced": "The picture is less sharp, because your connection is weak.",
  "quality.videoOff": "Video paused: your connection is slow. Sound goes on.",
  "quality.otherWeak": "Weak connection",
  "quality.otherCannotHear": "{name} may not hear you at the moment.",

  "consent.title": "Before you come in",
  "consent.agree": "I agree",
  "consent.cancel": "Not now",

  "confirm.title": "Is this your visit?",
  "confirm.text": "This link is in use on another device. Give the patient's date of birth, or the code that the clinic tells you by phone. The visit then goes on here.",
  "confirm.date": "Date of birth",
  "confirm.code": "Code from the clinic",
  "confirm.send": "Continue",
  "confirm.cancel": "Cancel",

  "end.call": "You can call the clinic: {phone}.",
  "end.rejoin": "Join again",
  "end.useHere": "Use it here",
  "end.left": "You have left the visit",
  "end.left.text": "You can close this page now, or join again if you left by mistake.",
  "end.ended": "The visit has ended",
  "end.ended.text": "Thank you. You can close this page now.",
  "end.removed": "You are no longer in the visit",
  "end.removed.text": "A moderator removed you. If this was a mistake, please call the clinic.",
  "end.withdrawn": "You are no longer in the visit",
  "end.withdrawn.text": "The clinic has withdrawn this access. If this was a mistake, please call the clinic.",
  "end.denied": "You were not let in",
  "end.denied.text": "The clinic could not let you in now. Please call the clinic if you have an appointment.",
  "end.replaced": "You joined in another window",
  "end.replaced.text": "The visit goes on there. You can also bring it back to this window.",
  "end.locked": "The visit is locked",
  "end.locked.text": "No one new can come in at the moment. Wait a little, then try again, or call the clinic.",
  "end.room_full": "The visit is full",
  "end.room_full.text": "There is no free place at the moment. Wait a little, then try again.",
  "end.unknown_room": "This visit does not exist any more",
  "end.unknown_room.text": "Please check with the clinic that your link is the newest one.",
  "end.link_unknown": "This link does not work",
  "end.link_unknown.text": "Please open the link exactly as you received it, or ask the clinic for a new one.",
  "end.link_missing": "This page needs your personal link",
  "end.link_missing.text": "Please open the link from your message again. If it keeps leading here, ask the clinic for a new one.",
  "end.link_expired": "This link has expired",
  "end.link_expired.text": "Please ask the clinic for a new link.",
  "end.link_revoked": "This link has been withdrawn",
  "end.link_revoked.text": "Please ask the clinic for a new link.",
  "end.visit_ended": "This visit is over",
  "end.visit_ended.text": "If you need another appointment, please contact the clinic.",
  "end.visit_cancelled": "This visit was cancelled",
  "end.visit_cancelled.text": "If you need another appointment, please contact the clinic.",
  "end.link_early": "It is too early for this visit",
  "end.link_early.text": "Please open the link again shortly before your appointment.",
  "end.intake_needed": "There are some questions to answer first",
  "end.intake_needed.text": "Please answer the questions before the visit, then open the link again.",
  "end.agreement_needed": "The patient has not agreed yet",
  "end.agreement_needed.text": "Please open the link again later.",
  "end.confirm_needed": "This link is in use on another device",
  "end.confirm_needed.text": "Join again and confirm that it is yours, or go on with the other device.",
  "end.consent_needed": "The clinic needs your agreement",
  "end.consent_needed.text": "Without it the visit cannot begin. Join again when you want to agree, or call the clinic.",
  "end.no_tries_left": "Too many tries",
  "end.no_tries_left.text": "Please ask the clinic for a new link.",
  "end.token_expired": "Your pass for this visit has run out",
  "end.token_expired.text": "Press the button to join again.",
  "end.token_used": "Your pass for this visit was already used",
  "end.token_used.text": "Press the button to join again.",
  "end.token_invalid": "Your pass for this visit is not valid",
  "end.token_invalid.text": "Please open the link from your message again.",
  "end.seat_gone": "You were away for a while",
  "end.seat_gone.text": "Press the button to join again.",
  "end.too_many_requests": "Too many tries",
  "end.too_many_requests.text": "Please wait a minute, then try again.",
  "end.offline": "The clinic's server does not answer",
  "end.offline.text": "Please check your internet connection, then try again.",
  "end.unsupported": "This browser cannot make video calls",
  "end.unsupported.text": "Please open the link in a current version of Firefox, Chrome, Edge or Safari.",
  "end.problem": "Something went wrong",
  "end.problem.text": "Please try again. If it keeps happening, call the clinic.",

  "refused.connection_lost": "the connection was lost; please try again",
  "refused.no_answer": "the server did not answer; please try again",
  "refused.overloaded": "the server carries as many calls as it can; please try again in a few minutes",
  "refused.media_unavailable": "sound and picture are not available for a moment; we keep trying",
};

/** @typedef {keyof typeof STRINGS} StringKey */

/**
 * The text for a key, with its places filled in.
 * @param {StringKey} key
 * @param {{[place: string]: string | number}} [values]
 */
export function t(key, values = {}) {
  return STRINGS[key].replace(/\{(\w+)\}/g, (_whole, place) => String(values[place] ?? ""));
}

/**
 * The key made of these parts if the table has it, else `fallback`: for codes that the server names.
 * @param {string} key
 * @param {StringKey} fallback
 * @returns {StringKey}
 */
export function keyOr(key, fallback) {
  return Object.hasOwn(STRINGS, key) ? /** @type {StringKey} */ (key) : fallback;
}

/**
 * Our words for a refusal, or the server's own sentence where we have none.
 * @param {string} code
 * @param {string} message
 */
export function refusal(code, message) {
  return Object.hasOwn(STRINGS, `refused.${code}`)
    ? t(/** @type {StringKey} */ (`refused.${code}`))
    : message;
}
