"""Every `code` that an error may carry, with the sentence that the person may read.

Codes are stable (PROTOCOL.md lists them); sentences may be reworded. A gatekeeper or a media plane
may refuse with a code and a sentence of its own; the ones here are the ones we know.
"""

from __future__ import annotations

from signaling.core.closing import Closing

ROOM: dict[str, str] = {
    "not_admitted": "You have not been admitted to the call yet.",
    "not_allowed": "Your role in this call does not allow this.",
    "unknown_participant": "This person is not in the call.",
    "room_full": "The call is full.",
    "rate_limit": "Too many messages at once. Please wait a moment.",
    "offer_stale": "A newer offer has already been made.",
    "chat_failed": "The message could not be saved. Please send it again.",
    "bad_message": "The message is not one of the protocol's.",
    "version": "This page is too old or too new for the server. Please reload it.",
}

GATE: dict[str, str] = {
    "token_invalid": "This link does not open a call.",
    "token_expired": "This link has expired.",
    "token_used": "This link has already been used.",
    "token_revoked": "This link has been withdrawn.",
    "unknown_room": "This call does not exist.",
    "visit_ended": "This visit has ended.",
}

MEDIA: dict[str, str] = {
    "bad_sdp": "The browser's media description could not be understood.",
    "media_unavailable": "The media server is not available. Please try again.",
    "overloaded": "The server carries as many calls as it can. Please try again in a few minutes.",
}

GATE_CLOSINGS: dict[str, Closing] = {
    "token_expired": Closing.TOKEN_EXPIRED,
    "token_used": Closing.TOKEN_USED,
    "unknown_room": Closing.UNKNOWN_ROOM,
    "visit_ended": Closing.ENDED,
}


def closing_of(gate_code: str) -> Closing:
    """How the connection ends after a gatekeeper's refusal."""
    return GATE_CLOSINGS.get(gate_code, Closing.TOKEN_INVALID)
