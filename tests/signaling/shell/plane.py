"""A media plane that carries nothing: it remembers commands and tells what the test wants told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from signaling import ports
from signaling.core.rights import Rights

Command = tuple[str | int | bool, ...]


class FakePlane:
    """Implements `signaling.ports.MediaPlane` in memory; `carried` survives a restarted front."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.carried: dict[str, str] = {}
        self.refusal: ports.Refused | None = None
        self.problem: Exception | None = None
        self.gate = asyncio.Event()  # answers wait for it
        self.gate.set()
        self._events: asyncio.Queue[ports.MediaEvent | None] = asyncio.Queue()

    def tell(self, event: ports.MediaEvent | None) -> None:
        """Report an event; None ends the stream."""
        self._events.put_nowait(event)

    def named(self, name: str) -> list[Command]:
        return [command for command in self.commands if command[0] == name]

    async def open_room(self, room: str, max_peers: int) -> None:
        self.commands.append(("open_room", room, max_peers))

    async def connect(
        self,
        room: str,
        peer: str,
        owner: str,
        offer: ports.MediaOffer | ports.DeviceOffer,
        rights: Rights,
    ) -> str:
        self.commands.append(("connect", room, peer))
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        if self.problem is not None:
            raise self.problem
        self.carried[peer] = room
        return f"answer to {offer.sdp}"

    async def restart_ice(self, peer: str, ufrag: str, password: str) -> ports.IceParameters:
        self.commands.append(("restart_ice", peer, ufrag))
        if self.refusal is not None:
            raise self.refusal
        return ports.IceParameters(f"new-{ufrag}", password[::-1], ("1 1 udp 1 ::1 9 typ host",))

    async def set_view(self, peer: str, slots: tuple[ports.SlotView, ...]) -> None:
        self.commands.append(("set_view", peer, len(slots)))

    async def slot_ready(self, peer: str, slot: int, epoch: int) -> None:
        self.commands.append(("slot_ready", peer, slot, epoch))

    async def set_muted(self, peer: str, source: ports.Source, muted: bool) -> None:
        self.commands.append(("set_muted", peer, source, muted))

    async def close_peer(self, peer: str) -> None:
        self.commands.append(("close_peer", peer))
        self.carried.pop(peer, None)

    async def close_room(self, room: str) -> None:
        self.commands.append(("close_room", room))

    async def peers(self) -> dict[str, str]:
        return dict(self.carried)

    async def events(self) -> AsyncIterator[ports.MediaEvent]:
        while (event := await self._events.get()) is not None:
            yield event
