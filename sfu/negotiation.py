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
from sfu.core.sdp.layout import Layout, SlotMids
from sfu.core.sdp.model import Offer, SdpError
from sfu.core.sdp.parse import parse_offer


def negotiate(
    peer: str,
    sdp: str,
    publish: Mapping[SourceRole, str],
    slots: Sequence[SlotMids],
    info: WorkerInfo,
) -> tuple[str, Connection]:
    """(answer, connection). `publish` is role → mid. Raises SdpError."""
    offer = parse_offer(sdp)
    layout = Layout(publish={mid: role for role, mid in publish.items()}, slots=tuple(slots))
    answered = answer(offer, layout, _local(peer, offer, info))
    return answered.sdp, answered.connection


def _local(peer: str, offer: Offer, info: WorkerInfo) -> Local:
    first = next((media for media in offer.media if media.ufrag and media.fingerprints), None)
    if first is None:
        raise SdpError("no_transport", "The offer has no m-line with ICE and a fingerprint.")
    identity = f"{peer}|{first.fingerprints[0].value}"
    credentials = _derive(info.secret, f"ice|{identity}|{first.ufrag}|{first.password}")
    return Local(
        ufrag=base64.b32encode(credentials[:10]).decode().lower(),
        password=base64.b32encode(credentials[10:30]).decode().lower(),
        fingerprint=info.fingerprint,
        candidates=info.candidates,
        session_id=int.from_bytes(_derive(info.secret, f"session|{identity}")[:7], "big"),
        version=time.time_ns() // 1_000_000,
        ssrcs=_ssrcs(info.secret, identity, sending_mids(offer)),
        cname=_derive(info.secret, f"cname|{peer}")[:8].hex(),
    )


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
