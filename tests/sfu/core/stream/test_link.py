"""What edge and worker say to each other comes over as it was said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.stream import link
from tests.hostile import examples

WORDS = [
    link.OpenPath(7, "turn", "2001:db8::1", 49_152),
    link.ClosePath(7),
    link.Report({"edge_ice": 3}),
    link.Claimed(7, (1, 2**32 - 1)),
    link.Released(7),
]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: type(word).__name__)
def test_words_come_over(word: link.Word) -> None:
    message = link.pack_word(word)
    assert link.path_of(message) == link.CONTROL
    kinds = link.FromEdge | link.FromWorker
    assert msgspec.msgpack.decode(link.word_of(message), type=kinds) == word


@examples(100)
@given(st.lists(st.binary(min_size=1, max_size=1500), max_size=60))
def test_packets_come_over_in_messages_of_bounded_size(packets: list[bytes]) -> None:
    found: list[bytes] = []
    for message, count in link.pack_packets(9, packets):
        assert link.path_of(message) == 9
        assert len(message) <= link.MAX_MESSAGE_BYTES
        held = link.packets_of(message)
        assert len(held) == count
        found += held
    assert found == packets


def test_what_is_too_much_for_one_message_goes_in_several() -> None:
    sizes = [count for _, count in link.pack_packets(9, [bytes(1400)] * 50)]
    assert sizes == [23, 23, 4]
    assert [count for _, count in link.pack_packets(9, [])] == []
