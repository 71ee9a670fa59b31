"""What one end of the link says: words are never lost, and no packet overtakes one.

What the socket does not take at once waits if it is a word, and is lost, as over UDP, if it is
packets (`sfu.core.stream.link`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sfu.core.stream import link


class Words:
    """`transmit` sends one message, or says that it could not now."""

    __slots__ = ("_transmit", "_waiting")

    def __init__(self, transmit: Callable[[bytes], bool]) -> None:
        self._transmit = transmit
        self._waiting: deque[bytes] = deque()

    def say(self, word: link.Word) -> None:
        """Send it now or before the next message."""
        self._waiting.append(link.pack_word(word))
        self._catch_up()

    def send(self, message: bytes) -> bool:
        """Whether a message of packets went; it does not while a word waits."""
        return self._catch_up() and self._transmit(message)

    def clear(self) -> None:
        """The other end has gone, and with it the need for what was not said."""
        self._waiting.clear()

    def _catch_up(self) -> bool:
        while self._waiting and self._transmit(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting
