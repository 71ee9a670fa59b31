"""Rules applied to packets, read back by the header's own reader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.forwarder.rule import ExtensionPlan, Rule, plan_extensions, render_rtx
from sfu.core.rtp import header, vp8
from tests.sfu.core.forwarder.packets import render
from tests.sim.world import rtp, vp8_payload

IDS = st.sampled_from([0, 1, 7, 14, 15, 255])
MIDS = st.sampled_from(["0", "audio-1", "m" * 16, "m" * 17, "m" * 40])


def make_rule(plan: ExtensionPlan, *, is_vp8: bool = False) -> Rule:
    return Rule(
        stream=1,
        peer="alice",
        ssrc=77,
        payload_type=45,
        first=0,
        seq_offset=-990,
        timestamp_offset=-5,
        extensions=plan,
        vp8=is_vp8,
        vp8_offsets=(3, 9),
    )


@given(IDS, IDS, IDS, IDS, MIDS, st.integers(0, 0xFFFF), st.integers(0, 255), st.booleans())
def test_every_set_of_extensions_is_read_back_as_it_was_meant(
    mid_id: int,
    twcc_id: int,
    level_id: int,
    source_level_id: int,
    mid: str,
    twcc: int,
    level: int,
    has_level: bool,
) -> None:
    used = [number for number in (mid_id, twcc_id, level_id) if number]
    if len(used) != len(set(used)):
        return
    plan = plan_extensions(
        mid_id=mid_id,
        mid=mid,
        twcc_id=twcc_id,
        level_id=level_id,
        source_level_id=source_level_id,
    )
    sent = [(source_level_id, bytes([level]))] if has_level and source_level_id else None
    out = render(make_rule(plan), rtp(5, 1000, 105, b"payload", 96, sent), 1000, twcc)
    expected: dict[int, bytes] = {}
    if mid_id:
        expected[mid_id] = mid.encode()
    if twcc_id:
        expected[twcc_id] = twcc.to_bytes(2)
    if level_id and source_level_id:
        expected[level_id] = bytes([level]) if sent else b"\x7f"
    assert header.extensions(out) == expected
    for number, data in expected.items():
        assert header.extension(out, number) == data
    assert out[header.payload_offset(out) :] == b"payload"
    assert header.payload_offset(out) == 12 + plan.size
    assert header.sequence_number(out) == 10
    assert header.timestamp(out) == 100
    assert header.ssrc(out) == 77
    assert header.payload_type(out) == 45


def test_numbers_wrap_on_the_wire() -> None:
    rule = make_rule(ExtensionPlan())
    out = render(rule, rtp(5, 989, 4, b"x"), 0x10000 + 989, 0x12345)
    assert header.sequence_number(out) == 0xFFFF
    assert header.timestamp(out) == 0xFFFFFFFF


def test_marker_stays_and_padding_csrcs_and_the_senders_extensions_go() -> None:
    packet = rtp(5, 1000, 1, b"data", 96, [(3, b"secret")], marker=True)
    start = header.payload_offset(packet)
    listed = bytes([packet[0] | 0x21]) + packet[1:12] + b"CSRC" + packet[12:start]
    out = render(make_rule(ExtensionPlan()), listed + b"data" + b"\0\0\0\x04", 1000, 1)
    assert out[0] == 0x80
    assert header.marker(out)
    assert out[12:] == b"data"
    assert b"secret" not in out


def test_vp8_numbers_are_moved_and_nothing_else() -> None:
    packet = rtp(5, 1000, 1, vp8_payload(0x7FFE, key=True, body=b"frame"))
    out = render(make_rule(ExtensionPlan(), is_vp8=True), packet, 1000, 1)
    start = header.payload_offset(out)
    assert vp8.parse(out, start).picture_id == 1, "15 bits wrap"
    assert out.endswith(b"frame")
    assert vp8.is_keyframe(out, start)


def test_an_empty_packet_is_forwarded_empty() -> None:
    out = render(make_rule(ExtensionPlan(), is_vp8=True), rtp(5, 1000, 1, b""), 1000, 1)
    assert len(out) == 12


@given(st.binary(min_size=1, max_size=50), st.booleans())
def test_a_retransmission_is_the_packet_with_its_number_in_front(
    payload: bytes, marker: bool
) -> None:
    plan = plan_extensions(mid_id=1, mid="4", twcc_id=4, level_id=0, source_level_id=0)
    packet = rtp(5, 1000, 105, payload, 96, marker=marker)
    plain = render(make_rule(plan), packet, 1000, 1)
    again = render_rtx(
        make_rule(plan), packet, 1000, 2, rtx_ssrc=78, rtx_payload_type=46, rtx_seq=0x10005
    )
    start = header.payload_offset(again)
    assert again[start:] == (10).to_bytes(2) + plain[header.payload_offset(plain) :]
    assert header.sequence_number(again) == 5
    assert header.ssrc(again) == 78
    assert header.payload_type(again) == 46
    assert header.timestamp(again) == header.timestamp(plain)
    assert header.marker(again) is marker
    assert header.extension(again, 4) == (2).to_bytes(2)
