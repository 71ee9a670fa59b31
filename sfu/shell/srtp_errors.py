"""What both kinds of SRTP share: why a packet is refused, how many streams, how one is sealed."""

from __future__ import annotations

from collections.abc import Callable

MAX_STREAMS = 512  # ssrcs of one peer and direction; a call with simulcast and RTX uses about 20


class SrtpError(ValueError):
    """A packet that cannot be protected or does not authenticate."""


class SrtpReplay(SrtpError):
    """A packet that was accepted before, or is too old to tell."""


class NonceReuse(SrtpError):
    """A packet whose (ssrc, index) has been protected before, or is too old to tell."""


# (header with CSRCs and extensions, payload) → SRTP. The header is not checked: its ssrc must be
# the sealer's. Raises as `protect` does.
Sealer = Callable[[bytearray, bytes], bytes]
