"""SRTP and SRTCP for one peer, behind one small interface (RFC 3711, RFC 7714, RFC 5764).

DTLS exports one string of key material; `make_srtp` cuts it up and returns the peer's `Srtp` for
the negotiated profile. AES-GCM is our own, in `srtp_gcm`. AES128_CM_SHA1_80 is libsrtp's, with its
limit of 1356 bytes per packet sent.

A stream's state begins with its first *authenticated* packet, stays under 1 KiB, and is never
thrown away whole: `forget` shrinks it to the highest index, because a stream that began again from
nothing would accept replays or repeat nonces. One peer may have at most MAX_STREAMS ssrcs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import pylibsrtp

from sfu.shell.srtp_errors import MAX_STREAMS, NonceReuse, Sealer, SrtpError, SrtpReplay
from sfu.shell.srtp_gcm import AeadGcmSrtp, derive_session_keys

LIBSRTP_MAX_PROTECT_BYTES = 1356  # pylibsrtp 1.0: its buffer of 1500 less room for a trailer of 144
LIBSRTP_WINDOW = 8192  # packets; must be below 2^15


class Srtp(Protocol):
    """Both directions of one peer. Every method raises `SrtpError` on a packet that it refuses."""

    def protect(self, packet: bytes) -> bytes:
        """RTP → SRTP. Raises `NonceReuse` where (ssrc, index) was protected before."""

    def sealer(self, ssrc: int) -> Sealer:
        """`protect` for the packets of one stream, header and payload apart."""

    def unprotect(self, packet: bytes) -> bytes:
        """SRTP → RTP. Raises `SrtpReplay` where the packet was accepted before."""

    def protect_rtcp(self, packet: bytes) -> bytes:
        """RTCP → SRTCP, encrypted."""

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """SRTCP → RTCP. Raises `SrtpReplay` where the packet was accepted before."""

    def forget(self, ssrc: int) -> None:
        """Shrink the state of a stream that has ended; nothing used becomes usable again."""


class Profile(msgspec.Struct, frozen=True):
    """Master key and salt sizes in bytes (RFC 5764 4.1.2, RFC 7714 12)."""

    key_bytes: int
    salt_bytes: int
    libsrtp: bool = False

    @property
    def keying_material_bytes(self) -> int:
        """How much to export from DTLS: keys and salts of both ends (RFC 5764 4.2)."""
        return 2 * (self.key_bytes + self.salt_bytes)


PROFILES = {  # by the names that OpenSSL gives them
    "SRTP_AEAD_AES_128_GCM": Profile(16, 12),
    "SRTP_AEAD_AES_256_GCM": Profile(32, 12),
    "SRTP_AES128_CM_SHA1_80": Profile(16, 14, libsrtp=True),
}


def make_srtp(profile: str, keying_material: bytes, is_client: bool) -> Srtp:
    """The peer's SRTP from the DTLS export `client_key|server_key|client_salt|server_salt`.

    `is_client` is our DTLS role.

    Raises:
        SrtpError: unknown profile, or keying material of another size.
    """
    sizes = PROFILES.get(profile)
    if sizes is None:
        raise SrtpError(f"unsupported SRTP profile {profile}")
    if len(keying_material) != sizes.keying_material_bytes:
        raise SrtpError("keying material has the wrong size")
    key, salt = sizes.key_bytes, 2 * sizes.key_bytes
    client = keying_material[:key], keying_material[salt : salt + sizes.salt_bytes]
    server = keying_material[key:salt], keying_material[salt + sizes.salt_bytes :]
    ours, theirs = (client, server) if is_client else (server, client)
    if sizes.libsrtp:
        return LibSrtp(b"".join(ours), b"".join(theirs))
    return AeadGcmSrtp(derive_session_keys(*ours), derive_session_keys(*theirs))


class LibSrtp:
    """AES128_CM_SHA1_80 by libsrtp; `protect` refuses packets over LIBSRTP_MAX_PROTECT_BYTES.

    `forget` keeps everything: libsrtp would begin such a stream again with an empty window at
    roll-over 0, and its state is small.
    """

    def __init__(self, sending_key: bytes, receiving_key: bytes) -> None:
        self._tx = _session(sending_key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._rx = _session(receiving_key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._sent: set[bytes] = set()
        self._received: set[bytes] = set()

    def protect(self, packet: bytes) -> bytes:
        return _call(self._tx.protect, packet, packet[8:12], self._sent, NonceReuse)

    def sealer(self, ssrc: int) -> Sealer:
        del ssrc
        return lambda header, payload: self.protect(b"".join((header, payload)))

    def unprotect(self, packet: bytes) -> bytes:
        return _call(self._rx.unprotect, packet, packet[8:12], self._received, SrtpReplay)

    def protect_rtcp(self, packet: bytes) -> bytes:
        return _call(self._tx.protect_rtcp, packet, packet[4:8], self._sent, NonceReuse)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        return _call(self._rx.unprotect_rtcp, packet, packet[4:8], self._received, SrtpReplay)

    def forget(self, ssrc: int) -> None:
        """Nothing: see the class."""


def _session(key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key, direction, 0, pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    policy.window_size = LIBSRTP_WINDOW
    return pylibsrtp.Session(policy)


def _call(
    method: Callable[[bytes], bytes],
    packet: bytes,
    ssrc: bytes,
    known: set[bytes],
    repeated: type[SrtpError],
) -> bytes:
    if len(known) >= MAX_STREAMS and ssrc not in known:
        raise SrtpError("too many streams")
    try:
        result = method(packet)
    except pylibsrtp.Error as error:
        failure = repeated if str(error).startswith("replay check") else SrtpError
        raise failure(str(error)) from None
    except ValueError as error:
        raise SrtpError(str(error)) from None
    known.add(ssrc)
    return result
