"""WebSocket close codes of call control, each with its stable reason (PROTOCOL.md).

`final` closings end the visit for this client; after the others it comes back by itself.
"""

from __future__ import annotations

import enum


class Closing(enum.Enum):
    """(close code, final)"""

    LEFT = (4000, True)
    BAD_MESSAGE = (4400, True)
    TOKEN_INVALID = (4401, True)
    TOKEN_EXPIRED = (4402, True)
    TOKEN_USED = (4403, True)
    UNKNOWN_ROOM = (4404, True)
    SEAT_GONE = (4405, True)
    WITHDRAWN = (4406, True)
    HEARTBEAT = (4408, False)
    REPLACED = (4409, True)
    ENDED = (4410, True)
    REMOVED = (4411, True)
    DENIED = (4412, True)
    TOO_LARGE = (4413, True)
    LOCKED = (4423, True)
    RATE_LIMIT = (4429, False)
    RESTARTING = (4500, False)
    ROOM_FULL = (4503, True)

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def final(self) -> bool:
        return self.value[1]

    @property
    def reason(self) -> str:
        return self.name.lower()
