"""Which track and layer an unknown ssrc belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.description import Extensions
from sfu.core.forwarder.binding import Binding, bind
from sfu.core.forwarder.model import Publisher
from tests.sfu.core.forwarder.packets import H264, VP8, publisher, section
from tests.sim.world import rtp

Extension = tuple[int, bytes]


def simulcast() -> Publisher:
    return publisher(section("0", "microphone"), section("1", "camera", rids=("q", "h", "f")))


def place(found: Binding | None) -> tuple[str, int | None, bool] | None:
    return None if found is None else (found.track.section.mid, found.layer, found.rtx)


def packet(ssrc: int, kind: int, *extensions: Extension, payload: bytes = b"x") -> bytes:
    return rtp(ssrc, 1, 1, payload, kind, list(extensions))


@pytest.mark.parametrize(("rid", "layer"), [(b"q", 0), (b"h", 1), (b"f", 2)])
def test_mid_and_rid_name_a_layer(rid: bytes, layer: int) -> None:
    found = bind(simulcast(), packet(7, 96, (1, b"1"), (2, rid)))
    assert place(found) == ("1", layer, False)


def test_a_mid_alone_names_a_track_without_simulcast() -> None:
    assert place(bind(simulcast(), packet(7, 111, (1, b"0")))) == ("0", 0, False)


@pytest.mark.parametrize("extensions", [[], [(1, b"1")], [(1, b"1"), (2, b"x")]])
def test_a_layer_that_nothing_names_is_not_guessed(extensions: list[Extension]) -> None:
    assert bind(simulcast(), packet(7, 96, *extensions)) is None


def test_declared_ssrcs_name_the_layers_in_their_order() -> None:
    """An offer without rid extension declares them."""
    bob = publisher(
        section("1", "camera", ("q", "h"), ssrcs=(10, 20, 11, 21), rtx_ssrcs=((10, 11), (20, 21)))
    )
    assert place(bind(bob, packet(20, 96))) == ("1", 1, False)
    assert place(bind(bob, packet(21, 97))) == ("1", 1, True)
    assert place(bind(bob, packet(11, 97))) == ("1", 0, True)


def test_a_payload_type_that_only_one_m_line_has_names_its_track() -> None:
    assert place(bind(simulcast(), packet(7, 111))) == ("0", 0, False)


def test_a_payload_type_that_two_m_lines_share_names_none() -> None:
    bob = publisher(section("1", "camera"), section("2", "screen"))
    assert bind(bob, packet(7, 96)) is None
    assert place(bind(bob, packet(7, 96, (1, b"2")))) == ("2", 0, False)


def test_chromiums_probe_on_a_layers_rtx_ssrc_names_it_by_the_repaired_rid() -> None:
    found = bind(simulcast(), packet(7, 97, (1, b"1"), (3, b"h"), payload=b""))
    assert place(found) == ("1", 1, True)


def test_a_probe_without_rid_belongs_to_the_track_and_to_no_layer() -> None:
    assert place(bind(simulcast(), packet(7, 97, (1, b"1"), payload=b""))) == ("1", None, True)


def test_firefoxs_probe_on_a_declared_rtx_ssrc_needs_no_extension() -> None:
    """Firefox declares ssrcs and flows even with simulcast."""
    bob = publisher(section("1", "camera", ssrcs=(10, 11), rtx_ssrcs=((10, 11),)))
    assert place(bind(bob, packet(11, 97, payload=b""))) == ("1", 0, True)


def test_a_payload_type_that_was_not_negotiated_belongs_nowhere() -> None:
    assert bind(simulcast(), packet(7, 50, (1, b"1"), (2, b"q"))) is None
    assert bind(simulcast(), packet(7, 111, (1, b"1"))) is None, "sound in the camera's m-line"


def test_every_codec_of_an_m_line_is_known() -> None:
    bob = publisher(section("1", "camera", codecs=(VP8, H264)))
    assert place(bind(bob, packet(7, 102, (1, b"1")))) == ("1", 0, False)
    assert place(bind(bob, packet(7, 103, (1, b"1")))) == ("1", 0, True)


def test_extension_ids_are_those_of_the_m_line() -> None:
    bob = publisher(section("1", "camera", extensions=Extensions(mid=9)), section("2", "screen"))
    assert place(bind(bob, packet(7, 96, (9, b"1")))) == ("1", 0, False)
    assert bind(bob, packet(7, 96, (1, b"1"))) is None


@given(
    st.integers(0, 127),
    st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4),
    st.binary(max_size=5),
)
def test_no_packet_raises(kind: int, extensions: list[Extension], payload: bytes) -> None:
    bind(simulcast(), packet(7, kind, *extensions, payload=payload))
