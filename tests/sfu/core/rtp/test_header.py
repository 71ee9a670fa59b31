"""RTP headers and header extensions, against packets written out by hand and generated ones."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import header
from sfu.core.rtp.header import RtpError


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
