"""RTCP compounds read and built, against aiortc as a second opinion and against broken ones."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import rtcp, twcc
from sfu.core.rtp.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    TransportFeedback,
)
from sfu.core.rtp.rtcp_build import nack_items
from tests.hostile import examples, grows_linearly, mutated

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(ReportBlock, u32, u8, st.integers(-0x800000, 0x7FFFFF), u32, u32, u32, u32),
    max_size=31,
).map(tuple)
ssrcs = st.lists(u32, max_size=31).map(tuple)
cnames = st.text(st.characters(codec="utf-8"), max_size=60)
rates = st.builds(int.__lshift__, st.integers(0x20000, 0x3FFFF), st.integers(0, 63))
packets: st.SearchStrategy[RtcpPacket] = st.one_of(
    st.builds(SenderReport, u32, st.integers(0, 2**64 - 1), u32, u32, u32, blocks),
    st.builds(ReceiverReport, u32, blocks),
    st.builds(SourceDescription, st.lists(st.tuples(u32, cnames), max_size=31).map(tuple)),
    st.builds(Goodbye, ssrcs),
    st.builds(PictureLoss, u32, u32),
    st.builds(FullIntraRequest, u32, st.lists(st.tuples(u32, u8), max_size=9).map(tuple)),
    st.builds(Remb, u32, rates, st.lists(u32, max_size=255).map(tuple)),
)
BLOCK = ReportBlock(0x11111111, 64, -2, 0x12345, 90, 0xAAAA, 0xBBBB)
PLI = PictureLoss(1, 2)


@given(st.lists(packets, min_size=1, max_size=6))
def test_what_is_built_is_read_back(compound: list[RtcpPacket]) -> None:
    assert rtcp.parse_compound(rtcp.build(compound)) == compound


@given(u32, u32, st.sets(u16, min_size=1, max_size=60))
def test_a_nack_names_the_same_packets_after_the_wire(
    sender: int, media: int, numbers: set[int]
) -> None:
    (found,) = rtcp.parse_compound(rtcp.build([Nack(sender, media, tuple(numbers))]))
    assert isinstance(found, Nack)
    assert (found.sender, found.media) == (sender, media)
    assert len(found.sequence_numbers) == len(numbers)
    assert set(found.sequence_numbers) == numbers


def test_a_nack_over_the_wrap_takes_one_item() -> None:
    data = rtcp.build([Nack(1, 2, (65535, 0, 15))])
    assert data.hex() == "81cd00030000000100000002ffff8001"
    assert rtcp.parse_compound(data) == [Nack(1, 2, (65535, 0, 15))]


def test_nack_items_are_as_few_as_can_be() -> None:
    assert nack_items([]) == []
    assert nack_items([5, 21, 22]) == [(5, 0x8000), (22, 0)]
    assert nack_items([10, 3, 3, 65530]) == [(65530, 1 << 8 | 1 << 15)]
    assert nack_items(range(17)) == [(0, 0xFFFF)]


def test_a_nack_of_nothing_names_nothing() -> None:
    assert rtcp.parse_compound(rtcp.build([Nack(1, 2, ())])) == [Nack(1, 2, ())]


def test_a_rate_keeps_its_highest_18_bits() -> None:
    (found,) = rtcp.parse_compound(rtcp.build([Remb(1, 2_500_001, (7,))]))
    assert isinstance(found, Remb)
    assert found.bitrate_bps == 2_500_000
    assert aiortc_rtp.unpack_remb_fci(rtcp.build([Remb(1, 2_500_000, (7,))])[12:]) == (
        2_500_000,
        [7],
    )


def test_counters_that_outgrow_the_wire_are_cut_to_their_width() -> None:
    report = SenderReport(1, 2, 3 + 2**32, 4 + 2**32, 5 + 2**33)
    block = ReportBlock(1, 0, 2**30, 2**32 + 7, 0, 0, 0)
    found = rtcp.parse_compound(rtcp.build([report, ReceiverReport(1, (block,))]))
    assert found[0] == SenderReport(1, 2, 3, 4, 5)
    assert found[1] == ReceiverReport(1, (ReportBlock(1, 0, 0x7FFFFF, 7, 0, 0, 0),))


def test_aiortc_reads_what_we_build() -> None:
    compound: list[RtcpPacket] = [
        SenderReport(1, 2 << 40, 3, 4, 5, (BLOCK,)),
        ReceiverReport(9, (BLOCK,)),
        SourceDescription(((1, "alice"),)),
        Goodbye((1, 2)),
        Nack(1, 2, (100, 101, 150)),
        PLI,
    ]
    parsed: list[Any] = list(aiortc_rtp.RtcpPacket.parse(rtcp.build(compound)))
    sr, rr, sdes, bye, nack, pli = parsed
    assert (sr.ssrc, sr.sender_info.ntp_timestamp, sr.sender_info.octet_count) == (1, 2 << 40, 5)
    assert [(b.packets_lost, b.highest_sequence) for b in sr.reports] == [(-2, 0x12345)]
    assert (rr.ssrc, rr.reports[0].dlsr) == (9, 0xBBBB)
    assert [(c.ssrc, c.items) for c in sdes.chunks] == [(1, [(1, b"alice")])]
    assert bye.sources == [1, 2]
    assert nack.lost == [100, 101, 150]
    assert (pli.ssrc, pli.media_ssrc) == (1, 2)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (aiortc_rtp.RtcpByePacket(sources=[5]), Goodbye((5,))),
        (aiortc_rtp.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2), PLI),
        (
            aiortc_rtp.RtcpSdesPacket(
                chunks=[
                    aiortc_rtp.RtcpSourceInfo(ssrc=7, items=[(2, b"name"), (1, b"carol")]),
                ]
            ),
            SourceDescription(((7, "carol"),)),
        ),
    ],
)
def test_we_read_what_aiortc_builds(theirs: object, expected: RtcpPacket) -> None:
    assert rtcp.parse_compound(bytes(theirs)) == [expected]  # type: ignore[call-overload]


def test_each_chunk_of_a_description_ends_at_a_word_and_may_lack_a_name() -> None:
    chunks = bytes.fromhex("00000007 020161 0101 62 00 0000000008 0201 61 0000000009 00000000")
    data = b"\x83\xca\x00\x07" + chunks
    assert rtcp.parse_compound(data) == [SourceDescription(((7, "b"),))]


def test_reports_with_a_profile_extension_are_read() -> None:
    data = rtcp.build([ReceiverReport(1, (BLOCK,))]) + bytes(8)
    data = data[:2] + struct.pack("!H", len(data) // 4 - 1) + data[4:]
    assert rtcp.parse_compound(data) == [ReceiverReport(1, (BLOCK,))]


def test_unknown_packets_and_formats_are_skipped() -> None:
    app, xr = b"\x80\xcc\x00\x02" + bytes(8), b"\x80\xcf\x00\x01" + bytes(4)
    tmmbr, other_afb = b"\x83\xcd\x00\x02" + bytes(8), b"\x8f\xce\x00\x03" + bytes(8) + b"GOOG"
    empty_afb = b"\x8f\xce\x00\x02" + bytes(8)
    data = app + xr + tmmbr + other_afb + empty_afb + rtcp.build([PLI])
    assert rtcp.parse_compound(data) == [PLI]
    assert rtcp.parse_compound(xr) == []


def test_padding_of_the_last_packet_is_left_out() -> None:
    nack = rtcp.build([Nack(1, 2, (9,))]) + b"\x00\x00\x00\x04"
    padded = b"\xa1" + nack[1:3] + b"\x04" + nack[4:]
    assert rtcp.parse_compound(padded) == [Nack(1, 2, (9,))]


def test_what_follows_a_broken_frame_is_not_read_but_what_came_before_is_kept() -> None:
    good = rtcp.build([PLI])
    for garbage in (b"\x00", b"\x00\xc9\x00\x00", b"\x80\xc9\x00\x09" + bytes(8)):
        assert rtcp.parse_compound(good + garbage + good) == [PLI]


def test_a_broken_body_behind_the_first_packet_is_skipped() -> None:
    good = rtcp.build([PLI])
    assert rtcp.parse_compound(good + b"\x81\xc9\x00\x01" + bytes(4) + good) == [PLI, PLI]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\xc9\x00",
        b"\x40\xc9\x00\x01" + bytes(4),  # version 1
        b"\x80\xc9\x00\x02" + bytes(4),  # longer than the datagram
        b"\xa0\xc9\x00\x01" + bytes(3) + b"\x05",  # more padding than body
        b"\x80\xc8\x00\x01" + bytes(4),  # sender report without sender info
        b"\x80\xc9\x00\x00",  # receiver report without ssrc
        b"\x82\xc9\x00\x07" + bytes(28),  # two blocks promised, one there
        b"\x82\xcb\x00\x01" + bytes(4),  # goodbye of two, one there
        b"\x81\xca\x00\x00",  # description without its chunk
        b"\x81\xca\x00\x02" + bytes(4) + b"\x01\x09ab",  # item longer than the packet
        b"\x81\xca\x00\x02" + bytes(4) + b"\x02\x01a\x01",  # item without its length
        b"\x81\xcd\x00\x01" + bytes(4),  # feedback without media ssrc
        b"\x8f\xce\x00\x03" + bytes(8) + b"REMB",  # nothing behind the name
        b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + b"\x01\x00\x00\x01",  # ssrc missing
        b"\x8f\xcd\x00\x02" + bytes(8),  # transport feedback without head
    ],
)
def test_a_datagram_whose_first_packet_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(RtcpError):
        rtcp.parse_compound(data)


def test_half_an_item_at_the_end_of_a_nack_or_fir_is_left_out() -> None:
    fir = b"\x84\xce\x00\x05" + bytes(8) + struct.pack("!IB3xI", 5, 6, 7)
    assert rtcp.parse_compound(fir) == [FullIntraRequest(0, ((5, 6),))]


def test_one_datagram_cannot_cost_more_than_its_bounds() -> None:
    assert len(rtcp.parse_compound(rtcp.build([PLI] * 40))) == rtcp.MAX_PACKETS
    flood = b"\x81\xcd\x00\xc9" + bytes(8) + b"\x00\x00\xff\xff" * 199
    flood = flood[:2] + struct.pack("!H", len(flood) // 4 - 1) + flood[4:]
    (nack,) = rtcp.parse_compound(flood)
    assert isinstance(nack, Nack)
    assert len(nack.sequence_numbers) == rtcp.MAX_NACKED
    lost = b"\x8f\xcd\x00\x05" + bytes(8) + b"\x00\x00\x1f\xff" + bytes(4) + b"\x1f\xff\x00\x00"
    found = rtcp.parse_compound(rtcp.build([PLI]) + lost * 20)
    statuses = sum(len(f.deltas) for f in found if isinstance(f, TransportFeedback))
    assert 0 < statuses <= twcc.MAX_STATUSES


def test_what_a_packet_cannot_count_is_not_built() -> None:
    for packet in (
        ReceiverReport(1, (BLOCK,) * 32),
        Goodbye(tuple(range(32))),
        SourceDescription(((1, "a" * 256),)),
        Remb(1, 1000, tuple(range(256))),
        FullIntraRequest(1, ((1, 1),) * 0x8000),
    ):
        with pytest.raises(RtcpError):
            rtcp.build([packet])


headers = st.tuples(st.integers(0x80, 0xBF), st.integers(200, 207)).map(bytes)


@given(st.lists(st.tuples(headers, st.binary(max_size=40)), min_size=1, max_size=5))
def test_no_bytes_raise_anything_but_rtcp_errors(framed: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(
        head + struct.pack("!H", (len(body) + 3) // 4) + body + bytes(-len(body) % 4)
        for head, body in framed
    )
    for attempt in (data, framed[0][1], data[:-1]):
        try:
            rtcp.parse_compound(attempt)
        except RtcpError:
            continue


FEEDBACK = TransportFeedback(1, 2, 65535, -1, 255, (0, None, 256, -1))
GOLDEN = [
    rtcp.build([SenderReport(1, 2 << 40, 3, 4, 5, (BLOCK,)), SourceDescription(((1, "alice"),))]),
    rtcp.build([ReceiverReport(9, (BLOCK, BLOCK)), Nack(1, 2, (65535, 0, 100))]),
    rtcp.build([FullIntraRequest(1, ((2, 3),)), PLI, Goodbye((1, 2))]),
    rtcp.build([Remb(1, 2_500_000, (7, 8)), FEEDBACK]),
    b"\xa1\xcd\x00\x04" + bytes(8) + b"\x00\x09\x00\x00" + b"\x00\x00\x00\x04",
]


def test_transport_feedback_is_built_like_every_other_packet() -> None:
    assert rtcp.parse_compound(rtcp.build([FEEDBACK, PLI])) == [FEEDBACK, PLI]


def check_reading(data: bytes) -> None:
    """RtcpError, or packets within the bounds that read the same when they are built again."""
    try:
        found = rtcp.parse_compound(data)
    except RtcpError:
        return
    assert len(found) <= rtcp.MAX_PACKETS
    for packet in found:
        if isinstance(packet, Nack):
            assert len(packet.sequence_numbers) <= rtcp.MAX_NACKED
        elif isinstance(packet, SourceDescription):
            assert all(len(cname) <= 255 for _, cname in packet.chunks)
        else:
            assert rtcp.parse_compound(rtcp.build([packet])) == [packet]


@examples(400)
@given(mutated(GOLDEN))
def test_no_changed_compound_raises_anything_but_rtcp_errors(data: bytes) -> None:
    check_reading(data)


@pytest.mark.parametrize("data", GOLDEN)
def test_every_cut_and_every_changed_byte_is_survived(data: bytes) -> None:
    for end in range(len(data)):
        check_reading(data[:end])
    for at in range(len(data)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1):
            check_reading(data[:at] + bytes((value,)) + data[at + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        b"\x80\xc9\x00\x00",  # reports without a body
        b"\x81\xca\x00\x02" + bytes(4) + b"\x01\x00\x00\x00",  # short descriptions
        b"\x81\xcd\x00\x03" + bytes(8) + b"\x00\x00\xff\xff",  # NACKs
        b"\x8f\xcd\x00\x05" + bytes(8) + b"\x00\x00\x20\x00" + bytes(4) + b"\x20\x00\x00\x00",
    ],
)
def test_a_datagram_of_small_packets_costs_linear_time(unit: bytes) -> None:
    head = rtcp.build([PLI])
    assert grows_linearly(rtcp.parse_compound, unit, head)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("9fca", "0100"),  # one description of empty items
        ("9fca", "00000000 01000000"),
        ("81cd", "0000ffff"),
        ("8fcd", "2000"),
        ("84ce", "0000000000000000"),
        ("9fcb", "00000000"),
        ("8fce", "52454d42 ff000000"),
    ],
)
def test_one_large_packet_costs_linear_time(head: str, unit: str) -> None:
    def read(body: bytes) -> object:
        body += bytes(-len(body) % 4)
        packet = bytes.fromhex(head) + (len(body) // 4).to_bytes(2) + body
        return rtcp.parse_compound(rtcp.build([PLI]) + packet)

    assert grows_linearly(read, bytes.fromhex(unit))
