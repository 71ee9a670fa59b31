"""Words and packets of one end of the link, with a socket that is full at times."""

from __future__ import annotations

from sfu.core.stream import link
from sfu.core.stream.words import Words


class Socket:
    """Takes as many messages as there is room for."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[bytes] = []

    def transmit(self, message: bytes) -> bool:
        if len(self.taken) >= self.room:
            return False
        self.taken.append(message)
        return True


FIRST, SECOND = link.ClosePath(1), link.ClosePath(2)


def test_a_word_that_found_no_room_goes_before_the_next_packets() -> None:
    socket = Socket(0)
    words = Words(socket.transmit)
    words.say(FIRST)
    words.say(SECOND)
    assert not words.send(b"packets that are lost")
    socket.room = 3
    assert words.send(b"packets")
    assert socket.taken == [link.pack_word(FIRST), link.pack_word(SECOND), b"packets"]


def test_no_packet_overtakes_a_word() -> None:
    socket = Socket(0)
    words = Words(socket.transmit)
    words.say(FIRST)
    words.say(SECOND)
    socket.room = 1
    assert not words.send(b"packets")
    assert socket.taken == [link.pack_word(FIRST)]


def test_what_was_not_said_is_forgotten_when_the_other_end_has_gone() -> None:
    socket = Socket(0)
    words = Words(socket.transmit)
    words.say(FIRST)
    words.clear()
    socket.room = 9
    assert words.send(b"packets")
    assert socket.taken == [b"packets"]
