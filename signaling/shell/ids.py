"""Random identities. Participants are public names, seat keys are secrets."""

from __future__ import annotations

import secrets
from typing import Protocol

PARTICIPANT_BYTES = 8  # unguessable is not needed, collisions are
SECRET_BYTES = 24  # 192 bits; 32 URL-safe characters


class Ids(Protocol):
    """Where ids come from; tests count instead."""

    def participant(self) -> str: ...
    def connection(self) -> str: ...
    def secret(self) -> str: ...


class RandomIds:
    """Ids from the operating system's randomness."""

    def participant(self) -> str:
        return "p" + secrets.token_hex(PARTICIPANT_BYTES)

    def connection(self) -> str:
        return "c" + secrets.token_hex(PARTICIPANT_BYTES)

    def secret(self) -> str:
        return secrets.token_urlsafe(SECRET_BYTES)
