"""The SDP of a probe: it sends one track of Opus and understands the answer of our own server."""

from __future__ import annotations

import re
import secrets
from typing import Literal

import msgspec

from sfu.core.description import Fingerprint
from sfu.core.turn.message import Address

OPUS = 111
MID = "0"
_CANDIDATE = re.compile(
    r"^a=candidate:\S+ 1 (udp|tcp) \d+ (\S+) (\d+) typ host", re.MULTILINE | re.IGNORECASE
)


class Credentials(msgspec.Struct, frozen=True):
    """ICE's (RFC 8445 section 5.3)."""

    ufrag: str
    password: str


class Answer(msgspec.Struct, frozen=True):
    """What the server said of itself."""

    ice: Credentials
    fingerprint: Fingerprint
    setup: Literal["active", "passive"]
    udp: tuple[Address, ...]
    tcp: tuple[Address, ...]


def new_credentials() -> Credentials:
    return Credentials(secrets.token_hex(4), secrets.token_hex(12))


def write_offer(ice: Credentials, own: Fingerprint, ssrc: int) -> str:
    lines = (
        "v=0",
        f"o=- {secrets.randbits(31)} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {MID}",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{MID}",
        "a=sendonly",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.password}",
        f"a=fingerprint:{own.algorithm} {own.value}",
        "a=setup:actpass",
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=ssrc:{ssrc} cname:probe",
    )
    return "\r\n".join(lines) + "\r\n"


def read_answer(sdp: str) -> Answer:
    """Raises LookupError where something is missing."""
    setup = _word(sdp, "setup")
    algorithm, _, value = _word(sdp, "fingerprint").partition(" ")
    candidates = [
        (kind.lower(), Address(host, int(port))) for kind, host, port in _CANDIDATE.findall(sdp)
    ]
    return Answer(
        ice=Credentials(_word(sdp, "ice-ufrag"), _word(sdp, "ice-pwd")),
        fingerprint=Fingerprint(algorithm, value),
        setup="passive" if setup == "passive" else "active",
        udp=tuple(dict.fromkeys(each for kind, each in candidates if kind == "udp")),
        tcp=tuple(dict.fromkeys(each for kind, each in candidates if kind == "tcp")),
    )


def _word(sdp: str, name: str) -> str:
    found = re.search(rf"^a={name}:([^\r\n]+)", sdp, re.MULTILINE)
    if found is None:
        raise LookupError(f"the answer has no {name}")
    return found[1]
