"""The demo's room, with a link for a doctor and one for a patient.

Links are kept as hashes only, so their secrets lie in a file of their own, which only a demo folder
has. The links stay the same over restarts until they expire or somebody ends the visit; then there
is a new room.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from certs.files import PRIVATE, write_atomically
from signaling.core.rights import Rights
from signaling.ports import Refused
from signaling.shell.links import Links

FILE_NAME = "demo_links.json"
LIFETIME_S = 30 * 24 * 3600.0


class Guest(msgspec.Struct, frozen=True):
    """Somebody for whom the demo has a link."""

    label: str
    name: str
    role: str
    rights: Rights
    waits: bool


CAST = (
    Guest("doctor", "Dr. Bob Example", "provider", Rights(True, True, True, True), waits=False),
    Guest("patient", "Alice Example", "patient", Rights(True, True, False, True), waits=True),
)


class DemoRoom(msgspec.Struct, frozen=True):
    """The room and the secret of each link, by its label."""

    room: str
    secrets: dict[str, str]

    def links(self, public_url: str) -> dict[str, str]:
        """The addresses to open, by label."""
        return {label: f"{public_url}/join#{secret}" for label, secret in self.secrets.items()}


async def ensure_demo_room(keys: Path, links: Links) -> DemoRoom:
    """The demo's room of before, or a new one when its links do not open it any more."""
    kept = _read(keys / FILE_NAME)
    if kept and await _all_open(links, kept.secrets.values()):
        return kept
    fresh = await _make(links)
    write_atomically(keys / FILE_NAME, msgspec.json.encode(fresh), PRIVATE)
    return fresh


def _read(path: Path) -> DemoRoom | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoRoom)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def _all_open(links: Links, kept: Iterable[str]) -> bool:
    try:
        for secret in kept:
            await links.exchange(secret)
    except Refused:
        return False
    return True


async def _make(links: Links) -> DemoRoom:
    room = f"demo-{secrets.token_hex(8)}"
    made = {
        guest.label: await links.create_link(
            room,
            f"demo-{guest.label}",
            guest.name,
            guest.role,
            guest.rights,
            guest.waits,
            LIFETIME_S,
        )
        for guest in CAST
    }
    return DemoRoom(room, made)
