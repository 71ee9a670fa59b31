"""What may be tuned in call control, each value with its unit and where it comes from."""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """A token bucket: `per_s` tokens a second, at most `burst` saved up."""

    per_s: float
    burst: int


class RelaySettings(msgspec.Struct, frozen=True):
    """Where clients find a TURN server; nowhere by default."""

    urls: tuple[str, ...] = ()  # as RFC 7065 has them
    secret: bytes = b""  # that the server has, too
    valid_s: int = 300  # of one credential; design study: LiveKit's


class RoomSettings(msgspec.Struct, frozen=True):
    """The rules of one room."""

    max_admitted: int = 16  # people; the media plane's default room size
    max_waiting: int = 32  # people; twice a full room, so that a flood cannot grow the roster
    max_seats_each: int = 4  # seats of one person: two devices, and both once more after a crash
    heartbeat_s: int = 10  # design study: LiveKit pings each 10 s
    missed_heartbeats: int = 3  # two lost pings happen on a train, three are a dead path
    seat_held_s: int = 90  # design/media.md, Resume
    device_media_s: int = 20  # from the answer to media: gathering, checks and DTLS on a slow line
    messages: Rate = Rate(per_s=20, burst=40)  # an eager client sends 5 a second while joining
    chat: Rate = Rate(per_s=2, burst=10)  # nobody types faster
    offers: Rate = Rate(per_s=1, burst=5)  # an offer costs the worker a parse and a handshake
    experiences: Rate = Rate(per_s=1, burst=5)  # a page reports every 1.2 s; each is joined anew
    strikes: Rate = Rate(per_s=0.5, burst=20)  # refusals for rate or form before we hang up
    relay: RelaySettings = RelaySettings()


class CallSettings(msgspec.Struct, frozen=True):
    """The rules of the whole front."""

    room: RoomSettings = RoomSettings()
    hello_timeout_s: float = 10.0  # time to say hello after the socket opened
    # Per client address: 50 people behind one all come back at once when the front restarts.
    hellos: Rate = Rate(per_s=4, burst=120)
    max_addresses: int = 10_000  # addresses whose bucket is remembered
