"""Every refusal of the WHIP and WHEP doors: a stable code, its HTTP status and what to do about it.

Codes are stable (PROTOCOL.md lists them); sentences may be reworded. The media plane words a
refused offer itself.
"""

from __future__ import annotations

import msgspec

from signaling.core.closing import Closing


class Problem(msgspec.Struct, frozen=True):
    """What is sent as application/problem+json (RFC 9457)."""

    status: int
    detail: str


PROBLEMS: dict[str, Problem] = {
    "bad_fragment": Problem(
        400, "Send an SDP fragment (RFC 8840) with ICE credentials or candidates."
    ),
    "token_missing": Problem(401, "Send a join token: `Authorization: Bearer <token>`."),
    "token_invalid": Problem(401, "This token is not one of this server's. Get a new one."),
    "token_expired": Problem(401, "This token has expired. Get a new one."),
    "token_used": Problem(
        401, "This token has been used. Get a new one, or a device token, which may be used again."
    ),
    "token_revoked": Problem(401, "This token has been withdrawn. Ask for a new one."),
    "other_room": Problem(403, "This token is for another room. Use that room's address."),
    "not_allowed": Problem(
        403, "This token lacks the right: `publish` for WHIP, `subscribe` for WHEP."
    ),
    "device_waits": Problem(
        403, "A device cannot wait to be admitted. Use a token that was made with --admitted."
    ),
    "removed": Problem(403, "A moderator removed this device from the room for good."),
    "denied": Problem(403, "A moderator did not let this device into the room."),
    "unknown_room": Problem(404, "There is no such room. Check the address."),
    "visit_ended": Problem(404, "The visit in this room has ended. Use another room."),
    "no_session": Problem(404, "There is no such session any more. Start again with POST."),
    "method_not_allowed": Problem(405, "Use one of the methods in the Allow header."),
    "not_acceptable": Problem(406, "The answer is application/sdp; accept that."),
    "locked": Problem(409, "The room is locked. Ask a moderator to unlock it, then try again."),
    "room_full": Problem(409, "The room is full. Try again when somebody has left."),
    "tag_mismatch": Problem(
        412, "If-Match names an ICE session of before. Use the newest ETag, or * to restart ICE."
    ),
    "too_large": Problem(413, "The body is too large. Offer fewer media or codecs."),
    "media_type": Problem(
        415, "Send application/sdp with POST, application/trickle-ice-sdpfrag with PATCH."
    ),
    "bad_sdp": Problem(422, "The offer cannot be answered."),
    "bad_participant": Problem(422, "`participant` must be a participant's id, or be left out."),
    "tag_missing": Problem(428, "Send If-Match with the session's ETag, or with * to restart ICE."),
    "rate_limit": Problem(429, "Too many attempts from this address. Wait some seconds."),
    "media_unavailable": Problem(503, "The media server is not available. Try again shortly."),
    "overloaded": Problem(503, "The server carries as many calls as it can. Try again later."),
    "restarting": Problem(503, "The server is restarting. Try again shortly."),
}

_CLOSINGS: dict[Closing, str] = {
    Closing.ENDED: "visit_ended",
    Closing.REMOVED: "removed",
    Closing.DENIED: "denied",
    Closing.LOCKED: "locked",
    Closing.ROOM_FULL: "room_full",
}


def of_closing(closing: Closing) -> str:
    """The code for a room that lets nobody in."""
    return _CLOSINGS.get(closing, "restarting")
