"""RTP headers and header extensions, against packets written out by hand and generated ones."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import header
from sfu.core.rtp.header import RtpError
from tests.hostile import examples, grows_linearly, mutated


def packet(
    first: int = 0x80, csrcs: int = 0, block: bytes = b"", payload: bytes = b"payload"
) -> bytes:
    fixed = struct.pack("!BBHII", first | csrcs, 0xE0, 0x1234, 0x89ABCDEF, 0xFEDCBA98)
    return fixed + bytes(4 * csrcs) + block + payload


def with_block(block: bytes) -> bytes:
    return packet(0x90, block=block)


elements = st.lists(
    st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=6, unique_by=lambda e: e[0]
)
short_elements = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)),
    max_size=6,
    unique_by=lambda e: e[0],
)


def test_the_fixed_fields_are_read_as_the_rfc_lays_them_out() -> None:
    p = packet()
    assert header.sequence_number(p) == 0x1234
    assert header.timestamp(p) == 0x89ABCDEF
    assert header.ssrc(p) == 0xFEDCBA98
    assert header.payload_type(p) == 0x60
    assert header.marker(p)


def test_the_payload_follows_csrcs_and_the_extension_block() -> None:
    block = b"\xbe\xde\x00\x01\x10\xaa\x00\x00"
    assert header.payload_offset(packet()) == 12
    assert header.payload_offset(packet(csrcs=3)) == 24
    assert header.payload_offset(packet(0x90, csrcs=2, block=block)) == 28


def test_a_packet_may_end_where_its_header_ends() -> None:
    assert header.payload_offset(packet(payload=b"")) == 12


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        packet()[:11],
        packet(first=0x40),
        packet(csrcs=15)[:70],
        packet(0x90)[:12],
        packet(0x90, payload=b"\xbe\xde\x00"),
        packet(0x90, block=b"\xbe\xde\x00\x02", payload=b"1234567"),
    ],
)
def test_a_header_that_does_not_fit_its_packet_is_refused(broken: bytes) -> None:
    with pytest.raises(RtpError):
        header.payload_offset(broken)
    with pytest.raises(RtpError):
        header.extensions(broken)


def test_padding_is_counted_only_where_the_padding_bit_is_set() -> None:
    assert header.padding_length(packet(payload=b"ab\x03")) == 0
    assert header.padding_length(packet(0xA0, payload=b"ab\x00\x00\x03")) == 3
    assert header.padding_length(packet(0xA0, payload=b"\x00\x02")) == 2


@pytest.mark.parametrize("payload", [b"", b"a\x00", b"a\x03"])
def test_padding_that_is_empty_or_reaches_into_the_header_is_refused(payload: bytes) -> None:
    with pytest.raises(RtpError):
        header.padding_length(packet(0xA0, payload=payload))


def test_one_byte_elements_are_found_between_padding() -> None:
    p = with_block(b"\xbe\xde\x00\x03" + b"\x10\xaa" + b"\x00\x00" + b"\x32abc" + b"\x00" * 4)
    assert header.extension(p, 1) == b"\xaa"
    assert header.extension(p, 3) == b"abc"
    assert header.extension(p, 2) is None


def test_two_byte_elements_are_found_whatever_the_application_bits() -> None:
    p = with_block(b"\x10\x0f\x00\x02" + b"\x01\x00" + b"\x00" + b"\xc8\x02hi" + b"\x00")
    assert header.extensions(p) == {1: b"", 200: b"hi"}


def test_a_block_of_an_unknown_form_has_no_elements() -> None:
    assert header.extensions(with_block(b"\x12\x34\x00\x01\x10\xaa\x00\x00")) == {}


def test_id_15_ends_a_one_byte_block() -> None:
    p = with_block(b"\xbe\xde\x00\x02" + b"\x10\xaa" + b"\xf0\x00" + b"\x20\xbb\x00\x00")
    assert header.extensions(p) == {1: b"\xaa"}


def test_an_element_that_overruns_its_block_is_not_read() -> None:
    assert header.extensions(with_block(b"\xbe\xde\x00\x01" + b"\x10\xaa\x25\xbb")) == {1: b"\xaa"}
    assert header.extensions(with_block(b"\x10\x00\x00\x01" + b"\x01\x00\x05\x09")) == {1: b""}
    assert header.extensions(with_block(b"\x10\x00\x00\x01" + b"\x01\x01\xaa\x05")) == {1: b"\xaa"}


def test_a_reserved_element_with_id_0_and_a_length_is_skipped() -> None:
    p = with_block(b"\xbe\xde\x00\x01" + b"\x01\x10" + b"\x10\xaa")
    assert header.extensions(p) == {}
    assert header.extension(p, 0) is None
    p = with_block(b"\xbe\xde\x00\x02" + b"\x01\xff\xff" + b"\x10\xaa" + b"\x00" * 3)
    assert header.extensions(p) == {1: b"\xaa"}


def test_the_first_of_two_elements_with_one_id_counts() -> None:
    p = with_block(b"\xbe\xde\x00\x01" + b"\x10\xaa\x10\xbb")
    assert header.extension(p, 1) == header.extensions(p)[1] == b"\xaa"


def test_a_block_is_built_in_the_one_byte_form_and_padded_to_words() -> None:
    assert header.one_byte_extensions([(1, b"ab"), (14, b"c")]) == bytes.fromhex(
        "bede0002 116162 e063 000000"
    )
    assert header.one_byte_extensions([]) == bytes.fromhex("bede0000")


@pytest.mark.parametrize("item", [(15, b"a"), (1, b""), (1, bytes(17))])
def test_what_the_one_byte_form_cannot_hold_is_built_in_the_two_byte_form(
    item: tuple[int, bytes],
) -> None:
    block = header.one_byte_extensions([(2, b"x"), item])
    assert block[:2] == b"\x10\x00"
    assert header.extensions(with_block(block)) == dict([(2, b"x"), item])


@pytest.mark.parametrize("item", [(0, b"a"), (256, b"a"), (1, bytes(256))])
def test_an_element_that_fits_no_form_is_refused(item: tuple[int, bytes]) -> None:
    with pytest.raises(RtpError):
        header.one_byte_extensions([item])


@given(elements)
def test_built_elements_are_read_back(items: list[tuple[int, bytes]]) -> None:
    block = header.one_byte_extensions(items)
    p = with_block(block)
    assert len(block) % 4 == 0
    assert header.payload_offset(p) == 12 + len(block)
    assert header.extensions(p) == dict(items)


@given(short_elements)
def test_short_elements_never_need_the_two_byte_form(items: list[tuple[int, bytes]]) -> None:
    assert header.one_byte_extensions(items)[:2] == b"\xbe\xde"


@given(st.binary(max_size=80), st.sampled_from([b"\xbe\xde", b"\x10\x00", b""]))
def test_no_bytes_raise_anything_but_rtp_errors(tail: bytes, profile: bytes) -> None:
    for p in (tail, b"\x90" + bytes(11) + profile + tail, b"\xb0" + bytes(11) + profile + tail):
        try:
            offset = header.payload_offset(p)
        except RtpError:
            continue
        found = header.extensions(p)
        assert all(header.extension(p, ext_id) == data for ext_id, data in found.items())
        assert 12 <= offset <= len(p)


# One element of each form, padding between and behind, id 15, id 0 with a length, an overrun.
GOLDEN = [
    packet(),
    packet(0xB0, csrcs=2, block=bytes.fromhex("bede0003 10aa 0000 32616263 f000 2011 00 00")),
    with_block(bytes.fromhex("bede0002 01ff ff10 aa000000")),
    with_block(bytes.fromhex("100f0003 0100 00 c8026869 00 05 ff 0000")),
    with_block(bytes.fromhex("12340001 10aa0000")),
    packet(0xA0, payload=b"ab\x00\x00\x03"),
]


@given(
    st.booleans(),
    st.booleans(),
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    st.none() | elements,
    st.binary(max_size=40),
    st.integers(0, 255),
)
def test_every_field_of_a_packet_is_read_back(
    padded: bool,
    mark: bool,
    kind: int,
    number: int,
    time: int,
    source: int,
    csrcs: list[int],
    items: list[tuple[int, bytes]] | None,
    payload: bytes,
    pad: int,
) -> None:
    tail = bytes(pad - 1) + bytes((pad,)) if padded and pad else b""
    first = 0x80 | bool(tail) << 5 | (items is not None) << 4 | len(csrcs)
    block = b"" if items is None else header.one_byte_extensions(items)
    fixed = struct.pack("!BBHII", first, mark << 7 | kind, number, time, source)
    head = fixed + b"".join(one.to_bytes(4) for one in csrcs) + block
    whole = head + payload + tail
    assert header.payload_offset(whole) == len(head)
    assert header.padding_length(whole) == len(tail)
    assert header.marker(whole) is mark
    assert header.payload_type(whole) == kind
    assert header.sequence_number(whole) == number
    assert header.timestamp(whole) == time
    assert header.ssrc(whole) == source
    assert header.extensions(whole) == dict(items or [])
    assert all(header.extension(whole, ext_id) == data for ext_id, data in items or [])


def check_reading(data: bytes) -> None:
    """Whatever it is: RtpError, or fields that lie in the packet and readers that agree."""
    try:
        offset = header.payload_offset(data)
    except RtpError:
        return
    assert 12 <= offset <= len(data)
    try:
        assert 0 <= header.padding_length(data) <= len(data) - offset
    except RtpError:
        assert data[0] & 0x20
    found = header.extensions(data)
    assert sum(map(len, found.values())) <= offset - 12
    for ext_id in (*range(17), 255, *found):
        assert header.extension(data, ext_id) == found.get(ext_id)


@examples(400)
@given(mutated(GOLDEN))
def test_no_changed_packet_raises_anything_but_rtp_errors(data: bytes) -> None:
    check_reading(data)


@pytest.mark.parametrize("packet", GOLDEN)
def test_every_cut_and_every_flipped_bit_is_survived(packet: bytes) -> None:
    for end in range(len(packet)):
        check_reading(packet[:end])
    for bit in range(8 * len(packet)):
        flipped = bytearray(packet)
        flipped[bit // 8] ^= 1 << bit % 8
        check_reading(bytes(flipped))


def test_one_element_is_read_like_all_of_them() -> None:
    block = bytes.fromhex("bede0003 01ff 10aa 32616263 f000 2011 00 00".replace(" ", ""))
    for data in (packet(), with_block(block), with_block(block[:4] + b"\x25" + block[5:])):
        check_reading(data)
    assert header.extension(packet(), 1) is None
    assert header.extension(with_block(b"\xbe\xde\x00\x01\x10\xaa\x25\xbb"), 2) is None
    assert header.extension(with_block(b"\xbe\xde\x00\x01\x10\xaa\xf0\xbb"), 11) is None
    assert header.extension(with_block(b"\x10\x00\x00\x01\xc8\x02hi"), 200) == b"hi"


def test_a_block_that_its_length_cannot_tell_is_not_built() -> None:
    with pytest.raises(RtpError, match="too long"):
        header.one_byte_extensions([(1, bytes(255))] * 1024)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["00", "1000", "01ff", "0100", "10", "f0"])
@pytest.mark.parametrize("profile", ["bede", "1000"])
def test_the_longest_extension_block_is_read_in_linear_time(profile: str, unit: str) -> None:
    def read(block: bytes) -> object:
        words = len(block) // 4
        data = packet(0x90, block=bytes.fromhex(profile) + words.to_bytes(2) + block)
        return header.extension(data, 14), header.extensions(data)

    assert grows_linearly(read, bytes.fromhex(unit))
