"""From an SDP offer to an answer and the worker's typed description of the connection.

Keeps nothing: ICE credentials, ssrcs and the session id are derived from the worker's secret, the
peer, and what the client's offer keeps (its certificate) or changes at an ICE restart (its user
fragment). So a front that restarted in the middle of a call answers the next offer rightly.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

from sfu.api import WorkerInfo
from sfu.core.description import Connection, SourceRole
from sfu.core.sdp.answer import Local, answer, sending_mids
from sfu.core.sdp.layout import Layout, SlotMids, publishing_layout, watching_layout
from sfu.core.sdp.model import Offer, SdpError
from sfu.core.sdp.negotiate import bundled
from sfu.core.sdp.parse import parse_offer


def negotiate(
    peer: str,
    sdp: str,
    publish: Mapping[SourceRole, str],
    slots: Sequence[SlotMids],
    info: WorkerInfo,
) -> tuple[str, Connection]:
    """(answer, connection). `publish` is role → mid. Raises SdpError."""
    layout = Layout(publish={mid: role for role, mid in publish.items()}, slots=tuple(slots))
    return _answer(peer, parse_offer(sdp), layout, info)


def negotiate_publisher(
    peer: str, sdp: str, info: WorkerInfo, *, only_sound: bool = False
) -> tuple[str, Connection]:
    """(answer, connection) for a client that only publishes, as WHIP (RFC 9725) has them.

    Raises SdpError.
    """
    offer = parse_offer(sdp)
    taken = [one for one in bundled(offer) if one.kind == "audio" or not only_sound]
    return _answer(peer, offer, publishing_layout(offer, taken), info)


def negotiate_viewer(peer: str, sdp: str, info: WorkerInfo) -> tuple[str, Connection]:
    """(answer, connection) for a client that only watches, as WHEP has them. Raises SdpError."""
    offer = parse_offer(sdp)
    return _answer(peer, offer, watching_layout(offer, bundled(offer)), info)


def restarted(peer: str, ufrag: str, password: str, info: WorkerInfo) -> tuple[str, str]:
    """Our (ufrag, password) for an ICE restart in which the client named its own."""
    return _credentials(info, f"restart|{peer}|{ufrag}|{password}")


def _answer(peer: str, offer: Offer, layout: Layout, info: WorkerInfo) -> tuple[str, Connection]:
    answered = answer(offer, layout, _local(peer, offer, info))
    return answered.sdp, answered.connection


def _local(peer: str, offer: Offer, info: WorkerInfo) -> Local:
    first = next((media for media in offer.media if media.ufrag and media.fingerprints), None)
    if first is None:
        raise SdpError("no_transport", "The offer has no m-line with ICE and a fingerprint.")
    identity = f"{peer}|{first.fingerprints[0].value}"
    ufrag, password = _credentials(info, f"ice|{identity}|{first.ufrag}|{first.password}")
    return Local(
        ufrag=ufrag,
        password=password,
        fingerprint=info.fingerprint,
        candidates=info.candidates,
        session_id=int.from_bytes(_derive(info.secret, f"session|{identity}")[:7], "big"),
        version=time.time_ns() // 1_000_000,
        ssrcs=_ssrcs(info.secret, identity, sending_mids(offer)),
        cname=_derive(info.secret, f"cname|{peer}")[:8].hex(),
    )


def _credentials(info: WorkerInfo, seed: str) -> tuple[str, str]:
    derived = _derive(info.secret, seed)
    ufrag, password = derived[:10], derived[10:30]
    return base64.b32encode(ufrag).decode().lower(), base64.b32encode(password).decode().lower()


def _ssrcs(secret: bytes, identity: str, mids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """A pair for each mid; 1 is our feedback's ssrc, so pairs lie above it."""
    found: dict[str, tuple[int, int]] = {}
    taken: set[int] = set()
    for mid in mids:
        attempt = 0
        while True:
            digest = _derive(secret, f"ssrc|{identity}|{mid}|{attempt}")
            pair = int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")
            if min(pair) > 1 and pair[0] != pair[1] and not taken.intersection(pair):
                break
            attempt += 1
        taken.update(pair)
        found[mid] = pair
    return found


def _derive(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()
