"""What befell people in a call, in sentences: who could not hear or see whom, how long, and why.

Names are those of the visit's seats; what is kept knows ids and codes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clinic_api.visits.call_quality import Coming, QualityEvent

SOMEBODY = "somebody"
WAYS: Mapping[str, str] = {
    "": "–",
    "udp": "directly (UDP)",
    "tcp": "through a firewall (TCP)",
    "turn": "through a strict firewall (TLS relay)",
}
# who: whose fault it is; others: whom it touched
_SENTENCES: Mapping[str, str] = {
    "microphone_silent": "{others} could not hear {who} for {time}: the microphone was silent.",
    "camera_black": "{others} could not see {who} for {time}: the camera showed only black.",
    "speaker_blocked": "{who} could not hear {others} for {time}: the browser held the sound back.",
    "not_heard_by": "{others} could not hear {who} for {time}: no sound came through.",
    "not_seen_by": "{others} could not see {who} for {time}: no picture came through.",
    "reconnected": "{who} was cut off for {time} and came back.",
    "media_reconnected": "Sound and picture of {who} were lost for {time} and came back.",
    "way_changed": "{who} went on by another network path: {detail}.",
}
_ENDS: Mapping[str, str] = {
    "leave": "left",
    "expire": "was cut off and did not come back",
    "remove": "was put out of the call",
    "withdraw": "was put out, because the link was withdrawn",
    "end": "was there when the visit ended",
    "lost": "was there when the server stopped",
}


def said_of(event: QualityEvent, who: str, names: Mapping[str, str]) -> str:
    """The sentence of an event."""
    words = _SENTENCES[event.kind].format(
        who=who,
        others=listed(names.get(each, SOMEBODY) for each in event.others),
        time=lasting(event.lasted_s),
        detail=WAYS.get(event.detail, event.detail),
    )
    return words[0].upper() + words[1:]


def said_of_end(coming: Coming, who: str) -> str:
    """How somebody's coming ended."""
    return f"{who} {_ENDS.get(coming.why, 'left')}."


def lasting(seconds: float) -> str:
    """A duration as people say it: 12 s, 3 min 5 s, 1 h 20 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def listed(names: Iterable[str]) -> str:
    """Alice; Alice and Bob; Alice, Bob and Dora."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last
