"""SRTP against the RFC's vectors, against libsrtp in both directions, and against attackers."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pylibsrtp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.core.rtp import header
from sfu.core.rtp.header import one_byte_extensions
from sfu.shell import srtp, srtp_gcm
from sfu.shell.srtp import PROFILES, Srtp, make_srtp
from sfu.shell.srtp_errors import MAX_STREAMS, NonceReuse, SrtpError, SrtpReplay
from sfu.shell.srtp_gcm import AeadGcmSrtp, SessionKeys

GCM, GCM_256, CM = "SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM", "SRTP_AES128_CM_SHA1_80"
SALT = b"Quid pro quo"
RTCP_PLAIN = bytes.fromhex(
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"
    "deadbeef deadbeef deadbeef deadbeef deadbeef"
)


def rtp(
    sequence: int, ssrc: int = 1234, payload: bytes = b"picture", extensions: bytes = b""
) -> bytes:
    first = 0x90 if extensions else 0x80
    return struct.pack("!BBHII", first, 96, sequence & 0xFFFF, 9000, ssrc) + extensions + payload


def rtcp(ssrc: int = 1234, body: bytes = b"") -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1 + len(body) // 4, ssrc) + body


def pair(profile: str) -> tuple[Srtp, Srtp]:
    """Bob's client and our server, joined by one DTLS export."""
    material = os.urandom(PROFILES[profile].keying_material_bytes)
    return make_srtp(profile, material, True), make_srtp(profile, material, False)


def oracle(profile: str) -> tuple[Srtp, pylibsrtp.Session, pylibsrtp.Session]:
    """Our server, and libsrtp's sending and receiving sessions of its client."""
    sizes = PROFILES[profile]
    number = {
        GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
        GCM_256: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        CM: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    }[profile]
    keys = [os.urandom(sizes.key_bytes) for _ in range(2)]
    salts = [os.urandom(sizes.salt_bytes) for _ in range(2)]

    def session(end: int, direction: int) -> pylibsrtp.Session:
        policy = pylibsrtp.Policy(keys[end] + salts[end], direction, 0, number)
        policy.window_size = 1024
        return pylibsrtp.Session(policy)

    ours = make_srtp(profile, b"".join(keys + salts), False)
    sends = session(0, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    return ours, sends, session(1, pylibsrtp.Policy.SSRC_ANY_INBOUND)


# --- RFC 7714 sections 16 and 17


def with_session_key(key: bytes) -> AeadGcmSrtp:
    keys = SessionKeys(key, SALT, key, SALT)
    return AeadGcmSrtp(keys, keys)


@pytest.mark.parametrize(
    ("key_bytes", "sealed"),
    [
        (
            16,
            "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b"
            "36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            32,
            "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f"
            "1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ],
)
def test_rtp_is_protected_as_in_rfc_7714_section_16(key_bytes: int, sealed: str) -> None:
    header = bytes.fromhex("8040f17b 8041f8d3 5501a0b2")
    plain = header + b"Gallia est omnis divisa in partes tres"
    protected = with_session_key(bytes(range(key_bytes))).protect(plain)
    assert protected == header + bytes.fromhex(sealed)
    assert with_session_key(bytes(range(key_bytes))).unprotect(protected) == plain


@pytest.mark.parametrize(
    ("key_bytes", "sealed"),
    [
        (
            16,
            "63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
            "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade",
        ),
        (
            32,
            "d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be"
            "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be",
        ),
    ],
)
def test_rtcp_is_protected_as_in_rfc_7714_section_17(key_bytes: int, sealed: str) -> None:
    index = 0x5D4
    protected = RTCP_PLAIN[:8] + bytes.fromhex(sealed) + (0x80000000 | index).to_bytes(4)
    assert with_session_key(bytes(range(key_bytes))).unprotect_rtcp(protected) == RTCP_PLAIN
    sender = with_session_key(bytes(range(key_bytes)))
    for _ in range(index):
        sender.protect_rtcp(RTCP_PLAIN)
    assert sender.protect_rtcp(RTCP_PLAIN) == protected


# --- libsrtp as the oracle

shapes = st.lists(
    st.tuples(
        st.integers(0, 15),  # CSRCs
        st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4),
        st.binary(max_size=200),
    ),
    min_size=1,
    max_size=8,
)


def shaped(shape: tuple[int, list[tuple[int, bytes]], bytes], sequence: int) -> bytes:
    csrcs, elements, payload = shape
    fixed = struct.pack("!BBHII", 0x90 | csrcs, 111, sequence, 160, 77)
    return fixed + os.urandom(4 * csrcs) + one_byte_extensions(elements) + payload


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=40, deadline=None)
@given(shapes)
def test_packets_of_any_shape_pass_to_and_from_libsrtp(
    profile: str, shapes: list[tuple[int, list[tuple[int, bytes]], bytes]]
) -> None:
    ours, their_sending, their_receiving = oracle(profile)
    for sequence, shape in enumerate(shapes):
        packet = shaped(shape, sequence)
        assert ours.unprotect(their_sending.protect(packet)) == packet
        assert their_receiving.unprotect(ours.protect(packet)) == packet


@pytest.mark.parametrize("profile", PROFILES)
def test_a_stream_passes_to_and_from_libsrtp_over_two_wraps(profile: str) -> None:
    ours, their_sending, their_receiving = oracle(profile)
    for sequence in range(20000, 20000 + 2 * 65536 + 10, 37):
        packet = rtp(sequence)
        assert ours.unprotect(their_sending.protect(packet)) == packet
        assert their_receiving.unprotect(ours.protect(packet)) == packet


@pytest.mark.parametrize("profile", PROFILES)
def test_packets_reordered_around_the_wrap_pass_to_and_from_libsrtp(profile: str) -> None:
    ours, their_sending, their_receiving = oracle(profile)
    for sequence in (65500, 65534, 65537, 65535, 65538, 65533, 65536, 65501, 65600):
        packet = rtp(sequence)
        assert their_receiving.unprotect(ours.protect(packet)) == packet
    sent = [their_sending.protect(rtp(sequence)) for sequence in range(65500, 65600)]
    order = [sent[0], *reversed(sent[1:50]), *reversed(sent[50:])]
    assert {ours.unprotect(packet) for packet in order} == {rtp(n) for n in range(65500, 65600)}


@pytest.mark.parametrize("profile", PROFILES)
def test_rtcp_passes_to_and_from_libsrtp(profile: str) -> None:
    ours, their_sending, their_receiving = oracle(profile)
    for ssrc in (1, 2, 0xFFFFFFFF, 1, 2):
        packet = rtcp(ssrc, os.urandom(40))
        assert ours.unprotect_rtcp(their_sending.protect_rtcp(packet)) == packet
        assert their_receiving.unprotect_rtcp(ours.protect_rtcp(packet)) == packet


# --- the interface, whatever the profile


@pytest.mark.parametrize("profile", PROFILES)
def test_each_end_reads_what_the_other_one_sends(profile: str) -> None:
    bob, server = pair(profile)
    assert server.unprotect(bob.protect(rtp(1))) == rtp(1)
    assert bob.unprotect(server.protect(rtp(1))) == rtp(1)
    assert server.unprotect_rtcp(bob.protect_rtcp(rtcp())) == rtcp()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_header_and_payload_in_two_parts_are_protected_as_one_packet(profile: str) -> None:
    bob, server = pair(profile)
    packet = rtp(5, extensions=one_byte_extensions([(1, b"0")]))
    seal = bob.sealer(header.ssrc(packet))
    assert server.unprotect(seal(bytearray(packet[:20]), packet[20:])) == packet
    with pytest.raises(NonceReuse):
        bob.protect(packet)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_payload_cannot_be_read_on_the_wire(profile: str) -> None:
    bob, _ = pair(profile)
    assert b"diagnosis" not in bob.protect(rtp(1, payload=b"diagnosis"))
    assert b"diagnosis" not in bob.protect_rtcp(rtcp(body=b"diagnosis..."))


@pytest.mark.parametrize("profile", PROFILES)
def test_charlie_cannot_change_a_single_bit(profile: str) -> None:
    bob, server = pair(profile)
    media, control = bob.protect(rtp(1)), bob.protect_rtcp(rtcp(body=bytes(8)))
    for open_, packet in ((server.unprotect, media), (server.unprotect_rtcp, control)):
        for bit in range(8 * len(packet)):
            forged = bytearray(packet)
            forged[bit // 8] ^= 1 << bit % 8
            with pytest.raises(SrtpError):
                open_(bytes(forged))
        open_(packet)


@pytest.mark.parametrize("profile", PROFILES)
def test_charlie_cannot_replay_a_packet(profile: str) -> None:
    bob, server = pair(profile)
    media = [bob.protect(rtp(sequence)) for sequence in range(600)]
    control = [bob.protect_rtcp(rtcp()) for _ in range(60)]
    for open_, packets in ((server.unprotect, media), (server.unprotect_rtcp, control)):
        for packet in packets:
            open_(packet)
        for packet in packets:
            with pytest.raises(SrtpReplay):
                open_(packet)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_late_packet_within_the_window_is_accepted_once(profile: str) -> None:
    bob, server = pair(profile)
    late = bob.protect(rtp(1))
    for sequence in range(2, 1000):
        server.unprotect(bob.protect(rtp(sequence)))
    server.unprotect(late)
    with pytest.raises(SrtpReplay):
        server.unprotect(late)


@pytest.mark.parametrize("profile", PROFILES)
def test_one_index_is_never_protected_twice(profile: str) -> None:
    bob, _ = pair(profile)
    for sequence in (10, 12, 11, 65536 + 3):
        bob.protect(rtp(sequence))
    for sequence in (10, 11, 12, 3):
        with pytest.raises(NonceReuse):
            bob.protect(rtp(sequence, payload=b"another"))
    bob.protect(rtp(10, ssrc=99))


@pytest.mark.parametrize("profile", PROFILES)
def test_what_was_used_before_a_stream_is_forgotten_stays_used(profile: str) -> None:
    bob, server = pair(profile)
    old = [bob.protect(rtp(sequence)) for sequence in (65000, 65001, 65537)]
    for packet in old:
        server.unprotect(packet)
    bob.forget(1234)
    server.forget(1234)
    server.forget(4321)
    with pytest.raises(NonceReuse):
        bob.protect(rtp(65001))
    for packet in old:
        with pytest.raises(SrtpReplay):
            server.unprotect(packet)
    assert server.unprotect(bob.protect(rtp(65538))) == rtp(65538)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_packet_that_does_not_authenticate_creates_no_state(profile: str) -> None:
    bob, server = pair(profile)
    for ssrc in range(MAX_STREAMS + 10):
        with pytest.raises(SrtpError):
            server.unprotect(rtp(60000, ssrc, payload=bytes(40)))
        with pytest.raises(SrtpError):
            server.unprotect_rtcp(rtcp(ssrc, bytes(40) + b"\x8f\xff\xff\xff"))
    assert server.unprotect(bob.protect(rtp(1, 5))) == rtp(1, 5)
    assert server.unprotect_rtcp(bob.protect_rtcp(rtcp(5))) == rtcp(5)


@pytest.mark.parametrize("profile", PROFILES)
def test_one_peer_cannot_open_streams_without_end(profile: str) -> None:
    bob, server = pair(profile)
    for ssrc in range(MAX_STREAMS):
        server.unprotect(bob.protect(rtp(1, ssrc)))
    with pytest.raises(SrtpError, match="too many"):
        bob.protect(rtp(1, MAX_STREAMS))
    assert server.unprotect(bob.protect(rtp(2, 0))) == rtp(2, 0)


@pytest.mark.parametrize("profile", PROFILES)
@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_srtp_errors(profile: str, data: bytes) -> None:
    _, server = pair(profile)
    calls: list[Callable[[bytes], bytes]] = [server.unprotect, server.unprotect_rtcp]
    for call in calls:
        for packet in (data, b"\x90\x60" + data, b"\x80\xc8" + data):
            with pytest.raises(SrtpError):
                call(packet)


@pytest.mark.parametrize(
    "packet", [b"", b"\x80" + bytes(10), b"\x00" + bytes(20), b"\x9f" + bytes(40)]
)
def test_what_is_not_rtp_is_not_protected(packet: bytes) -> None:
    with pytest.raises(SrtpError):
        pair(GCM)[0].protect(packet)
    with pytest.raises(SrtpError):
        pair(GCM)[0].protect_rtcp(packet[:7])


def test_gcm_takes_packets_of_any_size_and_libsrtp_up_to_its_limit() -> None:
    bob, server = pair(GCM)
    for sequence, size in enumerate((0, 1400, 1500, 9000)):
        packet = rtp(sequence, payload=bytes(size))
        assert server.unprotect(bob.protect(packet)) == packet
    bob, server = pair(CM)
    largest = rtp(1, payload=bytes(srtp.LIBSRTP_MAX_PROTECT_BYTES - 12))
    assert server.unprotect(bob.protect(largest)) == largest
    with pytest.raises(SrtpError, match="too long"):
        bob.protect(rtp(2, payload=bytes(srtp.LIBSRTP_MAX_PROTECT_BYTES - 11)))


def test_rtcp_ends_when_its_indices_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srtp_gcm, "_RTCP_MAX_INDEX", 2)
    bob, _ = pair(GCM)
    for _ in range(3):
        bob.protect_rtcp(rtcp())
    with pytest.raises(NonceReuse):
        bob.protect_rtcp(rtcp())


def test_rtcp_that_is_not_encrypted_is_refused() -> None:
    bob, server = pair(GCM)
    sealed = bob.protect_rtcp(rtcp())
    with pytest.raises(SrtpError, match="encryption"):
        server.unprotect_rtcp(sealed[:-4] + bytes(4))


def test_only_known_profiles_with_material_of_the_right_size_are_made() -> None:
    with pytest.raises(SrtpError, match="unsupported"):
        make_srtp("SRTP_NULL_SHA1_80", bytes(60), True)
    with pytest.raises(SrtpError, match="size"):
        make_srtp(GCM, bytes(55), True)
