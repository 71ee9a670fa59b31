"""TURN servers for those who are admitted: whoever waits has no media to relay.

The credential is coturn's `use-auth-secret` kind: its end in Unix seconds and an opaque name of the
person (the relay's quota is by that name), signed with a secret that the relay has, too. It is
short-lived; a client renews it before it makes a path, and a running relay outlives it.
"""

from __future__ import annotations

import base64
import hmac

from signaling.core import messages as m
from signaling.core.seat import Seat
from signaling.core.settings import RelaySettings
from signaling.core.state import RoomState


def ice_servers(relay: RelaySettings, subject: str, now: float) -> tuple[m.IceServer, ...]:
    """What this person's RTCPeerConnection is made with at `now` (Unix seconds)."""
    if not relay.urls:
        return ()
    person = hmac.digest(relay.secret, subject.encode(), "sha256").hex()[:16]
    username = f"{int(now) + relay.valid_s}:{person}"
    password = base64.b64encode(hmac.digest(relay.secret, username.encode(), "sha1")).decode()
    return (m.IceServer(relay.urls, username, password),)


def for_seat(state: RoomState, seat: Seat, now: float) -> tuple[m.IceServer, ...]:
    """Those of an admitted person who sends or receives media; nothing for anybody else."""
    if not seat.is_admitted or not (seat.rights.publish or seat.rights.subscribe):
        return ()
    return ice_servers(state.settings.relay, seat.record.subject, now)


def renew(state: RoomState, seat: Seat, message: m.RenewIce, now: float) -> None:
    """Somebody is about to make a new path."""
    if not (seat.rights.publish or seat.rights.subscribe):
        state.refuse(seat, "not_allowed", message)
    else:
        state.send(seat, m.IceServers(for_seat(state, seat, now)))
