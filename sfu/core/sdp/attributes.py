"""Read the values of the SDP attributes that we use; one pattern and one function for each.

A value that does not fit its pattern raises, because a client that writes it wrong would be
answered wrong. Whatever is optional and unused in a value (rid restrictions, extmap parameters) is
not looked at.
"""

from __future__ import annotations

import re

from sfu.core.description import Fingerprint
from sfu.core.sdp.model import Direction, Format, HeaderExtension, Layer, SdpError

CHARACTER = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]"  # of a token, RFC 8866 section 9
MAX_SSRC = 2**32 - 1
MAX_EXTENSION_ID = 255  # RFC 8285: above are only provisional ids, never used in packets
FINGERPRINT_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}  # weaker ones are not trusted
ENCRYPTED_EXTENSION = "urn:ietf:params:rtp-hdrext:encrypt"  # RFC 6904
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

_PATTERNS = {
    name: re.compile(pattern)
    for name, pattern in {
        "mid": rf"({CHARACTER}{{1,64}})",
        "ice-ufrag": r"([A-Za-z0-9+/]{4,256})",
        "ice-pwd": r"([A-Za-z0-9+/]{22,256})",
        "setup": r"(actpass|active|passive|holdconn)",
        "fingerprint": r"([A-Za-z0-9-]{1,32}) +([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,255})",
        "rtpmap": rf"([0-9]{{1,3}}) +({CHARACTER}{{1,64}})/([0-9]{{1,9}})(?:/([0-9]{{1,3}}))?",
        "fmtp": r"([0-9]{1,3}) +(.+)",
        "rtcp-fb": r"(\*|[0-9]{1,3}) +([!-~]+(?: [!-~]+)*)",
        "extmap": r"([0-9]{1,5})(?:/(sendrecv|sendonly|recvonly|inactive))? +([!-~]+)(?: .*)?",
        "rid": r"([A-Za-z0-9_-]{1,255}) +(send|recv)(?: .*)?",
        "simulcast": r" ?(send|recv) ([^ ]+)(?: (send|recv) ([^ ]+))?",
        "layer": r"(~?)([A-Za-z0-9_-]{1,255})(?:,[^ ]*)?",
        "ssrc": r"([0-9]{1,10})(?: .*)?",
        "ssrc-group": rf"({CHARACTER}{{1,32}})((?: +[0-9]{{1,10}})*)",
        "msid": r"([!-~]{1,255})(?: +([!-~]{1,255}))?(?: .*)?",
        "group": rf"({CHARACTER}{{1,32}})((?: +{CHARACTER}+)*)",
        "m": rf"({CHARACTER}{{1,32}}) ([0-9]{{1,5}})(?:/[0-9]{{1,5}})?"
        rf" ([!-~]{{1,64}})((?: +{CHARACTER}+)+)",
        "o": r"[^ ]+ ([0-9]{1,20}) ([0-9]{1,20}) .*",
    }.items()
}


def fit(name: str, value: str) -> re.Match[str]:
    """Match a value against its attribute's pattern. Raises SdpError."""
    match = _PATTERNS[name].fullmatch(value)
    if match is None:
        raise SdpError("bad_attribute", f"An {name} line cannot be read.")
    return match


def token(name: str, value: str) -> str:
    """Read an attribute that is one word: mid, ice-ufrag, ice-pwd, setup."""
    return fit(name, value)[1]


def fingerprint(value: str) -> Fingerprint | None:
    """Read a=fingerprint (RFC 8122 section 5); None for a hash that is not trusted."""
    match = fit("fingerprint", value)
    algorithm, digest = match[1].lower(), match[2].upper()
    if algorithm not in FINGERPRINT_BYTES:
        return None
    if digest.count(":") + 1 != FINGERPRINT_BYTES[algorithm]:
        raise SdpError("bad_attribute", "A fingerprint has the wrong length.")
    return Fingerprint(algorithm, digest)


def rtpmap(value: str) -> Format:
    """Read a=rtpmap (RFC 8866 section 6.6)."""
    match = fit("rtpmap", value)
    return Format(_payload_type(match[1]), match[2], int(match[3]), int(match[4] or 1))


def fmtp(value: str) -> tuple[int, str]:
    """Read a=fmtp (RFC 8866 section 6.15): payload type, parameters."""
    match = fit("fmtp", value)
    return _payload_type(match[1]), match[2].strip()


def feedback(value: str) -> tuple[int | None, str]:
    """Read a=rtcp-fb (RFC 4585 section 4.2): payload type or None for all, value."""
    match = fit("rtcp-fb", value)
    return None if match[1] == "*" else _payload_type(match[1]), match[2].lower()


def extension(value: str) -> HeaderExtension | None:
    """Read a=extmap (RFC 8285 section 5); None for encrypted and provisional ones."""
    match = fit("extmap", value)
    number = int(match[1])
    if number == 0:
        raise SdpError("bad_attribute", "An extmap line has the id 0.")
    if number > MAX_EXTENSION_ID or match[3] == ENCRYPTED_EXTENSION:
        return None
    return HeaderExtension(number, match[3], direction(match[2] or "sendrecv"))


def direction(word: str) -> Direction:
    """Narrow a word that a pattern has already matched."""
    return next(known for known in DIRECTIONS if known == word)


def sent_rid(value: str) -> str | None:
    """Read a=rid (RFC 8851 section 4); None for those that the client receives."""
    match = fit("rid", value)
    return match[1] if match[2] == "send" else None


def sent_layers(value: str) -> tuple[Layer, ...]:
    """Read the send part of a=simulcast (RFC 8853 section 5.1), the first of alternatives only."""
    if not value:
        return ()
    match = fit("simulcast", value)
    parts = {match[1]: match[2], match[3]: match[4]}
    streams = parts["send"].split(";") if "send" in parts else []
    return tuple(_layer(stream) for stream in streams)


def _layer(stream: str) -> Layer:
    match = fit("layer", stream)
    return Layer(match[2], paused=match[1] == "~")


def ssrc(value: str) -> int:
    """Read the number of a=ssrc (RFC 5576 section 4.1)."""
    return _ssrc(fit("ssrc", value)[1])


def flow_pair(value: str) -> tuple[int, int] | None:
    """Read a=ssrc-group:FID (RFC 5576 section 4.2): media ssrc, rtx ssrc; None for other groups."""
    match = fit("ssrc-group", value)
    numbers = match[2].split()
    if match[1].upper() != "FID" or len(numbers) != 2:
        return None
    return _ssrc(numbers[0]), _ssrc(numbers[1])


def msid(value: str) -> tuple[str, str]:
    """Read a=msid (RFC 8830 section 2): stream, track or ""."""
    match = fit("msid", value)
    return match[1], match[2] or ""


def bundle(value: str) -> tuple[str, ...] | None:
    """Read a=group (RFC 5888 section 5): the mids of a BUNDLE group, None for other groups."""
    match = fit("group", value)
    return tuple(match[2].split()) if match[1].upper() == "BUNDLE" else None


def _payload_type(digits: str) -> int:
    number = int(digits)
    if number > 127:
        raise SdpError("bad_attribute", "A payload type is over 127.")
    return number


def _ssrc(digits: str) -> int:
    number = int(digits)
    if number > MAX_SSRC:
        raise SdpError("bad_attribute", "An ssrc is over 32 bits.")
    return number
