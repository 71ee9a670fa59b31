"""Slow hashes of passwords, on two threads of their own and never inside a transaction.

Argon2id (RFC 9106) by OWASP's first choice of cost, over a keyed hash of the password: the key is
in the keyring, so that a stolen database alone cannot be guessed at. Parameters stand in the hash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from clinic_api.auth.passwords import normal
from clinic_api.errors import Refused
from clinic_api.transaction import Keys

MEMORY_KIB = 47_104  # OWASP Password Storage Cheat Sheet: m=46 MiB, t=1, p=1
THREADS = 2
MAX_WAITING = 50  # about three seconds of work; more would only make all of them late

_HASHER = PasswordHasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1)
R = TypeVar("R")

_PLACE = "credentials.password"

# Of no password; it takes as long as any other, so that a name nobody has is not told apart.
NOBODYS = f"$argon2id$v=19$m={MEMORY_KIB},t=1,p=1${'A' * 22}${'A' * 43}"


async def hashed(keys: Keys, password: str) -> str:
    """Raises Refused(unavailable) when too many wait."""
    return await _in_turn(lambda: _HASHER.hash(_peppered(keys, password)))


def is_outdated(kept: str | None) -> bool:
    """Whether it was made with other costs than today's."""
    return kept is not None and _HASHER.check_needs_rehash(kept)


async def matches(keys: Keys, kept: str | None, password: str) -> bool:
    """Whether it is the password of `kept`; None costs the same and is false.

    Raises Refused(unavailable) when too many wait.
    """

    def verify() -> bool:
        try:
            return _HASHER.verify(kept or NOBODYS, _peppered(keys, password))
        except (VerificationError, InvalidHashError):
            return False

    return await _in_turn(verify)


def _peppered(keys: Keys, password: str) -> bytes:
    return keys.index(_PLACE, normal(password))


class _Turns:
    """Two threads and who waits for them."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self.waiting = 0


@cache
def _turns() -> _Turns:
    return _Turns()


async def _in_turn(work: Callable[[], R]) -> R:
    turns = _turns()
    if turns.waiting >= MAX_WAITING:
        raise Refused("unavailable", retry_after_s=5)
    turns.waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(turns.pool, work)
    finally:
        turns.waiting -= 1
