"""What a page has said of what it hears and sees."""

from __future__ import annotations

import msgspec

from signaling.core.messages import Experience


class Told(msgspec.Struct, frozen=True):
    """The newest report of a page, and for how many in a row each person did not come through."""

    report: Experience
    at: float  # Unix seconds
    unheard: dict[str, int]
    unseen: dict[str, int]
