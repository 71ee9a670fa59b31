"""Fragments for ICE: what is read, what is refused, what is answered."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.core.sdpfrag import BadFragment, Fragment, entity_tag, parse, write
from signaling.ports import IceParameters

PASSWORD = "x9cml/YzichV2+XlhiMu8g"
# The ICE restart of RFC 9725 section 4.3.3, with a shorter candidate list.
RESTART = f"""a=ice-options:trickle ice2
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:ysXw
a=ice-pwd:{PASSWORD}
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0
a=end-of-candidates
""".replace("\n", "\r\n")
OURS = IceParameters("ours", "p" * 32, ("1 1 udp 2 192.0.2.9 8443 typ host",))


def test_credentials_and_what_the_answer_repeats_are_read() -> None:
    head = ("a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0")
    assert parse(RESTART) == Fragment("ysXw", PASSWORD, head)
    assert parse(RESTART.replace("\r\n", "\n")) == parse(RESTART)


def test_candidates_alone_are_a_fragment() -> None:
    assert parse("a=mid:0\r\na=end-of-candidates\r\n") == Fragment("", "", ("a=mid:0",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "a=mid:0\r\n",
        "a=ice-ufrag:abcd\r\n",
        f"a=ice-pwd:{PASSWORD}\r\n",
        f"a=ice-ufrag:abc\r\na=ice-pwd:{PASSWORD}\r\n",
        "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n",
        f"a=ice-ufrag:ab cd\r\na=ice-pwd:{PASSWORD}\r\n",
        "a=candidate:\0\r\n",
        "a=candidate:1\r\n" * 6000,
    ],
)
def test_what_is_no_fragment_is_refused(text: str) -> None:
    with pytest.raises(BadFragment):
        parse(text)


def test_our_fragment_has_credentials_and_candidates() -> None:
    assert write(parse(RESTART).head, OURS).split("\r\n") == [
        "a=ice-lite",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=ice-ufrag:ours",
        f"a=ice-pwd:{'p' * 32}",
        "a=candidate:1 1 udp 2 192.0.2.9 8443 typ host",
        "a=end-of-candidates",
        "",
    ]


def test_the_tag_changes_with_the_clients_credentials_and_with_nothing_else() -> None:
    offer = f"v=0\r\ns=x\r\na=ice-ufrag:ysXw\r\na=ice-pwd:{PASSWORD}\r\n"
    assert entity_tag(offer) == entity_tag(RESTART)
    assert entity_tag(offer) != entity_tag(offer.replace("ysXw", "ysXv"))


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_comes_is_read_or_refused(text: str, more: str) -> None:
    for fragment in (text, f"{RESTART}{text}", f"a={text}\r\n{RESTART}{more}"):
        with contextlib.suppress(BadFragment):
            answered = write(parse(fragment).head, OURS)
            assert len(answered.split("\r\n")) <= 9, "nothing of the client's breaks a line"
        entity_tag(fragment)
