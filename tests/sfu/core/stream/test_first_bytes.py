"""A connection is known by its first bytes."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.stream import first_bytes
from sfu.core.stream.framing import frame
from tests.hostile import examples, mutated

BINDING = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
ALLOCATE = b"\x00\x03\x00\x00\x21\x12\xa4\x42" + bytes(12)


def hello(*protocols: str) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="clinic.test").do_handshake()
    return outgoing.read()


GOLDEN = [hello(), hello("http/1.1"), hello("h2", "http/1.1"), hello("webrtc"), BINDING]


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (hello("http/1.1"), "https"),
        (hello("h2", "http/1.1"), "https"),
        (hello("webrtc", "c-webrtc"), "tls"),
        (hello(), "tls"),
        (BINDING, "turn"),
        (ALLOCATE, "turn"),
        (frame(BINDING), "ice"),
        (b"GET / HTTP/1.1\r\n", "other"),
        (b"SSH-2.0-OpenSSH", "other"),
        (bytes(20), "other"),
    ],
)
def test_what_a_client_is(start: bytes, kind: str) -> None:
    assert first_bytes.needed(start[:9]) == first_bytes.FIRST_BYTES
    assert first_bytes.needed(start) <= len(start)
    assert first_bytes.tell(start[: first_bytes.needed(start)]) == kind


def test_a_client_hello_is_waited_for_until_it_is_whole() -> None:
    whole = hello("http/1.1")
    assert first_bytes.needed(whole[:10]) == len(whole)


def test_nobody_makes_us_wait_for_more_than_a_record() -> None:
    assert first_bytes.needed(b"\x16\x03\x01\xff\xff\x01" + bytes(10)) == 5 + 16_384


@examples(500)
@given(mutated(GOLDEN) | st.binary(min_size=10, max_size=200))
def test_whatever_comes_is_one_of_the_kinds(start: bytes) -> None:
    if len(start) >= first_bytes.FIRST_BYTES:
        assert first_bytes.tell(start) in ("https", "tls", "turn", "ice", "other")
