"""SRTP that was changed, cut, repeated or taken from another stream: refused, and nothing is lost.

Charlie sees every packet of Bob's and may send what he likes from Bob's address.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp.header import one_byte_extensions
from sfu.shell.srtp import PROFILES, Srtp, make_srtp
from sfu.shell.srtp_errors import MAX_STREAMS, SrtpError, SrtpReplay
from tests.hostile import DATAGRAM_BYTES, examples, mutated, peak_bytes, seconds
from tests.sfu.shell.test_srtp import pair, rtcp, rtp

BLOCK = one_byte_extensions([(1, b"0"), (3, b"abc")])
MEDIA = [rtp(n, payload=b"picture" * n, extensions=BLOCK if n % 2 else b"") for n in range(1, 6)]
CONTROL = [rtcp(body=bytes(4 * n)) for n in range(5)]


def twins(profile: str) -> tuple[Srtp, Srtp, Srtp]:
    """Two ends with the same sending keys, and the server that cannot tell them apart."""
    material = os.urandom(PROFILES[profile].keying_material_bytes)
    one, other = make_srtp(profile, material, True), make_srtp(profile, material, True)
    return one, other, make_srtp(profile, material, False)


@pytest.mark.parametrize("profile", PROFILES)
@examples(60)
@given(st.data())
def test_charlies_changed_packets_are_refused_and_bobs_are_still_taken(
    profile: str, data: st.DataObject
) -> None:
    bob, server = pair(profile)
    media = [bob.protect(packet) for packet in MEDIA]
    control = [bob.protect_rtcp(packet) for packet in CONTROL]
    for packets, open_ in ((media, server.unprotect), (control, server.unprotect_rtcp)):
        for changed in data.draw(st.lists(mutated(packets), max_size=8)):
            if changed not in packets:
                with pytest.raises(SrtpError):
                    open_(changed)
    assert [server.unprotect(packet) for packet in media] == MEDIA
    assert [server.unprotect_rtcp(packet) for packet in control] == CONTROL


@pytest.mark.parametrize("profile", PROFILES)
@examples(60)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_in_any_order_each_packet_is_taken_once(profile: str, order: list[int]) -> None:
    bob, server = pair(profile)
    sent = [(bob.protect(rtp(n)), bob.protect_rtcp(rtcp(body=bytes(8)))) for n in range(41)]
    seen: set[int] = set()
    for number in order:
        for packet, open_ in zip(
            sent[number], (server.unprotect, server.unprotect_rtcp), strict=True
        ):
            if number in seen:
                with pytest.raises(SrtpReplay):
                    open_(packet)
            else:
                open_(packet)
        seen.add(number)


@pytest.mark.parametrize("profile", PROFILES)
def test_control_is_not_taken_for_media_nor_media_for_control(profile: str) -> None:
    bob, server = pair(profile)
    with pytest.raises(SrtpError):
        server.unprotect_rtcp(bob.protect(rtp(1, payload=bytes(40))))
    with pytest.raises(SrtpError):
        server.unprotect(bob.protect_rtcp(rtcp(body=bytes(40))))


@pytest.mark.parametrize("profile", PROFILES)
def test_our_own_packets_sent_back_are_refused(profile: str) -> None:
    _, server = pair(profile)
    with pytest.raises(SrtpError):
        server.unprotect(server.protect(rtp(1)))
    with pytest.raises(SrtpError):
        server.unprotect_rtcp(server.protect_rtcp(rtcp()))


@pytest.mark.parametrize("profile", PROFILES)
def test_one_peer_cannot_make_us_receive_streams_without_end(profile: str) -> None:
    bob, twin, server = twins(profile)
    for ssrc in range(MAX_STREAMS):
        server.unprotect(bob.protect(rtp(1, ssrc)))
    with pytest.raises(SrtpError, match="too many"):
        server.unprotect(twin.protect(rtp(1, MAX_STREAMS)))
    assert server.unprotect(bob.protect(rtp(2, 0))) == rtp(2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_the_largest_forged_datagram_costs_no_more_than_its_length(profile: str) -> None:
    _, server = pair(profile)

    def open_(packet: bytes) -> None:
        for call in (server.unprotect, server.unprotect_rtcp):
            with pytest.raises(SrtpError):
                call(packet)

    head = rtp(1, extensions=BLOCK)
    for size in (1_500, DATAGRAM_BYTES):
        packet = head.ljust(size, b"\x80")
        assert seconds(open_, packet) < 0.005
        assert peak_bytes(open_, packet) < 8 * size + (1 << 16)
