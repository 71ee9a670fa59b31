"""SRTP and SRTCP for one peer, behind one small interface (RFC 3711, RFC 7714, RFC 5764).

DTLS exports one string of key material; `make_srtp` cuts it up and returns the peer's `Srtp` for
the negotiated profile. AES-GCM is done here on `cryptography`'s AESGCM: it takes packets of any
size, takes header and payload apart as the forwarder has them, and makes nonce reuse impossible:
each (ssrc, index) passes a `Ledger` once, in either direction. AES128_CM_SHA1_80 is libsrtp's,
with its limit of 1356 bytes per packet sent.

A stream's state begins with its first *authenticated* packet, stays under 1 KiB, and is never
thrown away whole: `forget` shrinks it to the highest index, because a stream that began again from
nothing would accept replays or repeat nonces. One peer may have at most MAX_STREAMS ssrcs.

measured (AEAD_AES_128_GCM, 1100-byte packet, µs; pylibsrtp's Session in brackets): a sealer 1.3
(1.8 with the joining), protect 1.8 (1.6), unprotect 1.8 (1.65).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
import pylibsrtp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sfu.core.rtp.header import RtpError, payload_offset
from sfu.core.rtp.ledger import Ledger

MAX_STREAMS = 512  # ssrcs of one peer and direction; a call with simulcast and RTX uses about 20
LIBSRTP_MAX_PROTECT_BYTES = 1356  # pylibsrtp 1.0: its buffer of 1500 less room for a trailer of 144
LIBSRTP_WINDOW = 8192  # packets; must be below 2^15
_TAG_BYTES = 16  # RFC 7714 13.2
_RTCP_HEADER_BYTES = 8  # sent in the clear, RFC 7714 9.2
_RTCP_WORD_BYTES = 4  # E flag and SRTCP index, RFC 3711 3.4
_RTCP_ENCRYPTED = 0x80000000
_RTCP_MAX_INDEX = 0x7FFFFFFF


class SrtpError(ValueError):
    """A packet that cannot be protected or does not authenticate."""


class SrtpReplay(SrtpError):
    """A packet that was accepted before, or is too old to tell."""


class NonceReuse(SrtpError):
    """A packet whose (ssrc, index) has been protected before, or is too old to tell."""


# (header with CSRCs and extensions, payload) → SRTP. The header is not checked: its ssrc must be
# the sealer's. Raises as `protect` does.
Sealer = Callable[[bytearray, bytes], bytes]
Encrypt = Callable[[bytes, bytes, bytes | bytearray], bytes]  # nonce, data, associated data


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


class SessionKeys(NamedTuple):
    """What one direction encrypts with: RTP and RTCP keys (16 or 32 bytes) and salts (12 bytes)."""

    rtp_key: bytes
    rtp_salt: bytes
    rtcp_key: bytes
    rtcp_salt: bytes


def derive_session_keys(master_key: bytes, master_salt: bytes) -> SessionKeys:
    """Session keys by the AES-CM PRF with key derivation rate 0 (RFC 3711 4.3, RFC 7714 11)."""

    def derive(label: int, size: int) -> bytes:
        block = bytearray(master_salt.ljust(16, b"\0"))
        block[7] ^= label
        stream = Cipher(algorithms.AES(master_key), modes.CTR(bytes(block))).encryptor()
        return stream.update(bytes(size))

    key, salt = len(master_key), len(master_salt)
    return SessionKeys(derive(0, key), derive(2, salt), derive(3, key), derive(5, salt))


class AeadGcmSrtp:
    """AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714).

    `protect` and `unprotect` are the two most expensive calls of a forwarded packet, so each is one
    function of locals.
    """

    def __init__(self, sending: SessionKeys, receiving: SessionKeys) -> None:
        self._sent = _SendingStreams(sending.rtp_key, sending.rtp_salt)
        self._open = AESGCM(receiving.rtp_key).decrypt
        self._received = _Streams(receiving.rtp_salt)
        self._seal_rtcp = AESGCM(sending.rtcp_key).encrypt
        self._sent_rtcp = _Streams(sending.rtcp_salt)
        self._open_rtcp = AESGCM(receiving.rtcp_key).decrypt
        self._received_rtcp = _Streams(receiving.rtcp_salt)

    def protect(self, packet: bytes) -> bytes:
        try:
            offset = payload_offset(packet)
        except RtpError as error:
            raise SrtpError(str(error)) from None
        stream = self._sent[packet[8:12]]
        data = stream.seal(packet[:offset], packet[offset:])
        self._sent[packet[8:12]] = stream
        return data

    def sealer(self, ssrc: int) -> Sealer:
        key = ssrc.to_bytes(4)
        stream = self._sent[key]
        self._sent[key] = stream
        return stream.seal

    def unprotect(self, packet: bytes) -> bytes:
        try:
            offset = payload_offset(packet)
        except RtpError as error:
            raise SrtpError(str(error)) from None
        ssrc = packet[8:12]
        stream = self._received[ssrc]
        index = stream.fresh_index(packet[2] << 8 | packet[3])
        if index < 0:
            raise SrtpReplay("packet index accepted before")
        header = packet[:offset]
        nonce = (stream.nonce_base ^ index).to_bytes(12)
        try:
            payload = self._open(nonce, packet[offset:], header)
        except InvalidTag:
            raise SrtpError("authentication failed") from None
        stream.add(index)
        self._received[ssrc] = stream
        return header + payload

    def protect_rtcp(self, packet: bytes) -> bytes:
        if len(packet) < _RTCP_HEADER_BYTES:
            raise SrtpError("shorter than an RTCP header")
        stream = self._sent_rtcp[packet[4:8]]
        index = stream.highest + 1
        if index > _RTCP_MAX_INDEX:
            raise NonceReuse("SRTCP indices are used up")
        stream.add(index)
        self._sent_rtcp[packet[4:8]] = stream
        header, body = packet[:_RTCP_HEADER_BYTES], packet[_RTCP_HEADER_BYTES:]
        word = (_RTCP_ENCRYPTED | index).to_bytes(_RTCP_WORD_BYTES)
        nonce = (stream.nonce_base ^ index).to_bytes(12)
        return header + self._seal_rtcp(nonce, body, header + word) + word

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        if len(packet) < _RTCP_HEADER_BYTES + _TAG_BYTES + _RTCP_WORD_BYTES:
            raise SrtpError("shorter than an SRTCP packet")
        header, word = packet[:_RTCP_HEADER_BYTES], packet[-_RTCP_WORD_BYTES:]
        index = int.from_bytes(word) ^ _RTCP_ENCRYPTED
        if index > _RTCP_MAX_INDEX:
            raise SrtpError("SRTCP without encryption")  # RFC 8827 6.5 allows none
        stream = self._received_rtcp[packet[4:8]]
        if stream.used(index):
            raise SrtpReplay("SRTCP index accepted before")
        nonce = (stream.nonce_base ^ index).to_bytes(12)
        sealed = packet[_RTCP_HEADER_BYTES:-_RTCP_WORD_BYTES]
        try:
            body = self._open_rtcp(nonce, sealed, header + word)
        except InvalidTag:
            raise SrtpError("authentication failed") from None
        stream.add(index)
        self._received_rtcp[packet[4:8]] = stream
        return header + body

    def forget(self, ssrc: int) -> None:
        key = ssrc.to_bytes(4)
        for streams in (self._sent, self._received, self._received_rtcp):
            if key in streams:
                streams[key].shrink()


class _Stream(Ledger):
    """One ssrc's used indices, with its part of the nonce: salt XOR ssrc (RFC 7714 8.1 and 9.1)."""

    __slots__ = ("nonce_base",)

    def __init__(self, nonce_base: int) -> None:
        super().__init__()
        self.nonce_base = nonce_base


class _Streams(dict[bytes, _Stream]):
    """One direction's streams by ssrc; a new ssrc gives a new stream, which is not stored yet."""

    def __init__(self, salt: bytes) -> None:
        super().__init__()
        self._salt = int.from_bytes(salt)

    def __missing__(self, ssrc: bytes) -> _Stream:
        if len(self) >= MAX_STREAMS:
            raise SrtpError("too many streams")
        return _Stream(self._salt ^ int.from_bytes(ssrc) << 48)


class _SendingStream(_Stream):
    """One ssrc that we send: the most expensive call of a forwarded packet is one function."""

    __slots__ = ("_encrypt",)

    def __init__(self, nonce_base: int, encrypt: Encrypt) -> None:
        super().__init__(nonce_base)
        self._encrypt = encrypt

    def seal(self, header: bytes | bytearray, payload: bytes) -> bytes:
        index = self.take(header[2] << 8 | header[3])
        if index < 0:
            raise NonceReuse("packet index protected before")
        sealed = self._encrypt((self.nonce_base ^ index).to_bytes(12), payload, header)
        return b"".join((header, sealed))


class _SendingStreams(dict[bytes, _SendingStream]):
    """As `_Streams`, for the streams that we send."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        super().__init__()
        self._encrypt: Encrypt = AESGCM(key).encrypt
        self._salt = int.from_bytes(salt)

    def __missing__(self, ssrc: bytes) -> _SendingStream:
        if len(self) >= MAX_STREAMS:
            raise SrtpError("too many streams")
        return _SendingStream(self._salt ^ int.from_bytes(ssrc) << 48, self._encrypt)


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
